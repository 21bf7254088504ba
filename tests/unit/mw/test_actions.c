/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The small middlewares and actions: headers, request-id, respond, redirect, echo. */
#include <check.h>
#include <jansson.h>

#include "toron/mw.h"
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

/* ---- headers ---- */

#define LITERAL(name, value) \
	static const struct toron_part name[] = { { .kind = TORON_PART_LITERAL, \
		.text = STR_INIT(value) } }
LITERAL(part_one, " one ");
LITERAL(part_two, "two");
static const struct toron_part part_claim[] = { { .kind = TORON_PART_CLAIM,
	.text = STR_INIT("sub") } };

static void no_free(void *claims)
{
	(void)claims;
}

START_TEST(header_edits)
{
	static const struct toron_header_edit edits[] = {
		{ TORON_HEADER_REMOVE, STR_INIT("x-gone"), { 0 } },
		{ TORON_HEADER_SET, STR_INIT("x-set"), { part_one, 1 } },
		{ TORON_HEADER_ADD, STR_INIT("x-add"), { part_two, 1 } },
		{ TORON_HEADER_SET, STR_INIT("x-user"), { part_claim, 1 } },
	};
	static const struct toron_headers conf = { edits, edits, ARRAY_LEN(edits),
		ARRAY_LEN(edits) };
	char claims[] = "";

	hand_made_field(&h, "x-gone", "1");
	hand_made_field(&h, "x-set", "1");
	hand_made_field(&h, "x-set", "2");
	hand_made_field(&h, "x-add", "1");
	hand_made_field(&h, "x-user", "root");
	toron_claims_set(x, claims, no_free, STR("ada"));
	ck_assert_int_eq(toron_headers_request(x, &conf), TORON_NEXT);
	ck_assert_ptr_null(toron_request_header(x, STR("x-gone")).ptr);
	ck_assert_text(toron_request_header(x, STR("x-set")), "one");
	ck_assert_text(toron_request_header(x, STR("x-user")), "ada");
	ck_assert_uint_eq(x->request.head.n, 4);
	toron_headers_response(x, &conf);
	ck_assert_text(toron_response_header(x, STR("x-set")), "one");
	/* A value that no field may hold does not leave the client's in place. */
	toron_request_header_set(x, STR("x-user"), STR("root"));
	toron_claims_set(x, claims, no_free,
		STR("a\x01"
		    "b"));
	toron_headers_request(x, &conf);
	ck_assert_ptr_null(toron_request_header(x, STR("x-user")).ptr);
}
END_TEST

/* ---- request-id ---- */

static struct str run_request_id(const struct toron_request_id_conf *conf)
{
	ck_assert_int_eq(toron_request_id_request(x, conf), TORON_NEXT);
	ck_assert_text(
		toron_request_id(x), arena_cstr(&x->arena, toron_request_header(x, conf->header)));
	return toron_request_id(x);
}

START_TEST(request_ids)
{
	static const struct toron_request_id_conf own = { STR_INIT("x-request-id"), false };
	struct str ids[50];

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		toron_request_header_set(x, STR("x-request-id"), STR("theirs"));
		ids[i] = run_request_id(&own);
		ck_assert_uint_eq(ids[i].len, 32);
		ck_assert_uint_eq(strspn(ids[i].ptr, "0123456789abcdef") >= 32, 1);
		for (size_t k = 0; k < i; k++)
			ck_assert(!str_eq(ids[i], ids[k]));
	}
	toron_request_id_response(x, &own);
	ck_assert(str_eq(toron_response_header(x, STR("x-request-id")), ids[49]));
}
END_TEST

START_TEST(trusted_request_ids)
{
	static const struct toron_request_id_conf trusting = { STR_INIT("x-request-id"), true };
	char text[130];

	memset(text, 'a', sizeof(text));
	ck_assert_uint_eq(run_request_id(&trusting).len, 32);
	toron_request_header_set(x, STR("x-request-id"), STR("their-id.1"));
	ck_assert_text(run_request_id(&trusting), "their-id.1");
	toron_request_header_set(x, STR("x-request-id"), (struct str){ text, 128 });
	ck_assert_uint_eq(run_request_id(&trusting).len, 128);
	toron_request_header_set(x, STR("x-request-id"), (struct str){ text, 129 });
	ck_assert_uint_eq(run_request_id(&trusting).len, 32);
	toron_request_header_set(x, STR("x-request-id"), STR("a b"));
	ck_assert_uint_eq(run_request_id(&trusting).len, 32);
	toron_request_header_set(x, STR("x-request-id"), STR(""));
	ck_assert_uint_eq(run_request_id(&trusting).len, 32);
}
END_TEST

/* ---- respond ---- */

START_TEST(responds)
{
	LITERAL(body, "teapot\n");
	LITERAL(html, "text/html");
	LITERAL(length, "7");
	static const struct toron_part path[] = { { .kind = TORON_PART_PATH } };
	static const struct toron_line lines[] = { { STR_INIT("x-path"), { path, 1 } },
		{ STR_INIT("content-type"), { html, 1 } },
		{ STR_INIT("content-length"), { length, 1 } } };
	static const struct toron_answer plain = { .status = 418, .body = { body, 1 } };
	static const struct toron_answer full = {
		.status = 200, .headers = lines, .n_headers = 3, .body = { body, 1 }
	};
	static const struct toron_answer empty = { .status = 204 };

	toron_action_respond(x, &plain);
	ck_assert_uint_eq(x->response.status, 418);
	ck_assert_text(hand_made_answer_body(&h), "teapot\n");
	ck_assert_text(hand_made_answer_field(&h, "content-type"), "text/plain; charset=utf-8");
	x->chain_answered = false;
	x->path = STR("/a");
	toron_action_respond(x, &full);
	ck_assert_text(hand_made_answer_field(&h, "content-type"), "text/html");
	ck_assert_text(hand_made_answer_field(&h, "x-path"), "/a");
	ck_assert_uint_eq(x->response.head.n, 2);
	x->chain_answered = false;
	toron_action_respond(x, &empty);
	ck_assert_uint_eq(x->response.status, 204);
	ck_assert_uint_eq(x->response.head.n, 0);
	ck_assert_text(hand_made_answer_body(&h), "");
}
END_TEST

