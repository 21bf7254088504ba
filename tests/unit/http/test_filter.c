/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "http/exchange.h"
#include "net/buf.h"

/* An exchange with as much as filters see of it. */
static struct exchange x;
static struct worker worker;

static void begin(void)
{
	memset(&x, 0, sizeof(x));
	worker.loop = loop_new();
	worker.bufs = buf_pool_new(worker.loop, 0);
	x.magic = EXCHANGE_MAGIC;
	x.worker = &worker;
	x.request.kind = MSG_REQUEST;
	x.response.kind = MSG_RESPONSE;
	body_init(&x.request.body, EXCHANGE_BODY_LIMIT);
	body_init(&x.response.body, EXCHANGE_BODY_LIMIT);
}

static void finish(void)
{
	filters_close(&x, MSG_REQUEST);
	body_fini(&x.request.body);
	ck_assert_uint_eq(buf_pool_lent(worker.bufs), 0);
	buf_pool_free(&worker.bufs);
	loop_free(&worker.loop);
}

/* Doubles each byte, and says goodbye. */
struct doubler {
	struct filter filter;
	struct filter_out out;
	unsigned closed;
};

static enum fault double_bytes(struct filter *f, struct body *to)
{
	struct doubler *d = CONTAINER_OF(f, struct doubler, filter);
	enum fault fault = FAULT_NONE;
	struct iovec iov;
	size_t room;

	while (body_peek(&f->in, &iov, 1) == 1) {
		char *p = filter_reserve(f, &d->out, to, 2, &room, &fault);

		if (p == NULL)
			return fault;
		if (*(char *)iov.iov_base == '!')
			return FAULT_BAD_REQUEST;
		p[0] = p[1] = *(char *)iov.iov_base;
		filter_commit(&d->out, to, 2);
		body_sent(&f->in, 1);
		body_release(&f->in, 1);
	}
	to->end = f->in.end;
	filter_out_rest(&d->out, false);
	return FAULT_NONE;
}

static void close_doubler(struct filter *f)
{
	struct doubler *d = CONTAINER_OF(f, struct doubler, filter);

	d->closed++;
	filter_out_rest(&d->out, true);
}

static const struct filter_ops doubler_ops = { .name = "doubler", .run = double_bytes, .close = close_doubler };
static struct doubler one, two;

static void add(struct doubler *d)
{
	*d = (struct doubler){ .filter = { .ops = &doubler_ops } };
	filter_add(&x, MSG_REQUEST, &d->filter);
}

static size_t take_all(void)
{
	struct iovec iov[BODY_SEGMENTS];
	size_t total = 0;
	int n = body_peek(&x.request.body, iov, BODY_SEGMENTS);

	for (int i = 0; i < n; i++) {
		for (size_t k = 0; k < iov[i].iov_len; k++)
			ck_assert_int_eq(((char *)iov[i].iov_base)[k], 'a');
		total += iov[i].iov_len;
	}
	body_sent(&x.request.body, total);
	body_release(&x.request.body, total);
	return total;
}

START_TEST(what_was_there_goes_through)
{
	ck_assert_ptr_eq(exchange_body_in(&x, MSG_REQUEST), &x.request.body);
	body_append(&x.request.body, "aaa", 3, NULL);
	x.request.body.end = true;
	add(&one);
	ck_assert_ptr_eq(exchange_body_in(&x, MSG_REQUEST), &one.filter.in);
	ck_assert_ptr_eq(exchange_body_in(&x, MSG_RESPONSE), &x.response.body);
	ck_assert(!x.request.body.end);
	ck_assert_int_eq(filters_run(&x, MSG_REQUEST), FAULT_NONE);
	ck_assert(x.request.body.end);
	ck_assert_uint_eq(take_all(), 6);
}
END_TEST

