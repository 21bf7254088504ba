/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "codec/h1/parse.h"

static const struct h1_limits limits = { .header_bytes = 4096, .header_count = 10, .uri_bytes = 100 };
static struct arena arena;
static struct msg msg;
static struct h1_head head;
static char text[8192];

static void begin(void)
{
	arena_init(&arena, NULL, 0, 1 << 20);
}

static void finish(void)
{
	arena_fini(&arena);
}

static enum fault request(const char *s)
{
	size_t len = strlen(s);

	memset(&msg, 0, sizeof(msg));
	memset(&head, 0, sizeof(head));
	msg.length = -1;
	memcpy(text, s, len);
	return h1_parse_request(text, len, &limits, &arena, &msg, &head);
}

static enum fault response(const char *s, bool to_head)
{
	size_t len = strlen(s);

	memset(&msg, 0, sizeof(msg));
	memset(&head, 0, sizeof(head));
	memcpy(text, s, len);
	return h1_parse_response(text, len, &limits, &arena, to_head, &msg, &head);
}

static void is(struct str s, const char *expected)
{
	ck_assert_msg(str_eq(s, str_of(expected)), "'%.*s' is not '%s'", STR_ARG(s), expected);
}

START_TEST(request_is_understood)
{
	ck_assert_int_eq(request("GET /a?b HTTP/1.1\r\nHOST: Ex\r\nX-Y:  v \r\nConnection: close\r\n\r\n"), FAULT_NONE);
	is(msg.method, "GET");
	is(msg.path, "/a?b");
	is(msg.authority, "Ex");
	ck_assert_int_eq(msg.head.n, 1); /* what "connection" says is understood */
	is(msg.head.at[0].name, "x-y");
	is(msg.head.at[0].value, "v");
	ck_assert_int_eq(head.framing, H1_NO_BODY);
	ck_assert(!head.keep_alive);
	ck_assert_int_eq(msg.length, 0);
}
END_TEST

START_TEST(absolute_form_wins_over_host)
{
	ck_assert_int_eq(request("GET http://b:1?x HTTP/1.1\r\nHost: a\r\n\r\n"), FAULT_BAD_REQUEST);
	ck_assert_int_eq(request("GET http://b:1 HTTP/1.1\r\nHost: a\r\n\r\n"), FAULT_NONE);
	is(msg.authority, "b:1");
	is(msg.path, "/");
}
END_TEST

