/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/uri.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/check.h"
#include "base/str.h"

const char *uri_error_text(enum uri_error e)
{
	static const char *const texts[] = {
		[URI_OK] = "valid",
		[URI_BAD_CHARACTER] = "a character that is not allowed there",
		[URI_BAD_ESCAPE] =
			"a percent sign without two hexadecimal digits, or overlong UTF-8",
		[URI_ENCODED_SLASH] = "an encoded slash",
		[URI_BACKSLASH] = "a backslash",
		[URI_ENCODED_NUL] = "an encoded NUL",
		[URI_ABOVE_ROOT] = "'..' leads above the root",
		[URI_NOT_ABSOLUTE] = "does not begin with '/'",
		[URI_NO_MEMORY] = "too long",
		[URI_BAD_HOST] = "not a valid host",
		[URI_BAD_PORT] = "not a valid port",
		[URI_BAD_SCHEME] = "not a valid scheme",
		[URI_DOT_PARAMETERS] = "a dot segment with parameters",
	};

	return (size_t)e < ARRAY_LEN(texts) ? texts[e] : "invalid";
}

/* What a byte is. A byte without C_PLAIN stops the fast scan of a path. */
enum {
	C_PLAIN = 1,      /* pchar without "%", RFC 3986 section 3.3 */
	C_UNRESERVED = 2, /* section 2.3 */
	C_QUERY = 4,      /* passes in a query without a look */
	C_ESCAPE = 8,     /* raw in a path: escaped */
};

#define P (C_PLAIN | C_QUERY)
#define U (C_PLAIN | C_QUERY | C_UNRESERVED)
#define Q C_QUERY
#define E (C_ESCAPE | C_QUERY)
static const unsigned char classes[256] = {
	/* sp ! " # $ % & ' ( ) * + , - . / */
	[0x20] = 0, P, 0, 0, P, 0, P, P, P, P, P, P, P, U, U, Q,
	/* 0-9 : ; < = > ? */
	[0x30] = U, U, U, U, U, U, U, U, U, U, P, P, 0, P, 0, Q,
	/* @ A-O */
	[0x40] = P, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U,
	/* P-Z [ \ ] ^ _ */
	[0x50] = U, U, U, U, U, U, U, U, U, U, U, E, Q, E, E, U,
	/* ` a-o */
	[0x60] = Q, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U,
	/* p-z { | } ~ DEL */
	[0x70] = U, U, U, U, U, U, U, U, U, U, U, Q, E, Q, U, 0,
};
#undef P
#undef U
#undef Q
#undef E

