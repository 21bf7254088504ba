/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* HTTP/1.1 in the front role: requests in, responses out. */
#include "codec/h1/h1.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop/count.h"

#define LINGER_BYTES (1u << 20) /* what a closing connection takes at least of what the client still sends */
#define EMPTY_MOST 2u           /* empty lines that may stand before a request */

struct h1_limits h1_limits_of(const struct h1 *h)
{
	if (h->is_front) {
		const struct toron_limits *l = &h->front.listener->limits;

		return (struct h1_limits){ l->header_bytes, l->header_count, l->uri_bytes };
	}
	/* A server is trusted with no more than a buffer. */
	return (struct h1_limits){ BUF_LARGE - 4096, 256, 0 };
}

static void front_close(struct h1 *h, bool abort)
{
	if (h->closed)
		return;
	list_remove(&h->front.link.link);
	h->conn.worker->n_fronts--;
	atomic_fetch_sub_explicit(h->front.listener->open, 1, memory_order_relaxed);
	h1_close(h, abort);
}

/* How much of what the client still sends is taken: what it may send of the body that it has begun, as if that were wanted. */
static uint64_t linger_bytes(const struct h1 *h, uint64_t limit)
{
	uint64_t left = 0;

	if (h->in_state == H1_IN_LENGTH || h->in_state == H1_IN_CHUNKED)
		left = limit == 0 ? UINT64_MAX : limit;
	if (h->in_state == H1_IN_LENGTH && h->in_left < left)
		left = h->in_left;
	return left < LINGER_BYTES ? LINGER_BYTES : left;
}

static void linger_deadline(struct h1 *h)
{
	uint64_t now = loop_now_ms(h->conn.worker->loop), until = h->front.linger_until_ms;
	uint64_t left = until > now ? until - now : 1, idle = h->front.listener->linger_idle_ms;

	h1_deadline(h, left < idle ? left : idle, 0);
}

/* The response is out, and the client may still be sending, perhaps all of a large body before it reads anything: closing now would reset
 * the connection and could destroy the response on its way (RFC 9112 section 9.6). */
static void linger(struct h1 *h, bool was_slow, uint64_t body_limit)
{
	const struct toron_listener *l = h->front.listener;
	bool has_body = h->in_state == H1_IN_LENGTH || h->in_state == H1_IN_CHUNKED;

	if (h->eof || h->conn.state != CONN_OPEN) {
		front_close(h, false);
		return;
	}
	h->lingering = true;
	if (h->in_state != H1_IN_DISCARD)
		h->in_left = linger_bytes(h, body_limit);
	h->in_state = H1_IN_DISCARD;
	h->in_at = h->in_end;
	buf_release(&h->in);
	h->in_at = h->in_end = 0;
	h->stalled = false;
	conn_unpause(&h->conn);
	conn_shutdown(&h->conn);
	h->front.linger_until_ms = loop_now_ms(h->conn.worker->loop) + (has_body && !was_slow ? l->linger_ms : l->linger_idle_ms);
	linger_deadline(h);
}

/* A client that has ended its direction may have pipelined requests before. */
static bool has_ended(const struct h1 *h)
{
	return h->eof && h->in_at == h->in_end;
}

static bool may_keep_alive(const struct h1 *h)
{
	uint32_t most = h->front.listener->limits.requests_per_connection;

	return h->keep_alive && !has_ended(h) && !h->conn.worker->draining && !h->leg.x->close_front &&
	       (most == 0 || h->front.n_requests < most);
}

/* The exchange is through. */
static void next_request(struct h1 *h, bool keep)
{
	struct exchange *x = h->leg.x;
	bool whole = h->in_state == H1_IN_DONE, was_slow = fault_info(x->fault)->http == 408;
	uint64_t body_limit = exchange_body_limit(x);

	h->leg.x = NULL;
	exchange_done(x);
	if (h->out_state == H1_OUT_DEAD) {
		front_close(h, true);
		return;
	}
	if (!keep || !whole || !h->keep_alive || h->conn.worker->draining || has_ended(h)) {
		/* Who did not ask for the end may be sending already. */
		if (whole && h->in_at == h->in_end && !h->keep_alive)
			front_close(h, false);
		else
			linger(h, was_slow, body_limit);
		return;
	}
	h->in_state = H1_IN_IDLE;
	h->out_state = H1_OUT_IDLE;
	h->scanned = 0;
	if (h->stalled) {
		h->stalled = false;
		if (!h->eof)
			conn_unpause(&h->conn);
	}
	if (h->in_at != h->in_end && !h->pumping)
		h1_pump_later(h);
	h1_front_deadline(h);
}

