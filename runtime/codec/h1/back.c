/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* HTTP/1.1 in the back role: requests out, responses in. */
#include "codec/h1/h1.h"

#include <stdlib.h>

#include "base/clock.h"

#define INTERIM_MAX 16 /* 1xx heads before a final one */

static struct h1 *of_back(struct back_conn *b)
{
	return CONTAINER_OF(b, struct h1, back.conn);
}

static void back_close(struct h1 *h, bool abort)
{
	if (h->closed)
		return;
	h1_close(h, abort);
	h->back.conn.user->gone(&h->back.conn);
}

static void back_fault(struct h1 *h, enum fault fault)
{
	struct exchange *x = h->leg.x;

	h->leg.x = NULL;
	back_close(h, true);
	if (x != NULL)
		exchange_fault(x, &h->leg, fault);
}

/* When the server's pace is due; 0: it is not. */
static uint64_t pace_time(struct h1 *h)
{
	const struct toron_pace *least = &h->back.conn.limits.response;
	bool sends = h->leg.x != NULL && !h->stalled &&
		     (h->in_state == H1_IN_LENGTH || h->in_state == H1_IN_CHUNKED || h->in_state == H1_IN_UNTIL_CLOSE);

	if (least->bytes == 0)
		return 0;
	return pace_due(&h->in_pace, least, sends, sends ? h1_in_body(h)->appended : 0,
		loop_now_ms(h->conn.worker->loop));
}

/* While there is no answer's head; 0: the front is waited for, which has limits of its own. What comes of the head, or behind the request,
 * does not begin the limit anew. */
static uint64_t answer_time_left(struct h1 *h)
{
	const struct back_limits *l = &h->back.conn.limits;

	if (h->blocked)
		return h1_time_left(h, h->blocked_ms, l->idle_ms);
	if (!h1_out_is_complete(h) && !exchange_awaits_go(h->leg.x)) {
		h->back.asked_ms = 0;
		return 0;
	}
	if (h->back.asked_ms == 0)
		h->back.asked_ms = loop_now_ms(h->conn.worker->loop);
	return h1_time_left(h, h->back.asked_ms, l->first_byte_ms);
}

void h1_back_deadline(struct h1 *h)
{
	const struct back_limits *l = &h->back.conn.limits;
	uint64_t ms = l->idle_ms;

	if (h->closed)
		return;
	if (h->back.connecting)
		ms = l->connect_ms;
	else if (h->leg.x == NULL)
		ms = l->pool_idle_ms;
	else if ((h->stalled && !h->blocked) || h->leg.x->is_watched)
		ms = 0; /* the front is slow, or whoever watches the tunnel has limits of its own */
	else if (h->in_state == H1_IN_IDLE)
		ms = answer_time_left(h);
	h1_deadline(h, ms, pace_time(h));
}

/* The exchange is over on this side; the connection serves another or goes. */
static void release(struct h1 *h)
{
	/* stalled: there are bytes for which there was no buffer. */
	if (!h->keep_alive || h->eof || h->stalled || h->out_state != H1_OUT_DONE || h->in_at != h->in_end ||
	    h->conn.worker->draining) {
		back_close(h, false);
		return;
	}
	h->in_state = H1_IN_IDLE;
	h->out_state = H1_OUT_IDLE;
	h->scanned = 0;
	h->back.answered = false;
	h->back.n_interim = 0;
	h1_back_deadline(h);
	h->back.conn.user->over(&h->back.conn);
}

/* Both directions are through: lets go. */
static struct exchange *let_go(struct h1 *h)
{
	struct exchange *x = h->leg.x;

	h->leg.x = NULL;
	exchange_back_done(x);
	release(h);
	return x;
}

void h1_back_in_done(struct h1 *h)
{
	struct exchange *x = h->leg.x;

	if (h1_out_is_complete(h))
		x = let_go(h);
	exchange_more(x, &h->leg);
}

void h1_back_progress(struct h1 *h)
{
	if (h->closed)
		return;
	if (h->leg.x != NULL && h->back.head_failed) {
		back_fault(h, FAULT_NO_MEMORY);
		return;
	}
	if (h->leg.x != NULL && h->in_state == H1_IN_DONE && h1_out_is_complete(h))
		exchange_more(let_go(h), &h->leg);
	else if (h->leg.x != NULL)
		h1_back_deadline(h);
}

/* ---- input ---- */

static bool begin_tunnel(struct h1 *h)
{
	h->in_state = H1_IN_TUNNEL;
	h->out_state = H1_OUT_TUNNEL;
	h->keep_alive = false;
	exchange_head(h->leg.x, &h->leg);
	return true;
}

static bool is_interim(const struct msg *m)
{
	return m->status < 200 && m->status != 101;
}

