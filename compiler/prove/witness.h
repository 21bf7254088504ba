/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A request that two entries both take, as a line for the shell. */
#pragma once

#include "plan/plan.h"

/* "curl -X GET -H 'x-a: 1' 'http://localhost:8080/users/a'"; STR_NONE if none was found that can
 * be written like this. What curl cannot say (the source address) stands behind a "#". */
struct str witness_curl(struct arena *a, const struct plan *p, const struct plan_entry *x,
	const struct plan_entry *y);
