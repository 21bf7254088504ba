/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The atoms of the two dimensions of a space (prove/space.h) that have to be found: sources, and
 * the values of a field. */
#pragma once

#include "prove/space.h"

/* Fills the dimension's atoms from all members. */
void atoms_of_sources(
	struct arena *a, struct space_dim *d, const struct space_member *members, uint32_t n);
/* False: the values' languages together need too many states, and the dimension is of no use. */
bool atoms_of_field(
	struct arena *a, struct space_dim *d, const struct space_member *members, uint32_t n);

/* Confines `words`, which hold all atoms, to those that the match takes. */
void atoms_box_source(const struct space_dim *d, const struct plan_when *w, uint64_t *words);
void atoms_box_field(const struct space_dim *d, const struct plan_when *w, uint64_t *words);

/* An address of the atom. */
void atoms_sample_source(
	struct arena *a, const struct space_dim *d, uint32_t atom, struct sample *out);
