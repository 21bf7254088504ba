/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Heads with pseudo fields, and the accounts that are kept of cheap frames. */
#include <check.h>
#include <string.h>

#include "base/check.h"
#include "codec/h2/budget.h"
#include "codec/pseudo.h"

static const struct pseudo_limits limits = { .header_bytes = 1000, .header_count = 10, .uri_bytes = 50 };
static struct arena arena;
static struct msg msg;

static void begin(void)
{
	arena_init(&arena, NULL, 0, 1 << 20);
}

static void finish(void)
{
	arena_fini(&arena);
}

/* "name value" lines. */
static struct pseudo take(enum msg_kind kind, const char *const *lines)
{
	struct pseudo p = { 0 };

	memset(&msg, 0, sizeof(msg));
	msg.kind = kind;
	msg.length = -1;
	for (; *lines != NULL; lines++) {
		struct str line = str_of(*lines);
		size_t n = str_find_char(line, ' ');

		pseudo_take(&p, &limits, &arena, &msg, str_slice(line, 0, n), str_slice(line, n + 1, line.len));
	}
	return p;
}

#define LINES(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define GET ":method GET", ":scheme http", ":path /a?b", ":authority example.org"

static enum fault request(const char *const *lines, bool ends)
{
	struct pseudo p = take(MSG_REQUEST, lines);

	return pseudo_end_request(&p, &arena, &msg, ends);
}

START_TEST(a_request)
{
	ck_assert_int_eq(request(LINES(GET, "cookie a=1", "x y", "cookie b=2", "te trailers", "expect 100-continue"), false), FAULT_NONE);
	ck_assert(str_eq(msg.method, STR("GET")) && str_eq(msg.path, STR("/a?b")) && str_eq(msg.authority, STR("example.org")));
	ck_assert(str_eq(fields_find(&msg.head, STR("cookie"))->value, STR("a=1; b=2")));
	ck_assert_uint_eq(msg.head.n, 3);
	ck_assert(msg.expect_continue && msg.length == -1);
	ck_assert_int_eq(request(LINES(GET), true), FAULT_NONE);
	ck_assert_int_eq(msg.length, 0);
	ck_assert_int_eq(request(LINES(":method GET", ":scheme http", ":path /", "host a"), true), FAULT_NONE);
	ck_assert(str_eq(msg.authority, STR("a")));
}
END_TEST

/* A browser sends each cookie as a field of its own: they are joined in memory that grows with their text, not with its square. */
START_TEST(many_pieces_of_a_cookie)
{
	const struct pseudo_limits wide = { .header_bytes = 60000, .header_count = 1000, .uri_bytes = 50 };
	struct pseudo p = { 0 };
	char piece[41];
	size_t before;

	memset(piece, 'v', sizeof(piece));
	memset(&msg, 0, sizeof(msg));
	msg.kind = MSG_REQUEST;
	pseudo_take(&p, &wide, &arena, &msg, STR("cookie"), STR(""));
	before = arena.used;
	for (int i = 0; i < 500; i++)
		pseudo_take(&p, &wide, &arena, &msg, STR("cookie"), (struct str){ piece, (size_t)(i % 2 == 0 ? 41 : 0) });
	ck_assert_int_eq(p.fault, FAULT_NONE);
	ck_assert_uint_eq(p.cookie.len, 500 * 2 + 250 * 41);
	ck_assert_uint_le(arena.used - before, 4 * p.cookie.len);
	ck_assert_mem_eq(p.cookie.ptr, "; vvv", 5);
	ck_assert_mem_eq(p.cookie.ptr + 2 + 41, "; ; vvv", 7);
	ck_assert_mem_eq(p.cookie.ptr + p.cookie.len - 3, "v; ", 3);
}
END_TEST

