/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "plan/lookup.h"

#include "unit/plan/config.h"

static const char config_text[] =
	"listeners: [{name: web, protocol: http, port: 8080}, {name: int, protocol: http, port: "
	"8081}]\n"
	"routes:\n"
	"  - {name: exact, match: {path: {exact: /login}}, echo: {}}\n"
	"  - {name: users, match: {path: \"/users/{id}\"}, echo: {}}\n"
	"  - {name: whole, match: {path: {template: \"/users/{id}/posts/{post}\"}, method: [GET, "
	"PURGE]}, echo: {}}\n"
	"  - {name: slash, match: {path: /files/}, echo: {}}\n"
	"  - {name: rx, match: {path: {regex: \"/v[0-9]+/.*\"}}, echo: {}}\n"
	"  - {name: get, match: {path: /m, method: GET}, echo: {}}\n"
	"  - {name: post, match: {path: /m, method: POST, headers: {x-a: \"1\"}}, echo: {}}\n"
	"  - {name: api, match: {host: api.example.com, path: /}, echo: {}}\n"
	"  - {name: wild, match: {host: \"*.example.com\", path: /w}, echo: {}}\n"
	"  - {name: deep, match: {host: \"*.deep.example.com\", path: /w}, echo: {}}\n"
	"  - {name: first, priority: 1, match: {path: /first}, echo: {}}\n"
	"  - {name: int, listeners: [int], match: {path: /int}, echo: {}}\n"
	"  - {name: head, match: {path: /f, headers: {x-b: {regex: \"[a-c]+\"}, x-no: {present: "
	"false}}}, echo: {}}\n"
	"  - {name: cookie, match: {path: /f, cookies: {c: {prefix: ab}}}, echo: {}}\n"
	"  - {name: query, match: {path: /f, query: {\"q 1\": [\"a&b\", {suffix: z}]}}, echo: {}}\n"
	"  - {name: source, match: {path: /s, source: [10.0.0.0/9, \"2001:db8::/33\"]}, echo: {}}\n"
	"  - {name: https, match: {path: /t, scheme: http}, echo: {}}\n";

static const struct request {
	const char *request; /* listener method scheme host target */
	const char *want;    /* the route, or "405 METHODS", or "404" */
	const char *headers; /* "name: value" lines */
	uint8_t source[16];
} requests[] = {
	{ "0 GET http a /login", "exact", "", { 0 } },
	{ "0 GET http a /login/", "404", "", { 0 } },
	{ "0 GET http a /users", "404", "", { 0 } },
	{ "0 GET http a /users/", "404", "", { 0 } },
	{ "0 GET http a /users/7", "users id=7", "", { 0 } },
	{ "0 GET http a /users/7/x/y", "users id=7", "", { 0 } },
	{ "0 GET http a /users/7/posts/9", "whole id=7 post=9", "", { 0 } },
	{ "0 HEAD http a /users/7/posts/9", "whole id=7 post=9", "", { 0 } },
	{ "0 PURGE http a /users/7/posts/9", "whole id=7 post=9", "", { 0 } },
	{ "0 POST http a /users/7/posts/9", "users id=7", "", { 0 } },
	{ "0 GET http a /users/7/posts/9/", "users id=7", "", { 0 } },
	{ "0 GET http a /files", "404", "", { 0 } },
	{ "0 GET http a /files/", "slash", "", { 0 } },
	{ "0 GET http a /files/a/b", "slash", "", { 0 } },
	{ "0 GET http a /v12/", "rx", "", { 0 } },
	{ "0 GET http a /v/x", "404", "", { 0 } },
	{ "0 GET http a /m", "get", "", { 0 } },
	{ "0 POST http a /m", "405 GET HEAD", "", { 0 } },
	{ "0 POST http a /m/x", "post", "x-a: 1\n", { 0 } },
	{ "0 PUT http a /m", "405 GET HEAD POST", "x-a: 1\n", { 0 } },
	{ "0 BREW http a /m", "405 GET HEAD", "x-a: 2\n", { 0 } },
	{ "0 GET http api.example.com /nothing", "api", "", { 0 } },
	{ "0 GET http api.example.com /w", "api", "", { 0 } },
	{ "0 GET http api.example.com /first", "first", "", { 0 } },
	{ "0 GET http www.example.com /w", "wild", "", { 0 } },
	{ "0 GET http a.b.example.com /w", "wild", "", { 0 } },
	{ "0 GET http example.com /w", "404", "", { 0 } },
	{ "0 GET http x.deep.example.com /w/z", "deep", "", { 0 } },
	{ "0 GET http deep.example.com /w", "wild", "", { 0 } },
	{ "0 GET http x.deep.example.com /login", "exact", "", { 0 } },
	{ "0 GET http xexample.com /w", "404", "", { 0 } },
	{ "0 GET http a /int", "404", "", { 0 } },
	{ "1 GET http a /int", "int", "", { 0 } },
	{ "1 GET http a /login", "exact", "", { 0 } },
	{ "0 GET http a /f", "404", "", { 0 } },
	{ "0 GET http a /f", "head", "x-b: abc\n", { 0 } },
	{ "0 GET http a /f", "404", "x-b: abcd\n", { 0 } },
	{ "0 GET http a /f", "head", "x-b: z\nx-b: a\n", { 0 } },
	{ "0 GET http a /f", "404", "x-b: a\nx-no: \n", { 0 } },
	{ "0 GET http a /f", "cookie", "cookie: a=ab; c=abc\n", { 0 } },
	{ "0 GET http a /f", "cookie", "cookie: a=1\ncookie: c=\"ab\"\n", { 0 } },
	{ "0 GET http a /f", "404", "cookie: c; cc=ab\n", { 0 } },
	{ "0 GET http a /f?q+1=a%26b", "query", "", { 0 } },
	{ "0 GET http a /f?x&q%201=yz&y=1", "query", "", { 0 } },
	{ "0 GET http a /f?q1=a%26b", "404", "", { 0 } },
	{ "0 GET http a /f?q+1", "404", "", { 0 } },
	{ "0 GET http a /s", "source", "",
		{ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 127, 1, 1 } },
	{ "0 GET http a /s", "404", "",
		{ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 128, 1, 1 } },
	{ "0 GET http a /s", "source", "", { 0x20, 0x01, 0x0d, 0xb8, 0x7f } },
	{ "0 GET http a /s", "404", "", { 0x20, 0x01, 0x0d, 0xb8, 0x80 } },
	{ "0 GET http a /t", "https", "", { 0 } },
	{ "0 GET https a /t", "404", "", { 0 } },
};

