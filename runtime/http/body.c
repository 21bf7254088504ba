/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "http/body.h"

#include <string.h>

#include "base/check.h"

void body_init(struct body *b, size_t limit)
{
	b->appended = b->sent = b->released = 0;
	b->limit = limit;
	b->hold = b->kept = 0;
	b->at = b->usual;
	b->cap = BODY_SEGMENTS;
	b->first = b->n = 0;
	b->end = false;
}

void body_move(struct body *to, const struct body *from)
{
	*to = *from;
	if (from->at == from->usual)
		to->at = to->usual;
}

void body_widen(struct body *b, size_t limit, struct body_segment *ring, uint16_t cap)
{
	CHECK(b->at == b->usual && cap >= BODY_SEGMENTS && (cap & (cap - 1)) == 0);
	for (unsigned i = 0; i < b->n; i++)
		ring[i] = b->at[(b->first + i) & (b->cap - 1u)];
	b->limit = limit;
	b->at = ring;
	b->cap = cap;
	b->first = 0;
}

void body_fini(struct body *b)
{
	for (; b->n != 0; b->n--) {
		buf_release(&b->at[b->first].buf);
		b->first = (uint16_t)((b->first + 1) & (b->cap - 1));
	}
	b->sent = b->released = b->appended;
	b->hold = b->kept = 0;
}

static struct body_segment *nth(const struct body *b, unsigned i)
{
	return &b->at[(b->first + i) & (b->cap - 1u)];
}

size_t body_room(const struct body *b)
{
	size_t held = (size_t)(b->appended - b->released);

	return b->n == b->cap || held >= b->limit ? 0 : b->limit - held;
}

void body_append(struct body *b, const char *ptr, size_t len, struct buf *buf)
{
	if (len == 0)
		return;
	CHECK(!b->end && len <= UINT32_MAX);
	b->appended += len;
	if (b->n != 0) {
		struct body_segment *last = nth(b, b->n - 1u);

		if (buf != NULL && last->buf == buf && last->ptr + last->len == ptr &&
		    last->len + (uint64_t)len <= UINT32_MAX) {
			last->len += (uint32_t)len;
			return;
		}
	}
	CHECK(b->n < b->cap);
	*nth(b, b->n++) = (struct body_segment){ .ptr = ptr, .len = (uint32_t)len, .fd = -1,
		.buf = buf != NULL ? buf_ref(buf) : NULL };
}

void body_append_file(struct body *b, int fd, uint64_t from, size_t len)
{
	CHECK(!b->end && fd >= 0 && len != 0 && len <= UINT32_MAX && b->n < b->cap);
	b->appended += len;
	*nth(b, b->n++) = (struct body_segment){ .from = from, .len = (uint32_t)len, .fd = fd };
}

int body_peek(const struct body *b, struct iovec *iov, int n_iov)
{
	uint64_t skip = b->sent - b->released;
	int filled = 0;

	for (unsigned i = 0; i < b->n && filled < n_iov; i++) {
		const struct body_segment *s = nth(b, i);

		if (skip >= s->len) {
			skip -= s->len;
			continue;
		}
		if (s->fd >= 0)
			break;
		iov[filled++] = (struct iovec){ (char *)s->ptr + skip, s->len - (size_t)skip };
		skip = 0;
	}
	return filled;
}

size_t body_peek_file(const struct body *b, int after, int *fd_out, uint64_t *from_out)
{
	uint64_t skip = b->sent - b->released;

	for (unsigned i = 0; i < b->n; i++) {
		const struct body_segment *s = nth(b, i);

		if (skip >= s->len) {
			skip -= s->len;
			continue;
		}
		if (after-- > 0) {
			skip = 0;
			continue;
		}
		*fd_out = s->fd;
		*from_out = s->from + skip;
		return s->fd >= 0 ? s->len - (size_t)skip : 0;
	}
	return 0;
}

void body_sent(struct body *b, size_t n)
{
	CHECK(n <= b->appended - b->sent);
	b->sent += n;
}

static void release(struct body *b, size_t n)
{
	b->released += n;
	while (n != 0) {
		struct body_segment *s = nth(b, 0);

		if (n < s->len) {
			if (s->fd >= 0)
				s->from += n;
			else
				s->ptr += n;
			s->len -= (uint32_t)n;
			return;
		}
		n -= s->len;
		buf_release(&s->buf);
		b->first = (uint16_t)((b->first + 1) & (b->cap - 1));
		b->n--;
	}
}

void body_release(struct body *b, size_t n)
{
	CHECK(n <= b->sent - b->released - b->kept);
	if (b->hold == 0) {
		release(b, n);
		return;
	}
	b->kept += n;
	/* The producer must never wait for room that only a release would give: one segment is always left for it. */
	if (b->appended > b->hold || b->n >= b->cap - 1)
		body_let_go(b);
}

void body_drop(struct body *b)
{
	size_t n = body_unsent(b);

	body_sent(b, n);
	body_release(b, (size_t)(b->sent - b->released - b->kept));
}

size_t body_forward(struct body *from, struct body *to, size_t most)
{
	size_t moved = 0;

	CHECK(from->sent == from->released);
	while (moved < most && body_unsent(from) != 0) {
		const struct body_segment *s = nth(from, 0);
		size_t n = body_room(to);

		CHECK(s->fd < 0);
		if (n == 0)
			break;
		if (n > s->len)
			n = s->len;
		if (n > most - moved)
			n = most - moved;
		body_append(to, s->ptr, n, s->buf);
		body_sent(from, n);
		release(from, n);
		moved += n;
	}
	return moved;
}

void body_hold(struct body *b, size_t most)
{
	CHECK(b->sent == 0);
	b->hold = most < b->limit ? most : b->limit - 1;
}

void body_let_go(struct body *b)
{
	size_t kept = b->kept;

	b->hold = b->kept = 0;
	if (kept != 0)
		release(b, kept);
}

bool body_can_rewind(const struct body *b)
{
	return b->sent == 0 || b->hold != 0;
}

void body_rewind(struct body *b)
{
	CHECK(body_can_rewind(b));
	b->sent = 0;
	b->kept = 0;
}
