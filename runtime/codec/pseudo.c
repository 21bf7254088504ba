/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "codec/pseudo.h"

#include <string.h>

#include "base/uri.h"
#include "http/websocket_key.h"

#define FIELD_OVERHEAD 32
#define METHOD_MAX 64

static const struct str sec_key = STR_INIT("sec-websocket-key"), sec_accept = STR_INIT("sec-websocket-accept");
static const struct str websocket = STR_INIT("websocket");

static void refuse(struct pseudo *p, enum fault fault)
{
	if (p->fault == FAULT_NONE)
		p->fault = fault;
}

/* ---- receiving ---- */

static bool within(struct pseudo *p, const struct pseudo_limits *limits, struct str name, struct str value)
{
	if (p->fault != FAULT_NONE)
		return false;
	p->bytes += (uint32_t)(name.len + value.len + FIELD_OVERHEAD);
	p->count++;
	if (p->bytes <= limits->header_bytes && p->count <= limits->header_count)
		return true;
	refuse(p, FAULT_HEAD_TOO_LARGE);
	return false;
}

static struct str keep(struct pseudo *p, struct arena *a, struct str s)
{
	struct str copy = arena_str(a, s);

	if (copy.ptr == NULL)
		refuse(p, FAULT_NO_MEMORY);
	return copy;
}

static void take_pseudo(struct pseudo *p, const struct pseudo_limits *limits, struct arena *a, struct msg *m, struct str name,
	struct str value)
{
	struct str *into = str_eq(name, STR(":method")) ? &m->method :
			   str_eq(name, STR(":scheme")) ? &m->scheme :
			   str_eq(name, STR(":authority")) ? &m->authority :
			   str_eq(name, STR(":path")) ? &m->path :
			   str_eq(name, STR(":protocol")) ? &m->protocol :
			   str_eq(name, STR(":status")) ? &p->status : NULL;

	if (into == NULL) {
		refuse(p, FAULT_BAD_REQUEST);
		return;
	}
	if (into == &m->path && value.len > limits->uri_bytes)
		refuse(p, FAULT_URI_TOO_LONG);
	else
		*into = keep(p, a, value);
}

/* Fields in pieces make one (RFC 9113 section 8.2.3). Room grows by doubling: a browser sends a piece for each cookie. */
static void take_cookie(struct pseudo *p, struct arena *a, struct str value)
{
	struct str joint = p->cookie.ptr == NULL ? STR("") : STR("; ");
	size_t had = p->cookie.len, len = had + joint.len + value.len;
	char *text = p->cookie_room;

	if (text == NULL || len > p->cookie_cap) {
		p->cookie_cap = (uint32_t)(had == 0 ? len : 2 * len);
		text = arena_bytes(a, p->cookie_cap);
		if (text == NULL) {
			refuse(p, FAULT_NO_MEMORY);
			return;
		}
		if (had != 0)
			memcpy(text, p->cookie.ptr, had);
	}
	memcpy(text + had, joint.ptr, joint.len);
	if (value.len != 0)
		memcpy(text + had + joint.len, value.ptr, value.len);
	p->cookie_room = text;
	p->cookie = (struct str){ text, len };
}

static void take_host(struct pseudo *p, struct arena *a, struct str value)
{
	p->two_hosts = p->two_hosts || p->host.ptr != NULL;
	p->host = keep(p, a, value);
}

static void take_length(struct pseudo *p, struct arena *a, struct str value)
{
	p->bad = p->bad || p->content_length.ptr != NULL;
	p->content_length = keep(p, a, value);
}

static void take_expect(struct pseudo *p, struct msg *m, struct str value)
{
	if (str_eq_nocase(value, STR("100-continue")))
		m->expect_continue = true;
	else
		refuse(p, FAULT_EXPECTATION);
}

void pseudo_take(struct pseudo *p, const struct pseudo_limits *limits, struct arena *a, struct msg *m, struct str name,
	struct str value)
{
	enum field_token t;

	if (!within(p, limits, name, value))
		return;
	if (name.len != 0 && name.ptr[0] == ':') {
		take_pseudo(p, limits, a, m, name, value);
		return;
	}
	t = field_token(name);
	switch (t) {
	case FIELD_CONNECTION: case FIELD_KEEP_ALIVE: case FIELD_PROXY_CONNECTION: case FIELD_TRANSFER_ENCODING: case FIELD_UPGRADE:
		p->bad = true; /* RFC 9113 section 8.2.2 */
		return;
	case FIELD_TE:
		p->bad = p->bad || !str_eq_nocase(value, STR("trailers"));
		break;
	case FIELD_CONTENT_LENGTH:
		take_length(p, a, value);
		return;
	case FIELD_HOST:
		if (m->kind == MSG_REQUEST) {
			take_host(p, a, value);
			return;
		}
		break;
	case FIELD_COOKIE:
		if (m->kind == MSG_REQUEST) {
			take_cookie(p, a, value);
			return;
		}
		break;
	case FIELD_EXPECT:
		if (m->kind == MSG_REQUEST) {
			take_expect(p, m, value);
			return;
		}
		break;
	default:
		break;
	}
	struct str kept = keep(p, a, name), kept_value = keep(p, a, value);

