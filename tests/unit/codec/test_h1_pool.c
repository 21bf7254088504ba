/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a connection to a server must be like to serve another exchange. */
#include <check.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "codec/h1/h1.h"
#include "unit/http/hand_made.h"

static struct hand_made made;
static struct h1 h;
static unsigned n_over, n_gone;
static int peer;

static void over(struct back_conn *b)
{
	(void)b;
	n_over++;
}

static void gone(struct back_conn *b)
{
	(void)b;
	n_gone++;
}

static void nothing(struct leg *leg)
{
	(void)leg;
}

static void told(struct conn *c)
{
	(void)c;
}

/* The answer is whole, the request is still going out. */
static void begin(void)
{
	static const struct back_user user = { .over = over, .gone = gone };
	static const struct conn_user conn_user = { .readable = told, .writable = told, .timeout = told };
	static const struct leg_ops front_ops = { .name = "front", .more = nothing };
	static struct leg front = { .ops = &front_ops };
	static const struct addr nobody;
	int fds[2];

	hand_made_init(&made);
	made.worker.bufs = buf_pool_new(made.worker.loop, BUF_SMALL);
	memset(&h, 0, sizeof(h));
	h1_init(&h, false);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	peer = fds[1];
	conn_init(&h.conn, &made.worker, fds[0], &nobody, &conn_user);
	h.back.conn.user = &user;
	h.leg.x = &made.x;
	made.x.front = &front;
	made.x.back = &h.leg;
	made.x.request.body.end = true;
	h.in_state = H1_IN_DONE;
	h.out_state = H1_OUT_LENGTH;
	h.keep_alive = true;
	n_over = n_gone = 0;
}

static void finish(void)
{
	conn_close(&h.conn);
	close(peer);
	ck_assert_uint_eq(buf_pool_lent(made.worker.bufs), 0);
	buf_pool_free(&made.worker.bufs);
	loop_task_cancel(&h.task);
	hand_made_fini(&made);
}

static void end_of_request(void)
{
	h.out_state = H1_OUT_DONE;
	h1_back_progress(&h);
}

START_TEST(one_that_is_through_is_kept)
{
	begin();
	end_of_request();
	ck_assert_uint_eq(n_over, 1);
	ck_assert_uint_eq(n_gone, 0);
	finish();
}
END_TEST

START_TEST(bytes_behind_the_answer_end_it)
{
	begin();
	ck_assert_int_eq(write(peer, "HTTP", 4), 4);
	h1_readable(&h.conn);
	end_of_request();
	ck_assert_uint_eq(n_over, 0);
	ck_assert_uint_eq(n_gone, 1);
	finish();
}
END_TEST

/* Nobody would ever read on. */
START_TEST(bytes_for_which_there_was_no_buffer_end_it)
{
	struct buf *last;

	begin();
	last = buf_acquire(made.worker.bufs, 1);
	ck_assert_ptr_nonnull(last);
	ck_assert_int_eq(write(peer, "HTTP", 4), 4);
	h1_readable(&h.conn);
	buf_release(&last);
	end_of_request();
	ck_assert_uint_eq(n_over, 0);
	ck_assert_uint_eq(n_gone, 1);
	finish();
}
END_TEST

Suite *suite_h1_pool(void)
{
	Suite *s = suite_create("h1_pool");
	TCase *t = tcase_create("h1_pool");

	tcase_add_test(t, one_that_is_through_is_kept);
	tcase_add_test(t, bytes_behind_the_answer_end_it);
	tcase_add_test(t, bytes_for_which_there_was_no_buffer_end_it);
	suite_add_tcase(s, t);
	return s;
}
