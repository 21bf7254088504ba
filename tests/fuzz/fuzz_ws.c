/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fuzzes the framing of WebSocket. The first byte says who sends and which bits are reserved, the rest is the stream. A head is found
 * as soon as it is whole and not before, however the stream is cut; a stream that is taken keeps the rules that RFC 6455 gives. */
#include <stdint.h>

#include "base/check.h"
#include "codec/ws/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_head(const uint8_t *at, size_t n, int head)
{
	struct ws_frame f;

	CHECK(head <= (int)WS_HEAD_MAX && (n < WS_HEAD_MAX || head != 0));
	for (int i = 0; head > 0 && i < head; i++)
		CHECK(ws_frame_read(at, (size_t)i, &f) == 0);
}

static void check_taken(const struct ws_stream *before, const struct ws_stream *now, const struct ws_frame *f)
{
	CHECK(f->masked == now->from_client && (f->reserved & ~now->reserved) == 0);
	if (ws_is_control(f)) {
		CHECK(f->fin && f->length <= WS_CONTROL_MAX && now->in_message == before->in_message);
		return;
	}
	CHECK(f->opcode <= WS_BINARY && (f->opcode == WS_CONTINUATION) == before->in_message);
	CHECK(now->in_message == !f->fin && now->message >= f->length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t flags = size == 0 ? 0 : data[0];
	struct ws_stream s = { .from_client = (flags & 1) != 0, .reserved = flags & 0x70 };
	size_t at = 1;

	while (at < size) {
		struct ws_stream before = s;
		struct ws_frame f;
		int head = ws_frame_read(data + at, size - at, &f);

		check_head(data + at, size - at, head);
		if (head <= 0 || !ws_stream_take(&s, &f))
			break;
		check_taken(&before, &s, &f);
		at += (size_t)head;
		if (f.length > size - at)
			break;
		if (f.opcode == WS_CLOSE)
			ws_close_is_valid(data + at, (size_t)f.length);
		at += (size_t)f.length;
	}
	return 0;
}
