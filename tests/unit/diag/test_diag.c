/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "diag/diag.h"

#include <check.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/str.h"
#include "diag/render.h"
#include "tree/tree.h"

Suite *suite_diag(void);

static struct arena arena;
static struct diags diags;
static struct sbuf out;

static void setup(void)
{
	arena_init_unbounded(&arena);
	diag_init(&diags, &arena);
	out = (struct sbuf){ 0 };
}

static void teardown(void)
{
	sbuf_fini(&out);
	arena_fini(&arena);
}

static const char *rendered(enum render_format format)
{
	struct render_options options = { .format = format, .version = "1.2" };

	sbuf_clear(&out);
	render_diags(&out, &diags, &options);
	return out.len == 0 ? "" : out.ptr;
}

static struct span at(uint32_t source, uint32_t begin, uint32_t end)
{
	return (struct span){ source, begin, end };
}

START_TEST(test_places)
{
	uint32_t s =
		diag_add_source(&diags, STR("a"), STR("\xef\xbb\xbfone\n\xc3\xa9t\xc3\xa9 x\n"));
	uint32_t line, column;

	diag_place(&diags, at(s, 0, 1), &line, &column);
	ck_assert(line == 1 && column == 1);
	diag_place(&diags, at(s, 3, 4), &line, &column);
	ck_assert(line == 1 && column == 4);
	diag_place(&diags, at(s, 10, 11), &line, &column);
	ck_assert(line == 2 && column == 5);
	diag_place(&diags, at(s, 12, 12), &line, &column);
	ck_assert(line == 3 && column == 1);
	diag_place(&diags, at(s, 999, 999), &line, &column);
	ck_assert(line == 3 && column == 1);
	ck_assert(str_eq(diag_place_str(&diags, &arena, at(s, 10, 11)), STR("a:2:5")));
	ck_assert_uint_eq(diag_place_str(&diags, &arena, SPAN_NONE).len, 0);
}
END_TEST

START_TEST(test_kinds)
{
	for (int i = 0; i < DIAG_COUNT; i++) {
		const struct diag_kind *k = diag_kind((enum diag_id)i);

		ck_assert_ptr_eq(diag_kind_by_code(str_of(k->code)), k); /* so codes are unique */
		ck_assert(strlen(k->code) == 5 && k->code[0] == 'T');
		ck_assert_msg(strstr(k->help, "\n\nwrong: ") != NULL &&
				      strstr(k->help, "\nright: ") != NULL,
			"%s", k->code);
	}
	ck_assert_ptr_null(diag_kind_by_code(STR("T9999")));
}
END_TEST

START_TEST(test_severities)
{
	diag_report(&diags, DIAG_SECRET_LITERAL, SPAN_NONE, "x");
	ck_assert(!diag_failed(&diags) && diags.n_warnings == 1);
	diags.strict = true;
	diag_report(&diags, DIAG_YAML_OCTAL, SPAN_NONE, "x");
	ck_assert(!diag_failed(&diags) && diags.n_warnings == 2);
	diag_report(&diags, DIAG_SECRET_LITERAL, SPAN_NONE, "x");
	ck_assert(diag_failed(&diags) && diags.n_errors == 1);
	diags.warnings_as_errors = true;
	diag_report(&diags, DIAG_YAML_OCTAL, SPAN_NONE, "x");
	ck_assert_uint_eq(diags.n_errors, 2);
	ck_assert_int_eq(diags.at[3].severity, DIAG_ERROR);
}
END_TEST

START_TEST(test_text)
{
	struct str text = STR("routes:\n  backend: bilings\nbackends:\n  billing: {}\n");
	uint32_t s = diag_add_source(&diags, STR("g.yaml"), text);

	diag_report(&diags, DIAG_READ_FAILED, at(s, 19, 26), "unknown backend '%s'", "bilings");
	diag_where(&diags, STR("routes[2].backend"));
	diag_note(&diags, at(s, 39, 46), "did you mean 'billing', defined here?");
	ck_assert_str_eq(rendered(RENDER_TEXT),
		"g.yaml:2:12: error: unknown backend 'bilings' [T0001]\n"
		"    2 |   backend: bilings\n"
		"      |            ^^^^^^^ at routes[2].backend\n"
		"g.yaml:4:3: note: did you mean 'billing', defined here?\n");
}
END_TEST

