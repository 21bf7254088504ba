/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Proofs against brute force: random configs over a small alphabet, of which every request is
 * tried. A route that is said to take nothing must win none; one that wins some must be said to;
 * a difference between two configs must be found if there is one, and only then.
 * TORON_CONFIGS sets how many configs are made (60). */
#include <stdlib.h>

#include "prove/diff.h"
#include "prove/reach.h"
#include "unit/plan/config.h"

#define N_ROUTES 9

static uint64_t state;

static uint32_t below(uint32_t n)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * 0x2545f4914f6cdd1du) >> 33) % n;
}

#define PICK(array) ((array)[below(sizeof(array) / sizeof((array)[0]))])

static int n_configs(void)
{
	const char *text = getenv("TORON_CONFIGS");
	int n = text == NULL ? 0 : (int)strtol(text, NULL, 10);

	return n > 0 ? n : 60;
}

/* ---- configs ---- */

static const char *const hosts[] = { "", "", "", "host: a.x, ", "host: \"*.x\", ",
	"host: [a.x, y], ", "host: \"*.a.x\", " };
static const char *const paths[] = { "/", "/a", "/b", "/a/b", "/a/", "\"/{p}\"", "\"/a/{p}\"",
	"\"/{p}/b\"", "{exact: /a}", "{exact: /a/b}", "{template: \"/{p}\"}",
	"{template: \"/{p}/{q}\"}", "{regex: \"/a(/.*)?\"}", "{regex: \"/[ab]\"}",
	"{regex: \".*/b\"}", "{regex: \"/a//b\"}", "{regex: \"/(a|b)/(a|b)\"}" };
static const char *const methods[] = { "", "", "method: GET, ", "method: POST, ",
	"method: [GET, PUT], ", "method: [POST, PUT], ", "method: BREW, ", "method: TRACE, " };
static const char *const conditions[] = { "", "", "", "headers: {h: \"1\"}, ",
	"headers: {h: {present: true}}, ", "headers: {h: {present: false}}, ",
	"headers: {h: {regex: \"[12]\"}}, ", "headers: {h: {prefix: \"2\"}}, ",
	"headers: {h: [\"1\", {regex: \"[^1].*|1.+|\"}]}, ", "source: 10.0.0.0/8, ",
	"source: [10.0.0.0/9, 10.128.0.0/9], ", "source: 10.1.0.0/16, ", "query: {q: \"1\"}, " };

static void random_route(struct sbuf *out, uint32_t i)
{
	sbuf_printf(out, "  - {name: r%u, priority: %u, match: {%s%s%s", i, below(3), PICK(hosts),
		PICK(methods), PICK(conditions));
	if (below(8) > 0)
		sbuf_printf(out, "path: [%s", PICK(paths));
	else
		sbuf_adds(out, "path: [/");
	if (below(4) == 0)
		sbuf_printf(out, ", %s", PICK(paths));
	sbuf_printf(out, "]}, respond: {status: %u}}\n", 200 + below(4));
}

static void random_config(struct sbuf *out, uint32_t n)
{
	sbuf_adds(out, CONFIG_LISTENER "routing: {ties: file-order}\nroutes:\n");
	for (uint32_t i = 0; i < n; i++)
		random_route(out, i);
}

/* A repeated path is an error: such configs are left out. */
static bool make(struct config *c, const char *yaml)
{
	config_init(c, yaml);
	return c->plan != NULL && !diag_failed(&c->diags);
}

/* ---- all requests ---- */

static const char *const all_hosts[] = { "a.x", "b.x", "c.a.x", "y", "z" };
static const char *const all_paths[] = { "/", "/a", "/b", "/c", "/a/", "/b/", "/c/", "/a/a", "/a/b",
	"/b/a", "/b/b", "/c/b", "/a/c", "/a/b/", "/a/a/b", "/a/b/b", "/b/c/b", "/c/c", "/c/c/c" };