START_TEST(what_is_malformed)
{
	ck_assert_int_eq(request(LINES(":method GET", ":scheme http", ":path /"), true), FAULT_BAD_REQUEST);
	ck_assert_int_eq(request(LINES(":method GET", ":path /", ":authority a"), true), FAULT_BAD_REQUEST);
	ck_assert_int_eq(request(LINES(":method GET", ":scheme http", ":authority a"), true), FAULT_BAD_REQUEST);
	ck_assert_int_eq(request(LINES(":method GET", ":scheme http", ":path a", ":authority a"), true), FAULT_BAD_REQUEST);
	ck_assert_int_eq(request(LINES(":method GET", ":scheme http", ":path *", ":authority a"), true), FAULT_BAD_REQUEST);
	ck_assert_int_eq(request(LINES(":method OPTIONS", ":scheme http", ":path *", ":authority a"), true), FAULT_NONE);
	ck_assert_int_eq(request(LINES(GET, ":status 200"), true), FAULT_BAD_REQUEST);
	ck_assert_int_eq(request(LINES(GET, ":what ever"), true), FAULT_BAD_REQUEST);
	ck_assert_int_eq(request(LINES(GET, "host b"), true), FAULT_BAD_REQUEST);
	ck_assert_int_eq(request(LINES(GET, "host Example.ORG"), true), FAULT_NONE);
	ck_assert_int_eq(request(LINES(GET, "te gzip"), true), FAULT_BAD_REQUEST);
	ck_assert_int_eq(request(LINES(GET, "connection close"), true), FAULT_BAD_REQUEST);
	ck_assert_int_eq(request(LINES(GET, "transfer-encoding chunked"), true), FAULT_BAD_REQUEST);
	ck_assert_int_eq(request(LINES(GET, "content-length 1"), true), FAULT_BAD_REQUEST);
	ck_assert_int_eq(request(LINES(GET, "content-length 1", "content-length 1"), false), FAULT_BAD_REQUEST);
	ck_assert_int_eq(request(LINES(GET, "content-length -1"), false), FAULT_BAD_REQUEST);
	ck_assert_int_eq(request(LINES(GET, "content-length 1"), false), FAULT_NONE);
	ck_assert_int_eq(msg.length, 1);
}
END_TEST

