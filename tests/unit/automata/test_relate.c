/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>
#include <stdlib.h>

#include "automata/automata.h"
#include "base/check.h"
#include "base/str.h"
#include "unit/automata/random_re.h"

Suite *suite_relate(void);

#define PATTERNS 5
#define LENGTH 7

static struct arena arena;

static void setup(void)
{
	arena_init_unbounded(&arena);
}

static void teardown(void)
{
	arena_fini(&arena);
}

static enum dfa_relation compare(const struct specimen *p, const struct specimen *q)
{
	bool only_p = false, only_q = false, both = false;
	char buffer[32];

	for (unsigned i = 0; i < n_strings(LENGTH); i++) {
		struct str text = nth_string(i, buffer);
		bool in_p = specimen_takes(p, text), in_q = specimen_takes(q, text);

		only_p |= in_p && !in_q;
		only_q |= in_q && !in_p;
		both |= in_p && in_q;
	}
	if (!both)
		return DFA_DISJOINT;
	if (only_p)
		return only_q ? DFA_OVERLAP : DFA_CONTAINS;
	return only_q ? DFA_CONTAINED : DFA_EQUAL;
}

/* dfa_overlaps says what dfa_relate says, and names just the later patterns that are not
 * disjoint. */
static void check_overlaps(const struct dfa *d, uint32_t p)
{
	struct dfa_overlap *list;
	uint32_t n = dfa_overlaps(d, &arena, p, &list), at = 0;

	for (uint32_t q = p + 1; q < d->n_patterns; q++) {
		enum dfa_relation r = dfa_relate(d, p, q);

		if (r == DFA_DISJOINT)
			continue;
		ck_assert(at < n && list[at].pattern == q);
		ck_assert_int_eq(list[at++].relation, r);
	}
	ck_assert_uint_eq(at, n);
}

/* A DFA of at most LENGTH + 2 states (one is the dead state) has no accept set that needs a
 * longer string than LENGTH, so that the comparison of short strings is exact. */
START_TEST(test_random)
{
	struct dice dice = { 4711 };
	unsigned n_seen[DFA_EQUAL + 1] = { 0 };

	for (int round = 0, n_exact = 0; n_exact < 150; round++) {
		struct specimen s[PATTERNS];
		struct re *patterns[PATTERNS];
		struct dfa d;
		uint32_t culprit;

		ck_assert_int_lt(round, 20000);
		for (int p = 0; p < PATTERNS; p++) {
			s[p].n = 0;
			s[p].root = specimen_grow(&dice, &s[p], 3);
			patterns[p] = specimen_parse(&s[p], &arena);
		}
		ck_assert_int_eq(dfa_build(&arena, patterns, PATTERNS, 10000, &d, &culprit), DFA_OK);
		if (d.n_states <= LENGTH + 2) {
			n_exact++;
			for (uint32_t p = 0; p < PATTERNS; p++) {
				for (uint32_t q = 0; q < PATTERNS; q++) {
					enum dfa_relation r = dfa_relate(&d, p, q);

					ck_assert_int_eq(r, compare(&s[p], &s[q]));
					n_seen[r]++;
				}
				check_overlaps(&d, p);
			}
		}
		arena_reset(&arena);
	}
	for (size_t r = 0; r < ARRAY_LEN(n_seen); r++)
		ck_assert_uint_gt(n_seen[r], 20);
}
END_TEST

START_TEST(test_paths)
{
	static const char *const texts[] = { "/users/[^/]+", "/users/me", "/users(/.*)?", "/[^/]+/[^/]+", "/x",
		"/[u-u]sers/[^/]+" };
	static const struct { uint32_t p, q; enum dfa_relation r; } expected[] = {
		{ 0, 1, DFA_CONTAINS }, { 1, 0, DFA_CONTAINED }, { 0, 2, DFA_OVERLAP }, { 0, 3, DFA_CONTAINED },
		{ 2, 3, DFA_OVERLAP }, { 0, 4, DFA_DISJOINT }, { 0, 5, DFA_EQUAL }, { 4, 4, DFA_EQUAL },
	};
	struct re *patterns[ARRAY_LEN(texts)];
	struct re_error error;
	struct dfa d;
	uint32_t culprit;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		patterns[i] = re_parse(&arena, str_of(texts[i]), &error);
	ck_assert_int_eq(dfa_build(&arena, patterns, ARRAY_LEN(texts), 10000, &d, &culprit), DFA_OK);
	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		ck_assert_int_eq(dfa_relate(&d, expected[i].p, expected[i].q), expected[i].r);
	for (uint32_t p = 0; p < ARRAY_LEN(texts); p++)
		check_overlaps(&d, p);
}
END_TEST

START_TEST(test_empty_language)
{
	static const uint8_t nothing[32];
	struct re *patterns[] = { re_set(&arena, nothing), re_any_string(&arena) };
	struct dfa d;
	uint32_t culprit;

	ck_assert_int_eq(dfa_build(&arena, patterns, 2, 100, &d, &culprit), DFA_OK);
	ck_assert_int_eq(dfa_relate(&d, 0, 1), DFA_DISJOINT);
	ck_assert_int_eq(dfa_relate(&d, 0, 0), DFA_DISJOINT);
	check_overlaps(&d, 0);
}
END_TEST

Suite *suite_relate(void)
{
	Suite *s = suite_create("relate");
	TCase *t = tcase_create("relate");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_random);
	tcase_add_test(t, test_paths);
	tcase_add_test(t, test_empty_language);
	suite_add_tcase(s, t);
	return s;
}
