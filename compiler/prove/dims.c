/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "prove/dims.h"

#include <string.h>

#include "base/str.h"

void dims_init(struct dims *d, const struct plan *p)
{
	*d = (struct dims){ .plan = p };
	arena_init_unbounded(&d->scratch);
}

void dims_fini(struct dims *d)
{
	arena_fini(&d->scratch);
}

bool dims_relate(struct dims *d, struct re *x, struct re *y, enum dfa_relation *relation_out)
{
	struct re *patterns[2] = { x, y };
	struct dfa dfa;
	uint32_t culprit;
	bool decided = d->n_questions < DIMS_QUESTIONS;

	if (decided) {
		d->n_questions++;
		decided =
			dfa_build(&d->scratch, patterns, 2, DIMS_STATES, &dfa, &culprit) == DFA_OK;
		if (decided)
			*relation_out = dfa_relate(&dfa, 0, 1);
		arena_reset(&d->scratch);
	}
	d->undecided |= !decided;
	return decided;
}

/* ---- listeners, hosts, methods, scheme, source ---- */

static bool listeners_overlap(const struct plan_route *x, const struct plan_route *y)
{
	for (uint32_t i = 0, k = 0; i < x->n_listeners && k < y->n_listeners;) {
		if (x->listeners[i] == y->listeners[k])
			return true;
		if (x->listeners[i] < y->listeners[k])
			i++;
		else
			k++;
	}
	return false;
}

static bool listeners_cover(const struct plan_route *wide, const struct plan_route *narrow)
{
	uint32_t i = 0;

	for (uint32_t k = 0; k < narrow->n_listeners; k++) {
		while (i < wide->n_listeners && wide->listeners[i] < narrow->listeners[k])
			i++;
		if (i == wide->n_listeners || wide->listeners[i] != narrow->listeners[k])
			return false;
	}
	return true;
}

/* Whether the pattern `wide` takes every host that `narrow` takes, neither of them being any
 * host. */
static bool host_covers(enum plan_host_kind wide_kind, struct str wide,
	enum plan_host_kind narrow_kind, struct str narrow)
{
	if (wide_kind == PLAN_HOST_EXACT)
		return narrow_kind == PLAN_HOST_EXACT && str_eq(wide, narrow);
	if (narrow_kind == PLAN_HOST_WILDCARD && narrow.len == wide.len)
		return str_eq(wide, narrow);
	return narrow.len > wide.len && str_ends(narrow, wide);
}

/* Whether some host of y is taken by the hosts of x: binary search among exact ones, else one by
 * one. */
static bool any_covers(const struct plan_hosts *x, enum plan_host_kind kind, struct str host)
{
	uint32_t low = 0, high = x->n;

	for (uint32_t i = 0; x->kind == PLAN_HOST_WILDCARD && i < x->n; i++)
		if (host_covers(x->kind, x->at[i], kind, host))
			return true;
	if (x->kind == PLAN_HOST_WILDCARD || kind == PLAN_HOST_WILDCARD)
		return false;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = str_cmp(x->at[middle], host);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static bool hosts_cover(const struct plan_hosts *wide, const struct plan_hosts *narrow)
{
	if (wide->kind == PLAN_HOST_ANY)
		return true;
	if (narrow->kind == PLAN_HOST_ANY)
		return false;
	for (uint32_t i = 0; i < narrow->n; i++)
		if (!any_covers(wide, narrow->kind, narrow->at[i]))
			return false;
	return true;
}

/* Two host patterns share a host only if one takes all that the other takes. */
static bool hosts_overlap(const struct plan_hosts *x, const struct plan_hosts *y)
{
	if (x->kind == PLAN_HOST_ANY || y->kind == PLAN_HOST_ANY)
		return true;
	for (uint32_t i = 0; i < y->n; i++)
		if (any_covers(x, y->kind, y->at[i]))
			return true;
	for (uint32_t i = 0; i < x->n; i++)
		if (any_covers(y, x->kind, x->at[i]))
			return true;
	return false;
}

static bool cidr_covers(const struct m_cidr *wide, const struct m_cidr *narrow)
{
	unsigned whole = wide->bits / 8, rest = wide->bits % 8;

	if (narrow->bits < wide->bits || memcmp(wide->addr, narrow->addr, whole) != 0)
		return false;
	return rest == 0 || (wide->addr[whole] ^ narrow->addr[whole]) >> (8 - rest) == 0;
}

static bool in_sources(const struct plan_when *w, const struct m_cidr *c)
{
	for (uint32_t i = 0; i < w->n_sources; i++)
		if (cidr_covers(&w->sources[i], c))
			return true;
	return false;
}

/* Of two ranges that overlap, one lies in the other. */
const struct m_cidr *dims_source(const struct plan_when *x, const struct plan_when *y)
{
	for (uint32_t i = 0; i < y->n_sources; i++)
		if (x->n_sources == 0 || in_sources(x, &y->sources[i]))
			return &y->sources[i];
	for (uint32_t i = 0; i < x->n_sources; i++)
		if (y->n_sources == 0 || in_sources(y, &x->sources[i]))
			return &x->sources[i];
	return NULL;
}

static bool sources_overlap(const struct plan_when *x, const struct plan_when *y)
{
	return x->n_sources == 0 || y->n_sources == 0 || dims_source(x, y) != NULL;
}

/* Each range by one of the other's: two that only together make up a third are not seen. */
static bool sources_cover(const struct plan_when *wide, const struct plan_when *narrow)
{
	if (wide->n_sources == 0)
		return true;
	for (uint32_t i = 0; i < narrow->n_sources; i++)
		if (!in_sources(wide, &narrow->sources[i]))
			return false;
	return narrow->n_sources > 0;
}

static bool schemes_overlap(const struct plan_when *x, const struct plan_when *y)
{
	return (x->http && y->http) || (x->https && y->https);
}

static bool schemes_cover(const struct plan_when *wide, const struct plan_when *narrow)
{
	return (wide->http || !narrow->http) && (wide->https || !narrow->https);
}

/* ---- fields ---- */

const struct plan_field *dims_field(const struct plan_when *w, const struct plan_field *f)
{
	for (uint32_t i = 0; i < w->n_fields; i++)
		if (w->fields[i].where == f->where && str_eq(w->fields[i].name, f->name))
			return &w->fields[i];
	return NULL;
}

static bool all_exact(const struct plan_field *f)
{
	for (uint32_t i = 0; i < f->n; i++)
		if (f->values[i].kind != M_VALUE_EXACT)
			return false;
	return true;
}

static bool lists(const struct plan_field *f, struct str value)
{
	for (uint32_t i = 0; i < f->n; i++)
		if (str_eq(f->values[i].text.value, value))
			return true;
	return false;
}

/* How many of x's values y lists, both having exact ones only. */
static uint32_t n_shared(const struct plan_field *x, const struct plan_field *y)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < x->n; i++)
		n += lists(y, x->values[i].text.value);
	return n;
}

