/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "plan/plan.h"

#include "unit/plan/config.h"

START_TEST(hosts_with_the_same_routes_share_all)
{
	struct config c;
	const struct plan *p = config_plan(&c, CONFIG_LISTENER
		"routes:\n"
		"  - {name: both, match: {host: [a.example, b.example], path: [/x, \"/y/{id}\"]}, "
		"echo: {}}\n"
		"  - {name: c, match: {host: c.example, path: [/x, \"/y/{nr}\"]}, echo: {}}\n");
	const struct plan_router *r = &p->routers[0];

	/* One host form of two paths, twice. */
	ck_assert_uint_eq(p->n_entries, 4);
	ck_assert_uint_eq(r->n_atoms, 3);
	ck_assert_uint_eq(r->list_of_atom[0], r->list_of_atom[1]);
	ck_assert_uint_ne(r->list_of_atom[0], r->list_of_atom[2]);
	ck_assert_uint_eq(p->n_groups, 2);
	/* The same paths but for a parameter's name: one matcher. */
	ck_assert_uint_eq(p->n_matchers, 1);
	config_fini(&c);
}
END_TEST

START_TEST(listeners_with_the_same_routes_share_a_router)
{
	struct config c;
	const struct plan *p =
		config_plan(&c, "listeners: [{name: a, protocol: http, port: 1}, {name: b, "
				"protocol: http, port: 2}, "
				"{name: c, protocol: http, port: 3}]\n"
				"routes:\n"
				"  - {match: {path: /all}, echo: {}}\n"
				"  - {match: {path: /ab}, listeners: [b, a], echo: {}}\n");

	ck_assert_uint_eq(p->n_routers, 2);
	ck_assert_uint_eq(p->listeners[0].router, p->listeners[1].router);
	ck_assert_uint_ne(p->listeners[0].router, p->listeners[2].router);
	ck_assert_uint_eq(p->routers[p->listeners[2].router].n_routes, 1);
	config_fini(&c);
}
END_TEST

START_TEST(more_specific_hosts_come_first_in_a_list)
{
	struct config c;
	const struct plan *p = config_plan(&c,
		CONFIG_LISTENER "routes:\n"
				"  - {match: {path: /any}, echo: {}}\n"
				"  - {match: {host: \"*.com\", path: /com}, echo: {}}\n"
				"  - {match: {host: \"*.example.com\", path: /w}, echo: {}}\n"
				"  - {match: {host: a.example.com, path: /a}, echo: {}}\n"
				"  - {match: {host: example.com, path: /e}, echo: {}}\n");
	const struct plan_router *r = &p->routers[0];
	const struct plan_list *list = &r->lists[r->list_of_atom[0]];
	static const char *const want[] = { "a.example.com", "*.example.com", "*.com", "any host" };

	ck_assert_uint_eq(list->n, 4);
	for (uint32_t i = 0; i < 4; i++)
		ck_assert(str_eq(p->groups[list->groups[i]].hosts, str_of(want[i])));
	/* example.com itself is not below *.example.com. */
	ck_assert(str_eq(r->atoms[1].at[0], STR("example.com")));
	ck_assert_uint_eq(r->lists[r->list_of_atom[1]].n, 3);
	config_fini(&c);
}
END_TEST

START_TEST(parameters_have_one_number_a_route)
{
	struct config c;
	const struct plan *p = config_plan(&c, CONFIG_LISTENER
		"middlewares: {m: {headers: {request: {set: {x-id: \"${path.id}\"}}}}, n: "
		"{headers: {request: {set: {x: y}}}}}\n"
		"routes:\n"
		"  - {name: a, match: {path: [\"/a/{kind}/{id}\", {template: \"/{id}\"}]}, "
		"middlewares: [m, n], echo: {}}\n"
		"  - {name: b, match: {path: \"/b/{id}\"}, middlewares: [m, n], echo: {}}\n"
		"  - {name: c, match: {path: \"/c/c/{id}\"}, middlewares: [m, n], echo: {}}\n");

	ck_assert_uint_eq(p->routes[0].n_params, 2);
	ck_assert(str_eq(p->routes[0].params[1], STR("id")));
	for (uint32_t i = 0; i < p->n_entries; i++) {
		const struct plan_entry *e = &p->entries[i];

		if (e->route == 0 && e->form->kind == M_PATH_TEMPLATE) {
			ck_assert_uint_eq(e->params[0], PLAN_NO_SEGMENT);
			ck_assert_uint_eq(e->params[1], 0);
		} else if (e->route == 0) {
			ck_assert_uint_eq(e->params[0], 1);
			ck_assert_uint_eq(e->params[1], 2);
		}
	}
	/* m once for each number that ${path.id} has, n once; so two chains, b and c sharing
	 * one. */
	ck_assert_uint_eq(p->n_mws, 3);
	ck_assert_uint_eq(p->n_chains, 2);
	ck_assert_uint_eq(p->routes[1].chain, p->routes[2].chain);
	ck_assert_uint_eq(p->mws[p->chains[0].mws[0]].request[0].value.parts[0].index, 1);
	ck_assert_uint_eq(p->mws[p->chains[1].mws[0]].request[0].value.parts[0].index, 0);
	config_fini(&c);
}
END_TEST

