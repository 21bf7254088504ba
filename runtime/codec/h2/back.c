/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* HTTP/2 in the back role: requests out, responses in. */
#include "codec/h2/h2.h"

#include <stdlib.h>

#include "base/clock.h"

#define STREAMS_USUAL 100u             /* where neither the configuration nor the server says how many it takes */
#define STREAM_WINDOW 131072u          /* bytes of a response that are under way: what a body holds */
#define WINDOW (16u << 20)             /* ... of all: one that is stuck does not stop the others */
#define HEADER_BYTES (BUF_LARGE - 4096) /* a server is trusted with no more than a buffer */
#define HEADER_COUNT 256
#define INTERIM_MAX 16                 /* 1xx heads before a final one */
#define END_MS 1000                    /* for the last frame of a stream whose answer is whole without it */
#define PING_AFTER_MS 5000             /* a connection that was silent for so long is asked whether it lives when it is used again */

static const struct h2_role back_role;

static struct h2 *of_back(struct back_conn *b)
{
	struct h2 *h = CONTAINER_OF(b, struct h2, back.conn);

	CHECK_MAGIC(h, H2_MAGIC);
	return h;
}

static struct pseudo_limits head_limits(const struct h2 *h)
{
	(void)h;
	return (struct pseudo_limits){ HEADER_BYTES, HEADER_COUNT, 0 };
}

static uint64_t now_of(const struct h2 *h)
{
	return loop_now_ms(h->conn.worker->loop);
}

/* ---- the connection's room ---- */

static void set_capacity(struct h2 *h)
{
	struct back_conn *b = &h->back.conn;
	uint32_t capacity = h->back.streams;

	if (h->back.has_settings) {
		uint32_t most = nghttp2_session_get_remote_settings(h->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);

		capacity = capacity < most ? capacity : most;
	} else if (capacity > h->back.at_first) {
		capacity = h->back.at_first;
	}
	if (h->leaving || nghttp2_session_get_next_stream_id(h->session) > INT32_MAX - 2)
		capacity = 0;
	if (capacity == b->capacity)
		return;
	b->capacity = capacity;
	if (capacity != 0)
		b->good_for = capacity;
	b->user->capacity(b);
}

/* No new exchanges; it goes when those that it has are through. */
static void leave(struct h2 *h)
{
	h->leaving = true;
	set_capacity(h);
	h2_flush_later(h);
}

/* The stream is through on this side. */
static void over(struct h2_stream *s)
{
	struct h2 *h = s->h;

	h2_stream_free(s);
	h->back.conn.user->over(&h->back.conn);
}

static void fail(struct h2_stream *s, enum fault fault, uint32_t code)
{
	struct exchange *x = s->leg.x;

	h2_credit_all(s);
	s->leg.x = NULL;
	if (s->id > 0)
		h2_stream_reset(s, code);
	exchange_fault(x, &s->leg, fault);
	if (s->id <= 0)
		over(s);
}

static enum fault fault_of_stream(const struct h2_stream *s, enum fault fault)
{
	return s->answered && fault == FAULT_BACK_CLOSED ? FAULT_BACK_CUT : fault;
}

static void back_gone(struct h2 *h, enum fault fault, bool abort)
{
	struct back_conn *b = &h->back.conn;

	if (h->closed)
		return;
	h->leaving = true;
	b->capacity = 0;
	b->user->gone(b);
	while (!list_empty(&h->streams)) {
		struct h2_stream *s = CONTAINER_OF(h->streams.next, struct h2_stream, link);
		struct exchange *x = s->leg.x;

		s->leg.x = NULL;
		list_remove(&s->link);
		if (x != NULL)
			exchange_fault(x, &s->leg, fault_of_stream(s, fault));
		h2_stream_free(s);
	}
	h2_close(h, abort);
}

static void back_finished(struct h2 *h)
{
	back_gone(h, FAULT_BACK_CLOSED, false);
}

static void back_quiet(struct h2 *h)
{
	if (h->leaving || h->conn.worker->draining) {
		back_gone(h, FAULT_BACK_CLOSED, false);
		return;
	}
	if (h->back.idle_ms != 0)
		return;
	h->back.idle_ms = now_of(h);
	h2_time_due(h, back_role.due(h));
}

/* ---- requests ---- */

/* Nothing may be told to the exchange from inside its own call: it fails when the time comes, which is now. */
static void fail_later(struct h2_stream *s, enum fault fault)
{
	s->failed = fault;
	h2_time_due(s->h, now_of(s->h));
}

