/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/str.h"

#include <check.h>
#include <stdlib.h>

Suite *suite_str(void);

START_TEST(test_slices)
{
	ck_assert(str_eq(str_slice(STR("abcdef"), 2, 3), STR("cde")));
	ck_assert(str_eq(str_slice(STR("abc"), 2, 9), STR("c")));
	ck_assert_uint_eq(str_slice(STR("abc"), 7, 1).len, 0);
	ck_assert_uint_eq(str_slice(STR_NONE, 1, 1).len, 0);
	ck_assert(str_starts(STR("abc"), STR("ab")) && !str_starts(STR("a"), STR("ab")));
	ck_assert(str_ends(STR("abc"), STR("bc")) && !str_ends(STR("c"), STR("bc")));
	ck_assert(str_starts(STR_NONE, STR("")) && str_ends(STR("x"), STR_NONE));
	ck_assert(str_eq(str_trim(STR(" \t a b\t ")), STR("a b")));
	ck_assert_uint_eq(str_trim(STR(" \t")).len, 0);
}
END_TEST

START_TEST(test_compares)
{
	ck_assert_int_lt(str_cmp(STR("a"), STR("b")), 0);
	ck_assert_int_lt(str_cmp(STR("a"), STR("aa")), 0);
	ck_assert_int_gt(str_cmp(STR("\xff"), STR("a")), 0);
	ck_assert_int_eq(str_cmp(STR(""), STR_NONE), 0);
	ck_assert(str_eq_nocase(STR("Host"), STR("hOST")));
	ck_assert(!str_eq_nocase(STR("a@"), STR("a`")));
	ck_assert(str_hash(STR("abc")) == str_hash(STR("abc")));
	ck_assert(str_hash(STR("abcdefghi")) != str_hash(STR("abcdefghj")));
	ck_assert(str_hash((struct str){ "\0", 1 }) != str_hash(STR("")));
}
END_TEST

/* The hash decides which server a key goes to: it must never change between versions or machines.
 * */
START_TEST(test_hash_is_fixed)
{
	ck_assert_uint_eq(str_hash(STR("10.0.0.1:8080")), 0xf9e62a63553f36ccu);
}
END_TEST

START_TEST(test_finds)
{
	ck_assert_uint_eq(str_find_char(STR("abc"), 'c'), 2);
	ck_assert_uint_eq(str_find_char(STR("abc"), 'x'), 3);
	ck_assert_int_eq(str_find(STR("aaab"), STR("ab")), 2);
	ck_assert_int_eq(str_find(STR("aaab"), STR("aaab")), 0);
	ck_assert_int_eq(str_find(STR("aaa"), STR("ab")), -1);
	ck_assert_int_eq(str_find(STR("a"), STR("ab")), -1);
	ck_assert_int_eq(str_find(STR("x"), STR("")), 0);
}
END_TEST

START_TEST(test_splits)
{
	struct str rest = STR("a,,b"), part;

	ck_assert(str_split(&rest, ',', &part) && str_eq(part, STR("a")));
	ck_assert(str_split(&rest, ',', &part) && part.len == 0 && part.ptr != NULL);
	ck_assert(str_split(&rest, ',', &part) && str_eq(part, STR("b")));
	ck_assert(!str_split(&rest, ',', &part));
	rest = STR("a,");
	ck_assert(str_split(&rest, ',', &part) && str_split(&rest, ',', &part) && part.len == 0);
	ck_assert(!str_split(&rest, ',', &part));
}
END_TEST

START_TEST(test_numbers)
{
	uint64_t n;

	ck_assert(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &n) && n == UINT64_MAX);
	ck_assert(!str_to_u64(STR("18446744073709551616"), UINT64_MAX, &n));
	ck_assert(!str_to_u64(STR("99999999999999999999"), UINT64_MAX, &n));
	ck_assert(str_to_u64(STR("007"), 7, &n) && n == 7);
	ck_assert(!str_to_u64(STR("8"), 7, &n));
	ck_assert(!str_to_u64(STR(""), 7, &n) && !str_to_u64(STR("+1"), 7, &n) &&
		  !str_to_u64(STR("1 "), 7, &n));
	ck_assert(!str_to_u64(STR("1/"), 99, &n) && !str_to_u64(STR("1:"), 99, &n));
}
END_TEST

