/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "unit/tree/fixture.h"

Suite *suite_json(void);

START_TEST(test_values)
{
	struct node *n = read_str(STR("{\"i\": -9223372036854775808, \"f\": 1.5e3, \"t\": true, "
				      "\"n\": null, \"s\": \"\\u00e9\\ud83d\\ude00\\n\\/\","
				      "\"l\": [1, [], {}], \"\": 0, \"big\": 9223372036854775808}"),
		TREE_JSON);

	ck_assert_uint_eq(diags.n, 0);
	ck_assert_int_eq(node_get(n, STR("i"))->integer, INT64_MIN);
	ck_assert_double_eq(node_get(n, STR("f"))->real, 1500.0);
	ck_assert(node_get(n, STR("t"))->kind == NODE_BOOL && node_get(n, STR("t"))->boolean);
	ck_assert_int_eq(node_get(n, STR("n"))->kind, NODE_NULL);
	ck_assert(str_eq(node_get(n, STR("s"))->text, STR("\xc3\xa9\xf0\x9f\x98\x80\n/")));
	ck_assert(node_get(n, STR("s"))->flags & NODE_QUOTED);
	ck_assert_uint_eq(node_get(n, STR("l"))->n_children, 3);
	ck_assert_int_eq(node_get(n, STR(""))->integer, 0);
	ck_assert_int_eq(node_get(n, STR("big"))->kind, NODE_FLOAT);
	ck_assert(str_eq(node_get(n, STR("big"))->text, STR("9223372036854775808")));
}
END_TEST

START_TEST(test_spans)
{
	static const struct span_case cases[] = {
		{ "", NULL, "{ \"a\\u0062\" : [ 12 , \"x\\n\" ], \"c\":{\"d\": true} }" },
		{ "ab", "\"a\\u0062\"", "[ 12 , \"x\\n\" ]" },
		{ "ab[0]", NULL, "12" },
		{ "ab[1]", NULL, "\"x\\n\"" },
		{ "c", "\"c\"", "{\"d\": true}" },
		{ "c.d", "\"d\"", "true" },
	};

	expect_spans(read_str(STR("\xef\xbb\xbf { \"a\\u0062\" : [ 12 , \"x\\n\" ], \"c\":{\"d\": "
				  "true} } "),
			     TREE_JSON),
		cases, ARRAY_LEN(cases));
}
END_TEST

static const struct error_case errors[] = {
	{ "", DIAG_JSON_SYNTAX, "", "empty" },
	{ "{\"a\":1", DIAG_JSON_SYNTAX, "", "ends" },
	{ "[1 2]", DIAG_JSON_SYNTAX, "2", "','" },
	{ "[1,]", DIAG_JSON_SYNTAX, ",", "comma" },
	{ "{\"a\":1,}", DIAG_JSON_SYNTAX, ",", "comma" },
	{ "{\"a\"}", DIAG_JSON_SYNTAX, "}", "':'" },
	{ "{\"a\":}", DIAG_JSON_SYNTAX, "}", "missing" },
	{ "{a: 1}", DIAG_JSON_SYNTAX, "a", "double quotes" },
	{ "{'a': 1}", DIAG_JSON_SYNTAX, "'a': 1}", "double quotes" },
	{ "{1: 1}", DIAG_JSON_SYNTAX, "1", "key" },
	{ "[1}", DIAG_JSON_SYNTAX, "}", "']'" },
	{ "1 2", DIAG_JSON_SYNTAX, "2", "only one" },
	{ "[01]", DIAG_JSON_SYNTAX, "01", "leading zeros" },
	{ "[-]", DIAG_JSON_SYNTAX, "-", "number" },
	{ "[1.]", DIAG_JSON_SYNTAX, "1.", "number" },
	{ "[.5]", DIAG_JSON_SYNTAX, ".5", "digit" },
	{ "[+1]", DIAG_JSON_SYNTAX, "+1", "plus" },
	{ "[0x10]", DIAG_JSON_SYNTAX, "0x10", "number" },
	{ "[NaN]", DIAG_JSON_SYNTAX, "NaN", "no such number" },
	{ "[True]", DIAG_JSON_SYNTAX, "True", "lower case" },
	{ "[\"a\nb\"]", DIAG_JSON_SYNTAX, "\"a", "closing quote" },
	{ "[\"a\tb\"]", DIAG_JSON_SYNTAX, "\t", "\\t" },
	{ "[\"\\x\"]", DIAG_JSON_SYNTAX, "\\x", "escape" },
	{ "[\"\\u12g4\"]", DIAG_JSON_SYNTAX, "\\u", "four" },
	{ "[\"\\ud800\"]", DIAG_JSON_SYNTAX, "\\ud800", "surrogate" },
	{ "[\"\\udc00\\ud800\"]", DIAG_JSON_SYNTAX, "\\udc00", "surrogate" },
	{ "[\"\\ud800\\u0041\"]", DIAG_JSON_SYNTAX, "\\ud800", "surrogate" },
	{ "[\"abc", DIAG_JSON_SYNTAX, "\"abc", "closing quote" },
	{ "[\"abc\\", DIAG_JSON_SYNTAX, "\\", "escape" },
	{ "[1] // x", DIAG_JSON_SYNTAX, "// x", "comments" },
	{ "/* x", DIAG_JSON_SYNTAX, "/*", "no end" },
	{ "[1e400]", DIAG_NUMBER_RANGE, "1e400", "too large" },
	{ "{\"a\": 1, \"\\u0061\": 2}", DIAG_DUPLICATE_MEMBER, "\"\\u0061\"", "twice" },
	{ "[\"\xff\"]", DIAG_BAD_ENCODING, "\xff", "0xFF" },
	{ "[\"\xed\xa0\x80\"]", DIAG_BAD_ENCODING, "\xed", "0xED" },
	{ "[\"\x01\"]", DIAG_BAD_ENCODING, "\x01", "U+0001" },
	{ "\xff\xfe[\x01", DIAG_BAD_ENCODING, "\xff\xfe", "UTF-16" },
};