/* Whether the rest of an unwanted request body is worth reading. */
static bool worth_draining(const struct h1 *h)
{
	uint64_t most = h->front.listener->limits.unread_body;

	if (h->wait_continue)
		return false;
	return (h->in_state == H1_IN_LENGTH && h->in_left <= most) ||
	       (h->in_state == H1_IN_CHUNKED && h->leg.x->request.body.appended <= most && most != 0);
}

/* Whether nobody takes the request's body any more. */
static bool goes_nowhere(const struct h1 *h)
{
	return h->leg.x->back == NULL || h->leg.x->back == &h->leg.x->local;
}

void h1_front_progress(struct h1 *h)
{
	if (h->closed)
		return;
	if (h->leg.x != NULL && h1_out_is_complete(h)) {
		if (h->leg.x->is_tunnel) {
			if (h->in_state == H1_IN_DONE || goes_nowhere(h))
				next_request(h, false);
		} else if (h->in_state == H1_IN_DONE || !h->answer_keeps || (!h->keep_alive && goes_nowhere(h))) {
			/* An answer that has not said that the connection ends has promised to read on. */
			next_request(h, h->answer_keeps);
			return;
		}
	}
	h1_front_deadline(h);
}

/* The limit counts from a head's first byte: a client that drips bytes does not extend it. */
static uint64_t head_time_left(struct h1 *h)
{
	if (h->front.head_begun_ms == 0)
		h->front.head_begun_ms = loop_now_ms(h->conn.worker->loop);
	return h1_time_left(h, h->front.head_begun_ms, h->front.listener->header_ms);
}

/* When the client's pace is due, in sending (first) and in taking; 0: it is not. */
static void pace_times(struct h1 *h, uint64_t due[2])
{
	const struct toron_limits *l = &h->front.listener->limits;
	uint64_t now = loop_now_ms(h->conn.worker->loop);
	bool carries = h->leg.x != NULL && !h->leg.x->is_tunnel;
	bool sends = carries && (h->in_state == H1_IN_LENGTH || h->in_state == H1_IN_CHUNKED) && !h->stalled;
	bool takes = carries && h->blocked;
	uint64_t sent = sends ? h1_in_body(h)->appended : 0;

	sends = sends && !exchange_awaits_go(h->leg.x);
	due[0] = pace_due(&h->in_pace, &l->request, sends, sent, now);
	due[1] = pace_due(&h->out_pace, &l->response, takes, takes && l->response.bytes != 0 ? conn_taken(&h->conn) : 0, now);
}

static uint64_t pace_time(struct h1 *h)
{
	const struct toron_limits *l = &h->front.listener->limits;
	uint64_t due[2];

	if ((l->request.bytes | l->response.bytes) == 0)
		return 0;
	pace_times(h, due);
	return due[0] == 0 || (due[1] != 0 && due[1] < due[0]) ? due[1] : due[0];
}

void h1_front_deadline(struct h1 *h)
{
	const struct toron_listener *l = h->front.listener;
	uint64_t ms = 0;

	if (h->closed)
		return;
	if (h->lingering) {
		linger_deadline(h);
		return;
	}
	if (h->blocked)
		ms = h1_time_left(h, h->blocked_ms, l->write_ms);
	else if (h->leg.x == NULL)
		ms = h->in_at != h->in_end ? head_time_left(h) : l->idle_ms;
	else if (h->in_state != H1_IN_DONE && !h->stalled && h->in_state != H1_IN_TUNNEL && !exchange_awaits_go(h->leg.x))
		ms = l->body_ms;
	h1_deadline(h, ms, pace_time(h));
}

/* ---- input ---- */

