/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Byte classes: bytes that no edge of an NFA tells apart share a class, and a DFA has one column
 * a class. */
#pragma once

#include "automata/nfa.h"

/* A set of classes. */
struct class_bits {
	uint64_t words[4];
};

/* Fills n_classes, class_of and class_byte of out. Classes are numbered by their least byte. */
void classes_find(const struct nfa *nfa, struct dfa *out);
/* The classes that make up a set of the NFA. Returns how many. */
uint32_t classes_of_set(const struct dfa *d, const struct nfa_set *s, struct class_bits *bits_out);
/* How well a byte reads in a witness, 0 best: letters, digits, then what URIs leave alone. All
 * 256 ranks differ. */
unsigned classes_byte_rank(unsigned byte);

static inline bool class_bits_has(const struct class_bits *b, uint32_t class)
{
	return b->words[class >> 6] >> (class & 63) & 1;
}

static inline void class_bits_add(struct class_bits *b, uint32_t class)
{
	b->words[class >> 6] |= (uint64_t)1 << (class & 63);
}