START_TEST(numbers_as_text)
{
	static const struct {
		uint64_t n;
		const char *text;
	} cases[] = { { 0, "0" }, { 9, "9" }, { 10, "10" }, { 200, "200" }, { 1048576, "1048576" },
		{ UINT64_MAX, "18446744073709551615" } };
	char text[STR_U64_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert(str_eq((struct str){ text, (size_t)(str_put_u64(text, cases[i].n) - text) }, str_of(cases[i].text)));
}
END_TEST

START_TEST(test_distances)
{
	char longer[200];

	ck_assert_uint_eq(str_distance(STR("backend"), STR("BackEnd"), 3), 0);
	ck_assert_uint_eq(str_distance(STR("bakcend"), STR("backend"), 3), 1);
	ck_assert_uint_eq(str_distance(STR("bilings"), STR("billing"), 3), 2);
	ck_assert_uint_eq(str_distance(STR("abc"), STR("xyz"), 2), 3);
	ck_assert_uint_eq(str_distance(STR(""), STR("abc"), 5), 3);
	ck_assert_uint_eq(str_distance(STR("kitten"), STR("sitting"), 9), 3);
	ck_assert_uint_eq(str_distance(STR("abcdef"), STR("a"), 2), 3);
	ck_assert_uint_eq(str_distance(STR("aab"), STR("aba"), 3), 1);
	ck_assert_uint_eq(str_distance(STR("xab1y"), STR("XBA1Y"), 3), 1);
	ck_assert_uint_eq(str_distance(STR("aaa"), STR("aaaa"), 3), 1);
	ck_assert_uint_eq(str_distance(STR("abab"), STR("ab"), 3), 2);
	memset(longer, 'x', sizeof(longer));
	ck_assert_uint_eq(
		str_distance((struct str){ longer, 200 }, (struct str){ longer, 199 }, 4), 5);
}
END_TEST

START_TEST(test_utf8)
{
	static const struct {
		const char *text;
		size_t valid;
	} cases[] = {
		{ "plain ascii of some length", 26 },
		{ "h\xc3\xa9", 3 },
		{ "\xe4\xbd\xa0\xe5", 3 },
		{ "\xf0\x9f\x98\x80", 4 },
		{ "a\xc0\x80", 1 },
		{ "\xc1\xbf", 0 },
		{ "\xe0\x9f\xbf", 0 },
		{ "\xed\xa0\x80", 0 },
		{ "\xed\x9f\xbf", 3 },
		{ "\xf0\x8f\xbf\xbf", 0 },
		{ "\xf4\x90\x80\x80", 0 },
		{ "\xf4\x8f\xbf\xbf", 4 },
		{ "12345678\x80", 8 },
		{ "\xff", 0 },
		{ "\xf5\x80\x80\x80", 0 },
		{ "\xe4\xbd", 0 },
		{ "\xc3(", 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_uint_eq(str_utf8_valid(str_of(cases[i].text)), cases[i].valid);
}
END_TEST

START_TEST(test_sbuf)
{
	struct sbuf b = { 0 };

	sbuf_adds(&b, "x");
	for (int i = 0; i < 1000; i++)
		sbuf_printf(&b, "%d,", i);
	ck_assert_uint_eq(b.len, 1 + 10 * 2 + 90 * 3 + 900 * 4);
	ck_assert_uint_eq(strlen(b.ptr), b.len);
	sbuf_clear(&b);
	ck_assert_str_eq(b.ptr, "");
	sbuf_json(&b, (struct str){ "a\"\\\n\x01\x7f\0\xff\xc3\xa9", 10 });
	ck_assert_str_eq(b.ptr, "\"a\\\"\\\\\\n\\u0001\\u007f\\u0000\xef\xbf\xbd\xc3\xa9\"");
	sbuf_fini(&b);
	ck_assert_ptr_null(b.ptr);
	sbuf_add(&b, STR_NONE);
	ck_assert_str_eq(b.ptr, "");
	sbuf_json(&b, STR_NONE);
	ck_assert_str_eq(b.ptr, "\"\"");
	sbuf_fini(&b);
}
END_TEST

Suite *suite_str(void)
{
	Suite *s = suite_create("str");
	TCase *t = tcase_create("str");

	tcase_add_test(t, test_slices);
	tcase_add_test(t, test_compares);
	tcase_add_test(t, test_hash_is_fixed);
	tcase_add_test(t, test_finds);
	tcase_add_test(t, test_splits);
	tcase_add_test(t, test_numbers);
	tcase_add_test(t, numbers_as_text);
	tcase_add_test(t, test_distances);
	tcase_add_test(t, test_utf8);
	tcase_add_test(t, test_sbuf);
	suite_add_tcase(s, t);
	return s;
}
