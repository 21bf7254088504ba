/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>

#include "mw/rate_store.h"
#include "toron/mw.h"
#include "unit/http/hand_made.h"

#define T0 1000000u /* ms: some time after boot */

/* How many of n events of a key are allowed at one time. */
static unsigned allowed_of(struct rate_store *s, const char *key, unsigned n, uint64_t now_ms)
{
	unsigned allowed = 0;

	for (unsigned i = 0; i < n; i++)
		allowed += rate_store_take(s, str_of(key), now_ms).allowed;
	return allowed;
}

START_TEST(burst_then_rate)
{
	struct rate_store *s = rate_store_new(10, 1000, 5, 100);
	struct rate_answer a;

	a = rate_store_take(s, STR("k"), T0);
	ck_assert(a.allowed);
	ck_assert_uint_eq(a.remaining, 4);
	ck_assert_uint_eq(a.wait_ms, 0);
	ck_assert_uint_eq(a.whole_ms, 100);
	ck_assert_uint_eq(allowed_of(s, "k", 10, T0), 4);
	a = rate_store_take(s, STR("k"), T0);
	ck_assert(!a.allowed);
	ck_assert_uint_eq(a.remaining, 0);
	ck_assert_uint_eq(a.wait_ms, 100);
	ck_assert_uint_eq(a.whole_ms, 500);
	ck_assert_uint_eq(allowed_of(s, "k", 3, T0 + 99), 0);
	ck_assert_uint_eq(allowed_of(s, "k", 3, T0 + 100), 1);
	ck_assert_uint_eq(allowed_of(s, "k", 3, T0 + 350), 2);
	ck_assert_uint_eq(
		allowed_of(s, "k", 100, T0 + 100000), 5); /* no more than the burst is saved up */
	ck_assert_uint_eq(allowed_of(s, "other", 100, T0), 5);
	rate_store_free(&s);
	ck_assert_ptr_null(s);
}
END_TEST

/* In ten seconds at 100/s no more and no less passes, whatever the spacing. */
START_TEST(long_run)
{
	struct rate_store *s = rate_store_new(100, 1000, 10, 100);
	unsigned allowed = 0;

	for (unsigned ms = 0; ms < 10000; ms += 3)
		allowed += allowed_of(s, "k", 2, T0 + ms);
	ck_assert_uint_ge(allowed, 1005);
	ck_assert_uint_le(allowed, 1010);
	rate_store_free(&s);
}
END_TEST

/* A worker whose turn began earlier sees an older time. */
START_TEST(clock_goes_back)
{
	struct rate_store *s = rate_store_new(1, 1000, 1, 100);

	ck_assert_uint_eq(allowed_of(s, "k", 2, T0), 1);
	ck_assert_uint_eq(allowed_of(s, "k", 2, T0 - 50), 0);
	ck_assert_uint_eq(allowed_of(s, "k", 2, T0 + 1000), 1);
	rate_store_free(&s);
}
END_TEST

START_TEST(extremes)
{
	struct rate_store *slow = rate_store_new(1, 86400000, 1000000000, 1),
			  *fast = rate_store_new(1000000000, 1000, 1, 1);
	struct rate_answer a = { 0 };

	for (unsigned i = 0; i < 1000; i++)
		a = rate_store_take(slow, STR("k"), T0);
	ck_assert(a.allowed);
	ck_assert_uint_eq(a.remaining, 999999000);
	ck_assert_uint_eq(a.whole_ms, 1000 * 86400000ull);
	ck_assert_uint_eq(allowed_of(fast, "k", 2, T0), 1);
	ck_assert_uint_eq(allowed_of(fast, "k", 2, T0 + 1), 1);
	rate_store_free(&slow);
	rate_store_free(&fast);
}
END_TEST

START_TEST(capacity)
{
	static const uint32_t sizes[] = { 1, 2, 14, 15, 16, 100, 1000, 100000 };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct rate_store *s = rate_store_new(1, 1000, 1, sizes[i]);

		ck_assert_uint_ge(rate_store_capacity(s), sizes[i]);
		ck_assert_uint_le(rate_store_capacity(s), sizes[i] + sizes[i] / 4 + 15);
		rate_store_free(&s);
	}
}
END_TEST

