/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "unit/tree/fixture.h"

Suite *suite_yaml(void);

START_TEST(test_core_schema)
{
	static const struct {
		const char *text;
		enum node_kind kind;
		double value;
	} cases[] = {
		{ "null", NODE_NULL, 0 },
		{ "~", NODE_NULL, 0 },
		{ "", NODE_NULL, 0 },
		{ "nUll", NODE_STRING, 0 },
		{ "true", NODE_BOOL, 1 },
		{ "FALSE", NODE_BOOL, 0 },
		{ "tRue", NODE_STRING, 0 },
		{ "12", NODE_INT, 12 },
		{ "-7", NODE_INT, -7 },
		{ "+3", NODE_INT, 3 },
		{ "0o17", NODE_INT, 15 },
		{ "0x1F", NODE_INT, 31 },
		{ "0o8", NODE_STRING, 0 },
		{ "-0x1", NODE_STRING, 0 },
		{ "1_000", NODE_STRING, 0 },
		{ "12:30", NODE_STRING, 0 },
		{ "1.5", NODE_FLOAT, 1.5 },
		{ ".5", NODE_FLOAT, .5 },
		{ "1.", NODE_FLOAT, 1 },
		{ "1e3", NODE_FLOAT, 1000 },
		{ "-1.5E-1", NODE_FLOAT, -.15 },
		{ ".", NODE_STRING, 0 },
		{ "1e", NODE_STRING, 0 },
		{ "e3", NODE_STRING, 0 },
		{ "+", NODE_STRING, 0 },
		{ "5s", NODE_STRING, 0 },
		{ "20%", NODE_STRING, 0 },
		{ "1.2.3", NODE_STRING, 0 },
		{ "10.0.0.0/8", NODE_STRING, 0 },
		{ "off", NODE_STRING, 0 },
		{ "'12'", NODE_STRING, 0 },
		{ "\"true\"", NODE_STRING, 0 },
		{ "!!str 12", NODE_STRING, 0 },
		{ "!!int 12", NODE_INT, 12 },
		{ "!!float 12", NODE_FLOAT, 12 },
		{ "! 12", NODE_STRING, 0 },
		{ "9223372036854775807", NODE_INT, 9223372036854775807.0 },
		{ "9223372036854775808", NODE_FLOAT, 9223372036854775808.0 },
		{ "0xFFFFFFFFFFFFFFFF", NODE_FLOAT, 18446744073709551615.0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct node *n = read_str(str_of(cases[i].text), TREE_YAML);

		ck_assert_msg(
			n != NULL && diags.n == 0 && n->kind == cases[i].kind, "%s", cases[i].text);
		if (n->kind == NODE_BOOL)
			ck_assert(n->boolean == (cases[i].value > 0));
		else if (n->kind == NODE_INT)
			ck_assert_double_eq((double)n->integer, cases[i].value);
		else if (n->kind == NODE_FLOAT)
			ck_assert_double_eq(n->real, cases[i].value);
	}
}
END_TEST

START_TEST(test_spans)
{
	static const char text[] = "# h\xc3\xa9llo\n"
				   "d\xc3\xa9"
				   "faut: &b {t: 10s, \"q\\u0041\": 'x''y', e: }\n"
				   "list:\n- 0x1F  # one\n- |\n  block\n   text\n\n- !!str 12\n"
				   "next:   plain  value   # c\n"
				   "use: *b\nnul:\n\nseq: [a, b: c,\n  {d: e}]\nmulti: one\n  "
				   "two\nlast: \"\xe4\xbd\xa0\" \n";
	static const struct span_case cases[] = {
		{ "\"d\xc3\xa9""faut\"", "d\xc3\xa9""faut", "{t: 10s, \"q\\u0041\": 'x''y', e: }" },
		{ "\"d\xc3\xa9""faut\".t", "t", "10s" },
		{ "\"d\xc3\xa9""faut\".qA", "\"q\\u0041\"", "'x''y'" },
		{ "\"d\xc3\xa9""faut\".e", "e", "" },
		{ "list[0]", NULL, "0x1F" },
		{ "list[1]", NULL, "|\n  block\n   text" },
		{ "list[2]", NULL, "12" },
		{ "next", "next", "plain  value" },
		{ "use", "use", "*b" },
		{ "nul", "nul", "" },
		{ "seq", "seq", "[a, b: c,\n  {d: e}]" },
		{ "seq[1].b", "b", "c" },
		{ "seq[2].d", "d", "e" },
		{ "multi", "multi", "one\n  two" },
		{ "last", "last", "\"\xe4\xbd\xa0\"" },
	};
	struct node *n = read_str(str_of(text), TREE_YAML);

	ck_assert_uint_eq(diags.n, 0);
	expect_spans(n, cases, ARRAY_LEN(cases));
	ck_assert_uint_eq(find(n, "nul")->span.begin, find(n, "nul")->key_span.end + 1);
	ck_assert_uint_eq(find(n, "list")->span.end, find(n, "list[2]")->span.end);
}
END_TEST

START_TEST(test_crlf_and_bom)
{
	static const struct span_case cases[] = { { "a", "a", "1" }, { "b", "b", "x\r\n  y" },
		{ "c[0]", NULL, "\xc3\xa9" } };
	struct node *n = read_str(STR("\xef\xbb\xbf"
				      "a: 1\r\nb: x\r\n  y\r\nc:\r\n- \xc3\xa9\r\n"),
		TREE_YAML);

	expect_spans(n, cases, ARRAY_LEN(cases));
	ck_assert(str_eq(find(n, "b")->text, STR("x y")));
}
END_TEST

START_TEST(test_aliases)
{
	struct node *n =
		read_str(STR("a: &x {p: [1, 2]}\nb: *x\nc: [*x, *x]\n*k : 1\n"), TREE_YAML);

	ck_assert_int_eq(diags.at[0].id, DIAG_YAML_ALIAS);
	n = read_str(STR("a: &x {p: [1, &k key]}\nb: *x\n*k : 3\na2: &x 7\nc: *x\n"), TREE_YAML);
	ck_assert_uint_eq(diags.n, 0);
	expect_json(find(n, "b"), "{\n  \"p\": [\n    1,\n    \"key\"\n  ]\n}");
	ck_assert(find(n, "b")->flags & NODE_EXPANDED);
	ck_assert(find(n, "b.p[0]")->flags & NODE_EXPANDED);
	ck_assert_uint_eq(find(n, "a")->flags & NODE_EXPANDED, 0);
	ck_assert(str_eq(bytes_of(find(n, "b.p[1]")->span), STR("key")));
	ck_assert_int_eq(find(n, "key")->integer, 3);
	ck_assert_int_eq(find(n, "c")->integer, 7);
}
END_TEST

START_TEST(test_merges)
{
	struct node *n = read_str(STR("a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nm:\n  <<: [*a, "
				      "*b]\n  x: 9\nn:\n  k: 0\n  <<: *b\n"
				      "i:\n  <<: {q: 1}\nquoted:\n  '<<': 1\n"),
		TREE_YAML);

	ck_assert_uint_eq(diags.n, 0);
	expect_json(find(n, "m"), "{\n  \"x\": 9,\n  \"y\": 1,\n  \"z\": 2\n}");
	expect_json(find(n, "n"), "{\n  \"k\": 0,\n  \"y\": 2,\n  \"z\": 2\n}");
	expect_json(find(n, "i"), "{\n  \"q\": 1\n}");
	expect_json(find(n, "quoted"), "{\n  \"<<\": 1\n}");
	ck_assert(find(n, "m.z")->flags & NODE_EXPANDED);
	ck_assert_ptr_eq(find(n, "m.z")->parent, find(n, "m"));
}
END_TEST

/* Ten times ten times ... : refused in bounded time and memory. */
START_TEST(test_billion_laughs)
{
	struct sbuf text = { 0 };

	sbuf_adds(&text, "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n");
	for (int i = 1; i < 12; i++) {
		sbuf_printf(&text, "a%d: &a%d [", i, i);
		for (int j = 0; j < 10; j++)
			sbuf_printf(&text, "*a%d%s", i - 1, j < 9 ? "," : "]\n");
	}
	ck_assert_ptr_null(read_str(sbuf_str(&text), TREE_YAML));
	ck_assert_uint_eq(diags.n, 1);
	ck_assert_int_eq(diags.at[0].id, DIAG_YAML_ALIAS);
	sbuf_fini(&text);
}
END_TEST

static const struct error_case errors[] = {
	{ "a: 1\n\tb: 2\n", DIAG_YAML_SYNTAX, "\t", "tab" },
	{ "a:\n\t- b\n", DIAG_YAML_SYNTAX, "\t", "tab" },
	{ "a: b: c\n", DIAG_YAML_SYNTAX, ":", "quotes" },
	{ "a: 1\n b: 2\n", DIAG_YAML_SYNTAX, ":", "indentation" },
	{ "a: 1\nb 2\nc: 3\n", DIAG_YAML_SYNTAX, "b 2", "expected a ':'" },
	{ "a: 1\r\n- b:\xc3\xa9 # c\r\nc: 3\r\n", DIAG_YAML_SYNTAX, "-", "a key" },
	{ "a: 1\r\nb:\xc3\xa9 # c\r\nc: 3\r\n", DIAG_YAML_SYNTAX, "b:\xc3\xa9", "space behind" },
	{ "a: [1, 2\nb: 3\n", DIAG_YAML_SYNTAX, ":", "" },
	{ "a: {b: ${PORT}}\n", DIAG_YAML_SYNTAX, "{", "quotes" },
	{ "a: @x\n", DIAG_YAML_SYNTAX, "@", "'@'" },
	{ "a: `x\n", DIAG_YAML_SYNTAX, "`", "'`'" },
	{ "a: \"x\\q\"\n", DIAG_YAML_SYNTAX, "\\", "escape" },
	{ "a: \"x\n", DIAG_YAML_SYNTAX, "", "ends" },
	{ "a: 1\n---\nb: 2\n", DIAG_YAML_DOCUMENTS, "---", "second document" },
	{ "a: !secret x\n", DIAG_YAML_TAG, "!secret", "'!secret' is not known" },
	{ "a: !!int x\n", DIAG_YAML_TAG, "!!int", "does not fit" },
	{ "a: !!binary x\n", DIAG_YAML_TAG, "!!binary", "'!!binary' is not known" },
	{ "a: !!map [1]\n", DIAG_YAML_TAG, "!!map", "does not fit" },
	{ "{a: b}: c\n", DIAG_YAML_KEY, "{a: b}", "a map" },
	{ "? [a]\n: c\n", DIAG_YAML_KEY, "[a]", "a list" },
	{ "a: *nope\n", DIAG_YAML_ALIAS, "*nope", "nope" },
	{ "a: &a [*a]\n", DIAG_YAML_ALIAS, "*a", "inside" },
	{ "a: &a {b: {<<: *a}}\n", DIAG_YAML_ALIAS, "*a", "inside" },
	{ "<<: 5\n", DIAG_YAML_MERGE, "5", "an integer" },
	{ "<<: [{a: 1}, x]\n", DIAG_YAML_MERGE, "x", "a string" },
	{ "<<: {a: 1}\n<<: {b: 1}\n", DIAG_DUPLICATE_MEMBER, "<<", "twice" },
	{ "a: 1\n'a': 2\n", DIAG_DUPLICATE_MEMBER, "'a'", "twice" },
	{ "a: 1e999\n", DIAG_NUMBER_RANGE, "1e999", "too large" },
	{ "a: no\n", DIAG_YAML_BOOLEAN, "no", "'no' is a string" },
	{ "a: [Off]\n", DIAG_YAML_BOOLEAN, "Off", "'Off' is a string" },
	{ "a: 0644\n", DIAG_YAML_OCTAL, "0644", "decimal number 644" },
	{ "a: \"\x01\"\n", DIAG_BAD_ENCODING, "\x01", "U+0001" },
	{ "a: \xc3(\n", DIAG_BAD_ENCODING, "\xc3", "UTF-8" },
};

START_TEST(test_errors)
{
	expect_error(&errors[_i], TREE_YAML);
}
END_TEST

START_TEST(test_silent_where_it_should_be)
{
	ck_assert_ptr_nonnull(read_str(STR("on: [x]\nyes: 1\na: off\nb: 'no'\nc: !!str no\nd: "
					   "\"0644\"\ne: 0\nf: 0.5\ng: 00x\n"),
		TREE_YAML));
	ck_assert_uint_eq(diags.n, 0);
}
END_TEST

START_TEST(test_goes_on_after_errors)
{
	struct node *n = read_str(
		STR("a: 1\na: {x: 2, x: 3}\nb: !foo 1\n? [k]\n: {v: 1, v: 2}\nc: *none\nd: 4\n"),
		TREE_YAML);

	ck_assert_uint_eq(diags.n, 6);
	ck_assert_int_eq(find(n, "a")->integer, 1);
	ck_assert_int_eq(find(n, "d")->integer, 4);
	ck_assert(find(n, "b")->flags & NODE_POISONED);
	ck_assert(find(n, "c")->flags & NODE_POISONED);
	ck_assert_uint_eq(n->n_children, 4);
}
END_TEST

START_TEST(test_empty)
{
	struct node *n = read_str(STR(""), TREE_YAML);

	ck_assert(n != NULL && n->kind == NODE_NULL && diags.n == 0);
	n = read_str(STR("# only a comment\n"), TREE_YAML);
	ck_assert(n != NULL && n->kind == NODE_NULL);
	n = read_str(STR_NONE, TREE_YAML);
	ck_assert(n != NULL && n->kind == NODE_NULL);
}
END_TEST

START_TEST(test_depth)
{
	struct sbuf text = { 0 };

	for (int i = 0; i < TREE_MAX_DEPTH; i++)
		sbuf_adds(&text, "- ");
	sbuf_adds(&text, "x");
	ck_assert_ptr_nonnull(read_str(sbuf_str(&text), TREE_YAML));
	sbuf_clear(&text);
	for (int i = 0; i < 100000; i++)
		sbuf_adds(&text, "- ");
	ck_assert_ptr_null(read_str(sbuf_str(&text), TREE_YAML));
	ck_assert_int_eq(diags.at[0].id, DIAG_TOO_DEEP);
	/* Aliases of deep things add up. */
	sbuf_clear(&text);
	sbuf_adds(&text, "a0: &a0 [1]\n");
	for (int i = 1; i <= TREE_MAX_DEPTH; i++)
		sbuf_printf(&text, "a%d: &a%d [*a%d]\n", i, i, i - 1);
	ck_assert_ptr_null(read_str(sbuf_str(&text), TREE_YAML));
	ck_assert_int_eq(diags.at[0].id, DIAG_TOO_DEEP);
	sbuf_fini(&text);
}
END_TEST

Suite *suite_yaml(void)
{
	Suite *s = suite_create("yaml");
	TCase *t = tcase_create("yaml");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_core_schema);
	tcase_add_test(t, test_spans);
	tcase_add_test(t, test_crlf_and_bom);
	tcase_add_test(t, test_aliases);
	tcase_add_test(t, test_merges);
	tcase_add_test(t, test_billion_laughs);
	tcase_add_loop_test(t, test_errors, 0, ARRAY_LEN(errors));
	tcase_add_test(t, test_silent_where_it_should_be);
	tcase_add_test(t, test_goes_on_after_errors);
	tcase_add_test(t, test_empty);
	tcase_add_test(t, test_depth);
	suite_add_tcase(s, t);
	return s;
}
