/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>

#include "automata/capture_build.h"
#include "base/capture.h"
#include "base/str.h"

Suite *suite_capture(void);

static struct arena arena;

static void setup(void)
{
	arena_init_unbounded(&arena);
}

static void teardown(void)
{
	arena_fini(&arena);
}

static const struct {
	const char *regex, *text;
	const char *groups; /* "1|2|...", "-" for a group that took no part; NULL: no match */
} cases[] = {
	{ "/a/(.*)", "/a/b/c", "b/c" },
	{ "/a/(.*)", "/a/", "" },
	{ "/a/(.*)", "/b/c", NULL },
	{ "/a/(.*)", "/a", NULL },
	{ "/(.*)/(.*)", "/a/b/c", "a/b|c" },
	{ "/(.*?)/(.*)", "/a/b/c", "a|b/c" },
	{ "(?U)/(.*)/(.*)", "/a/b/c", "a|b/c" },
	{ "(?U)/(.*?)/(.*)", "/a/b/c", "a/b|c" },
	{ "(a|ab)(c|bcd)(d*)", "abcd", "a|bcd|" },
	{ "(ab|a)(c|bcd)(d*)", "abcd", "ab|c|d" },
	{ "(a)|(b)", "b", "-|b" },
	{ "(a)?(b)?", "", "-|-" },
	{ "(a)*b", "aab", "a" },
	{ "(?:(a)|b)*", "ab", "a" },
	{ "([a-c]{2,3})([a-c]*)", "abca", "abc|a" },
	{ "([a-c]{2,3}?)([a-c]*)", "abca", "ab|ca" },
	{ "((a)(b))c", "abc", "ab|a|b" },
	{ "(?:a)(?P<n>b)(?<m>c)", "abc", "b|c" },
	{ "(?i)/A(b)/(?-i:C)", "/aB/C", "B" },
	{ "(?i)/A(b)/(?-i:C)", "/aB/c", NULL },
	{ "^/x/(\\d+)$", "/x/17", "17" },
	{ "\\Q(a)\\E(b)", "(a)b", "b" },
	{ "(a*?)(a*)", "aaa", "|aaa" },
	{ "(a?\?)(a?)", "a", "|a" },
	{ "(.)(\xc3\xa4)?", "a", "a|-" },
	{ "\xc3\xa4", "a", NULL },
	{ "([^a])", "b", "b" },
	{ "a{0}(b)", "b", "b" },
	{ "(x{3}){2}", "xxxxxx", "xxx" },
	{ "()", "", "" },
	{ "[^\\x00-\\x7f]", "a", NULL },
};

static void add_group(struct sbuf *out, struct str group, bool first)
{
	sbuf_printf(out, "%s" STR_FMT, first ? "" : "|", STR_ARG(group.ptr == NULL ? STR("-") : group));
}

START_TEST(groups_are_those_of_perl)
{
	struct str groups[TORON_CAPTURE_GROUPS + 1], text = str_of(cases[_i].text);
	struct toron_capture program;
	struct re_error error;
	struct sbuf got = { 0 };

	ck_assert_int_eq(capture_build(&arena, str_of(cases[_i].regex), &program, &error), CAPTURE_OK);
	if (cases[_i].groups == NULL) {
		ck_assert(!capture_run(&program, text, groups));
		return;
	}
	ck_assert_msg(capture_run(&program, text, groups), "%s does not take %s", cases[_i].regex, cases[_i].text);
	ck_assert(str_eq(groups[0], text));
	for (uint16_t i = 1; i <= program.n_groups; i++)
		add_group(&got, groups[i], i == 1);
	ck_assert_msg(str_eq(sbuf_str(&got), str_of(cases[_i].groups)), "%s of %s: " STR_FMT ", not %s",
		cases[_i].regex, cases[_i].text, STR_ARG(sbuf_str(&got)), cases[_i].groups);
	sbuf_fini(&got);
}
END_TEST

START_TEST(what_is_too_large_is_refused)
{
	struct toron_capture program;
	struct re_error error;

	ck_assert_int_eq(capture_build(&arena, STR("(a)(a)(a)(a)(a)(a)(a)(a)(a)"), &program, &error), CAPTURE_OK);
	ck_assert_int_eq(capture_build(&arena, STR("(a)(a)(a)(a)(a)(a)(a)(a)(a)(a)"), &program, &error),
		CAPTURE_TOO_MANY_GROUPS);
	ck_assert_int_eq(capture_build(&arena, STR("[a-z]{255}"), &program, &error), CAPTURE_OK);
	ck_assert_uint_eq(program.n_steps, TORON_CAPTURE_STEPS);
	ck_assert_int_eq(capture_build(&arena, STR("[a-z]{256}"), &program, &error), CAPTURE_TOO_MANY_STEPS);
	ck_assert_int_eq(capture_build(&arena, STR("((((a{20}){20}){20}){20}){20}"), &program, &error), CAPTURE_BAD_REGEX);
	ck_assert_int_eq(capture_build(&arena, STR("(a"), &program, &error), CAPTURE_BAD_REGEX);
	ck_assert_ptr_nonnull(error.what);
}
END_TEST

/* Expressions on which those that try one way after another never end. */
START_TEST(time_is_linear)
{
	static const char *const regexes[] = { "(a*)*b", "(a|a)*b", "(a|aa)+$", "(.*)(.*)(.*)(.*)(.*)x" };
	struct str groups[TORON_CAPTURE_GROUPS + 1];
	struct toron_capture program;
	struct re_error error;
	struct sbuf text = { 0 };

	for (int i = 0; i < 50000; i++)
		sbuf_addc(&text, 'a');
	ck_assert_int_eq(capture_build(&arena, str_of(regexes[_i]), &program, &error), CAPTURE_OK);
	ck_assert(capture_run(&program, sbuf_str(&text), groups) == (_i == 2));
	sbuf_fini(&text);
}
END_TEST

Suite *suite_capture(void)
{
	Suite *s = suite_create("capture");
	TCase *t = tcase_create("capture");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, groups_are_those_of_perl, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(t, what_is_too_large_is_refused);
	tcase_add_loop_test(t, time_is_linear, 0, 4);
	suite_add_tcase(s, t);
	return s;
}