/* Three slots: the fourth key takes the place of the one that is whole again soonest, not of a
 * busier one. */
START_TEST(evicts_least_due)
{
	struct rate_store *s = rate_store_new(1, 1000, 10, 3);

	allowed_of(s, "busy", 10, T0);
	allowed_of(s, "idle", 1, T0);
	allowed_of(s, "middle", 5, T0);
	allowed_of(s, "new", 2, T0);
	ck_assert_uint_eq(allowed_of(s, "busy", 10, T0), 0);
	ck_assert_uint_eq(allowed_of(s, "middle", 10, T0), 5);
	ck_assert_uint_eq(allowed_of(s, "new", 10, T0), 8);
	/* Now all are busy till T0 + 10 s; at T0 + 20 s anything may go, and nothing is lost with
	 * it. */
	ck_assert_uint_eq(allowed_of(s, "late", 20, T0 + 20000), 10);
	ck_assert_uint_eq(allowed_of(s, "busy", 20, T0 + 20000), 10);
	rate_store_free(&s);
}
END_TEST

/* At the planned load nearly every key is remembered. */
START_TEST(many_keys)
{
	struct rate_store *s = rate_store_new(1, 1000, 1, 10000);
	unsigned forgotten = 0;
	char key[16];

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 10000; i++) {
			snprintf(key, sizeof(key), "k%u", i);
			forgotten += allowed_of(s, key, 1, T0) && round == 1;
		}
	}
	ck_assert_uint_lt(forgotten, 1500);
	rate_store_free(&s);
}
END_TEST

/* ---- threads ---- */

#define THREADS     4
#define KEYS        5
#define EVENTS      50000 /* of each thread */
#define LARGE_BURST 1000000

static struct rate_store *shared;

static void *hammer(void *arg)
{
	char key[16];

	for (unsigned i = 0; i < EVENTS; i++) {
		snprintf(key, sizeof(key), "k%u", i % KEYS);
		rate_store_take(shared, str_of(key), T0);
	}
	return arg;
}

/* Every event of every thread has been counted, and once. */
START_TEST(threads_share)
{
	pthread_t threads[THREADS];
	char key[16];

	shared = rate_store_new(1, 1000, LARGE_BURST, KEYS);
	for (size_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, hammer, NULL), 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < KEYS; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		ck_assert_uint_eq(rate_store_take(shared, str_of(key), T0).remaining,
			LARGE_BURST - THREADS * EVENTS / KEYS - 1);
	}
	rate_store_free(&shared);
}
END_TEST

/* ---- the middleware ---- */

static struct hand_made h;
static struct rate_store *slot;

static void setup(void)
{
	hand_made_init(&h);
	slot = NULL;
}

static void teardown(void)
{
	rate_store_free(&slot);
	hand_made_fini(&h);
}

static void source_is(const char *ip)
{
	ck_assert(addr_parse(str_of(ip), 0, &h.x.source));
}

static bool passes(const struct toron_rate_limit *conf)
{
	enum toron_verdict v;

	h.x.chain_answered = false;
	v = toron_rate_limit_request(&h.x, conf);
	ck_assert(v == TORON_NEXT || v == TORON_ANSWERED);
	ck_assert_int_eq(v == TORON_ANSWERED, h.x.chain_answered);
	return v == TORON_NEXT;
}