START_TEST(only_what_is_used_is_there)
{
	struct config c;
	const struct plan *p = config_plan(&c,
		CONFIG_LISTENER "backends: {a: {url: \"http://a\"}, b: {url: \"http://b:8000\"}, "
				"c: {url: \"http://[::1]:8000\"}}\n"
				"middlewares: {x: {request-id: {}}, y: {request-id: {}}}\n"
				"routes:\n"
				"  - {match: {path: /1}, middlewares: [y], split: [{backend: b, "
				"weight: 0}, {backend: c}, {backend: a, weight: 2}]}\n");

	ck_assert_uint_eq(p->n_mws, 1);
	ck_assert(str_eq(p->mws[0].name, STR("y")));
	ck_assert_uint_eq(p->n_backends, 2);
	ck_assert(str_eq(p->backends[0].servers[0].authority, STR("[::1]:8000")));
	ck_assert(str_eq(p->backends[1].servers[0].authority, STR("a")));
	ck_assert_uint_eq(p->routes[0].action.n_legs, 2);
	config_fini(&c);
}
END_TEST

START_TEST(methods_are_bits)
{
	struct config c;
	const struct plan *p = config_plan(&c,
		CONFIG_LISTENER "routes:\n"
				"  - {match: {path: /1, method: [PURGE, GET]}, echo: {}}\n"
				"  - {match: {path: /2, method: [BAN, PURGE]}, echo: {}}\n"
				"  - {match: {path: /3}, echo: {}}\n");

	ck_assert_uint_eq(p->routes[0].methods, TORON_GET | TORON_HEAD | TORON_METHOD_EXTRA);
	ck_assert_uint_eq(p->routes[1].methods, TORON_METHOD_EXTRA | TORON_METHOD_EXTRA << 1);
	ck_assert_uint_eq(p->routes[2].methods, 0);
	ck_assert_uint_eq(p->n_extra_methods, 2);
	config_fini(&c);
}
END_TEST

START_TEST(twenty_extra_methods_and_no_more)
{
	struct sbuf yaml = { 0 };
	struct config c;

	sbuf_adds(&yaml, CONFIG_LISTENER "routes:\n  - {match: {path: /, method: [M0");
	for (int i = 1; i < 20 + _i; i++)
		sbuf_printf(&yaml, ", M%d", i);
	sbuf_adds(&yaml, "]}, echo: {}}\n");
	config_init(&c, yaml.ptr);
	ck_assert_int_eq(config_diag(&c, DIAG_TOO_MANY_METHODS) != NULL, _i == 1);
	sbuf_fini(&yaml);
	config_fini(&c);
}
END_TEST

START_TEST(too_many_states_name_the_culprit)
{
	struct config c;

	config_init(&c, CONFIG_LISTENER "routes:\n"
					"  - {match: {path: {regex: \"/fine/.*\"}}, echo: {}}\n"
					"  - {match: {path: {regex: \".*a.{25}\"}}, echo: {}}\n");
	ck_assert_ptr_nonnull(config_diag(&c, DIAG_TOO_MANY_STATES));
	ck_assert_int_ge(str_find(config_diag(&c, DIAG_TOO_MANY_STATES)->text, STR(".*a.{25}")), 0);
	config_fini(&c);
}
END_TEST

START_TEST(unanchored_regexes_stand_apart_if_need_be)
{
	struct config c;
	struct sbuf yaml = { 0 };

	/* Each doubles the states of what it is built together with. */
	sbuf_adds(&yaml, CONFIG_LISTENER "routing: {ties: file-order}\nroutes:\n");
	for (int i = 0; i < 16; i++)
		sbuf_printf(&yaml, "  - {match: {path: {regex: \"/.*/s%d/.*\"}}, echo: {}}\n", i);
	config_plan(&c, yaml.ptr);
	ck_assert_uint_gt(c.plan->n_matchers, 1);
	sbuf_fini(&yaml);
	config_fini(&c);
}
END_TEST

