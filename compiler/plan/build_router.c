/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>

#include "base/check.h"
#include "base/str.h"
#include "plan/build.h"

/* A host pattern while its router is built. */
struct atom {
	enum plan_host_kind kind;
	struct str host;
	struct rank_vec ranks;  /* of the entries that name it, ascending */
	struct rank_vec groups; /* of these alone */
};

struct router_build {
	struct builder *b;
	struct plan_router *router;
	VEC(struct atom) atoms;
	struct map atom_ids; /* by "=api.example.com", "*.example.com" */
	struct map list_ids;
	struct rank_vec any_ranks, any_groups;
	VEC(struct plan_list) lists;
};

/* ---- which routes a listener has ---- */

static bool serves_all(const struct builder *b, const struct plan_route *r)
{
	return r->n_listeners == b->plan->n_listeners;
}

/* The routes that name this listener and not all; what names all is in every router. */
static void own_routes(struct builder *b, uint32_t listener, struct rank_vec *out)
{
	for (uint32_t i = 0; i < b->plan->n_routes; i++) {
		const struct plan_route *r = &b->plan->routes[i];

		for (uint32_t k = 0; k < r->n_listeners && !serves_all(b, r); k++)
			if (r->listeners[k] == listener) {
				vec_push(b->arena, out, i);
				break;
			}
	}
}

static void take_routes(struct builder *b, const struct rank_vec *own, struct plan_router *router)
{
	size_t k = 0;

	router->routes = ARENA_ARRAY(b->arena, uint32_t, b->plan->n_routes);
	for (uint32_t i = 0; i < b->plan->n_routes; i++) {
		bool is_own = k < own->n && own->at[k] == i;

		k += is_own;
		if (is_own || serves_all(b, &b->plan->routes[i]))
			router->routes[router->n_routes++] = i;
	}
}

/* ---- atoms ---- */

static struct str atom_key(struct arena *a, enum plan_host_kind kind, struct str host)
{
	return arena_printf(a, "%c" STR_FMT, kind == PLAN_HOST_EXACT ? '=' : '*', STR_ARG(host));
}

/* As the user writes it. */
static struct str atom_text(struct arena *a, enum plan_host_kind kind, struct str host)
{
	return arena_printf(a, "%s" STR_FMT, kind == PLAN_HOST_EXACT ? "" : "*", STR_ARG(host));
}

static struct atom *get_atom(struct router_build *r, enum plan_host_kind kind, struct str host)
{
	struct arena *a = r->b->arena;
	struct str key = atom_key(a, kind, host);
	uint32_t id = index_get(&r->atom_ids, key);

	if (id == PLAN_NONE) {
		id = (uint32_t)r->atoms.n;
		vec_push(a, &r->atoms, (struct atom){ .kind = kind, .host = host });
		CHECK(map_add(&r->atom_ids, key, index_value(id)));
	}
	return &r->atoms.at[id];
}

static void collect_atoms(struct router_build *r)
{
	struct arena *a = r->b->arena;
	const struct plan *p = r->b->plan;
	bool *in_router = ARENA_ARRAY(a, bool, p->n_routes);

	for (uint32_t i = 0; i < r->router->n_routes; i++)
		in_router[r->router->routes[i]] = true;
	for (uint32_t rank = 0; rank < p->n_entries; rank++) {
		const struct plan_entry *e = &p->entries[rank];

		if (!in_router[e->route])
			continue;
		if (e->hosts.kind == PLAN_HOST_ANY)
			vec_push(a, &r->any_ranks, rank);
		for (uint32_t i = 0; i < e->hosts.n; i++)
			vec_push(a, &get_atom(r, e->hosts.kind, e->hosts.at[i])->ranks, rank);
	}
}

/* Exact hosts by name, then wildcards from long to short, by name: the order of the host
 * matcher's patterns. */
static int compare_atoms(const void *x, const void *y)
{
	const struct atom *a = x;
	const struct atom *b = y;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->kind == PLAN_HOST_WILDCARD && a->host.len != b->host.len)
		return a->host.len > b->host.len ? -1 : 1;
	return str_cmp(a->host, b->host);
}

static void sort_atoms(struct router_build *r)
{
	struct arena *a = r->b->arena;

	if (r->atoms.n > 0)
		qsort(r->atoms.at, r->atoms.n, sizeof(*r->atoms.at), compare_atoms);
	map_init(&r->atom_ids, a);
	for (uint32_t i = 0; i < r->atoms.n; i++)
		CHECK(map_add(&r->atom_ids, atom_key(a, r->atoms.at[i].kind, r->atoms.at[i].host),
			index_value(i)));
}

/* ---- lists ---- */

static void append(struct arena *a, struct rank_vec *to, const struct rank_vec *from)
{
	for (size_t i = 0; i < from->n; i++)
		vec_push(a, to, from->at[i]);
}

static uint32_t intern_list(struct router_build *r, struct rank_vec *groups)
{
	struct arena *a = r->b->arena;
	struct str key = { (const char *)groups->at, groups->n * sizeof(*groups->at) };
	uint32_t id = index_get(&r->list_ids, key);

	if (id != PLAN_NONE)
		return id;
	id = (uint32_t)r->lists.n;
	vec_push(
		a, &r->lists, (struct plan_list){ .groups = groups->at, .n = (uint32_t)groups->n });
	CHECK(map_add(&r->list_ids, key, index_value(id)));
	return id;
}

/* What serves a host that this atom is the first to take: its own groups, those of the wildcards
 * above it, those for any host. */
