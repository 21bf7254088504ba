/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Relations between patterns. Every accept set is reached by some string, so p and q share a
 * string exactly if a set holds both, and p contains q exactly if every set that holds q holds p. */
#include "automata/automata.h"

#include <stdlib.h>

#include "base/vec.h"

static uint32_t n_holders(const struct dfa *d, uint32_t p)
{
	return d->holder_first[p + 1] - d->holder_first[p];
}

static enum dfa_relation relation(uint32_t n_p, uint32_t n_q, uint32_t n_both)
{
	if (n_both == 0)
		return DFA_DISJOINT;
	if (n_both == n_p)
		return n_both == n_q ? DFA_EQUAL : DFA_CONTAINED;
	return n_both == n_q ? DFA_CONTAINS : DFA_OVERLAP;
}

enum dfa_relation dfa_relate(const struct dfa *d, uint32_t p, uint32_t q)
{
	uint32_t i = d->holder_first[p], j = d->holder_first[q], n_both = 0;

	while (i < d->holder_first[p + 1] && j < d->holder_first[q + 1]) {
		uint32_t set_p = d->holders[i], set_q = d->holders[j];

		n_both += set_p == set_q;
		i += set_p <= set_q;
		j += set_q <= set_p;
	}
	return relation(n_holders(d, p), n_holders(d, q), n_both);
}

static int compare_words(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	return (a > b) - (a < b);
}

uint32_t dfa_overlaps(const struct dfa *d, struct arena *a, uint32_t p, struct dfa_overlap **list_out)
{
	VEC(uint32_t) met = { 0 };
	VEC(struct dfa_overlap) list = { 0 };
	struct arena scratch;

	arena_init_unbounded(&scratch);
	for (uint32_t i = d->holder_first[p]; i < d->holder_first[p + 1]; i++) {
		const struct dfa_accepts *set = &d->sets[d->holders[i]];

		for (uint32_t j = set->n; j > 0 && set->patterns[j - 1] > p; j--)
			vec_push(&scratch, &met, set->patterns[j - 1]);
	}
	if (met.n > 1)
		qsort(met.at, met.n, sizeof(*met.at), compare_words);
	for (size_t i = 0, end; i < met.n; i = end) {
		struct dfa_overlap o = { met.at[i], DFA_OVERLAP };

		for (end = i + 1; end < met.n && met.at[end] == met.at[i];)
			end++;
		o.relation = relation(n_holders(d, p), n_holders(d, o.pattern), (uint32_t)(end - i));
		vec_push(a, &list, o);
	}
	arena_fini(&scratch);
	*list_out = list.at;
	return (uint32_t)list.n;
}