static const char *const all_methods[] = { "GET", "HEAD", "POST", "PUT", "BREW", "TRACE", "OTHER" };
static const char *const all_values[] = { NULL, "", "1", "2", "11", "23", "x" };
static const uint8_t all_sources[][4] = { { 10, 0, 0, 1 }, { 10, 200, 0, 1 }, { 10, 1, 0, 1 },
	{ 11, 0, 0, 1 } };
static const char *const all_queries[] = { NULL, "q=1", "q=2" };

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
#define N_REQUESTS                                                                                 \
	(LEN(all_hosts) * LEN(all_paths) * LEN(all_methods) * LEN(all_values) * LEN(all_sources) * \
		LEN(all_queries))

static uint32_t take(size_t *number, size_t n)
{
	uint32_t i = (uint32_t)(*number % n);

	*number /= n;
	return i;
}

static void request(size_t number, struct lookup_request *r, struct lookup_field *field)
{
	const char *value, *query;

	memset(r, 0, sizeof(*r));
	r->scheme = STR("http");
	r->host = str_of(all_hosts[take(&number, LEN(all_hosts))]);
	r->path = str_of(all_paths[take(&number, LEN(all_paths))]);
	r->method = str_of(all_methods[take(&number, LEN(all_methods))]);
	value = all_values[take(&number, LEN(all_values))];
	*field = (struct lookup_field){ STR("h"), str_of(value) };
	r->headers = field;
	r->n_headers = value != NULL;
	memset(r->source + 10, 0xff, 2);
	memcpy(r->source + 12, all_sources[take(&number, LEN(all_sources))], 4);
	query = all_queries[take(&number, LEN(all_queries))];
	r->query = str_of(query);
}

static uint32_t taker(const struct plan *p, struct arena *scratch, const struct lookup_request *r)
{
	uint32_t entry = lookup_route(p, scratch, r).entry;

	if (scratch->used > 1u << 20)
		arena_reset(scratch);
	return entry;
}

static void check_reach(struct config *c, const char *yaml)
{
	const struct plan *p = c->plan;
	struct lookup_request r;
	struct lookup_field field;
	struct arena scratch;
	struct reach reach;

	arena_init_unbounded(&scratch);
	reach_find(&c->arena, p, &reach);
	for (uint32_t i = 0; i < p->n_entries; i++) {
		ck_assert_msg(reach.verdicts[i] != REACH_OPEN, "rank %u is undecided in\n%s", i, yaml);
		if (reach.verdicts[i] == REACH_TAKES)
			ck_assert_uint_eq(
				sample_lookup(&scratch, p, &reach.samples[i]).entry, i);
	}
	for (size_t i = 0; i < N_REQUESTS; i++) {
		uint32_t entry;

		request(i, &r, &field);
		entry = taker(p, &scratch, &r);
		ck_assert_msg(entry == PLAN_NONE || reach.verdicts[entry] == REACH_TAKES,
			"rank %u takes " STR_FMT " " STR_FMT STR_FMT " and is said to take nothing in\n%s",
			entry, STR_ARG(r.method), STR_ARG(r.host), STR_ARG(r.path), yaml);
	}
	arena_fini(&scratch);
}

START_TEST(verdicts_hold_against_brute_force)
{
	uint32_t n_made = 0;

	for (int i = 0; i < n_configs(); i++) {
		struct sbuf yaml = { 0 };
		struct config c;

		state = 0x9e3779b97f4a7c15u * (uint64_t)(i + 1);
		random_config(&yaml, 2 + below(N_ROUTES - 1));
		if (make(&c, yaml.ptr)) {
			check_reach(&c, yaml.ptr);
			n_made++;
		}
		config_fini(&c);
		sbuf_fini(&yaml);
	}
	ck_assert_uint_gt(n_made, (uint32_t)n_configs() / 2);
}
END_TEST

/* ---- differences ---- */

static unsigned status_of(const struct plan *p, uint32_t entry)
{
	return entry == PLAN_NONE ? 0 : p->routes[p->entries[entry].route].action.status;
}

