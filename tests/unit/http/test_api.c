/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>
#include <stdlib.h>

#include "toron/exchange.h"
#include "unit/http/hand_made.h"

static struct hand_made h;
static struct exchange *x;

static void setup(void)
{
	x = hand_made_init(&h);
}

static void teardown(void)
{
	hand_made_fini(&h);
}

START_TEST(accessors)
{
	x->query = STR("a=1");
	ck_assert_text(toron_request_method(x), "GET");
	ck_assert_uint_eq(toron_request_method_bit(x), TORON_GET);
	ck_assert_text(toron_request_scheme(x), "http");
	ck_assert_text(toron_request_host(x), "example.com");
	ck_assert_text(toron_request_path(x), "/");
	ck_assert_text(toron_request_query(x), "a=1");
	ck_assert_text(toron_source_ip(x), "192.0.2.7");
	ck_assert_uint_eq(toron_source_addr(x)[15], 7);
	ck_assert_ptr_nonnull(toron_request_id(x).ptr);
	ck_assert_text(toron_request_id(x), "");
	toron_request_id_set(x, STR("r1"));
	ck_assert_text(toron_request_id(x), "r1");
	ck_assert_uint_gt(toron_wall_us(x), 1600000000000000u);
	toron_chain_at(x, 3);
	ck_assert_uint_eq(x->chain_entered, 4);
	x->response.status = 418;
	ck_assert_uint_eq(toron_response_status(x), 418);
}
END_TEST

START_TEST(params)
{
	static const uint8_t segments[] = { 1, 255, 3, 9 };

	x->path = STR("/users/a%20b/posts//");
	h.route.n_params = 4;
	ck_assert_ptr_null(toron_path_param(x, 0).ptr);
	x->params = segments;
	ck_assert_text(toron_path_param(x, 0), "a%20b");
	ck_assert_ptr_null(toron_path_param(x, 1).ptr);
	ck_assert_ptr_nonnull(toron_path_param(x, 2).ptr);
	ck_assert_text(toron_path_param(x, 2), "");
	ck_assert_ptr_null(toron_path_param(x, 3).ptr); /* the path is shorter */
	ck_assert_ptr_null(toron_path_param(x, 4).ptr); /* the route has four */
	x->route = NULL;
	ck_assert_ptr_null(toron_path_param(x, 0).ptr);
}
END_TEST

START_TEST(request_headers)
{
	hand_made_field(&h, "x-a", "1");
	hand_made_field(&h, "x-a", "2");
	ck_assert_text(toron_request_header(x, STR("x-a")), "1");
	ck_assert_ptr_null(toron_request_header(x, STR("x-b")).ptr);
	ck_assert(toron_request_header_set(x, STR("x-a"), STR("3")));
	ck_assert_uint_eq(x->request.head.n, 1);
	ck_assert_text(toron_request_header(x, STR("x-a")), "3");
	ck_assert(toron_request_header_add(x, STR("x-b"), STR("")));
	ck_assert_ptr_nonnull(toron_request_header(x, STR("x-b")).ptr);
	toron_request_header_remove(x, STR("x-a"));
	ck_assert_ptr_null(toron_request_header(x, STR("x-a")).ptr);
}
END_TEST

