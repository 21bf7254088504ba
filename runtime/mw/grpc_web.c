/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The middleware grpc-web: a browser's call becomes a call of gRPC, and its answer goes back in the browser's form. The request's body
 * changes only if it is text; the response's trailers become a part of its body. */
#include "base/err.h"
#include "codec/grpc/web.h"
#include "http/exchange.h"
#include "http/grpc.h"
#include "toron/mw.h"

#define PIECE 3072u /* bytes that are turned into base64 at a time, at most */

/* ---- the request as text ---- */

struct decoder {
	struct filter filter;
	struct filter_out out;
	struct base64_decode_ctx base64;
};

static enum fault decode(struct filter *f, struct body *to)
{
	struct decoder *d = CONTAINER_OF(f, struct decoder, filter);
	enum fault fault = FAULT_NONE;
	struct iovec iov;

	while (!to->end && body_peek(&f->in, &iov, 1) == 1) {
		size_t room, n = iov.iov_len < PIECE ? iov.iov_len : PIECE;
		char *p = filter_reserve(f, &d->out, to, BASE64_DECODE_LENGTH(n), &room, &fault);
		ptrdiff_t got;

		if (p == NULL)
			return fault;
		got = grpc_web_text_decode(&d->base64, (uint8_t *)p, iov.iov_base, n);
		if (got < 0)
			return FAULT_BAD_REQUEST;
		body_sent(&f->in, n);
		body_release(&f->in, n);
		if (got > 0)
			filter_commit(&d->out, to, (size_t)got);
	}
	if (f->in.end && body_unsent(&f->in) == 0 && !to->end) {
		if (!grpc_web_text_is_whole(&d->base64))
			return FAULT_BAD_REQUEST;
		to->end = true;
	}
	filter_out_rest(&d->out, false);
	return FAULT_NONE;
}

static void decoder_close(struct filter *f)
{
	filter_out_rest(&CONTAINER_OF(f, struct decoder, filter)->out, true);
}

static const struct filter_ops decoder_ops = { .name = "grpc-web-request", .run = decode, .close = decoder_close };

/* ---- the response ---- */

struct encoder {
	struct filter filter;
	struct filter_out out;
	bool is_text;
	struct grpc_stream messages;
	struct base64_encode_ctx base64;
	struct str trailers;   /* their frame, once the messages are through; ptr NULL: not yet */
	size_t trailers_at;    /* how much of it is out */
};

/* Up to n bytes as base64, with padding if they end something. How many went; 0: no room, or no memory. */
static size_t put_text(struct encoder *e, struct body *to, const uint8_t *bytes, size_t n, bool ends, enum fault *fault)
{
	size_t room, len;
	char *p;

	if (n > PIECE) {
		n = PIECE;
		ends = false;
	}
	p = filter_reserve(&e->filter, &e->out, to, BASE64_ENCODE_LENGTH(n) + BASE64_ENCODE_FINAL_LENGTH, &room, fault);
	if (p == NULL)
		return 0;
	len = base64_encode_update(&e->base64, p, n, bytes);
	if (ends)
		len += base64_encode_final(&e->base64, p + len);
	if (len != 0)
		filter_commit(&e->out, to, len);
	return n;
}

/* Messages as text. They end with padding each, so that whoever reads them has all of them. */
static enum fault encode_messages(struct encoder *e, struct body *to)
{
	struct body *in = &e->filter.in;
	enum fault fault = FAULT_NONE;
	struct iovec iov;

	while (body_peek(in, &iov, 1) == 1) {
		size_t n = iov.iov_len < PIECE ? iov.iov_len : PIECE, went;
		struct grpc_stream after = e->messages;
		bool ends;

		n = grpc_stream_take(&after, iov.iov_base, n, &ends);
		went = put_text(e, to, iov.iov_base, n, ends, &fault);
		if (went == 0)
			return fault;
		e->messages = after;
		body_sent(in, went);
		body_release(in, went);
	}
	return FAULT_NONE;
}

/* Messages as they are: it is only looked where they end. */
static void pass_messages(struct encoder *e, struct body *to)
{
	struct body *in = &e->filter.in;
	struct iovec iov;
	bool ends;

	while (body_peek(in, &iov, 1) == 1 && body_room(to) != 0) {
		size_t n = iov.iov_len < body_room(to) ? iov.iov_len : body_room(to);

		for (size_t at = 0; at < n;)
			at += grpc_stream_take(&e->messages, (const uint8_t *)iov.iov_base + at, n - at, &ends);
		body_forward(in, to, n);
	}
}

/* The frame of the trailers, which are none any more then. */
static enum fault prepare_trailers(struct encoder *e)
{
	struct fields *f = &e->filter.msg->trailers;
	size_t size = grpc_web_trailers_size(f);
	char *p;

