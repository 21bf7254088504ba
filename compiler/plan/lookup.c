/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "plan/lookup.h"

#include <string.h>

#include "base/str.h"

/* ---- predicates ---- */

static bool value_is(const struct plan_field *f, struct str value)
{
	for (uint32_t i = 0; i < f->n; i++) {
		struct str text = f->values[i].text.value;

		if ((f->values[i].kind == M_VALUE_EXACT && str_eq(value, text)) ||
			(f->values[i].kind == M_VALUE_PREFIX && str_starts(value, text)) ||
			(f->values[i].kind == M_VALUE_SUFFIX && str_ends(value, text)))
			return true;
	}
	return f->regex != NULL && dfa_match(&f->regex->dfa, value) != 0;
}

/* What a walk over the values of one name has seen. */
struct seen {
	const struct plan_field *field;
	bool any, taken;
};

static void see(struct seen *s, struct str value)
{
	s->any = true;
	s->taken |= s->field->present || value_is(s->field, value);
}

/* What concerns one connection is taken off before routes are asked (runtime/http/semantics.c). */
bool lookup_is_hop_by_hop(struct str header)
{
	static const struct str names[] = { STR_INIT("connection"), STR_INIT("keep-alive"), STR_INIT("proxy-connection"), STR_INIT("te"),
		STR_INIT("transfer-encoding"), STR_INIT("upgrade") };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_eq(header, names[i]))
			return true;
	return false;
}

static void see_headers(struct seen *s, const struct lookup_request *r)
{
	if (lookup_is_hop_by_hop(s->field->name))
		return;
	for (uint32_t i = 0; i < r->n_headers; i++)
		if (str_eq(r->headers[i].name, s->field->name))
			see(s, r->headers[i].value);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)ascii_lower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decoding; "+" is a space, as forms write it. */
