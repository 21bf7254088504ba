/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "unit/tree/fixture.h"

#include <math.h>

Suite *suite_toml(void);

START_TEST(test_values)
{
	struct node *n = read_str(STR("i = -9_223_372_036_854_775_808\nh = 0xDEAD_beef\no = "
				      "0o755\nb = 0b1101\nf = 6.626e-3_4\n"
				      "inf = -inf\nnan = nan\nt = true\n's.p' = 'C:\\x'\nm = "
				      "\"\"\"\na\\\n   b\r\n\\u00e9\"\"\"\"\n"
				      "l = '''\nx''y'''''\ntrue = 1\n1979-05-27 = 2\n"),
		TREE_TOML);

	ck_assert_uint_eq(diags.n, 0);
	ck_assert_int_eq(node_get(n, STR("i"))->integer, INT64_MIN);
	ck_assert_int_eq(node_get(n, STR("h"))->integer, 0xdeadbeef);
	ck_assert_int_eq(node_get(n, STR("o"))->integer, 0755);
	ck_assert_int_eq(node_get(n, STR("b"))->integer, 13);
	ck_assert_double_eq(node_get(n, STR("f"))->real, 6.626e-34);
	ck_assert(isinf(node_get(n, STR("inf"))->real) && node_get(n, STR("inf"))->real < 0);
	ck_assert(isnan(node_get(n, STR("nan"))->real));
	ck_assert(node_get(n, STR("t"))->boolean);
	ck_assert(str_eq(node_get(n, STR("s.p"))->text, STR("C:\\x")));
	ck_assert(str_eq(node_get(n, STR("m"))->text, STR("ab\n\xc3\xa9\"")));
	ck_assert(str_eq(node_get(n, STR("l"))->text, STR("x''y''")));
	ck_assert_int_eq(node_get(n, STR("true"))->integer, 1);
	ck_assert_int_eq(node_get(n, STR("1979-05-27"))->integer, 2);
}
END_TEST

START_TEST(test_times)
{
	static const char *const good[] = { "1979-05-27T07:32:00Z", "1979-05-27 07:32:00.5-07:00",
		"1979-05-27t00:32:00z", "1979-05-27T07:32:00", "1979-05-27", "07:32:00",
		"00:32:00.999999", "2000-02-29", "2024-02-29", "2023-12-31", "2016-12-31T23:59:60Z",
		"2020-01-01T00:00:00+23:59" };
	static const char *const bad[] = { "1979-13-01", "1979-00-01", "1979-01-32", "1979-04-31",
		"1900-02-29", "2023-02-29", "1979-01-00", "24:00:00", "12:60:00", "12:00:61",
		"1979-05-27T24:00:00Z", "1979-05-27T07:32:00+24:00", "1979-05-27T07:32:00-07:60" };

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct node *n = read_str(arena_printf(&arena, "t = %s # x", good[i]), TREE_TOML);

		ck_assert_msg(n != NULL && n->first->kind == NODE_DATETIME, "%s", good[i]);
		ck_assert(str_eq(n->first->text, str_of(good[i])));
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert_msg(read_str(arena_printf(&arena, "t = %s", bad[i]), TREE_TOML) == NULL,
			"%s", bad[i]);
		expect_only(DIAG_TOML_DATETIME, bad[i]);
	}
}
END_TEST

START_TEST(test_spans)
{
	static const struct span_case cases[] = {
		{ "a", "a", "1" },
		{ "t", "t", "[t]" },
		{ "t.b", "b", "b" },
		{ "t.b.\"c\xc3\xa9\"", "\"c\xc3\xa9\"", "\"\"\"\nx\"\"\"" },
		{ "t.i", "i", "{ x = 1, y.z = [ 2 ] }" },
		{ "t.i.y.z", "z", "[ 2 ]" },
		{ "t.i.y.z[0]", NULL, "2" },
		{ "l", "l", "[[ l ]]" },
		{ "l[0]", NULL, "[[ l ]]" },
		{ "l[1]", NULL, "[[l]]" },
		{ "l[1].d", "d", "1979-05-27 07:32:00" },
		{ "s.u", "u", "[s . u]" },
		{ "s", "s", "[s]" },
	};

	expect_spans(read_str(STR("a = 1 # c\r\n[t]\nb.\"c\xc3\xa9\" = \"\"\"\nx\"\"\"\ni = { x = "
				  "1, y.z = [ 2 ] }\n[[ l ]]\n[[l]]\n"
				  "d = 1979-05-27 07:32:00\n[s . u]\n[s]\n"),
			     TREE_TOML),
		cases, ARRAY_LEN(cases));
	ck_assert_uint_eq(diags.n, 0);
}
END_TEST