static bool on_response(struct h1 *h, const struct h1_head *head)
{
	struct exchange *x = h->leg.x;
	struct msg *m = &x->response;

	if (m->status == 101) {
		if (x->request.protocol.ptr == NULL || !str_eq_nocase(m->protocol, x->request.protocol)) {
			back_fault(h, FAULT_BACK_PROTOCOL);
			return false;
		}
		return begin_tunnel(h);
	}
	if (is_interim(m)) {
		if (++h->back.n_interim > INTERIM_MAX) {
			back_fault(h, FAULT_BACK_PROTOCOL);
			return false;
		}
		h->back.asked_ms = 0;
		exchange_head(x, &h->leg);
		return true;
	}
	h->back.answered = true;
	h->keep_alive = head->keep_alive;
	h1_begin_body(h, head, m);
	exchange_head(x, &h->leg);
	return true;
}

/* A head is most often whole: it is parsed at once. One that is cut off is looked at again when its end is there. */
static enum fault parse_head(struct h1 *h, struct exchange *x, struct h1_head *head)
{
	struct h1_limits limits = h1_limits_of(h);
	char *bytes = h->in->bytes + h->in_at;
	size_t have = h->in_end - h->in_at, len = have;
	enum fault fault = FAULT_NONE;

	if (h->scanned != 0)
		len = h1_head_length(bytes, have, &h->scanned);
	if (len != 0)
		fault = h1_parse_response(bytes, len, &limits, &x->arena, x->method_bit == TORON_HEAD, &x->response, head);
	if (fault != FAULT_NONE)
		return fault;
	if (head->len != 0)
		h->scanned = 0;
	else if (len != 0 && (h->scanned != 0 || h1_head_length(bytes, have, &h->scanned) != 0))
		return FAULT_BACK_PROTOCOL; /* there is an empty line: what the parser takes for cut off is wrong */
	return (head->len != 0 ? head->len : have) > limits.header_bytes ? FAULT_BACK_PROTOCOL : FAULT_NONE;
}

bool h1_back_head(struct h1 *h)
{
	struct h1_head head = { 0 };
	struct exchange *x = h->leg.x;
	enum fault fault;

	if (x == NULL || !h->begun) {
		/* Bytes that no request asked for. */
		back_fault(h, FAULT_BACK_PROTOCOL);
		return false;
	}
	fault = parse_head(h, x, &head);
	if (fault == FAULT_NONE && head.len == 0)
		return false;
	/* An interim head is passed on before this returns, and there may be many. */
	if (fault == FAULT_NONE && !is_interim(&x->response) && !exchange_keep_buf(x, MSG_RESPONSE, h->in))
		fault = FAULT_NO_MEMORY;
	h->in_at += (uint32_t)head.len;
	if (fault != FAULT_NONE) {
		back_fault(h, fault);
		return false;
	}
	return on_response(h, &head);
}

void h1_back_broken(struct h1 *h, enum fault fault)
{
	back_fault(h, fault == FAULT_NO_MEMORY ? fault : FAULT_BACK_PROTOCOL);
}

/* The rest of the request goes nowhere. */
static void send_no_more(struct h1 *h)
{
	h->out_state = H1_OUT_DEAD;
	h->blocked = false;
	h->keep_alive = false;
	h1_more(&h->leg);
}

void h1_back_eof(struct h1 *h)
{
	switch (h->in_state) {
	case H1_IN_IDLE: /* a request of which the server has said something has reached it */
		back_fault(h, h->in_at != h->in_end || h->back.n_interim != 0 ? FAULT_BACK_CUT : FAULT_BACK_CLOSED);
		return;
	case H1_IN_UNTIL_CLOSE:
	case H1_IN_TUNNEL:
		if (h->peer_reset) {
			back_fault(h, FAULT_BACK_CUT);
			return;
		}
		h->in_state = H1_IN_DONE;
		exchange_end(h->leg.x, &h->leg);
		h1_back_in_done(h);
		return;
	case H1_IN_DONE:
		if (h->leg.x == NULL)
			back_close(h, false);
		else if (!h->leg.x->is_tunnel && !h1_out_is_complete(h))
			send_no_more(h);
		return;
	default:
		back_fault(h, FAULT_BACK_CUT);
	}
}

/* ---- output ---- */

static void back_head(struct leg *leg, const struct msg *m)
{
	struct h1 *h = CONTAINER_OF(leg, struct h1, leg);

	CHECK_MAGIC(h, H1_MAGIC);
	h->begun = false;
	h->back.asked_ms = 0;
	if (h1_write_request(h, m))
		return;
	h->back.head_failed = true;
	h1_pump_later(h);
}

