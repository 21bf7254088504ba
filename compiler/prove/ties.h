/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Pairs of routes: those that tie in the order of routes and take one request in common (an error
 * unless routing.ties is file-order), and those where only a priority lets the less specific one
 * take requests of the other. */
#pragma once

#include "diag/diag.h"
#include "prove/reach.h"

/* tied_out: [n_routes], set for routes of which a tie was found. */
void prove_ties(struct arena *a, struct diags *d, const struct plan *p, const struct reach *r,
	bool *tied_out);
