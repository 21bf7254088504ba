/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "codec/h2/h2.h"

#include "base/err.h"
#include "base/log.h"
#include "loop/count.h"

#define READS_PER_WAKE 8        /* full buffers taken before others get their turn */
#define DISCARD_MAX (1u << 20)  /* bytes, while lingering */
#define REFER_LEN 8192u         /* pieces of a body that are as long are not copied: shorter ones would hold a buffer each */
#define REFER_SEGMENTS 4u       /* and no more of them than leave room for a whole window's worth of copies */

void h2_touch(struct h2_stream *s)
{
	if (list_empty(&s->dirty))
		list_push_back(&s->h->dirty, &s->dirty);
}

/* ---- windows ---- */

static void give_back(struct h2_stream *s, uint64_t upto)
{
	size_t n = (size_t)(upto - s->credited);

	if (n == 0)
		return;
	s->credited = upto;
	if (nghttp2_session_find_stream(s->h->session, s->id) != NULL)
		nghttp2_session_consume(s->h->session, s->id, n);
	else
		nghttp2_session_consume_connection(s->h->session, n);
	if (nghttp2_session_want_write(s->h->session))
		h2_flush_later(s->h);
}

void h2_credit(struct h2_stream *s)
{
	const struct body *b = h2_in_body(s);

	/* What is kept for another attempt is bounded, and the sender must not wait for it. */
	give_back(s, b->released + b->kept);
}

void h2_credit_all(struct h2_stream *s)
{
	give_back(s, s->taken);
}

/* ---- bodies ---- */

static bool over_limit(const struct h2_stream *s)
{
	uint64_t limit = s->h->is_front ? exchange_body_limit(s->leg.x) : 0;

	return limit != 0 && s->taken > limit && !s->is_tunnel;
}

/* A buffer of the stream's own with room for `len` bytes; false: out of memory. */
static bool make_room(struct h2_stream *s, const struct body *b, size_t len)
{
	size_t want = b->n >= REFER_SEGMENTS ? BUF_LARGE / 2 : len;

	if (s->gather != NULL && s->gather->refs == 1)
		s->gather_end = 0;
	if (s->gather != NULL && s->gather->cap - s->gather_end >= len)
		return true;
	buf_release(&s->gather);
	s->gather = buf_acquire(s->h->conn.worker->bufs, want);
	s->gather_end = 0;
	return s->gather != NULL && s->gather->cap >= len;
}

static bool append(struct h2_stream *s, const char *bytes, size_t len)
{
	struct h2 *h = s->h;
	struct body *b = h2_in_body(s);

	if (body_room(b) == 0)
		body_let_go(b);
	if (body_room(b) < len || b->end)
		return false;
	if (len >= REFER_LEN && b->n < REFER_SEGMENTS && h->in != NULL) {
		body_append(b, bytes, len, h->in);
		return true;
	}
	if (!make_room(s, b, len))
		return false;
	memcpy(s->gather->bytes + s->gather_end, bytes, len);
	body_append(b, s->gather->bytes + s->gather_end, len, s->gather);
	s->gather_end += (uint32_t)len;
	return true;
}

void h2_take_data(struct h2_stream *s, const uint8_t *bytes, size_t len)
{
	struct h2 *h = s->h;

	s->taken += len;
	if (s->leg.x == NULL || s->in == H2_IN_DISCARD) {
		h2_credit_all(s);
		return;
	}
	if (s->in != H2_IN_BODY || h2_in_msg(s)->bodiless)
		h->role->broken(s, FAULT_FRONT_PROTOCOL);
	else if (over_limit(s))
		h->role->broken(s, FAULT_BODY_TOO_LARGE);
	else if (!append(s, (const char *)bytes, len))
		h->role->broken(s, FAULT_NO_MEMORY);
	if (s->leg.x == NULL || s->in == H2_IN_DISCARD) {
		h2_credit_all(s);
		return;
	}
	h2_time_in(s);
	h2_touch(s);
}

void h2_room(struct leg *leg)
{
	struct h2_stream *s = h2_stream_of(leg);

	if (s->in == H2_IN_DISCARD)
		h2_credit_all(s);
	else
		h2_credit(s);
	h2_time_in(s);
}

/* ---- ends ---- */

_Static_assert(COUNT_FLOODS_N == H2_FLOOD_COUNT - 1, "each is counted");

void h2_flooded(struct h2 *h, enum h2_flood kind)
{
	char peer[ADDR_TEXT_MAX];
	struct str text = { peer, addr_format_ip(&h->conn.peer, peer) };

	if (h->broken)
		return;
	h->broken = true;
	h->flood = kind;
	if (h->is_front)
		count_listener(h->conn.worker, h->front.listener, COUNT_FLOODS + kind - 1);
	log_event(LOG_WARN, "h2-flood", "%s " STR_FMT " sent too much of what costs and brings nothing (%s); disconnected",
		h->is_front ? "client" : "server", STR_ARG(text), h2_flood_name(kind));
}

