/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>
#include <stdlib.h>


#include "http/body.h"
#include "http/field.h"
#include "loop/loop.h"

static struct loop *loop;
static struct buf_pool *pool;
static struct body body;

static void begin(void)
{
	loop = loop_new();
	pool = buf_pool_new(loop, 0);
	body_init(&body, 1000);
}

static void finish(void)
{
	body_fini(&body);
	ck_assert_uint_eq(buf_pool_lent(pool), 0);
	buf_pool_free(&pool);
	loop_free(&loop);
}

START_TEST(three_cursors)
{
	struct buf *b = buf_acquire(pool, 100);
	struct iovec iov[8];

	body_append(&body, b->bytes, 60, b);
	body_append(&body, b->bytes + 60, 40, b); /* adjacent: one segment */
	ck_assert_uint_eq(b->refs, 2);
	ck_assert_int_eq(body_peek(&body, iov, 8), 1);
	ck_assert_uint_eq(iov[0].iov_len, 100);
	ck_assert_uint_eq(body_room(&body), 900);
	body_sent(&body, 70);
	ck_assert_uint_eq(body_unsent(&body), 30);
	ck_assert_uint_eq(body_room(&body), 900); /* sent is not released */
	ck_assert_int_eq(body_peek(&body, iov, 8), 1);
	ck_assert_ptr_eq(iov[0].iov_base, b->bytes + 70);
	body_release(&body, 70);
	ck_assert_uint_eq(body_room(&body), 970);
	body_sent(&body, 30);
	body_release(&body, 30);
	ck_assert_uint_eq(b->refs, 1);
	body.end = true;
	ck_assert(body_is_spent(&body));
	buf_release(&b);
}
END_TEST

START_TEST(segments_are_bounded)
{
	struct buf *b = buf_acquire(pool, 1000);
	struct iovec iov[BODY_SEGMENTS];

	for (int i = 0; i < BODY_SEGMENTS; i++) {
		ck_assert_uint_gt(body_room(&body), 0);
		body_append(&body, b->bytes + 10 * i, 5, b);
	}
	ck_assert_uint_eq(body_room(&body), 0);
	ck_assert_int_eq(body_peek(&body, iov, BODY_SEGMENTS), BODY_SEGMENTS);
	body_sent(&body, 12);
	body_release(&body, 12);
	ck_assert_uint_gt(body_room(&body), 0);
	ck_assert_int_eq(body_peek(&body, iov, BODY_SEGMENTS), BODY_SEGMENTS - 2);
	ck_assert_uint_eq(iov[0].iov_len, 3);
	buf_release(&b);
}
END_TEST

/* A file stands in its place among the pieces, and takes no room but that. */
START_TEST(stretches_of_files)
{
	struct iovec iov[BODY_SEGMENTS];
	uint64_t from = 0;
	int fd = -1;

	body_append(&body, "head", 4, NULL);
	ck_assert_uint_eq(body_peek_file(&body, 1, &fd, &from), 0);
	body_append_file(&body, 7, (uint64_t)5 << 32, 1u << 30);
	ck_assert_uint_eq(body_room(&body), 0);
	ck_assert_uint_eq(body_unsent(&body), (1u << 30) + 4);
	ck_assert_int_eq(body_peek(&body, iov, BODY_SEGMENTS), 1);
	ck_assert_uint_eq(iov[0].iov_len, 4);
	ck_assert_uint_eq(body_peek_file(&body, 0, &fd, &from), 0); /* the head comes first */
	ck_assert_uint_eq(body_peek_file(&body, 1, &fd, &from), 1u << 30);
	ck_assert_int_eq(fd, 7);
	ck_assert_uint_eq(from, (uint64_t)5 << 32);
	/* A part of it is sent, and then released. */
	body_sent(&body, 104);
	ck_assert_int_eq(body_peek(&body, iov, BODY_SEGMENTS), 0);
	ck_assert_uint_eq(body_peek_file(&body, 0, &fd, &from), (1u << 30) - 100);
	ck_assert_uint_eq(from, ((uint64_t)5 << 32) + 100);
	body_release(&body, 104);
	ck_assert_uint_eq(body_peek_file(&body, 0, &fd, &from), (1u << 30) - 100);
	ck_assert_uint_eq(from, ((uint64_t)5 << 32) + 100);
	body_sent(&body, (1u << 30) - 600);
	body_release(&body, (1u << 30) - 600);
	ck_assert_uint_eq(body_room(&body), 500);
	body_append(&body, "tail", 4, NULL);
	ck_assert_int_eq(body_peek(&body, iov, BODY_SEGMENTS), 0);
	ck_assert_uint_eq(body_peek_file(&body, 1, &fd, &from), 0); /* that is memory */
	ck_assert_uint_eq(body_peek_file(&body, 0, &fd, &from), 500);
	body_drop(&body);
	ck_assert_uint_eq(body_room(&body), 1000);
}
END_TEST

