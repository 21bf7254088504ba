/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which entries ever take a request. For each accept set of a group, the boxes of its candidates
 * are taken off the space of all requests in the order of routes; a candidate whose box meets
 * what is left takes the set's shortest path. Most entries are settled like this; for those that
 * earlier groups of their hosts may take requests from, the places where both are asked are walked
 * (prove/walk.h). */
#pragma once

#include "diag/diag.h"
#include "prove/sample.h"

enum reach_verdict {
	REACH_OPEN,      /* not decided within the limits */
	REACH_TAKES,     /* `sample` is a request that it takes */
	REACH_NEVER,     /* proved to take none */
};
struct sbuf;
struct reach {
	enum reach_verdict *verdicts; /* [n_entries] */
	struct sample *samples;       /* [n_entries] */
};

/* Everything in `a`. */
void reach_find(struct arena *a, const struct plan *p, struct reach *out);

/* What is known of each entry, in the order in which they win, a line each: "r1: " and a request that it takes as a command for the
 * shell, "never" or "undecided". */
void reach_dump(struct sbuf *out, struct arena *a, const struct plan *p);

/* Reports routes that never take a request, unless `tied` says that a tie was reported for them,
 * and says what could not be decided. */
void reach_report(struct arena *a, struct diags *d, const struct plan *p, const struct reach *r,
	const bool *tied);
