/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is said about routes that never take a request: which others take all that they match. */
#include "base/str.h"
#include "base/uri.h"
#include "prove/reach.h"
#include "prove/walk.h"

/* Walks for one route's sake; the rest is told without names. */
#define MAX_WALKS 20u
#define MAX_NAMED 4u

struct hunt {
	struct arena *arena;
	struct diags *diags;
	const struct plan *p;
	const struct reach *reach;
	uint32_t n_walks;
	/* the route at hand */
	uint32_t route;
	VEC(uint32_t) hiders; /* routes */
	struct sample sample; /* host ptr NULL: none so far */
	bool is_matched;      /* some request could match it at all */
	bool is_possible;     /* some of these could come in at its listeners */
};

static void add_hider(struct hunt *h, uint32_t route)
{
	for (size_t i = 0; i < h->hiders.n; i++)
		if (h->hiders.at[i] == route)
			return;
	if (route != h->route)
		vec_push(h->arena, &h->hiders, route);
}

/* Keeps a request of the piece, to be shown. */
static void keep_sample(
	struct hunt *h, const struct space *s, const uint64_t *piece, const struct sample *place)
{
	struct sample sample = *place;

	if (h->sample.host.ptr != NULL)
		return;
	space_sample(s, piece, &sample);
	sample_copy(h->arena, &sample, &h->sample);
}

/* Takes the earlier ones' boxes off that of ranks[at]. */
static void look_at_place(struct hunt *h, struct arena *scratch, const uint32_t *ranks, uint32_t at,
	const struct sample *place)
{
	struct space_member *members = ARENA_ARRAY(scratch, struct space_member, at + 1);
	struct boxes rest = { 0 };
	struct space s;

	for (uint32_t i = 0; i <= at; i++)
		members[i] = (struct space_member){ h->p,
			&h->p->routes[h->p->entries[ranks[i]].route] };
	space_init(&s, scratch, members, at + 1);
	space_confine(&s, (const struct plan_listener *[]){ &h->p->listeners[place->listener] }, 1);
	vec_push(scratch, &rest, space_box(&s, &members[at]));
	h->is_possible |= space_common(&s, rest.at[0], rest.at[0]) != NULL;
	for (uint32_t i = 0; i < at && rest.n > 0; i++) {
		uint64_t *box = space_box(&s, &members[i]);
		uint64_t *piece = space_meets(&s, &rest, box);

		if (piece == NULL)
			continue;
		add_hider(h, h->p->entries[ranks[i]].route);
		keep_sample(h, &s, piece, place);
		space_subtract(&s, &rest, box);
	}
}

static bool visit(struct walk *w, struct arena *scratch, const struct walk_place *place)
{
	struct hunt *h = w->ctx;
	const struct walk_side *side = &place->side[0];
	struct sample sample = {
		.listener = side->listener, .host = place->host, .path = place->path
	};

	for (uint32_t i = 0; i < side->n; i++) {
		if (h->p->entries[side->ranks[i]].route != h->route)
			continue;
		h->is_matched = true;
		look_at_place(h, scratch, side->ranks, i, &sample);
	}
	return h->hiders.n <= MAX_NAMED;
}

static bool group_has(const struct plan *p, uint32_t group, uint32_t route)
{
	const struct plan_group *g = &p->groups[group];

	for (uint32_t i = 0; i < g->n_slots; i++)
		if (p->entries[g->slots[i].entry].route == route)
			return true;
	return false;
}

/* The lists in which the route is. */
static const bool *const *lists_with(struct hunt *h, uint32_t route)
{
	const struct plan *p = h->p;
	bool *has = ARENA_ARRAY(h->arena, bool, p->n_groups);
	const bool **wanted = ARENA_ARRAY(h->arena, const bool *, p->n_routers);

	for (uint32_t g = 0; g < p->n_groups; g++)
		has[g] = group_has(p, g, route);
	for (uint32_t i = 0; i < p->n_routers; i++) {
		const struct plan_router *r = &p->routers[i];
		bool *lists = ARENA_ARRAY(h->arena, bool, r->n_lists);

		wanted[i] = lists;
		for (uint32_t l = 0; l < r->n_lists; l++)
			for (uint32_t k = 0; k < r->lists[l].n; k++)
				lists[l] |= has[r->lists[l].groups[k]];
	}
	return wanted;
}

