/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "prove/diff.h"

#include "base/str.h"
#include "prove/explain.h"
#include "prove/walk.h"

#define MAX_CHANGES 100u

struct differ {
	struct sbuf *out;
	struct arena *arena;
	const struct plan *plans[2];
	struct str *outcomes[2]; /* by route */
	struct map reported;     /* pairs of routes */
	uint32_t n;
	bool undecided;
};

/* ---- outcomes as text ---- */

static void add_node(struct sbuf *out, const struct node *n)
{
	if (n != NULL)
		tree_to_json(out, n, false);
	sbuf_addc(out, '\n');
}

static void add_member(struct sbuf *out, const struct node *route, struct str key)
{
	const struct node *n = node_get(route, key);

	if (n == NULL)
		return;
	sbuf_add(out, key);
	add_node(out, n);
}

static void add_backend(struct sbuf *out, const struct plan_backend *b)
{
	for (uint32_t i = 0; i < b->n_servers; i++)
		sbuf_printf(out, "%s" STR_FMT, b->servers[i].model->node == NULL ? "url " : "",
			STR_ARG(b->servers[i].authority));
	add_node(out, b->model->node);
}

static struct str outcome_of(struct arena *a, const struct plan *p, const struct plan_route *r)
{
	static const struct str members[] = { STR_INIT("respond"), STR_INIT("redirect"),
		STR_INIT("files"), STR_INIT("rewrite"), STR_INIT("timeouts"), STR_INIT("limits"), STR_INIT("retry"),
		STR_INIT("errors"), STR_INIT("websocket") };
	struct sbuf out = { 0 };
	struct str text;

	sbuf_printf(&out, "%d %u\n", (int)r->action.kind, r->action.https_port);
	if (r->action.kind == PLAN_ACTION_BACKEND)
		add_backend(&out, &p->backends[r->action.backend]);
	for (uint32_t i = 0; r->action.kind == PLAN_ACTION_SPLIT && i < r->action.n_legs; i++) {
		sbuf_printf(&out, "%u ", r->action.legs[i].weight);
		add_backend(&out, &p->backends[r->action.legs[i].backend]);
	}
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		add_member(&out, r->model->node, members[i]);
	for (uint32_t i = 0; r->chain != PLAN_NONE && i < p->chains[r->chain].n; i++) {
		const struct m_middleware *m = p->mws[p->chains[r->chain].mws[i]].model;

		sbuf_printf(&out, "middleware %d ", (int)m->kind);
		add_node(&out, m->node);
	}
	text = arena_str(a, sbuf_str(&out));
	sbuf_fini(&out);
	return text;
}

static void find_outcomes(struct differ *f)
{
	for (uint32_t s = 0; s < 2; s++) {
		const struct plan *p = f->plans[s];

		f->outcomes[s] = ARENA_ARRAY(f->arena, struct str, p->n_routes);
		for (uint32_t i = 0; i < p->n_routes; i++)
			f->outcomes[s][i] = outcome_of(f->arena, p, &p->routes[i]);
	}
}

/* ---- places ---- */

static void add_side(struct differ *f, uint32_t side, uint32_t route)
{
	const struct plan *p = f->plans[side];

	sbuf_printf(f->out, "  %s ", side == 0 ? "was:" : "is: ");
	if (route == PLAN_NONE) {
		sbuf_adds(f->out, "no route\n");
		return;
	}
	sbuf_printf(f->out, "route '" STR_FMT "' (" STR_FMT "), ", STR_ARG(p->routes[route].name),
		STR_ARG(plan_place(p, f->arena, p->routes[route].at)));
	explain_action(f->out, p, &p->routes[route].action);
	for (uint32_t i = 0; p->routes[route].chain != PLAN_NONE &&
			     i < p->chains[p->routes[route].chain].n;
		i++)
		sbuf_printf(f->out, "%s" STR_FMT, i == 0 ? ", chain " : ", ",
			STR_ARG(p->mws[p->chains[p->routes[route].chain].mws[i]].name));
	sbuf_addc(f->out, '\n');
}

static bool differ_in(const struct differ *f, uint32_t x, uint32_t y)
{
	if (x == PLAN_NONE || y == PLAN_NONE)
		return x != y;
	return !str_eq(f->outcomes[0][x], f->outcomes[1][y]);
}

/* The route that a plan gives the sample, or PLAN_NONE. */
static uint32_t taker(
	struct arena *a, const struct plan *p, uint32_t listener, const struct sample *from)
{
	struct sample s = *from;
	uint32_t entry;

	s.listener = listener;
	entry = sample_lookup(a, p, &s).entry;
	return entry == PLAN_NONE ? PLAN_NONE : p->entries[entry].route;
}

