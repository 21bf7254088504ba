/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "codec/h2/h2.h"

#include "base/err.h"

#define FRAME_MAX (16384u + 64u) /* what nghttp2 makes at a time: a frame or a part of one */
#define WRITES_PER_TURN 8        /* full buffers before others get their turn */
#define QUEUE_MAX 1000u          /* frames that wait while the socket takes nothing; then reading stops */

/* ---- heads ---- */

bool h2_fields_init(struct h2_fields *f, struct arena *a, size_t cap, bool lasts)
{
	f->at = arena_alloc(a, cap * sizeof(*f->at));
	f->n = 0;
	f->cap = cap;
	/* Names are lower case, as nghttp2 wants those that it does not copy. */
	f->flags = lasts ? NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE : NGHTTP2_NV_FLAG_NONE;
	return f->at != NULL;
}

void h2_fields_put(void *fields, struct str name, struct str value, bool secret)
{
	struct h2_fields *f = fields;

	CHECK(f->n < f->cap);
	f->at[f->n++] = (nghttp2_nv){
		.name = (uint8_t *)(uintptr_t)name.ptr, .namelen = name.len,
		.value = (uint8_t *)(uintptr_t)value.ptr, .valuelen = value.len,
		.flags = secret ? f->flags | NGHTTP2_NV_FLAG_NO_INDEX : f->flags,
	};
}

/* ---- bodies ---- */

static bool submit_trailers(struct h2_stream *s, const struct msg *m)
{
	struct h2_fields f;

	if (!h2_fields_init(&f, &s->leg.x->arena, m->trailers.n, false))
		return false;
	pseudo_put_trailers(&m->trailers, h2_fields_put, &f);
	return nghttp2_submit_trailer(s->h->session, s->id, f.at, f.n) == 0;
}

/* How much of the body goes into the next frame; its bytes are asked for by send_data. */
static ssize_t next_data(nghttp2_session *session, int32_t id, uint8_t *into, size_t most, uint32_t *flags,
	nghttp2_data_source *source, void *user)
{
	struct h2_stream *s = source->ptr;
	const struct msg *m;
	size_t n;

	(void)session;
	(void)id;
	(void)into;
	(void)user;
	CHECK_MAGIC(s, H2_STREAM_MAGIC);
	if (s->leg.x == NULL || s->reset)
		return NGHTTP2_ERR_DEFERRED;
	if (s->connects && !s->is_tunnel) {
		s->waits = true;
		return NGHTTP2_ERR_DEFERRED;
	}
	m = h2_out_msg(s);
	n = body_unsent(&m->body);
	if (n == 0 && !m->body.end) {
		s->waits = true;
		s->out_pace.since_ms = 0; /* it has all that there is */
		return NGHTTP2_ERR_DEFERRED;
	}
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (n > most)
		return (ssize_t)most;
	if (!m->body.end)
		return (ssize_t)n;
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (m->trailers.n == 0)
		return (ssize_t)n;
	*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
	return submit_trailers(s, m) ? (ssize_t)n : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

nghttp2_data_provider h2_body_of(struct h2_stream *s)
{
	return (nghttp2_data_provider){ .source.ptr = s, .read_callback = next_data };
}

int h2_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t length, nghttp2_data_source *source,
	void *user)
{
	struct h2_stream *s = source->ptr;
	struct h2 *h = user;
	struct iovec iov[BODY_SEGMENTS];
	size_t left = length;
	struct body *b;
	int n;

	(void)session;
	(void)frame;
	CHECK_MAGIC(s, H2_STREAM_MAGIC);
	/* There is room: gather sees to it before it asks for frames, and this when another DATA frame might follow. And nothing runs
	 * between next_data and this. */
	CHECK(s->leg.x != NULL && h->out->cap - h->out_end >= length + 9);
	memcpy(h->out->bytes + h->out_end, head, 9);
	h->out_end += 9;
	b = &h2_out_msg(s)->body;
	n = body_peek(b, iov, BODY_SEGMENTS);
	for (int i = 0; i < n && left != 0; i++) {
		size_t part = iov[i].iov_len < left ? iov[i].iov_len : left;

		memcpy(h->out->bytes + h->out_end, iov[i].iov_base, part);
		h->out_end += (uint32_t)part;
		left -= part;
	}
	CHECK(left == 0);
	body_sent(b, length);
	body_release(b, length);
	h->framed_ms = loop_now_ms(h->conn.worker->loop);
	h2_time_out(s);
	if (length != 0 && list_empty(&s->framed))
		list_push_back(&h->framed, &s->framed);
	return h->out->cap - h->out_end < FRAME_MAX ? NGHTTP2_ERR_PAUSE : 0;
}

void h2_more(struct leg *leg)
{
	struct h2_stream *s = h2_stream_of(leg);

	if (s->waits) {
		s->waits = false;
		nghttp2_session_resume_data(s->h->session, s->id);
		h2_time_out(s);
	}
	h2_flush_later(s->h);
}

/* ---- writing ---- */

