/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "automata/automata.h"
#include "base/check.h"
#include "base/str.h"

Suite *suite_re(void);

static struct arena arena;

static void setup(void)
{
	arena_init_unbounded(&arena);
}

static void teardown(void)
{
	arena_fini(&arena);
}

static bool takes(struct re *x, struct str text)
{
	struct dfa d;
	uint32_t culprit;

	ck_assert_int_eq(dfa_build(&arena, &x, 1, 200000, &d, &culprit), DFA_OK);
	return dfa_match(&d, text) != 0;
}

static struct re *parse(const char *text)
{
	struct re_error error;
	struct re *x = re_parse(&arena, str_of(text), &error);

	ck_assert_msg(x != NULL, "%s: %s", text, x == NULL ? error.what : "");
	return x;
}

/* A regex, then strings that it takes, NULL, strings that it does not, NULL. */
static const char *const languages[][16] = {
	{ "", "", NULL, "a", NULL },
	{ "abc", "abc", NULL, "ab", "abcd", "", "xabc", NULL },
	{ "a|", "a", "", NULL, "aa", NULL },
	{ "^/a$", "/a", NULL, "^/a", "/a$", "/a/", NULL },
	{ "\\A/a\\z", "/a", NULL, "A/a", NULL },
	{ "(^a|^b$)", "a", "b", NULL, "ab", NULL },
	{ "^(?i)^x", "x", "X", NULL, "^x", NULL },
	{ "((a|b)$)", "a", NULL, "c", NULL },
	{ "a.c", "abc", "a/c", "a\xc3\xa9" "c", "a\xf0\x9f\x98\x80" "c", NULL, "ac", "a\nc", "a\xc3" "c", "a\xa9" "c", NULL },
	{ "(?s)a.c", "a\nc", NULL, "a\n\nc", NULL },
	{ "(?s-s:a.)b", "axb", NULL, "a\nb", NULL },
	{ "[a-c]x", "ax", "cx", NULL, "dx", "-x", NULL },
	{ "[^a-c]", "d", "\n", "\xe2\x82\xac", NULL, "a", "", "\xe2\x82", NULL },
	{ "[]a]", "]", "a", NULL, "[", NULL },
	{ "[^]a]", "[", NULL, "]", "a", NULL },
	{ "[-a]", "-", "a", NULL, "b", NULL },
	{ "[a-]", "-", "a", NULL, "b", NULL },
	{ "[a\\-z]", "-", "z", NULL, "m", NULL },
	{ "[\\d-z]", "5", "-", "z", NULL, "a", NULL },
	{ "[[:alpha:]_]", "z", "Z", "_", NULL, "1", ":", NULL },
	{ "[[:^alpha:]]", "1", ":", "\xc3\xa9", NULL, "z", NULL },
	{ "[[:xdigit:]]{2}", "fF", "09", NULL, "g0", NULL },
	{ "[[:punct:]]", "~", "!", "[", NULL, "a", " ", NULL },
	{ "[[a]", "[", "a", NULL, ":", NULL },
	{ "[\xc3\xa0-\xc3\xbc]", "\xc3\xa9", NULL, "\xc3", "\xc3\xbd", "\xc4\xa9", NULL },
	{ "\\d\\D\\s\\S\\w\\W", "5x\txx-", NULL, "xx\txx-", "55\txx-", "5x\vxx-", NULL },
	{ "\\x41\\x{20ac}\\t\\n\\.\\/\\-", "A\xe2\x82\xac\t\n./-", NULL, "Ax\t\n./-", NULL },
	{ "\\101\\07\\a", "A\a\a", NULL, "A7a", NULL },
	{ "\\Qa.b*\\E+", "a.b*", "a.b**", NULL, "axb", "a.b*a.b*", NULL },
	{ "x\\Q\\Ey\\Q(", "xy(", NULL, "xy", NULL },
	{ "(?i)aB(?-i)c", "abc", "ABc", NULL, "abC", NULL },
	{ "(?i:a)b", "Ab", NULL, "aB", NULL },
	{ "(a(?i)b|c)d", "aBd", "Cd", NULL, "Abd", "cD", NULL },
	{ "(?i)[x-z]\\w", "Ya", NULL, "w", NULL },
	{ "(?i)[^x]", "a", NULL, "X", "x", NULL },
	{ "(?:ab)*c", "c", "ababc", NULL, "abab", "bc", NULL },
	{ "(?P<n>a)(?<m_1>b)(c)", "abc", NULL, "ab", NULL },
	{ "a*b+c?", "b", "aabbc", NULL, "ac", "abcc", NULL },
	{ "a*?b+?c??", "b", "aabbc", NULL, "ac", NULL },
	{ "(?U)a{2,3}?", "aa", "aaa", NULL, "a", "aaaa", NULL },
	{ "a{2}", "aa", NULL, "a", "aaa", NULL },
	{ "a{2,}", "aa", "aaaa", NULL, "a", NULL },
	{ "a{0}b", "b", NULL, "ab", NULL },
	{ "(a*)*(b|)*", "", "aabb", NULL, "ba", NULL },
	{ "(?:(?:a+)+b?)+", "a", "aab", "abab", NULL, "b", "abb", NULL },
	{ "(?:ab+)+c", "abc", "abbabc", NULL, "abcb", "bc", "abbc c", NULL },
	{ "]", "]", NULL, "[", NULL },
	{ "a}", "a}", NULL, "a", NULL },
	{ "a,b-c=d", "a,b-c=d", NULL, "a", NULL },
};

