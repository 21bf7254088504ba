/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The inside of struct re, for the files of this folder only; everybody else uses automata.h.
 *
 * Expressions are built by the constructors of automata.h and never change. Chains of RE_CAT and
 * RE_ALT may be long and lean to one side, so no function here recurses along a chain: they go
 * through re_operands. */
#pragma once

#include "automata/automata.h"
#include "base/vec.h"

enum re_kind {
	RE_EMPTY,
	RE_LITERAL,
	RE_SET,
	RE_CAT,
	RE_ALT,
	RE_REPEAT,
	RE_MARK, /* nothing is read; only in expressions for capture.c, which no automaton is made of */
};

#define RE_SIZE_MAX UINT32_MAX

struct re {
	enum re_kind kind;
	bool nocase;      /* RE_LITERAL: ASCII letters stand for both cases */
	bool lazy;        /* RE_REPEAT: as few as will do; the language is the same */
	uint32_t size;    /* NFA nodes that it expands to, about; saturates at RE_SIZE_MAX */
	uint32_t min_len; /* of its shortest string; saturates */
	uint64_t hash;    /* of the structure */
	union {
		struct str literal;
		uint8_t set[32]; /* bit b & 7 of set[b >> 3]; never has NUL */
		unsigned mark;   /* 2 * group: it begins here; + 1: it ends */
		struct {
			struct re *left, *right;
		};
		struct {
			struct re *body;
			unsigned min;
			int max; /* -1: no limit */
		};
	};
};

/* A VEC with a name. */
struct re_vec {
	const struct re **at;
	size_t n, cap;
};

/* Only for re_parse_groups. */
struct re *re_mark(struct arena *a, unsigned mark);

/* The operands of a chain of `kind` (RE_CAT or RE_ALT) from left to right; x itself if it is no
 * such chain. Replaces what is in *out. False when `scratch` is over budget. */
bool re_operands(struct arena *scratch, const struct re *x, enum re_kind kind, struct re_vec *out);
/* Equal structure (a sufficient, not a necessary condition for equal languages). */
bool re_same(const struct re *x, const struct re *y);

static inline bool re_set_has(const uint8_t bitmap[32], unsigned byte)
{
	return bitmap[byte >> 3] >> (byte & 7) & 1;
}

static inline void re_set_add(uint8_t bitmap[32], unsigned byte)
{
	bitmap[byte >> 3] |= (uint8_t)(1u << (byte & 7));
}
