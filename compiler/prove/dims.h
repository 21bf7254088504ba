/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The dimensions of a match besides the path: listeners, hosts, methods, fields, scheme, source.
 * Compares two entries in all of them at once. A field is taken to have one value: a request
 * that repeats it with different values is nobody's special case. */
#pragma once

#include "plan/plan.h"

/* States of a DFA that is built for one question. */
#define DIMS_STATES 20000u
/* Questions that need a DFA, for the whole proof. */
#define DIMS_QUESTIONS 20000u

struct dims {
	const struct plan *plan;
	struct arena scratch; /* reset for each question */
	uint32_t n_questions;
	bool undecided; /* some question was beyond the limits */
};

void dims_init(struct dims *d, const struct plan *p);
void dims_fini(struct dims *d);

/* Whether some request could be in both, as far as these dimensions go. Undecided counts as
 * true. */
bool dims_overlap(struct dims *d, const struct plan_entry *x, const struct plan_entry *y);
/* Whether every request of `narrow` is in `wide`, as far as these dimensions go. Undecided
 * counts as false. */
bool dims_cover(struct dims *d, const struct plan_entry *wide, const struct plan_entry *narrow);
/* The same for all but hosts, methods and listeners. */
bool dims_cover_when(
	struct dims *d, const struct plan_when *wide, const struct plan_when *narrow);
/* How two languages relate. False when that was not decided. */
bool dims_relate(struct dims *d, struct re *x, struct re *y, enum dfa_relation *relation_out);
/* A source range that both take, or NULL: when neither names any, or there is none. */
const struct m_cidr *dims_source(const struct plan_when *x, const struct plan_when *y);
/* The counterpart of a field in another match, or NULL. */
const struct plan_field *dims_field(const struct plan_when *w, const struct plan_field *f);
