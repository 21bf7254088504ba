/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The subset construction at work, shared by dfa.c (which sets it up and takes the result) and
 * blame.c (which explains an exceeded budget). Everything lives in its own arena, which has no
 * budget: the limits on states and work are the bound. */
#pragma once

#include "automata/classes.h"

/* The nodes of a DFA state are pool[first .. first + n), ascending. */
struct subset {
	uint32_t first, n;
};

/* How the sets on the wide edges of a state (a sorted list of set numbers) divide the classes
 * into blocks. */
struct partition {
	uint32_t first, n;        /* of wide_ids */
	uint32_t n_blocks;
	uint32_t widest;          /* the block of the most classes: its target is the row's `other` */
	struct class_bits rest;   /* the classes of all other blocks */
	uint8_t block_of[256];    /* [class] */
	uint8_t class_in[256];    /* [block] */
};

/* A step out of the state being expanded. */
struct subset_step {
	uint32_t key;    /* wide: a set; narrow: unused */
	uint32_t target;
	uint32_t next;   /* narrow: of the same class */
};

struct subsets {
	struct arena scratch; /* owned */
	struct nfa nfa;
	struct dfa *out;
	uint32_t budget;
	uint64_t work, work_limit;
	bool over;

	struct class_bits *set_bits; /* [set of the NFA] */
	bool *set_is_wide;

	VEC(struct subset) states;
	VEC(uint32_t) pool;
	struct hash_index state_index;
	uint32_t *state_of_node; /* the state that is just this node, or 0 */

	VEC(struct dfa_row) rows;
	VEC(struct dfa_exit) exits;
	VEC(uint32_t) accept;

	VEC(struct subset) sets; /* accept sets, in set_pool */
	VEC(uint32_t) set_pool;
	struct hash_index set_index;

	VEC(struct partition) partitions;
	VEC(uint32_t) wide_ids;
	struct hash_index partition_index;

	uint32_t *mark, stamp;     /* [node]: in `found` already */
	VEC(uint32_t) found, todo; /* the set being gathered; nodes whose empty steps are to be followed */
	VEC(uint32_t) list;        /* short-lived */
	VEC(struct subset_step) wide, narrow;
	uint32_t bucket[256];      /* [class]: narrow steps */
	struct class_bits touched; /* classes that have any */
};

/* Fills states, rows, exits, accept and sets from nfa. False when over budget. */
bool subset_construct(struct subsets *b);
/* The pattern without which most states of an overgrown construction would be one. */
uint32_t subset_blame(struct subsets *b, uint32_t n_patterns);
