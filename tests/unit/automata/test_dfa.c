/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "automata/automata.h"
#include "base/check.h"
#include "base/str.h"
#include "unit/automata/random_re.h"

Suite *suite_dfa(void);

#define PATTERNS 4

static struct arena arena;

static void setup(void)
{
	arena_init_unbounded(&arena);
}

static void teardown(void)
{
	arena_fini(&arena);
}

static struct re *parse(const char *text)
{
	struct re_error error;
	struct re *x = re_parse(&arena, str_of(text), &error);

	ck_assert_msg(x != NULL, "%s: %s at %u", text, x == NULL ? error.what : "", x == NULL ? error.at : 0);
	return x;
}

static struct dfa build(struct re **patterns, uint32_t n)
{
	struct dfa d;
	uint32_t culprit;

	ck_assert_int_eq(dfa_build(&arena, patterns, n, 100000, &d, &culprit), DFA_OK);
	return d;
}

/* The patterns of a set as bits. */
static unsigned bits_of(const struct dfa *d, uint32_t set)
{
	unsigned bits = 0;

	for (uint32_t i = 0; i < d->sets[set].n; i++) {
		ck_assert(i == 0 || d->sets[set].patterns[i] > d->sets[set].patterns[i - 1]);
		bits |= 1u << d->sets[set].patterns[i];
	}
	return bits;
}

static void check_against_oracle(const struct dfa *d, const struct specimen *s, unsigned len)
{
	char buffer[32];

	for (unsigned i = 0; i < n_strings(len); i++) {
		struct str text = nth_string(i, buffer);
		unsigned expected = 0;

		for (unsigned p = 0; p < PATTERNS; p++)
			expected |= (unsigned)specimen_takes(&s[p], text) << p;
		ck_assert_msg(bits_of(d, dfa_match(d, text)) == expected, "'%.*s': %u, not %u", STR_ARG(text),
			bits_of(d, dfa_match(d, text)), expected);
	}
}

START_TEST(test_random)
{
	struct dice dice = { 0x9e3779b97f4a7c15u + (uint64_t)_i };

	for (int round = 0; round < 250; round++) {
		struct specimen s[PATTERNS];
		struct re *patterns[PATTERNS];
		struct dfa d;

		for (int p = 0; p < PATTERNS; p++) {
			specimen_make(&dice, &s[p]);
			patterns[p] = specimen_parse(&s[p], &arena);
			ck_assert_ptr_nonnull(patterns[p]);
		}
		d = build(patterns, PATTERNS);
		check_against_oracle(&d, s, 6);
		arena_reset(&arena);
	}
}
END_TEST

/* Every set has a witness that leads exactly there, and no shorter string does. */
START_TEST(test_witnesses)
{
	struct dice dice = { 77 };
	char buffer[32];

	for (int round = 0; round < 300; round++) {
		struct specimen s;
		struct re *patterns[PATTERNS];
		struct dfa d;
		struct str *all;

		for (int p = 0; p < PATTERNS; p++) {
			specimen_make(&dice, &s);
			patterns[p] = specimen_parse(&s, &arena);
		}
		d = build(patterns, PATTERNS);
		all = dfa_witnesses(&d, &arena);
		for (uint32_t set = 0; set < d.n_sets; set++) {
			struct str one = dfa_witness(&d, &arena, set);

			ck_assert(all[set].ptr != NULL && str_eq(one, all[set]));
			ck_assert_uint_eq(dfa_match(&d, one), set);
			for (unsigned i = 0; set > 0 && i < n_strings(6); i++) {
				struct str text = nth_string(i, buffer);

				ck_assert(dfa_match(&d, text) != set || text.len >= one.len);
			}
		}
		arena_reset(&arena);
	}
}
END_TEST

