/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "unit/tree/fixture.h"

Suite *suite_subst(void);

static const struct tree_var vars[] = {
	{ STR_INIT("PORT"), STR_INIT("1"), STR_INIT("--env-file x:1") },
	{ STR_INIT("PORT"), STR_INIT("8080"), STR_INIT("-D") },
	{ STR_INIT("HOST"), STR_INIT("api"), STR_INIT("-D") },
	{ STR_INIT("FLAG"), STR_INIT("true"), STR_INIT("-D") },
	{ STR_INIT("EMPTY"), STR_INIT(""), STR_INIT("-D") },
	{ STR_INIT("SELF"), STR_INIT("${SELF}"), STR_INIT("-D") },
	{ STR_INIT("BINARY"), STR_INIT("\xff"), STR_INIT("the environment") },
	{ STR_INIT("LINES"), STR_INIT("a\x1b[2J"), STR_INIT("-D") },
};

static struct node *substituted(const char *text, enum tree_format format)
{
	struct node *n = read_str(str_of(text), format);
	struct tree_vars all = { vars, ARRAY_LEN(vars) };

	ck_assert_ptr_nonnull(n);
	tree_substitute(&arena, &diags, n, &all);
	return n;
}

START_TEST(test_values)
{
	static const struct {
		const char *in, *json;
	} cases[] = {
		{ "${PORT}", "8080" },
		{ "\"${PORT}\"", "\"8080\"" },
		{ "'${PORT}'", "\"8080\"" },
		{ "!!str ${PORT}", "\"8080\"" },
		{ "${PORT}0", "\"80800\"" },
		{ "${PORT}${PORT}", "80808080" },
		{ "${FLAG}", "true" },
		{ "${EMPTY}", "null" },
		{ "\"${EMPTY}\"", "\"\"" },
		{ "${NONE:-5s}", "\"5s\"" },
		{ "${NONE:-}", "null" },
		{ "${NONE:-7}", "7" },
		{ "${EMPTY:-7}", "null" },
		{ "x-${HOST}:${PORT}/", "\"x-api:8080/\"" },
		{ "${SELF}", "\"${SELF}\"" },
		{ "$${PORT}", "\"${PORT}\"" },
		{ "a$${PORT}b${PORT}", "\"a${PORT}b8080\"" },
		{ "$$${PORT}", "\"$${PORT}\"" },
		{ "${request.path}", "\"${request.path}\"" },
		{ "$${request.path}", "\"$${request.path}\"" },
		{ "$ $$ $5 {PORT}", "\"$ $$ $5 {PORT}\"" },
		{ "[\"${PORT}\", {a: \"${HOST}\"}]",
			"[\n  \"8080\",\n  {\n    \"a\": \"api\"\n  }\n]" },
		{ "${HOST}: ${HOST}", "{\n  \"${HOST}\": \"api\"\n}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		expect_json(substituted(cases[i].in, TREE_YAML), cases[i].json);
		ck_assert_uint_eq(diags.n, 0);
	}
}
END_TEST

START_TEST(test_other_formats_stay_strings)
{
	expect_json(substituted("{\"a\": \"${PORT}\"}", TREE_JSON), "{\n  \"a\": \"8080\"\n}");
	expect_json(substituted("a = '${PORT}'", TREE_TOML), "{\n  \"a\": \"8080\"\n}");
}
END_TEST

START_TEST(test_errors)
{
	static const struct {
		const char *in;
		enum diag_id id;
		const char *bytes;
	} cases[] = {
		{ "a: x-${NOPE}-y", DIAG_VARIABLE_UNSET, "${NOPE}" },
		{ "a: \"\xc3\xa9\\n${NOPE}\"", DIAG_VARIABLE_UNSET, "${NOPE}" },
		{ "a: \"${NO\\u0050E}\"", DIAG_VARIABLE_UNSET, "\"${NO\\u0050E}\"" },
		{ "a: ${PORT", DIAG_VARIABLE_SYNTAX, "${PORT" },
		{ "a: x ${PORT-1} y", DIAG_VARIABLE_SYNTAX, "${PORT-1}" },
		{ "a: ${Port}", DIAG_VARIABLE_SYNTAX, "${Port}" },
		{ "a: ${A:-${B}}", DIAG_VARIABLE_SYNTAX, "${A:-${B}" },
		{ "a: ${BINARY}", DIAG_VARIABLE_VALUE, "${BINARY}" },
		{ "a: ${LINES}", DIAG_VARIABLE_VALUE, "${LINES}" },
		{ "a: ${N:-1e999}", DIAG_NUMBER_RANGE, "${N:-1e999}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct node *n = substituted(cases[i].in, TREE_YAML);

		expect_only(cases[i].id, cases[i].bytes);
		ck_assert(str_eq(diags.at[0].where, STR("a")));
		ck_assert(find(n, "a")->flags & NODE_POISONED);
	}
}
END_TEST

START_TEST(test_second_occurrence)
{
	substituted("a: '${NOPE} and ${NOPE}'", TREE_YAML);
	ck_assert_uint_eq(diags.n, 2);
	ck_assert_uint_eq(diags.at[0].at.begin, 4);
	ck_assert_uint_eq(diags.at[1].at.begin, 16);
	substituted("a: '$${NOPE} and ${NOPE}'", TREE_YAML);
	ck_assert_uint_eq(diags.n, 1);
	ck_assert_uint_eq(diags.at[0].at.begin, 17);
}
END_TEST

START_TEST(test_suggestion)
{
	substituted("a: ${PROT}", TREE_YAML);
	ck_assert_uint_eq(diags.at[0].n_notes, 1);
	ck_assert(str_find(diags.at[0].notes[0].text, STR("'PORT', set by -D")) >= 0);
	substituted("a: ${ELSEWHERE}", TREE_YAML);
	ck_assert(str_find(diags.at[0].notes[0].text, STR("-D ELSEWHERE=value")) >= 0);
}
END_TEST

/* A small document must not grow without bound. */
START_TEST(test_size)
{
	const size_t len = 4 << 20;
	char *big = malloc(len);
	struct sbuf text = { 0 };
	struct tree_var var = { STR("BIG"), { big, len }, STR("-D") };
	struct tree_vars all = { &var, 1 };

	memset(big, 'x', len);
	for (int i = 0; i < 100; i++)
		sbuf_adds(&text, "- ${BIG}\n");
	tree_substitute(&arena, &diags, read_str(sbuf_str(&text), TREE_YAML), &all);
	ck_assert_uint_eq(diags.n, 1);
	ck_assert_int_eq(diags.at[0].id, DIAG_VARIABLE_VALUE);
	sbuf_fini(&text);
	free(big);
}
END_TEST

Suite *suite_subst(void)
{
	Suite *s = suite_create("subst");
	TCase *t = tcase_create("subst");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_values);
	tcase_add_test(t, test_other_formats_stay_strings);
	tcase_add_test(t, test_errors);
	tcase_add_test(t, test_second_occurrence);
	tcase_add_test(t, test_suggestion);
	tcase_add_test(t, test_size);
	suite_add_tcase(s, t);
	return s;
}
