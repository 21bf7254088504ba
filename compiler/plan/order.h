/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The order of routes: which of two entries that both take a request wins. One documented order,
 * one function per key of it; the functions apply in the order in which they stand here.
 * Negative: x wins; positive: y wins; 0: they tie in this key.
 *
 * Every key is a weak order over all entries (not only over those that overlap), so that sorting
 * by it is well defined. */
#pragma once

#include "plan/plan.h"

/* Higher priority first. */
int order_by_priority(const struct plan *p, const struct plan_entry *x, const struct plan_entry *y);
/* An exact host, then the longest wildcard, then any. */
int order_by_host(const struct plan *p, const struct plan_entry *x, const struct plan_entry *y);
/* An exact path; then templates and prefixes, segment by segment from the left (a literal before
 * a parameter before a prefix's closing slash, more segments before fewer), with equal shapes a
 * template before a prefix; then a regex; then no path at all. */
int order_by_path(const struct plan *p, const struct plan_entry *x, const struct plan_entry *y);
/* One that names methods first. */
int order_by_method(const struct plan *p, const struct plan_entry *x, const struct plan_entry *y);
/* More matches first: header fields, then query parameters, then cookies. */
int order_by_headers(const struct plan *p, const struct plan_entry *x, const struct plan_entry *y);
int order_by_query(const struct plan *p, const struct plan_entry *x, const struct plan_entry *y);
int order_by_cookies(const struct plan *p, const struct plan_entry *x, const struct plan_entry *y);
/* One that names a scheme first; then one that names sources. */
int order_by_scheme(const struct plan *p, const struct plan_entry *x, const struct plan_entry *y);
int order_by_source(const struct plan *p, const struct plan_entry *x, const struct plan_entry *y);
int order_by_client(const struct plan *p, const struct plan_entry *x, const struct plan_entry *y);
int order_by_sni(const struct plan *p, const struct plan_entry *x, const struct plan_entry *y);

/* All of the above. 0: the two tie, and file order decides if routing.ties lets it. */
int order_compare(const struct plan *p, const struct plan_entry *x, const struct plan_entry *y);

/* All but the priority. */
int order_without_priority(
	const struct plan *p, const struct plan_entry *x, const struct plan_entry *y);
/* The name of the first key in which the two differ, for people ("an exact host before a
 * wildcard"); NULL if they tie. */
const char *order_reason(const struct plan *p, const struct plan_entry *x, const struct plan_entry *y);

/* Sorts p->entries, tied ones in file order. */
void order_sort(struct plan *p);