START_TEST(answers_429)
{
	struct toron_rate_limit conf = { .name = "st\"rict",
		.origin = "g:1:1",
		.n = 1,
		.period_ms = 60000,
		.burst = 2,
		.key = TORON_KEY_SOURCE,
		.max_keys = 100,
		.store = &slot };

	ck_assert_int_eq(toron_rate_limit_start(&conf), 0);
	struct rate_store *first = slot;

	ck_assert_int_eq(toron_rate_limit_start(&conf), 0);
	ck_assert_ptr_eq(slot, first);
	ck_assert(passes(&conf));
	ck_assert(passes(&conf));
	ck_assert(!passes(&conf));
	ck_assert_uint_eq(h.x.response.status, 429);
	ck_assert_text(hand_made_answer_field(&h, "retry-after"), "60");
	ck_assert_text(hand_made_answer_field(&h, "ratelimit-policy"), "\"st\\\"rict\";q=1;w=60");
	ck_assert_text(hand_made_answer_field(&h, "ratelimit"), "\"st\\\"rict\";r=0;t=60");
}
END_TEST

/* IPv4 by address, IPv6 by /64. */
START_TEST(keys_of_sources)
{
	struct toron_rate_limit conf = { .name = "a",
		.n = 1,
		.period_ms = 60000,
		.burst = 1,
		.key = TORON_KEY_SOURCE,
		.max_keys = 100,
		.store = &slot };

	ck_assert_int_eq(toron_rate_limit_start(&conf), 0);
	source_is("192.0.2.1");
	ck_assert(passes(&conf));
	ck_assert(!passes(&conf));
	source_is("192.0.2.2");
	ck_assert(passes(&conf));
	source_is("2001:db8:0:1::1");
	ck_assert(passes(&conf));
	source_is("2001:db8:0:1:ffff::2");
	ck_assert(!passes(&conf));
	source_is("2001:db8:0:2::1");
	ck_assert(passes(&conf));
}
END_TEST

START_TEST(keys_of_headers)
{
	struct toron_rate_limit conf = { .name = "a",
		.n = 1,
		.period_ms = 500,
		.burst = 1,
		.key = TORON_KEY_HEADER,
		.key_arg = STR_INIT("x-key"),
		.max_keys = 100,
		.store = &slot };

	ck_assert_int_eq(toron_rate_limit_start(&conf), 0);
	toron_request_header_set(&h.x, STR("x-key"), STR("one"));
	ck_assert(passes(&conf));
	ck_assert(!passes(&conf));
	ck_assert_text(hand_made_answer_field(&h, "retry-after"), "1");
	toron_request_header_set(&h.x, STR("x-key"), STR("two"));
	ck_assert(passes(&conf));
	toron_request_header_remove(&h.x, STR("x-key")); /* then by source */
	ck_assert(passes(&conf));
	ck_assert(!passes(&conf));
	source_is("192.0.2.99");
	ck_assert(passes(&conf));
}
END_TEST

START_TEST(keys_of_routes)
{
	struct toron_rate_limit conf = { .name = "a",
		.n = 1,
		.period_ms = 60000,
		.burst = 1,
		.key = TORON_KEY_ROUTE,
		.max_keys = 100,
		.store = &slot };
	struct toron_route other = { 0 };

	ck_assert_int_eq(toron_rate_limit_start(&conf), 0);
	ck_assert(passes(&conf));
	source_is("192.0.2.99");
	ck_assert(!passes(&conf));
	h.x.route = &other;
	ck_assert(passes(&conf));
}
END_TEST

Suite *suite_rate_limit(void);

Suite *suite_rate_limit(void)
{
	Suite *s = suite_create("rate_limit");
	TCase *store = tcase_create("store"), *middleware = tcase_create("middleware");

	tcase_add_test(store, burst_then_rate);
	tcase_add_test(store, long_run);
	tcase_add_test(store, clock_goes_back);
	tcase_add_test(store, extremes);
	tcase_add_test(store, capacity);
	tcase_add_test(store, evicts_least_due);
	tcase_add_test(store, many_keys);
	tcase_add_test(store, threads_share);
	suite_add_tcase(s, store);
	tcase_add_checked_fixture(middleware, setup, teardown);
	tcase_add_test(middleware, answers_429);
	tcase_add_test(middleware, keys_of_sources);
	tcase_add_test(middleware, keys_of_headers);
	tcase_add_test(middleware, keys_of_routes);
	suite_add_tcase(s, middleware);
	return s;
}