	if (p->fault == FAULT_NONE && !fields_add(&m->head, a, kept, kept_value))
		refuse(p, FAULT_NO_MEMORY);
}

void pseudo_take_trailer(struct pseudo *p, const struct pseudo_limits *limits, struct arena *a, struct msg *m, struct str name,
	struct str value)
{
	struct str kept, kept_value;

	if (!within(p, limits, name, value))
		return;
	if (name.len == 0 || name.ptr[0] == ':') {
		refuse(p, FAULT_BAD_REQUEST);
		return;
	}
	switch (field_trailer_use(field_token(name))) {
	case TRAILER_REFUSED:
		refuse(p, FAULT_BAD_REQUEST);
		return;
	case TRAILER_DROPPED:
		return;
	case TRAILER_KEPT:
		break;
	}
	kept = keep(p, a, name);
	kept_value = keep(p, a, value);
	if (p->fault == FAULT_NONE && !fields_add(&m->trailers, a, kept, kept_value))
		refuse(p, FAULT_NO_MEMORY);
}

static bool read_length(const struct pseudo *p, int64_t *length_out)
{
	uint64_t n;

	*length_out = -1;
	if (p->content_length.ptr == NULL)
		return true;
	if (!str_to_u64(p->content_length, INT64_MAX, &n))
		return false;
	*length_out = (int64_t)n;
	return true;
}

/* RFC 9113 section 8.3.1: what the request is for stands in :authority; Host may say it, or say it once more. */
static enum fault settle_authority(struct pseudo *p, struct msg *m)
{
	if (p->two_hosts)
		return FAULT_BAD_REQUEST;
	if (m->authority.ptr == NULL)
		m->authority = p->host;
	else if (p->host.ptr != NULL && !str_eq_nocase(p->host, m->authority))
		return FAULT_BAD_REQUEST;
	return m->authority.ptr == NULL ? FAULT_BAD_REQUEST : FAULT_NONE;
}

static bool is_path(const struct msg *m)
{
	struct str path = m->path;

	if (path.len == 0)
		return false;
	for (size_t i = 0; i < path.len; i++)
		if ((unsigned char)path.ptr[i] <= 0x20 || path.ptr[i] == 0x7f)
			return false;
	return path.ptr[0] == '/' || (str_eq(path, STR("*")) && str_eq(m->method, STR("OPTIONS")));
}

/* RFC 8441 section 4. */
static enum fault extended_connect(struct msg *m)
{
	if (!str_eq(m->method, STR("CONNECT")) || m->scheme.ptr == NULL || m->path.ptr == NULL)
		return FAULT_BAD_REQUEST;
	if (!str_eq_nocase(m->protocol, websocket))
		return FAULT_NOT_IMPLEMENTED;
	m->method = STR("GET");
	return FAULT_NONE;
}

enum fault pseudo_end_request(struct pseudo *p, struct arena *a, struct msg *m, bool ends)
{
	enum fault fault = p->fault;

	if (fault == FAULT_NONE && (p->bad || m->method.len == 0 || m->method.len > METHOD_MAX || p->status.ptr != NULL ||
				    !read_length(p, &m->length)))
		fault = FAULT_BAD_REQUEST;
	if (fault == FAULT_NONE && m->protocol.ptr != NULL)
		fault = extended_connect(m);
	else if (fault == FAULT_NONE && str_eq(m->method, STR("CONNECT")))
		fault = FAULT_NOT_IMPLEMENTED;
	if (fault == FAULT_NONE && (m->scheme.ptr == NULL || !is_path(m)))
		fault = FAULT_BAD_REQUEST;
	if (fault == FAULT_NONE)
		fault = settle_authority(p, m);
	if (fault != FAULT_NONE)
		return fault;
	if (ends || m->protocol.ptr != NULL) {
		if (m->length > 0)
			return FAULT_BAD_REQUEST;
		m->length = 0;
		m->expect_continue = false;
	}
	if (p->cookie.ptr != NULL && !fields_add(&m->head, a, STR("cookie"), p->cookie))
		return FAULT_NO_MEMORY;
	return FAULT_NONE;
}