START_TEST(test_languages)
{
	const char *const *row = languages[_i];
	struct re *x = parse(row[0]);
	size_t i = 1;

	for (; row[i] != NULL; i++)
		ck_assert_msg(takes(x, str_of(row[i])), "%s should take '%s'", row[0], row[i]);
	for (i++; row[i] != NULL; i++)
		ck_assert_msg(!takes(x, str_of(row[i])), "%s should not take '%s'", row[0], row[i]);
}
END_TEST

static const struct {
	const char *text;
	uint32_t at, len;
	const char *what; /* a part of it */
} errors[] = {
	{ "a(?=b)", 1, 3, "look-ahead" },
	{ "a(?!b)", 1, 3, "look-ahead" },
	{ "(?<=b)", 0, 4, "look-behind" },
	{ "(?<!b)", 0, 4, "look-behind" },
	{ "(?>a)", 0, 3, "atomic" },
	{ "(a)\\1", 3, 2, "back-reference" },
	{ "(a)\\8", 3, 2, "back-reference" },
	{ "(?P<n>a)(?P=n)", 8, 4, "back-reference" },
	{ "(?<n>a)\\k<n>", 7, 2, "back-reference" },
	{ "\\g{1}", 0, 2, "back-reference" },
	{ "(?R)", 0, 3, "recursion" },
	{ "(?1)", 0, 3, "recursion" },
	{ "(?(1)a|b)", 0, 3, "conditional" },
	{ "(?#x)", 0, 3, "comment" },
	{ "(*SKIP)", 0, 2, "verb" },
	{ "x\\b", 1, 2, "word boundary" },
	{ "x\\B", 1, 2, "non-boundary" },
	{ "\\Gx", 0, 2, "\\G" },
	{ "\\p{Greek}", 0, 2, "Unicode" },
	{ "[\\pL]", 1, 2, "Unicode" },
	{ "\\y", 0, 2, "unknown escape" },
	{ "\\\xc3\xa9", 0, 3, "unknown escape" },
	{ "ab\\", 2, 1, "backslash at the end" },
	{ "a++", 1, 2, "possessive" },
	{ "a{2}+", 1, 4, "possessive" },
	{ "a**", 1, 2, "repetition of a repetition" },
	{ "a*{2}", 1, 2, "repetition of a repetition" },
	{ "a*??", 1, 3, "repetition of a repetition" },
	{ "*a", 0, 1, "repetition of nothing" },
	{ "a|+", 2, 1, "repetition of nothing" },
	{ "(?i)*", 4, 1, "repetition of nothing" },
	{ "{2}", 0, 1, "brace" },
	{ "/users/{id}", 7, 1, "brace itself" },
	{ "a{id}", 1, 1, "brace itself" },
	{ "a{1001}", 1, 6, "above 1000" },
	{ "a{1,99999999999}", 1, 15, "above 1000" },
	{ "a{3,2}", 1, 5, "wrong order" },
	{ "a{3", 1, 2, "{n,m}" },
	{ "((.{500}){500}){500}", 9, 5, "too large" },
	{ "[z-a]", 1, 3, "wrong order" },
	{ "[a-\\d]", 1, 4, "cannot end in a class" },
	{ "x[a", 1, 2, "without its ]" },
	{ "x[]", 1, 2, "without its ]" },
	{ "x[a\\", 3, 1, "backslash at the end" },
	{ "[[:alfa:]]", 1, 8, "unknown class name" },
	{ "[^\\x00-\\x{10ffff}]", 0, 18, "nothing is in" },
	{ "[\\b]", 1, 2, "\\b" },
	{ "\\x4", 0, 3, "hexadecimal" },
	{ "\\x{110000}", 0, 9, "above 10FFFF" },
	{ "\\x{d800}", 0, 8, "surrogate" },
	{ "\\x{12", 0, 5, "hexadecimal" },
	{ "a\\x00", 1, 4, "NUL" },
	{ "a\\0", 1, 2, "NUL" },
	{ "(a", 0, 1, "without its ')'" },
	{ "a)b", 1, 1, "without its '('" },
	{ "a^b", 1, 1, "start anchor" },
	{ "(a|b^c)", 4, 1, "start anchor" },
	{ "a$b", 1, 1, "end anchor" },
	{ "(a$|b)c", 2, 1, "end anchor" },
	{ "(a|b\\z)c", 4, 1, "end anchor" },
	{ "(^a)*", 4, 1, "anchor" },
	{ "(?m)^a", 0, 3, "(?m)" },
	{ "(?x)a", 0, 3, "(?x)" },
	{ "(?q)a", 0, 3, "unknown kind" },
	{ "(?", 0, 2, "unknown kind" },
	{ "(?P<1>a)", 0, 4, "group name" },
	{ "(?<a-b>c)", 0, 4, "group name" },
	{ "(?i)\xc3\xa9", 4, 2, "ASCII letters only" },
	{ "(?i)[a\xc3\xa9]", 6, 2, "ASCII letters only" },
	{ "ab\xff", 2, 1, "UTF-8" },
	{ "\xed\xa0\x80", 0, 1, "UTF-8" },
};

