/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Conditional requests, in the order of RFC 9110 section 13.2.2; and content negotiation. */
#include <check.h>

#include "http/accept.h"
#include "http/condition.h"

#define NOW 1790000000
#define MODIFIED "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define AFTER "Sun, 06 Nov 1994 08:49:38 GMT"

static struct arena arena;
static struct fields fields;
static const struct condition_validators both = { STR_INIT("\"a\""), true, 784111777 };
static const struct condition_validators weak = { STR_INIT("W/\"a\""), true, 784111777 };
static const struct condition_validators only_etag = { .etag = STR_INIT("\"a\"") };

static void setup(void)
{
	arena_init(&arena, NULL, 0, 1 << 20);
	fields = (struct fields){ 0 };
}

static void teardown(void)
{
	arena_fini(&arena);
}

static void add(const char *name, const char *value)
{
	fields_add(&fields, &arena, str_of(name), str_of(value));
}

/* With one or two fields. */
static void expect(const struct condition_validators *v, const char *name, const char *value, const char *name2,
	const char *value2, enum condition_verdict want)
{
	fields = (struct fields){ 0 };
	if (name != NULL)
		add(name, value);
	if (name2 != NULL)
		add(name2, value2);
	ck_assert_msg(condition_check(&fields, v, NOW) == want, "%s: %s, %s: %s", name ? name : "-", value ? value : "-",
		name2 ? name2 : "-", value2 ? value2 : "-");
}

#define GO CONDITION_GO
#define SAME CONDITION_NOT_MODIFIED
#define FAILED CONDITION_FAILED

START_TEST(one_condition)
{
	expect(&both, NULL, NULL, NULL, NULL, GO);
	expect(&both, "if-none-match", "\"a\"", NULL, NULL, SAME);
	expect(&both, "if-none-match", "W/\"a\"", NULL, NULL, SAME);
	expect(&weak, "if-none-match", "\"a\"", NULL, NULL, SAME);
	expect(&both, "if-none-match", "\"b\", \"a\"", NULL, NULL, SAME);
	expect(&both, "if-none-match", "*", NULL, NULL, SAME);
	expect(&both, "if-none-match", "\"b\"", NULL, NULL, GO);
	expect(&both, "if-match", "\"a\"", NULL, NULL, GO);
	expect(&both, "if-match", "*", NULL, NULL, GO);
	expect(&both, "if-match", "\"b\"", NULL, NULL, FAILED);
	expect(&both, "if-match", "W/\"a\"", NULL, NULL, FAILED);
	expect(&weak, "if-match", "W/\"a\"", NULL, NULL, FAILED);
	expect(&both, "if-modified-since", MODIFIED, NULL, NULL, SAME);
	expect(&both, "if-modified-since", AFTER, NULL, NULL, SAME);
	expect(&both, "if-modified-since", BEFORE, NULL, NULL, GO);
	expect(&both, "if-modified-since", "yesterday", NULL, NULL, GO);
	expect(&both, "if-unmodified-since", MODIFIED, NULL, NULL, GO);
	expect(&both, "if-unmodified-since", BEFORE, NULL, NULL, FAILED);
	expect(&both, "if-unmodified-since", "yesterday", NULL, NULL, GO);
	expect(&only_etag, "if-modified-since", AFTER, NULL, NULL, GO);
	expect(&only_etag, "if-unmodified-since", BEFORE, NULL, NULL, GO);
}
END_TEST

START_TEST(precedence)
{
	/* If-Match makes If-Unmodified-Since mean nothing, If-None-Match If-Modified-Since. */
	expect(&both, "if-match", "\"a\"", "if-unmodified-since", BEFORE, GO);
	expect(&both, "if-match", "\"b\"", "if-unmodified-since", AFTER, FAILED);
	expect(&both, "if-none-match", "\"b\"", "if-modified-since", AFTER, GO);
	expect(&both, "if-none-match", "\"a\"", "if-modified-since", BEFORE, SAME);
	/* What failed comes before what is not modified. */
	expect(&both, "if-none-match", "\"a\"", "if-match", "\"b\"", FAILED);
	expect(&both, "if-none-match", "\"a\"", "if-match", "\"a\"", SAME);
	expect(&both, "if-none-match", "\"a\"", "if-unmodified-since", BEFORE, FAILED);
	/* Lists may be spread over several fields. */
	expect(&both, "if-none-match", "\"b\"", "if-none-match", "\"a\"", SAME);
	expect(&both, "if-match", "\"b\"", "if-match", "\"a\"", GO);
}
END_TEST

