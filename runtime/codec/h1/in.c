/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "codec/h1/h1.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/err.h"

#define READS_PER_WAKE 8   /* full buffers taken before others get their turn */
#define BULK_BUFS      4   /* large buffers that one call fills */

void h1_begin_body(struct h1 *h, const struct h1_head *head, const struct msg *m)
{
	switch (head->framing) {
	case H1_NO_BODY:
		h->in_state = H1_IN_DONE;
		exchange_end(h->leg.x, &h->leg);
		break;
	case H1_LENGTH:
		h->in_state = H1_IN_LENGTH;
		h->in_left = (uint64_t)m->length;
		break;
	case H1_CHUNKED:
		h->in_state = H1_IN_CHUNKED;
		h->chunks = (struct h1_chunks){ .state = H1_CHUNK_SIZE };
		h->scanned = 0;
		break;
	case H1_UNTIL_CLOSE:
		h->in_state = H1_IN_UNTIL_CLOSE;
		break;
	}
}

static void in_done(struct h1 *h)
{
	h->in_state = H1_IN_DONE;
	exchange_end(h->leg.x, &h->leg);
}

static void broken(struct h1 *h, enum fault fault)
{
	if (h->is_front)
		h1_front_broken(h, fault);
	else
		h1_back_broken(h, fault);
}

/* Appends up to `max` buffered bytes to the body; 0: no bytes or no room. */
static size_t take_body(struct h1 *h, uint64_t max)
{
	struct body *body = h1_in_body(h);
	size_t n = h->in_end - h->in_at, room;

	if (n > max)
		n = (size_t)max;
	if (n == 0)
		return 0;
	room = body_room(body);
	if (room == 0) {
		h->stalled = true;
		conn_pause(&h->conn);
		return 0;
	}
	if (n > room)
		n = room;
	body_append(body, h->in->bytes + h->in_at, n, h->in);
	h->in_at += (uint32_t)n;
	return n;
}

static bool over_body_limit(struct h1 *h)
{
	uint64_t limit = h->is_front ? exchange_body_limit(h->leg.x) : 0;

	return limit != 0 && h1_in_body(h)->appended > limit;
}

static void took_of_length(struct h1 *h, size_t n)
{
	h->in_left -= n;
	if (h->in_left == 0)
		in_done(h);
}

static bool step_length(struct h1 *h)
{
	size_t n = take_body(h, h->in_left);

	took_of_length(h, n);
	return n != 0;
}

/* False: that was one too many. */
static bool took_of_chunk(struct h1 *h, size_t n)
{
	h->chunks.left -= n;
	if (n == 0 || !over_body_limit(h))
		return true;
	broken(h, FAULT_BODY_TOO_LARGE);
	return false;
}

/* The trailer section, once it is whole in the buffer. */
static bool step_trailers(struct h1 *h)
{
	char *bytes = h->in->bytes + h->in_at;
	size_t len = h->in_end - h->in_at, n;
	struct h1_limits limits = h1_limits_of(h);
	struct exchange *x = h->leg.x;
	enum msg_kind kind = h->is_front ? MSG_REQUEST : MSG_RESPONSE;
	enum fault fault;

	if (len >= 2 && bytes[0] == '\r' && bytes[1] == '\n')
		n = 2;
	else
		n = h1_head_length(bytes, len, &h->scanned);
	if ((n == 0 ? len : n) > limits.header_bytes) {
		broken(h, FAULT_HEAD_TOO_LARGE);
		return false;
	}
	if (n == 0)
		return false;
	fault = h1_parse_trailers(bytes, n, &limits, &x->arena, kind == MSG_REQUEST ? &x->request.trailers : &x->response.trailers);
	if (fault == FAULT_NONE && n > 2 && !exchange_keep_buf(x, kind, h->in))
		fault = FAULT_NO_MEMORY;
	if (fault != FAULT_NONE) {
		broken(h, fault == FAULT_BAD_REQUEST ? FAULT_FRONT_PROTOCOL : fault);
		return false;
	}
	h->in_at += (uint32_t)n;
	in_done(h);
	return true;
}

