/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "prove/prove.h"

#include "prove/invariants.h"
#include "prove/loops.h"
#include "prove/reach.h"
#include "prove/rewrites.h"
#include "prove/tests.h"
#include "prove/ties.h"

void prove_plan(struct arena *a, struct diags *d, const struct plan *p)
{
	bool *tied = ARENA_ARRAY(a, bool, p->n_routes);
	struct reach reach;

	reach_find(a, p, &reach);
	prove_ties(a, d, p, &reach, tied);
	reach_report(a, d, p, &reach, tied);
	prove_loops(a, d, p, &reach);
	prove_rewrites(a, d, p, &reach);
	prove_tests(a, d, p);
	prove_invariants(a, d, p);
}
