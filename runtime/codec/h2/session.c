/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* nghttp2's callbacks, which make events of frames, and the streams of a connection. */
#include "codec/h2/h2.h"

#include <stdlib.h>

#include "base/reuse.h"

#define UNUSED_MAX 32u      /* streams that a connection keeps for reuse */
#define SWELL_MAX 16u       /* a head that is larger than its limit so many times is meant to hurt */

static struct str str_of_rcbuf(nghttp2_rcbuf *b)
{
	nghttp2_vec v = nghttp2_rcbuf_get_buf(b);

	return (struct str){ (const char *)v.base, v.len };
}

/* A stream's frames most often come together. */
static struct h2_stream *stream_of(struct h2 *h, int32_t id)
{
	struct h2_stream *s = h->recent;

	if (s != NULL && s->id == id)
		return s;
	s = nghttp2_session_get_stream_user_data(h->session, id);
	if (s == NULL)
		return NULL;
	CHECK_MAGIC(s, H2_STREAM_MAGIC);
	h->recent = s;
	return s;
}

/* ---- streams ---- */

struct h2_stream *h2_stream_new(struct h2 *h, int32_t id)
{
	struct h2_stream *s;

	if (list_empty(&h->unused)) {
		s = malloc(sizeof(*s));
		if (s == NULL)
			return NULL;
	} else {
		s = CONTAINER_OF(h->unused.next, struct h2_stream, link);
		list_remove(&s->link);
		h->n_unused--;
	}
	memset(s, 0, sizeof(*s));
	s->magic = H2_STREAM_MAGIC;
	s->id = id;
	s->h = h;
	list_init(&s->dirty);
	list_init(&s->framed);
	list_push_back(&h->streams, &s->link);
	h->n_streams++;
	return s;
}

void h2_stream_free(struct h2_stream *s)
{
	struct h2 *h = s->h;

	CHECK_MAGIC(s, H2_STREAM_MAGIC);
	CHECK(s->leg.x == NULL);
	list_remove(&s->link);
	list_remove(&s->dirty);
	list_remove(&s->framed);
	buf_release(&s->gather);
	h->n_streams--;
	if (h->recent == s)
		h->recent = NULL;
	s->magic = 0;
	if (!KEEPS_FREED || h->n_unused >= UNUSED_MAX) {
		free(s);
		return;
	}
	list_push_front(&h->unused, &s->link);
	h->n_unused++;
}

struct h2_stream *h2_stream_find(struct h2 *h, int32_t id)
{
	for (struct list *l = h->streams.next; l != &h->streams; l = l->next) {
		struct h2_stream *s = CONTAINER_OF(l, struct h2_stream, link);

		if (s->id == id)
			return s;
	}
	return NULL;
}

void h2_stream_reset(struct h2_stream *s, uint32_t code)
{
	if (s->reset || s->h->closed)
		return;
	s->reset = true;
	s->in = H2_IN_DISCARD;
	if (nghttp2_submit_rst_stream(s->h->session, NGHTTP2_FLAG_NONE, s->id, code) != 0)
		s->h->stuck = true;
	h2_flush_later(s->h);
}

/* ---- callbacks ---- */

/* The error that a callback returns to end the connection, once it is to be ended. */
static int verdict(const struct h2 *h)
{
	return h->broken ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct h2 *h = user;
	struct h2_stream *s = stream_of(h, frame->hd.stream_id);

	if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
		s = h->role->begin(h, frame->hd.stream_id);
		if (s == NULL)
			return h->broken ? NGHTTP2_ERR_CALLBACK_FAILURE : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
		nghttp2_session_set_stream_user_data(session, s->id, s);
	}
	if (s == NULL)
		return verdict(h);
	s->section = (struct pseudo){ 0 };
	if (!h->is_front && s->leg.x != NULL && !s->answered) {
		struct msg *m = &s->leg.x->response;

		m->head.n = m->trailers.n = 0;
		m->length = -1;
		m->protocol = m->method = m->path = STR_NONE;
	}
	return verdict(h);
}

