/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Shortest witnesses: a breadth-first walk that takes the classes in the order of how well they
 * read. It meets each state first over the best-reading of its shortest strings, and each accept
 * set in its best state. */
#include "automata/automata.h"

#include <stdlib.h>
#include <string.h>

#include "automata/classes.h"

struct walk {
	const struct dfa *d;
	uint8_t order[256];     /* classes, best-reading first */
	uint32_t *queue;        /* states in the order met */
	uint32_t n_met;
	uint32_t *parent;       /* [state]; UINT32_MAX: not met */
	uint8_t *over;          /* [state]: the class that leads there from its parent */
	uint32_t *first_of;     /* [set]: its first state; UINT32_MAX: none yet */
	uint32_t n_wanted;      /* sets without a state */
};

static void order_classes(struct walk *w)
{
	uint32_t n = w->d->n_classes;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t j = i;
		unsigned rank = classes_byte_rank(w->d->class_byte[i]);

		for (; j > 0 && classes_byte_rank(w->d->class_byte[w->order[j - 1]]) > rank; j--)
			w->order[j] = w->order[j - 1];
		w->order[j] = (uint8_t)i;
	}
}

static void meet(struct walk *w, uint32_t state, uint32_t parent, uint32_t class)
{
	uint32_t *first = &w->first_of[w->d->accept[state]];

	if (w->parent[state] != UINT32_MAX)
		return;
	w->parent[state] = parent;
	w->over[state] = (uint8_t)class;
	w->queue[w->n_met++] = state;
	if (*first == UINT32_MAX) {
		*first = state;
		w->n_wanted--;
	}
}

/* Meets what `state` leads to, in reading order: the row's exits and, at its best class, `other`. */
static void expand(struct walk *w, uint32_t state)
{
	const struct dfa_row *row = &w->d->rows[state];
	uint32_t target_of[256];
	struct class_bits listed = { 0 };
	bool other_met = false;

	for (uint32_t i = row->first; i < row[1].first; i++) {
		class_bits_add(&listed, w->d->exits[i].class);
		target_of[w->d->exits[i].class] = w->d->exits[i].target;
	}
	for (uint32_t i = 0; i < w->d->n_classes; i++) {
		uint32_t class = w->order[i];

		if (class_bits_has(&listed, class)) {
			meet(w, target_of[class], state, class);
		} else if (!other_met) {
			meet(w, row->other, state, class);
			other_met = true;
		}
	}
}

static struct str string_to(const struct walk *w, struct arena *a, uint32_t state)
{
	size_t len = 0;
	char *text;

	for (uint32_t s = state; s != 1; s = w->parent[s])
		len++;
	text = arena_bytes(a, len + 1);
	if (text == NULL)
		return STR_NONE;
	text[len] = '\0';
	for (size_t i = len; i > 0; state = w->parent[state])
		text[--i] = (char)w->d->class_byte[w->over[state]];
	return (struct str){ text, len };
}

/* Walks until every set (or, if `only` is not UINT32_MAX, that set) has a state. */
static void run(struct walk *w, const struct dfa *d, struct arena *scratch, uint32_t only)
{
	*w = (struct walk){ .d = d, .n_wanted = d->n_sets };
	w->queue = ARENA_ARRAY(scratch, uint32_t, d->n_states);
	w->parent = ARENA_ARRAY(scratch, uint32_t, d->n_states);
	w->over = ARENA_ARRAY(scratch, uint8_t, d->n_states);
	w->first_of = ARENA_ARRAY(scratch, uint32_t, d->n_sets);
	memset(w->parent, 0xff, d->n_states * sizeof(*w->parent));
	memset(w->first_of, 0xff, d->n_sets * sizeof(*w->first_of));
	order_classes(w);
	meet(w, 1, 1, 0);
	for (uint32_t i = 0; i < w->n_met && w->n_wanted > 0; i++) {
		if (only != UINT32_MAX && w->first_of[only] != UINT32_MAX)
			return;
		expand(w, w->queue[i]);
	}
}

struct str dfa_witness(const struct dfa *d, struct arena *a, uint32_t set)
{
	struct arena scratch;
	struct walk w;
	struct str s = STR_NONE;

	if (set >= d->n_sets)
		return s;
	arena_init_unbounded(&scratch);
	run(&w, d, &scratch, set);
	if (w.first_of[set] != UINT32_MAX)
		s = string_to(&w, a, w.first_of[set]);
	arena_fini(&scratch);
	return s;
}

struct str *dfa_witnesses(const struct dfa *d, struct arena *a)
{
	struct str *all = ARENA_ARRAY(a, struct str, d->n_sets);
	struct arena scratch;
	struct walk w;

	if (all == NULL)
		return NULL;
	arena_init_unbounded(&scratch);
	run(&w, d, &scratch, UINT32_MAX);
	for (uint32_t s = 0; s < d->n_sets; s++)
		if (w.first_of[s] != UINT32_MAX)
			all[s] = string_to(&w, a, w.first_of[s]);
	arena_fini(&scratch);
	return all;
}