static int hex_value(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that the escape at the start of p[0..n) spells, or -1. */
static int escape_value(const char *p, size_t n)
{
	int high, low;

	if (n < 3 || p[0] != '%')
		return -1;
	high = hex_value((unsigned char)p[1]);
	low = hex_value((unsigned char)p[2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static bool is_upper_hex(const char *p)
{
	return !(p[1] >= 'a' && p[1] <= 'f') && !(p[2] >= 'a' && p[2] <= 'f');
}

/* An escape of `value` at p that begins an overlong UTF-8 form: %C0%AF is "/" to a lax decoder. */
static bool is_overlong(int value, const char *p, size_t n)
{
	int next;

	if (value != 0xc0 && value != 0xc1 && value != 0xe0 && value != 0xf0)
		return false;
	next = escape_value(p + 3, n - 3);
	if (value == 0xe0)
		return next >= 0x80 && next < 0xa0;
	if (value == 0xf0)
		return next >= 0x80 && next < 0x90;
	return next >= 0x80 && next < 0xc0;
}

/* An escape that normalisation keeps as it stands, and that no policy refuses. */
static bool is_settled_escape(const char *p, size_t n)
{
	int value = escape_value(p, n);

	return value > 0 && is_upper_hex(p) && (classes[value] & C_UNRESERVED) == 0 &&
	       value != '/' && value != '\\' && !is_overlong(value, p, n);
}

/* Whether a segment that begins at p may be "." or "..", or one of these with parameters. */
static bool is_dotted(const char *p, size_t n)
{
	size_t i = 0;

	while (i < 2 && i < n && p[i] == '.')
		i++;
	return i > 0 && (i == n || p[i] == '/' || p[i] == '?' || p[i] == ';' || p[i] == '%');
}

/* True, and the length up to the end or "?", when the path is already normal; otherwise the slow
 * way decides. */
static bool scan_normal_path(struct str s, unsigned policy, size_t *len_out)
{
	size_t i = 0;

	if (s.len == 0 || s.ptr[0] != '/')
		return false;
	while (i < s.len) {
		char c = s.ptr[i];

		if (classes[(unsigned char)c] & C_PLAIN) {
			i++;
		} else if (c == '/') {
			i++;
			if (i < s.len && s.ptr[i] == '/' && (policy & URI_KEEP_SLASHES) == 0)
				return false;
			if (i < s.len && s.ptr[i] == '.' && is_dotted(s.ptr + i, s.len - i))
				return false;
		} else if (c == '%' && is_settled_escape(s.ptr + i, s.len - i)) {
			i += 3;
		} else if (c == '?') {
			break;
		} else {
			return false;
		}
	}
	*len_out = i;
	return true;
}

struct rewriter {
	const char *in;
	size_t in_len;
	unsigned policy;
	char *out;
	size_t out_len;
	size_t segment; /* where in `out` the current segment begins, behind its "/" */
};

static void put_escape(struct rewriter *w, int value)
{
	static const char hex[] = "0123456789ABCDEF";

	w->out[w->out_len++] = '%';
	w->out[w->out_len++] = hex[value >> 4];
	w->out[w->out_len++] = hex[value & 15];
}

/* Copies one character or escape at w->in[*i] to the output, in its normal spelling. */
static enum uri_error put_character(struct rewriter *w, size_t *i)
{
	unsigned char c = (unsigned char)w->in[*i];
	int value = c;

	if (c == '%') {
		value = escape_value(w->in + *i, w->in_len - *i);
		if (value < 0 || is_overlong(value, w->in + *i, w->in_len - *i))
			return URI_BAD_ESCAPE;
		if (value == 0)
			return URI_ENCODED_NUL;
		if (value == '/' && (w->policy & URI_ALLOW_ENCODED_SLASH) == 0)
			return URI_ENCODED_SLASH;
	}
	if (value == '\\' && (w->policy & URI_ALLOW_BACKSLASH) == 0)
		return URI_BACKSLASH;
	if (c != '%' && value != '\\' && (classes[c] & (C_PLAIN | C_ESCAPE)) == 0)
		return URI_BAD_CHARACTER;
	*i += c == '%' ? 3 : 1;
	if (c == '%' ? (classes[value] & C_UNRESERVED) != 0 : (classes[c] & C_PLAIN) != 0)
		w->out[w->out_len++] = (char)value;
	else
		put_escape(w, value);
	return URI_OK;
}

static bool is_dots(struct str s)
{
	return str_eq(s, STR(".")) || str_eq(s, STR(".."));
}

/* Backends that decode once more, or that strip parameters, must not find a dot segment that we did
 * not see. */
static enum uri_error check_hidden_dots(struct str segment)
{
	bool in_parameters = false;
	size_t begin = 0; /* of the piece between encoded separators */

	for (size_t i = 0; i < segment.len; i++) {
		int value = segment.ptr[i] == '%' ? escape_value(segment.ptr + i, segment.len - i)
						  : segment.ptr[i];
		bool parameters = value == ';';
		bool separator = segment.ptr[i] == '%' && (value == '/' || value == '\\');

		if (!parameters && !separator)
			continue;
		if (!in_parameters && is_dots(str_slice(segment, begin, i - begin)))
			return parameters     ? URI_DOT_PARAMETERS
			       : value == '/' ? URI_ENCODED_SLASH
					      : URI_BACKSLASH;
		in_parameters = parameters;
		if (separator)
			begin = i + 3;
	}
	if (begin > 0 && !in_parameters && is_dots(str_slice(segment, begin, segment.len)))
		return str_eq(str_slice(segment, begin - 3, 3), STR("%2F")) ? URI_ENCODED_SLASH
									    : URI_BACKSLASH;
	return URI_OK;
}

/* A segment ended, at a "/" or at the path's end: leaves w->out at the place where the next one
 * begins. */
static enum uri_error end_segment(struct rewriter *w, bool is_last)
{
	struct str segment = { w->out + w->segment, w->out_len - w->segment };

	if (is_dots(segment)) {
		w->out_len = w->segment;
		if (segment.len == 2) {
			if (w->segment == 1)
				return URI_ABOVE_ROOT;
			/* Back over the "/", then over the segment before it. */
			do
				w->out_len--;
			while (w->out[w->out_len - 1] != '/');
		}
	} else if (segment.len > 0 || (w->policy & URI_KEEP_SLASHES) != 0) {
		enum uri_error e = check_hidden_dots(segment);

		if (e != URI_OK)
			return e;
		if (!is_last)
			w->out[w->out_len++] = '/';
	}
	w->segment = w->out_len;
	return URI_OK;
}

static enum uri_error rewrite_path(
	struct arena *a, struct str s, unsigned policy, struct str *path_out)
{
	struct rewriter w = { .in = s.ptr, .in_len = s.len, .policy = policy };
	size_t room = s.len;
	enum uri_error e = URI_OK;

	if (s.len == 0 || s.ptr[0] != '/')
		return URI_NOT_ABSOLUTE;
	for (size_t i = 0; i < s.len; i++) /* what may be escaped grows to three bytes */
		room += (classes[(unsigned char)s.ptr[i]] & C_PLAIN) == 0 ? 2 : 0;
	w.out = arena_bytes(a, room);
	if (w.out == NULL)
		return URI_NO_MEMORY;
	w.out[w.out_len++] = '/';
	w.segment = 1;
	for (size_t i = 1; i < s.len && e == URI_OK;) {
		if (s.ptr[i] == '/') {
			e = end_segment(&w, false);
			i++;
		} else {
			e = put_character(&w, &i);
		}
	}
	if (e == URI_OK)
		e = end_segment(&w, true);
	*path_out = (struct str){ w.out, w.out_len };
	return e;
}

static enum uri_error check_query(struct str s)
{
	for (size_t i = 0; i < s.len;) {
		if (classes[(unsigned char)s.ptr[i]] & C_QUERY) {
			i++;
			continue;
		}
		if (s.ptr[i] != '%')
			return URI_BAD_CHARACTER;
		if (escape_value(s.ptr + i, s.len - i) < 0)
			return URI_BAD_ESCAPE;
		i += 3;
	}
	return URI_OK;
}

enum uri_error uri_normalise(struct arena *a, struct str target, unsigned policy,
	struct str *path_out, struct str *query_out)
{
	size_t len;

	*query_out = STR_NONE;
	if (scan_normal_path(target, policy, &len)) {
		*path_out = (struct str){ target.ptr, len };
	} else {
		enum uri_error e;

		len = str_find_char(target, '?');
		e = rewrite_path(a, (struct str){ target.ptr, len }, policy, path_out);
		if (e != URI_OK)
			return e;
	}
	if (len == target.len)
		return URI_OK;
	*query_out = (struct str){ target.ptr + len + 1, target.len - len - 1 };
	return check_query(*query_out);
}

/* inet_pton wants a NUL; no address is longer than the buffer, and none holds a NUL. */
static bool is_ipv6(struct str s)
{
	unsigned char address[16];
	char text[48];

	if (s.len >= sizeof(text) || str_find_char(s, '\0') < s.len)
		return false;
	memcpy(text, s.ptr, s.len);
	text[s.len] = '\0';
	return inet_pton(AF_INET6, text, address) == 1;
}

/* A number, as resolvers of the inet_aton kind read one: they take "127.1" and "0x7f000001" for
 * addresses. */
static bool is_numeric_label(struct str s)
{
	bool hex = s.len >= 2 && s.ptr[0] == '0' && ascii_lower((unsigned char)s.ptr[1]) == 'x';

	for (size_t i = hex ? 2 : 0; i < s.len; i++) {
		int value = hex_value((unsigned char)s.ptr[i]);

		if (value < 0 || (!hex && value > 9))
			return false;
	}
	return s.len > 0;
}

/* Four numbers up to 255, without leading zeros. */
static bool is_dotted_quad(struct str s)
{
	unsigned n_parts = 1, n_digits = 0, value = 0;

	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned char)s.ptr[i] - (unsigned)'0';

		if (s.ptr[i] == '.' && n_digits != 0) {
			n_parts++;
			n_digits = value = 0;
			continue;
		}
		value = value * 10 + digit;
		n_digits++;
		if (digit > 9 || value > 255 || (n_digits > 1 && value < 10))
			return false;
	}
	return n_parts == 4 && n_digits != 0;
}

static bool is_reg_name(struct str s)
{
	const char *p = s.ptr, *end = s.ptr + s.len, *label = p; /* where the current label begins */

	if (s.len == 0 || s.len > 255)
		return false;
	for (; p < end; p++) {
		if ((classes[(unsigned char)*p] & C_UNRESERVED) == 0)
			return false;
		if (*p != '.')
			continue;
		if (p == label)
			return false;
		if (p + 1 < end)
			label = p + 1;
	}
	/* A number begins with a digit. */
	if (*label > '9' || !is_numeric_label((struct str){ label, (size_t)(end - label) - (end[-1] == '.') }))
		return true;
	return is_dotted_quad(s);
}

static bool parse_port(struct str s, uint16_t *port_out)
{
	uint64_t port;

	*port_out = 0;
	if (s.len == 0) /* RFC 3986 section 3.2.3: an empty port is no port */
		return true;
	if (s.len > 5 || !str_to_u64(s, UINT16_MAX, &port) || port == 0)
		return false;
	*port_out = (uint16_t)port;
	return true;
}

enum uri_error uri_authority_parse(struct str s, struct uri_authority *out)
{
	struct str host, rest;

	*out = (struct uri_authority){ 0 };
	if (s.len > 0 && s.ptr[0] == '[') {
		size_t close = str_find_char(s, ']');

		if (close == s.len)
			return URI_BAD_HOST;
		host = str_slice(s, 1, close - 1);
		rest = str_slice(s, close + 1, s.len);
		out->is_ipv6 = true;
		if (!is_ipv6(host) || (rest.len > 0 && rest.ptr[0] != ':'))
			return URI_BAD_HOST;
	} else {
		size_t colon = str_find_char(s, ':');

		host = str_slice(s, 0, colon);
		rest = str_slice(s, colon, s.len);
		if (!is_reg_name(host))
			return URI_BAD_HOST;
	}
	if (!parse_port(str_slice(rest, 1, s.len), &out->port))
		return URI_BAD_PORT;
	out->host = host;
	return URI_OK;
}

static enum uri_error normalise_ipv6(struct arena *a, struct str host, struct str *host_out)
{
	char text[INET6_ADDRSTRLEN], canonical[INET6_ADDRSTRLEN];
	struct in6_addr addr;

	*host_out = host;
	if (host.len >= sizeof(text))
		return URI_OK;
	memcpy(text, host.ptr, host.len);
	text[host.len] = '\0';
	if (inet_pton(AF_INET6, text, &addr) != 1 || inet_ntop(AF_INET6, &addr, canonical, sizeof(canonical)) == NULL)
		return URI_OK;
	*host_out = arena_str(a, str_of(canonical));
	return host_out->ptr == NULL ? URI_NO_MEMORY : URI_OK;
}

enum uri_error uri_host_normalise(struct arena *a, const struct uri_authority *at, struct str *host_out)
{
	struct str host = at->host, lower;
	size_t i = 0;

	if (at->is_ipv6)
		return normalise_ipv6(a, host, host_out);
	if (host.len > 1 && host.ptr[host.len - 1] == '.')
		host.len--;
	while (i < host.len && (host.ptr[i] < 'A' || host.ptr[i] > 'Z'))
		i++;
	*host_out = host;
	if (i == host.len)
		return URI_OK;
	lower = arena_str(a, host);
	if (lower.ptr == NULL)
		return URI_NO_MEMORY;
	for (; i < lower.len; i++)
		((char *)lower.ptr)[i] = (char)ascii_lower((unsigned char)lower.ptr[i]);
	*host_out = lower;
	return URI_OK;
}

static enum uri_error parse_scheme(struct arena *a, struct str s, struct str *scheme_out)
{
	char *lower = arena_bytes(a, s.len);

	if (lower == NULL)
		return URI_NO_MEMORY;
	for (size_t i = 0; i < s.len; i++) {
		char c = (char)ascii_lower((unsigned char)s.ptr[i]);
		bool letter = c >= 'a' && c <= 'z';
		bool other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';

		if (!letter && (i == 0 || !other))
			return URI_BAD_SCHEME;
		lower[i] = c;
	}
	*scheme_out = (struct str){ lower, s.len };
	return s.len == 0 ? URI_BAD_SCHEME : URI_OK;
}

static enum uri_error check_path(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c == '\\')
			return URI_BACKSLASH;
		if (c == '%' && escape_value(s.ptr + i, s.len - i) < 0)
			return URI_BAD_ESCAPE;
		if (c != '%' && c != '/' && (classes[c] & (C_PLAIN | C_ESCAPE)) == 0)
			return URI_BAD_CHARACTER;
	}
	return URI_OK;
}

