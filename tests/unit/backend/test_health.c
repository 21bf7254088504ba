/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>

#include "backend/health.h"

static const struct toron_health conf = { .healthy_after = 2, .unhealthy_after = 3 };

/* Takes in probes ('+' good, '-' bad); what the server has become: 'U' unhealthy, 'H' healthy, '.' no change. */
static void feed(struct health_count *c, const char *probes, const char *expected)
{
	for (size_t i = 0; probes[i] != '\0'; i++) {
		bool has_changed = health_count(c, &conf, probes[i] == '+');
		char got = !has_changed ? '.' : c->is_unhealthy ? 'U' : 'H';

		ck_assert_msg(got == expected[i], "probe %zu of %s: %c instead of %c", i, probes, got, expected[i]);
	}
}

START_TEST(first_one_alone_decides)
{
	struct health_count good = { 0 }, bad = { 0 };

	feed(&good, "+", ".");
	ck_assert(!good.is_unhealthy);
	feed(&bad, "-", "U");
	ck_assert(bad.is_unhealthy);
}
END_TEST

START_TEST(rows_decide_later)
{
	struct health_count c = { 0 };

	feed(&c, "+--+--+---", ".........U");
	feed(&c, "--+-+-++", ".......H");
	feed(&c, "++--+---", ".......U");
}
END_TEST

START_TEST(row_begins_anew_after_a_change)
{
	struct health_count c = { 0 };

	feed(&c, "-++", "U.H");
	feed(&c, "---", "..U");
	feed(&c, "++---++", ".H..U.H");
}
END_TEST

START_TEST(single_probes_where_asked_for)
{
	static const struct toron_health quick = { .healthy_after = 1, .unhealthy_after = 1 };
	struct health_count c = { 0 };

	ck_assert(!health_count(&c, &quick, true));
	for (int i = 0; i < 4; i++) {
		ck_assert(health_count(&c, &quick, false));
		ck_assert(!health_count(&c, &quick, false));
		ck_assert(health_count(&c, &quick, true));
		ck_assert(!health_count(&c, &quick, true));
	}
}
END_TEST

Suite *suite_health(void)
{
	Suite *s = suite_create("health");
	TCase *t = tcase_create("count");

	tcase_add_test(t, first_one_alone_decides);
	tcase_add_test(t, rows_decide_later);
	tcase_add_test(t, row_begins_anew_after_a_change);
	tcase_add_test(t, single_probes_where_asked_for);
	suite_add_tcase(s, t);
	return s;
}
