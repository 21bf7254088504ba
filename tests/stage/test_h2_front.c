/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* HTTP/2 towards clients, each of them a session of nghttp2: requests and answers, windows, resets, GOAWAY. */
#include <string.h>

#include "base/check.h"
#include "stage/stage.h"

#define OK LINES(":status 200")

static void begin(void)
{
	stage_begin();
}

static void ends_well(const struct peer *p)
{
	ck_assert_int_eq(p->error, 0);
	ck_assert(!p->gone);
}

static bool has(const char *text, const char *line)
{
	return strstr(text, line) != NULL;
}

/* Both sides of one request to /b. */
struct pair {
	struct peer *client, *server;
	struct peer_stream *asks, *asked;
};

static struct pair ask(const char *const *lines, bool more)
{
	struct pair p = { .client = stage_client(0) };

	p.asks = peer_request(p.client, lines, more);
	stage_run();
	p.server = stage_server(0);
	p.asked = peer_asked(p.server, 0);
	return p;
}

START_TEST(requests_and_answers)
{
	struct peer *c = stage_client(0);
	struct peer_stream *r = peer_request(c, LINES(REQUEST("GET", "/r")), false);
	struct peer_stream *head = peer_request(c, LINES(REQUEST("HEAD", "/r")), false);
	struct peer_stream *echo = peer_request(c, LINES(REQUEST("POST", "/e")), true);

	peer_send(c, echo, 300000, true, NULL);
	stage_run();
	ck_assert(has(r->head, ":status 200\n") && r->got == 6 && r->ended && r->code == 0);
	ck_assert(has(head->head, "content-length 6\n") && head->got == 0 && head->ended && head->code == 0);
	ck_assert(has(echo->head, ":status 200\n") && echo->got != 0 && echo->ended && echo->code == 0);
	ends_well(c);
}
END_TEST

START_TEST(bodies_and_trailers_both_ways)
{
	struct pair p = ask(LINES(REQUEST("POST", "/b"), "x-one 1"), true);

	ck_assert(has(p.asked->head, ":path /b\n") && has(p.asked->head, "x-one 1\n") && !p.asked->ended);
	peer_send(p.client, p.asks, 200000, true, LINES("x-check 7"));
	stage_run();
	ck_assert(p.asked->got == 200000 && p.asked->wrong == 0 && p.asked->ended && has(p.asked->trailers, "x-check 7\n"));
	peer_answer(p.server, p.asked, LINES(":status 201", "x-two 2"), true);
	peer_send(p.server, p.asked, 300000, true, LINES("x-sum 42"));
	stage_run();
	ck_assert(has(p.asks->head, ":status 201\n") && has(p.asks->head, "x-two 2\n"));
	ck_assert(p.asks->got == 300000 && p.asks->wrong == 0 && p.asks->ended && has(p.asks->trailers, "x-sum 42\n"));
	ck_assert(p.asks->closed && p.asks->code == 0 && p.asked->closed && p.asked->code == 0);
	ends_well(p.client);
	ends_well(p.server);
}
END_TEST

START_TEST(interim_heads_come_before_the_final_one)
{
	struct pair p = ask(LINES(REQUEST("POST", "/b"), "expect 100-continue"), true);

	peer_answer(p.server, p.asked, LINES(":status 103", "link a"), false);
	peer_answer(p.server, p.asked, LINES(":status 100"), false);
	stage_run();
	ck_assert(p.asks->n_interim == 2 && has(p.asks->interim, "link a\n") && p.asks->head[0] == '\0');
	peer_send(p.client, p.asks, 10, true, NULL);
	stage_run();
	peer_answer(p.server, p.asked, OK, false);
	stage_run();
	ck_assert(p.asks->n_interim == 2 && has(p.asks->head, ":status 200\n") && p.asks->ended && p.asks->code == 0);
	ck_assert_uint_eq(p.asked->got, 10);
}
END_TEST

