/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The framing of WebSocket (RFC 6455 section 5): reading heads of frames, checking their order, writing control frames. Payloads are
 * left as they are. Nothing here keeps bytes: who reads a stream shows the beginning of what it has, as often as it likes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WS_HEAD_MAX 14u    /* bytes */
#define WS_CONTROL_MAX 125u /* bytes of payload of a control frame */

enum ws_opcode { WS_CONTINUATION = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

/* Close codes (RFC 6455 section 7.4.1). */
enum ws_code { WS_GOING_AWAY = 1001, WS_PROTOCOL_ERROR = 1002, WS_POLICY = 1008, WS_TOO_BIG = 1009 };

struct ws_frame {
	uint8_t opcode;      /* enum ws_opcode, once checked */
	uint8_t reserved;    /* the bits RSV1..RSV3, as 0x40, 0x20, 0x10 */
	bool fin, masked;
	uint8_t head_len;    /* bytes */
	uint8_t mask[4];
	uint64_t length;     /* of the payload */
};

static inline bool ws_is_control(const struct ws_frame *f)
{
	return (f->opcode & 8) != 0;
}

/* The head of a frame at the beginning of the bytes: its length; 0: more bytes are needed (never with WS_HEAD_MAX of them); ERR_INVALID:
 * the length is not written as it must be. */
int ws_frame_read(const uint8_t *bytes, size_t n, struct ws_frame *out);

/* One direction, as far as frames depend on those before. */
struct ws_stream {
	bool from_client;    /* frames must be masked; else they must not be */
	uint8_t reserved;    /* bits that the extensions agreed on may set */
	bool in_message;     /* a message has begun whose last frame has not come */
	uint64_t message;    /* bytes of the message's payload so far, the present frame's included */
};
/* Takes the next frame. False: it breaks the protocol. */
bool ws_stream_take(struct ws_stream *s, const struct ws_frame *f);
/* Whether a close frame's payload, unmasked, may be one: empty, or a code that may be sent and a reason. */
bool ws_close_is_valid(const uint8_t *payload, size_t n);

/* XORs with the mask, from the payload's byte `at` on. */
void ws_mask(uint8_t *bytes, size_t n, const uint8_t mask[4], size_t at);
/* Writes a whole control frame with n bytes (at most WS_CONTROL_MAX) of payload; mask NULL: unmasked. The room must be for
 * WS_HEAD_MAX + n bytes. How many bytes it has. */
size_t ws_control_write(uint8_t *to, enum ws_opcode opcode, const uint8_t *payload, size_t n, const uint8_t *mask);
