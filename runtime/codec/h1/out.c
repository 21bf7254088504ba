/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "codec/h1/h1.h"

#include <stdio.h>

#include "base/err.h"

#define IOV_MAX_USED (BODY_SEGMENTS + 2)
#define JOIN_MOST 2048u /* bytes of a body that are copied behind the head: cheaper than a list of pieces */

char *h1_out_reserve(struct h1 *h, size_t len)
{
	size_t held = h->out_end - h->out_at;
	struct buf *fresh;

	if (h->out != NULL && h->out->cap - h->out_end >= len)
		return h->out->bytes + h->out_end;
	fresh = buf_acquire(h->conn.worker->bufs, held + len);
	if (fresh == NULL)
		return NULL;
	if (held + len > fresh->cap) {
		buf_release(&fresh);
		return NULL;
	}
	if (held != 0)
		memcpy(fresh->bytes, h->out->bytes + h->out_at, held);
	buf_release(&h->out);
	h->out = fresh;
	h->out_at = 0;
	h->out_end = (uint32_t)held;
	return fresh->bytes + held;
}

static void write_failed(struct h1 *h)
{
	if (h->is_front)
		h1_front_write_failed(h);
	else
		h1_back_write_failed(h);
}

/* Begins the next chunk with everything that waits, or ends the chunked body. False: out of memory. */
static bool begin_chunk(struct h1 *h, const struct msg *m)
{
	size_t n = body_unsent(&m->body);
	bool has_trailers = m->trailers.n != 0;
	char *p;

	if (n != 0) {
		p = h1_out_reserve(h, 20);
		if (p == NULL)
			return false;
		h->out_end += (uint32_t)snprintf(p, 20, "%zx\r\n", n);
		h->chunk_left = n;
		h->tail = STR("\r\n");
		if (m->body.end && !has_trailers) {
			h->tail = STR("\r\n0\r\n\r\n");
			h->out_state = H1_OUT_LAST_CHUNK;
		}
		return true;
	}
	if (!m->body.end)
		return true;
	h->out_state = H1_OUT_LAST_CHUNK;
	if (!has_trailers) {
		h->tail = STR("0\r\n\r\n");
		return true;
	}
	size_t size = 3 + h1_write_trailers_size(&m->trailers);

	p = h1_out_reserve(h, size);
	if (p == NULL)
		return false;
	memcpy(p, "0\r\n", 3);
	h1_write_trailers(p + 3, &m->trailers);
	h->out_end += (uint32_t)size;
	return true;
}

/* What to write next, in order: framing, body, framing; or framing, body, and a file that goes on with it. */
struct portion {
	struct iovec iov[IOV_MAX_USED];
	int n;
	struct conn_file file; /* len 0: none */
	size_t total;
};

static void compose(struct h1 *h, const struct msg *m, struct portion *out)
{
	struct iovec *iov = out->iov;
	int n = 0, bodies = 0;
	size_t total = 0, body_total = 0;
	bool has_body = m != NULL && h->out_state != H1_OUT_NO_BODY && h->out_state != H1_OUT_IDLE;

	if (h->out_at != h->out_end) {
		iov[n++] = (struct iovec){ h->out->bytes + h->out_at, h->out_end - h->out_at };
		total += h->out_end - h->out_at;
	}
	out->file.len = 0;
	if (has_body && body_unsent(&m->body) != 0) {
		bodies = body_peek(&m->body, iov + n, BODY_SEGMENTS);
		out->file.len = body_peek_file(&m->body, bodies, &out->file.fd, &out->file.from);
	}
	for (int i = 0; i < bodies; i++) {
		if ((h->out_state == H1_OUT_CHUNKED || h->out_state == H1_OUT_LAST_CHUNK) &&
		    body_total + iov[n].iov_len > h->chunk_left)
			iov[n].iov_len = h->chunk_left - body_total;
		if (iov[n].iov_len == 0)
			break;
		body_total += iov[n++].iov_len;
	}
	/* A gathered body may have more pieces than go out at once. */
	if (h->tail.len != 0 && body_total == h->chunk_left) {
		iov[n++] = (struct iovec){ (char *)h->tail.ptr, h->tail.len };
		total += h->tail.len;
	}
	out->total = total + body_total + out->file.len;
	out->n = n;
	/* Framing and one piece of the body, in that order. */
	if (n == 2 && h->out_at != h->out_end && body_total != 0 && body_total <= JOIN_MOST &&
	    h->out->cap - h->out_end >= body_total) {
		memcpy(h->out->bytes + h->out_end, iov[1].iov_base, body_total);
		iov[0].iov_len += body_total;
		out->n = 1;
	}
}

/* Moves all cursors past `n` written bytes; returns how many were body. */
static size_t advance(struct h1 *h, struct msg *m, size_t n)
{
	size_t head = h->out_end - h->out_at, body;

	if (head > n)
		head = n;
	h->out_at += (uint32_t)head;
	n -= head;
	body = m == NULL || h->out_state == H1_OUT_NO_BODY ? 0 : body_unsent(&m->body);
	if (h->out_state == H1_OUT_CHUNKED || h->out_state == H1_OUT_LAST_CHUNK)
		body = h->chunk_left;
	if (body > n)
		body = n;
	if (body != 0) {
		body_sent(&m->body, body);
		body_release(&m->body, body);
		h->chunk_left = h->chunk_left > body ? h->chunk_left - body : 0;
		n -= body;
	}
	CHECK(n <= h->tail.len);
	h->tail = str_slice(h->tail, n, h->tail.len);
	return body;
}

static bool nothing_pending(const struct h1 *h)
{
	return h->out_at == h->out_end && h->tail.len == 0 && h->chunk_left == 0;
}