static uint32_t atom_list(struct router_build *r, const struct atom *atom)
{
	struct arena *a = r->b->arena;
	struct rank_vec groups = { 0 };

	append(a, &groups, &atom->groups);
	for (size_t dot = 1; dot < atom->host.len; dot++) {
		struct str suffix = str_slice(atom->host, dot, atom->host.len);
		uint32_t id;

		if (suffix.ptr[0] != '.')
			continue;
		id = index_get(&r->atom_ids, atom_key(a, PLAN_HOST_WILDCARD, suffix));
		if (id != PLAN_NONE)
			append(a, &groups, &r->atoms.at[id].groups);
	}
	append(a, &groups, &r->any_groups);
	return intern_list(r, &groups);
}

static void make_groups(struct router_build *r)
{
	struct arena *a = r->b->arena;

	for (size_t i = 0; i < r->atoms.n; i++) {
		struct atom *atom = &r->atoms.at[i];

		plan_build_groups(
			r->b, atom_text(a, atom->kind, atom->host), &atom->ranks, &atom->groups);
	}
	plan_build_groups(r->b, STR("any host"), &r->any_ranks, &r->any_groups);
}

static void make_lists(struct router_build *r)
{
	struct plan_router *router = r->router;

	map_init(&r->list_ids, r->b->arena);
	CHECK(intern_list(r, &r->any_groups) == 0);
	router->n_atoms = (uint32_t)r->atoms.n;
	router->atoms = ARENA_ARRAY(r->b->arena, struct plan_hosts, r->atoms.n);
	router->list_of_atom = ARENA_ARRAY(r->b->arena, uint32_t, r->atoms.n);
	for (uint32_t i = 0; i < router->n_atoms; i++) {
		router->atoms[i] = (struct plan_hosts){
			.kind = r->atoms.at[i].kind, .at = &r->atoms.at[i].host, .n = 1
		};
		router->list_of_atom[i] = atom_list(r, &r->atoms.at[i]);
	}
	router->lists = r->lists.at;
	router->n_lists = (uint32_t)r->lists.n;
}

static void collect_groups(struct router_build *r)
{
	struct plan_router *router = r->router;
	struct arena *a = r->b->arena;
	bool *seen = ARENA_ARRAY(a, bool, r->b->groups.n);
	struct rank_vec groups = { 0 };

	for (uint32_t i = 0; i < router->n_lists; i++)
		for (uint32_t k = 0; k < router->lists[i].n; k++) {
			uint32_t g = router->lists[i].groups[k];

			if (!seen[g])
				vec_push(a, &groups, g);
			seen[g] = true;
		}
	router->groups = groups.at;
	router->n_groups = (uint32_t)groups.n;
	if (groups.n > PLAN_MAX_GROUPS)
		diag_report(r->b->diags, DIAG_TOO_MANY_ROUTES,
			r->b->plan->routes[router->routes[0]].at,
			"the hosts need %zu different sets of routes, and a listener can have %u",
			groups.n, PLAN_MAX_GROUPS);
}

/* ---- the host matcher ---- */

/* "*.example.com" takes one or more labels in front. */
static struct re *host_language(struct arena *a, const struct plan_hosts *atom)
{
	struct re *name = re_literal(a, atom->at[0], false);

	if (atom->kind == PLAN_HOST_EXACT)
		return name;
	return re_cat(a, re_repeat(a, re_not_bytes(a, STR("")), 1, -1), name);
}

static void make_host_matcher(struct router_build *r)
{
	struct arena *a = r->b->arena;
	struct plan_router *router = r->router;
	struct re **patterns = ARENA_ARRAY(a, struct re *, router->n_atoms);
	struct str *names = ARENA_ARRAY(a, struct str, router->n_atoms);
	uint32_t culprit;

	if (router->n_atoms == 0)
		return;
	for (uint32_t i = 0; i < router->n_atoms; i++) {
		patterns[i] = host_language(a, &router->atoms[i]);
		names[i] = atom_text(a, router->atoms[i].kind, router->atoms[i].at[0]);
	}
	router->hosts =
		(struct plan_matcher){ .names = names, .patterns = patterns, .n = router->n_atoms };
	if (dfa_build(a, patterns, router->n_atoms, PLAN_STATES_PATHS, &router->hosts.dfa,
		    &culprit) != DFA_OK)
		diag_report(r->b->diags, DIAG_TOO_MANY_ROUTES,
			r->b->plan->routes[router->routes[0]].at,
			"the host names need too many states (more than %u)", PLAN_STATES_PATHS);
}

static void build_router(struct builder *b, struct plan_router *router)
{
	struct router_build r = { .b = b, .router = router };

	map_init(&r.atom_ids, b->arena);
	collect_atoms(&r);
	sort_atoms(&r);
	make_groups(&r);
	make_lists(&r);
	collect_groups(&r);
	make_host_matcher(&r);
}

void plan_build_routers(struct builder *b)
{
	struct plan *p = b->plan;
	struct map ids;

	map_init(&ids, b->arena);
	p->routers = ARENA_ARRAY(b->arena, struct plan_router, p->n_listeners);
	for (uint32_t i = 0; i < p->n_listeners; i++) {
		struct rank_vec own = { 0 };
		struct str key;
		uint32_t id;

		own_routes(b, i, &own);
		key = (struct str){ (const char *)own.at, own.n * sizeof(*own.at) };
		id = index_get(&ids, key);
		if (id == PLAN_NONE) {
			id = p->n_routers++;
			take_routes(b, &own, &p->routers[id]);
			build_router(b, &p->routers[id]);
			CHECK(map_add(&ids, key, index_value(id)));
		}
		p->listeners[i].router = id;
	}
}
