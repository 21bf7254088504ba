/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "prove/invariants.h"

#include "base/str.h"
#include "prove/walk.h"

#define MAX_BREACHES 5u

struct judge {
	struct arena *arena;
	struct diags *diags;
	const struct plan *p, *kind;
	const struct m_invariant *invariant;
	bool *is_breach;   /* by route: it lacks what is required */
	bool *is_reported; /* by route */
	uint32_t n_reported;
	bool undecided, is_met;
};

static const char *action_name(enum plan_action_kind kind)
{
	static const char *const names[] = {
		[PLAN_ACTION_BACKEND] = "backend",
		[PLAN_ACTION_SPLIT] = "split",
		[PLAN_ACTION_RESPOND] = "respond",
		[PLAN_ACTION_REDIRECT] = "redirect",
		[PLAN_ACTION_ECHO] = "echo",
	};

	return (size_t)kind < sizeof(names) / sizeof(names[0]) && names[kind] != NULL ? names[kind]
										    : "files";
}

/* The first required middleware that the route's chain lacks, or NULL. */
static const struct m_str *missing(const struct judge *j, const struct plan_route *r)
{
	const struct m_strs *want = &j->invariant->middlewares;

	for (size_t i = 0; i < want->n; i++) {
		bool found = false;

		for (uint32_t k = 0; r->chain != PLAN_NONE && k < j->p->chains[r->chain].n; k++)
			found |= str_eq(
				j->p->mws[j->p->chains[r->chain].mws[k]].name, want->at[i].value);
		if (!found)
			return &want->at[i];
	}
	return NULL;
}

static bool has_action(const struct judge *j, const struct plan_route *r)
{
	struct str want = j->invariant->action.value;

	return want.ptr == NULL || str_eq(want, str_of(action_name(r->action.kind)));
}

static struct str invariant_name(struct judge *j)
{
	struct str name = j->invariant->name.value;

	return name.ptr != NULL ? arena_printf(j->arena, "invariant '" STR_FMT "'", STR_ARG(name))
				: STR("the invariant");
}

static void report(struct judge *j, uint32_t route, struct sample *sample)
{
	const struct plan_route *r = &j->p->routes[route];
	const struct m_str *mw = missing(j, r);
	struct str curl = sample_curl(j->arena, j->p, sample);
	struct str name = invariant_name(j);

	j->is_reported[route] = true;
	if (j->n_reported++ >= MAX_BREACHES)
		return;
	if (mw != NULL)
		diag_report(j->diags, DIAG_INVARIANT_BROKEN, j->invariant->node->span,
			STR_FMT " does not hold: route '" STR_FMT "' has no middleware '" STR_FMT "'",
			STR_ARG(name), STR_ARG(r->name), STR_ARG(mw->value));
	else
		diag_report(j->diags, DIAG_INVARIANT_BROKEN, j->invariant->node->span,
			STR_FMT " does not hold: the action of route '" STR_FMT "' is %s, not " STR_FMT,
			STR_ARG(name), STR_ARG(r->name), action_name(r->action.kind),
			STR_ARG(j->invariant->action.value));
	node_where(j->diags, j->invariant->node);
	diag_note(j->diags, r->at, "'" STR_FMT "' is here", STR_ARG(r->name));
	if (curl.ptr != NULL)
		diag_note(j->diags, SPAN_NONE, "for example: " STR_FMT, STR_ARG(curl));
}

/* A request of the kind that the route takes; kept only if the plan says so. */
static void breach(struct judge *j, struct arena *scratch, uint32_t rank, const struct space *s,
	const uint64_t *piece, struct sample *sample)
{
	space_sample(s, piece, sample);
	if (sample_lookup(scratch, j->p, sample).entry == rank)
		report(j, j->p->entries[rank].route, sample);
	else
		j->undecided = true;
}

