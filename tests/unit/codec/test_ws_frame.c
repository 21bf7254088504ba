/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>
#include <string.h>

#include "base/err.h"
#include "codec/ws/frame.h"

static struct ws_frame frame;

#define READ(text) ws_frame_read((const uint8_t *)(text), sizeof(text) - 1, &frame)

START_TEST(heads)
{
	ck_assert_int_eq(READ("\x81\x05hello"), 2);
	ck_assert(frame.fin && !frame.masked && frame.opcode == WS_TEXT && frame.length == 5 && frame.reserved == 0);
	ck_assert_int_eq(READ("\xc2\x80\x01\x02\x03\x04"), 6);
	ck_assert(frame.fin && frame.masked && frame.opcode == WS_BINARY && frame.length == 0 && frame.reserved == 0x40);
	ck_assert_mem_eq(frame.mask, "\x01\x02\x03\x04", 4);
	ck_assert_int_eq(READ("\x02\x7e\x01\x00"), 4);
	ck_assert(!frame.fin && frame.length == 256);
	ck_assert_int_eq(READ("\x02\xff\0\0\0\1\0\0\0\0abcd"), 14);
	ck_assert_uint_eq(frame.length, 1ull << 32);
	ck_assert_mem_eq(frame.mask, "abcd", 4);
}
END_TEST

START_TEST(lengths_are_written_in_one_way)
{
	ck_assert_int_eq(READ("\x82\x7e\x00\x7e"), 4);
	ck_assert_int_eq(READ("\x82\x7e\x00\x7d"), ERR_INVALID);
	ck_assert_int_eq(READ("\x82\x7f\0\0\0\0\0\0\xff\xff"), ERR_INVALID);
	ck_assert_int_eq(READ("\x82\x7f\0\0\0\0\0\1\0\0"), 10);
	ck_assert_int_eq(READ("\x82\x7f\x80\0\0\0\0\1\0\0"), ERR_INVALID);
}
END_TEST

/* Every kind of head, cut at every byte. */
START_TEST(heads_cut)
{
	static const char texts[][WS_HEAD_MAX + 1] = { "\x81\x05", "\x81\x85wxyz", "\x82\x7e\x10\x00", "\x82\xfe\x10\x00wxyz",
		"\x82\x7f\0\0\0\1\0\0\0\0", "\x82\xff\0\0\0\1\0\0\0\0wxyz" };
	static const int lens[] = { 2, 6, 4, 8, 10, 14 };

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		for (int n = 0; n < lens[i]; n++)
			ck_assert_int_eq(ws_frame_read((const uint8_t *)texts[i], (size_t)n, &frame), 0);
		ck_assert_int_eq(ws_frame_read((const uint8_t *)texts[i], (size_t)lens[i], &frame), lens[i]);
	}
}
END_TEST

static bool take(struct ws_stream *s, uint8_t first, uint64_t length)
{
	struct ws_frame f = { .opcode = first & 15, .reserved = first & 0x70, .fin = (first & 0x80) != 0, .masked = s->from_client,
		.length = length };

	return ws_stream_take(s, &f);
}

START_TEST(order_of_frames)
{
	struct ws_stream s = { .from_client = true };
	struct ws_frame unmasked = { .opcode = WS_TEXT, .fin = true };

	ck_assert(take(&s, 0x81, 10));
	ck_assert(!take(&s, 0x80, 10)); /* continues nothing */
	ck_assert(take(&s, 0x02, 10));
	ck_assert(take(&s, 0x89, 125)); /* control frames come between */
	ck_assert(take(&s, 0x00, 20));
	ck_assert_uint_eq(s.message, 30);
	ck_assert(!take(&s, 0x81, 1)); /* the message is not over */
	ck_assert(take(&s, 0x80, UINT64_MAX - 10));
	ck_assert_uint_eq(s.message, UINT64_MAX);
	ck_assert(!ws_stream_take(&s, &unmasked));
	s.from_client = false;
	ck_assert(ws_stream_take(&s, &unmasked));
	for (uint8_t op = 0; op < 16; op++)
		ck_assert_int_eq(take(&s, 0x80 | op, 0), op == 1 || op == 2 || (op >= 8 && op <= 10));
	ck_assert(!take(&s, 0x89, 126));
	ck_assert(!take(&s, 0x09, 1));
}
END_TEST

START_TEST(reserved_bits)
{
	struct ws_stream s = { 0 };

	ck_assert(!take(&s, 0xc1, 1));
	s.reserved = 0x40; /* permessage-deflate */
	ck_assert(take(&s, 0xc1, 1));
	ck_assert(!take(&s, 0xa1, 1));
	ck_assert(!take(&s, 0xc9, 1));
	s.reserved = 0x70; /* something we do not know */
	ck_assert(take(&s, 0xf9, 1));
}
END_TEST

START_TEST(close_payloads)
{
	ck_assert(ws_close_is_valid((const uint8_t *)"", 0));
	ck_assert(!ws_close_is_valid((const uint8_t *)"\x03", 1));
	for (unsigned code = 0; code < 6000; code++) {
		const uint8_t payload[] = { (uint8_t)(code >> 8), (uint8_t)code };

		ck_assert_int_eq(ws_close_is_valid(payload, 2),
			(code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999));
	}
}
END_TEST

START_TEST(written_frames_are_read)
{
	uint8_t bytes[WS_HEAD_MAX + WS_CONTROL_MAX], payload[WS_CONTROL_MAX];
	const uint8_t mask[4] = { 1, 2, 3, 4 };

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 7);
	for (size_t n = 0; n <= WS_CONTROL_MAX; n++) {
		size_t len = ws_control_write(bytes, WS_PING, payload, n, n % 2 != 0 ? mask : NULL);
		int head = ws_frame_read(bytes, len, &frame);

		ck_assert_uint_eq((size_t)head + n, len);
		ck_assert(frame.fin && frame.opcode == WS_PING && frame.length == n && frame.masked == (n % 2 != 0));
		/* in two pieces */
		ws_mask(bytes + head, n / 3, frame.mask, 0);
		ws_mask(bytes + head + n / 3, n - n / 3, frame.mask, n / 3);
		ck_assert_mem_eq(bytes + head, payload, n);
	}
}
END_TEST

Suite *suite_ws_frame(void)
{
	Suite *s = suite_create("ws_frame");
	TCase *t = tcase_create("ws_frame");

	tcase_add_test(t, heads);
	tcase_add_test(t, lengths_are_written_in_one_way);
	tcase_add_test(t, heads_cut);
	tcase_add_test(t, order_of_frames);
	tcase_add_test(t, reserved_bits);
	tcase_add_test(t, close_payloads);
	tcase_add_test(t, written_frames_are_read);
	suite_add_tcase(s, t);
	return s;
}
