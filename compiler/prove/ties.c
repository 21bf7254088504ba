/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Ties, and routes from which a priority takes requests, by looking at the pairs of entries that
 * share a host and a path.
 * Within a group the DFA's accept sets name them; between groups of one host list they are few
 * and are asked one by one. */
#include "prove/ties.h"

#include "base/map.h"
#include "base/str.h"
#include "plan/order.h"
#include "prove/dims.h"
#include "prove/witness.h"

/* Pairs of entries that are looked at, in all. */
#define MAX_PAIRS 20000000u
/* More than this are not worth reporting. */
#define MAX_TIES 50u
#define MAX_SHADOWS 20u

/* What a route takes of more specific ones by its priority. */
struct shadow {
	const struct plan_entry *by, *of; /* the first pair that was found; NULL: none */
	uint32_t n;                       /* routes that lose */
};

struct prover {
	struct arena *arena;
	struct diags *diags;
	const struct plan *p;
	struct dims dims;
	uint32_t n_pairs;
	bool is_capped;
	bool *is_tied;          /* by route: a tie was reported */
	bool *takes;            /* by route: it takes some requests */
	struct shadow *shadows; /* by route that wins */
	struct map shadowed;    /* pairs of routes that were counted */
	struct map tied;        /* pairs of routes that were reported */
	struct map compared;    /* pairs of groups */
};

static bool next_pair(struct prover *v)
{
	if (v->n_pairs == MAX_PAIRS)
		v->is_capped = true;
	else
		v->n_pairs++;
	return !v->is_capped;
}

/* True the first time for a pair of numbers. */
static bool is_new(struct map *m, uint32_t x, uint32_t y)
{
	uint32_t pair[2] = { x, y };
	struct str key = { (const char *)pair, sizeof(pair) };

	return map_get(m, key) == NULL && map_add(m, arena_str(m->arena, key), m);
}

static void report_tie(struct prover *v, const struct plan_entry *x, const struct plan_entry *y)
{
	bool in_order = x->route < y->route;
	const struct plan_route *first = &v->p->routes[in_order ? x->route : y->route];
	const struct plan_route *second = &v->p->routes[in_order ? y->route : x->route];
	struct str curl;

	v->is_tied[x->route] = v->is_tied[y->route] = true;
	if (v->tied.n >= MAX_TIES || !is_new(&v->tied, first->index, second->index))
		return;
	curl = witness_curl(v->arena, v->p, x, y);
	diag_report(v->diags, DIAG_ROUTES_TIE, second->at,
		"routes '" STR_FMT "' and '" STR_FMT
		"' both match some requests, and neither comes first",
		STR_ARG(first->name), STR_ARG(second->name));
	diag_note(v->diags, first->at, "'" STR_FMT "' is here", STR_ARG(first->name));
	if (curl.ptr != NULL)
		diag_note(v->diags, SPAN_NONE, "both take: " STR_FMT, STR_ARG(curl));
}

/* Whether x comes before y by its priority alone, and is not made for exceptions: what it asks for
 * besides host, path and method, y asks for too. A y that takes nothing is reported as such. */
static bool can_shadow(struct prover *v, const struct plan_entry *x, const struct plan_entry *y)
{
	return v->takes[y->route] && order_by_priority(v->p, x, y) < 0 &&
	       order_without_priority(v->p, x, y) > 0 &&
	       dims_cover_when(&v->dims, &v->p->routes[x->route].when, &v->p->routes[y->route].when);
}

static void add_shadow(struct prover *v, const struct plan_entry *x, const struct plan_entry *y)
{
	struct shadow *s = &v->shadows[x->route];

	if (!is_new(&v->shadowed, x->route, y->route))
		return;
	if (s->n++ == 0) {
		s->by = x;
		s->of = y;
	}
}

static bool can_tie(struct prover *v, const struct plan_entry *x, const struct plan_entry *y)
{
	return !v->p->model->routing.ties_file_order && order_compare(v->p, x, y) == 0;
}

/* Two entries whose paths overlap, x before y. */
static void look_at(struct prover *v, uint32_t rank_x, uint32_t rank_y)
{
	const struct plan_entry *x = &v->p->entries[rank_x];
	const struct plan_entry *y = &v->p->entries[rank_y];

	if (x->route == y->route || !next_pair(v))
		return;
	if (can_tie(v, x, y)) {
		if (dims_overlap(&v->dims, x, y))
			report_tie(v, x, y);
	} else if (can_shadow(v, x, y) && dims_overlap(&v->dims, x, y)) {
		add_shadow(v, x, y);
	}
}

/* ---- pairs within a group ---- */

/* All pairs of an entry behind pattern p and one behind q, which share some path. */
static void look_at_patterns(struct prover *v, const struct plan_group *g, uint32_t p, uint32_t q)
{
	const uint32_t *first = g->behind_first, *rank = g->behind;

	for (uint32_t i = first[p]; i < first[p + 1] && !v->is_capped; i++)
		for (uint32_t k = p == q ? i + 1 : first[q]; k < first[q + 1] && !v->is_capped; k++) {
			if (rank[i] < rank[k])
				look_at(v, rank[i], rank[k]);
			else
				look_at(v, rank[k], rank[i]);
		}
}

static void prove_group(struct prover *v, const struct plan_group *g)
{
	const struct plan_matcher *m = &v->p->matchers[g->matcher];
	struct arena scratch;

	arena_init_unbounded(&scratch);
	for (uint32_t i = 0; i < m->n && !v->is_capped; i++) {
		struct dfa_overlap *later;
		uint32_t n = dfa_overlaps(&m->dfa, &scratch, i, &later);

		look_at_patterns(v, g, i, i);
		for (uint32_t k = 0; k < n; k++)
			look_at_patterns(v, g, i, later[k].pattern);
	}
	arena_fini(&scratch);
}