START_TEST(test_errors)
{
	struct re_error e = { 0 };
	struct re *x = re_parse(&arena, str_of(errors[_i].text), &e);

	ck_assert_msg(x == NULL, "%s parses", errors[_i].text);
	ck_assert_msg(strstr(e.what, errors[_i].what) != NULL, "%s: %s", errors[_i].text, e.what);
	ck_assert_msg(e.at == errors[_i].at && e.len == errors[_i].len, "%s: %s at %u, %u", errors[_i].text,
		e.what, e.at, e.len);
	ck_assert_int_ne(e.what[strlen(e.what) - 1], '.');
}
END_TEST

/* Long patterns, long chains and deep groups neither exhaust the stack nor the time. */
START_TEST(test_limits)
{
	struct sbuf b = { 0 };
	struct re_error e;
	struct re *x;

	for (int i = 0; i < 5000; i++)
		sbuf_adds(&b, "a*|");
	x = re_parse(&arena, sbuf_str(&b), &e);
	ck_assert_ptr_nonnull(x);
	ck_assert(takes(x, STR("aaa")) && !takes(x, STR("b")));
	sbuf_clear(&b);
	for (int i = 0; i < 4000; i++)
		sbuf_adds(&b, "[ab]");
	x = re_parse(&arena, sbuf_str(&b), &e);
	ck_assert(x != NULL && !takes(x, STR("ab")));
	sbuf_clear(&b);
	for (int i = 0; i < 201; i++)
		sbuf_addc(&b, '(');
	ck_assert_ptr_null(re_parse(&arena, sbuf_str(&b), &e));
	ck_assert(strstr(e.what, "too deep") != NULL && e.at == 200);
	sbuf_clear(&b);
	for (int i = 0; i < 17000; i++)
		sbuf_addc(&b, 'x');
	ck_assert_ptr_null(re_parse(&arena, sbuf_str(&b), &e));
	ck_assert(strstr(e.what, "16384") != NULL);
	sbuf_fini(&b);
}
END_TEST