START_TEST(test_errors)
{
	expect_error(&errors[_i], TREE_JSON);
}
END_TEST

START_TEST(test_nul_is_no_end)
{
	ck_assert_ptr_null(read_str((struct str){ "[1]\0", 4 }, TREE_JSON));
	ck_assert_int_eq(diags.at[0].id, DIAG_BAD_ENCODING);
	ck_assert_ptr_null(read_str((struct str){ "[\"\0\"]", 5 }, TREE_JSON));
}
END_TEST

START_TEST(test_comments)
{
	struct node *n = read_str(
		STR("// a\n{\"a\": [1, /* ** / */ 2,], /**/ \"b\": 3,} // end"), TREE_JSONC);

	ck_assert_uint_eq(diags.n, 0);
	expect_json(n, "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": 3\n}");
	ck_assert_ptr_null(read_str(STR("[,]"), TREE_JSONC));
	ck_assert_ptr_null(read_str(STR("[1,,]"), TREE_JSONC));
}
END_TEST

START_TEST(test_duplicate_has_both_places)
{
	read_str(STR("{\"r\": [{\"a\": 1, \"a\": 2}]}"), TREE_JSON);
	expect_only(DIAG_DUPLICATE_MEMBER, "\"a\"");
	ck_assert_uint_eq(diags.at[0].at.begin, 16);
	ck_assert_uint_eq(diags.at[0].notes[0].at.begin, 8);
	ck_assert(str_eq(diags.at[0].where, STR("r[0].a")));
}
END_TEST

static struct node *read_nested(unsigned depth, char open, char close)
{
	struct sbuf text = { 0 };
	struct node *n;

	for (unsigned i = 0; i < depth; i++)
		sbuf_printf(&text, open == '{' ? "%c\"a\":" : "%c", open);
	sbuf_adds(&text, "1");
	for (unsigned i = 0; i < depth; i++)
		sbuf_addc(&text, close);
	n = read_str(sbuf_str(&text), TREE_JSON);
	sbuf_fini(&text);
	return n;
}

START_TEST(test_depth)
{
	ck_assert_ptr_nonnull(read_nested(TREE_MAX_DEPTH, '[', ']'));
	ck_assert_ptr_nonnull(read_nested(TREE_MAX_DEPTH, '{', '}'));
	ck_assert_ptr_null(read_nested(TREE_MAX_DEPTH + 1, '[', ']'));
	expect_only(DIAG_TOO_DEEP, "[");
	ck_assert_ptr_null(read_nested(TREE_MAX_DEPTH + 1, '{', '}'));
	expect_only(DIAG_TOO_DEEP, "{");
	ck_assert_ptr_null(read_nested(100000, '[', ']'));
}
END_TEST

/* Each lookup and each check for duplicates is constant time, or this takes minutes. */
START_TEST(test_wide_map)
{
	const int n_members = 100000;
	struct sbuf text = { 0 };
	struct node *n;

	for (int i = 0; i < n_members; i++)
		sbuf_printf(&text, "%c\"k%d\":%d", i == 0 ? '{' : ',', i, i);
	sbuf_addc(&text, '}');
	n = read_str(sbuf_str(&text), TREE_JSON);
	sbuf_fini(&text);
	ck_assert_uint_eq(n->n_children, n_members);
	for (int i = 0; i < n_members; i++)
		ck_assert_int_eq(node_get(n, arena_printf(&arena, "k%d", i))->integer, i);
	ck_assert_ptr_null(node_get(n, STR("k100000")));
}
END_TEST