/* What is there moves along, in its order, from wherever the usual ring began. */
START_TEST(a_wider_body_keeps_what_it_has)
{
	struct buf *b = buf_acquire(pool, 1000);
	struct body_segment ring[16];
	struct iovec iov[16];

	for (int i = 0; i < BODY_SEGMENTS; i++)
		body_append(&body, b->bytes + 10 * i, 5, b);
	body_sent(&body, 15);
	body_release(&body, 15);
	body_append(&body, b->bytes + 80, 5, b);
	body_widen(&body, 2000, ring, 16);
	for (int i = 0; i < 10; i++) {
		ck_assert_uint_eq(body_room(&body), 2000 - (body.appended - body.released));
		body_append(&body, b->bytes + 90 + 10 * i, 5, b);
	}
	ck_assert_uint_eq(body_room(&body), 0);
	ck_assert_int_eq(body_peek(&body, iov, 16), 16);
	for (int i = 0; i < 16; i++) {
		ck_assert_ptr_eq(iov[i].iov_base, b->bytes + 30 + 10 * i);
		ck_assert_uint_eq(iov[i].iov_len, 5);
	}
	body_sent(&body, 80);
	body_release(&body, 80);
	ck_assert_uint_eq(b->refs, 1);
	buf_release(&b);
}
END_TEST

START_TEST(every_token_is_found)
{
	for (int t = FIELD_OTHER + 1; t < FIELD_TOKEN_COUNT; t++)
		ck_assert_int_eq(field_token(field_token_name((enum field_token)t)), t);
	ck_assert_int_eq(field_token(STR("x-hostx")), FIELD_OTHER);
	ck_assert_int_eq(field_token(STR("hos2")), FIELD_OTHER);
}
END_TEST

START_TEST(fields_set_replaces_all)
{
	struct arena a;
	struct fields f = { 0 };

	arena_init(&a, NULL, 0, 1 << 16);
	fields_add(&f, &a, STR("a"), STR("1"));
	fields_add(&f, &a, STR("b"), STR("2"));
	fields_add(&f, &a, STR("a"), STR("3"));
	ck_assert(fields_set(&f, &a, STR("a"), STR("4")));
	ck_assert_int_eq(f.n, 2);
	ck_assert(str_eq(fields_find(&f, STR("a"))->value, STR("4")));
	fields_add(&f, &a, STR("connection"), STR("x, , Close"));
	ck_assert(fields_has_member(&f, FIELD_CONNECTION, STR("close")));
	ck_assert(!fields_has_member(&f, FIELD_CONNECTION, STR("clos")));
	arena_fini(&a);
}
END_TEST

/* Sends and releases all there is, as a codec does. */
static void consume(void)
{
	size_t n = body_unsent(&body);

	body_sent(&body, n);
	body_release(&body, n);
}

START_TEST(held_bytes_can_be_sent_again)
{
	struct buf *b = buf_acquire(pool, 100);
	struct iovec iov[8];

	body_hold(&body, 200);
	body_append(&body, b->bytes, 40, b);
	consume();
	ck_assert_uint_eq(b->refs, 2);
	ck_assert(body_can_rewind(&body));
	body_rewind(&body);
	body_append(&body, b->bytes + 40, 10, b);
	ck_assert_uint_eq(body_unsent(&body), 50);
	ck_assert_int_eq(body_peek(&body, iov, 8), 1);
	ck_assert_ptr_eq(iov[0].iov_base, b->bytes);
	/* In part only, and once more. */
	body_sent(&body, 30);
	body_release(&body, 20);
	body_rewind(&body);
	ck_assert_uint_eq(body_unsent(&body), 50);
	consume();
	body.end = true;
	ck_assert(body_is_spent(&body));
	body_let_go(&body);
	ck_assert(!body_can_rewind(&body));
	ck_assert_uint_eq(b->refs, 1);
	ck_assert_uint_eq(body.released, 50);
	buf_release(&b);
}
END_TEST

START_TEST(what_is_held_never_blocks_the_producer)
{
	struct buf *b = buf_acquire(pool, 4000);
	size_t at = 0;

	/* More than may be kept, in any pieces: there is always room again once all was consumed. */
	body_hold(&body, 5000); /* above the queue's own limit of 1000 */
	for (size_t piece = 1; at < 4000; piece = piece * 7 % 611 + 1) {
		size_t room = body_room(&body), n = piece;

		ck_assert_uint_gt(room, 0);
		n = n < room ? n : room;
		n = n < 4000 - at ? n : 4000 - at;
		body_append(&body, b->bytes + at, n, b);
		at += n;
		consume();
	}
	ck_assert(!body_can_rewind(&body));
	body_fini(&body);
	/* Many segments. */
	body_init(&body, 1000);
	body_hold(&body, 900);
	for (int i = 0; i < 50; i++) {
		ck_assert_uint_gt(body_room(&body), 0);
		body_append(&body, b->bytes + (i % 2) * 100, 1, b);
		if (i < 6)
			ck_assert(body_can_rewind(&body));
		consume();
	}
	ck_assert(!body_can_rewind(&body));
	ck_assert_uint_eq(body.released, 50);
	body_fini(&body);
	buf_release(&b);
}
END_TEST

Suite *suite_body(void);

Suite *suite_body(void)
{
	Suite *s = suite_create("body");
	TCase *t = tcase_create("body");

	tcase_add_checked_fixture(t, begin, finish);
	tcase_add_test(t, three_cursors);
	tcase_add_test(t, segments_are_bounded);
	tcase_add_test(t, stretches_of_files);
	tcase_add_test(t, a_wider_body_keeps_what_it_has);
	tcase_add_test(t, every_token_is_found);
	tcase_add_test(t, fields_set_replaces_all);
	tcase_add_test(t, held_bytes_can_be_sent_again);
	tcase_add_test(t, what_is_held_never_blocks_the_producer);
	suite_add_tcase(s, t);
	return s;
}