static void hunt(struct hunt *h, uint32_t route)
{
	struct walk w = { .plans = { h->p, NULL }, .visit = visit, .ctx = h };

	h->route = route;
	h->hiders.n = 0;
	h->hiders.at = NULL;
	h->hiders.cap = 0;
	h->sample = (struct sample){ 0 };
	h->is_matched = h->is_possible = false;
	if (h->n_walks++ == MAX_WALKS) {
		h->n_walks = MAX_WALKS;
		h->is_matched = h->is_possible = true;
		return;
	}
	w.wanted = lists_with(h, route);
	walk_run(&w);
	h->is_matched |= w.undecided;
	h->is_possible |= w.undecided;
}

static struct str named(struct hunt *h)
{
	const struct plan_route *routes = h->p->routes;
	const uint32_t *at = h->hiders.at;

	switch (h->hiders.n) {
	case 0:
		return STR("earlier routes together come");
	case 1:
		return arena_printf(
			h->arena, "'" STR_FMT "' comes", STR_ARG(routes[at[0]].name));
	case 2:
		return arena_printf(h->arena, "'" STR_FMT "' and '" STR_FMT "' together come",
			STR_ARG(routes[at[0]].name), STR_ARG(routes[at[1]].name));
	default:
		return arena_printf(h->arena,
			"'" STR_FMT "', '" STR_FMT "' and %s together come",
			STR_ARG(routes[at[0]].name), STR_ARG(routes[at[1]].name),
			h->hiders.n == 3 ? "one more" : "others");
	}
}

/* That no listener has its scheme was said by the checks. */
static bool has_scheme(const struct plan *p, const struct plan_route *r)
{
	for (uint32_t i = 0; i < r->n_listeners; i++) {
		const struct plan_listener *l = &p->listeners[r->listeners[i]];

		if ((r->when.http && plan_takes_scheme(l, false)) || (r->when.https && plan_takes_scheme(l, true)))
			return true;
	}
	return false;
}

static bool asks_for(const struct plan_route *r, enum toron_where where)
{
	for (uint32_t i = 0; i < r->when.n_fields; i++)
		if (r->when.fields[i].where == where && !r->when.fields[i].absent)
			return true;
	return false;
}

static bool has_clients(const struct plan *p, const struct plan_route *r)
{
	for (uint32_t i = 0; i < r->n_listeners; i++)
		if (plan_asks_clients(&p->listeners[r->listeners[i]]))
			return true;
	return false;
}

static void report_impossible(struct hunt *h, const struct plan_route *r)
{
	if (!has_scheme(h->p, r))
		return;
	if (asks_for(r, TORON_IN_CLIENT) && !has_clients(h->p, r)) {
		diag_report(h->diags, DIAG_VALUE_NEVER, r->at,
			"route '" STR_FMT "' never takes a request: it wants a client certificate, and none of its listeners asks for one",
			STR_ARG(r->name));
		diag_note(h->diags, SPAN_NONE, "write client_auth: {mode: optional, ca: clients.pem} into the tls of an https listener");
		return;
	}
	if (r->methods == TORON_CONNECT) {
		diag_report(h->diags, DIAG_VALUE_NEVER, r->at,
			"route '" STR_FMT "' never takes a request: this gateway is no tunnel, CONNECT is answered with 501 before routes are asked",
			STR_ARG(r->name));
		return;
	}
	if (!asks_for(r, TORON_IN_SNI)) {
		diag_report(h->diags, DIAG_VALUE_NEVER, r->at,
			"route '" STR_FMT "' never takes a request: none has the values that it asks for in header fields, query or cookies",
			STR_ARG(r->name));
		for (uint32_t i = 0; i < r->when.n_headers; i++)
			if (lookup_is_hop_by_hop(r->when.fields[i].name))
				diag_note(h->diags, SPAN_NONE, "'" STR_FMT "' concerns one connection, and is taken off before routes are asked",
					STR_ARG(r->when.fields[i].name));
		return;
	}
	diag_report(h->diags, DIAG_SNI_NEVER, r->at,
		"route '" STR_FMT "' never takes a request: none with the server name (sni) that it asks for comes in",
		STR_ARG(r->name));
	for (uint32_t i = 0; i < r->n_listeners && i < MAX_NAMED; i++) {
		const struct plan_listener *l = &h->p->listeners[r->listeners[i]];

		if (l->tls == NULL)
			diag_note(h->diags, l->model->name.at, "the listener '" STR_FMT "' speaks plain http: there is no TLS that names a server",
				STR_ARG(l->model->name.value));
	}
}

/* The first of its path forms, as an example of what is asked for in vain; entries of a route that never takes a request are few. */
static const struct plan_entry *first_entry(const struct plan *p, uint32_t route)
{
	const struct plan_entry *e = p->entries;

	while (e->route != route)
		e++;
	return e;
}

