/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>

#include "http/pace.h"

static const struct toron_pace least = { .bytes = 1000, .over_ms = 100 };

START_TEST(a_peer_in_drops_is_too_slow_at_the_end_of_its_span)
{
	struct pace p = { 0 };

	ck_assert_uint_eq(pace_due(&p, &least, true, 0, 50), 150);
	for (uint64_t now = 51; now < 150; now++)
		ck_assert_uint_eq(pace_due(&p, &least, true, now * 2, now), 150);
	ck_assert_uint_le(pace_due(&p, &least, true, 999, 150), 150);
	ck_assert_uint_le(pace_due(&p, &least, true, 999, 170), 170);
}
END_TEST

START_TEST(a_span_that_brought_enough_is_followed_by_the_next)
{
	struct pace p = { 0 };

	pace_due(&p, &least, true, 7, 50);
	ck_assert_uint_eq(pace_due(&p, &least, true, 1007, 150), 250);
	ck_assert_uint_eq(pace_due(&p, &least, true, 1007, 249), 250);
	/* What came in the first one does not count in the second. */
	ck_assert_uint_le(pace_due(&p, &least, true, 2006, 250), 250);
}
END_TEST

START_TEST(nobody_is_blamed_for_the_other_side)
{
	struct pace p = { 0 };

	pace_due(&p, &least, true, 0, 50);
	ck_assert_uint_eq(pace_due(&p, &least, false, 1, 60), 0);
	ck_assert_uint_eq(pace_due(&p, &least, false, 1, 6000), 0);
	ck_assert_uint_eq(pace_due(&p, &least, true, 1, 7000), 7100);
	ck_assert_uint_eq(pace_due(&p, &least, false, 1, 7099), 0);
	ck_assert_uint_eq(pace_due(&p, &least, true, 1, 7150), 7250);
	ck_assert_uint_le(pace_due(&p, &least, true, 1, 7250), 7250);
}
END_TEST

START_TEST(what_was_done_may_wrap)
{
	struct pace p = { 0 };

	pace_due(&p, &least, true, UINT64_MAX - 500, 50);
	ck_assert_uint_eq(pace_due(&p, &least, true, 499, 150), 250);
}
END_TEST

START_TEST(without_a_limit_nothing_is_due)
{
	static const struct toron_pace none = { 0 };
	struct pace p = { 0 };

	ck_assert_uint_eq(pace_due(&p, &none, true, 0, 50), 0);
	ck_assert_uint_eq(p.since_ms, 0);
}
END_TEST

Suite *suite_pace(void)
{
	Suite *s = suite_create("pace");
	TCase *c = tcase_create("pace");

	tcase_add_test(c, a_peer_in_drops_is_too_slow_at_the_end_of_its_span);
	tcase_add_test(c, a_span_that_brought_enough_is_followed_by_the_next);
	tcase_add_test(c, nobody_is_blamed_for_the_other_side);
	tcase_add_test(c, what_was_done_may_wrap);
	tcase_add_test(c, without_a_limit_nothing_is_due);
	suite_add_tcase(s, c);
	return s;
}
