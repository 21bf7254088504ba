/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "automata/product.h"

#include <string.h>

#include "automata/classes.h"
#include "automata/hash_index.h"
#include "base/vec.h"

/* How a state was met first. */
struct step {
	uint32_t parent;
	uint8_t byte;
};

struct joint {
	struct arena scratch; /* owned */
	const struct dfa *const *factors;
	uint32_t n;
	uint32_t budget;
	/* Bytes that no factor tells apart are one joint class; best-reading first. */
	uint8_t bytes[256];
	uint32_t n_classes;
	VEC(uint32_t) tuples; /* n words a state */
	VEC(struct step) steps;
	struct hash_index index;
	/* The row of the state at hand, by factor and class. */
	uint32_t (*targets)[256];
	bool (*listed)[256];
	uint32_t *next;
	bool over;
};

static bool same_class(const struct joint *w, unsigned x, unsigned y)
{
	for (uint32_t i = 0; i < w->n; i++)
		if (w->factors[i]->class_of[x] != w->factors[i]->class_of[y])
			return false;
	return true;
}

/* Ranks of bytes are below this (automata/classes.h). */
#define RANKS 512

static void find_classes(struct joint *w)
{
	int by_rank[RANKS];

	for (unsigned i = 0; i < RANKS; i++)
		by_rank[i] = -1;
	for (int c = 0; c < 256; c++)
		by_rank[classes_byte_rank((unsigned)c)] = c;
	for (unsigned i = 0; i < RANKS; i++) {
		uint32_t k = 0;

		if (by_rank[i] < 0)
			continue;
		while (k < w->n_classes && !same_class(w, w->bytes[k], (unsigned)by_rank[i]))
			k++;
		if (k == w->n_classes)
			w->bytes[w->n_classes++] = (uint8_t)by_rank[i];
	}
}

/* The state of this tuple, which is new, if it is, over `byte` from `parent`. */
static void meet(struct joint *w, const uint32_t *tuple, uint32_t parent, uint8_t byte)
{
	uint32_t hash = hash_words(tuple, w->n);
	uint32_t id;
	size_t at = 0;

	while ((id = hash_index_next(&w->index, hash, &at)) != HASH_NONE)
		if (memcmp(w->tuples.at + (size_t)id * w->n, tuple, w->n * sizeof(*tuple)) == 0)
			return;
	if (w->steps.n >= w->budget) {
		w->over = true;
		return;
	}
	hash_index_add(&w->index, hash, (uint32_t)w->steps.n);
	for (uint32_t i = 0; i < w->n; i++)
		vec_push(&w->scratch, &w->tuples, tuple[i]);
	vec_push(&w->scratch, &w->steps, (struct step){ parent, byte });
}

static void load_rows(struct joint *w, const uint32_t *tuple)
{
	for (uint32_t i = 0; i < w->n; i++) {
		const struct dfa *d = w->factors[i];
		const struct dfa_row *row = &d->rows[tuple[i]];

		for (uint32_t c = 0; c < d->n_classes; c++)
			w->targets[i][c] = row->other;
		memset(w->listed[i], 0, d->n_classes);
		for (uint32_t k = row->first; k < row[1].first; k++) {
			w->targets[i][d->exits[k].class] = d->exits[k].target;
			w->listed[i][d->exits[k].class] = true;
		}
	}
}

/* The bytes that no row lists all lead to one state: it is met over the best of them. */
static void expand(struct joint *w, uint32_t state)
{
	bool others_met = false;

	load_rows(w, w->tuples.at + (size_t)state * w->n);
	for (uint32_t j = 0; j < w->n_classes && !w->over; j++) {
		bool is_listed = false;

		for (uint32_t i = 0; i < w->n; i++) {
			uint8_t class = w->factors[i]->class_of[w->bytes[j]];

			is_listed |= w->listed[i][class];
			w->next[i] = w->targets[i][class];
		}
		if ((!is_listed && others_met) || w->next[0] == 0)
			continue;
		others_met |= !is_listed;
		meet(w, w->next, state, w->bytes[j]);
	}
}

static struct str string_to(const struct joint *w, struct arena *a, uint32_t state)
{
	size_t len = 0;
	char *text;

	for (uint32_t s = state; s != 0; s = w->steps.at[s].parent)
		len++;
	text = arena_bytes(a, len + 1);
	text[len] = '\0';
	for (size_t i = len; i > 0; state = w->steps.at[state].parent)
		text[--i] = (char)w->steps.at[state].byte;
	return (struct str){ text, len };
}

/* States come shortest first, so that the first with a combination is its witness. */
static void collect(const struct joint *w, struct arena *a, struct product *out)
{
	struct hash_index seen;
	VEC(uint32_t) sets = { 0 };
	VEC(struct str) strings = { 0 };
	uint32_t *tuple = w->next;

	hash_index_init(&seen, (struct arena *)&w->scratch);
	for (uint32_t s = 0; s < w->steps.n; s++) {
		uint32_t hash, id;
		size_t at = 0;

		for (uint32_t i = 0; i < w->n; i++)
			tuple[i] = w->factors[i]->accept[w->tuples.at[(size_t)s * w->n + i]];
		if (tuple[0] == 0)
			continue;
		hash = hash_words(tuple, w->n);
		while ((id = hash_index_next(&seen, hash, &at)) != HASH_NONE &&
			memcmp(sets.at + (size_t)id * w->n, tuple, w->n * sizeof(*tuple)) != 0)
			;
		if (id != HASH_NONE)
			continue;
		hash_index_add(&seen, hash, (uint32_t)strings.n);
		for (uint32_t i = 0; i < w->n; i++)
			vec_push(a, &sets, tuple[i]);
		vec_push(a, &strings, string_to(w, a, s));
	}
	*out = (struct product){ w->n, (uint32_t)strings.n, sets.at, strings.at };
}

bool product_walk(struct arena *a, const struct dfa *const *factors, uint32_t n, uint32_t *budget,
	struct product *out)
{
	struct joint w = { .factors = factors, .n = n, .budget = *budget };

	arena_init_unbounded(&w.scratch);
	hash_index_init(&w.index, &w.scratch);
	w.targets = arena_alloc(&w.scratch, n * sizeof(*w.targets));
	w.listed = arena_alloc(&w.scratch, n * sizeof(*w.listed));
	w.next = ARENA_ARRAY(&w.scratch, uint32_t, n);
	find_classes(&w);
	for (uint32_t i = 0; i < n; i++)
		w.next[i] = 1;
	meet(&w, w.next, 0, 0);
	for (uint32_t s = 0; s < w.steps.n && !w.over; s++)
		expand(&w, s);
	*budget -= (uint32_t)w.steps.n;
	if (!w.over)
		collect(&w, a, out);
	arena_fini(&w.scratch);
	return !w.over;
}
