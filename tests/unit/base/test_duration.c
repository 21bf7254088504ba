/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/duration.h"

#include <check.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"

Suite *suite_duration(void);

START_TEST(test_durations)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} good[] = {
		{ "250ms", 250 },
		{ "5s", 5000 },
		{ "2m", 120000 },
		{ "1h", 3600000 },
		{ "1d", 86400000 },
		{ "1m30s", 90000 },
		{ "0s", 0 },
		{ "1d2h3m4s5ms", 93784005 },
		{ "90s", 90000 },
		{ "18446744073709551615ms", UINT64_MAX },
	};
	static const char *const bad[] = { "", "5", "s", "5 s", "1.5s", "-5s", "5S", "5sec", "1s1s",
		"1s1m", "5s ", "18446744073709551615s", "18446744073709551616ms",
		"213503982334d1h1d", "18446744073709551s999ms" };
	uint64_t ms;

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		ck_assert_msg(duration_parse(str_of(good[i].text), &ms), "%s", good[i].text);
		ck_assert_uint_eq(ms, good[i].ms);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!duration_parse(str_of(bad[i]), &ms), "%s", bad[i]);
}
END_TEST

START_TEST(test_sizes)
{
	static const char *const bad[] = { "", "1", "1K", "1KB", "1kb", "1 MiB", "1.5MiB", "MiB",
		"1MiB2KiB", "16777216TiB" };
	uint64_t n;

	ck_assert(size_parse(STR("16KiB"), &n) && n == 16384);
	ck_assert(size_parse(STR("1MiB"), &n) && n == 1048576);
	ck_assert(size_parse(STR("10kB"), &n) && n == 10000);
	ck_assert(size_parse(STR("512B"), &n) && n == 512);
	ck_assert(size_parse(STR("2GB"), &n) && n == 2000000000);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!size_parse(str_of(bad[i]), &n), "%s", bad[i]);
}
END_TEST

START_TEST(test_rates)
{
	static const char *const bad[] = { "", "100", "/s", "100/", "100/ms", "1/2s", "1.5/s",
		"-1/s", "1/s/s" };
	struct rate r;

	ck_assert(rate_parse(STR("100/s"), &r) && r.n == 100 && r.period_ms == 1000);
	ck_assert(rate_parse(STR("5000/m"), &r) && r.n == 5000 && r.period_ms == 60000);
	ck_assert(rate_parse(STR("10/h"), &r) && r.n == 10 && r.period_ms == 3600000);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!rate_parse(str_of(bad[i]), &r), "%s", bad[i]);
}
END_TEST

START_TEST(test_percentages)
{
	static const char *const bad[] = { "", "%", "20", "100.1%", "101%", "0.00001%", ".5%",
		"5.%", "-1%", "1%%", "1.2.3%" };
	uint32_t ppm;

	ck_assert(percent_parse(STR("20%"), &ppm) && ppm == 200000);
	ck_assert(percent_parse(STR("0.5%"), &ppm) && ppm == 5000);
	ck_assert(percent_parse(STR("100%"), &ppm) && ppm == 1000000);
	ck_assert(percent_parse(STR("100.000000%"), &ppm) && ppm == 1000000);
	ck_assert(percent_parse(STR("0.0001%"), &ppm) && ppm == 1);
	ck_assert(percent_parse(STR("0%"), &ppm) && ppm == 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!percent_parse(str_of(bad[i]), &ppm), "%s", bad[i]);
}
END_TEST

START_TEST(test_formats)
{
	static const uint64_t values[] = { 0, 1, 999, 1000, 1024, 90000, 60000, 5400000, 86400000,
		1048576, 1000000, 1024000, 123456789, UINT64_MAX };
	struct arena a;
	uint64_t back;

	arena_init_unbounded(&a);
	ck_assert_str_eq(duration_format(&a, 90000).ptr, "90s");
	ck_assert_str_eq(duration_format(&a, 60000).ptr, "1m");
	ck_assert_str_eq(duration_format(&a, 0).ptr, "0s");
	ck_assert_str_eq(duration_format(&a, 1500).ptr, "1500ms");
	ck_assert_str_eq(size_format(&a, 16384).ptr, "16KiB");
	ck_assert_str_eq(size_format(&a, 10000).ptr, "10kB");
	ck_assert_str_eq(size_format(&a, 0).ptr, "0B");
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		ck_assert(
			duration_parse(duration_format(&a, values[i]), &back) && back == values[i]);
		ck_assert(size_parse(size_format(&a, values[i]), &back) && back == values[i]);
	}
	arena_fini(&a);
}
END_TEST

START_TEST(test_dates)
{
	char text[40];

	clock_http_date(784111777ull * 1000000, text);
	ck_assert_mem_eq(text, "Sun, 06 Nov 1994 08:49:37 GMT", CLOCK_HTTP_DATE_LEN);
	clock_http_date(0, text);
	ck_assert_mem_eq(text, "Thu, 01 Jan 1970 00:00:00 GMT", CLOCK_HTTP_DATE_LEN);
	clock_http_date(951827696ull * 1000000, text);
	ck_assert_mem_eq(text, "Tue, 29 Feb 2000 12:34:56 GMT", CLOCK_HTTP_DATE_LEN);
	clock_rfc3339(4107542399999000ull, text);
	ck_assert_mem_eq(text, "2100-02-28T23:59:59.999Z", CLOCK_RFC3339_LEN);
	ck_assert_uint_le(clock_monotonic_us(), clock_monotonic_us());
	ck_assert_uint_gt(clock_wall_us(), 1600000000ull * 1000000);
}
END_TEST

Suite *suite_duration(void)
{
	Suite *s = suite_create("duration");
	TCase *t = tcase_create("duration");

	tcase_add_test(t, test_durations);
	tcase_add_test(t, test_sizes);
	tcase_add_test(t, test_rates);
	tcase_add_test(t, test_percentages);
	tcase_add_test(t, test_formats);
	tcase_add_test(t, test_dates);
	suite_add_tcase(s, t);
	return s;
}