START_TEST(in_a_row)
{
	add(&one);
	add(&two);
	body_append(exchange_body_in(&x, MSG_REQUEST), "aaaaa", 5, NULL);
	ck_assert_int_eq(filters_run(&x, MSG_REQUEST), FAULT_NONE);
	ck_assert_uint_eq(take_all(), 20);
	filters_close(&x, MSG_REQUEST);
	ck_assert_uint_eq(one.closed + two.closed, 2);
}
END_TEST

/* A consumer that takes nothing stops the first filter, and no byte is lost. */
START_TEST(back_pressure)
{
	static char many[EXCHANGE_BODY_LIMIT];
	struct body *in;
	size_t total = 0, given = 0;

	memset(many, 'a', sizeof(many));
	add(&one);
	add(&two);
	in = exchange_body_in(&x, MSG_REQUEST);
	for (int i = 0; i < 200; i++) {
		size_t room = body_room(in);

		if (room != 0) {
			body_append(in, many, room, NULL);
			given += room;
		}
		ck_assert_int_eq(filters_run(&x, MSG_REQUEST), FAULT_NONE);
	}
	ck_assert_uint_eq(body_room(in), 0);
	ck_assert_uint_le(given, 2 * EXCHANGE_BODY_LIMIT);
	in->end = true;
	while (!x.request.body.end || body_unsent(&x.request.body) != 0) {
		size_t n = take_all();

		total += n;
		ck_assert_int_eq(filters_run(&x, MSG_REQUEST), FAULT_NONE);
		ck_assert(n != 0 || body_unsent(&x.request.body) != 0 || x.request.body.end);
	}
	ck_assert_uint_eq(total, given * 4);
}
END_TEST

/* The producer goes on to count where it was. */
START_TEST(a_fault_and_the_end)
{
	add(&one);
	body_append(exchange_body_in(&x, MSG_REQUEST), "aa!a", 4, NULL);
	exchange_body_in(&x, MSG_REQUEST)->end = true;
	ck_assert_int_eq(filters_run(&x, MSG_REQUEST), FAULT_BAD_REQUEST);
	filters_close(&x, MSG_REQUEST);
	ck_assert_ptr_eq(exchange_body_in(&x, MSG_REQUEST), &x.request.body);
	ck_assert(body_is_spent(&x.request.body));
	ck_assert_uint_eq(x.request.body.appended, 4);
	ck_assert_uint_eq(x.request.body.released, 4);
}
END_TEST

START_TEST(bytes_move_by_reference)
{
	struct buf *b = buf_acquire(worker.bufs, 100);
	struct body from, to;
	struct iovec iov;

	body_init(&from, 1000);
	body_init(&to, 50);
	body_append(&from, b->bytes, 100, b);
	ck_assert_uint_eq(body_forward(&from, &to, 20), 20);
	ck_assert_uint_eq(body_forward(&from, &to, SIZE_MAX), 30);
	ck_assert_uint_eq(body_forward(&from, &to, SIZE_MAX), 0);
	ck_assert_int_eq(body_peek(&to, &iov, 1), 1);
	ck_assert_ptr_eq(iov.iov_base, b->bytes);
	ck_assert_uint_eq(iov.iov_len, 50);
	body_drop(&to);
	ck_assert_uint_eq(body_forward(&from, &to, SIZE_MAX), 50);
	ck_assert_uint_eq(from.released, 100);
	body_drop(&to);
	ck_assert_uint_eq(b->refs, 1);
	buf_release(&b);
	body_fini(&from);
	body_fini(&to);
}
END_TEST

Suite *suite_filter(void)
{
	Suite *s = suite_create("filter");
	TCase *t = tcase_create("filter");

	tcase_add_checked_fixture(t, begin, finish);
	tcase_add_test(t, what_was_there_goes_through);
	tcase_add_test(t, in_a_row);
	tcase_add_test(t, back_pressure);
	tcase_add_test(t, a_fault_and_the_end);
	tcase_add_test(t, bytes_move_by_reference);
	suite_add_tcase(s, t);
	return s;
}
