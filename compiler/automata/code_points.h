/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Sets of Unicode code points, and the byte language of their UTF-8 forms (RFC 3629). */
#pragma once

#include "automata/re.h"

#define CODE_POINT_MAX 0x10ffffu

struct cp_range {
	uint32_t low, high;
};

/* A VEC with a name; ranges in any order, they may overlap. */
struct cp_set {
	struct cp_range *at;
	size_t n, cap;
};

/* False when the arena is over budget. */
bool cp_set_add(struct arena *a, struct cp_set *s, uint32_t low, uint32_t high);
bool cp_set_add_all(struct arena *a, struct cp_set *s, const struct cp_set *other);
bool cp_set_has(const struct cp_set *s, uint32_t cp);
/* Adds the other case of every ASCII letter in s. */
bool cp_set_fold_ascii(struct arena *a, struct cp_set *s);
/* Makes s all code points that were not in it. */
bool cp_set_negate(struct arena *a, struct cp_set *s);
/* The UTF-8 forms of the code points, without NUL and surrogates, as an expression. NULL when
 * none is left, or when `a` is over budget. s is sorted on the way. */
struct re *cp_set_to_re(struct arena *a, struct cp_set *s);
/* Returns the length, 1 to 4. */
size_t cp_encode(uint32_t cp, char out[4]);