/* Whether the section being received is a head, and not trailers. */
static bool in_head(const struct h2_stream *s)
{
	return s->h->is_front ? s->in == H2_IN_HEAD : !s->answered;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name, nghttp2_rcbuf *value,
	uint8_t flags, void *user)
{
	struct h2 *h = user;
	struct h2_stream *s = stream_of(h, frame->hd.stream_id);
	struct pseudo_limits limits = h->role->limits(h);
	struct exchange *x;

	(void)session;
	(void)flags;
	if (s == NULL || s->leg.x == NULL || s->in == H2_IN_DISCARD || frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	x = s->leg.x;
	if (s->section.fault == FAULT_HEAD_TOO_LARGE) {
		/* Decompressed for nothing, but the state of the compression must be kept up. */
		s->section.bytes += (uint32_t)(str_of_rcbuf(name).len + str_of_rcbuf(value).len + 32);
		if (s->section.bytes / SWELL_MAX <= limits.header_bytes)
			return 0;
		h2_flooded(h, H2_FLOOD_HEADS);
		return verdict(h);
	}
	if (in_head(s))
		pseudo_take(&s->section, &limits, &x->arena, h2_in_msg(s), str_of_rcbuf(name), str_of_rcbuf(value));
	else
		pseudo_take_trailer(&s->section, &limits, &x->arena, h2_in_msg(s), str_of_rcbuf(name), str_of_rcbuf(value));
	return 0;
}

/* Names or values with bytes that must not be there: the stream ends in an error. */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name, nghttp2_rcbuf *value,
	uint8_t flags, void *user)
{
	(void)session;
	(void)frame;
	(void)name;
	(void)value;
	(void)flags;
	(void)user;
	return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static void on_end(struct h2_stream *s)
{
	s->peer_ended = true;
	if (s->leg.x == NULL || s->in != H2_IN_BODY)
		return;
	s->in = H2_IN_DONE;
	exchange_end(s->leg.x, &s->leg);
	h2_touch(s);
	h2_time_in(s);
}

static void on_headers(struct h2_stream *s, bool ends)
{
	struct h2 *h = s->h;

	if (s->leg.x == NULL || s->in == H2_IN_DISCARD) {
		s->peer_ended = s->peer_ended || ends;
		return;
	}
	if (in_head(s)) {
		h->role->head(s, ends);
		if (ends)
			on_end(s);
		return;
	}
	if (s->section.fault != FAULT_NONE)
		h->role->broken(s, s->section.fault);
	if (ends)
		on_end(s);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct h2 *h = user;
	struct h2_stream *s = stream_of(h, frame->hd.stream_id);
	bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;

	(void)session;
	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		if (s != NULL)
			on_headers(s, ends);
		break;
	case NGHTTP2_DATA:
		if (s != NULL && ends)
			on_end(s);
		break;
	case NGHTTP2_WINDOW_UPDATE:
		if (s != NULL)
			h2_time_out(s);
		break;
	default:
		h->role->control(h, frame);
		break;
	}
	return verdict(h);
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t len, void *user)
{
	struct h2 *h = user;
	struct h2_stream *s = stream_of(h, id);

	(void)flags;
	if (s == NULL)
		nghttp2_session_consume(session, id, len);
	else
		h2_take_data(s, bytes, len);
	return verdict(h);
}

static int on_closed(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
	struct h2 *h = user;
	struct h2_stream *s = stream_of(h, id);

	if (s == NULL)
		return 0;
	nghttp2_session_set_stream_user_data(session, id, NULL);
	h->role->closed(s, code);
	/* In the middle of its writing an error makes nghttp2 lose the frame that it could not send, and GOAWAY behind it. The flush ends
	 * the connection afterwards. */
	return h->writing ? 0 : verdict(h);
}

/* Whether we reset a stream for what the peer did with it: that must not be cheaper for it than to reset it itself. */
static bool is_their_error(uint32_t code)
{
	return code == NGHTTP2_PROTOCOL_ERROR || code == NGHTTP2_FLOW_CONTROL_ERROR || code == NGHTTP2_STREAM_CLOSED ||
	       code == NGHTTP2_FRAME_SIZE_ERROR;
}

static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct h2 *h = user;
	struct h2_stream *s;

	(void)session;
	if (frame->hd.type == NGHTTP2_RST_STREAM && is_their_error(frame->rst_stream.error_code) &&
	    !h2_budget_spend(&h->budget, loop_now_ms(h->conn.worker->loop), H2_FLOOD_RESETS))
		h2_flooded(h, H2_FLOOD_RESETS);
	if (frame->hd.type == NGHTTP2_DATA)
		h->budget.data_frames++;
	else if (frame->hd.type == NGHTTP2_HEADERS && !h->is_front)
		h->budget.requests++;
	else if (frame->hd.type != NGHTTP2_HEADERS && h->role->control_sent != NULL)
		h->role->control_sent(h, frame);
	if (frame->hd.type > NGHTTP2_HEADERS || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
		return 0;
	s = stream_of(h, frame->hd.stream_id);
	if (s != NULL) {
		s->out = H2_OUT_DONE;
		h->role->sent(s);
	}
	return 0;
}