/* Gathers frames until the buffer is full or there are none. False: out of memory, or nghttp2 has failed. */
static bool gather(struct h2 *h)
{
	const uint8_t *bytes;
	ssize_t n;

	if (h->stuck)
		return false;
	if (h->out == NULL) {
		if (!nghttp2_session_want_write(h->session))
			return true;
		h->out = buf_acquire(h->conn.worker->bufs, BUF_LARGE / 2);
		h->out_at = h->out_end = 0;
		if (h->out == NULL)
			return false;
	}
	while (h->out->cap - h->out_end >= FRAME_MAX) {
		n = nghttp2_session_mem_send(h->session, &bytes);
		if (n < 0)
			return false;
		if (n == 0)
			break;
		memcpy(h->out->bytes + h->out_end, bytes, (size_t)n);
		h->out_end += (uint32_t)n;
	}
	return true;
}

/* Writes what was gathered. 0; ERR_AGAIN: the socket takes no more now; or another ERR_*. */
static int write_out(struct h2 *h)
{
	struct iovec iov = { h->out->bytes + h->out_at, h->out_end - h->out_at };
	ptrdiff_t n = conn_writev(&h->conn, &iov, 1);

	if (n < 0 && n != ERR_AGAIN)
		return (int)n;
	if (n > 0) {
		h->out_at += (uint32_t)n;
		h->write_ms = loop_now_ms(h->conn.worker->loop);
	}
	if (h->out_at != h->out_end)
		return ERR_AGAIN;
	h->out_at = h->out_end = 0;
	return 0;
}

/* Bodies of which bytes were framed have room again. */
static void tell_room(struct h2 *h)
{
	while (!list_empty(&h->framed)) {
		struct h2_stream *s = CONTAINER_OF(h->framed.next, struct h2_stream, framed);

		list_remove(&s->framed);
		if (s->leg.x != NULL)
			exchange_room(s->leg.x, &s->leg);
	}
}

/* 0: all that was to be written is; ERR_AGAIN: later, by the socket or by turn; or another ERR_*. */
static int write_some(struct h2 *h)
{
	int rc = 0;

	for (int i = 0; i < WRITES_PER_TURN; i++) {
		/* The buffer is filled from its beginning: what the socket did not take goes first. */
		if (h->out_at == 0) {
			h->writing = true;
			bool ok = gather(h);

			h->writing = false;
			if (!ok)
				return ERR_NO_MEMORY;
		}
		if (h->out == NULL || h->out_end == 0)
			return 0;
		rc = write_out(h);
		if (rc != 0)
			return rc;
	}
	loop_later(h->conn.worker->loop, &h->flush);
	return 0;
}

static void set_blocked(struct h2 *h, bool blocked)
{
	if (blocked && !h->blocked) {
		h->write_ms = loop_now_ms(h->conn.worker->loop);
		h2_time_due(h, h->role->due(h));
	}
	h->blocked = blocked;
	if (blocked && nghttp2_session_get_outbound_queue_size(h->session) > QUEUE_MAX)
		conn_pause(&h->conn);
	else if (!blocked && !h->eof)
		conn_unpause(&h->conn);
}

void h2_flush(struct h2 *h)
{
	int rc;

	if (h->closed || h->lingering || h->conn.state != CONN_OPEN)
		return;
	rc = write_some(h);
	if (rc != 0 && rc != ERR_AGAIN) {
		h->role->gone(h, h->is_front ? FAULT_FRONT_CLOSED : FAULT_BACK_CLOSED, true);
		return;
	}
	set_blocked(h, rc == ERR_AGAIN);
	h2_time_window(h);
	h2_time_due(h, h->role->due(h));
	if (!h->blocked && h->out_at == h->out_end)
		buf_release(&h->out);
	tell_room(h);
}

static void on_flush(struct loop_task *t)
{
	struct h2 *h = CONTAINER_OF(t, struct h2, flush);

	CHECK_MAGIC(h, H2_MAGIC);
	h2_flush(h);
	if (h->closed || h->conn.state != CONN_OPEN)
		return;
	if (h->broken)
		h2_break_off(h, NGHTTP2_PROTOCOL_ERROR);
	else if (h->out == NULL && !nghttp2_session_want_read(h->session) && !nghttp2_session_want_write(h->session))
		h->role->finished(h);
	else if (h->n_streams == 0)
		h->role->quiet(h);
}

void h2_out_init(struct h2 *h)
{
	loop_task_init(&h->flush, on_flush);
}

bool h2_out_text(struct h2 *h, struct worker *w, struct str text)
{
	CHECK(h->out == NULL);
	h->out = buf_acquire(w->bufs, BUF_LARGE / 2);
	if (h->out == NULL)
		return false;
	memcpy(h->out->bytes, text.ptr, text.len);
	h->out_at = 0;
	h->out_end = (uint32_t)text.len;
	return true;
}

void h2_flush_later(struct h2 *h)
{
	if (!h->closed && !h->blocked)
		loop_defer(h->conn.worker->loop, &h->flush);
}

void h2_writable(struct conn *c)
{
	struct h2 *h = CONTAINER_OF(c, struct h2, conn);

	CHECK_MAGIC(h, H2_MAGIC);
	on_flush(&h->flush);
}
