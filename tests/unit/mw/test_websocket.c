/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>
#include <string.h>

#include "base/check.h"
#include "http/exchange.h"
#include "net/buf.h"
#include "toron/gateway.h"

static const struct toron_websocket conf = { .begin = toron_websocket_watch, .close_ms = 60000 };

/* A tunnel with as much of its exchange as the watch sees. */
static struct exchange x;
static struct worker worker;
static struct loop_mail stop;

static void on_stop(struct loop *l, struct loop_mail *m)
{
	(void)m;
	loop_stop(l);
}

static void turn(void)
{
	loop_post(worker.loop, &stop);
	loop_run(worker.loop);
}

static void begin(void)
{
	memset(&x, 0, sizeof(x));
	worker.loop = loop_new();
	worker.bufs = buf_pool_new(worker.loop, 0);
	stop.fn = on_stop;
	x.magic = EXCHANGE_MAGIC;
	x.worker = &worker;
	x.state = EXCHANGE_ANSWERING;
	x.response.kind = MSG_RESPONSE;
	arena_init(&x.arena, NULL, 0, 65536);
	body_init(&x.request.body, EXCHANGE_BODY_LIMIT);
	body_init(&x.response.body, EXCHANGE_BODY_LIMIT);
	conf.begin(&x, &conf);
}

static void finish(void)
{
	filters_close(&x, MSG_REQUEST);
	filters_close(&x, MSG_RESPONSE);
	body_fini(&x.request.body);
	body_fini(&x.response.body);
	arena_fini(&x.arena);
	ck_assert_uint_eq(buf_pool_lent(worker.bufs), 0);
	buf_pool_free(&worker.bufs);
	loop_free(&worker.loop);
}

static void give(enum msg_kind kind, const char *bytes, size_t n, bool ends)
{
	struct body *in = exchange_body_in(&x, kind);

	body_append(in, bytes, n, NULL);
	in->end = ends;
	exchange_filters_due(&x, kind);
}

/* Readers that take nothing keep what came waiting, and nobody waits for the worker. */
START_TEST(both_have_ended_and_nobody_reads)
{
	give(MSG_REQUEST, "\x81\x81zzzzz", 7, true);
	give(MSG_RESPONSE, "\x81\x01z", 3, true);
	turn();
	ck_assert(x.request.body.end && x.response.body.end);
	ck_assert_uint_eq(body_unsent(&x.request.body), 7);
	ck_assert_uint_eq(body_unsent(&x.response.body), 3);
}
END_TEST

/* Our close frame cannot stand in the middle of another one: the direction just ends. */
START_TEST(an_end_within_a_frame_while_closing)
{
	give(MSG_RESPONSE, "\x81\x05hell", 6, false);
	x.drain(&x);
	turn();
	ck_assert(!x.response.body.end);
	give(MSG_RESPONSE, "", 0, true);
	turn();
	ck_assert(x.response.body.end);
	ck_assert_uint_eq(body_unsent(&x.response.body), 6);
	ck_assert(x.request.body.end);
	ck_assert_uint_eq(body_unsent(&x.request.body), 8); /* a close frame, masked */
}
END_TEST

Suite *suite_websocket(void)
{
	Suite *s = suite_create("websocket");
	TCase *c = tcase_create("watch");

	suite_add_tcase(s, c);
	tcase_add_checked_fixture(c, begin, finish);
	tcase_add_test(c, both_have_ended_and_nobody_reads);
	tcase_add_test(c, an_end_within_a_frame_while_closing);
	return s;
}
