/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Redirects that lead back to the gateway, and there to a redirect, without end. Each redirect is
 * followed from the request that shows that its route takes any, as a client would that repeats
 * the request's header fields; what other requests meet is not decided. */
#pragma once

#include "diag/diag.h"
#include "prove/reach.h"

void prove_redirects(
	struct arena *a, struct diags *d, const struct plan *p, const struct reach *r);
