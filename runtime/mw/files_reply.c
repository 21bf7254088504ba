/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "mw/files_reply.h"

#include <inttypes.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/range.h"
#include "mw/files_body.h"

#define HEADERS_MOST 8

/* The head of the answer. */
struct head {
	struct toron_header at[HEADERS_MOST];
	size_t n;
};

static void add(struct head *h, struct str name, struct str value)
{
	if (value.ptr != NULL)
		h->at[h->n++] = (struct toron_header){ name, value };
}

void files_reply_close(struct files_reply *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}

static struct str date_text(struct exchange *x, const struct condition_validators *v)
{
	char *text = v->has_modified ? arena_bytes(&x->arena, CLOCK_HTTP_DATE_LEN) : NULL;

	if (text == NULL)
		return STR_NONE;
	clock_http_date((uint64_t)v->modified_s * 1000000, text);
	return (struct str){ text, CLOCK_HTTP_DATE_LEN };
}

/* What 200, 206 and 304 have in common (RFC 9110 section 15.4.5). */
static void add_common(struct exchange *x, const struct files_reply *r, struct head *h)
{
	add(h, STR("etag"), r->validators.etag);
	add(h, STR("last-modified"), date_text(x, &r->validators));
	add(h, STR("cache-control"), r->cache_control);
	if (r->varies)
		add(h, STR("vary"), STR("accept-encoding"));
}

static struct str content_range(struct exchange *x, const struct range *at, uint64_t length)
{
	return arena_printf(&x->arena, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, at->first, at->last, length);
}

/* Starts the answer: the head, and `length` bytes of pieces. */
static void send_pieces(struct exchange *x, struct files_reply *r, uint16_t status, struct str type, const struct head *h,
	const struct files_piece *pieces, size_t n, uint64_t length)
{
	int fd = r->fd;

	r->fd = -1;
	toron_respond(x, status, type, STR(""), h->at, h->n);
	x->response.length = (int64_t)length;
	if (x->response.bodiless || length == 0) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (!files_body_attach(x, fd, pieces, n)) {
		x->chain_answered = false;
		toron_respond_error(x, 503, NULL, 0);
	}
}

static struct files_piece piece_of(const struct files_reply *r, const struct range *at)
{
	return (struct files_piece){
		.text = r->fd < 0 ? r->bytes.ptr + at->first : NULL,
		.from = at->first,
		.len = at->last - at->first + 1,
	};
}

/* One stretch of the file as the whole content. */
static void send_stretch(struct exchange *x, struct files_reply *r, uint16_t status, struct head *h, const struct range *at)
{
	struct files_piece *piece = arena_alloc(&x->arena, sizeof(*piece));

	/* Of memory there is nothing to wait for. */
	if (r->fd < 0) {
		toron_respond(x, status, r->type, str_slice(r->bytes, at->first, at->last - at->first + 1), h->at, h->n);
		return;
	}
	if (piece == NULL) {
		files_reply_close(r);
		toron_respond_error(x, 503, NULL, 0);
		return;
	}
	*piece = piece_of(r, at);
	send_pieces(x, r, status, r->type, h, piece, 1, piece->len);
}

static void send_whole(struct exchange *x, struct files_reply *r, struct head *h)
{
	struct range all = { 0, r->length - 1 };

	if (r->length == 0) {
		files_reply_close(r);
		toron_respond(x, 200, r->type, STR(""), h->at, h->n);
		return;
	}
	send_stretch(x, r, 200, h, &all);
}

/* A delimiter that is not in the content, but for a chance of 2^-128 that nobody can raise. */
static struct str make_boundary(struct exchange *x)
{
	uint64_t random[2];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return STR_NONE;
	return arena_printf(&x->arena, "%016" PRIx64 "%016" PRIx64, random[0], random[1]);
}

static bool add_text(struct files_piece *to, uint64_t *length, struct str text)
{
	*to = (struct files_piece){ .text = text.ptr, .len = text.len };
	*length += text.len;
	return text.ptr != NULL;
}

/* multipart/byteranges (RFC 9110 section 14.6): a head and a stretch for each range, and the end. */
static void send_parts(struct exchange *x, struct files_reply *r, struct head *h, const struct range *at, size_t n)
{
	struct arena *a = &x->arena;
	struct files_piece *pieces = arena_alloc(a, (2 * n + 1) * sizeof(*pieces));
	struct str boundary = make_boundary(x), type;
	uint64_t length = 0;
	bool ok = pieces != NULL && boundary.ptr != NULL;

	for (size_t i = 0; ok && i < n; i++) {
		struct str range = content_range(x, &at[i], r->length);

		ok = add_text(&pieces[2 * i], &length,
			arena_printf(a, "%s--" STR_FMT "\r\ncontent-type: " STR_FMT "\r\ncontent-range: " STR_FMT "\r\n\r\n",
				i == 0 ? "" : "\r\n", STR_ARG(boundary), STR_ARG(r->type), STR_ARG(range)));
		pieces[2 * i + 1] = piece_of(r, &at[i]);
		length += pieces[2 * i + 1].len;
	}
	ok = ok && add_text(&pieces[2 * n], &length, arena_printf(a, "\r\n--" STR_FMT "--\r\n", STR_ARG(boundary)));
	type = arena_printf(a, "multipart/byteranges; boundary=" STR_FMT, STR_ARG(boundary));
	if (!ok || type.ptr == NULL) {
		files_reply_close(r);
		toron_respond_error(x, 503, NULL, 0);
		return;
	}
	send_pieces(x, r, 206, type, h, pieces, 2 * n + 1, length);
}

static void refuse_range(struct exchange *x, struct files_reply *r)
{
	struct head h = { 0 };

	files_reply_close(r);
	add(&h, STR("content-range"), arena_printf(&x->arena, "bytes */%" PRIu64, r->length));
	toron_respond_error(x, 416, h.at, h.n);
}

static void send_content(struct exchange *x, struct files_reply *r, struct head *h)
{
	struct range ranges[RANGE_MOST];
	enum range_verdict verdict = RANGE_WHOLE;
	size_t n = 0;

	if (x->method_bit == TORON_GET &&
	    condition_range_holds(&x->request.head, &r->validators, (int64_t)(toron_wall_us(x) / 1000000)))
		verdict = range_of_request(&x->request.head, r->length, ranges, &n);
	if (verdict == RANGE_UNSATISFIABLE) {
		refuse_range(x, r);
		return;
	}
	add(h, STR("content-encoding"), r->coding);
	add(h, STR("accept-ranges"), STR("bytes"));
	if (verdict == RANGE_WHOLE) {
		send_whole(x, r, h);
	} else if (n == 1) {
		add(h, STR("content-range"), content_range(x, &ranges[0], r->length));
		send_stretch(x, r, 206, h, &ranges[0]);
	} else {
		send_parts(x, r, h, ranges, n);
	}
}

void files_reply_send(struct exchange *x, struct files_reply *r)
{
	struct head h = { 0 };

	switch (condition_check(&x->request.head, &r->validators, (int64_t)(toron_wall_us(x) / 1000000))) {
	case CONDITION_FAILED:
		files_reply_close(r);
		toron_respond_error(x, 412, NULL, 0);
		return;
	case CONDITION_NOT_MODIFIED:
		files_reply_close(r);
		add_common(x, r, &h);
		toron_respond(x, 304, STR_NONE, STR(""), h.at, h.n);
		x->response.length = -1;
		return;
	case CONDITION_GO:
		add_common(x, r, &h);
		send_content(x, r, &h);
		return;
	}
}