static enum uri_error parse_authority(struct str s, struct uri *out)
{
	out->authority = s;
	if (s.len == 0 && (str_eq(out->scheme, STR("file")) || str_eq(out->scheme, STR("unix"))))
		return URI_OK;
	return uri_authority_parse(s, &out->at);
}

enum uri_error uri_parse(struct arena *a, struct str s, struct uri *out)
{
	size_t colon = str_find_char(s, ':');
	struct str rest = str_slice(s, colon + 1, s.len);
	size_t mark = str_find_char(rest, '?');
	enum uri_error e;

	*out = (struct uri){ 0 };
	e = colon == s.len ? URI_BAD_SCHEME : parse_scheme(a, str_slice(s, 0, colon), &out->scheme);
	if (e != URI_OK)
		return e;
	if (mark < rest.len)
		out->query = str_slice(rest, mark + 1, rest.len);
	out->path = str_slice(rest, 0, mark);
	if (str_starts(out->path, STR("//"))) {
		struct str after = str_slice(out->path, 2, out->path.len);
		size_t slash = str_find_char(after, '/');

		out->path = str_slice(after, slash, after.len);
		e = parse_authority(str_slice(after, 0, slash), out);
	} else if (!str_starts(out->path, STR("/"))) {
		e = URI_NOT_ABSOLUTE;
	}
	if (e == URI_OK)
		e = check_path(out->path);
	return e == URI_OK ? check_query(out->query) : e;
}
