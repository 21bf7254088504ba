/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "codec/ws/frame.h"

#include <string.h>

#include "base/check.h"
#include "base/err.h"

static uint64_t big_endian(const uint8_t *p, unsigned n)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < n; i++)
		value = value << 8 | p[i];
	return value;
}

int ws_frame_read(const uint8_t *bytes, size_t n, struct ws_frame *out)
{
	unsigned extra, head;

	if (n < 2)
		return 0;
	extra = (bytes[1] & 0x7f) == 127 ? 8 : (bytes[1] & 0x7f) == 126 ? 2 : 0;
	*out = (struct ws_frame){
		.opcode = bytes[0] & 0x0f,
		.reserved = bytes[0] & 0x70,
		.fin = (bytes[0] & 0x80) != 0,
		.masked = (bytes[1] & 0x80) != 0,
		.length = bytes[1] & 0x7f,
	};
	head = 2 + extra + (out->masked ? 4 : 0);
	if (n < head)
		return 0;
	if (extra != 0)
		out->length = big_endian(bytes + 2, extra);
	/* In as few bytes as it can be, and never with the top bit. */
	if ((extra == 2 && out->length < 126) || (extra == 8 && (out->length <= UINT16_MAX || out->length >> 63 != 0)))
		return ERR_INVALID;
	if (out->masked)
		memcpy(out->mask, bytes + 2 + extra, 4);
	out->head_len = (uint8_t)head;
	return (int)head;
}

static bool take_control(const struct ws_stream *s, const struct ws_frame *f)
{
	/* No extension that is in use gives the bits a meaning here, unless we know of none what they mean. */
	return f->opcode <= WS_PONG && f->fin && f->length <= WS_CONTROL_MAX &&
	       (f->reserved == 0 || s->reserved == 0x70);
}

bool ws_stream_take(struct ws_stream *s, const struct ws_frame *f)
{
	if (f->masked != s->from_client || (f->reserved & ~s->reserved) != 0)
		return false;
	if (ws_is_control(f))
		return take_control(s, f);
	if (f->opcode > WS_BINARY || (f->opcode == WS_CONTINUATION) != s->in_message)
		return false;
	if (!s->in_message)
		s->message = 0;
	s->message = f->length > UINT64_MAX - s->message ? UINT64_MAX : s->message + f->length;
	s->in_message = !f->fin;
	return true;
}

bool ws_close_is_valid(const uint8_t *payload, size_t n)
{
	uint64_t code;

	if (n < 2)
		return n == 0;
	code = big_endian(payload, 2);
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

void ws_mask(uint8_t *bytes, size_t n, const uint8_t mask[4], size_t at)
{
	for (size_t i = 0; i < n; i++)
		bytes[i] ^= mask[(at + i) & 3];
}

size_t ws_control_write(uint8_t *to, enum ws_opcode opcode, const uint8_t *payload, size_t n, const uint8_t *mask)
{
	size_t head = mask != NULL ? 6 : 2;

	CHECK(n <= WS_CONTROL_MAX);
	to[0] = (uint8_t)(0x80 | opcode);
	to[1] = (uint8_t)(n | (mask != NULL ? 0x80 : 0));
	memcpy(to + head, payload, n);
	if (mask != NULL) {
		memcpy(to + 2, mask, 4);
		ws_mask(to + head, n, mask, 0);
	}
	return head + n;
}