START_TEST(test_witnesses_read_well)
{
	struct re *patterns[] = { parse("/users/[^/]+"), parse("/users/me"), parse("/[!-~]{3}"), parse("/v[0-9]+/x?") };
	struct dfa d = build(patterns, ARRAY_LEN(patterns));

	ck_assert(str_eq(dfa_witness(&d, &arena, dfa_match(&d, STR("/users/zzz"))), STR("/users/a")));
	ck_assert(str_eq(dfa_witness(&d, &arena, dfa_match(&d, STR("/users/me"))), STR("/users/me")));
	ck_assert(str_eq(dfa_witness(&d, &arena, dfa_match(&d, STR("/!!!"))), STR("/aaa")));
	ck_assert(str_eq(dfa_witness(&d, &arena, dfa_match(&d, STR("/v7777/"))), STR("/v00/")));
	ck_assert(dfa_witness(&d, &arena, d.n_sets).ptr == NULL);
}
END_TEST

START_TEST(test_set_zero)
{
	struct re *all = re_any_string(&arena), *some = parse("a*");
	struct dfa d = build(&all, 1);
	struct str none;

	/* Only NUL leaves the language of all strings. */
	none = dfa_witness(&d, &arena, 0);
	ck_assert(none.len == 1 && none.ptr[0] == '\0');
	d = build(&some, 1);
	none = dfa_witness(&d, &arena, 0);
	ck_assert_uint_eq(none.len, 1);
	ck_assert_uint_eq(dfa_match(&d, none), 0);
	d = build(NULL, 0);
	ck_assert_uint_eq(d.n_sets, 1);
	ck_assert_uint_eq(dfa_match(&d, STR("x")), 0);
	ck_assert_uint_eq(dfa_match(&d, STR("")), 0);
}
END_TEST

START_TEST(test_no_nul)
{
	struct re *patterns[] = { re_any_string(&arena), re_not_bytes(&arena, STR_NONE),
		re_literal(&arena, STR("a\0b"), false), parse("(?s)[^x].*") };
	struct dfa d = build(patterns, ARRAY_LEN(patterns));

	ck_assert_uint_eq(dfa_match(&d, STR("a\0b")), 0);
	ck_assert_uint_eq(dfa_match(&d, STR("\0")), 0);
	ck_assert_uint_eq(bits_of(&d, dfa_match(&d, STR("ab"))), 1 | 8);
	ck_assert_uint_eq(bits_of(&d, dfa_match(&d, STR("\xff"))), 1 | 2);
}
END_TEST

/* What one pattern has a great many of and the others do not is blamed on it. */
START_TEST(test_budget_and_culprit)
{
	struct re *patterns[40];
	struct dfa d;
	uint32_t culprit = 99, n = 0;

	for (; n < 30; n++) {
		struct str text = arena_printf(&arena, "/service-%u/[^/]+/items(/.*)?", n);

		patterns[n] = parse(text.ptr);
	}
	patterns[n++] = parse(".*a[^/]{14}");
	patterns[n++] = parse("/.*");
	patterns[n++] = parse("/[a-z]+");
	ck_assert_int_eq(dfa_build(&arena, patterns, n, 8000, &d, &culprit), DFA_TOO_MANY_STATES);
	ck_assert_uint_eq(culprit, 30);

	patterns[7] = parse("/[a-z]{900}");
	ck_assert_int_eq(dfa_build(&arena, patterns, n, 1500, &d, &culprit), DFA_TOO_MANY_STATES);
	ck_assert_uint_eq(culprit, 7);
	ck_assert_int_eq(dfa_build(&arena, &patterns[7], 1, 2000, &d, &culprit), DFA_OK);
	ck_assert_int_eq(dfa_build(&arena, patterns, 1, 0, &d, &culprit), DFA_TOO_MANY_STATES);
}
END_TEST

