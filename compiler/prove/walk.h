/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* All places that the routes of one plan, or of two, tell apart: combinations of listener, kind of
 * host and kind of path, each with one host and path that show it and the routes that come into
 * question there. Proofs about all requests look at each place once. */
#pragma once

#include "prove/space.h"

/* States that one walk may take, over all its products. */
#define WALK_STATES 8000000u

struct walk_side {
	uint32_t listener, list;
	const uint32_t *ranks; /* entries that take the host and the path, ascending */
	uint32_t n;
};
struct walk_place {
	struct str host, path;
	struct walk_side side[2]; /* the second is empty when one plan is walked */
};

struct walk {
	const struct plan *plans[2]; /* [1] NULL: one plan */
	/* Called for each place; false ends the walk. What it allocates in *scratch is gone after it
	 * returns. */
	bool (*visit)(struct walk *w, struct arena *scratch, const struct walk_place *place);
	void *ctx;
	/* With one plan: the lists that are of interest ([router][list]); NULL: all. */
	const bool *const *wanted;

	uint32_t budget;   /* set by walk_run */
	uint32_t listeners[2]; /* at hand */
	struct dfa paths, hosts;
	bool undecided; /* some places were beyond the budget */
};

/* Listeners of two plans meet by name, and those of one router are one. */
void walk_run(struct walk *w);
/* The listener of q that does what listener l of p does, or PLAN_NONE. */
uint32_t walk_listener(const struct plan *p, uint32_t l, const struct plan *q);