START_TEST(test_tabs_and_wide_characters)
{
	uint32_t s = diag_add_source(&diags, STR("g"), STR("\t\xe4\xbd\xa0\xc3\xa9\tbad\r\n"));

	diag_report(&diags, DIAG_READ_FAILED, at(s, 7, 10), "x");
	ck_assert_str_eq(
		rendered(RENDER_TEXT), "g:1:5: error: x [T0001]\n    1 | "
				       "\t\xe4\xbd\xa0\xc3\xa9\tbad\n      | \t   \t^^^\n");
}
END_TEST

/* Nothing that stands in a document reaches the terminal as a control. */
START_TEST(test_hostile_text)
{
	uint32_t s = diag_add_source(&diags, STR("g\x1b[31m"), STR("a\x1b[2J\xff\xe2\x80\xae z\n"));

	diag_report(&diags, DIAG_READ_FAILED, at(s, 0, 1), "key '%s'", "\x1b]0;x\x07\n\xc2\x9b");
	rendered(RENDER_TEXT);
	for (size_t i = 0; i < out.len; i++)
		ck_assert_msg(
			(unsigned char)out.ptr[i] >= 0x20 || out.ptr[i] == '\n', "byte %zu", i);
	ck_assert_ptr_null(strstr(out.ptr, "\xe2\x80\xae"));
	ck_assert_uint_eq(str_utf8_valid(sbuf_str(&out)), out.len);
}
END_TEST

START_TEST(test_long_lines)
{
	char text[1000];
	const char *underline;

	memset(text, 'x', sizeof(text));
	memcpy(text + 500, "bad", 3);
	uint32_t s = diag_add_source(&diags, STR("g"), (struct str){ text, sizeof(text) });

	diag_report(&diags, DIAG_READ_FAILED, at(s, 500, 503), "x");
	rendered(RENDER_TEXT);
	ck_assert_uint_lt(out.len, 300);
	ck_assert_ptr_nonnull(strstr(out.ptr, "    1 | ...xxx"));
	ck_assert_ptr_nonnull(strstr(out.ptr, "xxx...\n"));
	underline = strrchr(out.ptr, '|');
	/* The carets stand under the word. */
	ck_assert_int_eq(
		strchr(underline, '^') - underline, strstr(out.ptr, "bad") - strchr(out.ptr, '|'));
	ck_assert_ptr_nonnull(strstr(underline, " ^^^\n"));
}
END_TEST

START_TEST(test_edges)
{
	uint32_t s = diag_add_source(&diags, STR("g"), STR("ab  \ncd\n"));
	uint32_t empty = diag_add_source(&diags, STR("e"), STR(""));

	diag_report(&diags, DIAG_READ_FAILED, at(s, 0, 7), "several lines");
	diag_report(&diags, DIAG_READ_FAILED, at(s, 4, 4), "the end of a line");
	diag_report(&diags, DIAG_READ_FAILED, at(empty, 0, 0), "nothing");
	diag_report(&diags, DIAG_READ_FAILED, SPAN_NONE, "nowhere");
	diag_where(&diags, STR("a.b"));
	ck_assert_str_eq(rendered(RENDER_TEXT),
		"toronc: error: nowhere at a.b [T0001]\n"
		"g:1:1: error: several lines [T0001]\n    1 | ab  \n      | ^^\n"
		"g:1:5: error: the end of a line [T0001]\n    1 | ab  \n      |     ^\n"
		"e:1:1: error: nothing [T0001]\n    1 | \n      | ^\n");
}
END_TEST

START_TEST(test_sorted_and_capped)
{
	char text[200];
	struct render_list list;

	memset(text, 'x', sizeof(text));
	uint32_t s = diag_add_source(&diags, STR("g"), (struct str){ text, sizeof(text) });

	for (uint32_t i = 60; i > 0; i--) {
		diag_report(&diags, DIAG_READ_FAILED, at(s, i, i + 1), "same");
		diag_report(&diags, DIAG_READ_FAILED, at(s, i, i + 1), "same");
	}
	list = render_sorted(&diags);
	ck_assert_uint_eq(list.n, DIAG_MOST_SHOWN);
	ck_assert_uint_eq(list.n_hidden, 10);
	ck_assert_uint_eq(list.n_errors, 60);
	for (uint32_t i = 0; i < list.n; i++)
		ck_assert_uint_eq(list.at[i]->at.begin, i + 1);
	ck_assert_ptr_nonnull(strstr(rendered(RENDER_TEXT), "\n10 more not shown\n"));
}
END_TEST