/* Never a byte more than the windows allow: nghttp2 would say so. */
START_TEST(windows_of_a_few_bytes)
{
	static const uint32_t windows[] = { 1, 2, 7, 1000 };
	struct peer *c;
	struct peer_stream *s;

	clients_are.window = servers_are.window = windows[_i];
	c = stage_client(0);
	s = peer_request(c, LINES(REQUEST("POST", "/b")), true);
	stage_run();
	peer_send(c, s, 900, true, LINES("x-check 7"));
	stage_run();
	struct peer_stream *asked = peer_asked(stage_server(0), 0);

	ck_assert(asked->got == 900 && asked->wrong == 0 && asked->ended && has(asked->trailers, "x-check 7\n"));
	peer_answer(stage_server(0), asked, OK, true);
	peer_send(stage_server(0), asked, 700, true, LINES("x-sum 42"));
	stage_run();
	ck_assert(s->got == 700 && s->wrong == 0 && s->ended && has(s->trailers, "x-sum 42\n"));
	ends_well(c);
	ends_well(stage_server(0));
}
END_TEST

START_TEST(a_window_that_changes_in_mid_stream)
{
	struct pair p;

	clients_are.manual = true;
	clients_are.window = 1000;
	p = ask(LINES(REQUEST("GET", "/b")), false);
	peer_answer(p.server, p.asked, OK, true);
	peer_send(p.server, p.asked, 20000, true, NULL);
	stage_run();
	ck_assert_uint_eq(p.asks->got, 1000);
	peer_set(p.client, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 5000);
	stage_run();
	ck_assert_uint_eq(p.asks->got, 5000);
	/* Now it is smaller than what is under way: nothing comes before as much has been taken. */
	peer_set(p.client, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 100);
	stage_run();
	peer_take(p.client, p.asks, 4900);
	stage_run();
	ck_assert_uint_eq(p.asks->got, 5000);
	peer_take(p.client, p.asks, 100);
	stage_run();
	ck_assert_uint_eq(p.asks->got, 5100);
	peer_set(p.client, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 65535);
	stage_run();
	ck_assert(p.asks->got == 20000 && p.asks->wrong == 0 && p.asks->ended);
	ends_well(p.client);
}
END_TEST

/* The window of all streams: one that is stuck holds what it holds, and the others go on with the rest. */
START_TEST(a_stuck_stream_does_not_stop_the_others)
{
	struct peer *c;
	struct peer_stream *stuck, *other;

	clients_are.manual = true;
	clients_are.window = 30000;
	c = stage_client(0);
	stuck = peer_request(c, LINES(REQUEST("GET", "/b1")), false);
	other = peer_request(c, LINES(REQUEST("GET", "/b2")), false);
	stage_run();
	for (unsigned i = 0; i < 2; i++) {
		peer_answer(stage_server(0), peer_asked(stage_server(0), i), OK, true);
		peer_send(stage_server(0), peer_asked(stage_server(0), i), 1000000, true, NULL);
	}
	stage_run();
	ck_assert_uint_eq(stuck->got, 30000);
	for (size_t taken = 0; taken < 1000000;) {
		size_t n = other->got - taken;

		ck_assert_uint_gt(n, 0);
		peer_take(c, other, n);
		taken += n;
		stage_run();
	}
	ck_assert(other->ended);
	ck_assert(other->got == 1000000 && other->wrong == 0 && stuck->got == 30000);
	ends_well(c);
}
END_TEST

/* What a server does not take, the client cannot send: it comes to rest, and goes on. */
START_TEST(an_upload_that_nobody_takes_comes_to_rest)
{
	struct pair p;
	size_t under_way;

	servers_are.manual = true;
	p = ask(LINES(REQUEST("POST", "/b")), true);
	peer_send(p.client, p.asks, 1000000, true, NULL);
	stage_run();
	under_way = p.asks->sent;
	ck_assert(p.asked->got == 65535 && under_way > 65535 && under_way < 400000);
	for (size_t taken = 0; taken < 1000000;) {
		size_t n = p.asked->got - taken;

		ck_assert_uint_gt(n, 0);
		peer_take(p.server, p.asked, n);
		taken += n;
		stage_run();
	}
	ck_assert(p.asked->got == 1000000 && p.asked->wrong == 0 && p.asked->ended);
	peer_answer(p.server, p.asked, OK, false);
	stage_run();
	ck_assert(p.asks->ended && p.asks->code == 0);
}
END_TEST