static bool step_chunked(struct h1 *h)
{
	ptrdiff_t framing = h1_chunks_step(&h->chunks, h->in->bytes + h->in_at, h->in_end - h->in_at);
	size_t n;

	if (framing < 0) {
		broken(h, FAULT_FRONT_PROTOCOL);
		return false;
	}
	h->in_at += (uint32_t)framing;
	if (h->chunks.state == H1_CHUNK_TRAILERS)
		return step_trailers(h);
	if (h->chunks.state != H1_CHUNK_DATA)
		return framing != 0;
	n = take_body(h, h->chunks.left);
	return took_of_chunk(h, n) && n != 0;
}

/* One event's worth; false when nothing more can be done now. */
static bool step(struct h1 *h)
{
	if (h->closed || (h->in_at == h->in_end && h->in_state != H1_IN_DONE))
		return false;
	switch (h->in_state) {
	case H1_IN_IDLE:
		return h->is_front ? h1_front_head(h) : h1_back_head(h);
	case H1_IN_LENGTH:
		return step_length(h);
	case H1_IN_CHUNKED:
		return step_chunked(h);
	case H1_IN_UNTIL_CLOSE:
	case H1_IN_TUNNEL:
		return take_body(h, UINT64_MAX) != 0;
	case H1_IN_DISCARD:
		h->in_at = h->in_end;
		return false;
	case H1_IN_DONE:
		break;
	}
	return false;
}

static void drop_input_if_empty(struct h1 *h)
{
	if (h->in == NULL || h->in_at != h->in_end)
		return;
	buf_release(&h->in);
	h->in_at = h->in_end = 0;
	h->scanned = 0;
}

/* One batch of events. True if its exchange ended in exchange_more, and the next request may wait. */
static bool pump_batch(struct h1 *h)
{
	bool had_exchange;

	while (step(h))
		;
	drop_input_if_empty(h);
	had_exchange = h->leg.x != NULL;
	if (had_exchange && !h->is_front && h->in_state == H1_IN_DONE)
		h1_back_in_done(h);
	else if (had_exchange)
		exchange_more(h->leg.x, &h->leg);
	return had_exchange && h->is_front && h->leg.x == NULL && !h->closed && h->in_at != h->in_end;
}

/* The peer's end counts once everything before it was taken. */
static void tell_eof(struct h1 *h)
{
	if (!h->eof || h->closed || h->stalled || !list_empty(&h->task.link))
		return;
	if (h->is_front)
		h1_front_eof(h);
	else
		h1_back_eof(h);
}

void h1_pump(struct h1 *h)
{
	CHECK_MAGIC(h, H1_MAGIC);
	if (h->pumping || h->closed)
		return;
	h->pumping = true;
	while (pump_batch(h))
		;
	h->pumping = false;
	if (h->closed)
		return;
	if (h->is_front)
		h1_front_progress(h);
	else
		h1_back_progress(h);
	tell_eof(h);
}

static void on_task(struct loop_task *t)
{
	struct h1 *h = CONTAINER_OF(t, struct h1, task);

	CHECK_MAGIC(h, H1_MAGIC);
	if (h->closed) {
		h->magic = 0;
		free(h);
		return;
	}
	h1_pump(h);
}

void h1_pump_later(struct h1 *h)
{
	loop_defer(h->conn.worker->loop, &h->task);
}

void h1_room(struct leg *leg)
{
	struct h1 *h = CONTAINER_OF(leg, struct h1, leg);

	CHECK_MAGIC(h, H1_MAGIC);
	if (!h->stalled)
		return;
	h->stalled = false;
	if (!h->eof)
		conn_unpause(&h->conn);
	h1_pump_later(h);
}

/* A buffer with room for reading. Bytes that are not yet understood move along when the present one is full. */
static bool make_room(struct h1 *h)
{
	size_t held = h->in_end - h->in_at;
	size_t want = BUF_SMALL / 2;
	struct buf *fresh;

	if (h->in == NULL && h->in_state == H1_IN_IDLE) {
		h->in = buf_acquire(h->conn.worker->bufs, want);
		return h->in != NULL;
	}
	if (h->in != NULL && h->in_end < h->in->cap)
		return true;
	if (h->in != NULL && h->in->refs == 1 && h->in_at != 0) {
		memmove(h->in->bytes, h->in->bytes + h->in_at, held);
		h->in_at = 0;
		h->in_end = (uint32_t)held;
		return true;
	}
	if ((h->in_state == H1_IN_LENGTH && h->in_left > BUF_SMALL) || h->in_state == H1_IN_CHUNKED ||
	    h->in_state == H1_IN_UNTIL_CLOSE || held > want)
		want = BUF_LARGE / 2;
	fresh = buf_acquire(h->conn.worker->bufs, want);
	if (fresh == NULL)
		return false;
	if (held >= fresh->cap) {
		buf_release(&fresh);
		return false;
	}
	if (held != 0)
		memcpy(fresh->bytes, h->in->bytes + h->in_at, held);
	buf_release(&h->in);
	h->in = fresh;
	h->in_at = 0;
	h->in_end = (uint32_t)held;
	return true;
}

