/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The Range field, and dates in fields. */
#include <check.h>

#include "http/date.h"
#include "http/range.h"

/* "0-4 7-9", "whole" or "none": what a Range value means for a length. */
static void expect(const char *value, uint64_t length, const char *want)
{
	struct range at[RANGE_MOST];
	char got[512] = "";
	size_t n = 0, len = 0;

	switch (range_parse(str_of(value), length, at, &n)) {
	case RANGE_WHOLE:
		ck_assert_str_eq("whole", want);
		return;
	case RANGE_UNSATISFIABLE:
		ck_assert_str_eq("none", want);
		return;
	case RANGE_PARTS:
		break;
	}
	ck_assert_uint_ge(n, 1);
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(got + len, sizeof(got) - len, "%s%llu-%llu", i == 0 ? "" : " ",
			(unsigned long long)at[i].first, (unsigned long long)at[i].last);
	ck_assert_str_eq(got, want);
}

START_TEST(single_ranges)
{
	expect("bytes=0-4", 10, "0-4");
	expect("bytes=0-0", 10, "0-0");
	expect("bytes=9-9", 10, "9-9");
	expect("bytes=5-", 10, "5-9");
	expect("bytes=5-100", 10, "5-9");
	expect("bytes=-3", 10, "7-9");
	expect("bytes=-10", 10, "0-9");
	expect("bytes=-100", 10, "0-9");
	expect("Bytes=0-4", 10, "0-4");
	expect("bytes= 0-4 ", 10, "0-4");
	expect("bytes=0-18446744073709551615", 10, "0-9");
	expect("bytes=0-99999999999999999999999999", 10, "0-9");
	expect("bytes=-99999999999999999999999999", 10, "0-9");
}
END_TEST

START_TEST(unsatisfiable_ranges)
{
	expect("bytes=10-", 10, "none");
	expect("bytes=10-20", 10, "none");
	expect("bytes=99999999999999999999999999-", 10, "none");
	expect("bytes=-0", 10, "none");
	expect("bytes=0-", 0, "none");
	expect("bytes=-5", 0, "none");
	expect("bytes=20-30,40-50", 10, "none");
}
END_TEST

START_TEST(malformed_ranges)
{
	static const char *const values[] = { "", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=a-b", "bytes=1", "bytes=1-0",
		"bytes=0-4,x", "bytes=0-4;5-6", "bytes=+0-4", "bytes=0x0-4", "bytes=0--4", "bytes=0-4-5", "items=0-4", "=0-4",
		"bytes 0-4", "bytes=0 - 4", "bytes=--4" };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		expect(values[i], 10, "whole");
}
END_TEST

START_TEST(several_ranges)
{
	expect("bytes=0-1,4-5", 10, "0-1 4-5");
	expect("bytes=4-5,0-1", 10, "4-5 0-1");
	expect("bytes=0-1 , ,, -2", 10, "0-1 8-9");
	expect("bytes=0-1,20-30", 10, "0-1");
	/* More than there is, or too many. */
	expect("bytes=0-,0-", 10, "whole");
	expect("bytes=0-9,0-0", 10, "whole");
	expect("bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,10-10,11-11,12-12,13-13,14-14,15-15", 100,
		"0-0 1-1 2-2 3-3 4-4 5-5 6-6 7-7 8-8 9-9 10-10 11-11 12-12 13-13 14-14 15-15");
	expect("bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,10-10,11-11,12-12,13-13,14-14,15-15,16-16", 100, "whole");
}
END_TEST

START_TEST(range_fields)
{
	struct arena a;
	struct fields f = { 0 };
	struct range at[RANGE_MOST];
	size_t n;

	arena_init(&a, NULL, 0, 1 << 16);
	ck_assert_int_eq(range_of_request(&f, 10, at, &n), RANGE_WHOLE);
	fields_add(&f, &a, STR("range"), STR("bytes=1-2"));
	ck_assert_int_eq(range_of_request(&f, 10, at, &n), RANGE_PARTS);
	ck_assert_uint_eq(at[0].first, 1);
	fields_add(&f, &a, STR("range"), STR("bytes=3-4"));
	ck_assert_int_eq(range_of_request(&f, 10, at, &n), RANGE_WHOLE);
	arena_fini(&a);
}
END_TEST

/* ---- dates ---- */

#define EXAMPLE 784111777 /* of RFC 9110 section 5.6.7 */
#define NOW 1790000000    /* in 2026 */

START_TEST(dates)
{
	static const char *const forms[] = { "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994" };
	int64_t at;

	for (size_t i = 0; i < 3; i++) {
		ck_assert(date_parse(str_of(forms[i]), NOW, &at));
		ck_assert_int_eq(at, EXAMPLE);
	}
	ck_assert(date_parse(STR("Thu, 01 Jan 1970 00:00:00 GMT"), NOW, &at) && at == 0);
	ck_assert(date_parse(STR("Thu, 29 Feb 2024 12:00:00 GMT"), NOW, &at) && at == 1709208000);
	ck_assert(date_parse(STR("Wed, 31 Dec 1969 23:59:59 GMT"), NOW, &at) && at == -1);
	ck_assert(date_parse(STR("Fri, 31 Dec 9999 23:59:59 GMT"), NOW, &at) && at == 253402300799);
	ck_assert(date_parse(STR("Sun Nov 16 08:49:37 1994"), NOW, &at) && at == EXAMPLE + 864000);
	/* A year of two digits is at most 50 years ahead. */
	ck_assert(date_parse(STR("Sunday, 06-Nov-26 08:49:37 GMT"), NOW, &at) && at == 1793954977);
	ck_assert(date_parse(STR("Sunday, 06-Nov-76 08:49:37 GMT"), NOW, &at) && at > NOW);
	ck_assert(date_parse(STR("Sunday, 06-Nov-77 08:49:37 GMT"), NOW, &at) && at < NOW);
}
END_TEST

START_TEST(no_dates)
{
	static const char *const texts[] = { "", "0", "now", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37 GMT ", " Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun, 06 nov 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 29 Feb 2023 08:49:37 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
		"Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 94 08:49:37 GMT", "Son, 06 Nov 1994 08:49:37 GMT",
		"Sun Nov 6 08:49:37 1994", "1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 8:49:37 GMT", "Sun, +6 Nov 1994 08:49:37 GMT" };
	int64_t at;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ck_assert_msg(!date_parse(str_of(texts[i]), NOW, &at), "taken: %s", texts[i]);
}
END_TEST

Suite *suite_range(void)
{
	Suite *s = suite_create("range");
	TCase *t = tcase_create("range");

	tcase_add_test(t, single_ranges);
	tcase_add_test(t, unsatisfiable_ranges);
	tcase_add_test(t, malformed_ranges);
	tcase_add_test(t, several_ranges);
	tcase_add_test(t, range_fields);
	tcase_add_test(t, dates);
	tcase_add_test(t, no_dates);
	suite_add_tcase(s, t);
	return s;
}