START_TEST(test_memory_is_bounded)
{
	for (int i = 0; i < DIAG_MOST_KEPT + 5; i++)
		diag_report(&diags, DIAG_READ_FAILED, SPAN_NONE, "%d", i);
	diag_note(&diags, SPAN_NONE, "belongs to one that was not kept");
	ck_assert_uint_eq(diags.n, DIAG_MOST_KEPT);
	ck_assert_uint_eq(diags.n_errors, DIAG_MOST_KEPT + 5);
	ck_assert_uint_eq(diags.at[DIAG_MOST_KEPT - 1].n_notes, 0);
	ck_assert_uint_eq(render_sorted(&diags).n_hidden, DIAG_MOST_KEPT + 5 - DIAG_MOST_SHOWN);
}
END_TEST

/* Of what is too long the middle is left out: its end says what is wrong. */
START_TEST(test_long_text_is_cut)
{
	char *name = malloc(100001);
	size_t used;
	struct str text;

	for (size_t i = 0; i < 50000; i++)
		memcpy(name + 2 * i, "\xc3\xa9", 3);
	name[0] = 'x'; /* so that no half of the limit falls between two characters */
	name[1] = 'y';
	used = arena.used;
	for (int i = 0; i < 100; i++) {
		diag_report(&diags, DIAG_READ_FAILED, SPAN_NONE, "'%s' is no name", name + i % 2);
		diag_note(&diags, SPAN_NONE, "it is '%s'", name);
		text = diags.at[i].text;
		ck_assert_uint_lt(text.len, 1010);
		ck_assert_uint_eq(str_utf8_valid(text), text.len);
		ck_assert(str_starts(text, i % 2 == 0 ? STR("'xy") : STR("'y")) && str_ends(text, STR("' is no name")));
		ck_assert_int_gt(str_find(text, STR("\xc3\xa9...\xc3\xa9")), 0);
	}
	ck_assert_uint_lt(arena.used - used, 1000000);
	free(name);
}
END_TEST

/* What we write for programs is read back by our own JSON reader, which is strict. */
static struct node *reread(enum render_format format)
{
	struct diags again;
	struct node *root;

	rendered(format);
	diag_init(&again, &arena);
	root = tree_read_json(
		&arena, &again, diag_add_source(&again, STR("out"), sbuf_str(&out)), false);
	ck_assert(!diag_failed(&again));
	return root;
}

static struct node *first_of(struct node *n, const char *key)
{
	struct node *list = node_get(n, str_of(key));

	ck_assert_msg(list != NULL && list->first != NULL, "%s", key);
	return list->first;
}

static void report_two_places(void)
{
	uint32_t s = diag_add_source(&diags, STR("a b.yaml"), STR("\xc3\xa9: \"\n\"\nx: 1\n"));

	diag_report(&diags, DIAG_READ_FAILED, at(s, 4, 7), "50%% of \"this\": a,b");
	diag_where(&diags, STR("\"\xc3\xa9\""));
	diag_note(&diags, at(s, 8, 9), "there");
	diag_report(&diags, DIAG_YAML_OCTAL, SPAN_NONE, "nowhere");
}

START_TEST(test_json)
{
	struct node *d;

	report_two_places();
	d = first_of(reread(RENDER_JSON), "diagnostics");
	ck_assert(str_eq(node_get(d, STR("message"))->text, STR("nowhere")));
	ck_assert_ptr_null(node_get(d, STR("file")));
	d = d->next;
	ck_assert(str_eq(node_get(d, STR("code"))->text, STR("T0001")));
	ck_assert(str_eq(node_get(d, STR("severity"))->text, STR("error")));
	ck_assert(str_eq(node_get(d, STR("where"))->text, STR("\"\xc3\xa9\"")));
	ck_assert_int_eq(node_get(d, STR("column"))->integer, 4);
	ck_assert_int_eq(node_get(d, STR("end_line"))->integer, 2);
	ck_assert_int_eq(node_get(d, STR("end_column"))->integer, 2);
	ck_assert_int_eq(node_get(first_of(d, "notes"), STR("line"))->integer, 3);
	ck_assert_int_eq(node_get(d->parent->parent, STR("errors"))->integer, 1);
	ck_assert_int_eq(node_get(d->parent->parent, STR("warnings"))->integer, 1);
}
END_TEST