	/* Behind a part of a message the browser would take them for the rest of it. */
	if (e->messages.n_head != 0)
		return FAULT_BACK_CUT;
	if (f->n == 0) {
		e->trailers = STR("");
		return FAULT_NONE;
	}
	p = arena_bytes(&e->filter.x->arena, size);
	if (p == NULL)
		return FAULT_NO_MEMORY;
	grpc_web_trailers_write((uint8_t *)p, f);
	grpc_keep_status(e->filter.x);
	f->n = 0;
	e->trailers = (struct str){ p, size };
	return FAULT_NONE;
}

static enum fault put_trailers(struct encoder *e, struct body *to)
{
	enum fault fault = FAULT_NONE;

	while (e->trailers_at < e->trailers.len) {
		const char *at = e->trailers.ptr + e->trailers_at;
		size_t left = e->trailers.len - e->trailers_at, n = body_room(to) < left ? body_room(to) : left;

		if (e->is_text)
			n = put_text(e, to, (const uint8_t *)at, left, true, &fault);
		else
			body_append(to, at, n, NULL);
		if (n == 0)
			return fault;
		e->trailers_at += n;
	}
	to->end = true;
	return FAULT_NONE;
}

static enum fault encode(struct filter *f, struct body *to)
{
	struct encoder *e = CONTAINER_OF(f, struct encoder, filter);
	enum fault fault = FAULT_NONE;

	if (to->end)
		return FAULT_NONE;
	if (e->is_text)
		fault = encode_messages(e, to);
	else
		pass_messages(e, to);
	if (fault == FAULT_NONE && f->in.end && body_unsent(&f->in) == 0) {
		if (e->trailers.ptr == NULL)
			fault = prepare_trailers(e);
		if (fault == FAULT_NONE)
			fault = put_trailers(e, to);
	}
	filter_out_rest(&e->out, false);
	return fault;
}

static void encoder_close(struct filter *f)
{
	filter_out_rest(&CONTAINER_OF(f, struct encoder, filter)->out, true);
}

static const struct filter_ops encoder_ops = { .name = "grpc-web-response", .run = encode, .close = encoder_close };

/* ---- the phases ---- */

/* "application/grpc-web-text+proto" is "application/grpc+proto" to a server, and the other way round. */
static struct str type_of(struct exchange *x, struct str kind, struct str like)
{
	struct str suffix = str_slice(like, str_find_char(like, '+'), like.len);

	suffix = str_trim(str_slice(suffix, 0, str_find_char(suffix, ';')));
	return arena_printf(&x->arena, STR_FMT STR_FMT, STR_ARG(kind), STR_ARG(suffix));
}

enum toron_verdict toron_grpc_web_request(struct exchange *x, const struct toron_grpc_web *conf)
{
	struct decoder *d;
	struct str type;

	(void)conf;
	if (x->grpc != GRPC_WEB && x->grpc != GRPC_WEB_TEXT)
		return TORON_NEXT;
	type = type_of(x, STR("application/grpc"), x->grpc_type);
	/* Without memory the exchange ends by itself. */
	if (type.ptr == NULL || !fields_set(&x->request.head, &x->arena, STR("content-type"), type))
		return TORON_NEXT;
	x->request.takes_trailers = true;
	if (x->grpc != GRPC_WEB_TEXT)
		return TORON_NEXT;
	d = ARENA_NEW(&x->arena, struct decoder);
	if (d == NULL)
		return TORON_NEXT;
	base64_decode_init(&d->base64);
	d->filter.ops = &decoder_ops;
	x->request.length = x->request.length == 0 ? 0 : -1;
	filter_add(x, MSG_REQUEST, &d->filter);
	return TORON_NEXT;
}

void toron_grpc_web_response(struct exchange *x, const struct toron_grpc_web *conf)
{
	struct str had = toron_response_header(x, STR("content-type")), kind = STR("application/grpc-web"), type;
	struct encoder *e;

	(void)conf;
	if (x->grpc != GRPC_WEB && x->grpc != GRPC_WEB_TEXT)
		return;
	/* What is no answer of gRPC, or is in the browser's form already, stays. */
	if (!str_starts(had, STR("application/grpc")) || str_starts(had, kind))
		return;
	if (x->grpc == GRPC_WEB_TEXT)
		kind = STR("application/grpc-web-text");
	type = type_of(x, kind, had);
	if (type.ptr == NULL || !toron_response_header_set(x, STR("content-type"), type) || x->response.bodiless)
		return;
	e = ARENA_NEW(&x->arena, struct encoder);
	if (e == NULL)
		return;
	base64_encode_init(&e->base64);
	e->is_text = x->grpc == GRPC_WEB_TEXT;
	e->filter.ops = &encoder_ops;
	x->response.length = -1;
	filter_add(x, MSG_RESPONSE, &e->filter);
}