static void on_eof(struct h1 *h)
{
	h->eof = true;
	conn_pause(&h->conn);
	tell_eof(h);
}

/* No buffer, or a full one. What is in flight, or the exchange before, will make room and say so; otherwise nobody would. */
static void no_room(struct h1 *h)
{
	const struct body *body = h->leg.x == NULL ? NULL : h1_in_body(h);

	if (body != NULL && h->in_state != H1_IN_DISCARD &&
	    (h->in_state == H1_IN_DONE || body->appended != body->released)) {
		conn_pause(&h->conn);
		h->stalled = true;
		if (h->is_front)
			exchange_no_room(h->leg.x);
		return;
	}
	enum fault fault = h->in_at != h->in_end ? FAULT_HEAD_TOO_LARGE : FAULT_NO_MEMORY;

	if (h->is_front)
		h1_front_starved(h, fault);
	else
		h1_back_broken(h, fault);
}

/* What is thrown away has its bounds, too. */
static bool discard_too_much(struct h1 *h, size_t n)
{
	if (h->in_state != H1_IN_DISCARD)
		return false;
	if (n > h->in_left)
		return true;
	h->in_left -= n;
	return false;
}

/* Buffers may be short because a request body is kept for another attempt: that comes last. */
static bool make_room_or_let_go(struct h1 *h)
{
	if (make_room(h))
		return true;
	if (!h->is_front || h->leg.x == NULL || h->leg.x->request.body.kept == 0)
		return false;
	body_let_go(&h->leg.x->request.body);
	return make_room(h);
}

/* A full buffer may be of bytes for which the other leg has made room in this very turn: they would be taken at its end. */
static bool take_late_room(struct h1 *h)
{
	const struct body *body = h->leg.x == NULL ? NULL : h1_in_body(h);

	if (body == NULL || h->in_at == h->in_end || body_room(body) == 0)
		return false;
	h1_pump(h);
	return !h->closed && !h->conn.paused && make_room(h);
}

/* Nothing came: `n` is 0 at the end of the stream, or ERR_*. */
static void nothing_came(struct h1 *h, ptrdiff_t n)
{
	drop_input_if_empty(h);
	if (n == ERR_AGAIN)
		return;
	h->peer_reset = n < 0;
	on_eof(h);
}

/* How many of the next bytes are a body's, whatever they are. */
static uint64_t owed(const struct h1 *h)
{
	switch (h->in_state) {
	case H1_IN_LENGTH:
		return h->in_left;
	case H1_IN_CHUNKED:
		return h->chunks.state == H1_CHUNK_DATA ? h->chunks.left : 0;
	case H1_IN_UNTIL_CLOSE:
		return UINT64_MAX;
	default:
		return 0;
	}
}

/* Several buffers that one call fills. */
struct bulk {
	struct buf *bufs[BULK_BUFS];
	struct iovec iov[BULK_BUFS];
	int n;
	size_t room;
};

/* Bytes that such a call may take now; 0: it would not pay. */
static size_t bulk_room(struct h1 *h)
{
	uint64_t most = owed(h);
	size_t room;

	if (most < BUF_LARGE || h->in != NULL || h->leg.x == NULL || h->conn.ops->readv == NULL)
		return 0;
	room = body_room(h1_in_body(h));
	if (room > most)
		room = (size_t)most;
	return room < BUF_LARGE || body_places(h1_in_body(h)) < BULK_BUFS ? 0 : room;
}

/* False: one buffer is all that is wanted, or there is none. */
static bool take_bulk(struct h1 *h, struct bulk *b)
{
	size_t most = bulk_room(h);

	b->room = 0;
	for (b->n = 0; b->n < BULK_BUFS && b->room < most; b->n++) {
		struct buf *buf = buf_acquire(h->conn.worker->bufs, BUF_LARGE / 2);

		if (buf == NULL)
			break;
		b->bufs[b->n] = buf;
		b->iov[b->n] = (struct iovec){ buf->bytes, buf->cap < most - b->room ? buf->cap : most - b->room };
		b->room += b->iov[b->n].iov_len;
	}
	return b->n != 0;
}

