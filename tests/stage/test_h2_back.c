/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* HTTP/2 towards servers, each connection to one a session of nghttp2: how requests share connections, what settings and GOAWAY change. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "stage/stage.h"

#define OK LINES(":status 200")
#define GET(path) LINES(REQUEST("GET", path))

static void begin(void)
{
	stage_begin();
}

static bool has(const char *text, const char *line)
{
	return strstr(text, line) != NULL;
}

/* Answers all that came on a connection and is not answered yet, from `from` on; their number. */
static unsigned answer_all(struct peer *server, unsigned from)
{
	unsigned n = 0;

	for (unsigned i = from; server != NULL && i < server->n_streams; i++) {
		if (server->streams[i].closed)
			continue;
		peer_answer(server, &server->streams[i], OK, false);
		n++;
	}
	stage_run();
	return n;
}

static bool all_well(struct peer_stream *const *asks, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!asks[i]->ended || asks[i]->code != 0 || !has(asks[i]->head, ":status 200\n"))
			return false;
	return true;
}

static void ask(struct peer *c, const char *path, struct peer_stream **out, unsigned n)
{
	char line[20];

	snprintf(line, sizeof(line), ":path %s", path);
	for (unsigned i = 0; i < n; i++)
		out[i] = peer_request(c, LINES(":method GET", ":scheme http", line, ":authority a"), false);
	stage_run();
}

START_TEST(many_clients_share_a_connection)
{
	struct peer_stream *asks[3][8];

	for (unsigned i = 0; i < 3; i++)
		ask(stage_client(i), "/b", asks[i], 8);
	ck_assert_uint_eq(stage_n_servers(), 1);
	ck_assert_uint_eq(stage_server(0)->n_streams, 24);
	answer_all(stage_server(0), 0);
	for (unsigned i = 0; i < 3; i++)
		ck_assert(all_well(asks[i], 8));
	ck_assert_int_eq(stage_server(0)->error, 0);
}
END_TEST

/* What goes out before the server has said how few it takes is refused, once; no later burst is. */
START_TEST(a_server_of_few_streams)
{
	struct peer_stream *asks[10];
	unsigned n_seen = 0, n_refused = 0;

	servers_are.streams = 3;
	for (unsigned round = 0; round < 3; round++) {
		struct peer *c = stage_client(round);

		ask(c, "/b", asks, 10);
		for (unsigned i = 0; i < 10 && !all_well(asks, 10); i++)
			for (unsigned k = 0; k < stage_n_servers(); k++)
				answer_all(stage_server(k), 0);
		ck_assert(all_well(asks, 10));
		ck_assert_int_eq(c->error, 0);
	}
	for (unsigned k = 0; k < stage_n_servers(); k++) {
		ck_assert_int_eq(stage_server(k)->error, 0);
		n_seen += stage_server(k)->n_streams;
		n_refused += stage_server(k)->n_refused;
	}
	ck_assert(n_seen == 30 && n_refused == 7);
}
END_TEST

/* With a limit of connections, requests wait: for the server to take more, or for others to end. */
START_TEST(fewer_streams_while_requests_wait)
{
	struct peer *c = stage_client(0), *s;
	struct peer_stream *first, *asks[8];

	servers_are.streams = 2;
	ask(c, "/l", &first, 1);
	s = stage_server(0);
	answer_all(s, 0);
	ask(c, "/l", asks, 8);
	ck_assert(stage_n_servers() == 2 && s->n_streams == 3 && stage_server(1)->n_streams == 2);
	/* One at a time from now on: two that it has end before it gets another one. */
	peer_set(s, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1);
	stage_run();
	peer_answer(s, peer_asked(s, 1), OK, false);
	stage_run();
	ck_assert_uint_eq(s->n_streams, 3);
	peer_answer(s, peer_asked(s, 2), OK, false);
	stage_run();
	ck_assert_uint_eq(s->n_streams, 4);
	/* None, and none of the other: those that wait go on waiting. */
	peer_set(s, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0);
	peer_set(stage_server(1), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0);
	stage_run();
	answer_all(s, 0);
	answer_all(stage_server(1), 0);
	ck_assert(s->n_streams == 4 && stage_server(1)->n_streams == 2 && stage_n_servers() == 2);
	peer_set(s, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 10);
	stage_run();
	ck_assert_uint_eq(s->n_streams, 7);
	answer_all(s, 0);
	ck_assert(all_well(asks, 8) && s->error == 0 && stage_server(1)->error == 0);
}
END_TEST