/* Nothing of the body will follow. What its length says is enough: the other side's end may come later, or never. */
static bool is_all(const struct msg *m)
{
	return body_is_spent(&m->body) || (m->length >= 0 && m->body.sent == (uint64_t)m->length);
}

/* After a complete write: is the message through? */
static void note_end(struct h1 *h, const struct msg *m)
{
	switch (h->out_state) {
	case H1_OUT_NO_BODY:
	case H1_OUT_LAST_CHUNK:
		h->out_state = H1_OUT_DONE;
		break;
	case H1_OUT_LENGTH:
		if (is_all(m))
			h->out_state = H1_OUT_DONE;
		break;
	case H1_OUT_UNTIL_CLOSE:
		if (body_is_spent(&m->body))
			h->out_state = H1_OUT_DONE;
		break;
	case H1_OUT_TUNNEL:
		if (body_is_spent(&m->body)) {
			conn_shutdown(&h->conn);
			h->out_state = H1_OUT_DONE;
		}
		break;
	default:
		break;
	}
}

/* Writes until the socket or the bytes give out. The number of body bytes released, or ERR_*. */
static ptrdiff_t write_out(struct h1 *h, struct msg *m)
{
	struct portion next;
	size_t released = 0;
	ptrdiff_t wrote;
	bool moved = !h->blocked;

	h->blocked = false;
	for (;;) {
		if (h->out_state == H1_OUT_CHUNKED && h->chunk_left == 0 && h->tail.len == 0 && !begin_chunk(h, m))
			return ERR_NO_MEMORY;
		compose(h, m, &next);
		if (next.total == 0)
			break;
		if (next.file.len != 0)
			wrote = conn_send_file(&h->conn, next.iov, next.n, &next.file);
		else
			wrote = conn_writev(&h->conn, next.iov, next.n);
		if (wrote < 0 && wrote != ERR_AGAIN)
			return wrote;
		h->begun |= wrote > 0;
		moved |= wrote > 0;
		if (wrote > 0)
			released += advance(h, m, (size_t)wrote);
		if (wrote < 0 || (size_t)wrote < next.total) {
			h->blocked = true;
			/* Bytes that come from elsewhere give who takes none no more time. */
			if (moved)
				h->blocked_ms = loop_now_ms(h->conn.worker->loop);
			break;
		}
	}
	if (!h->blocked && nothing_pending(h)) {
		buf_release(&h->out);
		h->out_at = h->out_end = 0;
		if (m != NULL)
			note_end(h, m);
	}
	return (ptrdiff_t)released;
}

/* A back leg that can write no more takes the request's body to nowhere: the answer may be on its way all the same. */
static void sink(struct h1 *h)
{
	struct body *body = &h1_out_msg(h)->body;
	size_t n = body_unsent(body);

	body_sent(body, n);
	body_release(body, n);
	if (n != 0)
		exchange_room(h->leg.x, &h->leg);
}

void h1_more(struct leg *leg)
{
	struct h1 *h = CONTAINER_OF(leg, struct h1, leg);
	ptrdiff_t released;

	CHECK_MAGIC(h, H1_MAGIC);
	if (h->closed || h->conn.state != CONN_OPEN || (h->out_state == H1_OUT_IDLE && h->out == NULL))
		return;
	if (h->out_state == H1_OUT_DEAD) {
		sink(h);
		if (h->is_front)
			h1_front_progress(h);
		else
			h1_back_progress(h);
		return;
	}
	released = write_out(h, h1_out_msg(h));
	if (released == ERR_NOT_FOUND) {
		exchange_cut(h->leg.x, FAULT_BACK_CUT);
		return;
	}
	if (released < 0) {
		write_failed(h);
		return;
	}
	if (released > 0)
		exchange_room(h->leg.x, leg);
	if (h->is_front)
		h1_front_progress(h);
	else
		h1_back_progress(h);
}

bool h1_takes_file(const struct leg *leg)
{
	const struct h1 *h = CONTAINER_OF(leg, struct h1, leg);

	return h->out_state == H1_OUT_LENGTH && h->conn.ops->send_file != NULL;
}

/* The other end of a tunnel, when it can be written to past the body: nothing changes the bytes, and none wait. */
static struct h1 *free_end(struct h1 *h)
{
	struct exchange *x = h->leg.x;
	struct leg *to = h->is_front ? x->back : x->front;
	const struct body *b = h1_in_body(h);
	struct h1 *other;

	if (to == NULL || to->ops->more != h1_more || x->filters[h->is_front ? MSG_REQUEST : MSG_RESPONSE].first != NULL)
		return NULL;
	other = CONTAINER_OF(to, struct h1, leg);
	if (other->out_state != H1_OUT_TUNNEL || other->blocked || other->out != NULL || b->appended != b->released)
		return NULL;
	return other;
}

static void set_deadline(struct h1 *h)
{
	if (h->is_front)
		h1_front_deadline(h);
	else
		h1_back_deadline(h);
}

void h1_pass_on(struct h1 *h)
{
	struct h1 *to = free_end(h);
	struct iovec iov;
	ptrdiff_t n;

	if (to == NULL)
		return;
	iov = (struct iovec){ h->in->bytes + h->in_at, h->in_end - h->in_at };
	n = conn_writev(&to->conn, &iov, 1);
	/* What is not taken goes the usual way, where an error comes once more. */
	if (n <= 0)
		return;
	h->in_at += (uint32_t)n;
	body_pass(h1_in_body(h), (size_t)n);
	set_deadline(h);
	set_deadline(to);
}

void h1_writable(struct conn *c)
{
	struct h1 *h = CONTAINER_OF(c, struct h1, conn);

	CHECK_MAGIC(h, H1_MAGIC);
	if (h->leg.x != NULL)
		h1_more(&h->leg);
}