/* ---- redirect ---- */

static const char *location(const struct toron_part *parts, uint32_t n)
{
	struct toron_answer conf = { .status = 308, .body = { parts, n } };

	x->chain_answered = false;
	toron_action_redirect(x, &conf);
	ck_assert_uint_eq(x->response.status, 308);
	ck_assert_text(hand_made_answer_body(&h), "");
	return arena_cstr(&x->arena, hand_made_answer_field(&h, "location"));
}

START_TEST(redirects)
{
	static const struct toron_part parts[] = { { .kind = TORON_PART_LITERAL,
							   .text = STR_INIT("https://e.com") },
		{ .kind = TORON_PART_PATH }, { .kind = TORON_PART_LITERAL, .text = STR_INIT("?") },
		{ .kind = TORON_PART_QUERY } };
	static const struct toron_part header[] = { { .kind = TORON_PART_HEADER,
		.text = STR_INIT("x-to") } };
	LITERAL(meant, "//cdn.example/x");
	LITERAL(spaced, "/a b\r\nset-cookie: x=1");

	x->path = STR("/a%20b");
	x->query = STR("q=1&r=%zz|\"\\");
	ck_assert_str_eq(location(parts, 4), "https://e.com/a%20b?q=1&r=%25zz%7C%22%5C");
	hand_made_field(&h, "x-to", "/x\r\nset-cookie: a=b");
	ck_assert_str_eq(location(header, 1), "/xset-cookie:%20a=b");
	toron_request_header_set(x, STR("x-to"), STR("/caf\xc3\xa9%"));
	ck_assert_str_eq(location(header, 1), "/caf%C3%A9%25");
	ck_assert_str_eq(location(spaced, 1), "/a%20b%0D%0Aset-cookie:%20x=1");
	ck_assert_str_eq(location(meant, 1), "//cdn.example/x");
	toron_request_header_set(x, STR("x-to"), STR("///evil.example/"));
	ck_assert_str_eq(location(header, 1), "/evil.example/");
	toron_request_header_set(x, STR("x-to"), STR("/\\evil.example/"));
	ck_assert_str_eq(location(header, 1), "/%5Cevil.example/");
}
END_TEST

/* ---- echo ---- */

static const char *member(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

START_TEST(echoes)
{
	struct str body;
	json_t *o;
	const json_t *headers;

	x->query = STR("a=1");
	hand_made_field(&h, "x-a", "1");
	hand_made_field(&h, "x-b", "\"\\\t\xc3\xa9\xff\x7f");
	hand_made_field(&h, "x-a", "2");
	toron_request_id_set(x, STR("r1"));
	toron_action_echo(x, NULL);
	ck_assert_uint_eq(x->response.status, 200);
	ck_assert_text(hand_made_answer_field(&h, "content-type"), "application/json");
	body = hand_made_answer_body(&h);
	o = json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_ptr_nonnull(o);
	ck_assert_str_eq(member(o, "method"), "GET");
	ck_assert_str_eq(member(o, "path"), "/");
	ck_assert_str_eq(member(o, "query"), "a=1");
	ck_assert_str_eq(member(o, "host"), "example.com");
	ck_assert_str_eq(member(o, "source"), "192.0.2.7");
	ck_assert_str_eq(member(o, "request_id"), "r1");
	ck_assert_str_eq(member(o, "listener"), "web");
	ck_assert_str_eq(member(o, "gateway"), "edge");
	headers = json_object_get(o, "headers");
	ck_assert_uint_eq(json_object_size(headers), 2);
	ck_assert_uint_eq(json_array_size(json_object_get(headers, "x-a")), 2);
	ck_assert_str_eq(
		json_string_value(json_array_get(json_object_get(headers, "x-a"), 1)), "2");
	ck_assert_str_eq(json_string_value(json_array_get(json_object_get(headers, "x-b"), 0)),
		"\"\\\t\xc3\xa9\xef\xbf\xbd\x7f");
	json_decref(o);
	x->query = STR_NONE;
	x->chain_answered = false;
	toron_action_echo(x, NULL);
	ck_assert(str_find(hand_made_answer_body(&h), STR("\"query\":null")) > 0);
}
END_TEST

START_TEST(echo_over_budget)
{
	struct arena kept = x->arena;

	arena_init(&x->arena, NULL, 0, 64);
	toron_action_echo(x, NULL);
	ck_assert_uint_eq(x->response.status, 503);
	x->response.head.at = NULL;
	x->response.head.n = x->response.head.cap = 0;
	body_fini(&x->response.body);
	body_init(&x->response.body, 1 << 16);
	arena_fini(&x->arena);
	x->arena = kept;
}
END_TEST

Suite *suite_actions(void);

Suite *suite_actions(void)
{
	Suite *s = suite_create("actions");
	TCase *t = tcase_create("actions");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, header_edits);
	tcase_add_test(t, request_ids);
	tcase_add_test(t, trusted_request_ids);
	tcase_add_test(t, responds);
	tcase_add_test(t, redirects);
	tcase_add_test(t, echoes);
	tcase_add_test(t, echo_over_budget);
	suite_add_tcase(s, t);
	return s;
}