/* Where a client's reset meets its exchange. */
enum point { BEFORE_HEAD, IN_REQUEST, AFTER_REQUEST, AFTER_INTERIM, AFTER_HEAD, IN_BODY, IN_TRAILERS, N_POINTS };

static void go_on_to(struct pair *p, enum point at)
{
	if (at >= IN_REQUEST)
		peer_send(p->client, p->asks, 1000, at >= AFTER_REQUEST, NULL);
	stage_run();
	if (at >= AFTER_INTERIM)
		peer_answer(p->server, p->asked, LINES(":status 103", "link a"), false);
	if (at >= AFTER_HEAD)
		peer_answer(p->server, p->asked, OK, true);
	if (at >= IN_BODY)
		peer_send(p->server, p->asked, 1000, false, NULL);
	stage_run();
	if (at == IN_TRAILERS) {
		/* Its window is shut, so the end cannot have reached it. */
		peer_send(p->server, p->asked, 100000, true, LINES("x-sum 42"));
		stage_run();
	}
}

START_TEST(a_client_resets_at_each_point)
{
	enum point at = (enum point)_i;
	struct pair p;
	struct peer_stream *other;

	clients_are.manual = true;
	p = ask(LINES(REQUEST("POST", "/b")), true);
	other = peer_request(p.client, LINES(REQUEST("POST", "/b")), true);
	go_on_to(&p, at);
	peer_reset(p.client, p.asks, NGHTTP2_CANCEL);
	nghttp2_session_consume_connection(p.client->session, p.asks->got);
	stage_run();
	/* The server had said all when the trailers waited for the client. */
	ck_assert(p.asked->closed && p.asked->code == (at == IN_TRAILERS ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL));
	ck_assert_uint_eq(stage_exchanges(), 1);
	peer_send(p.client, other, 10, true, NULL);
	stage_run();
	peer_answer(p.server, peer_asked(p.server, 1), OK, true);
	peer_send(p.server, peer_asked(p.server, 1), 20, true, NULL);
	stage_run();
	ck_assert(other->ended && other->got == 20 && other->wrong == 0 && peer_asked(p.server, 1)->got == 10);
	ck_assert_uint_eq(stage_n_servers(), 1);
	ends_well(p.client);
	ends_well(p.server);
}
END_TEST

START_TEST(a_server_resets_at_each_point)
{
	enum point at = (enum point)_i;
	struct pair p;
	struct peer_stream *other;

	clients_are.manual = true;
	p = ask(LINES(REQUEST("POST", "/b")), true);
	other = peer_request(p.client, LINES(REQUEST("POST", "/b")), true);
	go_on_to(&p, at);
	peer_reset(p.server, p.asked, NGHTTP2_INTERNAL_ERROR);
	stage_run();
	if (at < AFTER_HEAD)
		ck_assert(has(p.asks->head, ":status 502\n") && p.asks->ended);
	else
		ck_assert(has(p.asks->head, ":status 200\n") && !p.asks->ended && p.asks->code == NGHTTP2_INTERNAL_ERROR);
	ck_assert(p.asks->closed);
	ck_assert_uint_eq(stage_exchanges(), 1);
	peer_answer(p.server, peer_asked(p.server, 1), OK, false);
	peer_send(p.client, other, 10, true, NULL);
	stage_run();
	ck_assert(other->ended && other->code == 0);
	ends_well(p.client);
	ends_well(p.server);
}
END_TEST