static bool visit(struct walk *w, struct arena *scratch, const struct walk_place *place)
{
	struct judge *j = w->ctx;
	const struct walk_side *side = &place->side[0];
	struct sample sample = {
		.listener = side->listener, .host = place->host, .path = place->path
	};
	struct space_member *members =
		ARENA_ARRAY(scratch, struct space_member, (size_t)side->n + 1);
	struct boxes rest = { 0 };
	struct space s;

	if (place->side[1].n == 0)
		return true;
	for (uint32_t i = 0; i < side->n; i++)
		members[i] = (struct space_member){ j->p,
			&j->p->routes[j->p->entries[side->ranks[i]].route] };
	members[side->n] = (struct space_member){ j->kind, &j->kind->routes[0] };
	space_init(&s, scratch, members, side->n + 1);
	space_confine(&s, (const struct plan_listener *[]){ &j->p->listeners[side->listener] }, 1);
	vec_push(scratch, &rest, space_box(&s, &members[side->n]));
	for (uint32_t i = 0; i < side->n && rest.n > 0; i++) {
		uint32_t route = j->p->entries[side->ranks[i]].route;
		uint64_t *box = space_box(&s, &members[i]);
		uint64_t *piece = space_meets(&s, &rest, box);

		j->is_met |= piece != NULL;
		if (piece != NULL && j->is_breach[route] && !j->is_reported[route])
			breach(j, scratch, side->ranks[i], &s, piece, &sample);
		space_subtract(&s, &rest, box);
	}
	j->undecided |= s.undecided;
	return j->n_reported < MAX_BREACHES;
}

/* By name, since routes without names leave out those that redirect. */
static struct m_strs all_listeners(struct arena *a, const struct plan *p)
{
	struct m_strs names = { ARENA_ARRAY(a, struct m_str, p->n_listeners), p->n_listeners };

	for (uint32_t i = 0; i < p->n_listeners; i++)
		names.at[i] = p->listeners[i].model->name;
	return names;
}

/* The plan of one route that takes what the invariant is about. */
static const struct plan *plan_of_kind(struct judge *j)
{
	struct model *m = ARENA_NEW(j->arena, struct model);
	struct m_route *route = ARENA_NEW(j->arena, struct m_route);
	struct diags *muted = ARENA_NEW(j->arena, struct diags);
	const struct plan *plan;

	*m = *j->p->model;
	*route = (struct m_route){
		.listeners = all_listeners(j->arena, j->p),
		.match = j->invariant->match, .action = { .kind = M_ACTION_ECHO }
	};
	m->routes = route;
	m->n_routes = 1;
	diag_init(muted, j->arena);
	plan = plan_build(j->arena, muted, m);
	return diag_failed(muted) ? NULL : plan;
}

static bool names_are_known(struct judge *j)
{
	const struct model *m = j->p->model;
	const struct m_strs *want = &j->invariant->middlewares;

	for (size_t i = 0; i < want->n; i++) {
		bool found = false;

		for (size_t k = 0; k < m->n_middlewares && !found; k++)
			found = str_eq(m->middlewares[k].name.value, want->at[i].value);
		if (found)
			continue;
		diag_report(j->diags, DIAG_INVARIANT_WRONG, want->at[i].at,
			"there is no middleware '" STR_FMT "' in use or defined",
			STR_ARG(want->at[i].value));
		node_where(j->diags, j->invariant->node);
		return false;
	}
	return true;
}

static void prove_one(struct judge *j)
{
	struct walk w = { .visit = visit, .ctx = j };
	struct str name = invariant_name(j);

	if (!names_are_known(j))
		return;
	j->kind = plan_of_kind(j);
	for (uint32_t i = 0; i < j->p->n_routes; i++) {
		const struct plan_route *r = &j->p->routes[i];

		j->is_reported[i] = false;
		j->is_breach[i] = missing(j, r) != NULL || !has_action(j, r);
	}
	w.plans[0] = j->p;
	w.plans[1] = j->kind;
	if (j->kind != NULL)
		walk_run(&w);
	if (j->n_reported > 0)
		return;
	if (j->kind == NULL || w.undecided || j->undecided)
		diag_report(j->diags, DIAG_INVARIANT_OPEN, j->invariant->node->span,
			STR_FMT " was not decided within the limits", STR_ARG(name));
	else if (!j->is_met)
		diag_report(j->diags, DIAG_INVARIANT_EMPTY, j->invariant->node->span,
			STR_FMT " is about requests that no route takes", STR_ARG(name));
	else
		return;
	node_where(j->diags, j->invariant->node);
}

void prove_invariants(struct arena *a, struct diags *d, const struct plan *p)
{
	for (size_t i = 0; i < p->model->n_invariants; i++) {
		struct judge j = {
			.arena = a,
			.diags = d,
			.p = p,
			.invariant = &p->model->invariants[i],
			.is_breach = ARENA_ARRAY(a, bool, p->n_routes),
			.is_reported = ARENA_ARRAY(a, bool, p->n_routes),
		};

		if (!j.invariant->poisoned)
			prove_one(&j);
	}
}
