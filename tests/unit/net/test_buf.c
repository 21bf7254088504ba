/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>
#include <string.h>

#include "loop/loop.h"
#include "net/buf.h"

static struct loop *l;
static struct buf_pool *p;

static void setup(void)
{
	l = loop_new();
	p = buf_pool_new(l, 2 * BUF_LARGE);
	ck_assert_ptr_nonnull(p);
}

static void teardown(void)
{
	buf_pool_free(&p);
	loop_free(&l);
}

START_TEST(the_size_fits_what_is_wanted)
{
	struct buf *small = buf_acquire(p, 1), *fits = buf_acquire(p, BUF_SMALL - sizeof(struct buf));
	struct buf *large = buf_acquire(p, BUF_SMALL - sizeof(struct buf) + 1);

	ck_assert_uint_eq(small->cap, BUF_SMALL - sizeof(struct buf));
	ck_assert_uint_eq(fits->cap, small->cap);
	ck_assert_uint_eq(large->cap, BUF_LARGE - sizeof(struct buf));
	ck_assert_uint_eq(buf_pool_lent(p), 2 * BUF_SMALL + BUF_LARGE);
	memset(large->bytes, 'x', large->cap);
	buf_release(&small);
	buf_release(&fits);
	buf_release(&large);
	buf_release(&large);
	ck_assert_ptr_null(large);
	ck_assert_uint_eq(buf_pool_lent(p), 0);
}
END_TEST

START_TEST(the_last_reference_gives_back)
{
	struct buf *b = buf_acquire(p, 100), *again = buf_ref(b);

	buf_release(&b);
	ck_assert_uint_eq(buf_pool_lent(p), BUF_SMALL);
	memset(again->bytes, 'y', again->cap);
	buf_release(&again);
	ck_assert_uint_eq(buf_pool_lent(p), 0);
}
END_TEST

START_TEST(what_must_go_out_goes_beyond_the_budget)
{
	struct buf *held[64], *one, *again;
	size_t n = 0, total;

	while (n < 64 && (held[n] = buf_acquire(p, 1)) != NULL)
		n++;
	ck_assert_uint_lt(n, 64);
	total = buf_pool_total(p);
	one = buf_acquire_beyond(p);
	ck_assert_ptr_nonnull(one);
	memset(one->bytes, 'z', one->cap);
	ck_assert_uint_eq(buf_pool_total(p), total + BUF_SMALL);
	ck_assert_ptr_null(buf_acquire(p, 1));
	buf_release(&held[--n]);
	again = buf_acquire_beyond(p); /* one that was given back */
	ck_assert_uint_le(buf_pool_total(p), total + BUF_SMALL);
	buf_release(&again);
	buf_release(&one);
	while (n > 0)
		buf_release(&held[--n]);
	ck_assert_uint_eq(buf_pool_lent(p), 0);
}
END_TEST

START_TEST(the_budget_holds)
{
	struct buf *large[3], *small[9];

	large[0] = buf_acquire(p, 60000);
	large[1] = buf_acquire(p, 60000);
	ck_assert_ptr_nonnull(large[1]);
	ck_assert_ptr_null(buf_acquire(p, 60000));
	ck_assert_ptr_null(buf_acquire(p, 1));
	buf_release(&large[0]);
	buf_release(&large[1]);
	/* What is kept of one size makes room for the other. */
	for (int i = 0; i < 8; i++) {
		small[i] = buf_acquire(p, 1);
		ck_assert_ptr_nonnull(small[i]);
	}
	ck_assert_ptr_null(buf_acquire(p, 1));
	for (int i = 0; i < 8; i++)
		buf_release(&small[i]);
	large[2] = buf_acquire(p, 60000);
	ck_assert_ptr_nonnull(large[2]);
	buf_release(&large[2]);
}
END_TEST

START_TEST(an_unlimited_pool_has_no_budget)
{
	struct buf_pool *q = buf_pool_new(l, 0);
	struct buf *b = buf_acquire(q, 1000000);

	ck_assert_uint_eq(b->cap, BUF_LARGE - sizeof(struct buf));
	buf_release(&b);
	buf_pool_free(&q);
}
END_TEST

START_TEST(a_lent_buffer_outlives_its_pool)
{
	struct buf_pool *q = buf_pool_new(l, 0);
	struct buf *a = buf_acquire(q, 1), *b = buf_acquire(q, 1);

	buf_release(&a);
	buf_pool_free(&q);
	ck_assert_ptr_null(q);
	memset(b->bytes, 'z', b->cap);
	buf_release(&b);
}
END_TEST

static void on_end(struct loop_timer *t)
{
	loop_stop(t->loop);
}

START_TEST(a_quiet_pool_lets_go)
{
	struct buf *b[4];
	struct loop_timer end;

	for (int i = 0; i < 4; i++)
		b[i] = buf_acquire(p, 1);
	ck_assert_uint_eq(buf_pool_total(p), 4 * BUF_SMALL);
	for (int i = 0; i < 4; i++)
		buf_release(&b[i]);
	/* Instrumented builds keep nothing. */
	ck_assert(buf_pool_total(p) == 4 * BUF_SMALL || buf_pool_total(p) == 0);
	loop_timer_init(&end, l, on_end);
	loop_timer_set(&end, 2300);
	loop_run(l);
	loop_timer_fini(&end);
	ck_assert_uint_eq(buf_pool_total(p), 0);
	/* Still usable afterwards. */
	b[0] = buf_acquire(p, 1);
	ck_assert_uint_eq(b[0]->refs, 1);
	buf_release(&b[0]);
}
END_TEST

Suite *suite_buf(void)
{
	Suite *s = suite_create("buf");
	TCase *c = tcase_create("buf");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, the_size_fits_what_is_wanted);
	tcase_add_test(c, the_last_reference_gives_back);
	tcase_add_test(c, the_budget_holds);
	tcase_add_test(c, what_must_go_out_goes_beyond_the_budget);
	tcase_add_test(c, an_unlimited_pool_has_no_budget);
	tcase_add_test(c, a_lent_buffer_outlives_its_pool);
	tcase_add_test(c, a_quiet_pool_lets_go);
	suite_add_tcase(s, c);
	return s;
}
