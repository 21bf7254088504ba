/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The config's `tests`: requests that are looked up in the plan, and what is expected of them. */
#pragma once

#include "diag/diag.h"
#include "plan/plan.h"

void prove_tests(struct arena *a, struct diags *d, const struct plan *p);