/* A pass may link members by hand; they are found all the same. */
START_TEST(test_lookup_after_changes)
{
	struct node *n = read_str(STR("{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,"
				      "\"h\":1,\"i\":1,\"j\":1,\"k\":1,\"l\":1,"
				      "\"m\":1,\"n\":1,\"o\":1,\"p\":1,\"q\":1,\"r\":1}"),
		TREE_JSON);
	struct node *by_hand = ARENA_NEW(&arena, struct node),
		    *appended = ARENA_NEW(&arena, struct node);

	by_hand->key = STR("hand");
	by_hand->parent = n;
	n->last = n->last->next = by_hand;
	by_hand->index = n->n_children++;
	ck_assert_ptr_eq(node_get(n, STR("hand")), by_hand);
	appended->key = STR("appended");
	node_append(&arena, n, appended);
	ck_assert_ptr_eq(node_get(n, STR("appended")), appended);
	ck_assert_uint_eq(appended->index, 19);
	ck_assert_ptr_null(node_get(n, STR("absent")));
}
END_TEST

/* However long keys are, and however many errors are below them, a report shows a part of them. */
START_TEST(test_places_are_cut)
{
	char long_key[1000];
	struct sbuf text = { 0 };
	struct node *n;
	size_t used;

	for (size_t i = 0; i + 1 < sizeof(long_key); i += 3)
		memcpy(long_key + i, "\xe2\x82\xac", 3);
	long_key[999] = '\0';
	for (int i = 0; i < 150; i++)
		sbuf_printf(&text, "{\"%s\":", long_key);
	sbuf_adds(&text, "1");
	for (int i = 0; i < 150; i++)
		sbuf_addc(&text, '}');
	n = read_str(sbuf_str(&text), TREE_JSON);
	sbuf_fini(&text);
	while (n->first != NULL)
		n = n->first;
	ck_assert_uint_gt(node_path(&arena, n).len, 150 * 999);
	used = arena.used;
	for (int i = 0; i < 100; i++)
		node_report(&diags, n, DIAG_WRONG_TYPE, "x");
	ck_assert_uint_lt(arena.used - used, 300000);
	ck_assert_uint_lt(diags.at[99].where.len, 1010);
	ck_assert_uint_eq(str_utf8_valid(diags.at[99].where), diags.at[99].where.len);
	ck_assert(str_starts(diags.at[99].where, STR("\"\xe2\x82\xac")) && str_ends(diags.at[99].where, STR("...")));
}
END_TEST

START_TEST(test_paths)
{
	struct node *n = read_str(
		STR("{\"routes\": [{}, {}, {\"match\": {\"x y\": 1, \"a-b_9\": 2}}]}"), TREE_JSON);

	ck_assert_int_eq(find(n, "routes[2].match.\"x y\"")->integer, 1);
	ck_assert_int_eq(find(n, "routes[2].match.a-b_9")->integer, 2);
	ck_assert_uint_eq(node_path(&arena, n).len, 0);
	node_report(&diags, find(n, "routes[2].match.a-b_9"), DIAG_WRONG_TYPE, "x");
	expect_only(DIAG_WRONG_TYPE, "2");
	ck_assert(str_eq(diags.at[0].where, STR("routes[2].match.a-b_9")));
	node_key_report(&diags, find(n, "routes[2].match.a-b_9"), DIAG_UNKNOWN_KEY, "x");
	ck_assert(str_eq(bytes_of(diags.at[1].at), STR("\"a-b_9\"")));
}
END_TEST

START_TEST(test_formats)
{
	enum tree_format f;

	ck_assert(tree_format_of(STR("a.b/gateway.yml"), &f) && f == TREE_YAML);
	ck_assert(tree_format_of(STR("x.jsonc"), &f) && f == TREE_JSONC);
	ck_assert(tree_format_of(STR("x.toml"), &f) && f == TREE_TOML);
	ck_assert(!tree_format_of(STR("yaml"), &f) && !tree_format_of(STR("x.txt"), &f));
}
END_TEST

Suite *suite_json(void)
{
	Suite *s = suite_create("json");
	TCase *t = tcase_create("json");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_values);
	tcase_add_test(t, test_spans);
	tcase_add_loop_test(t, test_errors, 0, ARRAY_LEN(errors));
	tcase_add_test(t, test_nul_is_no_end);
	tcase_add_test(t, test_comments);
	tcase_add_test(t, test_duplicate_has_both_places);
	tcase_add_test(t, test_depth);
	tcase_add_test(t, test_wide_map);
	tcase_add_test(t, test_lookup_after_changes);
	tcase_add_test(t, test_paths);
	tcase_add_test(t, test_places_are_cut);
	tcase_add_test(t, test_formats);
	suite_add_tcase(s, t);
	return s;
}