/* A server behind CGI or WSGI would take these for the fields that were set or removed. */
START_TEST(request_headers_in_other_spellings)
{
	static const char *const names[] = { "x_user_id", "x-user_id", "x-user-id", "x_admin", "x_user", "x-user.id" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		hand_made_field(&h, names[i], names[i]);
	ck_assert(toron_request_header_set(x, STR("x-user-id"), STR("joe")));
	toron_request_header_remove(x, STR("x-admin"));
	ck_assert_uint_eq(x->request.head.n, 3);
	ck_assert_text(toron_request_header(x, STR("x-user-id")), "joe");
	ck_assert_text(toron_request_header(x, STR("x_user")), "x_user");
	ck_assert_text(toron_request_header(x, STR("x-user.id")), "x-user.id");
	/* Who sets the other spelling means it. */
	ck_assert(toron_request_header_set(x, STR("x_user_id"), STR("ann")));
	ck_assert_text(toron_request_header(x, STR("x-user-id")), "joe");
	ck_assert_text(toron_request_header(x, STR("x_user_id")), "ann");
}
END_TEST

/* What would break a message in two, or say its length twice. */
START_TEST(refused_headers)
{
	static const char *const framing[] = { "content-length", "transfer-encoding", "connection",
		"te", "trailer", "upgrade", "keep-alive", "proxy-connection" };

	for (size_t i = 0; i < ARRAY_LEN(framing); i++) {
		ck_assert(!toron_request_header_set(x, str_of(framing[i]), STR("5")));
		ck_assert(!toron_request_header_add(x, str_of(framing[i]), STR("5")));
		ck_assert(!toron_response_header_set(x, str_of(framing[i]), STR("5")));
		ck_assert(!toron_response_header_add(x, str_of(framing[i]), STR("5")));
	}
	ck_assert(!toron_request_header_set(x, STR("x-a"), STR("a\r\nx-b: c")));
	ck_assert(!toron_request_header_set(x, STR("x-a"), STR("a\0b")));
	ck_assert(!toron_request_header_add(x, STR("x a"), STR("a")));
	ck_assert(!toron_request_header_add(x, STR(""), STR("a")));
	ck_assert_uint_eq(x->request.head.n, 0);
	ck_assert_uint_eq(x->response.head.n, 0);
	ck_assert(!x->arena.overflow);
}
END_TEST

START_TEST(host_header)
{
	ck_assert_text(toron_request_header(x, STR("host")), "example.com");
	ck_assert(toron_request_header_set(x, STR("host"), STR("other.example:81")));
	ck_assert_text(x->request.authority, "other.example:81");
	ck_assert_uint_eq(x->request.head.n, 0);
	ck_assert(!toron_request_header_set(x, STR("host"), STR("a/b")));
	ck_assert(!toron_request_header_add(x, STR("host"), STR("b")));
	ck_assert_text(x->request.authority, "other.example:81");
	ck_assert(toron_request_any(x, TORON_IN_HEADER, STR("host"), NULL));
}
END_TEST

START_TEST(response_headers)
{
	ck_assert(toron_response_header_add(x, STR("x-a"), STR("1")));
	ck_assert(toron_response_header_add(x, STR("x-a"), STR("2")));
	ck_assert_text(toron_response_header(x, STR("x-a")), "1");
	ck_assert(toron_response_header_set(x, STR("x-a"), STR("3")));
	ck_assert_uint_eq(x->response.head.n, 1);
	toron_response_header_remove(x, STR("x-a"));
	ck_assert_uint_eq(x->response.head.n, 0);
}
END_TEST

/* ---- claims ---- */

static int n_freed;

static void count_free(void *claims)
{
	(void)claims;
	n_freed++;
}

static struct str read_claim(struct exchange *on, void *claims, struct str path)
{
	ck_assert_ptr_eq(on, x);
	return str_eq(path, STR("realm.name")) ? str_of(claims) : STR_NONE;
}

START_TEST(claims)
{
	char first[] = "first", second[] = "second";

	n_freed = 0;
	ck_assert_ptr_null(toron_claim(x, STR("sub")).ptr);
	toron_claims_set(x, first, count_free, STR("ada"));
	ck_assert_text(toron_claim(x, STR("sub")), "ada");
	ck_assert_ptr_null(toron_claim(x, STR("realm.name")).ptr);
	toron_claims_reader_set(x, read_claim);
	ck_assert_text(toron_claim(x, STR("realm.name")), "first");
	toron_claims_set(x, second, count_free, STR_NONE);
	ck_assert_int_eq(n_freed, 1);
	ck_assert_ptr_eq(toron_claims(x), second);
	ck_assert_ptr_null(
		toron_claim(x, STR("realm.name")).ptr); /* the reader went with its claims */
	ck_assert_ptr_null(toron_claim(x, STR("sub")).ptr);
}
END_TEST

/* ---- templates ---- */

static struct str fill(const struct toron_part *parts, uint32_t n)
{
	return toron_template_text(x, &(struct toron_template){ parts, n });
}

START_TEST(template_parts)
{
	static const uint8_t segments[] = { 1 };
	static const struct toron_part parts[] = {
		{ .kind = TORON_PART_METHOD },
		{ .kind = TORON_PART_LITERAL, .text = STR_INIT(" ") },
		{ .kind = TORON_PART_SCHEME },
		{ .kind = TORON_PART_LITERAL, .text = STR_INIT("://") },
		{ .kind = TORON_PART_HOST },
		{ .kind = TORON_PART_PATH },
		{ .kind = TORON_PART_LITERAL, .text = STR_INIT("?") },
		{ .kind = TORON_PART_QUERY },
		{ .kind = TORON_PART_LITERAL, .text = STR_INIT(" ") },
		{ .kind = TORON_PART_PARAM, .index = 0 },
		{ .kind = TORON_PART_LITERAL, .text = STR_INIT(" ") },
		{ .kind = TORON_PART_SOURCE_IP },
		{ .kind = TORON_PART_LITERAL, .text = STR_INIT(" ") },
		{ .kind = TORON_PART_REQUEST_ID },
		{ .kind = TORON_PART_LITERAL, .text = STR_INIT(" ") },
		{ .kind = TORON_PART_HEADER, .text = STR_INIT("x-a") },
		{ .kind = TORON_PART_LITERAL, .text = STR_INIT(" ") },
		{ .kind = TORON_PART_CLAIM, .text = STR_INIT("sub") },
		{ .kind = TORON_PART_HEADER, .text = STR_INIT("x-none") },
	};
	char claims_object[] = "";

	x->path = STR("/u/7");
	x->query = STR("q=1");
	x->request_id = STR("r1");
	x->params = segments;
	h.route.n_params = 1;
	hand_made_field(&h, "x-a", "va");
	toron_claims_set(x, claims_object, count_free, STR("ada"));
	ck_assert_text(fill(parts, ARRAY_LEN(parts)),
		"GET http://example.com/u/7?q=1 7 192.0.2.7 r1 va ada");
}
END_TEST

START_TEST(template_edges)
{
	static const struct toron_part literal = { .kind = TORON_PART_LITERAL,
		.text = STR_INIT("a\nb") };
	static const struct toron_part header = { .kind = TORON_PART_HEADER,
		.text = STR_INIT("x-a") };
	static const struct toron_part query = { .kind = TORON_PART_QUERY };
	static const struct toron_part two[] = { { .kind = TORON_PART_LITERAL,
							 .text = STR_INIT("<\n") },
		{ .kind = TORON_PART_REQUEST_ID } };

	ck_assert_text(fill(NULL, 0), "");
	ck_assert_ptr_eq(fill(&literal, 1).ptr, literal.text.ptr); /* costs nothing */
	ck_assert_ptr_nonnull(fill(&query, 1).ptr);                /* absent is empty */
	ck_assert_text(fill(&query, 1), "");
	hand_made_field(&h, "x-a", "plain");
	ck_assert_ptr_eq(fill(&header, 1).ptr, x->request.head.at[0].value.ptr);
	x->request_id = STR("a\r\nset-cookie: b\0c");
	ck_assert_text(fill(two, 2), "<\naset-cookie: bc");
	ck_assert_text(fill(&two[1], 1), "aset-cookie: bc");
}
END_TEST

START_TEST(template_over_budget)
{
	static const struct toron_part parts[] = { { .kind = TORON_PART_PATH },
		{ .kind = TORON_PART_PATH } };
	struct arena kept = x->arena;

	arena_init(&x->arena, NULL, 0, 16);
	x->path = STR("/0123456789");
	ck_assert_ptr_null(fill(parts, 2).ptr);
	ck_assert(x->arena.overflow);
	arena_fini(&x->arena);
	x->arena = kept;
}
END_TEST

/* ---- predicates ---- */

static struct str wanted;
static int n_asked;

static bool take_wanted(struct str value)
{
	n_asked++;
	return str_eq(value, wanted);
}

static bool any(enum toron_where where, const char *name, const char *value)
{
	wanted = str_of(value);
	return toron_request_any(x, where, str_of(name), value == NULL ? NULL : take_wanted);
}

START_TEST(in_header)
{
	hand_made_field(&h, "x-a", "1");
	hand_made_field(&h, "x-b", "0");
	hand_made_field(&h, "x-a", "2");
	ck_assert(any(TORON_IN_HEADER, "x-a", NULL));
	ck_assert(!any(TORON_IN_HEADER, "x-c", NULL));
	ck_assert(any(TORON_IN_HEADER, "x-a", "1"));
	ck_assert(any(TORON_IN_HEADER, "x-a", "2"));
	ck_assert(!any(TORON_IN_HEADER, "x-a", "0"));
	ck_assert(any(TORON_IN_HEADER, "host", "example.com"));
}
END_TEST

START_TEST(in_query)
{
	static char long_value[3000];

	ck_assert(!any(TORON_IN_QUERY, "a", NULL));
	x->query = STR("a=1&b=x%20y+z&c&&=e&a=2&n%61me=v&bad=%zz%4&d=a=b&plus=%2B&nul=%00x");
	ck_assert(any(TORON_IN_QUERY, "a", "1"));
	ck_assert(any(TORON_IN_QUERY, "a", "2"));
	ck_assert(!any(TORON_IN_QUERY, "a", "3"));
	ck_assert(any(TORON_IN_QUERY, "b", "x y z"));
	ck_assert(any(TORON_IN_QUERY, "c", NULL));
	ck_assert(any(TORON_IN_QUERY, "c", ""));
	ck_assert(any(TORON_IN_QUERY, "name", "v"));
	ck_assert(!any(TORON_IN_QUERY, "nam", NULL));
	ck_assert(!any(TORON_IN_QUERY, "names", NULL));
	ck_assert(any(TORON_IN_QUERY, "bad", "%zz%4"));
	ck_assert(any(TORON_IN_QUERY, "d", "a=b"));
	ck_assert(any(TORON_IN_QUERY, "plus", "+"));
	ck_assert(!any(TORON_IN_QUERY, "nul", "x"));
	ck_assert(any(TORON_IN_QUERY, "", "e"));
	memcpy(long_value, "a=%20", 5);
	memset(long_value + 5, 'x', sizeof(long_value) - 5);
	x->query = (struct str){ long_value, sizeof(long_value) };
	n_asked = 0;
	ck_assert(!any(TORON_IN_QUERY, "a", "x"));
	ck_assert_int_eq(n_asked, 1);
	ck_assert(any(TORON_IN_QUERY, "a", NULL));
}
END_TEST

START_TEST(in_cookie)
{
	hand_made_field(&h, "cookie", "a=1; b=\"two\";c=3 ; lone;d=");
	hand_made_field(&h, "cookie", "a=4");
	ck_assert(any(TORON_IN_COOKIE, "a", "1"));
	ck_assert(any(TORON_IN_COOKIE, "a", "4"));
	ck_assert(any(TORON_IN_COOKIE, "b", "two"));
	ck_assert(any(TORON_IN_COOKIE, "c", "3"));
	ck_assert(any(TORON_IN_COOKIE, "d", ""));
	ck_assert(!any(TORON_IN_COOKIE, "A", NULL));
	ck_assert(!any(TORON_IN_COOKIE, "lone", NULL));
	ck_assert(!any(TORON_IN_COOKIE, "e", NULL));
}
END_TEST

START_TEST(in_source)
{
	struct toron_cidr ten = { .bits = 104 }, host = { .bits = 128 }, odd = { .bits = 123 },
			  all = { .bits = 0 };
	struct addr a;

	addr_parse(STR("10.0.0.0"), 0, &a);
	memcpy(ten.addr, a.ip, 16);
	addr_parse(STR("192.0.2.7"), 0, &a);
	memcpy(host.addr, a.ip, 16);
	addr_parse(STR("192.0.2.0"), 0, &a);
	memcpy(odd.addr, a.ip, 16);
	ck_assert(!toron_source_in(x, &ten, 1));
	ck_assert(toron_source_in(x, &host, 1));
	ck_assert(toron_source_in(x, &odd, 1)); /* 192.0.2.0/27 */
	ck_assert(toron_source_in(x, &all, 1));
	ck_assert(!toron_source_in(x, NULL, 0));
	ck_assert(toron_source_in(x, (struct toron_cidr[]){ ten, host }, 2));
	addr_parse(STR("192.0.2.31"), 0, &x->source);
	ck_assert(toron_source_in(x, &odd, 1));
	addr_parse(STR("192.0.2.32"), 0, &x->source);
	ck_assert(!toron_source_in(x, &odd, 1));
	ck_assert(!toron_source_in(x, &odd, 1));
	addr_parse(STR("10.255.1.2"), 0, &x->source);
	ck_assert(toron_source_in(x, &ten, 1));
	addr_parse(STR("2001:db8::1"), 0, &x->source);
	ck_assert(!toron_source_in(x, &ten, 1));
}
END_TEST

Suite *suite_api(void);

Suite *suite_api(void)
{
	Suite *s = suite_create("api");
	TCase *t = tcase_create("api");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, accessors);
	tcase_add_test(t, params);
	tcase_add_test(t, request_headers);
	tcase_add_test(t, request_headers_in_other_spellings);
	tcase_add_test(t, refused_headers);
	tcase_add_test(t, host_header);
	tcase_add_test(t, response_headers);
	tcase_add_test(t, claims);
	tcase_add_test(t, template_parts);
	tcase_add_test(t, template_edges);
	tcase_add_test(t, template_over_budget);
	tcase_add_test(t, in_header);
	tcase_add_test(t, in_query);
	tcase_add_test(t, in_cookie);
	tcase_add_test(t, in_source);
	suite_add_tcase(s, t);
	return s;
}