START_TEST(more_streams_than_before)
{
	struct peer_stream *asks[10];

	servers_are.streams = 1;
	ask(stage_client(0), "/b", asks, 1);
	peer_set(stage_server(0), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 50);
	stage_run();
	ask(stage_client(1), "/b", asks + 1, 9);
	ck_assert(stage_n_servers() == 1 && stage_server(0)->n_streams == 10);
	answer_all(stage_server(0), 0);
	ck_assert(all_well(asks, 10));
}
END_TEST

/* A server's window that changes in mid-stream, smaller than what is under way and back. */
START_TEST(a_window_that_changes_in_mid_stream)
{
	struct peer *c, *s;
	struct peer_stream *asks, *asked;

	servers_are.manual = true;
	servers_are.window = 1000;
	c = stage_client(0);
	asks = peer_request(c, LINES(REQUEST("POST", "/b")), true);
	stage_run();
	peer_send(c, asks, 20000, true, LINES("x-check 7"));
	stage_run();
	s = stage_server(0);
	asked = peer_asked(s, 0);
	ck_assert_uint_eq(asked->got, 1000);
	peer_set(s, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 5000);
	stage_run();
	ck_assert_uint_eq(asked->got, 5000);
	peer_set(s, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
	stage_run();
	peer_take(s, asked, 5000);
	stage_run();
	ck_assert_uint_eq(asked->got, 5000);
	peer_set(s, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 65535);
	stage_run();
	ck_assert(asked->got == 20000 && asked->wrong == 0 && asked->ended && has(asked->trailers, "x-check 7\n") && s->error == 0);
	peer_answer(s, asked, OK, false);
	stage_run();
	ck_assert(asks->ended && asks->code == 0);
}
END_TEST

/* An answer goes to a client that does not read: the server is held back, and no other stream of it. */
START_TEST(a_slow_client_holds_only_its_stream_back)
{
	struct peer *slow, *quick, *s;
	struct peer_stream *a, *b;
	size_t held;

	clients_are.manual = true;
	slow = stage_client(0);
	clients_are.manual = false;
	quick = stage_client(1);
	a = peer_request(slow, GET("/b"), false);
	stage_run();
	b = peer_request(quick, GET("/b"), false);
	stage_run();
	s = stage_server(0);
	ck_assert_uint_eq(s->n_streams, 2);
	for (unsigned i = 0; i < 2; i++) {
		peer_answer(s, peer_asked(s, i), OK, true);
		peer_send(s, peer_asked(s, i), 4000000, true, NULL);
	}
	stage_run();
	held = peer_asked(s, 0)->sent;
	ck_assert(a->got == 65535 && held > 65535 && held < 65535 + 3 * 131072);
	ck_assert(b->got == 4000000 && b->wrong == 0 && b->ended);
	ck_assert_int_eq(s->error, 0);
}
END_TEST

START_TEST(a_server_that_leaves)
{
	struct peer *c = stage_client(0), *s;
	struct peer_stream *asks[4];

	ask(c, "/b", asks, 2);
	s = stage_server(0);
	/* It has acted on the first and not on the second, which goes elsewhere; so does what comes later. */
	peer_leave(s, peer_asked(s, 0));
	stage_run();
	ask(c, "/b", asks + 2, 2);
	ck_assert(stage_n_servers() == 2 && s->n_streams == 2 && stage_server(1)->n_streams == 3);
	peer_answer(s, peer_asked(s, 0), OK, true);
	peer_send(s, peer_asked(s, 0), 100000, true, LINES("x-sum 42"));
	stage_run();
	ck_assert(asks[0]->got == 100000 && asks[0]->ended && has(asks[0]->trailers, "x-sum 42\n"));
	ck_assert(s->gone);
	answer_all(stage_server(1), 0);
	ck_assert(all_well(asks, 4) && s->error == 0 && stage_server(1)->error == 0);
}
END_TEST

/* Each connection's first request is answered, and the connection left. */
static void take_one_each(void)
{
	for (unsigned k = 0; k < stage_n_servers(); k++) {
		struct peer *s = stage_server(k);

		if (s->gone || s->n_streams == 0 || peer_asked(s, 0)->closed)
			continue;
		peer_answer(s, peer_asked(s, 0), OK, false);
		peer_leave(s, peer_asked(s, 0));
		stage_run();
	}
}

static unsigned n_received(void)
{
	unsigned n = 0;

	for (unsigned k = 0; k < stage_n_servers(); k++)
		n += stage_server(k)->n_streams;
	return n;
}

/* A burst is sent on one connection; what that one did not take goes out once more, on one each. */
START_TEST(a_server_that_takes_one_and_leaves)
{
	struct peer *c = stage_client(0);
	struct peer_stream *asks[7];

	ask(c, "/b", asks, 6);
	asks[6] = peer_request(c, LINES(REQUEST("POST", "/b")), true);
	peer_send(c, asks[6], 3000, true, LINES("x-check 7"));
	stage_run();
	ck_assert(stage_n_servers() == 1 && stage_server(0)->n_streams == 7);
	take_one_each();
	ck_assert(stage_n_servers() == 7 && n_received() == 7 + 6);
	ck_assert(peer_asked(stage_server(6), 0)->got == 3000 && has(peer_asked(stage_server(6), 0)->trailers, "x-check 7\n"));
	take_one_each();
	ck_assert(all_well(asks, 7) && c->error == 0);
}
END_TEST

/* With one connection at a time each takes all that wait: more tries than any other fault is given. */
START_TEST(a_server_that_takes_one_and_leaves_of_few_connections)
{
	struct peer *c = stage_client(0);
	struct peer_stream *asks[8];

	ask(c, "/l", asks, 8);
	for (unsigned i = 0; i < 8 && !all_well(asks, 8); i++)
		take_one_each();
	ck_assert(all_well(asks, 8) && c->error == 0);
}
END_TEST

/* One that takes nothing at all is not asked for ever. */
START_TEST(a_server_that_only_leaves)
{
	struct peer_stream *asks = peer_request(stage_client(0), GET("/b"), false);

	stage_run();
	for (unsigned k = 0; k < stage_n_servers() && !asks->ended; k++) {
		peer_leave(stage_server(k), NULL);
		stage_run();
	}
	ck_assert(asks->ended && has(asks->head, ":status 503\n") && stage_n_servers() == 4);
}
END_TEST

/* Gone without a word: what was asked ends in an error or, where that is safe, goes elsewhere. */
START_TEST(a_server_that_hangs_up)
{
	struct peer *c = stage_client(0), *s;
	struct peer_stream *first, *get, *post, *begun;

	ask(c, "/b", &first, 1);
	s = stage_server(0);
	answer_all(s, 0);
	get = peer_request(c, GET("/b"), false);
	post = peer_request(c, LINES(REQUEST("POST", "/b")), true);
	begun = peer_request(c, GET("/b"), false);
	stage_run();
	ck_assert_uint_eq(s->n_streams, 4);
	peer_answer(s, peer_asked(s, 3), OK, true);
	peer_send(s, peer_asked(s, 3), 100, false, NULL);
	stage_run();
	peer_hang_up(s);
	stage_run();
	ck_assert(has(post->head, ":status 502\n") && post->closed);
	ck_assert(has(begun->head, ":status 200\n") && begun->got == 100 && !begun->ended && begun->code == NGHTTP2_INTERNAL_ERROR);
	ck_assert_uint_eq(stage_n_servers(), 2);
	answer_all(stage_server(1), 0);
	ck_assert(get->ended && has(get->head, ":status 200\n"));
	ck_assert_int_eq(c->error, 0);
}
END_TEST

/* REFUSED_STREAM: the server has not acted on it, whatever the method is. */
START_TEST(a_refused_request_is_sent_again)
{
	struct peer *c = stage_client(0), *s;
	struct peer_stream *asks = peer_request(c, LINES(REQUEST("POST", "/b"), "content-length 0"), false);

	stage_run();
	s = stage_server(0);
	peer_reset(s, peer_asked(s, 0), NGHTTP2_REFUSED_STREAM);
	stage_run();
	ck_assert(!asks->closed && s->n_streams == 2);
	answer_all(s, 1);
	ck_assert(asks->ended && asks->code == 0 && has(asks->head, ":status 200\n"));
}
END_TEST

START_TEST(a_silent_connection_is_asked_whether_it_lives)
{
	struct peer *c = stage_client(0);
	struct peer_stream *asks[2];

	ask(c, "/b", asks, 1);
	answer_all(stage_server(0), 0);
	/* Half of the time that an idle one is kept would be too short, and after all of it it is gone. */
	stage_wait(4000);
	ask(c, "/b", asks + 1, 1);
	ck_assert_uint_eq(stage_n_servers(), 1);
	answer_all(stage_server(0), 0);
	ck_assert(all_well(asks, 2));
	stage_wait(6000);
	ck_assert(stage_server(0)->gone && stage_server(0)->error == 0);
}
END_TEST

START_TEST(limits_of_time)
{
	struct peer *c = stage_client(0), *s;
	struct peer_stream *silent = peer_request(c, GET("/b"), false), *stops = peer_request(c, GET("/b"), false);

	stage_run();
	s = stage_server(0);
	peer_answer(s, peer_asked(s, 1), OK, true);
	peer_send(s, peer_asked(s, 1), 100, false, NULL);
	stage_run();
	stage_wait(2900);
	ck_assert(!silent->closed && !stops->closed);
	stage_wait(200);
	ck_assert(has(silent->head, ":status 504\n") && silent->ended);
	ck_assert(stops->closed && !stops->ended && stops->got == 100);
	ck_assert(peer_asked(s, 0)->code == NGHTTP2_CANCEL && peer_asked(s, 1)->code == NGHTTP2_CANCEL);
	ck_assert_uint_eq(stage_exchanges(), 0);
}
END_TEST

/* It is kept for as long as it has something to do, and for the moment in which the next request most often comes. */
START_TEST(a_connection_that_others_wait_for)
{
	struct peer *c = stage_client(0);
	struct peer_stream *asks[20];

	stage_others_wait(1);
	for (unsigned i = 0; i < 20; i++) {
		asks[i] = peer_request(c, GET("/l"), false);
		stage_moment();
		peer_answer(stage_server(0), peer_asked(stage_server(0), i), OK, false);
		stage_moment();
		ck_assert(!stage_server(0)->gone);
	}
	ck_assert(all_well(asks, 20) && stage_n_servers() == 1);
	stage_wait(5);
	ck_assert(stage_server(0)->gone);
	stage_others_wait(0);
	ask(c, "/l", asks, 1);
	ck_assert_uint_eq(answer_all(stage_server(1), 0), 1);
	stage_wait(50);
	ck_assert(!stage_server(1)->gone);
}
END_TEST

/* Others had to wait for long enough: what comes then waits behind them. */
START_TEST(a_turn_that_is_over)
{
	struct peer *c = stage_client(0);
	struct peer_stream *asks[10];

	stage_others_wait(1);
	ask(c, "/l", asks, 1);
	stage_wait(10);
	for (unsigned i = 1; i < 10; i++)
		ask(c, "/l", &asks[i], 1);
	ck_assert_uint_eq(stage_n_servers(), 2);
	ck_assert_uint_eq(stage_server(0)->n_streams, 8);
	ck_assert_uint_eq(stage_server(1)->n_streams, 2);
	answer_all(stage_server(0), 0);
	answer_all(stage_server(1), 0);
	ck_assert(all_well(asks, 10));
	stage_wait(5);
	ck_assert(stage_server(0)->gone && stage_server(1)->gone);
	stage_others_wait(0);
}
END_TEST

Suite *suite_h2_back(void)
{
	Suite *s = suite_create("h2_back");
	TCase *t = tcase_create("servers");

	tcase_add_checked_fixture(t, begin, stage_end);
	tcase_add_test(t, many_clients_share_a_connection);
	tcase_add_test(t, a_server_of_few_streams);
	tcase_add_test(t, fewer_streams_while_requests_wait);
	tcase_add_test(t, more_streams_than_before);
	tcase_add_test(t, a_window_that_changes_in_mid_stream);
	tcase_add_test(t, a_slow_client_holds_only_its_stream_back);
	tcase_add_test(t, a_server_that_leaves);
	tcase_add_test(t, a_server_that_takes_one_and_leaves);
	tcase_add_test(t, a_server_that_takes_one_and_leaves_of_few_connections);
	tcase_add_test(t, a_server_that_only_leaves);
	tcase_add_test(t, a_server_that_hangs_up);
	tcase_add_test(t, a_refused_request_is_sent_again);
	tcase_add_test(t, a_silent_connection_is_asked_whether_it_lives);
	tcase_add_test(t, limits_of_time);
	tcase_add_test(t, a_connection_that_others_wait_for);
	tcase_add_test(t, a_turn_that_is_over);
	suite_add_tcase(s, t);
	return s;
}
