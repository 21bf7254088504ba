/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Extended CONNECT (RFC 8441) with sessions of nghttp2 on both sides. */
#include <string.h>

#include "base/check.h"
#include "stage/stage.h"

#define CONNECT LINES(":method CONNECT", ":protocol websocket", ":scheme http", ":path /w", ":authority a", "sec-websocket-version 13")
#define OK LINES(":status 200")

static struct peer *client, *server;
static struct peer_stream *asks, *asked;

static void begin(void)
{
	stage_begin();
}

static bool has(const char *text, const char *line)
{
	return strstr(text, line) != NULL;
}

static void open_tunnel(void)
{
	client = stage_client(0);
	asks = peer_request(client, CONNECT, true);
	stage_run();
	server = stage_server(0);
	asked = peer_asked(server, 0);
}

static void answer_tunnel(void)
{
	peer_answer(server, asked, OK, true);
	stage_run();
}

START_TEST(bytes_go_both_ways_until_both_have_ended)
{
	open_tunnel();
	ck_assert(has(asked->head, ":method CONNECT\n") && has(asked->head, ":protocol websocket\n") && has(asked->head, ":path /w\n"));
	answer_tunnel();
	ck_assert(has(asks->head, ":status 200\n") && !asks->ended);
	peer_send(client, asks, 200000, false, NULL);
	peer_send(server, asked, 300000, false, NULL);
	stage_run();
	ck_assert(asked->got == 200000 && asked->wrong == 0 && asks->got == 300000 && asks->wrong == 0);
	/* One direction ends, the other goes on. */
	peer_send(client, asks, 10, true, NULL);
	stage_run();
	ck_assert(asked->got == 200010 && asked->ended && !asks->ended && !asks->closed);
	peer_send(server, asked, 1000, false, NULL);
	stage_run();
	ck_assert_uint_eq(asks->got, 301000);
	peer_send(server, asked, 0, true, NULL);
	stage_run();
	ck_assert(asks->ended && asks->closed && asks->code == 0 && asked->closed && asked->code == 0);
	ck_assert(client->error == 0 && server->error == 0);
	ck_assert_uint_eq(stage_exchanges(), 0);
}
END_TEST

/* A client has to wait for the answer (RFC 6455 section 4.1). */
START_TEST(nothing_may_be_sent_before_the_answer)
{
	open_tunnel();
	peer_send(client, asks, 500, false, NULL);
	stage_run();
	ck_assert(asks->closed && asks->code == NGHTTP2_PROTOCOL_ERROR && client->error == 0);
	ck_assert(asked->got == 0 && asked->closed && asked->code == NGHTTP2_CANCEL);
}
END_TEST

START_TEST(a_server_that_refuses)
{
	open_tunnel();
	peer_answer(server, asked, LINES(":status 403"), true);
	peer_send(server, asked, 2000, true, NULL);
	stage_run();
	ck_assert(has(asks->head, ":status 403\n") && asks->got == 2000 && asks->ended);
	ck_assert_uint_eq(stage_exchanges(), 0);
}
END_TEST

START_TEST(a_server_that_does_not_know_it)
{
	servers_are.connects = false;
	client = stage_client(0);
	asks = peer_request(client, CONNECT, true);
	stage_run();
	ck_assert(has(asks->head, ":status 501\n") && asks->closed);
	ck_assert_uint_eq(stage_server(0)->n_streams, 0);
	ck_assert_int_eq(stage_server(0)->error, 0);
}
END_TEST

/* Its settings say whether it does, and they come late. */
START_TEST(the_settings_are_waited_for)
{
	servers_are.silent = true;
	client = stage_client(0);
	asks = peer_request(client, CONNECT, true);
	stage_run();
	server = stage_server(0);
	ck_assert(server->n_streams == 0 && !asks->closed);
	server->silent = false;
	stage_run();
	asked = peer_asked(server, 0);
	answer_tunnel();
	peer_send(client, asks, 10, false, NULL);
	stage_run();
	ck_assert(has(asks->head, ":status 200\n") && asked->got == 10);
}
END_TEST

enum point { UNANSWERED, OPEN, HALF_CLOSED, N_POINTS };

static void go_on_to(enum point at)
{
	open_tunnel();
	if (at >= OPEN)
		answer_tunnel();
	if (at >= HALF_CLOSED)
		peer_send(client, asks, 10, true, NULL);
	stage_run();
}

START_TEST(a_client_resets)
{
	go_on_to((enum point)_i);
	peer_reset(client, asks, NGHTTP2_CANCEL);
	stage_run();
	ck_assert(asked->closed && asked->code == NGHTTP2_CANCEL && client->error == 0 && server->error == 0);
	ck_assert_uint_eq(stage_exchanges(), 0);
}
END_TEST

START_TEST(a_server_resets)
{
	go_on_to((enum point)_i);
	peer_reset(server, asked, NGHTTP2_CANCEL);
	stage_run();
	ck_assert(asks->closed && (_i == UNANSWERED ? has(asks->head, ":status 502\n") : asks->code != 0));
	ck_assert_uint_eq(stage_exchanges(), 0);
}
END_TEST

START_TEST(windows_hold_tunnels_too)
{
	servers_are.manual = true;
	servers_are.window = 100;
	open_tunnel();
	answer_tunnel();
	peer_send(client, asks, 1000000, false, NULL);
	stage_run();
	ck_assert(asked->got == 100 && asks->sent < 300000);
	for (size_t taken = 0; taken < 1000;) {
		size_t n = asked->got - taken;

		ck_assert_uint_gt(n, 0);
		peer_take(server, asked, n);
		taken += n;
		stage_run();
	}
	ck_assert(asked->wrong == 0 && server->error == 0);
}
END_TEST

Suite *suite_h2_tunnel(void)
{
	Suite *s = suite_create("h2_tunnel");
	TCase *t = tcase_create("tunnels");

	tcase_add_checked_fixture(t, begin, stage_end);
	tcase_add_test(t, bytes_go_both_ways_until_both_have_ended);
	tcase_add_test(t, nothing_may_be_sent_before_the_answer);
	tcase_add_test(t, a_server_that_refuses);
	tcase_add_test(t, a_server_that_does_not_know_it);
	tcase_add_test(t, the_settings_are_waited_for);
	tcase_add_loop_test(t, a_client_resets, UNANSWERED, N_POINTS);
	tcase_add_loop_test(t, a_server_resets, UNANSWERED, N_POINTS);
	tcase_add_test(t, windows_hold_tunnels_too);
	suite_add_tcase(s, t);
	return s;
}
