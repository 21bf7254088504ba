/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "prove/prove.h"

#include "unit/plan/config.h"

/* Two routes, and what is said about them: the command line that both take for a tie, "hidden",
 * or "" for nothing. */
static const struct pair {
	const char *a, *b;
	const char *want;
} pairs[] = {
	/* ties */
	{ "match: {path: \"/u/{id}\"}", "match: {path: \"/u/{name}\"}",
		"curl -X GET 'http://localhost:8080/u/a'" },
	{ "match: {path: /a}", "match: {path: /b}", "" },
	{ "match: {path: {exact: /a}}", "match: {path: {exact: /a}}",
		"curl -X GET 'http://localhost:8080/a'" },
	{ "match: {path: /a, method: [GET, PUT]}", "match: {path: /a, method: [POST, PUT]}",
		"curl -X PUT 'http://localhost:8080/a'" },
	{ "match: {path: /a, method: GET}", "match: {path: /a, method: POST}", "" },
	{ "match: {path: /a, method: GET}", "match: {path: /a, method: HEAD}",
		"curl -X HEAD 'http://localhost:8080/a'" },
	{ "match: {path: /a, method: BAN}", "match: {path: /a, method: BAN}",
		"curl -X 'BAN' 'http://localhost:8080/a'" },
	{ "match: {host: [a.x, b.x], path: /a}", "match: {host: [b.x, c.x], path: /a}",
		"curl -X GET 'http://b.x:8080/a'" },
	{ "match: {host: a.x, path: /a}", "match: {host: b.x, path: /a}", "" },
	{ "match: {host: \"*.x\", path: /a}", "match: {host: \"*.x\", path: /a}",
		"curl -X GET 'http://www.x:8080/a'" },
	{ "match: {host: \"*.y.x\", path: /a}", "match: {host: \"*.z.x\", path: /a}", "" },
	{ "match: {path: /a, headers: {x: \"1\"}}", "match: {path: /a, headers: {x: \"2\"}}", "" },
	{ "match: {path: /a, headers: {x: [\"1\", \"2\"]}}",
		"match: {path: /a, headers: {x: [\"2\", \"3\"]}}",
		"curl -X GET -H 'x: 2' 'http://localhost:8080/a'" },
	{ "match: {path: /a, headers: {x: \"1\"}}", "match: {path: /a, headers: {y: \"it's\"}}",
		"curl -X GET -H 'x: 1' -H 'y: it'\\''s' 'http://localhost:8080/a'" },
	{ "match: {path: /a, headers: {x: {prefix: ab}}}",
		"match: {path: /a, headers: {x: {suffix: bc}}}",
		"curl -X GET -H 'x: abc' 'http://localhost:8080/a'" },
	{ "match: {path: /a, headers: {x: {regex: \"[0-4]+\"}}}",
		"match: {path: /a, headers: {x: {regex: \"[5-9]+\"}}}", "" },
	{ "match: {path: /a, headers: {x: {regex: \"[0-4]+\"}}}",
		"match: {path: /a, headers: {x: {regex: \"[4-9]+\"}}}",
		"curl -X GET -H 'x: 4' 'http://localhost:8080/a'" },
	{ "match: {path: /a, headers: {x: {present: true}}}",
		"match: {path: /a, headers: {x: {present: false}}}", "" },
	{ "match: {path: /a, headers: {x: {present: true}}}", "match: {path: /a, headers: {x: q}}",
		"curl -X GET -H 'x: q' 'http://localhost:8080/a'" },
	{ "match: {path: /a, query: {\"a b\": \"&\"}}",
		"match: {path: /a, query: {c: {present: true}}}",
		"curl -X GET 'http://localhost:8080/a?a%20b=%26&c=1'" },
	{ "match: {path: /a, cookies: {c: \"1\"}}", "match: {path: /a, cookies: {d: \"2\"}}",
		"curl -X GET -b 'c=1; d=2' 'http://localhost:8080/a'" },
	{ "match: {path: /a, source: 10.0.0.0/8}", "match: {path: /a, source: 11.0.0.0/8}", "" },
	{ "match: {path: /a, source: 10.0.0.0/8}", "match: {path: /a, source: 10.1.0.0/16}",
		"curl -X GET 'http://localhost:8080/a' # from 10.1.0.0/16" },
	{ "match: {path: {regex: \"/v[0-9]+/.*\"}}", "match: {path: {regex: \".*/x/.*\"}}",
		"curl -X GET 'http://localhost:8080/v0/x/'" },
	{ "match: {path: {regex: \"/v[0-9]+\"}}", "match: {path: {regex: \"/w[0-9]+\"}}", "" },
	/* an order decides */
	{ "match: {path: /a}", "match: {path: /a, method: GET}", "" },
	{ "match: {path: /a}", "priority: 1, match: {path: /a/b}", "" },
	/* hidden */
	{ "priority: 1, match: {path: /}", "match: {path: /a}", "hidden" },
	{ "priority: 1, match: {path: /a}",
		"match: {path: [/a/b, {exact: /a}, {regex: \"/a/[0-9]\"}]}", "hidden" },
	{ "priority: 1, match: {path: /a}", "match: {path: [/a/b, /c]}", "" },
	{ "priority: 1, match: {path: /a, method: GET}", "match: {path: /a, method: HEAD}",
		"hidden" },
	{ "priority: 1, match: {path: /a, method: GET}", "match: {path: /a}", "" },
	{ "priority: 1, match: {path: /a}", "match: {host: [a.x, \"*.y\"], path: /a}", "hidden" },
	{ "priority: 1, match: {host: \"*.x\", path: /a}",
		"match: {host: [a.x, \"*.b.x\"], path: /a}", "hidden" },
	{ "priority: 1, match: {host: \"*.x\", path: /a}", "match: {host: [a.x, x], path: /a}",
		"" },
	{ "match: {path: /}", "match: {path: {regex: \"/v[0-9]+\"}}", "hidden" },
	{ "match: {path: {template: \"/{x}\"}}", "match: {path: {regex: \"/v[0-9]+\"}}", "hidden" },
	{ "match: {path: \"/a/{x}\"}", "match: {path: {regex: \"/a/[0-9]*\"}}", "" },
	{ "priority: 1, match: {path: /a, headers: {x: {prefix: a}}}",
		"match: {path: /a, headers: {x: {regex: \"ab+\"}}}", "hidden" },
	{ "priority: 1, match: {path: /a, headers: {x: {present: true}}}",
		"match: {path: /a, headers: {x: \"1\"}}", "hidden" },
	{ "priority: 1, match: {path: /a, headers: {x: {present: true}}}",
		"match: {path: /a, headers: {y: \"1\"}}", "" },
	{ "priority: 1, match: {path: /a, headers: {x: {present: false}}}", "match: {path: /a}",
		"" },
	{ "priority: 1, match: {path: /a, source: 10.0.0.0/8}",
		"match: {path: /a, source: [10.1.0.0/16, 10.2.3.4]}", "hidden" },
	{ "priority: 1, match: {path: /a, source: 10.0.0.0/8}", "match: {path: /a}", "" },
	{ "priority: 1, match: {path: /a}", "listeners: [two], match: {path: /a}", "hidden" },
	{ "priority: 1, listeners: [two], match: {path: /a}", "match: {path: /a}", "" },
};

