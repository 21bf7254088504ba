/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* HTTP/2 in the front role: requests in, responses out. */
#include "codec/h2/h2.h"

#include <nettle/base64.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop/count.h"

#define STREAMS_BY_DEFAULT 128
#define STREAM_WINDOW 65535u /* bytes of a request body that are under way: as HTTP/2 has it, and what a body that is kept leaves room for */
#define LEAVE_MS 1000        /* for the client to see that no new streams are taken */

static const struct h2_role front_role;

static const struct toron_h2_limits *limits_of(const struct toron_listener *l)
{
	return l->limits.h2 != NULL ? l->limits.h2 : &h2_limits_by_default;
}

static struct pseudo_limits head_limits(const struct h2 *h)
{
	const struct toron_limits *l = &h->front.listener->limits;

	return (struct pseudo_limits){ l->header_bytes, l->header_count, l->uri_bytes };
}

static uint64_t now_of(const struct h2 *h)
{
	return loop_now_ms(h->conn.worker->loop);
}

static void front_close(struct h2 *h, bool abort)
{
	if (h->closed)
		return;
	list_remove(&h->front.link.link);
	h->conn.worker->n_fronts--;
	atomic_fetch_sub_explicit(h->front.listener->open, 1, memory_order_relaxed);
	h2_close(h, abort);
}

static void front_gone(struct h2 *h, enum fault fault, bool abort)
{
	while (!list_empty(&h->streams)) {
		struct h2_stream *s = CONTAINER_OF(h->streams.next, struct h2_stream, link);
		struct exchange *x = s->leg.x;

		s->leg.x = NULL;
		if (x != NULL)
			exchange_fault(x, &s->leg, fault);
		h2_stream_free(s);
	}
	front_close(h, abort);
}

/* ---- the end of a connection ---- */

/* Closing at once could destroy what was sent last, because the client may be sending still (RFC 9112 section 9.6). */
static void front_finished(struct h2 *h)
{
	if (h->lingering)
		return;
	if (h->eof || h->conn.state != CONN_OPEN || h->n_streams != 0) {
		front_gone(h, FAULT_FRONT_CLOSED, false);
		return;
	}
	h->lingering = true;
	h->front.idle_ms = now_of(h);
	conn_shutdown(&h->conn);
	conn_unpause(&h->conn);
	h->due_ms = 0;
	h2_time_due(h, front_role.due(h));
}

/* First the client is told that no more streams are wanted; what it has begun by the time it answers is still taken. */
static void leave(struct h2 *h)
{
	if (h->leaving)
		return;
	h->leaving = true;
	nghttp2_submit_shutdown_notice(h->session);
	h->front.leave_ms = now_of(h);
	h2_time_due(h, h->front.leave_ms + LEAVE_MS);
	h2_flush_later(h);
}

static void left(struct h2 *h)
{
	if (!h->leaving || h->front.leave_ms == 0)
		return;
	h->front.leave_ms = 0;
	nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(h->session),
		NGHTTP2_NO_ERROR, NULL, 0);
	h2_flush_later(h);
}

static void front_quiet(struct h2 *h)
{
	if (h->front.idle_ms == 0) {
		h->front.idle_ms = now_of(h);
		h2_time_due(h, front_role.due(h));
	}
}

static void front_drain(struct front_link *link, bool now)
{
	struct h2 *h = CONTAINER_OF(link, struct h2, front.link);

	CHECK_MAGIC(h, H2_MAGIC);
	if (now)
		front_gone(h, FAULT_FRONT_CLOSED, true);
	else
		leave(h);
}

static void front_control(struct h2 *h, const nghttp2_frame *frame)
{
	if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0)
		left(h);
}

/* ---- requests ---- */

/* Whether nobody takes the request's body any more. */
static bool goes_nowhere(const struct exchange *x)
{
	return x->back == NULL || x->back == &x->local;
}

static void front_broken(struct h2_stream *s, enum fault fault)
{
	struct exchange *x = s->leg.x;

	s->in = H2_IN_DISCARD;
	h2_credit_all(s);
	/* Malformed requests end the stream (RFC 9113 section 8.1.1); what is well-formed and too much is answered. */
	if (fault == FAULT_BAD_REQUEST || fault == FAULT_FRONT_PROTOCOL) {
		s->leg.x = NULL;
		h2_stream_reset(s, NGHTTP2_PROTOCOL_ERROR);
		exchange_fault(x, &s->leg, fault);
		return;
	}
	/* What is too much of a body that nobody takes does not take the answer away, which may still wait to be written. */
	if (x->state >= EXCHANGE_ANSWERING && goes_nowhere(x))
		return;
	exchange_refuse(x, fault);
	h2_flush_later(s->h);
}