/* Chains that lean to either side, longer than any stack of calls. */
START_TEST(test_long_chains)
{
	struct re *left = re_empty(&arena), *right = re_empty(&arena), *x = re_literal(&arena, STR("x"), false);
	struct sbuf text = { 0 };

	for (int i = 0; i < 100000; i++) {
		left = re_cat(&arena, left, x);
		right = re_cat(&arena, x, right);
		sbuf_addc(&text, 'x');
	}
	ck_assert(takes(left, sbuf_str(&text)) && takes(right, sbuf_str(&text)));
	sbuf_addc(&text, 'x');
	ck_assert(!takes(left, sbuf_str(&text)) && !takes(right, sbuf_str(&text)));
	sbuf_fini(&text);
}
END_TEST

static size_t encode(uint32_t cp, char out[4])
{
	static const uint32_t beyond[] = { 0x80, 0x800, 0x10000, 0x110000 };
	static const unsigned lead[] = { 0, 0xc0, 0xe0, 0xf0 };
	size_t len = 1;

	while (cp >= beyond[len - 1])
		len++;
	for (size_t i = len; i-- > 1; cp >>= 6)
		out[i] = (char)(0x80 | (cp & 0x3f));
	out[0] = (char)(lead[len - 1] | cp);
	return len;
}

/* Classes over all of Unicode, code point by code point. */
START_TEST(test_code_points)
{
	static const struct { const char *text; uint32_t low, high; } ranges[] = {
		{ "[\\x{7f}-\\x{80}]", 0x7f, 0x80 }, { "[\\x{7ff}-\\x{fffd}]", 0x7ff, 0xfffd },
		{ "[\\x{1234}-\\x{10abcd}]", 0x1234, 0x10abcd }, { "[^\\x01-\\x{ffff}]", 0x10000, 0x10ffff },
		{ "(?s).", 1, 0x10ffff }, { "[\\x{d7ff}-\\x{e000}]", 0xd7ff, 0xe000 },
	};

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
		struct re *x = parse(ranges[i].text);
		struct dfa d;
		uint32_t culprit;
		char bytes[4];

		ck_assert_int_eq(dfa_build(&arena, &x, 1, 1000, &d, &culprit), DFA_OK);
		for (uint32_t cp = 1; cp <= 0x10ffff; cp++) {
			bool in = cp >= ranges[i].low && cp <= ranges[i].high && (cp < 0xd800 || cp > 0xdfff);
			size_t len = encode(cp, bytes);

			if (in != (dfa_match(&d, (struct str){ bytes, len }) != 0))
				ck_abort_msg("%s: %x", ranges[i].text, cp);
		}
		ck_assert_uint_eq(dfa_match(&d, STR("\xc0\x80")), 0);
		ck_assert_uint_eq(dfa_match(&d, STR("\xe0\x81\x81")), 0);
		ck_assert_uint_eq(dfa_match(&d, STR("\xf4\x90\x80\x80")), 0);
	}
}
END_TEST

START_TEST(test_constructors)
{
	static const uint8_t digits[32] = { [6] = 0xff, [7] = 3 };
	struct re *x = re_cat(&arena, re_literal(&arena, STR("aZ-\xc3"), true), re_not_bytes(&arena, STR("/?")));

	ck_assert(takes(x, STR("Az-\xc3" "x")) && takes(x, STR("AZ-\xc3\xff")));
	ck_assert(!takes(x, STR("az-\xe3" "x")) && !takes(x, STR("az-\xc3/")) && !takes(x, STR("az-\xc3")));
	x = re_repeat(&arena, re_set(&arena, digits), 2, 3);
	ck_assert(takes(x, STR("09")) && takes(x, STR("123")) && !takes(x, STR("1")) && !takes(x, STR("1234")));
	x = re_repeat(&arena, re_alt(&arena, x, re_empty(&arena)), 1, 1);
	ck_assert(takes(x, STR("")) && takes(x, STR("55")) && !takes(x, STR("a")));
	ck_assert(takes(re_any_string(&arena), STR("")) && takes(re_any_string(&arena), STR("\xff\n")));
	ck_assert(takes(re_repeat(&arena, x, 0, 0), STR("")) && !takes(re_repeat(&arena, x, 0, 0), STR("55")));
	ck_assert_ptr_null(re_cat(&arena, NULL, x));
	ck_assert_ptr_null(re_alt(&arena, x, NULL));
	ck_assert_ptr_null(re_repeat(&arena, NULL, 0, 1));
}
END_TEST

