/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "plan/order.h"

#include <string.h>

#include "base/check.h"

static int first_if(bool x, bool y)
{
	return (int)y - (int)x;
}

static int more_first(uint64_t x, uint64_t y)
{
	return x > y ? -1 : x < y;
}

static const struct plan_route *route_of(const struct plan *p, const struct plan_entry *e)
{
	return &p->routes[e->route];
}

int order_by_priority(const struct plan *p, const struct plan_entry *x, const struct plan_entry *y)
{
	int64_t a = route_of(p, x)->priority;
	int64_t b = route_of(p, y)->priority;

	return a > b ? -1 : a < b;
}

int order_by_host(const struct plan *p, const struct plan_entry *x, const struct plan_entry *y)
{
	(void)p;
	if (x->hosts.kind != y->hosts.kind)
		return x->hosts.kind < y->hosts.kind ? -1 : 1;
	if (x->hosts.kind != PLAN_HOST_WILDCARD)
		return 0;
	return more_first(x->hosts.at[0].len, y->hosts.at[0].len);
}

/* Exact paths, shaped ones (template and prefix), regexes, none: in this order. */
static int path_class(const struct m_path *form)
{
	if (form == NULL)
		return 3;
	switch (form->kind) {
	case M_PATH_EXACT:
		return 0;
	case M_PATH_TEMPLATE:
	case M_PATH_PREFIX:
		return 1;
	case M_PATH_REGEX:
		return 2;
	case M_PATH_ANY:
		break;
	}
	return 3;
}

enum shape { SHAPE_LITERAL, SHAPE_PARAM, SHAPE_SLASH, SHAPE_END };

static enum shape shape_at(const struct m_path *form, size_t i)
{
	if (i >= form->n_segments)
		return SHAPE_END;
	if (form->segments[i].is_param)
		return SHAPE_PARAM;
	/* The slash that closes a prefix ("/a/") stands for whatever follows: less specific than
	 * any segment. */
	if (form->kind == M_PATH_PREFIX && i + 1 == form->n_segments &&
		form->segments[i].text.len == 0)
		return SHAPE_SLASH;
	return SHAPE_LITERAL;
}

int order_by_path(const struct plan *p, const struct plan_entry *x, const struct plan_entry *y)
{
	int class = path_class(x->form);
	int other = path_class(y->form);

	(void)p;
	if (class != other)
		return class < other ? -1 : 1;
	if (class != 1)
		return 0;
	for (size_t i = 0; i < x->form->n_segments || i < y->form->n_segments; i++) {
		enum shape a = shape_at(x->form, i);
		enum shape b = shape_at(y->form, i);

		if (a != b)
			return a < b ? -1 : 1;
	}
	return first_if(x->form->kind == M_PATH_TEMPLATE, y->form->kind == M_PATH_TEMPLATE);
}

int order_by_method(const struct plan *p, const struct plan_entry *x, const struct plan_entry *y)
{
	return first_if(route_of(p, x)->methods != 0, route_of(p, y)->methods != 0);
}

int order_by_headers(const struct plan *p, const struct plan_entry *x, const struct plan_entry *y)
{
	return more_first(route_of(p, x)->when.n_headers, route_of(p, y)->when.n_headers);
}

int order_by_query(const struct plan *p, const struct plan_entry *x, const struct plan_entry *y)
{
	return more_first(route_of(p, x)->when.n_queries, route_of(p, y)->when.n_queries);
}

int order_by_cookies(const struct plan *p, const struct plan_entry *x, const struct plan_entry *y)
{
	return more_first(route_of(p, x)->when.n_cookies, route_of(p, y)->when.n_cookies);
}

static bool has_scheme(const struct plan_when *w)
{
	return !w->http || !w->https;
}

int order_by_scheme(const struct plan *p, const struct plan_entry *x, const struct plan_entry *y)
{
	return first_if(has_scheme(&route_of(p, x)->when), has_scheme(&route_of(p, y)->when));
}

