/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the gateway does with one request, and why: for `toronc explain`. */
#pragma once

#include "plan/plan.h"
#include "prove/sample.h"

struct sbuf;

/* Host, candidates in the order of routes and what each fails on, the winner and what put it
 * first, its parameters, chain and action. */
void explain_sample(struct sbuf *out, struct arena *a, const struct plan *p, struct sample *s);
/* "backend users (http://a:80, http://b:80)", "redirect 308", ... */
void explain_action(struct sbuf *out, const struct plan *p, const struct plan_action *action);
