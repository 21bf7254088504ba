/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Heads as text. Everything is put together anew from the message, so that what is forwarded can be read in one way only; lines that
 * would come out as they came in are copied whole. */
#include "codec/h1/h1.h"

#include "http/semantics.h"

static char *put(char *p, struct str s)
{
	memcpy(p, s.ptr, s.len);
	return p + s.len;
}

static char *put_field(char *p, struct str name, struct str value)
{
	p = put(p, name);
	*p++ = ':';
	*p++ = ' ';
	p = put(p, value);
	*p++ = '\r';
	*p++ = '\n';
	return p;
}

static size_t fields_size(const struct fields *f)
{
	size_t size = 0;

	for (unsigned i = 0; i < f->n; i++)
		size += f->at[i].name.len + f->at[i].value.len + 4;
	return size;
}

static const char *line_end(const struct field *f)
{
	return f->value.ptr + f->value.len + 2;
}

/* Lines that the peer wrote as we would leave as they came, as many at once as stand together. */
static char *put_fields(char *p, const struct fields *f)
{
	const struct field *at = f->at, *end;

	if (f->n == 0)
		return p; /* and `at` is perhaps nowhere */
	end = at + f->n;
	while (at < end) {
		if (!at->is_line) {
			p = put_field(p, at->name, at->value);
			at++;
			continue;
		}
		const char *from = at->name.ptr, *to = from;

		for (; at < end && at->is_line && at->name.ptr == to; at++)
			to = line_end(at);
		p = put(p, (struct str){ from, (size_t)(to - from) });
	}
	return p;
}

size_t h1_write_trailers_size(const struct fields *f)
{
	return fields_size(f) + 2;
}

char *h1_write_trailers(char *p, const struct fields *f)
{
	p = put_fields(p, f);
	*p++ = '\r';
	*p++ = '\n';
	return p;
}

#define OWN_FIELDS_SIZE 256 /* bytes that our own framing fields need at most, beside names of protocols */

static char *put_length(char *p, int64_t length)
{
	p = put(p, STR("content-length: "));
	p = str_put_u64(p, (uint64_t)length);
	return put(p, STR("\r\n"));
}

static char *put_upgrade(char *p, struct str protocol)
{
	p = put(p, STR("connection: upgrade\r\n"));
	return put_field(p, STR("upgrade"), protocol);
}

static bool sends_zero_length(struct str method)
{
	return str_eq(method, STR("POST")) || str_eq(method, STR("PUT")) || str_eq(method, STR("PATCH"));
}

static char *put_request_framing(struct h1 *h, char *p, const struct msg *m)
{
	if (m->protocol.ptr != NULL)
		p = put_upgrade(p, m->protocol);
	if (m->expect_continue)
		p = put(p, STR("expect: 100-continue\r\n"));
	if (m->length > 0) {
		h->out_state = H1_OUT_LENGTH;
		return put_length(p, m->length);
	}
	if (m->length < 0) {
		h->out_state = H1_OUT_CHUNKED;
		return put(p, STR("transfer-encoding: chunked\r\n"));
	}
	h->out_state = H1_OUT_NO_BODY;
	return sends_zero_length(m->method) ? put_length(p, 0) : p;
}

bool h1_write_request(struct h1 *h, const struct msg *m)
{
	size_t size = m->method.len + m->path.len + m->authority.len + m->protocol.len + fields_size(&m->head) +
		      OWN_FIELDS_SIZE;
	char *start = h1_out_reserve(h, size), *p = start;

	if (start == NULL)
		return false;
	p = put(p, m->method);
	*p++ = ' ';
	p = put(p, m->path);
	p = put(p, STR(" HTTP/1.1\r\n"));
	p = put_field(p, STR("host"), m->authority);
	p = put_fields(p, &m->head);
	p = put_request_framing(h, p, m);
	*p++ = '\r';
	*p++ = '\n';
	CHECK((size_t)(p - start) <= size);
	h->out_end += (uint32_t)(p - start);
	return true;
}

static char *put_response_framing(struct h1 *h, char *p, const struct msg *m)
{
	if (m->status < 200) {
		if (m->status == 101)
			h->out_state = H1_OUT_TUNNEL;
		return p;
	}
	if (m->bodiless) {
		h->out_state = H1_OUT_NO_BODY;
		return m->length >= 0 && m->status != 204 ? put_length(p, m->length) : p;
	}
	if (m->length >= 0) {
		h->out_state = m->length == 0 ? H1_OUT_NO_BODY : H1_OUT_LENGTH;
		return put_length(p, m->length);
	}
	if (h->http_10) {
		h->out_state = H1_OUT_UNTIL_CLOSE;
		return p;
	}
	h->out_state = H1_OUT_CHUNKED;
	return put(p, STR("transfer-encoding: chunked\r\n"));
}

static char *put_connection(struct h1 *h, char *p, const struct msg *m, bool keep_alive)
{
	if (m->status == 101)
		return put_upgrade(p, m->protocol);
	if (m->status < 200)
		return p;
	if (!keep_alive)
		return put(p, STR("connection: close\r\n"));
	return h->http_10 ? put(p, STR("connection: keep-alive\r\n")) : p;
}

bool h1_write_response(struct h1 *h, const struct msg *m, bool keep_alive)
{
	struct str reason = semantics_reason(m->status);
	size_t size = reason.len + m->protocol.len + fields_size(&m->head) + OWN_FIELDS_SIZE;
	char *start = h1_out_reserve(h, size), *p = start;

	if (start == NULL)
		return false;
	p = put(p, STR("HTTP/1.1 "));
	*p++ = (char)('0' + m->status / 100);
	*p++ = (char)('0' + m->status / 10 % 10);
	*p++ = (char)('0' + m->status % 10);
	*p++ = ' ';
	p = put(p, reason);
	*p++ = '\r';
	*p++ = '\n';
	p = put_fields(p, &m->head);
	p = put_response_framing(h, p, m);
	p = put_connection(h, p, m, keep_alive && h->out_state != H1_OUT_UNTIL_CLOSE);
	*p++ = '\r';
	*p++ = '\n';
	CHECK((size_t)(p - start) <= size);
	h->out_end += (uint32_t)(p - start);
	return true;
}