START_TEST(tag_lists)
{
	static const struct {
		const char *list, *tag;
		bool has;
	} cases[] = {
		{ "\"a,b\"", "\"a,b\"", true }, { "\"a,b\"", "\"a\"", false }, { ",, \"x\" ,\t\"a\"", "\"a\"", true },
		{ "\"\"", "\"\"", true }, { "a", "\"a\"", false }, { "\"a", "\"a\"", false }, { "a, \"a\"", "\"a\"", false },
		{ "", "\"a\"", false }, { "w/\"a\"", "\"a\"", false }, { " * ", "\"a\"", true }, { "*, \"a\"", "\"a\"", false },
		{ "\"b\"\"a\"", "\"a\"", true }, { "W/", "\"a\"", false }, { "\"A\"", "\"a\"", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(condition_list_has(str_of(cases[i].list), str_of(cases[i].tag), true) == cases[i].has, "%s",
			cases[i].list);
	ck_assert(!condition_list_has(STR("\"a\""), STR_NONE, false));
}
END_TEST

static bool if_range(const struct condition_validators *v, const char *value)
{
	fields = (struct fields){ 0 };
	if (value != NULL)
		add("if-range", value);
	return condition_range_holds(&fields, v, NOW);
}

START_TEST(if_ranges)
{
	ck_assert(if_range(&both, NULL));
	ck_assert(if_range(&both, "\"a\""));
	ck_assert(!if_range(&both, "\"b\""));
	ck_assert(!if_range(&both, "W/\"a\""));
	ck_assert(!if_range(&weak, "W/\"a\""));
	ck_assert(!if_range(&weak, "\"a\""));
	ck_assert(!if_range(&both, "\"a\", \"b\""));
	ck_assert(!if_range(&both, "*"));
	ck_assert(if_range(&both, MODIFIED));
	ck_assert(!if_range(&both, AFTER));
	ck_assert(!if_range(&both, BEFORE));
	ck_assert(!if_range(&weak, MODIFIED));
	ck_assert(!if_range(&only_etag, MODIFIED));
}
END_TEST

static unsigned weight(const char *value, const char *coding)
{
	fields = (struct fields){ 0 };
	if (value != NULL)
		add("accept-encoding", value);
	return accept_encoding_weight(&fields, str_of(coding));
}

START_TEST(weights)
{
	ck_assert_uint_eq(weight(NULL, "gzip"), 0);
	ck_assert_uint_eq(weight(NULL, "identity"), 1);
	ck_assert_uint_eq(weight("", "gzip"), 0);
	ck_assert_uint_eq(weight("gzip", "gzip"), 1000);
	ck_assert_uint_eq(weight("GZip", "gzip"), 1000);
	ck_assert_uint_eq(weight("x-gzip", "gzip"), 1000);
	ck_assert_uint_eq(weight("gzip", "br"), 0);
	ck_assert_uint_eq(weight("gzip;q=0.5, br ; q=0.25", "gzip"), 500);
	ck_assert_uint_eq(weight("gzip;q=0.5, br ; q=0.25", "br"), 250);
	ck_assert_uint_eq(weight("br;q=0", "br"), 0);
	ck_assert_uint_eq(weight("br;Q=0.001", "br"), 1);
	ck_assert_uint_eq(weight("br;q=1.000", "br"), 1000);
	ck_assert_uint_eq(weight("*", "br"), 1000);
	ck_assert_uint_eq(weight("*;q=0.3, br;q=0.1", "br"), 100);
	ck_assert_uint_eq(weight("*;q=0.3, br;q=0.1", "zstd"), 300);
	ck_assert_uint_eq(weight("*", "identity"), 1);
	ck_assert_uint_eq(weight("*;q=0", "identity"), 0);
	ck_assert_uint_eq(weight("identity;q=0.7", "identity"), 700);
	ck_assert_uint_eq(weight("*;q=0, identity", "identity"), 1000);
	/* What is malformed says nothing. */
	ck_assert_uint_eq(weight("br;q=2", "br"), 0);
	ck_assert_uint_eq(weight("br;q=1.1", "br"), 0);
	ck_assert_uint_eq(weight("br;q=0.1234", "br"), 0);
	ck_assert_uint_eq(weight("br;q=", "br"), 0);
	ck_assert_uint_eq(weight("br;level=5", "br"), 0);
	ck_assert_uint_eq(weight("br;q=x, gzip", "gzip"), 1000);
}
END_TEST

Suite *suite_condition(void)
{
	Suite *s = suite_create("condition");
	TCase *t = tcase_create("condition");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, one_condition);
	tcase_add_test(t, precedence);
	tcase_add_test(t, tag_lists);
	tcase_add_test(t, if_ranges);
	tcase_add_test(t, weights);
	suite_add_tcase(s, t);
	return s;
}
