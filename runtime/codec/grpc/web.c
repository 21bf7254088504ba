/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "codec/grpc/web.h"

#include <string.h>

#include "base/err.h"

size_t grpc_stream_take(struct grpc_stream *s, const uint8_t *bytes, size_t n, bool *ends_out)
{
	size_t taken = 0;

	for (; s->n_head < GRPC_HEAD && taken < n; s->n_head++, taken++)
		if (s->n_head != 0) /* the flags */
			s->left = s->left << 8 | bytes[taken];
	if (s->n_head == GRPC_HEAD) {
		size_t body = n - taken < s->left ? n - taken : s->left;

		s->left -= (uint32_t)body;
		taken += body;
	}
	*ends_out = s->n_head == GRPC_HEAD && s->left == 0;
	if (*ends_out)
		*s = (struct grpc_stream){ 0 };
	return taken;
}

size_t grpc_web_trailers_size(const struct fields *f)
{
	size_t size = GRPC_HEAD;

	for (unsigned i = 0; i < f->n; i++)
		size += f->at[i].name.len + f->at[i].value.len + 4;
	return size;
}

static uint8_t *put(uint8_t *p, const char *bytes, size_t n)
{
	memcpy(p, bytes, n);
	return p + n;
}

uint8_t *grpc_web_trailers_write(uint8_t *p, const struct fields *f)
{
	uint32_t len = (uint32_t)(grpc_web_trailers_size(f) - GRPC_HEAD);

	*p++ = GRPC_TRAILERS;
	for (int shift = 24; shift >= 0; shift -= 8)
		*p++ = (uint8_t)(len >> shift);
	for (unsigned i = 0; i < f->n; i++) {
		p = put(p, f->at[i].name.ptr, f->at[i].name.len);
		p = put(p, ": ", 2);
		p = put(p, f->at[i].value.ptr, f->at[i].value.len);
		p = put(p, "\r\n", 2);
	}
	return p;
}

/* Up to and with the padding that ends a run. */
static size_t run_length(const char *from, size_t n)
{
	const char *pad = memchr(from, '=', n);
	size_t len;

	if (pad == NULL)
		return n;
	for (len = (size_t)(pad - from); len < n && from[len] == '='; len++)
		;
	return len;
}

ptrdiff_t grpc_web_text_decode(struct base64_decode_ctx *c, uint8_t *to, const char *from, size_t n)
{
	size_t total = 0;

	while (n != 0) {
		size_t run = run_length(from, n), got = BASE64_DECODE_LENGTH(run);

		/* The run before was padded, and is whole: another one begins. */
		if (c->padding != 0 && c->bits == 0 && *from != '=')
			base64_decode_init(c);
		if (!base64_decode_update(c, &got, to + total, run, from))
			return ERR_INVALID;
		total += got;
		from += run;
		n -= run;
	}
	return (ptrdiff_t)total;
}

bool grpc_web_text_is_whole(const struct base64_decode_ctx *c)
{
	return c->bits == 0;
}
