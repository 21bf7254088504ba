/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>

#include "plan/plan.h"

static int compare_candidates(const void *x, const void *y)
{
	const struct plan_candidate *a = x;
	const struct plan_candidate *b = y;

	return a->entry < b->entry ? -1 : a->entry > b->entry;
}

static void sort_candidates(struct plan_accepts *list)
{
	if (list->n > 1)
		qsort(list->at, list->n, sizeof(*list->at), compare_candidates);
}

static uint32_t n_behind(const struct plan_group *g, uint32_t pattern)
{
	return g->behind_first[pattern + 1] - g->behind_first[pattern];
}

static void add_candidates(struct plan_accepts *list, const struct plan_group *g, uint32_t pattern, uint32_t also)
{
	for (uint32_t i = g->behind_first[pattern]; i < g->behind_first[pattern + 1]; i++)
		list->at[list->n++] = (struct plan_candidate){ .entry = g->behind[i], .also = also };
}

struct plan_accepts *plan_accepts_by_set(
	const struct plan *p, struct arena *a, const struct plan_group *g)
{
	const struct plan_matcher *m = &p->matchers[g->matcher];
	struct plan_accepts *lists = ARENA_ARRAY(a, struct plan_accepts, m->dfa.n_sets);

	for (uint32_t s = 1; s < m->dfa.n_sets; s++) {
		const struct dfa_accepts *set = &m->dfa.sets[s];
		uint32_t n = 0;

		for (uint32_t i = 0; i < set->n; i++)
			n += n_behind(g, set->patterns[i]);
		lists[s].at = ARENA_ARRAY(a, struct plan_candidate, n);
		for (uint32_t i = 0; i < set->n; i++)
			add_candidates(&lists[s], g, set->patterns[i], PLAN_NONE);
		sort_candidates(&lists[s]);
	}
	return lists;
}

struct plan_accepts *plan_accepts_by_first(
	const struct plan *p, struct arena *a, const struct plan_group *g)
{
	const struct plan_matcher *m = &p->matchers[g->matcher];
	struct plan_accepts *lists = ARENA_ARRAY(a, struct plan_accepts, (size_t)m->n + 1);

	for (uint32_t i = 0; i < m->n; i++) {
		struct plan_accepts *list = &lists[i + 1];
		struct dfa_overlap *later;
		uint32_t n_later = dfa_overlaps(&m->dfa, a, i, &later);
		uint32_t n = n_behind(g, i);

		for (uint32_t k = 0; k < n_later; k++)
			n += n_behind(g, later[k].pattern);
		list->at = ARENA_ARRAY(a, struct plan_candidate, n);
		add_candidates(list, g, i, PLAN_NONE);
		for (uint32_t k = 0; k < n_later; k++) {
			bool proved = later[k].relation == DFA_CONTAINED ||
				      later[k].relation == DFA_EQUAL;

			add_candidates(list, g, later[k].pattern,
				proved ? PLAN_NONE : later[k].pattern);
		}
		sort_candidates(list);
	}
	return lists;
}
