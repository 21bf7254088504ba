/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "prove/walk.h"

#include <stdlib.h>

#include "automata/product.h"
#include "base/check.h"
#include "base/str.h"
#include "prove/normal.h"

uint32_t walk_listener(const struct plan *p, uint32_t l, const struct plan *q)
{
	for (uint32_t i = 0; i < q->n_listeners; i++)
		if (str_eq(q->listeners[i].model->name.value, p->listeners[l].model->name.value))
			return i;
	return PLAN_NONE;
}

static const struct plan_router *router_of(const struct walk *w, uint32_t side)
{
	const struct plan *p = w->plans[side];

	return &p->routers[p->listeners[w->listeners[side]].router];
}

static uint32_t n_sides(const struct walk *w)
{
	return w->plans[1] == NULL ? 1 : 2;
}

/* ---- paths of one pair of lists ---- */

/* The groups of both lists, and their accept lists by accept set. */
struct gathered {
	const struct dfa **factors; /* [0]: normal paths */
	struct plan_accepts **accepts;
	uint32_t *side;
	uint32_t n;
};

static void gather(const struct walk *w, struct arena *a, const struct walk_place *place,
	struct gathered *out)
{
	uint32_t most = 1;

	for (uint32_t i = 0; i < n_sides(w); i++)
		most += router_of(w, i)->lists[place->side[i].list].n;
	out->factors = ARENA_ARRAY(a, const struct dfa *, most);
	out->accepts = ARENA_ARRAY(a, struct plan_accepts *, most);
	out->side = ARENA_ARRAY(a, uint32_t, most);
	out->factors[0] = &w->paths;
	out->n = 1;
	for (uint32_t i = 0; i < n_sides(w); i++) {
		const struct plan_list *list = &router_of(w, i)->lists[place->side[i].list];

		for (uint32_t k = 0; k < list->n; k++) {
			const struct plan_group *g = &w->plans[i]->groups[list->groups[k]];

			out->factors[out->n] = &w->plans[i]->matchers[g->matcher].dfa;
			out->accepts[out->n] = plan_accepts_by_set(w->plans[i], a, g);
			out->side[out->n++] = i;
		}
	}
}

static int compare_ranks(const void *x, const void *y)
{
	const uint32_t *a = x;
	const uint32_t *b = y;

	return *a < *b ? -1 : *a > *b;
}

static void take_ranks(struct arena *a, const struct gathered *g, const uint32_t *sets,
	uint32_t side, struct walk_side *out)
{
	uint32_t *ranks;
	uint32_t n = 0;

	for (uint32_t i = 1; i < g->n; i++)
		n += g->side[i] == side ? g->accepts[i][sets[i]].n : 0;
	ranks = ARENA_ARRAY(a, uint32_t, n);
	out->ranks = ranks;
	out->n = n;
	n = 0;
	for (uint32_t i = 1; i < g->n; i++)
		for (uint32_t k = 0; g->side[i] == side && k < g->accepts[i][sets[i]].n; k++)
			ranks[n++] = g->accepts[i][sets[i]].at[k].entry;
	if (n > 1)
		qsort(ranks, n, sizeof(*ranks), compare_ranks);
}

static bool walk_paths(struct walk *w, struct walk_place *place)
{
	struct arena a, scratch;
	struct gathered g;
	struct product product;
	bool go_on = true;

	arena_init_unbounded(&a);
	arena_init_unbounded(&scratch);
	gather(w, &a, place, &g);
	if (!product_walk(&a, g.factors, g.n, &w->budget, &product)) {
		w->undecided = true;
		product.n = 0;
	}
	for (uint32_t i = 0; i < product.n && go_on; i++) {
		for (uint32_t s = 0; s < n_sides(w); s++)
			take_ranks(&scratch, &g, product.sets + (size_t)i * g.n, s,
				&place->side[s]);
		place->path = product.strings[i];
		if (place->side[0].n + place->side[1].n > 0)
			go_on = w->visit(w, &scratch, place);
		if (scratch.used > 1u << 20)
			arena_reset(&scratch);
	}
	arena_fini(&scratch);
	arena_fini(&a);
	return go_on;
}

/* ---- hosts ---- */

/* The list to which an accept set of the router's host matcher leads. */
static uint32_t list_of(const struct plan_router *r, uint32_t set)
{
	return set == 0 ? 0 : r->list_of_atom[r->hosts.dfa.sets[set].patterns[0]];
}