static bool differs(const struct plan *p, const struct plan *q)
{
	struct lookup_request r;
	struct lookup_field field;
	struct arena scratch;
	bool found = false;

	arena_init_unbounded(&scratch);
	for (size_t i = 0; i < N_REQUESTS && !found; i++) {
		request(i, &r, &field);
		found = status_of(p, taker(p, &scratch, &r)) !=
			status_of(q, taker(q, &scratch, &r));
	}
	arena_fini(&scratch);
	return found;
}

/* The routes without their n-th, or with its neighbours exchanged. */
static void change(struct sbuf *out, struct str yaml, uint32_t n, bool swap)
{
	struct str line, held = STR_NONE;
	uint32_t i = 0;

	while (str_split(&yaml, '\n', &line)) {
		bool is_route = str_starts(line, STR("  - "));
		bool is_it = is_route && i++ == n;

		if (is_it && swap)
			held = line;
		if (is_it)
			continue;
		sbuf_printf(out, STR_FMT "\n", STR_ARG(line));
		if (is_route && held.ptr != NULL) {
			sbuf_printf(out, STR_FMT "\n", STR_ARG(held));
			held = STR_NONE;
		}
	}
	if (held.ptr != NULL)
		sbuf_printf(out, STR_FMT "\n", STR_ARG(held));
}

static void check_diff(struct config *c, const char *old, const char *new)
{
	struct sbuf out = { 0 };
	struct config d;
	bool is_complete;
	uint32_t n;

	if (make(&d, new)) {
		n = diff_plans(&out, &c->arena, c->plan, d.plan, &is_complete);
		ck_assert(is_complete);
		/* What the small alphabet does not show, lookups have confirmed. */
		ck_assert_msg(n > 0 || !differs(c->plan, d.plan),
			"no difference was found between\n%s\nand\n%s", old, new);
		n = diff_plans(&out, &c->arena, c->plan, c->plan, &is_complete);
		ck_assert_uint_eq(n, 0);
		ck_assert(is_complete);
	}
	sbuf_fini(&out);
	config_fini(&d);
}

START_TEST(differences_are_found)
{
	for (int i = 0; i < n_configs(); i++) {
		struct sbuf old = { 0 }, new = { 0 };
		uint32_t n;
		struct config c;

		state = 0xda942042e4dd58b5u * (uint64_t)(i + 1);
		n = 2 + below(N_ROUTES - 1);
		random_config(&old, n);
		change(&new, sbuf_str(&old), below(n), below(2) == 0);
		if (make(&c, old.ptr))
			check_diff(&c, old.ptr, new.ptr);
		config_fini(&c);
		sbuf_fini(&old);
		sbuf_fini(&new);
	}
}
END_TEST

/* ---- by hand ---- */

