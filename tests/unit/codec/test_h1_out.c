/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* HTTP/1.1's output on a transport that takes a few bytes at a time: wherever it stops, what is left goes on in order. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "codec/h1/h1.h"
#include "unit/http/hand_made.h"

#define PIECE 700u

static struct hand_made made;
static struct h1 h;
static char wire[16384], text[PIECE];
static size_t wire_len, take;
static int peer;

static ptrdiff_t take_some(struct conn *c, const struct iovec *iov, int n)
{
	size_t left = take;

	(void)c;
	for (int i = 0; i < n && left != 0; i++) {
		size_t part = iov[i].iov_len < left ? iov[i].iov_len : left;

		ck_assert_uint_le(wire_len + part, sizeof(wire));
		memcpy(wire + wire_len, iov[i].iov_base, part);
		wire_len += part;
		left -= part;
	}
	return (ptrdiff_t)(take - left);
}

static void close_it(struct conn *c, bool abort)
{
	(void)abort;
	close(c->fd);
}

static void told(struct conn *c)
{
	(void)c;
}

static void no_room(struct leg *leg)
{
	(void)leg;
}

static void begin(void)
{
	static const struct conn_ops ops = { .name = "drops", .writev = take_some, .close = close_it };
	static const struct conn_user user = { .readable = told, .writable = told, .timeout = told };
	static const struct leg_ops back_ops = { .name = "back", .room = no_room };
	static struct leg back = { .ops = &back_ops };
	static const struct addr nobody;
	int fds[2];

	hand_made_init(&made);
	made.worker.bufs = buf_pool_new(made.worker.loop, 0);
	memset(&h, 0, sizeof(h));
	h1_init(&h, true);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	peer = fds[1];
	conn_init(&h.conn, &made.worker, fds[0], &nobody, &user);
	h.conn.ops = &ops;
	h.front.listener = &made.listener;
	h.leg.x = &made.x;
	made.x.front = &h.leg;
	made.x.back = &back;
	made.x.state = EXCHANGE_ANSWERING;
	h.in_state = H1_IN_DONE;
	wire_len = 0;
	for (size_t i = 0; i < PIECE; i++)
		text[i] = (char)('a' + i % 26);
}

static void finish(void)
{
	buf_release(&h.out);
	conn_close(&h.conn);
	close(peer);
	ck_assert_uint_eq(buf_pool_lent(made.worker.bufs), 0);
	buf_pool_free(&made.worker.bufs);
	hand_made_fini(&made);
}

/* Sends pieces of these sizes, each once the one before is out, and looks at what came. */
static void send_chunks(const size_t *sizes, size_t n)
{
	char want[sizeof(wire)];
	size_t want_len = 0;

	begin();
	h.out_state = H1_OUT_CHUNKED;
	for (size_t i = 0; i < n; i++) {
		body_append(&made.x.response.body, text, sizes[i], NULL);
		do
			h1_more(&h.leg);
		while (h.blocked);
		want_len += (size_t)snprintf(want + want_len, sizeof(want) - want_len, "%zx\r\n%.*s\r\n", sizes[i],
			(int)sizes[i], text);
	}
	ck_assert_msg(wire_len == want_len && memcmp(wire, want, want_len) == 0, "%zu bytes at a time", take);
	ck_assert_uint_eq(body_unsent(&made.x.response.body), 0);
	finish();
}

START_TEST(chunks_go_on_wherever_the_transport_stops)
{
	static const size_t sizes[] = { 1, 5, 16, 100, PIECE };

	for (take = 1; take <= PIECE + 10; take++)
		send_chunks(sizes, ARRAY_LEN(sizes));
}
END_TEST

Suite *suite_h1_out(void)
{
	Suite *s = suite_create("h1_out");
	TCase *t = tcase_create("h1_out");

	tcase_add_test(t, chunks_go_on_wherever_the_transport_stops);
	suite_add_tcase(s, t);
	return s;
}