static void submit(struct h2_stream *s, const struct msg *m)
{
	struct h2 *h = s->h;
	struct arena *a = &s->leg.x->arena;
	bool has_body = m->protocol.ptr != NULL || m->length != 0;
	nghttp2_data_provider body = h2_body_of(s);
	struct h2_fields f;
	struct str scheme = h->conn.ops == &conn_plain ? STR("http") : STR("https");

	if (!h2_fields_init(&f, a, pseudo_count(m), true) || !pseudo_put_request(m, scheme, a, h2_fields_put, &f)) {
		fail_later(s, FAULT_NO_MEMORY);
		return;
	}
	s->out = H2_OUT_BODY;
	s->connects = m->protocol.ptr != NULL;
	s->id = nghttp2_submit_request(h->session, NULL, f.at, f.n, has_body ? &body : NULL, s);
	if (s->id <= 0) {
		fail_later(s, s->id == NGHTTP2_ERR_NOMEM ? FAULT_NO_MEMORY : FAULT_BACK_REFUSED);
		leave(h);
		return;
	}
	h2_time_out(s);
	h2_flush_later(h);
}

/* Whether the server takes other protocols is known when its settings have come (RFC 8441 section 3). */
static void submit_connect(struct h2_stream *s, const struct msg *m)
{
	struct h2 *h = s->h;

	s->waits_settings = !h->back.has_settings;
	if (s->waits_settings)
		return;
	if (nghttp2_session_get_remote_settings(h->session, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1)
		submit(s, m);
	else
		fail_later(s, FAULT_NOT_IMPLEMENTED);
}

static void on_back_head(struct leg *leg, const struct msg *m)
{
	struct h2_stream *s = h2_stream_of(leg);

	if (m->protocol.ptr != NULL)
		submit_connect(s, m);
	else
		submit(s, m);
}

static void on_back_more(struct leg *leg)
{
	if (h2_stream_of(leg)->id > 0)
		h2_more(leg);
}

/* All that the answer's length says is here, and its last frame is not: that one brings nothing. */
static bool lacks_end_only(const struct h2_stream *s)
{
	const struct msg *m = &s->leg.x->response;

	return s->answered && !s->peer_ended && !s->is_tunnel && s->out == H2_OUT_DONE &&
	       (m->bodiless || (m->length >= 0 && s->taken == (uint64_t)m->length));
}

static void on_back_reset(struct leg *leg, enum fault fault)
{
	struct h2_stream *s = h2_stream_of(leg);
	bool waits = fault == FAULT_NONE && lacks_end_only(s);

	h2_credit_all(s);
	leg->x = NULL;
	if (waits) {
		s->in_ms = now_of(s->h);
		h2_time_due(s->h, s->in_ms + END_MS);
	} else if (s->id > 0) {
		h2_stream_reset(s, NGHTTP2_CANCEL);
	} else {
		over(s);
	}
}

static const struct leg_ops back_ops = {
	.name = "http2-back",
	.head = on_back_head,
	.more = on_back_more,
	.room = h2_room,
	.reset = on_back_reset,
};

static void back_sent(struct h2_stream *s)
{
	h2_time_out(s);
}

/* ---- responses ---- */

static void back_broken(struct h2_stream *s, enum fault fault)
{
	fail(s, fault == FAULT_NO_MEMORY ? fault : FAULT_BACK_PROTOCOL, NGHTTP2_PROTOCOL_ERROR);
}

static void begin_tunnel(struct h2_stream *s)
{
	struct leg *leg = &s->leg;

	s->answered = s->is_tunnel = true;
	s->in = H2_IN_BODY;
	exchange_head(leg->x, leg);
	if (leg->x != NULL)
		h2_more(leg);
	h2_touch(s);
}

static void back_head(struct h2_stream *s, bool ends)
{
	struct exchange *x = s->leg.x;
	struct msg *m = &x->response;
	enum fault fault = pseudo_end_response(&s->section, &x->request, &x->arena, m, ends);

	if (fault == FAULT_NONE && m->status < 200 && m->status != 101 && ++s->n_interim > INTERIM_MAX)
		fault = FAULT_BACK_PROTOCOL;
	if (fault != FAULT_NONE) {
		back_broken(s, fault);
		return;
	}
	h2_time_in(s);
	if (m->status == 101) {
		begin_tunnel(s);
		return;
	}
	if (m->status < 200) {
		exchange_head(x, &s->leg);
		h2_touch(s);
		return;
	}
	s->answered = true;
	s->in = ends ? H2_IN_DONE : H2_IN_BODY;
	if (ends)
		exchange_end(x, &s->leg);
	exchange_head(x, &s->leg);
	h2_touch(s);
}

static enum fault fault_of_code(const struct h2_stream *s, uint32_t code)
{
	if (code == NGHTTP2_REFUSED_STREAM)
		return s->h->back.n_taken != 0 && s->id > s->h->back.last_taken ? FAULT_BACK_LEFT : FAULT_BACK_REFUSED;
	return code == NGHTTP2_PROTOCOL_ERROR && !s->answered ? FAULT_BACK_PROTOCOL : FAULT_BACK_CUT;
}

static void back_closed(struct h2_stream *s, uint32_t code)
{
	struct exchange *x = s->leg.x;

	h2_credit_all(s);
	s->leg.x = NULL;
	if (x != NULL && s->in == H2_IN_DONE) {
		exchange_back_done(x);
		exchange_more(x, &s->leg);
	} else if (x != NULL) {
		exchange_fault(x, &s->leg, fault_of_code(s, code));
	}
	over(s);
}

static void on_settings(struct h2 *h)
{
	h->back.has_settings = true;
	set_capacity(h);
	for (struct list *l = h->streams.next; l != &h->streams; l = l->next) {
		struct h2_stream *s = CONTAINER_OF(l, struct h2_stream, link);

		if (s->waits_settings && s->leg.x != NULL)
			submit_connect(s, &s->leg.x->request);
	}
}

/* GOAWAY. nghttp2 then ends the streams that came too late for the server. It may have left after so many requests, as some do after each:
 * the next connection is not given more at once before it has said what it takes. */
static void on_leave(struct h2 *h, int32_t last)
{
	h->back.last_taken = last;
	h->back.n_taken = (uint32_t)last / 2 + (uint32_t)last % 2;
	for (struct list *l = h->streams.next; l != &h->streams; l = l->next)
		if (CONTAINER_OF(l, struct h2_stream, link)->id > last && h->back.n_taken < h->back.conn.good_for)
			h->back.conn.good_for = h->back.n_taken != 0 ? h->back.n_taken : 1;
	leave(h);
}

static void back_control(struct h2 *h, const nghttp2_frame *frame)
{
	if (frame->hd.type == NGHTTP2_GOAWAY)
		on_leave(h, frame->goaway.last_stream_id);
	else if (frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
		on_settings(h);
}

/* ---- time limits ---- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t back_stream_due(struct h2_stream *s)
{
	const struct back_limits *l = &s->limits;

	if (s->leg.x == NULL)
		return s->reset || s->peer_ended ? 0 : s->in_ms + END_MS;
	if (s->failed != FAULT_NONE)
		return 1;
	if (s->h->back.connecting)
		return 0;
	if (s->is_tunnel)
		return s->leg.x->is_watched ? 0 : later(s->in_ms, s->out_ms) + l->idle_ms;
	if (s->answered) {
		/* Who has spent its window waits for the front, which has limits of its own. */
		bool sends = h2_time_may_send(s, STREAM_WINDOW);
		uint64_t pace = pace_due(&s->in_pace, &l->response, sends, s->taken, now_of(s->h));

		return sends ? earlier(pace, s->in_ms + l->idle_ms) : 0;
	}
	if (s->out == H2_OUT_DONE || s->connects || exchange_awaits_go(s->leg.x))
		return s->out_ms + l->first_byte_ms;
	return s->waits ? 0 : h2_time_stuck(s) + l->idle_ms;
}

