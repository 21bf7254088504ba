/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "codec/grpc/web.h"

START_TEST(messages_end_where_they_say)
{
	static const uint8_t bytes[] = "\0\0\0\0\3abc\1\0\0\0\0\0\0\0\1\0x";
	static const size_t ends[] = { 8, 13 };

	/* in two pieces, cut at every byte */
	for (size_t cut = 0; cut <= 13; cut++) {
		struct grpc_stream s = { 0 };
		size_t at = 0, found = 0;

		while (at < 13) {
			size_t most = at < cut ? cut - at : 13 - at;
			bool is_end;
			size_t n = grpc_stream_take(&s, bytes + at, most, &is_end);

			ck_assert_uint_gt(n, 0);
			at += n;
			if (is_end)
				ck_assert_uint_eq(at, ends[found++]);
		}
		ck_assert_uint_eq(found, 2);
	}
}
END_TEST

START_TEST(trailers_are_a_frame)
{
	struct field at[] = { { .name = STR_INIT("grpc-status"), .value = STR_INIT("0") },
		{ .name = STR_INIT("x"), .value = STR_INIT("") } };
	struct fields f = { .at = at, .n = 2, .cap = 2 };
	uint8_t bytes[64];
	size_t size = grpc_web_trailers_size(&f);

	ck_assert_uint_eq(size, 5 + 16 + 5);
	ck_assert_ptr_eq(grpc_web_trailers_write(bytes, &f), bytes + size);
	ck_assert_mem_eq(bytes, "\x80\0\0\0\x15grpc-status: 0\r\nx: \r\n", size);
}
END_TEST

/* What the text decodes to, cut in two at `cut`; -1: it does not. */
static ptrdiff_t decode(const char *text, size_t cut, uint8_t *into)
{
	struct base64_decode_ctx c;
	size_t len = strlen(text);
	ptrdiff_t a, b;

	base64_decode_init(&c);
	a = grpc_web_text_decode(&c, into, text, cut);
	if (a < 0)
		return -1;
	b = grpc_web_text_decode(&c, into + a, text + cut, len - cut);
	return b < 0 || !grpc_web_text_is_whole(&c) ? -1 : a + b;
}

START_TEST(text_goes_on_after_padding)
{
	static const struct {
		const char *text, *bytes;
	} good[] = { { "", "" }, { "YWJj", "abc" }, { "YQ==", "a" }, { "YWI=", "ab" }, { "YQ==YWI=YWJj", "aababc" },
		{ "YWJjYQ==\r\nYg==", "abcab" }, { "YQ==YQ==YQ==", "aaa" } };
	static const char *const bad[] = { "Y", "YQ", "YQ=", "YWI", "YQ=Y", "=", "====", "YWJj=", "YQ===", "YW!j", "YR==", "YQ==Y" };
	uint8_t into[64];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		for (size_t cut = 0; cut <= strlen(good[i].text); cut++) {
			ck_assert_int_eq(decode(good[i].text, cut, into), (int)strlen(good[i].bytes));
			ck_assert_mem_eq(into, good[i].bytes, strlen(good[i].bytes));
		}
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		for (size_t cut = 0; cut <= strlen(bad[i]); cut++)
			ck_assert_msg(decode(bad[i], cut, into) == -1, "%s cut at %zu", bad[i], cut);
}
END_TEST

Suite *suite_grpc_web(void)
{
	Suite *s = suite_create("grpc_web");
	TCase *t = tcase_create("grpc_web");

	tcase_add_test(t, messages_end_where_they_say);
	tcase_add_test(t, trailers_are_a_frame);
	tcase_add_test(t, text_goes_on_after_padding);
	suite_add_tcase(s, t);
	return s;
}