static void front_head(struct h2_stream *s, bool ends)
{
	struct h2 *h = s->h;
	struct exchange *x = s->leg.x;
	struct msg *m = &x->request;
	enum fault fault = pseudo_end_request(&s->section, &x->arena, m, ends);

	h->front.head_ms = 0;
	m->scheme = STR("http"); /* what the client calls it matters less than how it came: semantics.c */
	if (fault != FAULT_NONE) {
		front_broken(s, fault);
		return;
	}
	s->in = H2_IN_BODY;
	if (ends || m->protocol.ptr != NULL) {
		s->in = H2_IN_DONE;
		exchange_end(x, &s->leg);
	}
	h2_time_in(s);
	exchange_head(x, &s->leg);
	h2_touch(s);
}

static void remember(struct h2 *h, uint32_t id)
{
	h->front.closed[h->front.n_closed++ % H2_CLOSED_KEPT] = id;
}

static void front_control_sent(struct h2 *h, const nghttp2_frame *frame)
{
	if (frame->hd.type == NGHTTP2_RST_STREAM)
		remember(h, (uint32_t)frame->hd.stream_id | H2_CLOSED_BY_US);
	/* Who answers this has seen what went before it; nghttp2 would let a PING overtake. */
	if (frame->hd.type == NGHTTP2_GOAWAY && h->front.leave_ms != 0)
		nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, NULL);
}

/* RFC 9113 section 5.1: who goes on with a stream that it has ended itself, or goes back to one that it passed over, is in error. About
 * those that ended long ago nothing is known. */
static uint32_t front_stray(struct h2 *h, bool is_head, uint32_t id)
{
	uint32_t n = h->front.n_closed < H2_CLOSED_KEPT ? h->front.n_closed : H2_CLOSED_KEPT;
	uint32_t lowest = n < H2_CLOSED_KEPT ? 0 : UINT32_MAX;
	bool ended = false;

	for (uint32_t i = 0; i < n; i++) {
		if (h->front.closed[i] == (id | H2_CLOSED_BY_US))
			return NGHTTP2_NO_ERROR;
		ended = ended || h->front.closed[i] == id;
		if ((h->front.closed[i] & ~H2_CLOSED_BY_US) < lowest)
			lowest = h->front.closed[i] & ~H2_CLOSED_BY_US;
	}
	if (ended)
		return NGHTTP2_STREAM_CLOSED;
	return is_head && id % 2 == 1 && id > lowest ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_NO_ERROR;
}

static void front_closed(struct h2_stream *s, uint32_t code)
{
	struct exchange *x = s->leg.x;
	enum fault fault = s->in == H2_IN_HEAD ? FAULT_BAD_REQUEST :
			   code == NGHTTP2_PROTOCOL_ERROR ? FAULT_FRONT_PROTOCOL : FAULT_FRONT_CLOSED;

	s->leg.x = NULL;
	if (!s->reset)
		remember(s->h, (uint32_t)s->id);
	h2_credit_all(s);
	if (x != NULL && s->out == H2_OUT_DONE)
		exchange_done(x);
	else if (x != NULL)
		exchange_fault(x, &s->leg, fault);
	h2_stream_free(s);
}

/* ---- responses ---- */

static void front_sent(struct h2_stream *s)
{
	if (s->peer_ended || (s->is_tunnel && s->leg.x != NULL && !goes_nowhere(s->leg.x)))
		return;
	/* The response is whole, and the rest of the request matters no more (RFC 9113 section 8.1). */
	h2_stream_reset(s, NGHTTP2_NO_ERROR);
}