/* A request of ours that was taken back before it went out has no stream in nghttp2. */
static int on_not_sent(nghttp2_session *session, const nghttp2_frame *frame, int error, void *user)
{
	struct h2 *h = user;
	struct h2_stream *s;

	(void)error;
	if (h->is_front || frame->hd.type != NGHTTP2_HEADERS ||
	    nghttp2_session_find_stream(session, frame->hd.stream_id) != NULL)
		return 0;
	s = h2_stream_find(h, frame->hd.stream_id);
	if (s != NULL)
		h->role->closed(s, NGHTTP2_REFUSED_STREAM);
	return 0;
}

static nghttp2_session_callbacks *make_callbacks(void)
{
	nghttp2_session_callbacks *c;

	if (nghttp2_session_callbacks_new(&c) != 0)
		return NULL;
	nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback2(c, on_header);
	nghttp2_session_callbacks_set_on_invalid_header_callback2(c, on_invalid_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(c, on_closed);
	nghttp2_session_callbacks_set_on_frame_send_callback(c, on_sent);
	nghttp2_session_callbacks_set_on_frame_not_send_callback(c, on_not_sent);
	nghttp2_session_callbacks_set_send_data_callback(c, h2_send_data);
	return c;
}

/* What floods, budget.c decides, by limits that the configuration can set: nghttp2's own must not come first. */
static void leave_floods_to_us(nghttp2_option *o, const struct toron_h2_limits *limits)
{
	nghttp2_option_set_max_continuations(o, limits->continuations + 1); /* it counts the HEADERS frame, too */
	nghttp2_option_set_stream_reset_rate_limit(o, UINT32_MAX, UINT32_MAX);
}

static nghttp2_option *make_options(bool is_front, const struct toron_h2_limits *limits)
{
	nghttp2_option *o;

	if (nghttp2_option_new(&o) != 0)
		return NULL;
	nghttp2_option_set_no_auto_window_update(o, 1);
	nghttp2_option_set_no_closed_streams(o, 1);
	leave_floods_to_us(o, limits);
	if (is_front)
		nghttp2_option_set_builtin_recv_extension_type(o, NGHTTP2_PRIORITY_UPDATE);
	return o;
}

static int make_session(struct h2 *h, bool is_front)
{
	nghttp2_session_callbacks *c = make_callbacks();
	nghttp2_option *o = make_options(is_front, h->budget.limits);
	nghttp2_mem mem = h2_memory_of(&h->memory);
	int rc = NGHTTP2_ERR_NOMEM;

	/* A client's has bytes in its frame buffer from the beginning. */
	h->memory.shares_frame = is_front;
	if (c != NULL && o != NULL)
		rc = is_front ? nghttp2_session_server_new3(&h->session, c, h, o, &mem) :
				nghttp2_session_client_new3(&h->session, c, h, o, &mem);
	h->memory.shares_frame = false;
	nghttp2_session_callbacks_del(c);
	nghttp2_option_del(o);
	return rc;
}

bool h2_init(struct h2 *h, struct worker *w, const struct h2_role *role, bool is_front, const nghttp2_settings_entry *settings,
	size_t n_settings, uint32_t window)
{
	h->magic = H2_MAGIC;
	h->role = role;
	h->is_front = is_front;
	list_init(&h->streams);
	list_init(&h->dirty);
	list_init(&h->framed);
	list_init(&h->unused);
	if (!h2_memory_init(&h->memory, w))
		return false;
	if (make_session(h, is_front) != 0) {
		h2_memory_fini(&h->memory);
		return false;
	}
	h2_out_init(h);
	if (nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings, n_settings) == 0 &&
	    nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0, (int32_t)window) == 0)
		return true;
	nghttp2_session_del(h->session);
	h2_memory_fini(&h->memory);
	return false;
}

void h2_discard(struct h2 *h)
{
	CHECK(list_empty(&h->streams));
	nghttp2_session_del(h->session);
	h2_memory_fini(&h->memory);
	while (!list_empty(&h->unused)) {
		struct h2_stream *s = CONTAINER_OF(h->unused.next, struct h2_stream, link);

		list_remove(&s->link);
		free(s);
	}
	h->magic = 0;
	free(h);
}

static void free_last(struct loop_task *t)
{
	struct h2 *h = CONTAINER_OF(t, struct h2, last);

	CHECK_MAGIC(h, H2_MAGIC);
	CHECK(h->closed);
	h2_discard(h);
}

void h2_close(struct h2 *h, bool abort)
{
	CHECK_MAGIC(h, H2_MAGIC);
	if (h->closed)
		return;
	h->closed = true;
	if (abort)
		conn_abort(&h->conn);
	else
		conn_close(&h->conn);
	while (!list_empty(&h->streams))
		h2_stream_free(CONTAINER_OF(h->streams.next, struct h2_stream, link));
	buf_release(&h->in);
	buf_release(&h->out);
	loop_task_cancel(&h->flush);
	loop_task_init(&h->last, free_last);
	loop_defer(h->conn.worker->loop, &h->last);
}