static bool is_wanted(const struct walk *w, const struct walk_place *place)
{
	const struct plan *p = w->plans[0];

	return w->wanted == NULL ||
	       w->wanted[p->listeners[w->listeners[0]].router][place->side[0].list];
}

/* A name that people expect where any will do. */
static struct str nice_host(const struct walk *w, struct str host, const struct walk_place *place)
{
	static const struct str names[] = { STR_INIT("localhost"), STR_INIT("other.example") };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		bool same = true;

		for (uint32_t s = 0; s < n_sides(w); s++)
			same &= lookup_list(router_of(w, s), names[i]) == place->side[s].list;
		if (same)
			return names[i];
	}
	return host;
}

static bool walk_host(struct walk *w, struct map *seen, struct arena *a, const uint32_t *sets,
	struct str host)
{
	struct walk_place place = { .host = host };
	uint32_t factor = 1;
	struct str key;

	for (uint32_t s = 0; s < n_sides(w); s++) {
		const struct plan_router *r = router_of(w, s);

		place.side[s].listener = w->listeners[s];
		place.side[s].list = r->n_atoms == 0 ? 0 : list_of(r, sets[factor++]);
	}
	key = arena_printf(a, "%u %u", place.side[0].list, place.side[1].list);
	if (!is_wanted(w, &place) || !map_add(seen, key, seen))
		return true;
	place.host = nice_host(w, host, &place);
	return walk_paths(w, &place);
}

static bool walk_hosts(struct walk *w)
{
	const struct dfa *factors[3] = { &w->hosts };
	uint32_t n = 1;
	struct product product;
	struct arena a;
	struct map seen;
	bool go_on = true;

	arena_init_unbounded(&a);
	map_init(&seen, &a);
	for (uint32_t s = 0; s < n_sides(w); s++)
		if (router_of(w, s)->n_atoms > 0)
			factors[n++] = &router_of(w, s)->hosts.dfa;
	if (!product_walk(&a, factors, n, &w->budget, &product)) {
		w->undecided = true;
		product.n = 0;
	}
	for (uint32_t i = 0; i < product.n && go_on; i++)
		go_on = walk_host(w, &seen, &a, product.sets + (size_t)i * n, product.strings[i]);
	arena_fini(&a);
	return go_on;
}

/* Whether two listeners of a plan lead to the same routes, for the same kinds of requests. */
static bool are_alike(const struct plan *p, uint32_t x, uint32_t y)
{
	const struct plan_listener *a = &p->listeners[x], *b = &p->listeners[y];

	return a->router == b->router && (a->tls != NULL) == (b->tls != NULL) &&
	       plan_takes_scheme(a, false) == plan_takes_scheme(b, false) &&
	       plan_takes_scheme(a, true) == plan_takes_scheme(b, true);
}

/* Whether an earlier listener leads to the same router(s). */
static bool is_repeated(const struct walk *w, uint32_t l)
{
	const struct plan *p = w->plans[0];

	for (uint32_t i = 0; i < l; i++) {
		uint32_t mate, before;

		if (!are_alike(p, i, l))
			continue;
		if (w->plans[1] == NULL)
			return true;
		mate = walk_listener(p, l, w->plans[1]);
		before = walk_listener(p, i, w->plans[1]);
		if (mate != PLAN_NONE && before != PLAN_NONE && are_alike(w->plans[1], mate, before))
			return true;
	}
	return false;
}

void walk_run(struct walk *w)
{
	struct arena a;
	struct re *languages[2];
	uint32_t culprit;
	bool go_on = true;

	arena_init_unbounded(&a);
	languages[0] = normal_paths(&a, w->plans[0]->uri_policy);
	languages[1] = normal_hosts(&a);
	CHECK(dfa_build(&a, &languages[0], 1, PLAN_STATES_REGEX, &w->paths, &culprit) == DFA_OK);
	CHECK(dfa_build(&a, &languages[1], 1, PLAN_STATES_REGEX, &w->hosts, &culprit) == DFA_OK);
	w->budget = WALK_STATES;
	for (uint32_t l = 0; l < w->plans[0]->n_listeners && go_on; l++) {
		if (is_repeated(w, l))
			continue;
		w->listeners[0] = l;
		w->listeners[1] =
			w->plans[1] == NULL ? 0 : walk_listener(w->plans[0], l, w->plans[1]);
		if (w->listeners[1] != PLAN_NONE)
			go_on = walk_hosts(w);
	}
	arena_fini(&a);
}
