/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The proof of a WebSocket handshake in HTTP/1.1 (RFC 6455 section 4). Later versions have none, so whoever translates between them asks for it,
 * or gives it, in the other's place. */
#pragma once

#include <stdbool.h>

#include "base/str.h"

#define WEBSOCKET_KEY_LEN 24
#define WEBSOCKET_ACCEPT_LEN 28

/* A fresh Sec-WebSocket-Key. False: no random bytes. */
bool websocket_key_make(char out[WEBSOCKET_KEY_LEN]);
/* The Sec-WebSocket-Accept that answers a key. */
void websocket_key_accept(struct str key, char out[WEBSOCKET_ACCEPT_LEN]);