/* A path that the route takes, and what is made of it before it is routed. */
static void note_reading(struct hunt *h, uint32_t route)
{
	const struct plan_route *r = &h->p->routes[route];
	const struct plan_entry *e = first_entry(h->p, route);
	struct sample s = { .listener = r->listeners[0], .scheme = r->when.http ? STR("http") : STR("https") };
	struct str read, query, curl;
	enum uri_error error;
	struct dfa alone;
	uint32_t culprit;

	if (dfa_build(h->arena, &h->p->paths[e->path].re, 1, PLAN_STATES_REGEX, &alone, &culprit) != DFA_OK)
		return;
	s.method = sample_method(h->p, r->methods == 0 ? TORON_GET : r->methods & -r->methods);
	s.host = e->hosts.kind == PLAN_HOST_EXACT ? e->hosts.at[0] : STR("");
	s.path = dfa_witness(&alone, h->arena, 1);
	curl = s.path.ptr == NULL || s.path.len == 0 || s.path.ptr[0] != '/' ? STR_NONE : sample_curl(h->arena, h->p, &s);
	if (curl.ptr == NULL)
		return;
	error = uri_normalise(h->arena, s.path, h->p->uri_policy, &read, &query);
	if (error != URI_OK)
		diag_note(h->diags, SPAN_NONE, "for example, '" STR_FMT "' is refused, %s: " STR_FMT " --path-as-is", STR_ARG(s.path),
			uri_error_text(error), STR_ARG(curl));
	else
		diag_note(h->diags, SPAN_NONE, "for example, '" STR_FMT "' is read as '" STR_FMT "': " STR_FMT " --path-as-is",
			STR_ARG(s.path), STR_ARG(read), STR_ARG(curl));
}

static void report_hidden(struct hunt *h, uint32_t route)
{
	const struct plan_route *r = &h->p->routes[route];
	struct str curl = STR_NONE;
	struct str by;

	hunt(h, route);
	if (!h->is_matched) {
		diag_report(h->diags, DIAG_PATH_NEVER, r->at,
			"route '" STR_FMT "' never takes a request: no normalised path is matched by it",
			STR_ARG(r->name));
		note_reading(h, route);
		return;
	}
	if (!h->is_possible) {
		report_impossible(h, r);
		return;
	}
	by = named(h);
	diag_report(h->diags, DIAG_ROUTE_HIDDEN, r->at,
		"route '" STR_FMT "' never takes a request: " STR_FMT
		" first for all that it matches",
		STR_ARG(r->name), STR_ARG(by));
	for (size_t i = 0; i < h->hiders.n && i < MAX_NAMED; i++) {
		const struct plan_route *hider = &h->p->routes[h->hiders.at[i]];

		diag_note(h->diags, hider->at, "'" STR_FMT "' is here", STR_ARG(hider->name));
	}
	if (h->sample.host.ptr != NULL)
		curl = sample_curl(h->arena, h->p, &h->sample);
	if (curl.ptr != NULL)
		diag_note(h->diags, SPAN_NONE, "for example, it does not get: " STR_FMT,
			STR_ARG(curl));
}

/* What the entries of a route come to. */
struct verdict {
	bool takes, open, never;
};

void reach_report(struct arena *a, struct diags *d, const struct plan *p, const struct reach *r,
	const bool *tied)
{
	struct verdict *of = ARENA_ARRAY(a, struct verdict, p->n_routes);
	struct hunt h = { .arena = a, .diags = d, .p = p, .reach = r };
	uint32_t first_open = PLAN_NONE;

	for (uint32_t i = 0; i < p->n_entries; i++) {
		struct verdict *v = &of[p->entries[i].route];

		v->takes |= r->verdicts[i] == REACH_TAKES;
		v->open |= r->verdicts[i] == REACH_OPEN;
		v->never |= r->verdicts[i] == REACH_NEVER;
	}
	for (uint32_t i = 0; i < p->n_routes; i++) {
		if (of[i].takes || tied[i])
			continue;
		if (of[i].open && first_open == PLAN_NONE)
			first_open = i;
		if (of[i].never && !of[i].open)
			report_hidden(&h, i);
	}
	if (first_open != PLAN_NONE)
		diag_report(d, DIAG_ROUTES_UNDECIDED, p->routes[first_open].at,
			"whether route '" STR_FMT
			"' ever takes a request was not decided within the limits",
			STR_ARG(p->routes[first_open].name));
}