static struct str decode(struct arena *scratch, struct str s)
{
	char *to = arena_bytes(scratch, s.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		int high = s.ptr[i] == '%' && i + 2 < s.len ? hex_digit(s.ptr[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(s.ptr[i + 2]) : -1;

		if (low >= 0) {
			to[n++] = (char)(high << 4 | low);
			i += 2;
		} else {
			to[n++] = s.ptr[i] == '+' ? ' ' : s.ptr[i];
		}
	}
	return (struct str){ to, n };
}

/* The part of a pair before and behind its first "=". */
static void split_pair(struct str pair, struct str *name_out, struct str *value_out)
{
	size_t eq = str_find_char(pair, '=');

	*name_out = str_slice(pair, 0, eq);
	*value_out = eq == pair.len ? STR("") : str_slice(pair, eq + 1, pair.len);
}

static void see_query(struct seen *s, struct arena *scratch, struct str query)
{
	struct str pair, name, value;

	while (str_split(&query, '&', &pair)) {
		split_pair(pair, &name, &value);
		if (pair.len > 0 && str_eq(decode(scratch, name), s->field->name))
			see(s, decode(scratch, value));
	}
}

/* RFC 6265 section 5.4, with the quotes of section 4.1.1 taken off. */
static void see_cookie(struct seen *s, struct str pair)
{
	struct str name, value;

	if (str_find_char(pair, '=') == pair.len)
		return;
	split_pair(pair, &name, &value);
	value = str_trim(value);
	if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
		value = str_slice(value, 1, value.len - 2);
	if (str_eq(str_trim(name), s->field->name))
		see(s, value);
}

static void see_cookies(struct seen *s, const struct lookup_request *r)
{
	for (uint32_t i = 0; i < r->n_headers; i++) {
		struct str rest = r->headers[i].value;
		struct str pair;

		while (str_eq(r->headers[i].name, STR("cookie")) && str_split(&rest, ';', &pair))
			see_cookie(s, pair);
	}
}

static bool field_holds(
	const struct plan_field *f, struct arena *scratch, const struct lookup_request *r)
{
	struct seen s = { .field = f };

	switch (f->where) {
	case TORON_IN_HEADER:
		see_headers(&s, r);
		break;
	case TORON_IN_QUERY:
		see_query(&s, scratch, r->query);
		break;
	case TORON_IN_COOKIE:
		see_cookies(&s, r);
		break;
	case TORON_IN_CLIENT:
		for (uint32_t i = 0; i < r->n_clients; i++)
			if (str_eq(r->clients[i].name, f->name))
				see(&s, r->clients[i].value);
		break;
	case TORON_IN_SNI:
		if (r->sni.ptr != NULL)
			see(&s, r->sni);
		break;
	}
	return s.taken || (f->absent && !s.any);
}

static bool in_cidr(const uint8_t addr[16], const struct m_cidr *c)
{
	unsigned whole = c->bits / 8, rest = c->bits % 8;

	if (memcmp(addr, c->addr, whole) != 0)
		return false;
	return rest == 0 || ((addr[whole] ^ c->addr[whole]) >> (8 - rest)) == 0;
}

bool lookup_when(
	struct arena *scratch, const struct plan_when *w, const struct lookup_request *r)
{
	bool source = w->n_sources == 0;

	if (!(str_eq(r->scheme, STR("https")) ? w->https : w->http))
		return false;
	for (uint32_t i = 0; i < w->n_sources && !source; i++)
		source = in_cidr(r->source, &w->sources[i]);
	if (!source)
		return false;
	for (uint32_t i = 0; i < w->n_fields; i++)
		if (!field_holds(&w->fields[i], scratch, r))
			return false;
	return true;
}

/* ---- hosts, methods, parameters ---- */

uint32_t lookup_list(const struct plan_router *router, struct str host)
{
	uint32_t set;

	if (router->n_atoms == 0 || host.len == 0)
		return 0;
	set = dfa_match(&router->hosts.dfa, host);
	return set == 0 ? 0 : router->list_of_atom[router->hosts.dfa.sets[set].patterns[0]];
}

uint32_t lookup_method_bit(const struct plan *p, struct str method)
{
	static const char names[][8] = { "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT",
		"OPTIONS", "TRACE", "PATCH" };

	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_eq(method, str_of(names[i])))
			return 1u << i;
	for (uint32_t i = 0; i < p->n_extra_methods; i++)
		if (str_eq(method, p->extra_methods[i]))
			return (uint32_t)TORON_METHOD_EXTRA << i;
	return TORON_METHOD_OTHER;
}

struct str lookup_param(
	const struct plan *p, const struct plan_entry *e, struct str path, uint32_t i)
{
	struct str segment = STR_NONE;

	if (i >= p->routes[e->route].n_params || e->params == NULL ||
		e->params[i] == PLAN_NO_SEGMENT)
		return STR_NONE;
	path = str_slice(path, 1, path.len);
	for (unsigned k = 0; k <= e->params[i]; k++)
		if (!str_split(&path, '/', &segment))
			return STR_NONE;
	return segment;
}

/* ---- the search ---- */

struct search {
	const struct plan *p;
	struct arena *scratch;
	const struct lookup_request *r;
	uint32_t bit;
	struct lookup_result result;
	uint32_t allow;
};

static void try_entry(struct search *s, uint32_t rank)
{
	const struct plan_route *route = &s->p->routes[s->p->entries[rank].route];

	if (rank >= s->result.entry || !lookup_when(s->scratch, &route->when, s->r))
		return;
	if ((plan_taken_methods(route) & s->bit) != 0)
		s->result.entry = rank;
	else
		s->allow |= plan_taken_methods(route);
}

static void search_group(struct search *s, const struct plan_group *g)
{
	const struct dfa *d = &s->p->matchers[g->matcher].dfa;
	const struct dfa_accepts *set = &d->sets[dfa_match(d, s->r->path)];

	for (uint32_t i = 0; i < set->n; i++) {
		uint32_t pattern = set->patterns[i];

		for (uint32_t k = g->behind_first[pattern]; k < g->behind_first[pattern + 1]; k++)
			try_entry(s, g->behind[k]);
	}
}

struct lookup_result lookup_route(
	const struct plan *p, struct arena *scratch, const struct lookup_request *r)
{
	struct search s = {
		.p = p,
		.scratch = scratch,
		.r = r,
		.bit = lookup_method_bit(p, r->method),
		.result = { .entry = PLAN_NONE },
	};
	const struct plan_router *router = &p->routers[p->listeners[r->listener].router];
	const struct plan_list *list = &router->lists[lookup_list(router, r->host)];

	for (uint32_t i = 0; i < list->n; i++)
		search_group(&s, &p->groups[list->groups[i]]);
	s.result.allow = s.result.entry == PLAN_NONE ? s.allow : 0;
	return s.result;
}