START_TEST(framing_of_requests)
{
	ck_assert_int_eq(request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n"), FAULT_NONE);
	ck_assert_int_eq(head.framing, H1_LENGTH);
	ck_assert_int_eq(msg.length, 7);
	ck_assert_int_eq(request("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n"), FAULT_NONE);
	ck_assert_int_eq(head.framing, H1_CHUNKED);
	ck_assert_int_eq(request("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"),
		FAULT_BAD_REQUEST);
	ck_assert_int_eq(request("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"), FAULT_NOT_IMPLEMENTED);
	ck_assert_int_eq(request("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), FAULT_BAD_REQUEST);
}
END_TEST

START_TEST(limits_have_faults_of_their_own)
{
	char big[400];

	snprintf(big, sizeof(big), "GET /%0200d HTTP/1.1\r\nHost: a\r\n\r\n", 1);
	ck_assert_int_eq(request(big), FAULT_URI_TOO_LONG);
	ck_assert_int_eq(request("GET / HTTP/1.1\r\nHost: a\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\n\r\n"),
		FAULT_HEAD_TOO_LARGE);
	ck_assert_int_eq(request("GET / HTTP/3.0\r\nHost: a\r\n\r\n"), FAULT_VERSION);
}
END_TEST

START_TEST(upgrade_needs_both_fields_and_no_body)
{
	ck_assert_int_eq(request("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n"), FAULT_NONE);
	ck_assert_ptr_null(msg.protocol.ptr);
	ck_assert_int_eq(request("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: x, Upgrade\r\n\r\n"), FAULT_NONE);
	is(msg.protocol, "websocket");
	ck_assert_int_eq(
		request("POST / HTTP/1.1\r\nHost: a\r\nUpgrade: h\r\nConnection: upgrade\r\nContent-Length: 1\r\n\r\n"), FAULT_NONE);
	ck_assert_ptr_null(msg.protocol.ptr);
}
END_TEST

START_TEST(responses)
{
	ck_assert_int_eq(response("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", false), FAULT_NONE);
	ck_assert_int_eq(head.framing, H1_LENGTH);
	ck_assert(head.keep_alive);
	ck_assert_int_eq(response("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", true), FAULT_NONE);
	ck_assert_int_eq(head.framing, H1_NO_BODY);
	ck_assert_int_eq(msg.length, 3);
	ck_assert_int_eq(response("HTTP/1.1 304\r\nContent-Length: 3\r\n\r\n", false), FAULT_NONE);
	ck_assert(msg.bodiless);
	ck_assert_int_eq(response("HTTP/1.0 200 OK\r\n\r\n", false), FAULT_NONE);
	ck_assert_int_eq(head.framing, H1_UNTIL_CLOSE);
	ck_assert(!head.keep_alive);
	ck_assert_int_eq(response("HTTP/1.1 099 X\r\n\r\n", false), FAULT_BACK_PROTOCOL);
	ck_assert_int_eq(response("HTTP/1.1 101 X\r\nConnection: upgrade\r\n\r\n", false), FAULT_BACK_PROTOCOL);
	ck_assert_int_eq(response("HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n", false), FAULT_NONE);
	is(msg.protocol, "a");
}
END_TEST

START_TEST(head_length_is_found_in_any_pieces)
{
	const char *s = "GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";

	for (size_t first = 0; first <= 27; first++) {
		size_t scanned = 0;

		for (size_t n = first; n < 27; n++)
			ck_assert_uint_eq(h1_head_length(s, n, &scanned), 0);
		ck_assert_uint_eq(h1_head_length(s, strlen(s), &scanned), 27);
	}
}
END_TEST

/* Decodes chunked bytes given `piece` at a time; the length of the data, or -1. */
static int dechunk(const char *s, size_t piece, char *out)
{
	struct h1_chunks c = { .state = H1_CHUNK_SIZE };
	size_t len = strlen(s), at = 0, n_out = 0;

	while (at < len && c.state != H1_CHUNK_TRAILERS) {
		size_t have = len - at < piece ? len - at : piece;
		ptrdiff_t taken = h1_chunks_step(&c, s + at, have);

		if (taken < 0)
			return -1;
		at += (size_t)taken;
		have -= (size_t)taken;
		if (c.state != H1_CHUNK_DATA)
			continue;
		if (have > c.left)
			have = c.left;
		memcpy(out + n_out, s + at, have);
		n_out += have;
		at += have;
		c.left -= have;
	}
	return c.state == H1_CHUNK_TRAILERS ? (int)n_out : -1;
}

START_TEST(chunks_in_any_pieces)
{
	char out[100];

	for (size_t piece = 1; piece < 40; piece++) {
		ck_assert_int_eq(dechunk("5\r\nhello\r\n00A;x=\"y\"\r\n0123456789\r\n0\r\n\r\n", piece, out), 15);
		ck_assert_mem_eq(out, "hello0123456789", 15);
		ck_assert_int_eq(dechunk("5\r\nhelloX\r\n0\r\n\r\n", piece, out), -1);
		ck_assert_int_eq(dechunk("5 \r\nhello\r\n;\r\n\r\n", piece, out), -1);
		ck_assert_int_eq(dechunk("1000000000000000\r\n", piece, out), -1);
	}
}
END_TEST

START_TEST(trailers_may_not_frame)
{
	struct fields f = { 0 };

	memcpy(text, "x: 1\r\n\r\n", 8);
	ck_assert_int_eq(h1_parse_trailers(text, 8, &limits, &arena, &f), FAULT_NONE);
	ck_assert_int_eq(f.n, 1);
	memcpy(text, "Content-Length: 1\r\n\r\n", 21);
	ck_assert_int_eq(h1_parse_trailers(text, 21, &limits, &arena, &f), FAULT_BAD_REQUEST);
}
END_TEST

START_TEST(trailers_may_not_pass_for_ours)
{
	static const char section[] = "X-Forwarded-For: 1\r\nvia: x\r\nCookie: a\r\nKeep-Alive: 5\r\nx: 1\r\n\r\n";
	struct fields f = { 0 };

	memcpy(text, section, sizeof(section) - 1);
	ck_assert_int_eq(h1_parse_trailers(text, sizeof(section) - 1, &limits, &arena, &f), FAULT_NONE);
	ck_assert_int_eq(f.n, 1);
	is(f.at[0].name, "x");
}
END_TEST

START_TEST(only_space_or_an_extension_follows_a_size)
{
	char out[100];

	for (size_t piece = 1; piece < 20; piece++) {
		ck_assert_int_eq(dechunk("5 \t;x\r\nhello\r\n0 \r\n\r\n", piece, out), 5);
		ck_assert_int_eq(dechunk("5 5\r\nhello\r\n0\r\n\r\n", piece, out), -1);
		ck_assert_int_eq(dechunk("5\tx\r\nhello\r\n0\r\n\r\n", piece, out), -1);
	}
}
END_TEST

/* Values are read eight bytes at a time: every byte at every place. */
START_TEST(bytes_of_a_value)
{
	const size_t prefix = strlen("GET / HTTP/1.1\r\nHost: a\r\nX: ");

	for (unsigned at = 0; at < 19; at++) {
		for (unsigned byte = 0; byte < 256; byte++) {
			char s[] = "GET / HTTP/1.1\r\nHost: a\r\nX: 0123\x80\xff" "678901234567y\r\n\r\n";
			bool good = byte == '\t' || (byte >= 0x20 && byte != 0x7f);

			s[prefix + at] = (char)byte;
			memset(&msg, 0, sizeof(msg));
			memcpy(text, s, sizeof(s) - 1);
			ck_assert_int_eq(h1_parse_request(text, sizeof(s) - 1, &limits, &arena, &msg, &head),
				good ? FAULT_NONE : FAULT_BAD_REQUEST);
			if (good)
				ck_assert(str_eq(msg.head.at[0].value, str_trim((struct str){ s + prefix, 19 })));
			finish();
			begin();
		}
	}
}
END_TEST

/* Names are read eight bytes at a time, too. */
START_TEST(bytes_of_a_name)
{
	static const char name[] = "A-Quite-Long-Name_1";

	for (unsigned at = 0; at < sizeof(name) - 1; at++) {
		for (unsigned byte = 0; byte < 256; byte++) {
			char c = (char)byte, s[100];
			int len = snprintf(s, sizeof(s), "GET / HTTP/1.1\r\nHost: a\r\n%s: x\r\n\r\n", name);
			bool good = field_is_token((struct str){ &c, 1 }) || (c == ':' && at != 0);

			s[sizeof("GET / HTTP/1.1\r\nHost: a\r\n") - 1 + at] = c;
			memset(&msg, 0, sizeof(msg));
			memcpy(text, s, (size_t)len);
			ck_assert_int_eq(h1_parse_request(text, (size_t)len, &limits, &arena, &msg, &head),
				good ? FAULT_NONE : FAULT_BAD_REQUEST);
			for (size_t i = 0; good && i < msg.head.at[0].name.len; i++)
				ck_assert_int_eq(msg.head.at[0].name.ptr[i],
					ascii_lower((unsigned char)s[sizeof("GET / HTTP/1.1\r\nHost: a\r\n") - 1 + i]));
			finish();
			begin();
		}
	}
}
END_TEST

START_TEST(a_head_may_be_cut_off_anywhere)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nServer: a-name\r\nX:\t y \r\nContent-Length: 3\r\n\r\nabc";
	static const char ask[] = "POST /path?query HTTP/1.1\r\nHost: a.example\r\nX-Other:\r\nContent-Length: 3\r\n\r\nabc";

	for (size_t n = 0; n < sizeof(answer); n++) {
		memset(&msg, 0, sizeof(msg));
		memcpy(text, answer, n);
		ck_assert_int_eq(h1_parse_response(text, n, &limits, &arena, false, &msg, &head), FAULT_NONE);
		ck_assert_uint_eq(head.len, n < sizeof(answer) - 4 ? 0 : sizeof(answer) - 4);
		ck_assert_int_eq(msg.status, head.len == 0 ? 0 : 200);
	}
	for (size_t n = 0; n < sizeof(ask); n++) {
		memset(&msg, 0, sizeof(msg));
		memcpy(text, ask, n);
		ck_assert_int_eq(h1_parse_request(text, n, &limits, &arena, &msg, &head), FAULT_NONE);
		ck_assert_uint_eq(head.len, n < sizeof(ask) - 4 ? 0 : sizeof(ask) - 4);
	}
}
END_TEST

/* Only what would come out as it came in may be sent as it is. */
START_TEST(lines_that_can_be_sent_as_they_are)
{
	static const struct { const char *line; bool is_line; } cases[] = {
		{ "X-Name: value", true }, { "x: a b\tc", true }, { "x: ", true }, { "x:", false }, { "x:value", false },
		{ "x:\tvalue", false }, { "x:  value", false }, { "x: value ", false }, { "x: value\t", false }, { "x:  ", false },
		{ "x: \xff", true },
	};
	char s[200];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(s, sizeof(s), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", cases[i].line);
		ck_assert_int_eq(request(s), FAULT_NONE);
		ck_assert_msg(msg.head.at[0].is_line == cases[i].is_line, "%s", cases[i].line);
		if (!cases[i].is_line)
			continue;
		ck_assert_ptr_eq(msg.head.at[0].value.ptr, msg.head.at[0].name.ptr + msg.head.at[0].name.len + 2);
		ck_assert_mem_eq(msg.head.at[0].name.ptr + msg.head.at[0].name.len, ": ", 2);
		ck_assert_mem_eq(msg.head.at[0].value.ptr + msg.head.at[0].value.len, "\r\n", 2);
		ck_assert(fields_set(&msg.head, &arena, STR("x"), STR("y")));
		ck_assert(!msg.head.at[msg.head.n - 1].is_line);
	}
}
END_TEST

START_TEST(protocols_that_are_no_tunnel)
{
	static const char *const refused[] = { "h2c", "H2C", "HTTP/2.0", "TLS/1.0", "websocket, h2c", "h3" };
	char s[200];

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		snprintf(s, sizeof(s), "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: %s\r\n\r\n", refused[i]);
		ck_assert_int_eq(request(s), FAULT_NONE);
		ck_assert_msg(msg.protocol.ptr == NULL && !head.upgrade, "%s", refused[i]);
	}
	ck_assert_int_eq(request("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: a\r\nUpgrade: b\r\n\r\n"), FAULT_NONE);
	ck_assert_ptr_null(msg.protocol.ptr);
}
END_TEST

START_TEST(an_overruled_host_is_valid_all_the_same)
{
	ck_assert_int_eq(request("GET HTTP://A/x HTTP/1.1\r\nHost: b\r\n\r\n"), FAULT_NONE);
	is(msg.authority, "A");
	ck_assert_int_eq(request("GET http://a/x HTTP/1.1\r\nHost: b/c\r\n\r\n"), FAULT_BAD_REQUEST);
}
END_TEST

Suite *suite_h1_parse(void)
{
	Suite *s = suite_create("h1_parse");
	TCase *t = tcase_create("parse");

	tcase_add_checked_fixture(t, begin, finish);
	tcase_add_test(t, request_is_understood);
	tcase_add_test(t, absolute_form_wins_over_host);
	tcase_add_test(t, framing_of_requests);
	tcase_add_test(t, limits_have_faults_of_their_own);
	tcase_add_test(t, upgrade_needs_both_fields_and_no_body);
	tcase_add_test(t, responses);
	tcase_add_test(t, head_length_is_found_in_any_pieces);
	tcase_add_test(t, chunks_in_any_pieces);
	tcase_add_test(t, trailers_may_not_frame);
	tcase_add_test(t, trailers_may_not_pass_for_ours);
	tcase_add_test(t, only_space_or_an_extension_follows_a_size);
	tcase_add_test(t, bytes_of_a_value);
	tcase_add_test(t, bytes_of_a_name);
	tcase_add_test(t, a_head_may_be_cut_off_anywhere);
	tcase_add_test(t, lines_that_can_be_sent_as_they_are);
	tcase_add_test(t, protocols_that_are_no_tunnel);
	tcase_add_test(t, an_overruled_host_is_valid_all_the_same);
	suite_add_tcase(s, t);
	return s;
}
