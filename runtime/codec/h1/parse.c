/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "codec/h1/parse.h"

#include "base/err.h"
#include "base/uri.h"
#include "codec/h1/scan.h"

const unsigned char h1_token_lower[256] = {
	['!'] = '!', ['#'] = '#', ['$'] = '$', ['%'] = '%', ['&'] = '&', ['\''] = '\'', ['*'] = '*', ['+'] = '+',
	['-'] = '-', ['.'] = '.', ['^'] = '^', ['_'] = '_', ['`'] = '`', ['|'] = '|', ['~'] = '~',
	['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6', ['7'] = '7',
	['8'] = '8', ['9'] = '9',
	['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f', ['g'] = 'g', ['h'] = 'h',
	['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p',
	['q'] = 'q', ['r'] = 'r', ['s'] = 's', ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x',
	['y'] = 'y', ['z'] = 'z',
	['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h',
	['I'] = 'i', ['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p',
	['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v', ['W'] = 'w', ['X'] = 'x',
	['Y'] = 'y', ['Z'] = 'z',
};

/* Where a head is read. What cannot be taken leaves `at` where it went wrong: at `end`, if the bytes were good as far as they go. */
struct cursor {
	char *at, *end;
};

size_t h1_head_length(const char *bytes, size_t len, size_t *scanned)
{
	size_t from = *scanned;

	while (from < len) {
		const char *lf = memchr(bytes + from, '\n', len - from);

		if (lf == NULL)
			break;
		size_t after = (size_t)(lf - bytes) + 1;

		if (after == len || (after + 1 == len && bytes[after] == '\r')) {
			*scanned = after - 1; /* look at this line end again */
			return 0;
		}
		if (bytes[after] == '\n')
			return after + 1; /* a bare LF: the parser refuses it */
		if (bytes[after] == '\r' && bytes[after + 1] == '\n')
			return after + 2;
		from = after;
	}
	*scanned = len;
	return 0;
}

size_t h1_skip_empty(const char *bytes, size_t len, unsigned most)
{
	size_t n = 0;

	while (n < 2 * (size_t)most && len - n >= 2 && bytes[n] == '\r' && bytes[n + 1] == '\n')
		n += 2;
	return n;
}

static inline bool take_crlf(struct cursor *c)
{
	if (c->end - c->at >= 2 && memcmp(c->at, "\r\n", 2) == 0) {
		c->at += 2;
		return true;
	}
	if (c->end - c->at == 1 && c->at[0] == '\r')
		c->at = c->end;
	return false;
}

/* A token up to the byte `stop`, which no token holds and which is taken too; ptr NULL on anything else. */
static struct str take_token(struct cursor *c, char stop)
{
	char *start = c->at, *p = start;

	while (p < c->end && h1_token_lower[(unsigned char)*p] != 0)
		p++;
	c->at = p;
	if (p == c->end || p == start || *p != stop)
		return STR_NONE;
	c->at = p + 1;
	return (struct str){ start, (size_t)(p - start) };
}

static inline bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* A field line in whatever form; its token is left open. */
static __attribute__((noinline)) bool take_field(struct cursor *c, struct field *f)
{
	char *name = c->at, *colon = scan_name(name, c->end), *start = colon + 1, *stop;

	c->at = colon;
	if (colon == c->end || *colon != ':' || colon == name)
		return false;
	while (start < c->end && is_blank(*start))
		start++;
	c->at = stop = scan_value(start, c->end);
	if (!take_crlf(c))
		return false;
	while (stop > start && is_blank(stop[-1]))
		stop--;
	f->name = (struct str){ name, (size_t)(colon - name) };
	f->value = (struct str){ start, (size_t)(stop - start) };
	f->is_line = start == colon + 2 && colon[1] == ' ' && c->at == stop + 2;
	return true;
}

/* A field line in the usual form, with one blank before a value and none behind: one that can be sent as it is. Returns its end, or NULL if it
 * is to be looked at by take_field. */
static inline char *take_usual_field(char *name, char *end, struct field *f)
{
	char *colon = scan_name(name, end), *stop;

	if (colon == name || end - colon < 4 || memcmp(colon, ": ", 2) != 0 || (unsigned char)colon[2] <= ' ')
		return NULL;
	stop = scan_odd(colon + 2, end, ' ');
	if (end - stop < 2 || memcmp(stop, "\r\n", 2) != 0 || stop[-1] == ' ')
		return NULL;
	f->name = (struct str){ name, (size_t)(colon - name) };
	f->value = (struct str){ colon + 2, (size_t)(stop - colon - 2) };
	f->is_line = true;
	return stop + 2;
}

/* What the fields say, gathered while they are read. */
struct gathered {
	int64_t length;             /* -1: none */
	struct str host, upgrade;   /* ptr NULL: none */
	bool chunked, other_coding, two_lengths, two_hosts, close, keep_alive, upgrade_named, two_upgrades, expect, bad_expect,
		bad_length;
};

/* True if it names nothing else. */
static bool gather_connection(struct gathered *g, struct str value)
{
	bool is_understood = true;
	struct str member;

	if (str_eq(value, STR("keep-alive"))) {
		g->keep_alive = true;
		return true;
	}
	while (field_next_member(&value, &member)) {
		if (str_eq_nocase(member, STR("close")))
			g->close = true;
		else if (str_eq_nocase(member, STR("keep-alive")))
			g->keep_alive = true;
		else if (str_eq_nocase(member, STR("upgrade")))
			g->upgrade_named = true;
		else
			is_understood = false;
	}
	return is_understood;
}

/* True if the field is framing or the like and is not kept among the fields. */
static bool gather(struct gathered *g, enum field_token t, struct str value)
{
	uint64_t n;

	switch (t) {
	case FIELD_CONTENT_LENGTH:
		if (g->length >= 0)
			g->two_lengths = true;
		if (!str_to_u64(value, INT64_MAX, &n))
			g->bad_length = true;
		else
			g->length = (int64_t)n;
		return true;
	case FIELD_TRANSFER_ENCODING:
		if (!g->chunked && str_eq_nocase(value, STR("chunked")))
			g->chunked = true;
		else
			g->other_coding = true;
		return true;
	case FIELD_HOST:
		if (g->host.ptr != NULL)
			g->two_hosts = true;
		g->host = value;
		return true;
	case FIELD_CONNECTION:
		return gather_connection(g, value); /* semantics.c strips other fields that it names */
	case FIELD_UPGRADE:
		if (g->upgrade.ptr != NULL)
			g->two_upgrades = true;
		g->upgrade = value;
		return true;
	case FIELD_EXPECT:
		if (str_eq_nocase(value, STR("100-continue")))
			g->expect = true;
		else
			g->bad_expect = true;
		return true;
	default:
		return false;
	}
}

static enum fault take_fields(struct cursor *c, const struct h1_limits *limits, struct arena *a, struct fields *f,
	struct gathered *g, enum fault bad)
{
	uint32_t left = limits->header_count;

	while (c->at == c->end || *c->at != '\r' || !take_crlf(c)) {
		if (f->n == f->cap && !fields_grow(f, a))
			return FAULT_NO_MEMORY;
		struct field *field = &f->at[f->n];
		char *next = take_usual_field(c->at, c->end, field);

		if (next != NULL)
			c->at = next;
		else if (!take_field(c, field))
			return bad;
		if (left-- == 0)
			return bad == FAULT_BAD_REQUEST ? FAULT_HEAD_TOO_LARGE : bad;
		field->token = (uint16_t)field_token(field->name);
		if (field->token != FIELD_OTHER && gather(g, field->token, field->value))
			continue;
		f->tokens |= FIELD_BIT(field->token);
		f->n++;
	}
	return FAULT_NONE;
}

/* "HTTP/1.x", followed by `stop`. */
static inline enum fault take_version(struct cursor *c, uint8_t *minor_out)
{
	if (c->end - c->at < 8) {
		c->at = c->end;
		return FAULT_BAD_REQUEST;
	}
	if (memcmp(c->at, "HTTP/1.1", 8) == 0) {
		*minor_out = 1;
		c->at += 8;
		return FAULT_NONE;
	}
	if (memcmp(c->at, "HTTP/", 5) != 0 || c->at[6] != '.')
		return FAULT_BAD_REQUEST;
	if (c->at[5] < '0' || c->at[5] > '9' || c->at[7] < '0' || c->at[7] > '9')
		return FAULT_BAD_REQUEST;
	if (c->at[5] != '1')
		return FAULT_VERSION;
	*minor_out = c->at[7] == '0' ? 0 : 1;
	c->at += 8;
	return FAULT_NONE;
}

static bool starts_nocase(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_eq_nocase(str_slice(s, 0, prefix.len), prefix);
}

/* absolute-form (RFC 9112 section 3.2.2): the authority wins over Host. */
static bool split_absolute(struct msg *m)
{
	struct str t = m->path;
	size_t scheme = starts_nocase(t, STR("http://")) ? 7 : starts_nocase(t, STR("https://")) ? 8 : 0;

	if (scheme == 0)
		return false;
	struct str rest = str_slice(t, scheme, t.len);
	size_t n = 0;

	while (n < rest.len && rest.ptr[n] != '/' && rest.ptr[n] != '?')
		n++;
	m->authority = str_slice(rest, 0, n);
	m->path = str_slice(rest, n, rest.len);
	if (n == 0 || (m->path.len != 0 && m->path.ptr[0] == '?'))
		return false;
	if (m->path.len == 0)
		m->path = STR("/");
	return true;
}

static enum fault take_target(struct cursor *c, const struct h1_limits *limits, struct msg *m)
{
	char *start = c->at, *p = scan_target(start, c->end);

	c->at = p;
	if (p == c->end || *p != ' ' || p == start)
		return FAULT_BAD_REQUEST;
	m->path = (struct str){ start, (size_t)(p - start) };
	c->at = p + 1;
	return m->path.len > limits->uri_bytes ? FAULT_URI_TOO_LONG : FAULT_NONE;
}

static enum fault request_framing(const struct gathered *g, struct msg *m, struct h1_head *head)
{
	if (g->bad_length || g->two_lengths)
		return FAULT_BAD_REQUEST;
	if (g->chunked || g->other_coding) {
		if (g->length >= 0 || m->version_minor == 0)
			return FAULT_BAD_REQUEST;
		if (g->other_coding)
			return FAULT_NOT_IMPLEMENTED;
		m->length = -1;
		head->framing = H1_CHUNKED;
		return FAULT_NONE;
	}
	m->length = g->length > 0 ? g->length : 0;
	head->framing = g->length > 0 ? H1_LENGTH : H1_NO_BODY;
	return FAULT_NONE;
}

static enum fault request_line(struct cursor *c, const struct h1_limits *limits, struct msg *m)
{
	enum fault fault;

	m->method = take_token(c, ' ');
	if (m->method.ptr == NULL || m->method.len > 64)
		return FAULT_BAD_REQUEST;
	fault = take_target(c, limits, m);
	if (fault == FAULT_NONE)
		fault = take_version(c, &m->version_minor);
	if (fault != FAULT_NONE)
		return fault;
	return take_crlf(c) ? FAULT_NONE : FAULT_BAD_REQUEST;
}

/* The target's form (RFC 9112 section 3.2) and Host. */
static enum fault request_target(const struct gathered *g, struct msg *m)
{
	struct uri_authority at;

	if (g->two_hosts || (g->host.ptr == NULL && m->version_minor == 1))
		return FAULT_BAD_REQUEST;
	if (g->host.ptr != NULL)
		m->authority = g->host;
	if (str_eq(m->method, STR("CONNECT")))
		return FAULT_NOT_IMPLEMENTED;
	if (m->path.ptr[0] == '/')
		return FAULT_NONE;
	if (str_eq(m->path, STR("*")))
		return str_eq(m->method, STR("OPTIONS")) ? FAULT_NONE : FAULT_BAD_REQUEST;
	if (!split_absolute(m))
		return FAULT_BAD_REQUEST;
	/* What is overruled must be valid all the same. */
	return g->host.len == 0 || uri_authority_parse(g->host, &at) == URI_OK ? FAULT_NONE : FAULT_BAD_REQUEST;
}

/* A switch to another HTTP version or to TLS would carry requests past all routes and middlewares. */
static bool may_tunnel(const struct gathered *g)
{
	struct str p = g->upgrade;

	return g->upgrade_named && !g->two_upgrades && p.len != 0 && str_find_char(p, ',') == p.len &&
	       !starts_nocase(p, STR("h2")) && !starts_nocase(p, STR("h3")) && !starts_nocase(p, STR("http")) &&
	       !starts_nocase(p, STR("tls"));
}

enum fault h1_parse_request(char *bytes, size_t len, const struct h1_limits *limits, struct arena *a, struct msg *m,
	struct h1_head *head_out)
{
	struct cursor c = { bytes, bytes + len };
	struct gathered g = { .length = -1 };
	enum fault fault = request_line(&c, limits, m);

	m->scheme = STR("http");
	if (fault == FAULT_NONE)
		fault = take_fields(&c, limits, a, &m->head, &g, FAULT_BAD_REQUEST);
	if (fault == FAULT_BAD_REQUEST && c.at == c.end) {
		m->head.n = 0;
		head_out->len = 0;
		return FAULT_NONE;
	}
	head_out->len = (size_t)(c.at - bytes);
	if (fault == FAULT_NONE)
		fault = request_target(&g, m);
	if (fault == FAULT_NONE)
		fault = request_framing(&g, m, head_out);
	if (fault != FAULT_NONE)
		return fault;
	if (g.bad_expect)
		return FAULT_EXPECTATION;
	m->expect_continue = g.expect && m->version_minor == 1 && head_out->framing != H1_NO_BODY;
	head_out->keep_alive = m->version_minor == 1 ? !g.close : g.keep_alive && !g.close;
	head_out->upgrade = may_tunnel(&g) && m->version_minor == 1;
	head_out->h2c = g.upgrade_named && !g.two_upgrades && str_eq(g.upgrade, STR("h2c")) && m->version_minor == 1 &&
			head_out->framing == H1_NO_BODY;
	/* A request that upgrades with a body is not worth its ambiguity: the upgrade is ignored (RFC 9110 section 7.8). */
	if (head_out->upgrade && head_out->framing == H1_NO_BODY)
		m->protocol = g.upgrade;
	return FAULT_NONE;
}

static bool status_line(struct cursor *c, struct msg *m)
{
	if (take_version(c, &m->version_minor) != FAULT_NONE)
		return false;
	if (c->end - c->at < 5) {
		c->at = c->end;
		return false;
	}
	if (c->at[0] != ' ')
		return false;
	for (int i = 1; i <= 3; i++)
		if (c->at[i] < '0' || c->at[i] > '9')
			return false;
	m->status = (uint16_t)((c->at[1] - '0') * 100 + (c->at[2] - '0') * 10 + (c->at[3] - '0'));
	c->at += 4;
	if (*c->at == ' ')
		c->at = scan_value(c->at, c->end);
	return m->status >= 100 && m->status <= 599 && take_crlf(c);
}

static bool response_framing(const struct gathered *g, bool method_is_head, struct msg *m, struct h1_head *head)
{
	if (g->bad_length || g->two_lengths || g->other_coding || (g->chunked && g->length >= 0))
		return false;
	m->bodiless = method_is_head || m->status < 200 || m->status == 204 || m->status == 304;
	if (m->bodiless) {
		m->length = m->status < 200 || m->status == 204 ? -1 : g->length;
		head->framing = H1_NO_BODY;
		return m->status != 204 || !g->chunked;
	}
	if (g->chunked) {
		head->framing = H1_CHUNKED;
		return m->version_minor == 1;
	}
	m->length = g->length;
	head->framing = g->length < 0 ? H1_UNTIL_CLOSE : g->length == 0 ? H1_NO_BODY : H1_LENGTH;
	return true;
}

enum fault h1_parse_response(char *bytes, size_t len, const struct h1_limits *limits, struct arena *a, bool method_is_head,
	struct msg *m, struct h1_head *head_out)
{
	struct cursor c = { bytes, bytes + len };
	struct gathered g = { .length = -1 };
	enum fault fault = FAULT_BACK_PROTOCOL;

	m->head.n = m->trailers.n = 0;
	m->head.tokens = 0;
	m->length = -1;
	head_out->len = 0;
	if (status_line(&c, m))
		fault = take_fields(&c, limits, a, &m->head, &g, FAULT_BACK_PROTOCOL);
	if (fault == FAULT_BACK_PROTOCOL && c.at == c.end) {
		m->head.n = m->status = 0;
		return FAULT_NONE;
	}
	if (fault != FAULT_NONE)
		return fault;
	head_out->len = (size_t)(c.at - bytes);
	if (!response_framing(&g, method_is_head, m, head_out))
		return FAULT_BACK_PROTOCOL;
	head_out->keep_alive = m->version_minor == 1 ? !g.close : g.keep_alive && !g.close;
	/* Who announces a body where none may be will send it, too. */
	if (head_out->framing == H1_UNTIL_CLOSE || (m->status == 204 && g.length > 0))
		head_out->keep_alive = false;
	head_out->upgrade = m->status == 101 && g.upgrade_named && g.upgrade.len != 0;
	m->protocol = head_out->upgrade ? g.upgrade : STR_NONE;
	return m->status == 101 && !head_out->upgrade ? FAULT_BACK_PROTOCOL : FAULT_NONE;
}

enum fault h1_parse_trailers(char *bytes, size_t len, const struct h1_limits *limits, struct arena *a, struct fields *out)
{
	struct cursor c = { bytes, bytes + len };
	struct field field;
	uint32_t n = 0;

	while (!take_crlf(&c)) {
		if (!take_field(&c, &field) || ++n > limits->header_count)
			return FAULT_BAD_REQUEST;
		field.token = (uint16_t)field_token(field.name);
		switch (field_trailer_use(field.token)) {
		case TRAILER_REFUSED:
			return FAULT_BAD_REQUEST;
		case TRAILER_DROPPED:
			continue;
		case TRAILER_KEPT:
			break;
		}
		if (!fields_append(out, a, &field))
			return FAULT_NO_MEMORY;
	}
	return c.at == c.end ? FAULT_NONE : FAULT_BAD_REQUEST;
}