static bool submit_head(struct h2_stream *s, const struct msg *m)
{
	struct h2 *h = s->h;
	bool interim = m->status < 200 && m->status != 101;
	bool has_body = m->status == 101 || (!m->bodiless && m->length != 0);
	nghttp2_data_provider body = h2_body_of(s);
	struct h2_fields f;

	if (!h2_fields_init(&f, &s->leg.x->arena, pseudo_count(m), !interim) ||
	    !pseudo_put_response(m, &s->leg.x->arena, h2_fields_put, &f))
		return false;
	if (interim)
		return nghttp2_submit_headers(h->session, NGHTTP2_FLAG_NONE, s->id, NULL, f.at, f.n, NULL) == 0;
	s->out = H2_OUT_BODY;
	return nghttp2_submit_response(h->session, s->id, f.at, f.n, has_body ? &body : NULL) == 0;
}

static void on_front_head(struct leg *leg, const struct msg *m)
{
	struct h2_stream *s = h2_stream_of(leg);

	if (s->reset)
		return;
	if (!submit_head(s, m)) {
		h2_stream_reset(s, NGHTTP2_INTERNAL_ERROR);
		return;
	}
	/* From now on the client is waited for, which perhaps opens no window for the body, or which was asked for its own. */
	if (s->out == H2_OUT_BODY)
		h2_time_out(s);
	else if (m->status == 100)
		h2_time_in(s);
	h2_flush_later(s->h);
	if (m->status != 101)
		return;
	s->is_tunnel = true;
	if (!s->peer_ended) {
		s->in = H2_IN_BODY;
		return;
	}
	exchange_end(leg->x, leg);
	h2_touch(s);
}

static void on_front_reset(struct leg *leg, enum fault fault)
{
	struct h2_stream *s = h2_stream_of(leg);

	h2_credit_all(s);
	leg->x = NULL;
	h2_stream_reset(s, fault_info(fault)->h2);
}

static const struct leg_ops front_ops = {
	.name = "http2-front",
	.head = on_front_head,
	.more = h2_more,
	.room = h2_room,
	.reset = on_front_reset,
};

/* ---- time limits ---- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

/* By the stream's own window. What concerns the whole connection is looked at there. */
static bool takes_slowly(const struct h2_stream *s)
{
	return s->out == H2_OUT_BODY && !s->waits && !s->h->blocked &&
	       nghttp2_session_get_remote_window_size(s->h->session) > 0;
}

static uint64_t front_stream_due(struct h2_stream *s)
{
	const struct toron_listener *l = s->h->front.listener;
	uint64_t due = 0, now = now_of(s->h);
	bool sends;

	if (s->leg.x == NULL || s->is_tunnel)
		return 0;
	/* Who has spent its window waits for us, and who wants to be asked for its body waits for the server. */
	sends = h2_time_may_send(s, STREAM_WINDOW) && !exchange_awaits_go(s->leg.x);
	if (sends)
		due = s->in_ms + l->body_ms;
	due = earlier(due, pace_due(&s->in_pace, &l->limits.request, sends, s->taken, now));
	due = earlier(due, pace_due(&s->out_pace, &l->limits.response, takes_slowly(s), s->leg.x->response.body.sent, now));
	if (s->out == H2_OUT_BODY && !s->waits && !s->h->blocked)
		due = earlier(due, h2_time_stuck(s) + l->write_ms);
	return due;
}

/* Whether a pace, whose span began then, is what has come to its end. */
static bool is_paced(const struct h2_stream *s, const struct pace *p, const struct toron_pace *least)
{
	return p->since_ms != 0 && p->since_ms + least->over_ms <= now_of(s->h);
}

static void front_stream_overdue(struct h2_stream *s)
{
	const struct toron_limits *l = &s->h->front.listener->limits;
	bool sends_slowly = is_paced(s, &s->in_pace, &l->request);
	enum fault fault = is_paced(s, &s->out_pace, &l->response) ? FAULT_FRONT_SLOW : FAULT_FRONT_TIMEOUT;
	struct exchange *x = s->leg.x;

	if (x->state < EXCHANGE_ANSWERING) {
		front_broken(s, sends_slowly ? FAULT_REQUEST_SLOW : FAULT_REQUEST_TIMEOUT);
		return;
	}
	if (sends_slowly)
		fault = FAULT_REQUEST_SLOW;
	on_front_reset(&s->leg, fault);
	exchange_fault(x, &s->leg, fault);
}

