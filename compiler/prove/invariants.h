/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The config's `invariants`: what every route must have that takes any request of a kind. The kind
 * becomes a plan of one route, and the two plans are walked together. */
#pragma once

#include "diag/diag.h"
#include "plan/plan.h"

void prove_invariants(struct arena *a, struct diags *d, const struct plan *p);