/* Gives the buffers back; the body keeps those that have something of it. */
static void append_bulk(struct h1 *h, struct bulk *b, size_t n)
{
	for (int i = 0; i < b->n; i++) {
		size_t some = b->iov[i].iov_len < n ? b->iov[i].iov_len : n;

		body_append(h1_in_body(h), b->bufs[i]->bytes, some, b->bufs[i]);
		buf_release(&b->bufs[i]);
		n -= some;
	}
}

/* Bytes that can only be a body's go past `in`. True if there may be more. */
static bool read_bulk(struct h1 *h, struct bulk *b)
{
	ptrdiff_t n = h->conn.ops->readv(&h->conn, b->iov, b->n);

	append_bulk(h, b, n > 0 ? (size_t)n : 0);
	h->in_bulk = n == (ptrdiff_t)b->room;
	if (n <= 0) {
		nothing_came(h, n);
		return false;
	}
	if (h->in_state == H1_IN_LENGTH)
		took_of_length(h, (size_t)n);
	else if (h->in_state == H1_IN_CHUNKED && !took_of_chunk(h, (size_t)n))
		return false;
	h1_pump(h);
	return h->in_bulk;
}

/* True if a read filled the buffer, so that there may be more. */
static bool read_once(struct h1 *h)
{
	struct bulk bulk;
	ptrdiff_t n;
	size_t room;

	if (h->in_bulk && take_bulk(h, &bulk))
		return read_bulk(h, &bulk);
	if (!make_room_or_let_go(h) && !take_late_room(h)) {
		if (!h->closed && !h->conn.paused)
			no_room(h);
		return false;
	}
	room = h->in->cap - h->in_end;
	n = conn_read(&h->conn, h->in->bytes + h->in_end, room);
	h->in_bulk = n == (ptrdiff_t)room;
	if (n <= 0) {
		nothing_came(h, n);
		return false;
	}
	h->in_end += (uint32_t)n;
	if (discard_too_much(h, (size_t)n)) {
		h1_front_flooded(h);
		return false;
	}
	if (h->in_state == H1_IN_TUNNEL)
		h1_pass_on(h);
	if (h->in_at != h->in_end)
		h1_pump(h);
	else
		drop_input_if_empty(h);
	return h->in_bulk;
}

void h1_readable(struct conn *c)
{
	struct h1 *h = CONTAINER_OF(c, struct h1, conn);

	CHECK_MAGIC(h, H1_MAGIC);
	for (int i = 0; i < READS_PER_WAKE; i++)
		if (!read_once(h) || h->closed || h->conn.paused)
			return;
}

void h1_deadline(struct h1 *h, uint64_t ms, uint64_t pace_ms)
{
	h->paced = false;
	if (pace_ms != 0) {
		uint64_t now = loop_now_ms(h->conn.worker->loop), left = pace_ms > now ? pace_ms - now : 1;

		h->paced = ms == 0 || left < ms;
		ms = h->paced ? left : ms;
	}
	conn_deadline(&h->conn, ms);
}

void h1_init(struct h1 *h, bool is_front)
{
	h->magic = H1_MAGIC;
	h->is_front = is_front;
	loop_task_init(&h->task, on_task);
}

/* Idle clients are many, and have no use for all that a server's connection needs. */
struct h1 *h1_new(bool is_front)
{
	struct h1 *h = calloc(1, is_front ? offsetof(struct h1, front) + sizeof(h->front) : sizeof(*h));

	if (h != NULL)
		h1_init(h, is_front);
	return h;
}

void h1_close(struct h1 *h, bool abort)
{
	CHECK_MAGIC(h, H1_MAGIC);
	CHECK(h->leg.x == NULL);
	if (h->closed)
		return;
	h->closed = true;
	if (abort)
		conn_abort(&h->conn);
	else
		conn_close(&h->conn);
	buf_release(&h->in);
	buf_release(&h->out);
	h->in_at = h->in_end = h->out_at = h->out_end = 0;
	loop_defer(h->conn.worker->loop, &h->task);
}