/* Whether the client is waited for to take something: from the socket, or from the connection's window. */
static bool front_is_stuck(const struct h2 *h)
{
	if (h->blocked || nghttp2_session_get_remote_window_size(h->session) > 0)
		return h->blocked;
	for (const struct list *l = h->streams.next; l != &h->streams; l = l->next) {
		const struct h2_stream *s = CONTAINER_OF(l, struct h2_stream, link);

		if (s->leg.x != NULL && s->out == H2_OUT_BODY && !s->waits && body_unsent(&s->leg.x->response.body) != 0)
			return true;
	}
	return false;
}

static uint64_t pace_time(struct h2 *h)
{
	const struct toron_pace *least = &h->front.listener->limits.response;
	bool stuck = least->bytes != 0 && front_is_stuck(h);

	return pace_due(&h->front.pace, least, stuck, stuck ? conn_taken(&h->conn) : 0, now_of(h));
}

static uint64_t front_due(struct h2 *h)
{
	const struct toron_listener *l = h->front.listener;
	uint64_t due = 0;

	if (h->lingering)
		return h->front.idle_ms + l->linger_idle_ms;
	if (h->blocked)
		due = h->write_ms + l->write_ms;
	due = earlier(due, pace_time(h));
	if (h->front.head_ms != 0)
		due = earlier(due, h->front.head_ms + l->header_ms);
	if (h->front.leave_ms != 0)
		due = earlier(due, h->front.leave_ms + LEAVE_MS);
	if (h->n_streams == 0 && h->front.idle_ms != 0)
		due = earlier(due, h->front.idle_ms + l->idle_ms);
	return due;
}

static void front_overdue(struct h2 *h)
{
	const struct toron_listener *l = h->front.listener;
	uint64_t now = now_of(h);

	if (h->lingering) {
		front_close(h, false);
		return;
	}
	if (h->front.leave_ms != 0 && h->front.leave_ms + LEAVE_MS <= now)
		left(h);
	if (h->front.pace.since_ms != 0 && h->front.pace.since_ms + l->limits.response.over_ms <= now) {
		front_gone(h, FAULT_FRONT_SLOW, true);
	} else if (h->blocked && h->write_ms + l->write_ms <= now) {
		front_gone(h, FAULT_FRONT_TIMEOUT, true);
	} else if (h->front.head_ms != 0 && h->front.head_ms + l->header_ms <= now) {
		h2_break_off(h, NGHTTP2_ENHANCE_YOUR_CALM);
	} else if (h->n_streams == 0 && h->front.idle_ms + l->idle_ms <= now) {
		nghttp2_session_terminate_session(h->session, NGHTTP2_NO_ERROR);
		h2_flush_later(h);
		h->front.idle_ms = now; /* in case that it takes nothing */
	}
}

/* ---- the connection ---- */

static const struct conn_user front_user = {
	.readable = h2_readable,
	.writable = h2_writable,
	.timeout = h2_timeout,
};

static struct h2_stream *front_begin(struct h2 *h, int32_t id)
{
	const struct toron_listener *l = h->front.listener;
	struct h2_stream *s = h2_stream_new(h, id);
	struct exchange *x = s == NULL ? NULL : exchange_new(&h->conn, l, &s->leg);

	if (x == NULL) {
		if (s != NULL)
			h2_stream_free(s);
		return NULL;
	}
	s->leg = (struct leg){ .ops = &front_ops, .x = x };
	x->request.version_major = 2;
	x->request.version_minor = 0;
	h->front.idle_ms = 0;
	h->front.head_ms = now_of(h);
	h2_time_due(h, h->front.head_ms + l->header_ms);
	h->front.n_requests++;
	if (l->limits.requests_per_connection != 0 && h->front.n_requests >= l->limits.requests_per_connection)
		leave(h);
	return s;
}

/* Everything but the connection; NULL: out of memory. */
static struct h2 *front_new(struct worker *w, const struct toron_listener *l)
{
	const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, l->limits.streams != 0 ? l->limits.streams : STREAMS_BY_DEFAULT },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, l->limits.header_bytes },
		{ NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1 },
		{ NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
	};
	struct h2 *h = calloc(1, sizeof(*h));

	if (h != NULL)
		h2_budget_init(&h->budget, limits_of(l), true);
	if (h == NULL || !h2_init(h, w, &front_role, true, settings, ARRAY_LEN(settings), limits_of(l)->window)) {
		free(h);
		return NULL;
	}
	h->front.listener = l;
	h->front.link.drain = front_drain;
	list_push_back(&w->fronts, &h->front.link.link);
	w->n_fronts++;
	return h;
}