static void back_stream_overdue(struct h2_stream *s)
{
	bool waited = s->leg.x != NULL && !s->answered && (s->out == H2_OUT_DONE || s->connects || exchange_awaits_go(s->leg.x));
	enum fault fault = FAULT_BACK_IDLE_TIMEOUT;

	if (s->leg.x == NULL) {
		h2_stream_reset(s, NGHTTP2_CANCEL);
		return;
	}
	if (s->failed != FAULT_NONE)
		fault = s->failed;
	else if (waited)
		fault = FAULT_FIRST_BYTE_TIMEOUT;
	else if (s->in_pace.since_ms != 0 && s->in_ms + s->limits.idle_ms > now_of(s->h))
		fault = FAULT_BACK_SLOW;
	fail(s, fault, NGHTTP2_CANCEL);
}

static uint64_t back_due(struct h2 *h)
{
	const struct back_limits *l = &h->back.conn.limits;

	if (h->back.connecting)
		return h->back.opened_ms + l->connect_ms;
	if (h->back.pinged_ms != 0)
		return h->back.pinged_ms + l->connect_ms;
	if (h->blocked)
		return h->write_ms + l->idle_ms;
	return h->n_streams == 0 && h->back.idle_ms != 0 ? h->back.idle_ms + l->pool_idle_ms : 0;
}

static void back_overdue(struct h2 *h)
{
	if (h->back.connecting)
		back_gone(h, FAULT_CONNECT_TIMEOUT, false);
	else if (h->back.pinged_ms != 0 || h->blocked)
		back_gone(h, h->blocked ? FAULT_BACK_IDLE_TIMEOUT : FAULT_BACK_CLOSED, true);
	else
		back_gone(h, FAULT_BACK_CLOSED, false);
}

static void back_heard(struct h2 *h)
{
	h->back.heard_ms = now_of(h);
	h->back.pinged_ms = 0;
}

/* ---- the connection ---- */