int order_by_source(const struct plan *p, const struct plan_entry *x, const struct plan_entry *y)
{
	return first_if(route_of(p, x)->when.n_sources > 0, route_of(p, y)->when.n_sources > 0);
}

int order_by_client(const struct plan *p, const struct plan_entry *x, const struct plan_entry *y)
{
	return more_first(route_of(p, x)->when.n_clients, route_of(p, y)->when.n_clients);
}

static bool has_sni(const struct plan_when *w)
{
	return w->n_fields > 0 && w->fields[w->n_fields - 1].where == TORON_IN_SNI;
}

int order_by_sni(const struct plan *p, const struct plan_entry *x, const struct plan_entry *y)
{
	return first_if(has_sni(&route_of(p, x)->when), has_sni(&route_of(p, y)->when));
}

static const struct {
	int (*compare)(
		const struct plan *p, const struct plan_entry *x, const struct plan_entry *y);
	const char *reason;
} keys[] = {
	{ order_by_priority, "a higher priority" },
	{ order_by_host, "an exact host before a wildcard, a longer wildcard before a shorter one, "
			 "and both before any host" },
	{ order_by_path, "the more specific path" },
	{ order_by_method, "it names methods" },
	{ order_by_headers, "it asks for more header fields" },
	{ order_by_query, "it asks for more query parameters" },
	{ order_by_cookies, "it asks for more cookies" },
	{ order_by_scheme, "it names a scheme" },
	{ order_by_source, "it names sources" },
	{ order_by_sni, "it names server names (sni)" },
	{ order_by_client, "it asks for more of the client's certificate" },
};

/* The first key from `from` on that tells the two apart; ARRAY_LEN(keys): none. */
static size_t deciding_key(const struct plan *p, const struct plan_entry *x,
	const struct plan_entry *y, size_t from)
{
	while (from < ARRAY_LEN(keys) && keys[from].compare(p, x, y) == 0)
		from++;
	return from;
}

int order_compare(const struct plan *p, const struct plan_entry *x, const struct plan_entry *y)
{
	size_t key = deciding_key(p, x, y, 0);

	return key == ARRAY_LEN(keys) ? 0 : keys[key].compare(p, x, y);
}

int order_without_priority(
	const struct plan *p, const struct plan_entry *x, const struct plan_entry *y)
{
	size_t key = deciding_key(p, x, y, 1);

	return key == ARRAY_LEN(keys) ? 0 : keys[key].compare(p, x, y);
}

const char *order_reason(const struct plan *p, const struct plan_entry *x, const struct plan_entry *y)
{
	size_t key = deciding_key(p, x, y, 0);

	return key == ARRAY_LEN(keys) ? NULL : keys[key].reason;
}

/* Merges two sorted neighbours, from[0..left) and from[left..n), into `to`; on a tie the left
 * one goes first. */
static void merge(const struct plan *p, const struct plan_entry *from, uint32_t left, uint32_t n,
	struct plan_entry *to)
{
	uint32_t i = 0, j = left;

	for (uint32_t k = 0; k < n; k++) {
		bool take_left = j >= n || (i < left && order_compare(p, &from[i], &from[j]) <= 0);

		to[k] = take_left ? from[i++] : from[j++];
	}
}

/* A merge sort from short runs to long ones: stable, and n log n whatever the input. */
void order_sort(struct plan *p)
{
	uint32_t n = p->n_entries;
	struct plan_entry *from = p->entries;
	struct plan_entry *to = ARENA_ARRAY(p->arena, struct plan_entry, n);

	for (uint32_t run = 1; run < n; run *= 2) {
		struct plan_entry *done = to;

		for (uint32_t at = 0; at < n; at += 2 * run) {
			uint32_t len = n - at < 2 * run ? n - at : 2 * run;

			merge(p, from + at, len < run ? len : run, len, to + at);
		}
		to = from;
		from = done;
	}
	p->entries = from;
}
