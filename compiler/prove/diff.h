/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a change of the config changes: requests whose outcome differs between two plans. An
 * outcome is the action with its backends, the chain with its settings, the rewrite and the
 * limits, not the route's name. Templates count as their text, so that renaming a path parameter
 * in both places is a change. */
#pragma once

#include "plan/plan.h"

struct sbuf;

/* Appends one paragraph for each pair of routes between which requests move, with a request that
 * shows it. Returns how many; *is_complete_out false: some places were beyond the limits. */
uint32_t diff_plans(struct sbuf *out, struct arena *a, const struct plan *old, const struct plan *new,
	bool *is_complete_out);
