/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The opening handshake of WebSocket as far as a gateway answers for it (RFC 6455 section 4, RFC 8441): HTTP/1.1 proves with a key that
 * both sides mean WebSocket, later versions need none. Between the legs a handshake always has its key and its accept; codecs of later
 * versions leave them out, and put the accept in when the server has agreed. */
#pragma once

#include "http/exchange.h"

/* Whether the request opens a WebSocket. */
bool websocket_is_asked(const struct exchange *x);
/* For such a request: false if the handshake is a bad one; the answer (400 or 426) has begun then. */
bool websocket_check(struct exchange *x);
/* Before the request goes to a back leg: sees to it that there is a key. False: there is none. */
bool websocket_offer(struct exchange *x);
/* The answer to it is 101: whether the server has understood. */
bool websocket_agree(const struct exchange *x);
