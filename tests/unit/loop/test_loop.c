/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "loop/loop.h"

static struct loop *l;

static void setup(void)
{
	l = loop_new();
	ck_assert_ptr_nonnull(l);
}

static void teardown(void)
{
	loop_free(&l);
	ck_assert_ptr_null(l);
}

/* ---- timers ---- */

struct alarm {
	struct loop_timer timer;
	uint64_t fired_ms;
	int n;
	bool stops;
};

static void on_alarm(struct loop_timer *t)
{
	struct alarm *a = CONTAINER_OF(t, struct alarm, timer);

	a->fired_ms = loop_now_ms(t->loop);
	a->n++;
	if (a->stops)
		loop_stop(t->loop);
}

static void run_for(uint64_t ms)
{
	struct alarm end = { .stops = true };

	loop_timer_init(&end.timer, l, on_alarm);
	loop_timer_set(&end.timer, ms);
	loop_run(l);
	ck_assert_int_eq(end.n, 1);
	loop_timer_fini(&end.timer);
}

START_TEST(timer_fires_once_and_not_early)
{
	struct alarm a = { 0 };
	uint64_t begin = clock_monotonic_us();

	loop_timer_init(&a.timer, l, on_alarm);
	loop_timer_set(&a.timer, 30);
	run_for(100);
	ck_assert_int_eq(a.n, 1);
	ck_assert_uint_ge(a.fired_ms * 1000 + 999, begin + 30000 - 1000);
	ck_assert_uint_le(a.fired_ms, begin / 1000 + 90);
	loop_timer_fini(&a.timer);
}
END_TEST

struct pusher {
	struct loop_timer tick;
	struct alarm *pushed;
	int left;
};

static void on_tick(struct loop_timer *t)
{
	struct pusher *p = CONTAINER_OF(t, struct pusher, tick);

	loop_timer_set(&p->pushed->timer, 400);
	if (--p->left > 0)
		loop_timer_set(t, 20);
}

START_TEST(timer_can_be_pushed_back)
{
	struct alarm a = { 0 };
	struct pusher p = { .pushed = &a, .left = 5 };
	uint64_t begin;

	loop_timer_init(&a.timer, l, on_alarm);
	loop_timer_init(&p.tick, l, on_tick);
	begin = clock_monotonic_us() / 1000;
	loop_timer_set(&a.timer, 400);
	loop_timer_set(&p.tick, 20);
	run_for(1200);
	ck_assert_int_eq(a.n, 1);
	ck_assert_uint_ge(a.fired_ms, begin + 5 * 20 + 400);
	loop_timer_fini(&a.timer);
	loop_timer_fini(&p.tick);
}
END_TEST

START_TEST(timer_can_be_pulled_forward)
{
	struct alarm a = { 0 };

	loop_timer_init(&a.timer, l, on_alarm);
	loop_timer_set(&a.timer, 100000);
	loop_timer_set(&a.timer, 10);
	run_for(80);
	ck_assert_int_eq(a.n, 1);
	loop_timer_fini(&a.timer);
}
END_TEST

START_TEST(timer_that_is_cleared_stays_silent)
{
	struct alarm a = { 0 }, never = { 0 };

	loop_timer_init(&a.timer, l, on_alarm);
	loop_timer_init(&never.timer, l, on_alarm);
	loop_timer_set(&a.timer, 10);
	loop_timer_set(&never.timer, UINT64_MAX);
	loop_timer_clear(&a.timer);
	run_for(50);
	ck_assert_int_eq(a.n, 0);
	ck_assert_int_eq(never.n, 0);
	/* Cleared is not dead. */
	loop_timer_set(&a.timer, 0);
	run_for(20);
	ck_assert_int_eq(a.n, 1);
	loop_timer_fini(&a.timer);
	loop_timer_fini(&never.timer);
}
END_TEST

/* ---- tasks ---- */

struct job {
	struct loop_task task;
	struct job *then;
	char name;
};
static char trace[64];
static size_t trace_len;

static void on_job(struct loop_task *t)
{
	struct job *j = CONTAINER_OF(t, struct job, task);

	trace[trace_len++] = j->name;
	if (j->then != NULL)
		loop_defer(l, &j->then->task);
}

static void on_alarm_deferring(struct loop_timer *t)
{
	struct alarm *a = CONTAINER_OF(t, struct alarm, timer);

	a->n++;
	trace[trace_len++] = '!';
}