static void refuse(struct h1 *h, enum fault fault)
{
	struct exchange *x = h->leg.x;

	h->keep_alive = false;
	h->in_state = H1_IN_DISCARD;
	h->in_left = LINGER_BYTES;
	if (!h1_out_is_complete(h)) {
		exchange_refuse(x, fault);
		return;
	}
	/* The answer is out. What is wrong with the rest of its request must not take it away. */
	if (x->fault == FAULT_NONE)
		x->fault = fault;
	next_request(h, false);
}

/* A head that never becomes whole, or is too large: answered, with no more than what is known. */
static bool refuse_head(struct h1 *h, enum fault fault)
{
	struct exchange *x = exchange_new(&h->conn, h->front.listener, &h->leg);

	if (x == NULL) {
		front_close(h, true);
		return false;
	}
	h->leg.x = x;
	refuse(h, fault);
	return false;
}

/* How many bytes to parse, when there is a whole head among them; else 0. */
static size_t whole_head(struct h1 *h, const struct h1_limits *limits)
{
	const char *bytes = h->in->bytes + h->in_at;
	size_t have = h->in_end - h->in_at;

	/* Most requests have no body: an empty line is the last that has come, and the parser stops at the first one. */
	if (h->scanned == 0 && have >= 4 && have <= limits->header_bytes && memcmp(bytes + have - 4, "\r\n\r\n", 4) == 0)
		return have;
	return h1_head_length(bytes, have, &h->scanned);
}

/* Gives up the connection, which another codec has taken. */
static void handed_over(struct h1 *h)
{
	h->conn.worker->n_fronts--;
	h1_close(h, false);
}

/* HTTP/2 begins with a request of its own kind, as a whole or its first bytes. True: nothing is to be read as HTTP/1.1 here. */
static bool is_preface(struct h1 *h)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	const struct toron_listener *l = h->front.listener;
	size_t n = h->in_end - h->in_at;

	if (l->http2 == NULL || h->front.n_requests != 0)
		return false;
	if (n > sizeof(preface) - 1)
		n = sizeof(preface) - 1;
	if (memcmp(h->in->bytes + h->in_at, preface, n) != 0)
		return false;
	if (n < sizeof(preface) - 1)
		return true;
	list_remove(&h->front.link.link);
	l->http2->take(h->conn.worker, l, &h->conn, h->in, h->in_at, h->in_end);
	handed_over(h);
	return true;
}

static bool switch_to_http2(struct h1 *h)
{
	const struct toron_listener *l = h->front.listener;
	struct exchange *x = h->leg.x;
	const struct field *settings = fields_find(&x->request.head, STR("http2-settings"));
	struct list *before = h->front.link.link.prev;

	if (l->http2 == NULL || l->http2->upgrade == NULL || settings == NULL || h->eof || h->blocked)
		return false;
	list_remove(&h->front.link.link);
	h->leg.x = NULL;
	if (l->http2->upgrade(h->conn.worker, l, &h->conn, x, settings->value, h->in, h->in_at, h->in_end)) {
		handed_over(h);
		return true;
	}
	h->leg.x = x;
	list_insert_after(before, &h->front.link.link);
	return false;
}

/* One head that is whole, at the beginning of what is buffered. */
static bool take_head(struct h1 *h, size_t len)
{
	struct h1_limits limits = h1_limits_of(h);
	struct h1_head head = { 0 };
	struct exchange *x = exchange_new(&h->conn, h->front.listener, &h->leg);
	enum fault fault;

	if (x == NULL) {
		front_close(h, true);
		return false;
	}
	h->leg.x = x;
	h->scanned = 0;
	h->front.head_begun_ms = 0;
	h->front.n_empty = 0;
	h->front.n_requests++;
	exchange_keep_buf(x, MSG_REQUEST, h->in);
	fault = h1_parse_request(h->in->bytes + h->in_at, len, &limits, &x->arena, &x->request, &head);
	/* There is an empty line: what the parser takes for cut off is wrong. */
	if (fault == FAULT_NONE && head.len == 0)
		fault = FAULT_BAD_REQUEST;
	h->in_at = fault == FAULT_NONE ? h->in_at + (uint32_t)head.len : h->in_end;
	h->http_10 = x->request.version_minor == 0;
	h->keep_alive = head.keep_alive;
	h->wait_continue = x->request.expect_continue;
	h->out_state = H1_OUT_IDLE;
	if (fault != FAULT_NONE) {
		refuse(h, fault);
		return false;
	}
	if (head.h2c && switch_to_http2(h))
		return false;
	h1_begin_body(h, &head, &x->request);
	exchange_head(x, &h->leg);
	return true;
}

