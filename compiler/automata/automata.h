/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Regular languages over bytes: patterns in, one DFA with accept sets out. Knows no HTTP.
 *
 * A pattern is a whole-string language: a literal, a sequence of parts, or a regex (RE2's usual
 * syntax, no look-around, no back-references, UTF-8). Patterns are compiled together into one DFA
 * whose states carry the set of patterns that accept there; overlap, containment and witnesses
 * all follow from the accept sets. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "toron/str.h"

struct re;      /* an expression; immutable, in an arena, may be shared */

/* Constructors. They return NULL only when a child is NULL. */
struct re *re_empty(struct arena *a);                                /* the empty string */
struct re *re_literal(struct arena *a, struct str bytes, bool nocase);
struct re *re_set(struct arena *a, const uint8_t bitmap[32]);        /* one byte of the set */
struct re *re_not_bytes(struct arena *a, struct str excluded);       /* one byte that is not among these (nor NUL) */
struct re *re_any_string(struct arena *a);                           /* any bytes but NUL, also none */
struct re *re_cat(struct arena *a, struct re *left, struct re *right);
struct re *re_alt(struct arena *a, struct re *left, struct re *right);
struct re *re_repeat(struct arena *a, struct re *x, unsigned min, int max); /* max -1: no limit */

struct re_error {
	const char *what;   /* a sentence without full stop: "look-ahead is not regular" */
	uint32_t at, len;   /* bytes of the regex text */
};

/* Parses a regex. Anchors ^ and $ at the ends are accepted and mean nothing (a pattern is
 * whole-string); elsewhere they are errors. NULL and *error_out set on a bad or non-regular
 * pattern, or one beyond the limits (repeat counts up to 1000). */
struct re *re_parse(struct arena *a, struct str text, struct re_error *error_out);
/* As re_parse, with what groups and lazy repetitions mean to a program that tells what was taken
 * (automata/capture_build.h); no automaton is made of it. */
struct re *re_parse_groups(
	struct arena *a, struct str text, unsigned *n_groups_out, struct re_error *error_out);
/* True if a loop over all bytes stands at the start of x, or right behind the first byte, with
 * more behind it (".*x", "/.*x"): such patterns multiply the states of everything they are built
 * together with. */
bool re_is_unanchored(const struct re *x);
/* The expression in re2c's syntax (quoted literals, classes as hex ranges), ready to stand in a
 * sequence. */
struct sbuf;
void re_to_re2c(struct sbuf *out, const struct re *x);

struct dfa_accepts {
	const uint32_t *patterns;  /* ascending pattern numbers */
	uint32_t n;
};

/* A state's exits are sparse: `other` for every class that is not among exits[first .. (row +
 * 1)->first). */
struct dfa_row {
	uint32_t other;
	uint32_t first;
};

struct dfa_exit {
	uint32_t target;
	uint32_t class;            /* ascending within a row */
};

struct dfa {
	uint32_t n_states;         /* state 0 is the dead state, state 1 the start */
	uint32_t n_classes;
	uint8_t class_of[256];
	uint8_t class_byte[256];   /* a readable representative of each class ([a-z0-9] preferred) */
	struct dfa_row *rows;      /* [n_states + 1] */
	struct dfa_exit *exits;
	uint32_t *accept;          /* [state]: index into sets; set 0 is empty */
	struct dfa_accepts *sets;  /* distinct sets, in order of discovery from the start state */
	uint32_t n_sets;
	uint32_t n_patterns;
	uint32_t *holder_first;    /* [n_patterns + 1]: the sets that hold pattern p are */
	uint32_t *holders;         /* holders[holder_first[p] .. holder_first[p + 1]), ascending */
};

enum dfa_status { DFA_OK, DFA_TOO_MANY_STATES };

/* Builds the DFA of patterns[0..n). More than `budget` states (or NFA nodes):
 * DFA_TOO_MANY_STATES, and *culprit_out is the pattern that adds most. The DFA lives in `a`;
 * scratch memory is freed. NUL bytes are in no language. Time and memory are linear in the
 * budget; `a` over its own budget counts as too many states. */
enum dfa_status dfa_build(struct arena *a, struct re *const *patterns, uint32_t n, uint32_t budget, struct dfa *out,
	uint32_t *culprit_out);
/* The state behind `state` over a byte of class `class`. */
uint32_t dfa_next(const struct dfa *d, uint32_t state, uint32_t class);
/* Runs it: the accept set's index (0: nothing accepts). */
uint32_t dfa_match(const struct dfa *d, struct str input);
/* The shortest string that leads from the start to a state with accept set `set`; ties prefer
 * readable bytes. STR_NONE if none. */
struct str dfa_witness(const struct dfa *d, struct arena *a, uint32_t set);
/* All shortest witnesses at once ([n_sets]; index 0 is a string that nothing accepts, or
 * STR_NONE). */
struct str *dfa_witnesses(const struct dfa *d, struct arena *a);

enum dfa_relation { DFA_DISJOINT, DFA_OVERLAP, DFA_CONTAINS, DFA_CONTAINED, DFA_EQUAL };
/* How pattern p relates to pattern q: DFA_CONTAINS if every string of q is in p. From the accept
 * sets alone. Patterns that share no string are disjoint, an empty language from everything. */
enum dfa_relation dfa_relate(const struct dfa *d, uint32_t p, uint32_t q);

struct dfa_overlap {
	uint32_t pattern;
	enum dfa_relation relation; /* of the asked pattern to this one: DFA_CONTAINED or DFA_EQUAL if this one takes all it takes */
};

/* The patterns behind p in order (q > p) that share a string with p, ascending, in `a`. Returns
 * how many. Costs the sum of the sizes of the accept sets that hold p, so that asking for every p
 * is far cheaper than asking for every pair. */
uint32_t dfa_overlaps(const struct dfa *d, struct arena *a, uint32_t p, struct dfa_overlap **list_out);