static void back_reset(struct leg *leg, enum fault fault)
{
	struct h1 *h = CONTAINER_OF(leg, struct h1, leg);

	(void)fault;
	CHECK_MAGIC(h, H1_MAGIC);
	h->leg.x = NULL;
	back_close(h, true);
}

/* The server may have answered before it closed: what it sent is read first, and the read tells the end. */
void h1_back_write_failed(struct h1 *h)
{
	send_no_more(h);
}

static const struct leg_ops back_ops = {
	.name = "http1-back",
	.head = back_head,
	.more = h1_more,
	.room = h1_room,
	.reset = back_reset,
};

/* ---- the connection ---- */

static void back_connected(struct conn *c, int err)
{
	struct h1 *h = CONTAINER_OF(c, struct h1, conn);

	CHECK_MAGIC(h, H1_MAGIC);
	h->back.connecting = false;
	if (err != 0) {
		back_fault(h, back_connect_fault(err));
		return;
	}
	if (h->leg.x == NULL) {
		h1_back_deadline(h);
		return;
	}
	h->leg.x->times.connected = clock_monotonic_us();
	h1_more(&h->leg);
}

static void back_timeout(struct conn *c)
{
	struct h1 *h = CONTAINER_OF(c, struct h1, conn);

	CHECK_MAGIC(h, H1_MAGIC);
	if (h->leg.x == NULL)
		back_close(h, false);
	else if (h->paced && pace_time(h) > loop_now_ms(h->conn.worker->loop))
		h1_back_deadline(h);
	else if (h->paced && h->in_pace.since_ms != 0)
		back_fault(h, FAULT_BACK_SLOW);
	else if (h->back.connecting)
		back_fault(h, FAULT_CONNECT_TIMEOUT);
	else if (h->in_state == H1_IN_IDLE && !h->blocked)
		back_fault(h, FAULT_FIRST_BYTE_TIMEOUT);
	else if (h->in_state == H1_IN_DONE && !h->leg.x->is_tunnel)
		send_no_more(h); /* it has answered, and takes nothing any more */
	else
		back_fault(h, FAULT_BACK_IDLE_TIMEOUT);
}

static const struct conn_user back_user = {
	.connected = back_connected,
	.readable = h1_readable,
	.writable = h1_writable,
	.timeout = back_timeout,
};

static struct h1 *back_new(const struct back_user *user, void *owner, const struct back_limits *limits)
{
	struct h1 *h = h1_new(false);

	if (h == NULL)
		return NULL;
	h->leg.ops = &back_ops;
	h->back.conn.user = user;
	h->back.conn.owner = owner;
	h->back.conn.limits = *limits;
	h->back.conn.codec = &toron_back_http1;
	h->back.conn.capacity = 1;
	list_init(&h->back.conn.link);
	list_init(&h->back.conn.open);
	return h;
}

static struct back_conn *back_open(struct worker *w, const struct addr *to, struct tls_target *tls, const struct back_user *user,
	void *owner, const struct back_limits *limits)
{
	struct h1 *h = back_new(user, owner, limits);

	if (h == NULL)
		return NULL;
	h->back.connecting = true;
	if (back_connect(&h->conn, w, to, tls, &back_user) != 0) {
		free(h);
		return NULL;
	}
	h->conn.wire = limits->wire;
	h1_back_deadline(h);
	return &h->back.conn;
}

static struct back_conn *back_adopt(struct conn *from, const struct back_user *user, void *owner, const struct back_limits *limits)
{
	struct h1 *h = back_new(user, owner, limits);

	if (h == NULL)
		return NULL;
	conn_move(&h->conn, from, &back_user);
	h1_back_deadline(h);
	return &h->back.conn;
}

static struct leg *back_leg(struct back_conn *b, const struct back_limits *limits)
{
	struct h1 *h = of_back(b);

	CHECK_MAGIC(h, H1_MAGIC);
	CHECK(h->leg.x == NULL && !h->closed);
	b->limits = *limits;
	b->n_exchanges++;
	return &h->leg;
}

/* Bytes that came before the request is written are no answer to it. */
static bool back_is_fit(struct back_conn *b)
{
	struct h1 *h = of_back(b);

	CHECK_MAGIC(h, H1_MAGIC);
	conn_catch_up(&h->conn);
	return !h->closed;
}

static void back_close_idle(struct back_conn *b)
{
	struct h1 *h = of_back(b);

	CHECK_MAGIC(h, H1_MAGIC);
	CHECK(h->leg.x == NULL);
	back_close(h, false);
}

const struct toron_back toron_back_http1 = {
	.name = "http1",
	.open = back_open,
	.adopt = back_adopt,
	.leg = back_leg,
	.close = back_close_idle,
	.is_fit = back_is_fit,
};
