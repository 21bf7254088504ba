/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The layout of a compressed DFA, the table matcher's blob: toronc writes it (compiler/automata/table.c) and the gateway walks
 * it (runtime/route/walk.h). Words are 32 bits in the target's byte order; the blob begins on a multiple of 4 bytes.
 *
 *   header     TORON_TABLE_* words, then the class of each byte (256 bytes)
 *   records    one for each state that is no leaf, no tail and not inside another's record, each on a multiple of 8 bytes
 *   sets       n_sets + 1 words: where each accept set begins in members; then the members: pattern numbers, ascending in a set
 *
 * A reference is how one state names another; its three low bits say what is there:
 *   LEAF    accept << 3 | kind   accepts if the input ends here, and fails otherwise (accept 0: a dead end)
 *   TAIL    accept << 3 | kind   accepts whatever is left of the input, unless it holds a NUL
 *   else    offset | kind        a record at this place in the blob
 *
 * A record's first byte is its kind, its second word the accept set for an input that ends there (0: none):
 *   CHAIN   u8 kind, u8 0, u16 len     | accept | reference | len bytes, more than 8
 *           reads exactly these bytes
 *   SHORT   u8 kind, u8 bits, u16 len  | accept | reference | 8 bytes, of which the first len count; bits is 64 - 8 len
 *           reads exactly these bytes
 *   SKIP    u8 kind, u8 stop, u16 least | accept | reference
 *           reads on to the next byte `stop`, and over it; accept is for an input that ends in front of one. No NUL may come first, and
 *           `least` (0 or 1) bytes must; with 1, an input that ends at once is not accepted
 *   FEW     u8 kind, u8 0, u16 0   | accept | other | four class numbers, the first in the low byte | four references
 *           reads a byte of one of the four classes, else goes to `other`; unused places repeat the first
 *   RUN     as FEW, but reads on while the byte is of none of the classes (`other` is 0)
 *   MANY    u8 kind, u8 0, u16 n   | accept | n references | a byte for each class
 *           the class's byte is the number of a reference
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define TORON_TABLE_MAGIC 0x54525442u /* as a word: the wrong byte order shows */
#define TORON_TABLE_VERSION 2u

/* Offsets of the header's words. */
enum {
	TORON_TABLE_AT_MAGIC = 0,
	TORON_TABLE_AT_VERSION = 4,
	TORON_TABLE_AT_SIZE = 8,       /* bytes, all of it */
	TORON_TABLE_AT_START = 12,     /* the start state's reference */
	TORON_TABLE_AT_N_CLASSES = 16,
	TORON_TABLE_AT_N_SETS = 20,    /* set 0 is empty */
	TORON_TABLE_AT_N_PATTERNS = 24,
	TORON_TABLE_AT_SETS = 28,      /* the offset of the sets, where the records end */
	TORON_TABLE_AT_FIRST = 32,     /* what is taken begins with this byte, and the start state is behind it; 256: with any, or none */
	TORON_TABLE_AT_CLASSES = 40,   /* here begin the 256 classes */
	TORON_TABLE_AT_RECORDS = 296,
};

enum {
	TORON_TABLE_LEAF, TORON_TABLE_TAIL, TORON_TABLE_CHAIN, TORON_TABLE_SHORT, TORON_TABLE_SKIP, TORON_TABLE_FEW, TORON_TABLE_RUN,
	TORON_TABLE_MANY,
	TORON_TABLE_KIND = 7, /* these bits of a reference */
};

enum {
	TORON_TABLE_ANY_FIRST = 256,
	TORON_TABLE_FEW_MOST = 4,
	TORON_TABLE_CHAIN_MOST = 65535,
	TORON_TABLE_SHORT_MOST = 8,
	TORON_TABLE_CHAIN_BYTES = 12,  /* offsets within a record */
	TORON_TABLE_SHORT_SIZE = 24,
	TORON_TABLE_SKIP_SIZE = 16,
	TORON_TABLE_FEW_CLASSES = 12,
	TORON_TABLE_FEW_REFS = 16,
	TORON_TABLE_FEW_SIZE = 32,
	TORON_TABLE_MANY_REFS = 8,
};

/* Runs a table over a string: the number of its accept set, 0: none. What toronc emits calls it; route/walk.h says more. */
uint32_t route_walk(const void *blob, const char *ptr, size_t len);