static void back_connected(struct conn *c, int err)
{
	struct h2 *h = CONTAINER_OF(c, struct h2, conn);
	uint64_t now = clock_monotonic_us();

	CHECK_MAGIC(h, H2_MAGIC);
	h->back.connecting = false;
	h->back.conn.connecting = false;
	if (err != 0) {
		back_gone(h, back_connect_fault(err), false);
		return;
	}
	h->back.heard_ms = now_of(h);
	for (struct list *l = h->streams.next; l != &h->streams; l = l->next) {
		struct h2_stream *s = CONTAINER_OF(l, struct h2_stream, link);

		if (s->leg.x != NULL)
			s->leg.x->times.connected = now;
		h2_time_out(s);
	}
	h2_flush_later(h);
}

static const struct conn_user back_user = {
	.connected = back_connected,
	.readable = h2_readable,
	.writable = h2_writable,
	.timeout = h2_timeout,
};

static struct h2 *back_new(struct worker *w, const struct back_user *user, void *owner, const struct back_limits *limits)
{
	static const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HEADER_BYTES },
	};
	struct h2 *h = calloc(1, sizeof(*h));

	if (h != NULL)
		h2_budget_init(&h->budget, &h2_limits_by_default, false);
	if (h == NULL || !h2_init(h, w, &back_role, false, settings, ARRAY_LEN(settings), WINDOW)) {
		free(h);
		return NULL;
	}
	h->back.conn.user = user;
	h->back.conn.owner = owner;
	h->back.conn.limits = *limits;
	h->back.conn.codec = &toron_back_http2;
	h->back.streams = limits->streams != 0 ? limits->streams : STREAMS_USUAL;
	h->back.at_first = limits->streams_at_first != 0 ? limits->streams_at_first : STREAMS_USUAL;
	h->back.conn.capacity = h->back.streams < h->back.at_first ? h->back.streams : h->back.at_first;
	h->back.conn.good_for = h->back.conn.capacity;
	list_init(&h->back.conn.link);
	list_init(&h->back.conn.open);
	return h;
}

static struct back_conn *back_open(struct worker *w, const struct addr *to, struct tls_target *tls, const struct back_user *user,
	void *owner, const struct back_limits *limits)
{
	struct h2 *h = back_new(w, user, owner, limits);

	if (h == NULL)
		return NULL;
	if (back_connect(&h->conn, w, to, tls, &back_user) != 0) {
		h2_discard(h);
		return NULL;
	}
	h->conn.wire = limits->wire;
	h->back.connecting = true;
	h->back.conn.connecting = true;
	h->back.opened_ms = now_of(h);
	h2_time_due(h, back_due(h));
	return &h->back.conn;
}

static struct back_conn *back_adopt(struct conn *from, const struct back_user *user, void *owner, const struct back_limits *limits)
{
	struct h2 *h = back_new(from->worker, user, owner, limits);

	if (h == NULL)
		return NULL;
	conn_move(&h->conn, from, &back_user);
	h->back.heard_ms = h->back.idle_ms = now_of(h);
	h2_time_due(h, back_due(h));
	h2_flush_later(h);
	return &h->back.conn;
}

/* A stream's memory is taken when there is an exchange, and given to the next one. */
static struct leg *back_leg(struct back_conn *b, const struct back_limits *limits)
{
	struct h2 *h = of_back(b);
	struct h2_stream *s = h2_stream_new(h, 0);
	uint64_t now = now_of(h);

	if (s == NULL)
		return NULL;
	s->leg.ops = &back_ops;
	s->limits = *limits;
	s->out_ms = s->in_ms = now;
	b->n_exchanges++;
	h->back.idle_ms = 0;
	if (!h->back.connecting && h->back.pinged_ms == 0 && now - h->back.heard_ms >= PING_AFTER_MS) {
		nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, NULL);
		h->back.pinged_ms = now;
		h2_time_due(h, back_due(h));
	}
	return &s->leg;
}

static void on_back_close(struct back_conn *b)
{
	struct h2 *h = of_back(b);

	if (!h->feeding && !h->writing) {
		back_gone(h, FAULT_BACK_CLOSED, false);
		return;
	}
	leave(h);
}

static const struct h2_role back_role = {
	.head = back_head,
	.broken = back_broken,
	.sent = back_sent,
	.closed = back_closed,
	.gone = back_gone,
	.finished = back_finished,
	.quiet = back_quiet,
	.control = back_control,
	.heard = back_heard,
	.stream_due = back_stream_due,
	.stream_overdue = back_stream_overdue,
	.due = back_due,
	.overdue = back_overdue,
	.limits = head_limits,
};

const struct toron_back toron_back_http2 = {
	.name = "http2",
	.may_refuse = true,
	.open = back_open,
	.adopt = back_adopt,
	.leg = back_leg,
	.close = on_back_close,
};