/* An arena with a budget of its own ends the build, not the program. */
START_TEST(test_small_arena)
{
	struct re *x = parse("/[a-z]{500}");
	struct arena small;
	struct dfa d;
	uint32_t culprit;

	arena_init(&small, NULL, 0, 1000);
	ck_assert_int_eq(dfa_build(&small, &x, 1, 10000, &d, &culprit), DFA_TOO_MANY_STATES);
	ck_assert(small.overflow);
	arena_fini(&small);
}
END_TEST

/* States grow with the patterns, not with their pairs: a tenth of the patterns has about a tenth
 * of the states. */
START_TEST(test_paths_stay_linear)
{
	enum { N = 3000 };
	struct re **patterns = ARENA_ARRAY(&arena, struct re *, N);
	struct dfa d;
	uint32_t few;

	for (uint32_t i = 0; i < N; i++) {
		struct str text = arena_printf(&arena, "/api/v%u/group-%u/[^/]+/item-%u/[^/]+", i % 3, i / 30, i % 30);

		patterns[i] = parse(text.ptr);
	}
	few = build(patterns, N / 10).n_states;
	d = build(patterns, N);
	ck_assert_uint_lt(d.n_states, 12 * few);
	ck_assert_uint_eq(d.n_sets, N + 1);
	for (uint32_t i = 0; i < N; i++) {
		struct str path = arena_printf(&arena, "/api/v%u/group-%u/x/item-%u/y", i % 3, i / 30, i % 30);

		ck_assert_uint_eq(d.sets[dfa_match(&d, path)].patterns[0], i);
	}
}
END_TEST

START_TEST(test_builds_are_equal)
{
	struct re *patterns[] = { parse("/a/[^/]+(/.*)?"), parse("(?i)/A/b|c+"), parse("/a/\\d{2,5}") };
	struct dfa x = build(patterns, 3), y = build(patterns, 3);

	ck_assert_uint_eq(x.n_states, y.n_states);
	ck_assert_mem_eq(x.rows, y.rows, (x.n_states + 1) * sizeof(*x.rows));
	ck_assert_mem_eq(x.exits, y.exits, x.rows[x.n_states].first * sizeof(*x.exits));
	ck_assert_mem_eq(x.accept, y.accept, x.n_states * sizeof(*x.accept));
	ck_assert_mem_eq(x.class_byte, y.class_byte, x.n_classes);
}
END_TEST

/* All 256 columns in use: each byte has a pattern of its own. */
START_TEST(test_all_classes)
{
	struct re *patterns[255];
	struct dfa d;

	for (unsigned byte = 1; byte < 256; byte++) {
		char text[2] = { (char)byte, (char)(256 - byte) };

		patterns[byte - 1] = re_literal(&arena, (struct str){ text, 2 }, false);
	}
	d = build(patterns, 255);
	ck_assert_uint_eq(d.n_classes, 256);
	for (unsigned byte = 1; byte < 256; byte++) {
		char text[2] = { (char)byte, (char)(256 - byte) };
		uint32_t set = dfa_match(&d, (struct str){ text, 2 });

		ck_assert_uint_eq(d.sets[set].n, 1);
		ck_assert_uint_eq(d.sets[set].patterns[0], byte - 1);
		text[1]++;
		ck_assert_uint_eq(dfa_match(&d, (struct str){ text, 2 }), 0);
	}
}
END_TEST

Suite *suite_dfa(void)
{
	Suite *s = suite_create("dfa");
	TCase *t = tcase_create("dfa");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, test_random, 0, 4);
	tcase_add_test(t, test_witnesses);
	tcase_add_test(t, test_witnesses_read_well);
	tcase_add_test(t, test_set_zero);
	tcase_add_test(t, test_no_nul);
	tcase_add_test(t, test_budget_and_culprit);
	tcase_add_test(t, test_small_arena);
	tcase_add_test(t, test_paths_stay_linear);
	tcase_add_test(t, test_builds_are_equal);
	tcase_add_test(t, test_all_classes);
	suite_add_tcase(s, t);
	return s;
}
