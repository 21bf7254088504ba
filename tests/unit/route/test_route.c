/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "http/exchange.h"

#include <check.h>

#include "unit/http/hand_made.h"

/* Tables as the compiler emits them. Hosts: api.example.com (list 1: groups 0, 1), anything else
 * (list 0: group 1). In list 1, group 1 comes first, as its best rank does.
 *   rank  group  path      methods      when
 *   0     1      /first    any          header x-first
 *   1     0      /a, /a!   GET
 *   2     0      /a, /a!   POST
 *   3     1      /a        any (also: path ends in "!")
 *   4     1      /a*       PUT, PURGE
 *   5     1      /a*       DELETE       header x-never */
static uint32_t match_host(const char *ptr, size_t len)
{
	return str_eq((struct str){ ptr, len }, STR("api.example.com")) ? 1 : 0;
}

static uint32_t match_api(const char *ptr, size_t len)
{
	struct str path = { ptr, len };

	return str_eq(path, STR("/a")) || str_eq(path, STR("/a!")) ? 1 : 0;
}

static int n_any_asked;

static uint32_t match_any(const char *ptr, size_t len)
{
	n_any_asked++;
	if (str_eq((struct str){ ptr, len }, STR("/first")))
		return 2;
	return str_starts((struct str){ ptr, len }, STR("/a")) ? 1 : 0;
}

static bool ends_in_bang(const char *ptr, size_t len)
{
	return len != 0 && ptr[len - 1] == '!';
}

static bool has_first(const struct exchange *on)
{
	return toron_request_any(on, TORON_IN_HEADER, STR("x-first"), NULL);
}

static bool has_never(const struct exchange *on)
{
	return toron_request_any(on, TORON_IN_HEADER, STR("x-never"), NULL);
}

static const uint8_t no_params[1], other_params[1];
#define PURGE TORON_METHOD_EXTRA
#define END   { .route = TORON_NO_ROUTE }
static const struct toron_candidate api[] = { END, { .route = 1, .methods = TORON_GET | TORON_HEAD, .params = no_params },
	{ .route = 2, .methods = TORON_POST }, END };
static const uint32_t api_lists[] = { 0, 1 };
static const struct toron_candidate any[] = { END, { .route = 3, .methods = TORON_ANY_METHOD, .also = ends_in_bang },
	{ .route = 4, .methods = TORON_PUT | PURGE, .params = other_params },
	{ .route = 5, .methods = TORON_DELETE, .when = has_never }, END,
	{ .route = 0, .methods = TORON_ANY_METHOD, .when = has_first }, END };
static const uint32_t any_lists[] = { 0, 1, 5 };
static struct toron_group groups[] = {
	{ .match = match_api, .lists = api_lists, .candidates = api, .best = 1 },
	{ .match = match_any, .lists = any_lists, .candidates = any, .best = 0 },
};
static const uint16_t list_any[] = { 1, 0xffff };
static uint16_t list_api[] = { 1, 0, 0xffff };
static const uint16_t *const host_lists[] = { list_any, list_api };
static const struct toron_router router = {
	.host = match_host, .host_lists = host_lists, .groups = groups
};
static const struct str extra_methods[] = { STR_INIT("PURGE"), STR_INIT("LINK") };
static const struct toron_route routes[] = {
	{ .name = "first" },
	{ .name = "get", .methods = TORON_GET },
	{ .name = "post", .methods = TORON_POST },
	{ .name = "bang" },
	{ .name = "put", .methods = TORON_PUT | PURGE },
	{ .name = "never", .methods = TORON_DELETE },
};

static struct hand_made h;
static struct exchange *x;
static uint32_t allow;

static void setup(void)
{
	x = hand_made_init(&h);
	h.gateway.routes = routes;
	h.gateway.n_routes = ARRAY_LEN(routes);
	h.gateway.extra_methods = extra_methods;
	h.gateway.n_extra_methods = ARRAY_LEN(extra_methods);
	h.listener.router = &router;
	groups[1].best = 0;
	list_api[0] = 1;
	list_api[1] = 0;
}

static void teardown(void)
{
	hand_made_fini(&h);
}

/* The name of the route, or "" and `allow`. */
static const char *find(const char *host, const char *path, uint32_t method)
{
	x->host = str_of(host);
	x->host_router = NULL;
	x->path = str_of(path);
	x->method_bit = method;
	x->route = NULL;
	x->params = NULL;
	return route_find(x, &allow) ? x->route->name : "";
}