static const struct error_case errors[] = {
	{ "a =", DIAG_TOML_SYNTAX, "", "missing" },
	{ "a = b", DIAG_TOML_SYNTAX, "b", "quotes" },
	{ "a = 1 b = 2", DIAG_TOML_SYNTAX, "b", "line of its own" },
	{ "a: 1", DIAG_TOML_SYNTAX, ":", "'='" },
	{ "[a\nb = 1", DIAG_TOML_SYNTAX, "\n", "']'" },
	{ "[a]]", DIAG_TOML_SYNTAX, "]", "end of the line" },
	{ "[[a]", DIAG_TOML_SYNTAX, "]", "']]'" },
	{ "[ [a]]", DIAG_TOML_SYNTAX, "[", "" },
	{ "a = [1 2]", DIAG_TOML_SYNTAX, "2", "','" },
	{ "a = [1,\n", DIAG_TOML_SYNTAX, "", "ends inside an array" },
	{ "a = {b = 1,}", DIAG_TOML_SYNTAX, "}", "comma" },
	{ "a = {b = 1\n}", DIAG_TOML_SYNTAX, "\n", "line" },
	{ "a = 0123", DIAG_TOML_SYNTAX, "0123", "leading zeros" },
	{ "a = 1__0", DIAG_TOML_SYNTAX, "1__0", "not a number" },
	{ "a = 30s", DIAG_TOML_SYNTAX, "30s", "unit" },
	{ "a = True", DIAG_TOML_SYNTAX, "True", "lower case" },
	{ "a = \"x", DIAG_TOML_SYNTAX, "\"", "closing" },
	{ "a = 'x\n'", DIAG_TOML_SYNTAX, "'x", "closing" },
	{ "a = '''x", DIAG_TOML_SYNTAX, "'''", "closing" },
	{ "a = \"\\q\"", DIAG_TOML_SYNTAX, "\\q", "escape" },
	{ "a = \"\\ud800\"", DIAG_TOML_SYNTAX, "\\ud800", "Unicode" },
	{ "\"\"\"a\"\"\" = 1", DIAG_TOML_SYNTAX, "\"\"\"", "several lines" },
	{ "a = 1\rb = 2", DIAG_TOML_SYNTAX, "\r", "carriage" },
	{ "# \x7f", DIAG_TOML_SYNTAX, "\x7f", "U+007F" },
	{ "a = 9223372036854775808", DIAG_NUMBER_RANGE, "9223372036854775808", "64 bits" },
	{ "a = 1\na = 2", DIAG_DUPLICATE_MEMBER, "a", "twice" },
	{ "x = {a = 1, a = 2}", DIAG_DUPLICATE_MEMBER, "a", "twice" },
	{ "[a]\n[a]", DIAG_TOML_REDEFINED, "a", "twice" },
	{ "a = 1\n[a.b]", DIAG_TOML_REDEFINED, "a", "value" },
	{ "a = {b = 1}\n[a.c]", DIAG_TOML_REDEFINED, "a", "inline table" },
	{ "a = {b = 1}\na.c = 2", DIAG_TOML_REDEFINED, "a", "inline table" },
	{ "a = [1]\n[[a]]", DIAG_TOML_REDEFINED, "a", "array" },
	{ "[[a]]\n[a]", DIAG_TOML_REDEFINED, "a", "[[...]]" },
	{ "[a]\n[[a]]", DIAG_TOML_REDEFINED, "a", "not an array" },
	{ "[a]\nb.c = 1\n[a.b]", DIAG_TOML_REDEFINED, "b", "dotted" },
	{ "[a.b.c]\n[a]\nb.x = 1", DIAG_TOML_REDEFINED, "b", "header" },
};

START_TEST(test_errors)
{
	expect_error(&errors[_i], TREE_TOML);
}
END_TEST

START_TEST(test_tables_that_may_grow)
{
	struct node *n = read_str(STR("[a.b]\nx = 1\n[a]\ny = 2\n[f]\np.q = 1\np.r = 2\n[f.p.s]\nz "
				      "= 3\n[[l]]\n[l.m]\nk = 1\n[[l]]\n"
				      "[l.m]\nk = 2\n"),
		TREE_TOML);

	ck_assert_uint_eq(diags.n, 0);
	ck_assert_int_eq(find(n, "a.b.x")->integer, 1);
	ck_assert_int_eq(find(n, "f.p.s.z")->integer, 3);
	ck_assert_int_eq(find(n, "l[1].m.k")->integer, 2);
	ck_assert(node_get(find(n, "f"), STR("p"))->n_children == 3);
}
END_TEST

START_TEST(test_goes_on_after_errors)
{
	struct node *n = read_str(STR("a = 1\na = 2\n[a.b]\nlost = 1\n[c]\nd = 3\n"), TREE_TOML);

	ck_assert_uint_eq(diags.n, 2);
	ck_assert_int_eq(find(n, "c.d")->integer, 3);
	ck_assert_uint_eq(n->n_children, 2);
}
END_TEST

START_TEST(test_depth)
{
	static const char *const parts[] = { "a.", "[", "{a=" };

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		struct sbuf text = { 0 };

		sbuf_adds(&text, i == 0 ? "" : "x = ");
		for (int d = 0; d < 100000; d++)
			sbuf_adds(&text, parts[i]);
		sbuf_adds(&text, i == 0 ? "b = 1" : "");
		ck_assert_ptr_null(read_str(sbuf_str(&text), TREE_TOML));
		ck_assert_int_eq(diags.at[0].id, DIAG_TOO_DEEP);
		sbuf_fini(&text);
	}
}
END_TEST

Suite *suite_toml(void)
{
	Suite *s = suite_create("toml");
	TCase *t = tcase_create("toml");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_values);
	tcase_add_test(t, test_times);
	tcase_add_test(t, test_spans);
	tcase_add_loop_test(t, test_errors, 0, ARRAY_LEN(errors));
	tcase_add_test(t, test_tables_that_may_grow);
	tcase_add_test(t, test_goes_on_after_errors);
	tcase_add_test(t, test_depth);
	suite_add_tcase(s, t);
	return s;
}