/* A connection that was counted, and will not be. */
static void uncount(const struct toron_listener *l)
{
	atomic_fetch_sub_explicit(l->open, 1, memory_order_relaxed);
}

static void begin(struct h2 *h)
{
	front_quiet(h);
	if (h->conn.worker->draining)
		leave(h);
	h2_flush_later(h);
}

static void front_accept(struct worker *w, const struct toron_listener *l, int fd, const struct addr *peer)
{
	struct h2 *h;

	if (!front_admit(w, l)) {
		close(fd);
		return;
	}
	h = front_new(w, l);
	if (h == NULL) {
		close(fd);
		uncount(l);
		return;
	}
	conn_init(&h->conn, w, fd, peer, &front_user);
	h->conn.wire = count_wire_of_listener(w, l);
	begin(h);
	h2_readable(&h->conn);
}

static void front_take(struct worker *w, const struct toron_listener *l, struct conn *from, struct buf *in, uint32_t at,
	uint32_t end)
{
	struct h2 *h = front_new(w, l);

	if (h == NULL) {
		conn_close(from);
		uncount(l);
		return;
	}
	conn_move(&h->conn, from, &front_user);
	begin(h);
	if (in != NULL)
		h2_take_bytes(h, in, at, end);
	if (!h->closed)
		h2_readable(&h->conn);
}

#define UPGRADE_SETTINGS_MAX 512 /* bytes of their text; 32 settings are 256 */

/* What the client said in HTTP2-Settings becomes its first SETTINGS, and its request the first stream, which the client has ended. */
static bool upgrade_session(struct h2 *h, struct str settings, bool is_head)
{
	uint8_t bytes[BASE64_DECODE_LENGTH(UPGRADE_SETTINGS_MAX)];
	struct base64_decode_ctx base64;
	size_t len = sizeof(bytes);

	if (settings.len > UPGRADE_SETTINGS_MAX)
		return false;
	base64url_decode_init(&base64);
	/* Its padding is left out. */
	return base64_decode_update(&base64, &len, bytes, settings.len, settings.ptr) != 0 &&
	       nghttp2_session_upgrade2(h->session, bytes, len, is_head, NULL) == 0;
}

static bool front_upgrade(struct worker *w, const struct toron_listener *l, struct conn *from, struct exchange *x,
	struct str settings, struct buf *in, uint32_t at, uint32_t end)
{
	static const char switching[] = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n";
	struct h2 *h = front_new(w, l);
	struct h2_stream *s = h == NULL ? NULL : h2_stream_new(h, 1);

	if (s == NULL || !upgrade_session(h, settings, str_eq(x->request.method, STR("HEAD"))) ||
	    !h2_out_text(h, w, (struct str){ switching, sizeof(switching) - 1 })) {
		if (h != NULL) {
			list_remove(&h->front.link.link);
			w->n_fronts--;
			h->conn.worker = w;
			h2_close(h, false);
		}
		return false;
	}
	conn_move(&h->conn, from, &front_user);
	nghttp2_session_set_stream_user_data(h->session, 1, s);
	s->leg = (struct leg){ .ops = &front_ops, .x = x };
	s->in = H2_IN_DONE;
	s->peer_ended = true;
	x->front = &s->leg;
	h->front.n_requests = 1;
	h2_flush_later(h);
	exchange_end(x, &s->leg);
	exchange_head(x, &s->leg);
	h2_touch(s);
	h2_take_bytes(h, in, at, end);
	if (!h->closed)
		h2_readable(&h->conn);
	return true;
}

static const struct h2_role front_role = {
	.begin = front_begin,
	.head = front_head,
	.broken = front_broken,
	.sent = front_sent,
	.closed = front_closed,
	.gone = front_gone,
	.finished = front_finished,
	.quiet = front_quiet,
	.control = front_control,
	.stray = front_stray,
	.control_sent = front_control_sent,
	.stream_due = front_stream_due,
	.stream_overdue = front_stream_overdue,
	.due = front_due,
	.overdue = front_overdue,
	.limits = head_limits,
};

const struct toron_front toron_front_http2 = {
	.name = "http2",
	.accept = front_accept,
	.take = front_take,
	.upgrade = front_upgrade,
};
