/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* For fuzz targets of filters: an exchange whose legs the target plays, on a loop whose clock is the target's. What a peer sends waits
 * outside until there is room for it, as on a socket, and what comes out at the other end is kept. Linked with
 * -Wl,--wrap=clock_gettime,--wrap=epoll_wait. */
#pragma once

#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "base/check.h"
#include "http/exchange.h"
#include "net/buf.h"
#include "net/conn.h"
#include "toron/gateway.h"

#define FLOW_MOST (512u << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int __wrap_clock_gettime(clockid_t id, struct timespec *out);
int __real_epoll_wait(int fd, struct epoll_event *events, int n, int timeout);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int n, int timeout);

/* One direction. */
struct flow {
	struct leg leg;                           /* the producer's */
	uint8_t sent[FLOW_MOST], came[FLOW_MOST];
	size_t n_sent, n_fed, n_came;             /* fed: handed to the exchange */
	bool ends;                                /* nothing is sent any more */
};

static struct {
	struct worker worker;
	struct conn conn;
	struct loop_mail stop;
	uint64_t now_ms;
	struct exchange *x;                       /* NULL: it is over */
	struct flow flow[2];                      /* by enum msg_kind */
} play;

int __wrap_clock_gettime(clockid_t id, struct timespec *out)
{
	uint64_t base = id == CLOCK_REALTIME ? 1000000000u : 1000u;

	out->tv_sec = (time_t)(base + play.now_ms / 1000);
	out->tv_nsec = (long)(play.now_ms % 1000 * 1000000);
	return 0;
}

int __wrap_epoll_wait(int fd, struct epoll_event *events, int n, int timeout)
{
	(void)timeout;
	return __real_epoll_wait(fd, events, n, 0);
}

static void leg_head(struct leg *leg, const struct msg *m)
{
	(void)leg;
	(void)m;
}

static void leg_nothing(struct leg *leg)
{
	(void)leg;
}

static void leg_reset(struct leg *leg, enum fault fault)
{
	(void)fault;
	if (leg == &play.flow[MSG_REQUEST].leg)
		play.x = NULL; /* the exchange ends behind this */
	leg->x = NULL;
}

static const struct leg_ops leg_ops = { .name = "played", .head = leg_head, .more = leg_nothing, .room = leg_nothing, .reset = leg_reset };

static void on_stop(struct loop *l, struct loop_mail *m)
{
	(void)m;
	loop_stop(l);
}

static void case_turn(void)
{
	loop_post(play.worker.loop, &play.stop);
	loop_run(play.worker.loop);
}

/* What has been sent goes in as far as there is room, in pieces of at most `piece` bytes, and at most that many of them. */
static void case_feed(enum msg_kind kind, size_t piece, unsigned pieces)
{
	struct flow *f = &play.flow[kind];

	for (; play.x != NULL && f->leg.x != NULL && pieces > 0; pieces--) {
		struct body *in = exchange_body_in(play.x, kind);
		size_t room = body_room(in), n = f->n_sent - f->n_fed;

		if (in->end || (n == 0 && !f->ends) || (n != 0 && room == 0))
			return;
		n = n < piece ? n : piece;
		n = n < room ? n : room;
		/* As a socket's buffer: the bytes have an owner, and are gone when it is. */
		if (n != 0) {
			struct buf *b = buf_acquire(play.worker.bufs, n < BUF_SMALL / 2 ? n : BUF_SMALL / 2);

			n = n < b->cap ? n : b->cap;
			memcpy(b->bytes, f->sent + f->n_fed, n);
			body_append(in, b->bytes, n, b);
			buf_release(&b);
		}
		f->n_fed += n;
		if (f->n_fed == f->n_sent && f->ends)
			exchange_end(play.x, &f->leg);
		exchange_more(play.x, &f->leg);
	}
}

/* The other side takes up to n bytes. */
static void case_take(enum msg_kind kind, size_t n)
{
	struct flow *f = &play.flow[kind];
	struct body *b = play.x == NULL ? NULL : kind == MSG_REQUEST ? &play.x->request.body : &play.x->response.body;
	struct iovec iov;
	bool any = false;

	while (b != NULL && n > 0 && f->n_came < FLOW_MOST && body_peek(b, &iov, 1) == 1) {
		size_t len = iov.iov_len < n ? iov.iov_len : n;

		len = len < FLOW_MOST - f->n_came ? len : FLOW_MOST - f->n_came;
		memcpy(f->came + f->n_came, iov.iov_base, len);
		f->n_came += len;
		body_sent(b, len);
		body_release(b, len);
		n -= len;
		any = true;
	}
	if (any)
		exchange_room(play.x, &play.flow[kind == MSG_REQUEST ? MSG_RESPONSE : MSG_REQUEST].leg);
}

static void case_begin(void)
{
	static const struct toron_gateway gateway = { .name = "fuzz" };
	static const struct toron_listener listener = { .name = "web", .origin = "web" };
	struct worker *w = &play.worker;

	for (unsigned i = 0; i < 2; i++) {
		struct flow *f = &play.flow[i];

		f->leg = (struct leg){ .ops = &leg_ops };
		f->n_sent = f->n_fed = f->n_came = 0;
		f->ends = false;
	}
	memset(w, 0, sizeof(*w));
	play.now_ms = 0;
	play.stop.fn = on_stop;
	w->gateway = &gateway;
	w->loop = loop_new();
	list_init(&w->fronts);
	w->bufs = buf_pool_new(w->loop, 0);
	w->exchanges = exchange_pool_new(w);
	play.conn.worker = w;
	addr_parse(STR("192.0.2.1"), 1, &play.conn.peer);
	play.x = exchange_new(&play.conn, &listener, &play.flow[MSG_REQUEST].leg);
	play.flow[MSG_REQUEST].leg.x = play.x;
	play.x->back = &play.flow[MSG_RESPONSE].leg;
	play.flow[MSG_RESPONSE].leg.x = play.x;
	play.x->state = EXCHANGE_ANSWERING;
}

static void case_end(void)
{
	if (play.x != NULL)
		exchange_done(play.x);
	case_turn();
	CHECK(exchange_pool_live(play.worker.exchanges) == 0 && buf_pool_lent(play.worker.bufs) == 0);
	exchange_pool_free(&play.worker.exchanges);
	buf_pool_free(&play.worker.bufs);
	loop_free(&play.worker.loop);
}

static void case_send(enum msg_kind kind, const uint8_t *bytes, size_t n)
{
	struct flow *f = &play.flow[kind];

	if (f->ends || n > FLOW_MOST / 2 - f->n_sent)
		return;
	memcpy(f->sent + f->n_sent, bytes, n);
	f->n_sent += n;
}

/* The input, byte by byte; zeros behind its end. */
struct script {
	const uint8_t *at, *end;
};

static uint8_t script_byte(struct script *s)
{
	return s->at < s->end ? *s->at++ : 0;
}

/* Both sides end, and read all that there is. */
static void case_finish(void)
{
	play.flow[MSG_REQUEST].ends = play.flow[MSG_RESPONSE].ends = true;
	for (unsigned i = 0; i < 64; i++) {
		for (unsigned kind = 0; kind < 2; kind++) {
			case_feed(kind, FLOW_MOST, 64);
			case_take(kind, FLOW_MOST);
		}
		case_turn();
	}
}