static bool values_overlap(struct dims *d, const struct plan_field *x, const struct plan_field *y)
{
	enum dfa_relation relation;

	if (x->language == NULL || y->language == NULL)
		return false;
	if (all_exact(x) && all_exact(y))
		return n_shared(x, y) > 0;
	return !dims_relate(d, x->language, y->language, &relation) || relation != DFA_DISJOINT;
}

static bool values_cover(
	struct dims *d, const struct plan_field *wide, const struct plan_field *narrow)
{
	enum dfa_relation relation;

	if (narrow->language == NULL)
		return true;
	if (wide->language == NULL)
		return false;
	if (all_exact(wide) && all_exact(narrow))
		return n_shared(narrow, wide) == narrow->n;
	return dims_relate(d, wide->language, narrow->language, &relation) &&
	       (relation == DFA_CONTAINS || relation == DFA_EQUAL);
}

static bool takes_values(const struct plan_field *f)
{
	return f->present || f->language != NULL;
}

static bool fields_overlap(struct dims *d, const struct plan_when *x, const struct plan_when *y)
{
	for (uint32_t i = 0; i < x->n_fields; i++) {
		const struct plan_field *f = &x->fields[i];
		const struct plan_field *g = dims_field(y, f);
		bool overlap = g == NULL || (f->absent && g->absent) ||
			       (f->present && takes_values(g)) || (g->present && takes_values(f));

		if (!overlap && !values_overlap(d, f, g))
			return false;
	}
	return true;
}

static bool field_covers(
	struct dims *d, const struct plan_field *wide, const struct plan_field *narrow)
{
	if (wide->present && wide->absent)
		return true;
	if (narrow == NULL || (narrow->absent && !wide->absent) ||
		(narrow->present && !wide->present))
		return false;
	return wide->present || values_cover(d, wide, narrow);
}

static bool fields_cover(
	struct dims *d, const struct plan_when *wide, const struct plan_when *narrow)
{
	for (uint32_t i = 0; i < wide->n_fields; i++)
		if (!field_covers(d, &wide->fields[i], dims_field(narrow, &wide->fields[i])))
			return false;
	return true;
}

/* ---- all of them, the cheap ones first ---- */

bool dims_overlap(struct dims *d, const struct plan_entry *x, const struct plan_entry *y)
{
	const struct plan_route *a = &d->plan->routes[x->route];
	const struct plan_route *b = &d->plan->routes[y->route];

	return (plan_taken_methods(a) & plan_taken_methods(b)) != 0 && schemes_overlap(&a->when, &b->when) &&
	       hosts_overlap(&x->hosts, &y->hosts) && listeners_overlap(a, b) &&
	       sources_overlap(&a->when, &b->when) && fields_overlap(d, &a->when, &b->when);
}

bool dims_cover(struct dims *d, const struct plan_entry *wide, const struct plan_entry *narrow)
{
	const struct plan_route *a = &d->plan->routes[wide->route];
	const struct plan_route *b = &d->plan->routes[narrow->route];

	return (plan_taken_methods(b) & ~plan_taken_methods(a)) == 0 && schemes_cover(&a->when, &b->when) &&
	       hosts_cover(&wide->hosts, &narrow->hosts) && listeners_cover(a, b) &&
	       sources_cover(&a->when, &b->when) && fields_cover(d, &a->when, &b->when);
}

bool dims_cover_when(struct dims *d, const struct plan_when *wide, const struct plan_when *narrow)
{
	return schemes_cover(wide, narrow) && sources_cover(wide, narrow) &&
	       fields_cover(d, wide, narrow);
}