void h2_break_off(struct h2 *h, uint32_t code)
{
	if (h->closed)
		return;
	nghttp2_session_terminate_session(h->session, h->flood != H2_FLOOD_NONE ? NGHTTP2_ENHANCE_YOUR_CALM : code);
	h2_flush(h);
	if (!h->closed)
		h->role->gone(h, h->is_front ? FAULT_FRONT_PROTOCOL : FAULT_BACK_PROTOCOL, false);
}

/* Each stream that had events tells its other leg. */
static void deliver(struct h2 *h)
{
	while (!list_empty(&h->dirty)) {
		struct h2_stream *s = CONTAINER_OF(h->dirty.next, struct h2_stream, dirty);

		list_remove(&s->dirty);
		if (s->leg.x != NULL)
			exchange_more(s->leg.x, &s->leg);
	}
}

/* Hands bytes to nghttp2. False: the connection is over. */
static bool receive(struct h2 *h, const char *bytes, size_t len)
{
	ssize_t taken;

	h->feeding = true;
	taken = nghttp2_session_mem_recv(h->session, (const uint8_t *)bytes, len);
	h->feeding = false;
	if (taken >= 0 && !h->broken)
		return true;
	h2_break_off(h, taken == NGHTTP2_ERR_NOMEM ? NGHTTP2_INTERNAL_ERROR :
			taken == NGHTTP2_ERR_FLOODED ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
	return false;
}

/* A frame that was stopped at. False: the connection is over. */
static bool decide(struct h2 *h, const struct h2_stop *stop)
{
	uint32_t code = NGHTTP2_NO_ERROR;

	if (stop->kind == H2_STOP_FLOOD)
		h2_flooded(h, stop->flood);
	else if (stop->kind == H2_STOP_PRIORITY)
		code = NGHTTP2_PROTOCOL_ERROR;
	else if (stop->kind == H2_STOP_STREAM && h->role->stray != NULL && h2_stream_find(h, (int32_t)stop->id) == NULL)
		code = h->role->stray(h, stop->type == NGHTTP2_HEADERS, stop->id);
	if (code == NGHTTP2_NO_ERROR && !h->broken)
		return true;
	h2_break_off(h, code);
	return false;
}

static void feed(struct h2 *h, const char *bytes, size_t len)
{
	uint64_t now = loop_now_ms(h->conn.worker->loop);
	size_t fed = 0, walked = 0;
	struct h2_stop stop;

	if (h->role->heard != NULL)
		h->role->heard(h);
	while (fed < len) {
		walked += h2_budget_walk(&h->budget, now, bytes + walked, len - walked, &stop);
		/* What came before is acted on first; without its last byte, the frame itself is not. */
		size_t upto = stop.kind == H2_STOP_NOT ? walked : walked - 1;

		if (!receive(h, bytes + fed, upto - fed) || !decide(h, &stop))
			return;
		fed = upto;
	}
	deliver(h);
	h2_flush_later(h);
}

/* ---- reading ---- */

static void on_eof(struct h2 *h, bool reset)
{
	h->eof = true;
	conn_pause(&h->conn);
	/* Who has ended its direction of an HTTP/2 connection is gone: nothing could be acknowledged any more. */
	h->role->gone(h, h->is_front ? FAULT_FRONT_CLOSED : FAULT_BACK_CLOSED, reset);
}

static bool make_in_room(struct h2 *h)
{
	if (h->in != NULL && h->in->refs == 1)
		h->in_end = 0;
	if (h->in != NULL && h->in->cap - h->in_end >= BUF_SMALL / 4)
		return true;
	bool full = h->in != NULL;

	buf_release(&h->in);
	h->in = buf_acquire(h->conn.worker->bufs, full ? BUF_LARGE / 2 : BUF_SMALL / 2);
	h->in_end = 0;
	return h->in != NULL;
}

/* True if a read filled the buffer, so that there may be more. */
static bool read_once(struct h2 *h)
{
	ptrdiff_t n;
	size_t room;

	if (!make_in_room(h)) {
		h->role->gone(h, FAULT_NO_MEMORY, true);
		return false;
	}
	room = h->in->cap - h->in_end;
	n = conn_read(&h->conn, h->in->bytes + h->in_end, room);
	if (n == ERR_AGAIN)
		return false;
	if (n <= 0) {
		on_eof(h, n < 0);
		return false;
	}
	if (h->lingering) {
		h->front.discarded += (uint32_t)n;
		if (h->front.discarded > DISCARD_MAX)
			h->role->gone(h, FAULT_FRONT_CLOSED, true);
		return !h->closed;
	}
	h->in_end += (uint32_t)n;
	feed(h, h->in->bytes + h->in_end - n, (size_t)n);
	return (size_t)n == room;
}

void h2_readable(struct conn *c)
{
	struct h2 *h = CONTAINER_OF(c, struct h2, conn);

	CHECK_MAGIC(h, H2_MAGIC);
	for (int i = 0; i < READS_PER_WAKE; i++)
		if (!read_once(h) || h->closed || h->conn.paused)
			break;
	/* What bodies still refer to, they hold themselves. */
	buf_release(&h->in);
}

void h2_take_bytes(struct h2 *h, struct buf *in, uint32_t at, uint32_t end)
{
	if (at == end)
		return;
	h->in = buf_ref(in);
	h->in_end = in->cap;
	feed(h, in->bytes + at, end - at);
	buf_release(&h->in);
}
