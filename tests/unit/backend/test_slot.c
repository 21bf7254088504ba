/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Slots that are granted from one worker to another, and to one that ends. Of three workers the first gives a slot away, the second ends, and the
 * third waits. */
#include <check.h>
#include <pthread.h>
#include <sched.h>

#include "backend/slot.h"
#include "base/check.h"

#define ENDING 1
#define WAITING 2
#define WORKERS 3

static const struct toron_server server = { .origin = "server", .host = STR_INIT("127.0.0.1"), .authority = STR_INIT("server"), .port = 1,
	.weight = 1, .is_numeric = true };
static const struct toron_backend backend = { .name = "few", .origin = "few", .servers = &server, .n_servers = 1, .max_connections = 1 };
static const struct toron_backend *const backends[] = { &backend };
static const struct toron_gateway gateway = { .name = "slots", .backends = backends, .n_backends = 1 };

static struct loop *loops[WORKERS];
static struct worker workers[WORKERS];
static struct backend_shared *shared;
static struct server *giver;
static struct server_shared *counts;

static void begin(void)
{
	shared = backend_shared_new(&gateway);
	CHECK(shared != NULL);
	for (unsigned i = 0; i < WORKERS; i++) {
		if (loops[i] == NULL)
			loops[i] = loop_new();
		workers[i] = (struct worker){ .index = i, .loop = loops[i], .gateway = &gateway };
		workers[i].backends = backend_worker_new(&workers[i], shared);
		CHECK(loops[i] != NULL && workers[i].backends != NULL);
	}
	giver = &workers[0].backends[0].servers[0];
	counts = giver->shared;
	/* The giver has the one connection. Who ends has just stopped waiting, which the giver need not have seen. */
	counts->connections = 1;
	counts->waiting = 1;
	counts->turns[ENDING].waiting = 1;
	counts->turns[WAITING].waiting = 1;
}

static void finish(void)
{
	for (unsigned i = 0; i < WORKERS; i++)
		backend_worker_free(&workers[i], &workers[i].backends);
	backend_shared_free(&shared);
}

/* The slot is promised to the one that waits, and to no other. */
static bool has_arrived(void)
{
	return counts->connections == 1 && counts->turns[ENDING].granted == 0 && counts->turns[WAITING].granted == 1;
}

START_TEST(one_that_has_ended_is_granted_nothing)
{
	begin();
	backend_worker_free(&workers[ENDING], &workers[ENDING].backends);
	slot_give(giver);
	ck_assert(has_arrived());
	finish();
}
END_TEST

START_TEST(one_that_ends_passes_on_what_it_was_granted)
{
	begin();
	slot_give(giver);
	ck_assert_uint_eq(counts->turns[ENDING].granted, 1);
	backend_worker_free(&workers[ENDING], &workers[ENDING].backends);
	ck_assert(has_arrived());
	finish();
}
END_TEST

START_TEST(what_nobody_waits_for_is_free_again)
{
	begin();
	slot_give(giver);
	counts->waiting = counts->turns[WAITING].waiting = 0;
	backend_worker_free(&workers[ENDING], &workers[ENDING].backends);
	ck_assert(counts->connections == 0 && counts->turns[ENDING].granted == 0);
	finish();
}
END_TEST

/* Both at once, again and again, each a little earlier or later than the other. */
static atomic_uint round_begun, round_over;

static void wait_for(atomic_uint *at, unsigned round)
{
	for (unsigned i = 0; atomic_load(at) != round; i++)
		if (i > 1000)
			sched_yield();
}

static void pass_time(unsigned n)
{
	for (volatile unsigned i = 0; i < n; i++)
		;
}

static void *end_each_round(void *arg)
{
	unsigned n = *(unsigned *)arg;

	for (unsigned i = 1; i <= n; i++) {
		wait_for(&round_begun, i);
		pass_time(i % 61);
		backend_worker_free(&workers[ENDING], &workers[ENDING].backends);
		atomic_store(&round_over, i);
	}
	return NULL;
}

START_TEST(one_that_ends_just_then_loses_nothing)
{
	unsigned n = 50000, lost = 0;
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, end_each_round, &n), 0);
	for (unsigned i = 1; i <= n; i++) {
		begin();
		atomic_store(&round_begun, i);
		pass_time(i % 199);
		slot_give(giver);
		wait_for(&round_over, i);
		lost += !has_arrived();
		finish();
	}
	pthread_join(thread, NULL);
	ck_assert_uint_eq(lost, 0);
}
END_TEST

Suite *suite_slot(void)
{
	Suite *s = suite_create("slot");
	TCase *t = tcase_create("grants");

	tcase_add_test(t, one_that_has_ended_is_granted_nothing);
	tcase_add_test(t, one_that_ends_passes_on_what_it_was_granted);
	tcase_add_test(t, what_nobody_waits_for_is_free_again);
	tcase_add_test(t, one_that_ends_just_then_loses_nothing);
	suite_add_tcase(s, t);
	return s;
}