/* A request of the piece, for which x and y are said to win: only what lookups confirm counts. */
static void change(struct differ *f, struct arena *scratch, const struct walk_place *place,
	const struct space *s, const uint64_t *piece, uint32_t x, uint32_t y)
{
	struct sample sample = {
		.listener = place->side[0].listener, .host = place->host, .path = place->path
	};
	struct str key = arena_printf(f->arena, "%u %u", x, y);
	struct str curl;

	if (map_get(&f->reported, key) != NULL)
		return;
	space_sample(s, piece, &sample);
	if (taker(scratch, f->plans[0], place->side[0].listener, &sample) != x ||
		taker(scratch, f->plans[1], place->side[1].listener, &sample) != y) {
		f->undecided = true;
		return;
	}
	map_add(&f->reported, key, f);
	f->n++;
	curl = sample_curl(scratch, f->plans[0], &sample);
	sbuf_printf(f->out, STR_FMT "\n",
		STR_ARG(curl.ptr == NULL ? STR("(a request that curl cannot send)") : curl));
	add_side(f, 0, x);
	add_side(f, 1, y);
}

/* The boxes in which each candidate of a side wins; the last is what none takes. */
static struct boxes *winners(struct space *s, const struct space_member *members, uint32_t n)
{
	struct boxes *won = ARENA_ARRAY(s->arena, struct boxes, (size_t)n + 1);
	struct boxes *rest = &won[n];

	vec_push(s->arena, rest, space_all(s));
	for (uint32_t i = 0; i < n; i++) {
		uint64_t *box = space_box(s, &members[i]);

		for (size_t k = 0; k < rest->n; k++) {
			uint64_t *common = space_common(s, rest->at[k], box);

			if (common != NULL)
				vec_push(s->arena, &won[i], common);
		}
		space_subtract(s, rest, box);
	}
	return won;
}

static uint32_t route_of(const struct differ *f, const struct walk_place *place, uint32_t side, uint32_t i)
{
	return i == place->side[side].n ? PLAN_NONE
					: f->plans[side]->entries[place->side[side].ranks[i]].route;
}

static bool visit(struct walk *w, struct arena *scratch, const struct walk_place *place)
{
	struct differ *f = w->ctx;
	uint32_t n_old = place->side[0].n, n_new = place->side[1].n;
	struct space_member *members =
		ARENA_ARRAY(scratch, struct space_member, (size_t)n_old + n_new);
	struct boxes *old, *new;
	struct space s;

	for (uint32_t i = 0; i < n_old + n_new; i++) {
		uint32_t side = i >= n_old;

		members[i] = (struct space_member){ f->plans[side],
			&f->plans[side]->routes[route_of(f, place, side, side ? i - n_old : i)] };
	}
	space_init(&s, scratch, members, n_old + n_new);
	space_confine(&s,
		(const struct plan_listener *[]){ &f->plans[0]->listeners[place->side[0].listener],
			&f->plans[1]->listeners[place->side[1].listener] },
		2);
	old = winners(&s, members, n_old);
	new = winners(&s, members + n_old, n_new);
	for (uint32_t i = 0; i <= n_old; i++)
		for (uint32_t k = 0; k <= n_new; k++) {
			uint32_t x = route_of(f, place, 0, i), y = route_of(f, place, 1, k);
			uint64_t *piece = NULL;

			for (size_t j = 0; differ_in(f, x, y) && j < old[i].n && piece == NULL; j++)
				piece = space_meets(&s, &new[k], old[i].at[j]);
			if (piece != NULL)
				change(f, scratch, place, &s, piece, x, y);
		}
	f->undecided |= s.undecided;
	return f->n < MAX_CHANGES;
}

static void add_listeners(struct differ *f, uint32_t side)
{
	const struct plan *p = f->plans[side];

	for (uint32_t i = 0; i < p->n_listeners; i++) {
		if (walk_listener(p, i, f->plans[1 - side]) != PLAN_NONE)
			continue;
		sbuf_printf(f->out, "listener '" STR_FMT "' %s\n",
			STR_ARG(p->listeners[i].model->name.value),
			side == 0 ? "is gone" : "is new");
		f->n++;
	}
}

uint32_t diff_plans(struct sbuf *out, struct arena *a, const struct plan *old, const struct plan *new,
	bool *is_complete_out)
{
	struct differ f = { .out = out, .arena = a, .plans = { old, new } };
	struct walk w = { .plans = { old, new }, .visit = visit, .ctx = &f };

	map_init(&f.reported, a);
	find_outcomes(&f);
	add_listeners(&f, 0);
	add_listeners(&f, 1);
	walk_run(&w);
	*is_complete_out = !w.undecided && !f.undecided && f.n < MAX_CHANGES;
	return f.n;
}