START_TEST(tasks_run_at_the_end_of_the_turn_in_order)
{
	struct job c = { .name = 'c' }, a = { .name = 'a', .then = &c }, b = { .name = 'b' };
	struct job gone = { .name = 'x' };
	struct alarm later = { 0 };

	memset(trace, 0, sizeof(trace));
	trace_len = 0;
	loop_timer_init(&later.timer, l, on_alarm_deferring);
	loop_timer_set(&later.timer, 1);
	loop_task_init(&a.task, on_job);
	loop_task_init(&b.task, on_job);
	loop_task_init(&c.task, on_job);
	loop_task_init(&gone.task, on_job);
	loop_defer(l, &a.task);
	loop_defer(l, &gone.task);
	loop_defer(l, &b.task);
	loop_defer(l, &a.task); /* queued already */
	loop_task_cancel(&gone.task);
	loop_task_cancel(&gone.task);
	run_for(30);
	/* The task that a task queued runs before the loop sleeps, and so before the timer. */
	ck_assert_str_eq(trace, "abc!");
	loop_timer_fini(&later.timer);
}
END_TEST

static void on_stopping_job(struct loop_task *t)
{
	loop_stop(l);
	on_job(t);
}

START_TEST(the_last_turn_has_an_end_too)
{
	struct job b = { .name = 'b' }, a = { .name = 'a', .then = &b };

	memset(trace, 0, sizeof(trace));
	trace_len = 0;
	loop_task_init(&a.task, on_stopping_job);
	loop_task_init(&b.task, on_job);
	loop_defer(l, &a.task);
	loop_run(l);
	ck_assert_str_eq(trace, "ab");
	/* A stop that comes first is not lost, nor what is deferred. */
	loop_stop(l);
	loop_defer(l, &b.task);
	loop_run(l);
	ck_assert_str_eq(trace, "abb");
}
END_TEST

/* ---- descriptors ---- */

struct pipe_end {
	struct loop_io io;
	int fd, n_read, n_write;
	struct pipe_end *other; /* its wishes are changed back and forth from here */
};

static void on_pipe(struct loop_io *io, unsigned ready)
{
	struct pipe_end *e = CONTAINER_OF(io, struct pipe_end, io);
	char c;

	if (ready & LOOP_WRITE) {
		e->n_write++;
		loop_io_want(io, LOOP_READ);
	}
	if (ready & LOOP_READ) {
		ck_assert_int_eq(recv(e->fd, &c, 1, MSG_DONTWAIT), 1);
		e->n_read++;
		if (c == 's')
			loop_stop(l);
	}
	if (e->other != NULL) {
		loop_io_want(&e->other->io, LOOP_READ | LOOP_WRITE);
		loop_io_want(&e->other->io, LOOP_READ);
	}
}

START_TEST(io_tells_what_is_wanted)
{
	int a[2], b[2];
	struct pipe_end x = { 0 }, y = { 0 };

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, b), 0);
	x.fd = a[0];
	y.fd = b[0];
	x.other = &y;
	y.other = &x;
	loop_io_init(&x.io, l, x.fd, on_pipe);
	loop_io_init(&y.io, l, y.fd, on_pipe);
	ck_assert_uint_eq(loop_io_wanted(&x.io), 0);
	loop_io_want(&x.io, LOOP_READ);
	loop_io_want(&y.io, LOOP_READ);
	/* Both are ready in one turn; whichever comes first meddles with the other, whose event must not be lost. */
	ck_assert_int_eq(write(a[1], "1", 1), 1);
	ck_assert_int_eq(write(b[1], "2", 1), 1);
	run_for(20);
	ck_assert_int_eq(x.n_read, 1);
	ck_assert_int_eq(y.n_read, 1);
	ck_assert_int_eq(x.n_write + y.n_write, 0);
	loop_io_want(&x.io, LOOP_READ | LOOP_WRITE);
	ck_assert_uint_eq(loop_io_wanted(&x.io), LOOP_READ | LOOP_WRITE);
	run_for(20);
	ck_assert_int_eq(x.n_write, 1);
	/* Nothing wanted, nothing told. */
	loop_io_want(&x.io, 0);
	ck_assert_int_eq(write(a[1], "3", 1), 1);
	run_for(20);
	ck_assert_int_eq(x.n_read, 1);
	loop_io_want(&x.io, LOOP_READ);
	run_for(20);
	ck_assert_int_eq(x.n_read, 2);
	loop_io_want(&x.io, 0);
	loop_io_want(&y.io, 0);
	for (int i = 0; i < 2; i++) {
		close(a[i]);
		close(b[i]);
	}
}
END_TEST

struct limited {
	struct loop_io io;
	struct alarm limit;
	int fd;
};

