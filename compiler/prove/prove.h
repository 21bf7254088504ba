/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Proofs on the plan. They report and never guess: what cannot be decided within the limits is
 * said to be undecided. */
#pragma once

#include "diag/diag.h"
#include "plan/plan.h"

/* Ties, routes that never take a request, routes that lose requests by a priority, redirects that
 * go round, and the config's tests and invariants. The plan must be fit for use. */
void prove_plan(struct arena *a, struct diags *d, const struct plan *p);