START_TEST(test_sarif)
{
	struct node *run, *result, *place;

	report_two_places();
	run = first_of(reread(RENDER_SARIF), "runs");
	ck_assert(str_eq(node_get(run->parent->parent, STR("version"))->text, STR("2.1.0")));
	result = first_of(run, "results")->next;
	ck_assert(str_eq(node_get(result, STR("ruleId"))->text, STR("T0001")));
	place = node_get(first_of(result, "locations"), STR("physicalLocation"));
	ck_assert(str_eq(node_get(node_get(place, STR("artifactLocation")), STR("uri"))->text,
		STR("a%20b.yaml")));
	ck_assert_int_eq(node_get(node_get(place, STR("region")), STR("startColumn"))->integer, 4);
	ck_assert_ptr_nonnull(first_of(result, "relatedLocations"));
	for (result = first_of(run, "results"); result != NULL; result = result->next) {
		int64_t index = node_get(result, STR("ruleIndex"))->integer;
		struct node *rule =
			first_of(node_get(node_get(run, STR("tool")), STR("driver")), "rules");

		for (; index > 0; index--)
			rule = rule->next;
		ck_assert(str_eq(
			node_get(rule, STR("id"))->text, node_get(result, STR("ruleId"))->text));
	}
}
END_TEST

START_TEST(test_github)
{
	report_two_places();
	ck_assert_str_eq(rendered(RENDER_GITHUB),
		"::warning title=T0017::nowhere\n"
		"::error file=a b.yaml,line=1,endLine=2,col=4,title=T0001::50%25 of \"this\": "
		"a,b%0Aa b.yaml:3:1: there\n");
}
END_TEST

START_TEST(test_empty_forms)
{
	ck_assert_str_eq(rendered(RENDER_TEXT), "");
	ck_assert_str_eq(rendered(RENDER_GITHUB), "");
	ck_assert_int_eq(node_get(reread(RENDER_JSON), STR("errors"))->integer, 0);
	ck_assert_ptr_nonnull(reread(RENDER_SARIF));
}
END_TEST

START_TEST(test_nearest)
{
	static const struct str names[] = { STR_INIT("backend"), STR_INIT("rate-limit"),
		STR_INIT("port"), STR_INIT("host"), STR_INIT("description"), STR_INIT("timeouts"),
		STR_INIT("to") };
	static const struct {
		const char *name, *nearest;
	} cases[] = {
		{ "bakend", "backend" },
		{ "Backend", "backend" },
		{ "rate_limit", "rate-limit" },
		{ "prot", "port" },
		{ "hots", "host" },
		{ "desc", "description" },
		{ "timeout", "timeouts" },
		{ "RATELIMIT", "rate-limit" },
		{ "xyzzy", NULL },
		{ "p", NULL },
		{ "backend", NULL },
		{ "ta", NULL },
		{ "", NULL },
		{ "completely-other", NULL },
		{ "bcakned", "backend" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str nearest = diag_nearest(str_of(cases[i].name), names, ARRAY_LEN(names));

		ck_assert_msg(str_eq(nearest, str_of(cases[i].nearest)), "%s: " STR_FMT,
			cases[i].name, STR_ARG(nearest));
	}
	ck_assert_ptr_null(diag_nearest(STR("a"), NULL, 0).ptr);
}
END_TEST

Suite *suite_diag(void)
{
	Suite *s = suite_create("diag");
	TCase *t = tcase_create("diag");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_places);
	tcase_add_test(t, test_kinds);
	tcase_add_test(t, test_severities);
	tcase_add_test(t, test_text);
	tcase_add_test(t, test_tabs_and_wide_characters);
	tcase_add_test(t, test_hostile_text);
	tcase_add_test(t, test_long_lines);
	tcase_add_test(t, test_edges);
	tcase_add_test(t, test_sorted_and_capped);
	tcase_add_test(t, test_memory_is_bounded);
	tcase_add_test(t, test_long_text_is_cut);
	tcase_add_test(t, test_json);
	tcase_add_test(t, test_sarif);
	tcase_add_test(t, test_github);
	tcase_add_test(t, test_empty_forms);
	tcase_add_test(t, test_nearest);
	suite_add_tcase(s, t);
	return s;
}
