/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What routes ask of a request besides path and method: header fields, query parameters, cookies,
 * source. */
#include "toron/exchange.h"

#include <stdlib.h>

#include "http/exchange.h"

static bool accepts(toron_take *take, struct str value)
{
	return take == NULL || take(value);
}

/* ---- header fields ---- */

static bool any_header(const struct exchange *x, struct str name, toron_take *take)
{
	const struct fields *f = &x->request.head;
	bool seen = false;

	for (unsigned i = 0; i < f->n; i++) {
		if (!str_eq(f->at[i].name, name))
			continue;
		if (accepts(take, f->at[i].value))
			return true;
		seen = true;
	}
	/* Host may stand in the request's target alone. */
	return !seen && x->request.authority.len != 0 && str_eq(name, STR("host")) &&
	       accepts(take, x->request.authority);
}

/* ---- query parameters: application/x-www-form-urlencoded ---- */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

/* Takes one decoded byte off the front. A "%" without two hex digits stands for itself. */
static char next_decoded(struct str *s)
{
	char c = s->ptr[0];
	size_t n = 1;

	if (c == '+') {
		c = ' ';
	} else if (c == '%' && s->len >= 3 && hex_value(s->ptr[1]) >= 0 &&
		   hex_value(s->ptr[2]) >= 0) {
		c = (char)(hex_value(s->ptr[1]) << 4 | hex_value(s->ptr[2]));
		n = 3;
	}
	s->ptr += n;
	s->len -= n;
	return c;
}

static bool is_name(struct str encoded, struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if (encoded.len == 0 || next_decoded(&encoded) != name.ptr[i])
			return false;
	return encoded.len == 0;
}

static bool is_encoded(struct str s)
{
	return s.len != 0 &&
	       (memchr(s.ptr, '%', s.len) != NULL || memchr(s.ptr, '+', s.len) != NULL);
}

#define DECODED_ON_STACK 1024

/* Long escaped values, which are rare, cost a malloc rather than the exchange's budget: many routes
 * may ask for the same one. */
static bool accepts_decoded(const struct exchange *x, toron_take *take, struct str value)
{
	char small[DECODED_ON_STACK], *decoded = small;
	size_t len = 0;
	bool taken;

	if (take == NULL || !is_encoded(value))
		return accepts(take, value);
	if (value.len > sizeof(small))
		decoded = malloc(value.len);
	if (decoded == NULL) {
		/* Neither yes nor no would be safe: the exchange ends. */
		((struct exchange *)x)->arena.overflow = true;
		return false;
	}
	while (value.len != 0)
		decoded[len++] = next_decoded(&value);
	taken = take((struct str){ decoded, len });
	if (decoded != small)
		free(decoded);
	return taken;
}

static bool any_query(const struct exchange *x, struct str name, toron_take *take)
{
	struct str rest = x->query, pair;

	while (str_split(&rest, '&', &pair)) {
		size_t equals = str_find_char(pair, '=');

		if (pair.len == 0 || !is_name(str_slice(pair, 0, equals), name))
			continue;
		if (accepts_decoded(x, take, str_slice(pair, equals + 1, pair.len)))
			return true;
	}
	return false;
}

/* ---- cookies: RFC 6265 section 5.4, with the quotes of section 4.1.1 taken off ---- */

static bool any_cookie_of(struct str rest, struct str name, toron_take *take)
{
	struct str pair;

	while (str_split(&rest, ';', &pair)) {
		size_t equals = str_find_char(pair, '=');
		struct str value;

		if (equals == pair.len || !str_eq(str_trim(str_slice(pair, 0, equals)), name))
			continue;
		value = str_trim(str_slice(pair, equals + 1, pair.len));
		if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
			value = str_slice(value, 1, value.len - 2);
		if (accepts(take, value))
			return true;
	}
	return false;
}

static bool any_cookie(const struct exchange *x, struct str name, toron_take *take)
{
	const struct fields *f = &x->request.head;

	for (unsigned i = 0; i < f->n; i++)
		if (f->at[i].token == FIELD_COOKIE && any_cookie_of(f->at[i].value, name, take))
			return true;
	return false;
}

static bool any_client(const struct exchange *x, struct str name, toron_take *take)
{
	struct str value = toron_tls_client_fingerprint(x);

	if (str_eq(name, STR("san")))
		return toron_tls_client_any_san(x, take);
	if (str_eq(name, STR("subject")))
		value = toron_tls_client_subject(x);
	else if (str_eq(name, STR("spiffe")))
		value = toron_tls_client_spiffe(x);
	return value.ptr != NULL && accepts(take, value);
}

bool toron_request_any(
	const struct exchange *x, enum toron_where where, struct str name, toron_take *take)
{
	switch (where) {
	case TORON_IN_HEADER:
		return any_header(x, name, take);
	case TORON_IN_QUERY:
		return any_query(x, name, take);
	case TORON_IN_SNI:
		return toron_tls_sni(x).ptr != NULL && accepts(take, toron_tls_sni(x));
	case TORON_IN_COOKIE:
		return any_cookie(x, name, take);
	case TORON_IN_CLIENT:
		return any_client(x, name, take);
	}
	return false;
}

/* ---- the source ---- */

bool toron_cidr_has(const struct toron_cidr *c, const uint8_t addr[16])
{
	unsigned whole = c->bits / 8, rest = c->bits % 8;

	if (c->bits > 128 || memcmp(addr, c->addr, whole) != 0)
		return false;
	return rest == 0 || (addr[whole] ^ c->addr[whole]) >> (8 - rest) == 0;
}

bool toron_source_in(const struct exchange *x, const struct toron_cidr *at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (toron_cidr_has(&at[i], exchange_client(x)->ip))
			return true;
	return false;
}