static bool read_status(struct str s, uint16_t *out)
{
	uint64_t n;

	if (s.len != 3 || !str_to_u64(s, 599, &n) || n < 100)
		return false;
	*out = (uint16_t)n;
	return true;
}

/* The server has taken the other protocol: as HTTP/1.1 would say it, with the proof that a client of HTTP/1.1 waits for. */
static enum fault accept_protocol(const struct msg *request, struct arena *a, struct msg *m)
{
	const struct field *key = fields_find(&request->head, sec_key);
	char accept[WEBSOCKET_ACCEPT_LEN];

	m->status = 101;
	m->protocol = request->protocol;
	m->length = -1;
	if (key == NULL || !str_eq_nocase(request->protocol, websocket))
		return FAULT_NONE;
	websocket_key_accept(key->value, accept);
	struct str text = arena_str(a, (struct str){ accept, sizeof(accept) });

	return text.ptr != NULL && fields_set(&m->head, a, sec_accept, text) ? FAULT_NONE : FAULT_NO_MEMORY;
}

enum fault pseudo_end_response(struct pseudo *p, const struct msg *request, struct arena *a, struct msg *m, bool ends)
{
	bool is_head = str_eq(request->method, STR("HEAD"));

	if (p->fault == FAULT_NO_MEMORY)
		return FAULT_NO_MEMORY;
	if (p->fault != FAULT_NONE || p->bad || !read_status(p->status, &m->status) || m->status == 101 ||
	    m->method.ptr != NULL || m->path.ptr != NULL || !read_length(p, &m->length))
		return FAULT_BACK_PROTOCOL;
	m->bodiless = is_head || m->status < 200 || m->status == 204 || m->status == 304;
	if (m->status < 200)
		return ends ? FAULT_BACK_PROTOCOL : FAULT_NONE;
	if (request->protocol.ptr != NULL && m->status < 300)
		return accept_protocol(request, a, m);
	if (ends && !m->bodiless) {
		if (m->length > 0)
			return FAULT_BACK_PROTOCOL;
		m->length = 0;
	}
	return FAULT_NONE;
}

/* ---- sending ---- */

size_t pseudo_count(const struct msg *m)
{
	return m->head.n + 8u;
}

static bool is_secret(const struct field *f)
{
	return f->token == FIELD_COOKIE || f->token == FIELD_PROXY_AUTHORIZATION || str_eq(f->name, STR("authorization")) ||
	       str_eq(f->name, STR("set-cookie"));
}

static void put_fields(const struct fields *f, struct str but, pseudo_put *put, void *to)
{
	for (unsigned i = 0; i < f->n; i++)
		if (!str_eq(f->at[i].name, but))
			put(to, f->at[i].name, f->at[i].value, is_secret(&f->at[i]));
}

static struct str digits(struct arena *a, uint64_t n)
{
	char *text = arena_bytes(a, STR_U64_MAX);

	return text == NULL ? STR_NONE : (struct str){ text, (size_t)(str_put_u64(text, n) - text) };
}

static bool put_length(int64_t length, struct arena *a, pseudo_put *put, void *to)
{
	struct str text = digits(a, (uint64_t)length);

	if (text.ptr == NULL)
		return false;
	put(to, STR("content-length"), text, false);
	return true;
}

bool pseudo_put_request(const struct msg *m, struct str scheme, struct arena *a, pseudo_put *put, void *to)
{
	bool connects = m->protocol.ptr != NULL;

	put(to, STR(":method"), connects ? STR("CONNECT") : m->method, false);
	if (connects)
		put(to, STR(":protocol"), m->protocol, false);
	put(to, STR(":scheme"), scheme, false);
	put(to, STR(":authority"), m->authority, false);
	put(to, STR(":path"), m->path, false);
	put_fields(&m->head, connects ? sec_key : STR(""), put, to);
	if (m->takes_trailers)
		put(to, STR("te"), STR("trailers"), false);
	if (m->expect_continue)
		put(to, STR("expect"), STR("100-continue"), false);
	return m->length <= 0 || put_length(m->length, a, put, to);
}

bool pseudo_put_response(const struct msg *m, struct arena *a, pseudo_put *put, void *to)
{
	bool switches = m->status == 101;
	struct str status = switches ? STR("200") : digits(a, m->status);

	if (status.ptr == NULL)
		return false;
	put(to, STR(":status"), status, false);
	put_fields(&m->head, switches ? sec_accept : STR(""), put, to);
	if (switches || m->status < 200 || m->status == 204 || m->length < 0)
		return true;
	return put_length(m->length, a, put, to);
}

void pseudo_put_trailers(const struct fields *f, pseudo_put *put, void *to)
{
	put_fields(f, STR(""), put, to);
}
