/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "plan/order.h"

#include "unit/plan/config.h"

/* Matches from first to last: each wins over all below it. */
static const char *const ranking[] = {
	"priority: 1, match: {path: /z}",
	"match: {host: a.example.com, path: {exact: /a}, method: GET}",
	"match: {host: a.example.com, path: {exact: /a/b}}",
	"match: {host: a.example.com, path: /}",
	"match: {host: \"*.b.example.com\", path: /a}",
	"match: {host: \"*.example.com\", path: {exact: /a}}",
	"match: {path: {exact: /a/b}}",
	"match: {path: {template: /a/b/c}}",
	"match: {path: /a/b/d}",
	"match: {path: {template: \"/a/b/{x}\"}}",
	"match: {path: \"/a/b/{x}\"}",
	"match: {path: /a/b/}",
	"match: {path: {template: /a/c}}",
	"match: {path: /a/d}",
	"match: {path: \"/a/{x}/b\"}",
	"match: {path: \"/a/{x}\"}",
	"match: {path: /b, method: GET, headers: {x: \"1\"}}",
	"match: {path: /b, method: GET}",
	"match: {path: /b, headers: {x: \"1\", y: \"1\"}}",
	"match: {path: /b, headers: {x: \"1\"}, query: {a: \"1\", b: \"2\"}}",
	"match: {path: /b, headers: {x: \"1\"}, query: {a: \"1\"}}",
	"match: {path: /b, headers: {x: \"1\"}}",
	"match: {path: /b, query: {a: \"1\"}, cookies: {c: \"1\"}}",
	"match: {path: /b, query: {a: \"1\"}}",
	"match: {path: /b, cookies: {c: \"1\"}}",
	"match: {path: /b, scheme: http, source: 10.0.0.0/8}",
	"match: {path: /b, scheme: http}",
	"match: {path: /b, source: 10.0.0.0/8}",
	"match: {path: /b}",
	"match: {path: \"/{x}/b\"}",
	"match: {path: \"/{x}\"}",
	"match: {path: /}",
	"match: {path: {regex: \"/r.*\"}}",
	"match: {method: GET}",
	"match: {}",
	"priority: -1, match: {host: a.example.com, path: {exact: /a}}",
};

#define N_RANKS (sizeof(ranking) / sizeof(ranking[0]))

/* A config of all of them, from last to first. */
static void all_routes(struct sbuf *yaml)
{
	sbuf_adds(yaml, CONFIG_LISTENER "routes:\n");
	for (size_t i = N_RANKS; i > 0; i--)
		sbuf_printf(yaml, "  - {name: r%zu, %s, echo: {}}\n", i - 1, ranking[i - 1]);
}

START_TEST(ranks_are_as_documented)
{
	struct sbuf yaml = { 0 };
	const struct plan *p;
	struct config c;

	all_routes(&yaml);
	p = config_plan(&c, yaml.ptr);
	ck_assert_uint_eq(p->n_entries, N_RANKS);
	for (uint32_t i = 0; i < p->n_entries; i++) {
		struct str name = p->routes[p->entries[i].route].name;
		struct str want = arena_printf(&c.arena, "r%u", i);

		ck_assert_msg(str_eq(name, want), "rank %u is " STR_FMT, i, STR_ARG(name));
	}
	sbuf_fini(&yaml);
	config_fini(&c);
}
END_TEST

/* Each key and the whole are weak orders: antisymmetric, and ties and precedence are transitive. */
START_TEST(keys_are_weak_orders)
{
	static int (*const keys[])(
		const struct plan *, const struct plan_entry *, const struct plan_entry *) = {
		order_by_priority,
		order_by_host,
		order_by_path,
		order_by_method,
		order_by_headers,
		order_by_query,
		order_by_cookies,
		order_by_scheme,
		order_by_source,
		order_compare,
	};
	int (*key)(const struct plan *, const struct plan_entry *, const struct plan_entry *) =
		keys[_i];
	struct sbuf yaml = { 0 };
	const struct plan *p;
	struct config c;

	all_routes(&yaml);
	p = config_plan(&c, yaml.ptr);
	for (uint32_t i = 0; i < p->n_entries * p->n_entries * p->n_entries; i++) {
		const struct plan_entry *x = &p->entries[i % p->n_entries];
		const struct plan_entry *y = &p->entries[i / p->n_entries % p->n_entries];
		const struct plan_entry *z = &p->entries[i / p->n_entries / p->n_entries];
		int xy = key(p, x, y), yz = key(p, y, z), xz = key(p, x, z);

		ck_assert_int_eq(xy, -key(p, y, x));
		if (xy <= 0 && yz <= 0)
			ck_assert_int_eq(xz, xy < 0 || yz < 0 ? -1 : 0);
	}
	sbuf_fini(&yaml);
	config_fini(&c);
}
END_TEST

START_TEST(tied_routes_keep_file_order)
{
	struct config c;
	const struct plan *p = config_plan(&c,
		CONFIG_LISTENER "routing: {ties: file-order}\n"
				"routes:\n"
				"  - {name: b, match: {path: \"/{x}\"}, echo: {}}\n"
				"  - {name: a, match: {path: \"/{y}\"}, echo: {}}\n"
				"  - {name: c, match: {path: \"/{z}\"}, echo: {}}\n");

	for (uint32_t i = 0; i < 3; i++)
		ck_assert_uint_eq(p->entries[i].route, i);
	config_fini(&c);
}
END_TEST

Suite *suite_order(void)
{
	Suite *s = suite_create("order");
	TCase *t = tcase_create("order");

	tcase_add_test(t, ranks_are_as_documented);
	tcase_add_loop_test(t, keys_are_weak_orders, 0, 10);
	tcase_add_test(t, tied_routes_keep_file_order);
	suite_add_tcase(s, t);
	return s;
}
