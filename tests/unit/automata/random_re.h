/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Random expressions over a, b and c with an oracle of their own: a pattern is matched by
 * computing, from a set of positions in the text, the set of positions behind it. Nothing here
 * uses the automata. Seeds are fixed: a failure repeats. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "automata/automata.h"
#include "base/str.h"

#define SPECIMEN_MOST 60

enum specimen_kind { SPECIMEN_SET, SPECIMEN_CAT, SPECIMEN_ALT, SPECIMEN_REPEAT, SPECIMEN_EMPTY };

/* A node of an expression; left and right are indexes into the specimen. */
struct specimen_node {
	enum specimen_kind kind;
	unsigned letters; /* SET: bit 0 for a, 1 for b, 2 for c */
	int left, right;
	unsigned min;
	int max;
};

struct specimen {
	struct specimen_node at[SPECIMEN_MOST];
	int n, root;
};

struct dice {
	uint64_t state;
};

static inline unsigned dice_throw(struct dice *d, unsigned sides)
{
	d->state ^= d->state << 13;
	d->state ^= d->state >> 7;
	d->state ^= d->state << 17;
	return (unsigned)((d->state >> 33) % sides);
}

static inline int specimen_grow(struct dice *d, struct specimen *s, int depth)
{
	struct specimen_node n = { .kind = SPECIMEN_SET, .letters = 1u << dice_throw(d, 3) };
	unsigned roll = depth == 0 || s->n > SPECIMEN_MOST / 2 ? 0 : dice_throw(d, 12);

	if (roll >= 1 && roll <= 5)
		n.kind = SPECIMEN_CAT;
	else if (roll == 6 || roll == 7)
		n.kind = SPECIMEN_ALT;
	else if (roll == 8 || roll == 9)
		n.kind = SPECIMEN_REPEAT;
	else if (roll == 10)
		n.letters = 1 + dice_throw(d, 7);
	else if (roll == 11 && dice_throw(d, 3) == 0)
		n.kind = SPECIMEN_EMPTY;
	if (n.kind == SPECIMEN_CAT || n.kind == SPECIMEN_ALT || n.kind == SPECIMEN_REPEAT)
		n.left = specimen_grow(d, s, depth - 1);
	if (n.kind == SPECIMEN_CAT || n.kind == SPECIMEN_ALT)
		n.right = specimen_grow(d, s, depth - 1);
	n.min = dice_throw(d, 3);
	n.max = dice_throw(d, 2) == 0 ? -1 : (int)(n.min + dice_throw(d, 3));
	s->at[s->n] = n;
	return s->n++;
}

static inline void specimen_make(struct dice *d, struct specimen *s)
{
	s->n = 0;
	s->root = specimen_grow(d, s, 5);
}

static inline uint32_t specimen_ends(const struct specimen *s, int i, struct str text, uint32_t from);

static inline uint32_t specimen_repeat_ends(const struct specimen *s, int i, struct str text, uint32_t from)
{
	const struct specimen_node *n = &s->at[i];
	uint32_t all = 0;

	for (unsigned k = 0; k < n->min; k++)
		from = specimen_ends(s, n->left, text, from);
	for (int k = (int)n->min; n->max < 0 || k <= n->max; k++) {
		if ((all | from) == all)
			break;
		all |= from;
		from = specimen_ends(s, n->left, text, from);
	}
	return all;
}

/* The positions (bits) that node i may end at when it begins at those of `from`. Texts have fewer
 * than 32 bytes. */
static inline uint32_t specimen_ends(const struct specimen *s, int i, struct str text, uint32_t from)
{
	const struct specimen_node *n = &s->at[i];
	uint32_t to = 0;

	switch (n->kind) {
	case SPECIMEN_EMPTY:
		return from;
	case SPECIMEN_CAT:
		return specimen_ends(s, n->right, text, specimen_ends(s, n->left, text, from));
	case SPECIMEN_ALT:
		return specimen_ends(s, n->left, text, from) | specimen_ends(s, n->right, text, from);
	case SPECIMEN_REPEAT:
		return specimen_repeat_ends(s, i, text, from);
	case SPECIMEN_SET:
		for (size_t k = 0; k < text.len; k++)
			if ((from >> k & 1) && text.ptr[k] >= 'a' && (n->letters >> (text.ptr[k] - 'a') & 1))
				to |= 2u << k;
	}
	return to;
}

static inline bool specimen_takes(const struct specimen *s, struct str text)
{
	return specimen_ends(s, s->root, text, 1) >> text.len & 1;
}

/* Its regex, fully parenthesised. */
static inline void specimen_print(const struct specimen *s, int i, struct sbuf *out)
{
	const struct specimen_node *n = &s->at[i];

	sbuf_adds(out, "(?:");
	switch (n->kind) {
	case SPECIMEN_EMPTY:
		break;
	case SPECIMEN_SET:
		sbuf_adds(out, n->letters == 1 ? "a" : n->letters == 2 ? "\\x62" : n->letters == 4 ? "c"
			: n->letters == 3 ? "[ab]" : n->letters == 5 ? "[ac]" : n->letters == 6 ? "[b-c]" : "[a-c]");
		break;
	case SPECIMEN_CAT:
	case SPECIMEN_ALT:
		specimen_print(s, n->left, out);
		sbuf_adds(out, n->kind == SPECIMEN_ALT ? "|" : "");
		specimen_print(s, n->right, out);
		break;
	case SPECIMEN_REPEAT:
		specimen_print(s, n->left, out);
		if (n->max < 0)
			sbuf_printf(out, "{%u,}", n->min);
		else
			sbuf_printf(out, "{%u,%d}", n->min, n->max);
	}
	sbuf_addc(out, ')');
}

/* Parsed from its regex; NULL if that fails, which is a bug. */
static inline struct re *specimen_parse(const struct specimen *s, struct arena *a)
{
	struct sbuf text = { 0 };
	struct re_error error;
	struct re *x;

	specimen_print(s, s->root, &text);
	x = re_parse(a, sbuf_str(&text), &error);
	sbuf_fini(&text);
	return x;
}

/* The n-th string over a, b, c by length: "", a, b, c, aa, ... into buffer (of 32). */
static inline struct str nth_string(unsigned n, char *buffer)
{
	size_t len = 0;

	for (; n > 0; n = (n - 1) / 3)
		buffer[len++] = (char)('a' + (n - 1) % 3);
	return (struct str){ buffer, len };
}

/* Strings of at most `len` letters. */
static inline unsigned n_strings(unsigned len)
{
	unsigned n = 1, power = 1;

	for (; len > 0; len--)
		n += power *= 3;
	return n;
}