/* ---- pairs across groups ---- */

static bool is_everything(const struct plan_path *path)
{
	return str_eq(path->key, STR("prefix /"));
}

/* Only what could come of the pair is worth a DFA. */
static void ask_pair(struct prover *v, uint32_t rank_x, uint32_t rank_y)
{
	const struct plan_entry *x = &v->p->entries[rank_x];
	const struct plan_entry *y = &v->p->entries[rank_y];
	enum dfa_relation relation = DFA_CONTAINS;

	if (x->route == y->route || !next_pair(v))
		return;
	if (!can_tie(v, x, y) && !can_shadow(v, x, y))
		return;
	if (!dims_overlap(&v->dims, x, y))
		return;
	if (!is_everything(&v->p->paths[x->path]) &&
		!dims_relate(&v->dims, v->p->paths[x->path].re, v->p->paths[y->path].re, &relation))
		return;
	if (relation != DFA_DISJOINT)
		look_at(v, rank_x, rank_y);
}

/* Every y of one group with every x of the other that comes before it. The slots are in rank
 * order. */
static void prove_before(struct prover *v, const struct plan_group *gx, const struct plan_group *gy)
{
	for (uint32_t i = 0; i < gx->n_slots && !v->is_capped; i++) {
		uint32_t x = gx->slots[i].entry;

		/* None of gy comes after x, and none after those behind x. */
		if (x > gy->slots[gy->n_slots - 1].entry)
			return;
		for (uint32_t k = gy->n_slots; k > 0 && gy->slots[k - 1].entry > x && !v->is_capped;
			k--)
			ask_pair(v, x, gy->slots[k - 1].entry);
	}
}

/* Whether two groups of one list serve hosts of the same form: all entries of a group are of one
 * form. */
static bool same_form(const struct plan *p, const struct plan_group *g, const struct plan_group *h)
{
	const struct plan_hosts *x = &p->entries[g->slots[0].entry].hosts;
	const struct plan_hosts *y = &p->entries[h->slots[0].entry].hosts;

	return x->kind == y->kind &&
	       (x->kind != PLAN_HOST_WILDCARD || x->at[0].len == y->at[0].len);
}

/* A group of a narrower host form cannot hide one of a wider form: only the other way round,
 * where a priority puts a wider one first, and between groups of one form there is something to
 * look at. */
static void prove_lists(struct prover *v, const struct plan_router *r)
{
	for (uint32_t i = 0; i < r->n_lists; i++)
		for (uint32_t j = 0; j < r->lists[i].n; j++)
			for (uint32_t k = j + 1; k < r->lists[i].n && !v->is_capped; k++) {
				uint32_t near = r->lists[i].groups[j];
				uint32_t far = r->lists[i].groups[k];

				if (!is_new(&v->compared, near, far))
					continue;
				prove_before(v, &v->p->groups[far], &v->p->groups[near]);
				if (same_form(v->p, &v->p->groups[near], &v->p->groups[far]))
					prove_before(v, &v->p->groups[near], &v->p->groups[far]);
			}
}

/* ---- taken by priority ---- */

static void report_shadow(struct prover *v, const struct shadow *s)
{
	const struct plan_route *by = &v->p->routes[s->by->route];
	const struct plan_route *of = &v->p->routes[s->of->route];
	struct str curl = witness_curl(v->arena, v->p, s->by, s->of);
	struct str more = s->n == 1 ? STR("")
				    : arena_printf(v->arena, " and of %u more", s->n - 1);

	diag_report(v->diags, DIAG_ROUTE_SHADOWED, by->at,
		"by its priority alone, route '" STR_FMT
		"' takes requests of the more specific '" STR_FMT "'" STR_FMT,
		STR_ARG(by->name), STR_ARG(of->name), STR_ARG(more));
	diag_note(v->diags, of->at, "'" STR_FMT "' is here", STR_ARG(of->name));
	if (curl.ptr != NULL)
		diag_note(v->diags, SPAN_NONE, "for example: " STR_FMT, STR_ARG(curl));
}

static void report_all_shadows(struct prover *v)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < v->p->n_routes && n < MAX_SHADOWS; i++) {
		if (v->shadows[i].n == 0)
			continue;
		report_shadow(v, &v->shadows[i]);
		n++;
	}
}

void prove_ties(struct arena *a, struct diags *d, const struct plan *p, const struct reach *r,
	bool *tied_out)
{
	struct prover v = { .arena = a, .diags = d, .p = p, .is_tied = tied_out };

	v.shadows = ARENA_ARRAY(a, struct shadow, p->n_routes);
	v.takes = ARENA_ARRAY(a, bool, p->n_routes);
	for (uint32_t i = 0; i < p->n_entries; i++)
		v.takes[p->entries[i].route] |= r->verdicts[i] == REACH_TAKES;
	map_init(&v.shadowed, a);
	map_init(&v.tied, a);
	map_init(&v.compared, a);
	dims_init(&v.dims, p);
	for (uint32_t i = 0; i < p->n_groups; i++)
		prove_group(&v, &p->groups[i]);
	for (uint32_t i = 0; i < p->n_routers; i++)
		prove_lists(&v, &p->routers[i]);
	report_all_shadows(&v);
	if (v.is_capped || v.dims.undecided)
		diag_report(d, DIAG_ROUTES_UNDECIDED,
			p->n_routes == 0 ? SPAN_NONE : p->routes[0].at,
			"not all routes could be compared with each other: a tie may go unnoticed");
	dims_fini(&v.dims);
}