START_TEST(a_parameter_beyond_the_last_segment)
{
	struct sbuf yaml = { 0 };
	struct config c;

	sbuf_adds(&yaml, CONFIG_LISTENER "routes:\n  - {match: {path: \"");
	for (int i = 0; i < 254 + _i; i++)
		sbuf_adds(&yaml, "/a");
	sbuf_adds(&yaml, "/{id}\"}, echo: {}}\n");
	config_init(&c, yaml.ptr);
	ck_assert_int_eq(config_diag(&c, DIAG_PARAM_TOO_DEEP) != NULL, _i == 1);
	sbuf_fini(&yaml);
	config_fini(&c);
}
END_TEST

/* Wildcards of different lengths are forms of their own, each of which is combined with each
 * path. */
START_TEST(too_many_combinations)
{
	struct sbuf yaml = { 0 };
	struct config c;

	sbuf_adds(&yaml, CONFIG_LISTENER "routes:\n");
	for (int r = 0; r < 3; r++) {
		sbuf_printf(&yaml, "  - {name: r%d, match: {method: M%d, path: [/p", r, r);
		for (int i = 0; i < 900; i++)
			sbuf_printf(&yaml, ", /p%d", i);
		sbuf_adds(&yaml, "], host: [\"*.a\"");
		for (int len = 2; len < 200; len++) {
			sbuf_adds(&yaml, ", \"*.");
			for (int i = 0; i < len; i++)
				sbuf_addc(&yaml, i % 50 == 49 && i + 1 < len ? '.' : 'a');
			sbuf_addc(&yaml, '"');
		}
		sbuf_adds(&yaml, "]}, echo: {}}\n");
	}
	config_init(&c, yaml.ptr);
	ck_assert_ptr_nonnull(config_diag(&c, DIAG_TOO_MANY_ROUTES));
	sbuf_fini(&yaml);
	config_fini(&c);
}
END_TEST

START_TEST(later_overlaps_are_checked_unless_they_contain)
{
	struct config c;
	const struct plan *p = config_plan(&c,
		CONFIG_LISTENER "routes:\n"
				"  - {match: {path: {template: \"/a/{x}\"}}, echo: {}}\n"
				"  - {match: {path: {template: \"/{x}/b\"}}, echo: {}}\n"
				"  - {match: {path: /}, echo: {}}\n");
	const struct plan_accepts *lists = plan_accepts_by_first(p, &c.arena, &p->groups[0]);

	ck_assert_uint_eq(lists[1].n, 3);
	ck_assert_uint_eq(lists[1].at[0].also, PLAN_NONE);
	ck_assert_uint_eq(lists[1].at[1].also, 1);
	ck_assert_uint_eq(lists[1].at[2].also, PLAN_NONE);
	ck_assert_uint_eq(lists[2].n, 2);
	ck_assert_uint_eq(lists[3].n, 1);
	config_fini(&c);
}
END_TEST

START_TEST(places_do_not_depend_on_the_folder)
{
	struct config c;
	const struct plan *p =
		config_plan(&c, CONFIG_LISTENER "routes:\n  - {match: {path: /}, echo: {}}\n");
	struct sbuf out = { 0 };

	ck_assert(str_eq(plan_place(p, &c.arena, p->routes[0].at), STR("gateway.yaml:3:5")));
	ck_assert(str_eq(plan_place(p, &c.arena, SPAN_NONE), STR("")));
	plan_dump(&out, p, false);
	ck_assert_ptr_null(strstr(out.ptr, "gateway.yaml"));
	sbuf_fini(&out);
	config_fini(&c);
}
END_TEST

Suite *suite_plan(void)
{
	Suite *s = suite_create("plan");
	TCase *t = tcase_create("plan");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, hosts_with_the_same_routes_share_all);
	tcase_add_test(t, listeners_with_the_same_routes_share_a_router);
	tcase_add_test(t, more_specific_hosts_come_first_in_a_list);
	tcase_add_test(t, parameters_have_one_number_a_route);
	tcase_add_test(t, only_what_is_used_is_there);
	tcase_add_test(t, methods_are_bits);
	tcase_add_loop_test(t, twenty_extra_methods_and_no_more, 0, 2);
	tcase_add_test(t, too_many_states_name_the_culprit);
	tcase_add_test(t, unanchored_regexes_stand_apart_if_need_be);
	tcase_add_loop_test(t, a_parameter_beyond_the_last_segment, 0, 2);
	tcase_add_test(t, too_many_combinations);
	tcase_add_test(t, later_overlaps_are_checked_unless_they_contain);
	tcase_add_test(t, places_do_not_depend_on_the_folder);
	suite_add_tcase(s, t);
	return s;
}