START_TEST(more_streams_than_are_allowed)
{
	struct peer *c = stage_client(0);
	struct peer_stream *s[15];

	stage_run();
	ck_assert_uint_eq(nghttp2_session_get_remote_settings(c->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS), 10);
	for (unsigned i = 0; i < ARRAY_LEN(s); i++)
		s[i] = peer_request(c, LINES(REQUEST("GET", "/b")), false);
	stage_run();
	/* nghttp2 keeps what the gateway does not take yet. */
	ck_assert_uint_eq(stage_server(0)->n_streams, 10);
	for (unsigned i = 0; i < ARRAY_LEN(s); i++) {
		peer_answer(stage_server(0), peer_asked(stage_server(0), i), OK, false);
		stage_run();
	}
	for (unsigned i = 0; i < ARRAY_LEN(s); i++)
		ck_assert(s[i]->ended && s[i]->code == 0);
	ends_well(c);
}
END_TEST

START_TEST(a_client_that_leaves_gets_what_it_asked_for)
{
	struct pair p = ask(LINES(REQUEST("GET", "/b")), false);

	peer_leave(p.client, NULL);
	stage_run();
	peer_answer(p.server, p.asked, OK, true);
	peer_send(p.server, p.asked, 100000, true, LINES("x-sum 42"));
	stage_run();
	ck_assert(p.asks->got == 100000 && p.asks->wrong == 0 && p.asks->ended && has(p.asks->trailers, "x-sum 42\n"));
	ck_assert_int_eq(p.client->error, 0);
}
END_TEST

/* In two steps: the request that crosses the first GOAWAY is served. */
START_TEST(draining_loses_nothing)
{
	struct pair p = ask(LINES(REQUEST("GET", "/b")), false);
	struct peer_stream *late = peer_request(p.client, LINES(REQUEST("GET", "/b")), false);

	stage_drain();
	ck_assert(p.client->n_goaways == 2 && p.client->goaway_code == NGHTTP2_NO_ERROR && p.client->last_taken == late->id);
	peer_answer(p.server, p.asked, OK, true);
	peer_send(p.server, p.asked, 1000, true, NULL);
	peer_answer(p.server, peer_asked(p.server, 1), OK, false);
	stage_run();
	ck_assert(p.asks->got == 1000 && p.asks->ended && late->ended);
	ck_assert_int_eq(p.client->error, 0);
	ck_assert(p.client->gone);
}
END_TEST

START_TEST(a_client_that_never_opens_its_window)
{
	struct pair p;

	clients_are.window = 0;
	p = ask(LINES(REQUEST("GET", "/b")), false);
	peer_answer(p.server, p.asked, OK, true);
	peer_send(p.server, p.asked, 1000, true, NULL);
	stage_run();
	stage_wait(1500);
	ck_assert(has(p.asks->head, ":status 200\n") && !p.asks->closed);
	stage_wait(1000);
	ck_assert(p.asks->closed && p.asks->code == NGHTTP2_CANCEL && p.asks->got == 0 && p.asked->closed);
	ends_well(p.client);
}
END_TEST

/* The two seconds for a body begin now. */
static void runs_out_of_time(const struct pair *p)
{
	stage_wait(1500);
	ck_assert(!p->asks->closed && p->asks->head[0] == '\0');
	stage_wait(1000);
	ck_assert(has(p->asks->head, ":status 408\n") && p->asks->ended && p->asked->closed);
	ends_well(p->client);
}

START_TEST(a_client_that_sends_nothing_more)
{
	struct pair p = ask(LINES(REQUEST("POST", "/b")), true);

	peer_send(p.client, p.asks, 10, false, NULL);
	stage_run();
	runs_out_of_time(&p);
}
END_TEST

/* Its time begins when it is asked for the body. */
START_TEST(a_client_that_waits_to_be_asked_for_its_body)
{
	struct pair p = ask(LINES(REQUEST("POST", "/b"), "expect 100-continue"), true);

	stage_wait(2500);
	ck_assert(!p.asks->closed && p.asks->head[0] == '\0');
	peer_answer(p.server, p.asked, LINES(":status 100"), false);
	stage_run();
	ck_assert_int_eq(p.asks->n_interim, 1);
	runs_out_of_time(&p);
}
END_TEST