bool h1_front_head(struct h1 *h)
{
	struct h1_limits limits = h1_limits_of(h);
	size_t len;

	if (is_preface(h))
		return false;
	len = h1_skip_empty(h->in->bytes + h->in_at, h->in_end - h->in_at, EMPTY_MOST - h->front.n_empty);
	if (len != 0) {
		h->in_at += (uint32_t)len;
		h->scanned = 0;
		h->front.n_empty += (uint8_t)(len / 2);
		h->front.head_begun_ms = 0;
	}
	if (h->in_at == h->in_end)
		return false;
	len = whole_head(h, &limits);
	if ((len != 0 ? len : h->in_end - h->in_at) > limits.header_bytes)
		return refuse_head(h, FAULT_HEAD_TOO_LARGE);
	if (len == 0)
		return false;
	return take_head(h, len);
}

void h1_front_broken(struct h1 *h, enum fault fault)
{
	refuse(h, fault);
}

/* Lets go of the exchange because the client is no longer there. */
static void front_gone(struct h1 *h, enum fault fault, bool abort)
{
	struct exchange *x = h->leg.x;

	h->leg.x = NULL;
	if (x != NULL)
		exchange_fault(x, &h->leg, fault);
	front_close(h, abort);
}

void h1_front_starved(struct h1 *h, enum fault fault)
{
	if (h->in_state == H1_IN_DISCARD)
		front_gone(h, FAULT_FRONT_CLOSED, true);
	else if (h->leg.x == NULL)
		refuse_head(h, fault);
	else
		refuse(h, fault);
}

void h1_front_flooded(struct h1 *h)
{
	front_gone(h, FAULT_FRONT_CLOSED, true);
}

void h1_front_eof(struct h1 *h)
{
	if (h->peer_reset) {
		front_gone(h, FAULT_FRONT_CLOSED, true);
		return;
	}
	switch (h->in_state) {
	case H1_IN_DONE: /* half-closed: it may still want its answers */
		return;
	case H1_IN_TUNNEL:
		h->in_state = H1_IN_DONE;
		exchange_end(h->leg.x, &h->leg);
		exchange_more(h->leg.x, &h->leg);
		if (!h->closed && h->leg.x != NULL)
			h1_front_progress(h);
		return;
	case H1_IN_DISCARD:
		if (h->leg.x == NULL)
			front_close(h, false);
		return;
	default:
		front_gone(h, FAULT_FRONT_CLOSED, false);
	}
}

/* ---- output ---- */

static void front_head(struct leg *leg, const struct msg *m)
{
	struct h1 *h = CONTAINER_OF(leg, struct h1, leg);
	bool interim = m->status < 200 && m->status != 101;

	CHECK_MAGIC(h, H1_MAGIC);
	if (interim && h->http_10)
		return;
	if (m->status == 100)
		h->wait_continue = false;
	if (!interim) {
		/* A client that was never told to go on may or may not send its body: its next byte means nothing. And a body that
		 * nobody wants is read to its end only while it is small. */
		if (h->in_state != H1_IN_DONE && (h->wait_continue || (goes_nowhere(h) && !worth_draining(h))))
			h->keep_alive = false;
		h->answer_keeps = may_keep_alive(h);
	}
	if (!h1_write_response(h, m, h->answer_keeps)) {
		h->out_state = H1_OUT_DEAD;
		h->answer_keeps = false;
		return;
	}
	if (h->out_state == H1_OUT_UNTIL_CLOSE)
		h->answer_keeps = false;
	if (m->status == 101) {
		h->in_state = H1_IN_TUNNEL;
		h->answer_keeps = false;
		h1_pump_later(h);
	}
}

static void front_reset(struct leg *leg, enum fault fault)
{
	struct h1 *h = CONTAINER_OF(leg, struct h1, leg);

	(void)fault;
	CHECK_MAGIC(h, H1_MAGIC);
	h->leg.x = NULL;
	front_close(h, true);
}

