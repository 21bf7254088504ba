/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>

#include "plan/plan.h"

/* The slots behind each pattern of a group: slots[first[i] .. first[i + 1]) are numbers of
 * pattern i's slots, ascending. */
struct behind {
	uint32_t *first, *slots;
};

static struct behind behind_patterns(
	struct arena *a, const struct plan_group *g, uint32_t n_patterns)
{
	struct behind b = {
		.first = ARENA_ARRAY(a, uint32_t, (size_t)n_patterns + 2),
		.slots = ARENA_ARRAY(a, uint32_t, g->n_slots),
	};

	/* Counted two places on and summed up, first[i + 1] is where pattern i's next slot goes:
	 * in the end, where i + 1 begins. */
	for (uint32_t i = 0; i < g->n_slots; i++)
		b.first[g->slots[i].pattern + 2]++;
	for (uint32_t i = 2; i < n_patterns + 2; i++)
		b.first[i] += b.first[i - 1];
	for (uint32_t i = 0; i < g->n_slots; i++)
		b.slots[b.first[g->slots[i].pattern + 1]++] = i;
	return b;
}

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

static uint32_t n_behind(const struct behind *b, uint32_t pattern)
{
	return b->first[pattern + 1] - b->first[pattern];
}

static void add_candidates(struct plan_accepts *list, const struct plan_group *g,
	const struct behind *b, uint32_t pattern, uint32_t also)
{
	for (uint32_t i = b->first[pattern]; i < b->first[pattern + 1]; i++)
		list->at[list->n++] = (struct plan_candidate){ .entry = g->slots[b->slots[i]].entry,
			.also = also };
}

struct plan_accepts *plan_accepts_by_set(
	const struct plan *p, struct arena *a, const struct plan_group *g)
{
	const struct plan_matcher *m = &p->matchers[g->matcher];
	struct plan_accepts *lists = ARENA_ARRAY(a, struct plan_accepts, m->dfa.n_sets);
	struct behind b = behind_patterns(a, g, m->n);

	for (uint32_t s = 1; s < m->dfa.n_sets; s++) {
		const struct dfa_accepts *set = &m->dfa.sets[s];
		uint32_t n = 0;

		for (uint32_t i = 0; i < set->n; i++)
			n += n_behind(&b, set->patterns[i]);
		lists[s].at = ARENA_ARRAY(a, struct plan_candidate, n);
		for (uint32_t i = 0; i < set->n; i++)
			add_candidates(&lists[s], g, &b, set->patterns[i], PLAN_NONE);
		sort_candidates(&lists[s]);
	}
	return lists;
}

struct plan_accepts *plan_accepts_by_first(
	const struct plan *p, struct arena *a, const struct plan_group *g)
{
	const struct plan_matcher *m = &p->matchers[g->matcher];
	struct plan_accepts *lists = ARENA_ARRAY(a, struct plan_accepts, (size_t)m->n + 1);
	struct behind b = behind_patterns(a, g, m->n);

	for (uint32_t i = 0; i < m->n; i++) {
		struct plan_accepts *list = &lists[i + 1];
		struct dfa_overlap *later;
		uint32_t n_later = dfa_overlaps(&m->dfa, a, i, &later);
		uint32_t n = n_behind(&b, i);

		for (uint32_t k = 0; k < n_later; k++)
			n += n_behind(&b, later[k].pattern);
		list->at = ARENA_ARRAY(a, struct plan_candidate, n);
		add_candidates(list, g, &b, i, PLAN_NONE);
		for (uint32_t k = 0; k < n_later; k++) {
			bool proved = later[k].relation == DFA_CONTAINED ||
				      later[k].relation == DFA_EQUAL;

			add_candidates(list, g, &b, later[k].pattern,
				proved ? PLAN_NONE : later[k].pattern);
		}
		sort_candidates(list);
	}
	return lists;
}
