/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The opening handshake of WebSocket as far as a gateway answers for it (RFC 6455 section 4, RFC 8441): HTTP/1.1 proves with a key that
 * both sides mean WebSocket, later versions need none. Where both legs have the key it goes through, and the answer is checked; where
 * only one has it, the gateway makes or answers it. */
#pragma once

#include "http/exchange.h"

/* Whether the request opens a WebSocket. */
bool websocket_is_asked(const struct exchange *x);
/* For such a request: false if the handshake is a bad one; the answer (400 or 426) has begun then. */
bool websocket_check(struct exchange *x);
/* Before the request goes to a back leg: puts a key in or takes it out, as the leg's version wants. False: out of memory. */
bool websocket_offer(struct exchange *x, const struct leg *back);
/* The answer to it is 101: whether the server has understood; makes the fields fit the front. */
bool websocket_agree(struct exchange *x);
