/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Requests that come back to the gateway without end: by redirects, which a client follows with the same header fields, and by
 * backends that are the gateway itself, with what a rewrite makes of them. Each is followed from the request that shows that its
 * route takes any; what other requests meet is not decided. */
#pragma once

#include "diag/diag.h"
#include "prove/reach.h"

void prove_loops(struct arena *a, struct diags *d, const struct plan *p, const struct reach *r);