static bool has_note(const struct diag *d, const char *text)
{
	for (size_t i = 0; i < d->n_notes; i++)
		if (str_eq(d->notes[i].text, str_of(text)))
			return true;
	return false;
}

START_TEST(pairs_of_routes)
{
	const struct pair *pair = &pairs[_i];
	bool hidden = strcmp(pair->want, "hidden") == 0;
	const struct diag *tie, *hide;
	struct config c;
	struct sbuf yaml = { 0 };

	sbuf_printf(&yaml,
		"listeners: [{protocol: http, port: 8080}, {name: two, protocol: http, port: "
		"8081}]\n"
		"routes:\n  - {name: a, %s, echo: {}}\n  - {name: b, %s, echo: {}}\n",
		pair->a, pair->b);
	config_init(&c, yaml.ptr);
	tie = config_diag(&c, DIAG_ROUTES_TIE);
	hide = config_diag(&c, DIAG_ROUTE_HIDDEN);
	ck_assert_ptr_null(config_diag(&c, DIAG_ROUTES_UNDECIDED));
	ck_assert_msg((hide != NULL) == hidden, "%s", yaml.ptr);
	ck_assert_msg((tie != NULL) == (!hidden && pair->want[0] != '\0'), "%s", yaml.ptr);
	if (tie != NULL) {
		struct str want = arena_printf(&c.arena, "both take: %s", pair->want);
		struct str got = tie->notes[tie->n_notes - 1].text;

		ck_assert_msg(has_note(tie, want.ptr), "got \"" STR_FMT "\" for\n%s", STR_ARG(got),
			yaml.ptr);
	}
	sbuf_fini(&yaml);
	config_fini(&c);
}
END_TEST

START_TEST(file_order_settles_ties_and_hides)
{
	struct config c;

	config_init(&c, CONFIG_LISTENER "routing: {ties: file-order}\n"
					"routes:\n"
					"  - {name: a, match: {path: \"/{x}\"}, echo: {}}\n"
					"  - {name: b, match: {path: \"/{y}\"}, echo: {}}\n");
	ck_assert_ptr_null(config_diag(&c, DIAG_ROUTES_TIE));
	ck_assert_ptr_nonnull(config_diag(&c, DIAG_ROUTE_HIDDEN));
	ck_assert(has_note(config_diag(&c, DIAG_ROUTE_HIDDEN), "'a' is here"));
	config_fini(&c);
}
END_TEST

START_TEST(what_is_beyond_the_limits_is_said_to_be)
{
	struct config c;
	struct sbuf yaml = { 0 };

	sbuf_adds(&yaml, CONFIG_LISTENER "routes:\n");
	for (int i = 0; i < 300; i++)
		sbuf_printf(&yaml,
			"  - {match: {path: /, headers: {x: {regex: \"%d[0-9]\"}}}, echo: {}}\n",
			1000 + i);
	config_init(&c, yaml.ptr);
	ck_assert_ptr_nonnull(config_diag(&c, DIAG_ROUTES_UNDECIDED));
	sbuf_fini(&yaml);
	config_fini(&c);
}
END_TEST

Suite *suite_ties(void)
{
	Suite *s = suite_create("ties");
	TCase *t = tcase_create("ties");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, pairs_of_routes, 0, sizeof(pairs) / sizeof(pairs[0]));
	tcase_add_test(t, file_order_settles_ties_and_hides);
	tcase_add_test(t, what_is_beyond_the_limits_is_said_to_be);
	suite_add_tcase(s, t);
	return s;
}