void h1_front_write_failed(struct h1 *h)
{
	front_gone(h, FAULT_FRONT_CLOSED, true);
}

static const struct leg_ops front_ops = {
	.name = "http1-front",
	.head = front_head,
	.more = h1_more,
	.room = h1_room,
	.reset = front_reset,
	.takes_file = h1_takes_file,
};

/* ---- the connection ---- */

/* An answer is on its way, and not yet out. */
static bool is_answering(const struct h1 *h)
{
	return h->leg.x->state >= EXCHANGE_ANSWERING && !h1_out_is_complete(h);
}

/* The time to look at the client's pace has come. */
static void check_pace(struct h1 *h)
{
	uint64_t due[2], now = loop_now_ms(h->conn.worker->loop);

	pace_times(h, due);
	if (due[1] != 0 && due[1] <= now)
		front_gone(h, FAULT_FRONT_SLOW, true);
	else if (due[0] == 0 || due[0] > now)
		h1_front_deadline(h);
	else if (is_answering(h))
		front_gone(h, FAULT_REQUEST_SLOW, true);
	else
		refuse(h, FAULT_REQUEST_SLOW);
}

static void front_timeout(struct conn *c)
{
	struct h1 *h = CONTAINER_OF(c, struct h1, conn);

	CHECK_MAGIC(h, H1_MAGIC);
	if (h->paced) {
		check_pace(h);
		return;
	}
	if (h->leg.x == NULL) {
		if (!h->lingering && h->in_at != h->in_end && h->in_state == H1_IN_IDLE) {
			refuse_head(h, FAULT_REQUEST_TIMEOUT);
			return;
		}
		front_close(h, false);
		return;
	}
	if (h->blocked || is_answering(h))
		front_gone(h, FAULT_FRONT_TIMEOUT, true);
	else
		refuse(h, FAULT_REQUEST_TIMEOUT);
}

static void front_drain(struct front_link *link, bool now)
{
	struct h1 *h = CONTAINER_OF(link, struct h1, front.link);

	CHECK_MAGIC(h, H1_MAGIC);
	h->keep_alive = false;
	if (now) {
		front_gone(h, FAULT_FRONT_CLOSED, true);
		return;
	}
	if (h->leg.x != NULL)
		h1_front_progress(h);
	else if (h->in_at == h->in_end)
		front_close(h, false);
}

static const struct conn_user front_user = {
	.readable = h1_readable,
	.writable = h1_writable,
	.timeout = front_timeout,
};

/* Everything but the connection; NULL: out of memory, and the connection is no longer counted. */
static struct h1 *front_new(struct worker *w, const struct toron_listener *l)
{
	struct h1 *h = h1_new(true);

	if (h == NULL) {
		atomic_fetch_sub_explicit(l->open, 1, memory_order_relaxed);
		return NULL;
	}
	h->leg.ops = &front_ops;
	h->front.listener = l;
	h->front.link.drain = front_drain;
	list_push_back(&w->fronts, &h->front.link.link);
	w->n_fronts++;
	return h;
}

static void front_accept(struct worker *w, const struct toron_listener *l, int fd, const struct addr *peer)
{
	struct h1 *h;

	if (!front_admit(w, l)) {
		close(fd);
		return;
	}
	h = front_new(w, l);
	if (h == NULL) {
		close(fd);
		return;
	}
	conn_init(&h->conn, w, fd, peer, &front_user);
	h->conn.wire = count_wire_of_listener(w, l);
	h1_front_deadline(h);
	/* The request is often here already: try before waiting. */
	h1_readable(&h->conn);
}

static void front_take(struct worker *w, const struct toron_listener *l, struct conn *from, struct buf *in, uint32_t at,
	uint32_t end)
{
	struct h1 *h = front_new(w, l);

	if (h == NULL) {
		conn_close(from);
		return;
	}
	conn_move(&h->conn, from, &front_user);
	if (in != NULL && at != end) {
		h->in = buf_ref(in);
		h->in_at = at;
		h->in_end = end;
		h1_pump_later(h);
	}
	h1_front_deadline(h);
	h1_readable(&h->conn);
}

const struct toron_front toron_front_http1 = {
	.name = "http1",
	.accept = front_accept,
	.take = front_take,
};