START_TEST(what_is_too_much)
{
	ck_assert_int_eq(request(LINES(GET, "expect miracles"), true), FAULT_EXPECTATION);
	ck_assert_int_eq(request(LINES(":method CONNECT", ":authority a:1"), false), FAULT_NOT_IMPLEMENTED);
	ck_assert_int_eq(request(LINES(":path /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), true), FAULT_URI_TOO_LONG);
	ck_assert_int_eq(request(LINES(GET, "a b", "a b", "a b", "a b", "a b", "a b"), true), FAULT_NONE);
	ck_assert_int_eq(request(LINES(GET, "a b", "a b", "a b", "a b", "a b", "a b", "a b"), true), FAULT_HEAD_TOO_LARGE);
}
END_TEST

START_TEST(another_protocol_is_an_upgrade)
{
	ck_assert_int_eq(request(LINES(":method CONNECT", ":protocol websocket", ":scheme http", ":path /", ":authority a"), false), FAULT_NONE);
	ck_assert(str_eq(msg.method, STR("GET")) && str_eq(msg.protocol, STR("websocket")));
	ck_assert_int_eq(msg.length, 0);
	ck_assert_int_eq(request(LINES(":method CONNECT", ":protocol other", ":scheme http", ":path /", ":authority a"), false),
		FAULT_NOT_IMPLEMENTED);
	ck_assert_int_eq(request(LINES(GET, ":protocol websocket"), false), FAULT_BAD_REQUEST);
}
END_TEST

START_TEST(responses)
{
	struct msg asked = { .kind = MSG_REQUEST, .method = STR("GET") };
	struct pseudo p = take(MSG_RESPONSE, LINES(":status 200", "content-length 5"));

	ck_assert_int_eq(pseudo_end_response(&p, &asked, &arena, &msg, false), FAULT_NONE);
	ck_assert(msg.status == 200 && msg.length == 5 && !msg.bodiless);
	p = take(MSG_RESPONSE, LINES(":status 200", "content-length 5"));
	ck_assert_int_eq(pseudo_end_response(&p, &asked, &arena, &msg, true), FAULT_BACK_PROTOCOL);
	p = take(MSG_RESPONSE, LINES(":status 103", "link x"));
	ck_assert_int_eq(pseudo_end_response(&p, &asked, &arena, &msg, false), FAULT_NONE);
	p = take(MSG_RESPONSE, LINES(":status 103"));
	ck_assert_int_eq(pseudo_end_response(&p, &asked, &arena, &msg, true), FAULT_BACK_PROTOCOL);
	p = take(MSG_RESPONSE, LINES(":status 101"));
	ck_assert_int_eq(pseudo_end_response(&p, &asked, &arena, &msg, false), FAULT_BACK_PROTOCOL);
	p = take(MSG_RESPONSE, LINES(":status 99"));
	ck_assert_int_eq(pseudo_end_response(&p, &asked, &arena, &msg, false), FAULT_BACK_PROTOCOL);
	p = take(MSG_RESPONSE, LINES("x y"));
	ck_assert_int_eq(pseudo_end_response(&p, &asked, &arena, &msg, false), FAULT_BACK_PROTOCOL);
	asked.method = STR("HEAD");
	p = take(MSG_RESPONSE, LINES(":status 200", "content-length 5"));
	ck_assert_int_eq(pseudo_end_response(&p, &asked, &arena, &msg, true), FAULT_NONE);
	ck_assert(msg.bodiless && msg.length == 5);
	asked = (struct msg){ .kind = MSG_REQUEST, .method = STR("GET"), .protocol = STR("websocket") };
	p = take(MSG_RESPONSE, LINES(":status 200"));
	ck_assert_int_eq(pseudo_end_response(&p, &asked, &arena, &msg, false), FAULT_NONE);
	ck_assert(msg.status == 101 && str_eq(msg.protocol, STR("websocket")));
}
END_TEST

/* ---- budgets ---- */

static const struct toron_h2_limits few = { .period_ms = 1000, .resets = 2, .settings = 2, .pings = 2, .priorities = 2, .empty_frames = 2,
	.window_updates = 2, .continuations = 2, .window = 65536 };

/* A frame of `type` for stream 1 with a payload of len bytes, in pieces of `piece`; why the walk stopped. */
static enum h2_stop_kind walk(struct h2_budget *b, uint64_t now, uint8_t type, uint8_t flags, uint8_t len, size_t piece)
{
	char bytes[9 + 255] = { 0, 0, (char)len, (char)type, (char)flags, 0, 0, 0, 1 };
	struct h2_stop stop;

	for (size_t at = 0; at < 9u + len;) {
		size_t n = 9u + len - at < piece ? 9u + len - at : piece;

		at += h2_budget_walk(b, now, bytes + at, n, &stop);
		if (stop.kind == H2_STOP_FLOOD)
			return stop.kind;
	}
	return H2_STOP_NOT;
}

START_TEST(cheap_frames_are_counted)
{
	static const struct { uint8_t type, flags, len; } cheap[] = { { 3, 0, 4 }, { 4, 0, 6 }, { 6, 0, 8 }, { 2, 0, 5 }, { 16, 0, 5 }, { 0, 0, 0 },
		{ 99, 0, 10 }, { 8, 0, 4 }, { 9, 0, 20 } };
	static const struct { uint8_t type, flags, len; } fair[] = { { 0, 1, 0 }, { 0, 0, 10 }, { 1, 4, 10 }, { 4, 1, 0 }, { 6, 1, 8 }, { 7, 0, 8 } };
	struct h2_budget b;

	for (size_t piece = 1; piece < 30; piece += 7) {
		for (size_t i = 0; i < ARRAY_LEN(cheap); i++) {
			h2_budget_init(&b, &few, false);
			for (int k = 0; k < 2; k++)
				ck_assert_int_eq(walk(&b, 5000, cheap[i].type, cheap[i].flags, cheap[i].len, piece), H2_STOP_NOT);
			ck_assert_int_eq(walk(&b, 5000, cheap[i].type, cheap[i].flags, cheap[i].len, piece), H2_STOP_FLOOD);
		}
		h2_budget_init(&b, &few, false);
		for (size_t i = 0; i < 10 * ARRAY_LEN(fair); i++)
			ck_assert_int_eq(walk(&b, 5000, fair[i % ARRAY_LEN(fair)].type, fair[i % ARRAY_LEN(fair)].flags,
				fair[i % ARRAY_LEN(fair)].len, piece), H2_STOP_NOT);
	}
	/* What our own frames account for; and a reset for a ping. */
	h2_budget_init(&b, &few, false);
	for (int k = 0; k < 2; k++)
		ck_assert_int_eq(walk(&b, 5000, 3, 0, 4, 100), H2_STOP_NOT);
	b.requests = 1;
	b.data_frames = 3;
	ck_assert_int_eq(walk(&b, 5000, 3, 0, 4, 100), H2_STOP_NOT);
	for (int k = 0; k < 2 + 3 + 3; k++)
		ck_assert_int_eq(walk(&b, 5000, 6, 0, 8, 100), H2_STOP_NOT);
	ck_assert_int_eq(walk(&b, 5000, 6, 0, 8, 100), H2_STOP_FLOOD);
	ck_assert(!h2_budget_spend(&b, 5000, H2_FLOOD_RESETS));
	/* Time heals, but for the pieces of one head. */
	h2_budget_init(&b, &few, false);
	for (uint64_t now = 5000; now < 25000; now += 1000)
		ck_assert_int_eq(walk(&b, now, 6, 0, 8, 100), H2_STOP_NOT);
	for (uint64_t now = 30000; now < 32000; now += 1000)
		ck_assert_int_eq(walk(&b, now, 9, 0, 1, 100), H2_STOP_NOT);
	ck_assert_int_eq(walk(&b, 40000, 9, 0, 1, 100), H2_STOP_FLOOD);
}
END_TEST

START_TEST(what_must_be_decided_on_stops_the_walk)
{
	static const char bytes[] = "\0\0\1\1\4\0\0\0\5x" "\0\0\1\1\4\0\0\0\3x" "\0\0\5\2\0\0\0\0\7\0\0\0\7\1";
	size_t len = sizeof(bytes) - 1, at;
	struct h2_budget b;
	struct h2_stop stop;

	h2_budget_init(&b, &few, false);
	at = h2_budget_walk(&b, 1, bytes, len, &stop);
	ck_assert_int_eq(stop.kind, H2_STOP_STREAM);
	ck_assert_uint_eq(stop.id, 3);
	ck_assert_uint_eq(at, 19);
	at += h2_budget_walk(&b, 1, bytes + at, len - at, &stop);
	ck_assert_int_eq(stop.kind, H2_STOP_PRIORITY);
	ck_assert_uint_eq(at, 33);
}
END_TEST

/* RFC 9218 section 7.1: an update for stream 0 ends the connection, in whatever pieces it comes. */
START_TEST(updates_of_priority_name_a_stream)
{
	static const char bytes[] = "\0\0\5\2\0\0\0\0\7\0\0\0\0\1" "\0\0\4\20\0\0\0\0\0\0\0\0\1" "\0\0\7\20\0\0\0\0\0\0\0\0\0u=1";
	const size_t len = sizeof(bytes) - 1;
	struct h2_budget b;
	struct h2_stop stop = { .kind = H2_STOP_NOT };

	for (size_t piece = 1; piece <= len; piece++) {
		size_t at = 0;

		h2_budget_init(&b, &h2_limits_by_default, false);
		do
			at += h2_budget_walk(&b, 1, bytes + at, len - at < piece ? len - at : piece, &stop);
		while (stop.kind == H2_STOP_NOT && at < len);
		ck_assert_int_eq(stop.kind, H2_STOP_PRIORITY);
		ck_assert_uint_eq(at, len - 3);
	}
}
END_TEST

Suite *suite_h2_heads(void)
{
	Suite *s = suite_create("h2_heads");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, begin, finish);
	tcase_add_test(t, a_request);
	tcase_add_test(t, many_pieces_of_a_cookie);
	tcase_add_test(t, what_is_malformed);
	tcase_add_test(t, what_is_too_much);
	tcase_add_test(t, another_protocol_is_an_upgrade);
	tcase_add_test(t, responses);
	tcase_add_test(t, cheap_frames_are_counted);
	tcase_add_test(t, what_must_be_decided_on_stops_the_walk);
	tcase_add_test(t, updates_of_priority_name_a_stream);
	suite_add_tcase(s, t);
	return s;
}
