/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "automata/automata.h"

#include <string.h>

#include "automata/subset.h"


/* A copy of n elements in `a`, or NULL. */
static void *copy(struct arena *a, const void *from, size_t n, size_t size)
{
	void *to = arena_alloc(a, n * size);

	if (to != NULL && n > 0)
		memcpy(to, from, n * size);
	return to;
}

static bool copy_sets(const struct subsets *b, struct arena *a, struct dfa *out)
{
	uint32_t *pool = copy(a, b->set_pool.at, b->set_pool.n, sizeof(*pool));

	out->n_sets = (uint32_t)b->sets.n;
	out->sets = ARENA_ARRAY(a, struct dfa_accepts, out->n_sets);
	if (pool == NULL || out->sets == NULL)
		return false;
	for (uint32_t i = 0; i < out->n_sets; i++)
		out->sets[i] = (struct dfa_accepts){ pool + b->sets.at[i].first, b->sets.at[i].n };
	return true;
}

/* The index from pattern to the sets that hold it. */
static bool index_holders(struct arena *a, struct dfa *d, size_t n_members)
{
	uint32_t *at = ARENA_ARRAY(a, uint32_t, (size_t)d->n_patterns + 2);

	d->holders = ARENA_ARRAY(a, uint32_t, n_members);
	if (at == NULL || d->holders == NULL)
		return false;
	/* at[p + 2] counts p; summed, at[p + 1] is where p starts; filled, at[p + 1] is where it
	 * ends, so at[p] where it starts. */
	for (uint32_t s = 0; s < d->n_sets; s++)
		for (uint32_t i = 0; i < d->sets[s].n; i++)
			at[d->sets[s].patterns[i] + 2]++;
	for (uint32_t p = 2; p < d->n_patterns + 2; p++)
		at[p] += at[p - 1];
	for (uint32_t s = 0; s < d->n_sets; s++)
		for (uint32_t i = 0; i < d->sets[s].n; i++)
			d->holders[at[d->sets[s].patterns[i] + 1]++] = s;
	d->holder_first = at;
	return true;
}

static bool take_result(const struct subsets *b, struct arena *a, struct dfa *out)
{
	out->n_states = (uint32_t)b->states.n;
	out->rows = copy(a, b->rows.at, b->rows.n, sizeof(*out->rows));
	out->exits = copy(a, b->exits.at, b->exits.n, sizeof(*out->exits));
	out->accept = copy(a, b->accept.at, b->accept.n, sizeof(*out->accept));
	return out->rows != NULL && out->exits != NULL && out->accept != NULL
		&& copy_sets(b, a, out) && index_holders(a, out, b->set_pool.n);
}

enum dfa_status dfa_build(struct arena *a, struct re *const *patterns, uint32_t n, uint32_t budget,
	struct dfa *out, uint32_t *culprit_out)
{
	struct subsets b = { .out = out, .budget = budget };
	bool ok;

	memset(out, 0, sizeof(*out));
	out->n_patterns = n;
	arena_init_unbounded(&b.scratch);
	ok = nfa_build(&b.nfa, &b.scratch, patterns, n, budget, culprit_out);
	if (ok && !subset_construct(&b)) {
		*culprit_out = subset_blame(&b, n);
		ok = false;
	}
	ok = ok && take_result(&b, a, out);
	arena_fini(&b.scratch);
	return ok ? DFA_OK : DFA_TOO_MANY_STATES;
}

uint32_t dfa_next(const struct dfa *d, uint32_t state, uint32_t class)
{
	uint32_t low = d->rows[state].first, high = d->rows[state + 1].first;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (d->exits[middle].class < class)
			low = middle + 1;
		else
			high = middle;
	}
	return low < d->rows[state + 1].first && d->exits[low].class == class
		? d->exits[low].target : d->rows[state].other;
}

uint32_t dfa_match(const struct dfa *d, struct str input)
{
	uint32_t state = 1;

	for (size_t i = 0; i < input.len && state != 0; i++)
		state = dfa_next(d, state, d->class_of[(unsigned char)input.ptr[i]]);
	return d->accept[state];
}
