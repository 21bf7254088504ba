/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which pattern made the states multiply? The patterns that sit in most states are tried: how
 * many states would differ if the pattern's nodes were not there? The fewer, the more it
 * multiplied. */
#include "automata/subset.h"

#define SUSPECTS 16

struct suspect {
	uint32_t pattern;
	uint32_t n_states; /* in which it has a node */
};

/* Keeps the SUSPECTS patterns of most states, in no order. */
static void keep_most(struct suspect top[SUSPECTS], struct suspect s)
{
	struct suspect *least = &top[0];

	for (int i = 1; i < SUSPECTS; i++)
		if (top[i].n_states < least->n_states)
			least = &top[i];
	if (s.n_states >= least->n_states)
		*least = s;
}

static void find_suspects(struct subsets *b, uint32_t n_patterns, struct suspect top[SUSPECTS])
{
	uint32_t *count = ARENA_ARRAY(&b->scratch, uint32_t, n_patterns);
	uint32_t *seen_in = ARENA_ARRAY(&b->scratch, uint32_t, n_patterns);

	for (uint32_t s = 1; s < b->states.n; s++) {
		const struct subset *set = &b->states.at[s];

		for (uint32_t i = 0; i < set->n; i++) {
			uint32_t owner = b->nfa.nodes.at[b->pool.at[set->first + i]].owner;

			if (seen_in[owner] == s)
				continue;
			seen_in[owner] = s;
			count[owner]++;
		}
	}
	for (uint32_t p = 0; p < n_patterns; p++)
		keep_most(top, (struct suspect){ p, count[p] });
}

/* Distinct states when the nodes of `pattern` are left out, by hash alone: it is only a hint. */
static uint32_t states_without(struct subsets *b, uint32_t pattern)
{
	struct hash_index seen;
	uint32_t n = 0;

	hash_index_init(&seen, &b->scratch);
	for (uint32_t s = 1; s < b->states.n; s++) {
		const struct subset *set = &b->states.at[s];
		uint32_t hash;
		size_t at = 0;

		b->list.n = 0;
		for (uint32_t i = 0; i < set->n; i++) {
			uint32_t node = b->pool.at[set->first + i];

			if (b->nfa.nodes.at[node].owner != pattern)
				vec_push(&b->scratch, &b->list, node);
		}
		hash = hash_words(b->list.at, b->list.n);
		if (hash_index_next(&seen, hash, &at) != HASH_NONE)
			continue;
		hash_index_add(&seen, hash, 0);
		n++;
	}
	return n;
}

uint32_t subset_blame(struct subsets *b, uint32_t n_patterns)
{
	struct suspect top[SUSPECTS] = { 0 };
	uint32_t culprit = 0, least = UINT32_MAX;

	find_suspects(b, n_patterns, top);
	for (int i = 0; i < SUSPECTS; i++) {
		uint32_t left;

		if (top[i].n_states == 0)
			continue;
		left = states_without(b, top[i].pattern);
		if (left < least || (left == least && top[i].pattern > culprit)) {
			least = left;
			culprit = top[i].pattern;
		}
	}
	return culprit;
}