START_TEST(test_unanchored)
{
	static const struct { const char *text; bool unanchored; } cases[] = {
		{ ".*x", true }, { "/.*x", true }, { "/?.*x", true }, { ".*/x/.*", true }, { "(a|.*b)c", true },
		{ "(?s).+x", true }, { "(?:.{0,}y)?", true }, { "[^\\n]*z", true }, { "(?:.*,)*", true },
		{ "/.*", false }, { ".*", false }, { "/api/.*x", false }, { "[^/]+/x", false }, { "/[^/]*x", false },
		{ ".x", false }, { ".{3}x", false }, { "abc", false }, { "", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_msg(re_is_unanchored(parse(cases[i].text)) == cases[i].unanchored, "%s", cases[i].text);
	ck_assert(re_is_unanchored(re_cat(&arena, re_any_string(&arena), re_literal(&arena, STR(".x"), false))));
}
END_TEST

START_TEST(test_re2c)
{
	static const struct { const char *text, *expected; } cases[] = {
		{ "", "\"\"" },
		{ "/a-b_c\\.d:e", "\"/a-b_c.d:e\"" },
		{ "a\"b'c\\\\d\\*/ //\\n", "\"a\\x22b\\x27c\\x5cd\\x2a/\\x20/\\x2f\\x0a\"" },
		{ "(?i)Get", "'Get'" },
		{ "[a-c_]x*", "[\\x5f\\x61-\\x63] \"x\"*" },
		{ "(a|b)c|d", "((\"a\" | \"b\") \"c\" | \"d\")" },
		{ "(?:ab)+c?d{2}e{2,}f{2,3}", "\"ab\"+ \"c\"? \"d\"{2} \"e\"{2,} \"f\"{2,3}" },
		{ "(?:a*)?", "(\"a\"*)?" },
		{ "(?:a|bc){3}", "(\"a\" | \"bc\"){3}" },
		{ "(?:a(b|c))*", "(\"a\" (\"b\" | \"c\"))*" },
		{ "\xc3\xa9", "\"\\xc3\\xa9\"" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sbuf out = { 0 };

		re_to_re2c(&out, parse(cases[i].text));
		ck_assert_str_eq(out.ptr, cases[i].expected);
		sbuf_fini(&out);
	}
}
END_TEST

START_TEST(test_re2c_sets)
{
	static const uint8_t nothing[32];
	struct sbuf out = { 0 };

	re_to_re2c(&out, re_any_string(&arena));
	ck_assert_str_eq(out.ptr, "[\\x01-\\xff]*");
	sbuf_clear(&out);
	re_to_re2c(&out, re_set(&arena, nothing));
	ck_assert_str_eq(out.ptr, "[^\\x00-\\xff]");
	sbuf_fini(&out);
}
END_TEST

Suite *suite_re(void)
{
	Suite *s = suite_create("re");
	TCase *t = tcase_create("re");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, test_languages, 0, (int)ARRAY_LEN(languages));
	tcase_add_loop_test(t, test_errors, 0, (int)ARRAY_LEN(errors));
	tcase_add_test(t, test_limits);
	tcase_add_test(t, test_long_chains);
	tcase_add_test(t, test_code_points);
	tcase_add_test(t, test_constructors);
	tcase_add_test(t, test_unanchored);
	tcase_add_test(t, test_re2c);
	tcase_add_test(t, test_re2c_sets);
	suite_add_tcase(s, t);
	return s;
}
