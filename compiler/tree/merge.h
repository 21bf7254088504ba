/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Two documents as one, for `include`.
 *
 * The members of `from` move to `into`: lists are concatenated in order, the sections that are maps get the members of both, and
 * what both define is reported with the two places. One level only: a backend of one file is never completed by another file. */
#pragma once

#include "tree/tree.h"

/* Moves all members of `from` (a map, spent afterwards) to `into` (a map). Keys named in `shared` may stand in both, when they hold
 * the same scalar. */
struct tree_merge {
	struct arena *arena;      /* borrowed, as is all here */
	struct diags *diags;
	const struct str *shared;
	size_t n_shared;
};
void tree_merge(const struct tree_merge *m, struct node *into, struct node *from);

/* Takes a child out of its list or map. */
void tree_detach(struct node *child);