static void on_limited(struct loop_io *io, unsigned ready)
{
	struct limited *x = CONTAINER_OF(io, struct limited, io);
	char c;

	(void)ready;
	ck_assert_int_eq(recv(x->fd, &c, 1, MSG_DONTWAIT), 1);
	loop_timer_set(&x->limit.timer, 10000);
}

/* Both are ready in one turn, since the process was not there when either was: who was in time is not late. */
START_TEST(what_has_come_is_told_before_time_limits)
{
	struct limited x = { 0 };
	int a[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
	x.fd = a[0];
	loop_io_init(&x.io, l, x.fd, on_limited);
	loop_io_want(&x.io, LOOP_READ);
	loop_timer_init(&x.limit.timer, l, on_alarm);
	loop_timer_set(&x.limit.timer, 5);
	ck_assert_int_eq(write(a[1], "1", 1), 1);
	usleep(50000);
	run_for(20);
	ck_assert_int_eq(x.limit.n, 0);
	loop_timer_fini(&x.limit.timer);
	loop_io_want(&x.io, 0);
	close(a[0]);
	close(a[1]);
}
END_TEST

/* ---- mail ---- */

#define POSTERS 4
#define LETTERS 2000

struct letter {
	struct loop_mail mail;
	int poster, number;
};

struct poster {
	pthread_t thread;
	int index;
	struct letter letters[LETTERS];
};

static int next_of[POSTERS], n_arrived;

static void on_letter(struct loop *at, struct loop_mail *m)
{
	struct letter *p = CONTAINER_OF(m, struct letter, mail);

	ck_assert_ptr_eq(at, l);
	ck_assert_int_eq(p->number, next_of[p->poster]++);
	if (++n_arrived == POSTERS * LETTERS)
		loop_stop(at);
}

static void *post(void *arg)
{
	struct poster *p = arg;

	for (int i = 0; i < LETTERS; i++) {
		p->letters[i] = (struct letter){ .mail.fn = on_letter, .poster = p->index, .number = i };
		loop_post(l, &p->letters[i].mail);
	}
	return NULL;
}

START_TEST(mail_arrives_once_and_in_order)
{
	struct poster *posters = calloc(POSTERS, sizeof(*posters));

	n_arrived = 0;
	memset(next_of, 0, sizeof(next_of));
	for (int i = 0; i < POSTERS; i++) {
		posters[i].index = i;
		ck_assert_int_eq(pthread_create(&posters[i].thread, NULL, post, &posters[i]), 0);
	}
	loop_run(l);
	for (int i = 0; i < POSTERS; i++)
		pthread_join(posters[i].thread, NULL);
	ck_assert_int_eq(n_arrived, POSTERS * LETTERS);
	free(posters);
}
END_TEST

/* ---- signals, clocks ---- */

static int n_signals;

static void on_signal(struct loop_signal *s, int number)
{
	ck_assert_int_eq(number, SIGUSR1);
	n_signals++;
	loop_stop(s->loop);
}

START_TEST(signals_are_told_to_the_loop)
{
	struct loop_signal s;

	loop_signal_start(&s, l, SIGUSR1, on_signal);
	ck_assert_int_eq(raise(SIGUSR1), 0);
	loop_run(l);
	ck_assert_int_eq(n_signals, 1);
	loop_signal_stop(&s);
}
END_TEST

START_TEST(the_clock_moves_between_turns_only)
{
	uint64_t wall, now;

	run_for(0);
	now = loop_now_ms(l);
	wall = loop_wall_us(l);
	usleep(5000);
	ck_assert_uint_eq(loop_now_ms(l), now);
	ck_assert_uint_eq(loop_wall_us(l), wall);
	run_for(0);
	ck_assert_uint_ge(loop_now_ms(l), now + 5);
	ck_assert_uint_ge(loop_wall_us(l), wall + 5000);
}
END_TEST

Suite *suite_loop(void)
{
	Suite *s = suite_create("loop");
	TCase *c = tcase_create("loop");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, timer_fires_once_and_not_early);
	tcase_add_test(c, timer_can_be_pushed_back);
	tcase_add_test(c, timer_can_be_pulled_forward);
	tcase_add_test(c, timer_that_is_cleared_stays_silent);
	tcase_add_test(c, tasks_run_at_the_end_of_the_turn_in_order);
	tcase_add_test(c, the_last_turn_has_an_end_too);
	tcase_add_test(c, io_tells_what_is_wanted);
	tcase_add_test(c, what_has_come_is_told_before_time_limits);
	tcase_add_test(c, mail_arrives_once_and_in_order);
	tcase_add_test(c, signals_are_told_to_the_loop);
	tcase_add_test(c, the_clock_moves_between_turns_only);
	suite_add_tcase(s, c);
	return s;
}