/* Routes, and how many warnings of the kind there are. */
static const struct hand {
	const char *routes;
	enum diag_id id;
	unsigned n;
} hands[] = {
	/* two halves hide a whole */
	{ "- {priority: 1, match: {path: /a, source: 10.0.0.0/9}, echo: {}}\n"
	  "- {priority: 1, match: {path: /a, source: 10.128.0.0/9}, echo: {}}\n"
	  "- {match: {path: /a, source: 10.0.0.0/8}, echo: {}}\n",
		DIAG_ROUTE_HIDDEN, 1 },
	{ "- {priority: 1, match: {path: /a, source: 10.0.0.0/9}, echo: {}}\n"
	  "- {priority: 1, match: {path: /a, source: 10.128.0.0/10}, echo: {}}\n"
	  "- {match: {path: /a, source: 10.0.0.0/8}, echo: {}}\n",
		DIAG_ROUTE_HIDDEN, 0 },
	/* present and absent are all */
	{ "- {priority: 1, match: {path: /, headers: {h: {present: true}}}, echo: {}}\n"
	  "- {priority: 1, match: {path: /, headers: {h: {present: false}}}, echo: {}}\n"
	  "- {match: {path: /a}, echo: {}}\n",
		DIAG_ROUTE_HIDDEN, 1 },
	/* across groups: any host, by priority, before one host */
	{ "- {priority: 1, match: {path: /a, method: GET}, echo: {}}\n"
	  "- {priority: 1, match: {path: {regex: \"/a(/.*)?\"}}, echo: {}}\n"
	  "- {match: {host: a.x, path: /a/b}, echo: {}}\n",
		DIAG_ROUTE_HIDDEN, 1 },
	/* what no header field can hold is nothing: control bytes, blanks at an end */
	{ "- {match: {path: /a, headers: {h: {prefix: \" \"}}}, echo: {}}\n", DIAG_VALUE_NEVER, 1 },
	{ "- {match: {path: /a, cookies: {c: {suffix: \";\"}}}, echo: {}}\n", DIAG_VALUE_NEVER, 1 },
	{ "- {match: {path: /a, query: {q: {suffix: \";\"}}}, echo: {}}\n", DIAG_VALUE_NEVER, 0 },
	{ "- {priority: 1, match: {path: /, headers: {h: [{regex: \"[^ ].*\"}, {regex: \".*[^ ]|\"}, {present: false}]}}, echo: {}}\n"
	  "- {match: {path: /a, headers: {h: {regex: \"[ -~]*\"}}}, echo: {}}\n",
		DIAG_ROUTE_HIDDEN, 1 },
	{ "- {match: {path: {regex: \"/a//b\"}}, echo: {}}\n", DIAG_PATH_NEVER, 1 },
	{ "- {match: {path: {regex: \"/a/\\\\.\\\\./b\"}}, echo: {}}\n", DIAG_PATH_NEVER, 1 },
	{ "- {match: {path: {regex: \"/%41\"}}, echo: {}}\n", DIAG_PATH_NEVER, 1 },
	{ "- {match: {path: {regex: \"/%2C\"}}, echo: {}}\n", DIAG_PATH_NEVER, 0 },
	{ "- {priority: 1, match: {path: /a, method: GET}, echo: {}}\n"
	  "- {match: {path: /a/b}, echo: {}}\n",
		DIAG_ROUTE_SHADOWED, 1 },
	/* an exception, made on purpose */
	{ "- {priority: 1, match: {path: /, headers: {x-closed: \"1\"}}, echo: {}}\n"
	  "- {match: {path: /a/b}, echo: {}}\n",
		DIAG_ROUTE_SHADOWED, 0 },
	{ "- {match: {path: /a}, redirect: {to: /a/b}}\n", DIAG_REDIRECT_LOOP, 1 },
	{ "- {match: {path: {exact: /a}}, redirect: {to: /a/b}}\n", DIAG_REDIRECT_LOOP, 0 },
	{ "- {match: {path: {exact: /a}}, redirect: {to: /b}}\n"
	  "- {match: {path: {exact: /b}}, redirect: {to: \"http://localhost:8080/a\"}}\n",
		DIAG_REDIRECT_LOOP, 2 },
	{ "- {match: {path: {exact: /a}}, redirect: {to: \"http://localhost/a\"}}\n",
		DIAG_REDIRECT_LOOP, 0 },
};

START_TEST(by_hand)
{
	const struct hand *h = &hands[_i];
	struct sbuf yaml = { 0 };
	struct config c;
	unsigned n = 0;

	sbuf_printf(&yaml, "%sroutes:\n%s", CONFIG_LISTENER, h->routes);
	config_plan(&c, yaml.ptr);
	for (size_t i = 0; i < c.diags.n; i++)
		n += c.diags.at[i].id == h->id;
	ck_assert_msg(n == h->n, "%u in\n%s", n, yaml.ptr);
	sbuf_fini(&yaml);
	config_fini(&c);
}
END_TEST

Suite *suite_reach(void)
{
	Suite *s = suite_create("reach");
	TCase *t = tcase_create("reach");

	tcase_set_timeout(t, 600);
	tcase_add_test(t, verdicts_hold_against_brute_force);
	tcase_add_test(t, differences_are_found);
	tcase_add_loop_test(t, by_hand, 0, sizeof(hands) / sizeof(hands[0]));
	suite_add_tcase(s, t);
	return s;
}