static struct lookup_request read_request(struct arena *a, const struct request *from)
{
	struct lookup_field *fields = ARENA_ARRAY(a, struct lookup_field, 8);
	struct str rest = str_of(from->request), lines = str_of(from->headers);
	struct lookup_request r = { .headers = fields };
	struct str part, line;
	uint64_t listener;
	size_t mark;

	ck_assert(str_split(&rest, ' ', &part) && str_to_u64(part, 9, &listener));
	ck_assert(str_split(&rest, ' ', &r.method) && str_split(&rest, ' ', &r.scheme) &&
		  str_split(&rest, ' ', &r.host));
	r.listener = (uint32_t)listener;
	mark = str_find_char(rest, '?');
	r.path = str_slice(rest, 0, mark);
	if (mark < rest.len)
		r.query = str_slice(rest, mark + 1, rest.len);
	while (str_split(&lines, '\n', &line))
		if (line.len > 0) {
			size_t colon = str_find_char(line, ':');

			fields[r.n_headers++] = (struct lookup_field){
				str_slice(line, 0, colon),
				str_trim(str_slice(line, colon + 1, line.len)),
			};
		}
	memcpy(r.source, from->source, sizeof(r.source));
	return r;
}

/* "users id=7", "405 GET HEAD", "404". */
static void describe(struct sbuf *out, const struct plan *p, const struct lookup_request *r,
	struct lookup_result result)
{
	static const char *const names[] = { "GET", "HEAD", "POST", "PUT", "DELETE" };
	const struct plan_entry *e = &p->entries[result.entry];

	if (result.entry == PLAN_NONE) {
		sbuf_adds(out, result.allow == 0 ? "404" : "405");
		for (size_t i = 0; i < 5; i++)
			if ((result.allow & 1u << i) != 0)
				sbuf_printf(out, " %s", names[i]);
		return;
	}
	sbuf_add(out, p->routes[e->route].name);
	for (uint32_t i = 0; i < p->routes[e->route].n_params; i++) {
		struct str value = lookup_param(p, e, r->path, i);

		sbuf_printf(out, " " STR_FMT "=" STR_FMT, STR_ARG(p->routes[e->route].params[i]),
			STR_ARG(value));
	}
}

START_TEST(requests_find_their_routes)
{
	struct config c;
	const struct plan *p = config_plan(&c, config_text);
	struct lookup_request r = read_request(&c.arena, &requests[_i]);
	struct sbuf got = { 0 };

	describe(&got, p, &r, lookup_route(p, &c.arena, &r));
	ck_assert_msg(str_eq(sbuf_str(&got), str_of(requests[_i].want)), "%s: got %s, want %s",
		requests[_i].request, got.ptr, requests[_i].want);
	sbuf_fini(&got);
	config_fini(&c);
}
END_TEST

START_TEST(an_empty_host_is_any_host)
{
	struct config c;
	const struct plan *p = config_plan(&c, config_text);
	struct lookup_request r = {
		.method = STR("GET"), .scheme = STR("http"), .host = STR(""), .path = STR("/login")
	};

	ck_assert_uint_ne(lookup_route(p, &c.arena, &r).entry, PLAN_NONE);
	r.path = STR("/w");
	ck_assert_uint_eq(lookup_route(p, &c.arena, &r).entry, PLAN_NONE);
	config_fini(&c);
}
END_TEST

Suite *suite_lookup(void)
{
	Suite *s = suite_create("lookup");
	TCase *t = tcase_create("lookup");

	tcase_add_loop_test(
		t, requests_find_their_routes, 0, sizeof(requests) / sizeof(requests[0]));
	tcase_add_test(t, an_empty_host_is_any_host);
	suite_add_tcase(s, t);
	return s;
}
