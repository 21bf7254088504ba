/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Proofs on the plan. They report and never guess: what cannot be decided within the limits is said to be undecided. */
#pragma once

#include "diag/diag.h"
#include "plan/plan.h"

/* Routes that tie in the order of routes and take one request in common are an error (unless routing.ties is file-order) that
 * shows such a request; a route of which an earlier one takes everything is a warning. The plan must be fit for use. */
void prove_ties(struct arena *a, struct diags *d, const struct plan *p);
