/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The inside of plan_build: its state and its steps, one build_*.c each. Everybody else uses
 * plan/plan.h.
 *
 * Steps run in the order in which they stand here; each leaves its arrays in the plan complete. */
#pragma once

#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"
#include "plan/plan.h"

struct builder {
	struct arena *arena;
	struct diags *diags;
	const struct model *model;
	struct plan *plan;
	/* Model things by name; the value is the model's struct. */
	struct map backend_names, mw_names, certificate_names;
	/* Plan things by a key that says all about them; the value is made by index_value. */
	struct map path_ids, matcher_ids, group_ids, chain_ids, mw_ids, backend_ids, method_bits,
		certificate_ids;
	VEC(struct plan_path) paths;
	VEC(struct plan_matcher) matchers;
	VEC(struct plan_group) groups;
	VEC(struct plan_chain) chains;
	VEC(struct plan_mw) mws;
	VEC(struct plan_backend) backends;
	VEC(const struct m_certificate *) certificates;
	VEC(struct plan_entry) entries;
	VEC(struct str) extra_methods;
	bool is_full; /* some entries had no room: there is no sense in going on */
};

/* Indexes as map values, which must not be NULL. */
static inline void *index_value(uint32_t i)
{
	return (void *)((uintptr_t)i + 1);
}

/* PLAN_NONE if absent. */
static inline uint32_t index_get(const struct map *m, struct str key)
{
	uintptr_t v = (uintptr_t)map_get(m, key);

	return v == 0 ? PLAN_NONE : (uint32_t)(v - 1);
}

/* A part of the model names something that is not there: the checks have reported it, or they
 * have a bug. */
void plan_build_unresolved(const struct builder *b);

/* build_path.c: the language of a path form (NULL: any path) as an index into paths. */
uint32_t plan_build_path(struct builder *b, const struct m_path *form);

/* build_when.c: everything about a match but its host, path and methods. */
void plan_build_when(struct builder *b, const struct plan_route *r, struct plan_when *when);

/* build_route.c: fills p->routes, and b->entries in file order. */
void plan_build_routes(struct builder *b);

/* build_template.c: a template with the path parameters of route r (NULL: it has none). */
struct plan_template plan_build_template(
	struct builder *b, const struct plan_route *r, const struct m_template *t);
/* Appends the numbers of the path parameters that the template names, to tell two of its
 * resolutions apart. */
void plan_build_template_key(
	const struct plan_route *r, const struct m_template *t, struct sbuf *key);

/* build_chain.c: the middlewares of route r, and its action. */
void plan_build_chain(struct builder *b, struct plan_route *r);
void plan_build_action(struct builder *b, struct plan_route *r);

/* build_tls.c: NULL for clear text. */
const struct plan_tls *plan_build_tls(struct builder *b, const struct m_listener *l);
const struct plan_tls_client *plan_build_tls_client(struct builder *b, const struct m_backend *m);

/* build_matcher.c: the groups for the entries with these ranks (ascending), appended to
 * *groups_out. Usually one: regexes are kept apart, and apart from each other as long as they
 * multiply states. */
struct rank_vec {
	uint32_t *at;
	size_t n, cap;
};
void plan_build_groups(struct builder *b, struct str hosts, const struct rank_vec *ranks,
	struct rank_vec *groups_out);

/* Reports a pattern, named by `what`, that needs more than `budget` states, alone or with others, and how many it needs by itself. */
void plan_build_too_many_states(struct builder *b, struct span at, struct str what, struct re *re, uint32_t budget);

/* build_router.c: listeners, routers, and through build_groups all that they need. */
void plan_build_routers(struct builder *b);
