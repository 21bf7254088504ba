/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Several DFAs walked at once: which combinations of their accept sets some string reaches, each
 * with the shortest such string. What proofs across groups, and across two configs, stand on. */
#pragma once

#include "automata/automata.h"

struct product {
	uint32_t n_factors;
	uint32_t n;           /* combinations */
	const uint32_t *sets; /* [n * n_factors]: accept sets, one a factor */
	struct str *strings;  /* [n]: the shortest, ties prefer readable bytes */
};

/* Walks factors[0 .. n) together. The first one is the language to which all is confined: strings
 * that it does not accept are left out. Combinations come in the order of their strings' lengths.
 * More than *budget states: false. What was walked is taken off *budget. The result lives in `a`. */
bool product_walk(struct arena *a, const struct dfa *const *factors, uint32_t n, uint32_t *budget,
	struct product *out);