/* The server, whose limit it is then. */
START_TEST(nobody_asks_for_a_body)
{
	struct pair p = ask(LINES(REQUEST("POST", "/b"), "expect 100-continue"), true);

	stage_wait(2900);
	ck_assert(!p.asks->closed && p.asks->head[0] == '\0');
	stage_wait(200);
	ck_assert(has(p.asks->head, ":status 504\n") && p.asks->ended && p.asked->closed);
	ends_well(p.client);
}
END_TEST

/* One stream's server takes nothing, and the window of all streams is spent: those that have sent nothing owe nothing until it opens. */
START_TEST(a_client_whose_window_is_kept_closed)
{
	struct pair p;
	struct peer_stream *other;

	stage_window = 65535;
	servers_are.window = 0;
	p = ask(LINES(REQUEST("POST", "/b")), true);
	peer_send(p.client, p.asks, 65535, false, NULL);
	stage_run();
	other = peer_request(p.client, LINES(REQUEST("POST", "/b")), true);
	stage_run();
	stage_wait(2500);
	ck_assert(!p.asks->closed && !other->closed && other->head[0] == '\0');
	peer_set(p.server, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 65535);
	stage_run();
	ck_assert_uint_eq(p.asked->got, 65535);
	stage_wait(1500);
	ck_assert(!p.asks->closed && !other->closed && other->head[0] == '\0');
	stage_wait(1000);
	ck_assert(has(p.asks->head, ":status 408\n") && has(other->head, ":status 408\n"));
	ends_well(p.client);
}
END_TEST

START_TEST(trailers_without_a_body_and_an_empty_last_frame)
{
	struct pair p = ask(LINES(REQUEST("POST", "/b")), true);

	peer_send(p.client, p.asks, 0, true, LINES("x-check 7"));
	stage_run();
	ck_assert(p.asked->ended && p.asked->got == 0 && has(p.asked->trailers, "x-check 7\n"));
	peer_answer(p.server, p.asked, OK, true);
	stage_run();
	peer_send(p.server, p.asked, 0, true, NULL);
	stage_run();
	ck_assert(p.asks->ended && p.asks->got == 0 && p.asks->code == 0);
	ends_well(p.server);
}
END_TEST

Suite *suite_h2_front(void)
{
	Suite *s = suite_create("h2_front");
	TCase *t = tcase_create("clients");

	tcase_add_checked_fixture(t, begin, stage_end);
	tcase_add_test(t, requests_and_answers);
	tcase_add_test(t, bodies_and_trailers_both_ways);
	tcase_add_test(t, interim_heads_come_before_the_final_one);
	tcase_add_loop_test(t, windows_of_a_few_bytes, 0, 4);
	tcase_add_test(t, a_window_that_changes_in_mid_stream);
	tcase_add_test(t, a_stuck_stream_does_not_stop_the_others);
	tcase_add_test(t, an_upload_that_nobody_takes_comes_to_rest);
	tcase_add_loop_test(t, a_client_resets_at_each_point, BEFORE_HEAD, N_POINTS);
	tcase_add_loop_test(t, a_server_resets_at_each_point, BEFORE_HEAD, IN_TRAILERS);
	tcase_add_test(t, more_streams_than_are_allowed);
	tcase_add_test(t, a_client_that_leaves_gets_what_it_asked_for);
	tcase_add_test(t, draining_loses_nothing);
	tcase_add_test(t, a_client_that_never_opens_its_window);
	tcase_add_test(t, a_client_that_sends_nothing_more);
	tcase_add_test(t, a_client_that_waits_to_be_asked_for_its_body);
	tcase_add_test(t, nobody_asks_for_a_body);
	tcase_add_test(t, a_client_whose_window_is_kept_closed);
	tcase_add_test(t, trailers_without_a_body_and_an_empty_last_frame);
	suite_add_tcase(s, t);
	return s;
}