START_TEST(by_host_path_method)
{
	ck_assert_str_eq(find("api.example.com", "/a", TORON_GET), "get");
	ck_assert_ptr_eq(x->params, no_params);
	ck_assert_str_eq(find("api.example.com", "/a", TORON_POST), "post");
	ck_assert_ptr_null(x->params);
	ck_assert_str_eq(find("api.example.com", "/a", TORON_PUT), "put");
	ck_assert_ptr_eq(x->params, other_params);
	ck_assert_str_eq(find("api.example.com", "/ab", PURGE), "put");
	ck_assert_str_eq(find("other", "/a", TORON_PUT), "put");
	ck_assert_str_eq(find("", "/a", TORON_PUT), "put");
}
END_TEST

START_TEST(get_implies_head)
{
	ck_assert_str_eq(find("api.example.com", "/a", TORON_HEAD), "get");
	ck_assert_str_eq(find("other", "/a", TORON_HEAD), "");
}
END_TEST

START_TEST(also_and_when)
{
	ck_assert_str_eq(find("other", "/a!", TORON_PUT), "bang");
	ck_assert_str_eq(find("other", "/a!", TORON_METHOD_OTHER), "bang");
	ck_assert_str_eq(find("other", "/first", TORON_GET), "");
	ck_assert_uint_eq(allow, 0);
	hand_made_field(&h, "x-first", "");
	ck_assert_str_eq(find("other", "/first", TORON_GET), "first");
	hand_made_field(&h, "x-never", "");
	ck_assert_str_eq(find("other", "/a", TORON_DELETE), "never");
}
END_TEST

/* A less specific host wins where its route has the better rank, and is not asked where it
 * cannot. */
START_TEST(pruned_by_best)
{
	hand_made_field(&h, "x-first", "");
	n_any_asked = 0;
	ck_assert_str_eq(find("api.example.com", "/first", TORON_GET), "first");
	ck_assert_int_eq(n_any_asked, 1);
	ck_assert_str_eq(find("api.example.com", "/a", TORON_GET), "get");
	ck_assert_int_eq(n_any_asked, 2);
	/* Asked, since it could be better, but what it holds for this path is worse. */
	ck_assert_str_eq(find("api.example.com", "/a!", TORON_GET), "get");
	ck_assert_int_eq(n_any_asked, 3);
	groups[1].best = 3;
	list_api[0] = 0;
	list_api[1] = 1;
	ck_assert_str_eq(find("api.example.com", "/a", TORON_GET), "get");
	ck_assert_int_eq(n_any_asked, 3);
}
END_TEST

START_TEST(nothing)
{
	ck_assert_str_eq(find("api.example.com", "/zzz", TORON_GET), "");
	ck_assert_uint_eq(allow, 0);
	ck_assert_ptr_null(x->route);
}
END_TEST

START_TEST(allow_mask)
{
	ck_assert_str_eq(find("api.example.com", "/a", TORON_TRACE), "");
	ck_assert_uint_eq(allow, TORON_GET | TORON_HEAD | TORON_POST | TORON_PUT | PURGE);
	ck_assert_text(route_allow_text(x, allow), "GET, HEAD, POST, PUT, PURGE");
	/* DELETE would fail on its header, too. */
	ck_assert_str_eq(find("other", "/a", TORON_GET), "");
	ck_assert_text(route_allow_text(x, allow), "PUT, PURGE");
	hand_made_field(&h, "x-never", "");
	ck_assert_str_eq(find("other", "/a", TORON_GET), "");
	ck_assert_text(route_allow_text(x, allow), "PUT, DELETE, PURGE");
}
END_TEST

START_TEST(allow_text)
{
	ck_assert_text(route_allow_text(x, TORON_GET), "GET, HEAD");
	ck_assert_text(route_allow_text(x, TORON_HEAD), "HEAD");
	ck_assert_text(route_allow_text(x, PURGE << 1), "LINK");
	ck_assert_text(route_allow_text(x, PURGE << 2), ""); /* no such method */
	ck_assert_text(route_allow_text(x, 0), "");
	ck_assert_text(route_allow_text(x, 0x1ff),
		"GET, HEAD, POST, PUT, PATCH, DELETE, CONNECT, OPTIONS, TRACE");
}
END_TEST

/* Without host patterns there is one list. */
START_TEST(no_host_matcher)
{
	struct toron_router plain = router;

	plain.host = NULL;
	h.listener.router = &plain;
	ck_assert_str_eq(find("api.example.com", "/a", TORON_GET), "");
	ck_assert_str_eq(find("api.example.com", "/a", TORON_PUT), "put");
}
END_TEST

Suite *suite_route(void);

Suite *suite_route(void)
{
	Suite *s = suite_create("route");
	TCase *t = tcase_create("route");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, by_host_path_method);
	tcase_add_test(t, get_implies_head);
	tcase_add_test(t, also_and_when);
	tcase_add_test(t, pruned_by_best);
	tcase_add_test(t, nothing);
	tcase_add_test(t, allow_mask);
	tcase_add_test(t, allow_text);
	tcase_add_test(t, no_host_matcher);
	suite_add_tcase(s, t);
	return s;
}
