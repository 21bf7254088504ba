/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The NFA that dfa.c determinises: a trie over what patterns have in common at their front, so
 * that thousands of paths below "/api/v1/" walk the same nodes and the subset construction stays
 * close to linear.
 *
 * Trie steps are bytes and whole parts ("[^/]+", "(a|b)*"): a part is built once per node and
 * later patterns that go on with an equal part share it. That is sound because a part's inner
 * nodes are its own and no edge leads back into the trie. */
#pragma once

#include "automata/hash_index.h"
#include "automata/re.h"

#define NFA_NONE UINT32_MAX
#define NFA_ROOT 0

struct nfa_edge {
	uint32_t label; /* a byte, or 256 + the number of a set; nothing in an empty step */
	uint32_t target;
	uint32_t next; /* of the same list, or NFA_NONE */
};

struct nfa_node {
	uint32_t kids;    /* edges over one byte that patterns share */
	uint32_t edges;   /* other edges */
	uint32_t empties; /* steps over nothing */
	uint32_t accepts; /* patterns that end here */
	uint32_t owner;   /* the pattern that it was made for */
};

struct nfa_accept {
	uint32_t pattern, next;
};

struct nfa_set {
	uint8_t bitmap[32];
};

/* A part that begins at `from` and was built up to `to`. */
struct nfa_part {
	const struct re *x;
	uint32_t from, to;
};

struct nfa {
	struct arena *scratch; /* borrowed: everything below lives there */
	VEC(struct nfa_node) nodes;
	VEC(struct nfa_edge) edges;
	VEC(struct nfa_accept) accepts;
	VEC(struct nfa_set) sets; /* distinct */
	VEC(struct nfa_part) parts;
	struct hash_index set_index, part_index;
	uint32_t budget; /* nodes */
	uint32_t owner;  /* the pattern that is being added */
	bool over;       /* more than budget nodes: what was built is useless */
};

/* Adds patterns[0..n). False when over budget nodes; *culprit_out is then the pattern that added
 * most. */
bool nfa_build(struct nfa *nfa, struct arena *scratch, struct re *const *patterns, uint32_t n,
	uint32_t budget, uint32_t *culprit_out);

/* True if the node matters in a state set: something is read or accepted there. */
static inline bool nfa_is_busy(const struct nfa_node *n)
{
	return (n->kids & n->edges & n->accepts) != NFA_NONE;
}
