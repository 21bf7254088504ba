/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What checks must stay silent about; what they report is held by tests/golden. */
#include "check/check.h"

#include <check.h>

#include "base/check.h"
#include "base/str.h"
#include "schema/schema.h"

#define LISTENER "listeners: [{protocol: http, port: 8080}]\n"

/* Each is right as it is, however close it comes to what is wrong. */
static const char *const right[] = {
	"listeners: [{name: a, protocol: http, port: 80, address: 127.0.0.1}, {name: b, protocol: "
	"http, port: 80, address: \"::1\"}]\n"
	"routes: [{echo: {}}]\n",
	"listeners: [{name: a, protocol: http, port: 80, address: 0.0.0.0}, {name: b, protocol: "
	"http, port: 80, address: 10.0.0.1}]\n"
	"routes: [{echo: {}}]\n",
	LISTENER "routes: [{name: route-1, match: {path: /a}, echo: {}}, {name: x, match: {path: "
		 "/b}, echo: {}}]\n",
	LISTENER "routes: [{respond: {status: 204}}]\n",
	LISTENER "routes: [{redirect: {to: \"${request.path}/\"}}]\n",
	LISTENER "routes: [{redirect: {to: \"${request.scheme}://x.example/\"}}]\n",
	LISTENER
	"routes: [{match: {path: [\"/a/{x}\", \"/b/{x}/c\"]}, respond: {body: \"${path.x}\"}}]\n",
	/* The response passes when all of the chain has seen the request. */
	LISTENER "routes: [{echo: {}, middlewares: [{headers: {response: {set: {x-u: "
		 "\"${claims.sub}\"}}}}, jwt]}]\n",
	LISTENER "routes: [{echo: {}, middlewares: [{headers: {response: {set: {x-a: b, host: c}, "
		 "add: {x-a: d}}}}]}]\n",
	LISTENER "routes: [{echo: {}, middlewares: [{jwt: {jwks: '{\"keys\": []}'}}]}]\n",
	LISTENER
	"routes: [{backend: {servers: [{address: \"a:80\", weight: 0}, {address: \"a:81\"}]}}]\n",
	LISTENER
	"routes: [{backend: {url: \"http://localhost:8081\"}, timeouts: {first_byte: 5s}}]\n",
	LISTENER "log: {access: {enabled: false, path: stderr}}\nroutes: [{echo: {}}]\n",
};

static const char *report_of(const char *text, struct arena *a, struct diags *d)
{
	struct schema *s = schema_gateway(a, d);
	struct node *root = tree_read_yaml(a, d, diag_add_source(d, STR("g.yaml"), str_of(text)));

	ck_assert_ptr_nonnull(root);
	schema_validate(a, d, s, root);
	schema_complete(a, d, s, root);
	check_model(a, d, model_build(a, d, root));
	return d->n == 0 ? "" : arena_cstr(a, d->at[0].text);
}

START_TEST(nothing_is_wrong_with)
{
	struct arena a;
	struct diags d;

	arena_init_unbounded(&a);
	diag_init(&d, &a);
	ck_assert_str_eq(report_of(right[_i], &a, &d), "");
	arena_fini(&a);
}
END_TEST

/* Of a route that could not be built, nothing more is said: neither that it lacks something, nor that something is unused. */
START_TEST(poisoned_routes_are_passed_over)
{
	struct arena a;
	struct diags d;

	arena_init_unbounded(&a);
	diag_init(&d, &a);
	report_of(LISTENER "backends: {b: {url: \"http://b\"}}\n"
			   "routes: [{match: {path: nowhere}, respond: {body: \"${path.x}\"}}]\n",
		&a, &d);
	ck_assert_uint_eq(d.n, 1);
	ck_assert_int_eq(d.at[0].id, DIAG_BAD_PATH);
	arena_fini(&a);
}
END_TEST

Suite *suite_check(void)
{
	Suite *s = suite_create("check");
	TCase *t = tcase_create("all");

	tcase_add_loop_test(t, nothing_is_wrong_with, 0, ARRAY_LEN(right));
	tcase_add_test(t, poisoned_routes_are_passed_over);
	suite_add_tcase(s, t);
	return s;
}
