/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "prove/reach.h"

#include "base/check.h"
#include "base/str.h"
#include "base/uri.h"
#include "prove/walk.h"

struct finder {
	struct arena *arena;
	const struct plan *p;
	struct reach *out;
	/* By entry: what is known so far. */
	bool *is_met;  /* something of its box is left in some place */
	bool **wanted; /* [router][list]: to be walked */
	uint32_t n_open;
};

/* ---- one place ---- */

static struct space_member member_of(const struct plan *p, uint32_t rank)
{
	return (struct space_member){ p, &p->routes[p->entries[rank].route] };
}

static struct space_member *members_of(
	struct arena *a, const struct plan *p, const uint32_t *ranks, uint32_t n)
{
	struct space_member *members = ARENA_ARRAY(a, struct space_member, n);

	for (uint32_t i = 0; i < n; i++)
		members[i] = member_of(p, ranks[i]);
	return members;
}

/* Says that the entry takes this request, if that is so. */
static void settle(struct finder *f, struct arena *scratch, uint32_t rank, struct sample *sample)
{
	if (!sample_is_possible(f->p, sample) || sample_lookup(scratch, f->p, sample).entry != rank)
		return;
	f->out->verdicts[rank] = REACH_TAKES;
	sample_copy(f->arena, sample, &f->out->samples[rank]);
	f->n_open--;
}

/* Takes the candidates' boxes off one after the other. sample: listener, host and path of the
 * place; host ptr NULL: none is known, so that nothing can be settled here. is_walk: only what comes in at that listener counts. */
static void look_at_place(struct finder *f, struct arena *scratch, const uint32_t *ranks,
	uint32_t n, struct sample *sample, bool is_walk)
{
	struct space_member *members = members_of(scratch, f->p, ranks, n);
	struct boxes rest = { 0 };
	struct space s;

	space_init(&s, scratch, members, n);
	/* A group may serve other listeners besides the one where it is looked at. */
	if (is_walk)
		space_confine(&s, (const struct plan_listener *[]){ &f->p->listeners[sample->listener] }, 1);
	vec_push(scratch, &rest, space_all(&s));
	for (uint32_t i = 0; i < n; i++) {
		uint64_t *box = space_box(&s, &members[i]);
		uint64_t *piece = space_meets(&s, &rest, box);

		if ((piece != NULL || s.undecided) && f->out->verdicts[ranks[i]] == REACH_OPEN) {
			f->is_met[ranks[i]] = true;
			if (piece != NULL && sample->host.ptr != NULL) {
				space_sample(&s, piece, sample);
				settle(f, scratch, ranks[i], sample);
			}
		}
		space_subtract(&s, &rest, box);
	}
}

/* ---- the groups, each in the list where it has least company ---- */

struct home {
	uint32_t listener, list;
	uint32_t company; /* other groups of the list; UINT32_MAX: no list so far */
	struct str host;
};

/* A host that the list serves; STR_NONE if none comes to mind. */
static struct str list_host(struct arena *a, const struct plan_router *r, uint32_t list)
{
	static const struct str names[] = { STR_INIT("localhost"), STR_INIT("other.example") };
	static const char *const labels[] = { "www", "a", "x1" };

	for (size_t i = 0; i < ARRAY_LEN(names) && list == 0; i++)
		if (lookup_list(r, names[i]) == list)
			return names[i];
	for (uint32_t i = 0; i < r->n_atoms; i++) {
		bool is_exact = r->atoms[i].kind == PLAN_HOST_EXACT;

		if (r->list_of_atom[i] != list)
			continue;
		for (size_t k = 0; k < (is_exact ? 1 : ARRAY_LEN(labels)); k++) {
			struct str host = arena_printf(a, "%s" STR_FMT, is_exact ? "" : labels[k],
				STR_ARG(r->atoms[i].at[0]));

			if (lookup_list(r, host) == list)
				return host;
		}
	}
	return STR_NONE;
}

static void find_homes(struct finder *f, struct home *homes)
{
	const struct plan *p = f->p;

	for (uint32_t g = 0; g < p->n_groups; g++)
		homes[g].company = UINT32_MAX;
	for (uint32_t l = p->n_listeners; l > 0; l--) {
		const struct plan_router *r = &p->routers[p->listeners[l - 1].router];

		for (uint32_t i = 0; i < r->n_lists; i++)
			for (uint32_t k = 0; k < r->lists[i].n; k++) {
				struct home *h = &homes[r->lists[i].groups[k]];

				if (r->lists[i].n > h->company)
					continue;
				*h = (struct home){ l - 1, i, r->lists[i].n, STR_NONE };
			}
	}
}

static void look_at_group(struct finder *f, uint32_t index, struct home *home)
{
	const struct plan_group *g = &f->p->groups[index];
	const struct dfa *d = &f->p->matchers[g->matcher].dfa;
	const struct plan_router *r = &f->p->routers[f->p->listeners[home->listener].router];
	struct plan_accepts *accepts;
	struct arena keep, scratch;
	struct str *paths;

	arena_init_unbounded(&keep);
	arena_init_unbounded(&scratch);
	accepts = plan_accepts_by_set(f->p, &keep, g);
	paths = dfa_witnesses(d, &keep);
	home->host = list_host(&keep, r, home->list);
	for (uint32_t s = 1; s < d->n_sets; s++) {
		struct sample sample = { .listener = home->listener, .host = home->host };
		uint32_t *ranks = ARENA_ARRAY(&scratch, uint32_t, accepts[s].n);
		struct str query;

		for (uint32_t i = 0; i < accepts[s].n; i++)
			ranks[i] = accepts[s].at[i].entry;
		/* A path that no request has shows nothing. */
		if (paths[s].ptr == NULL || uri_normalise(&scratch, paths[s], f->p->uri_policy,
						    &sample.path, &query) != URI_OK ||
			query.ptr != NULL || !str_eq(sample.path, paths[s]))
			sample.host = STR_NONE;
		look_at_place(f, &scratch, ranks, accepts[s].n, &sample, false);
		if (scratch.used > 1u << 20)
			arena_reset(&scratch);
	}
	arena_fini(&scratch);
	arena_fini(&keep);
}

/* ---- what is left ---- */

static bool visit(struct walk *w, struct arena *scratch, const struct walk_place *place)
{
	struct finder *f = w->ctx;
	const struct walk_side *side = &place->side[0];
	struct sample sample = {
		.listener = side->listener, .host = place->host, .path = place->path
	};

	for (uint32_t i = 0; i < side->n; i++) {
		if (f->out->verdicts[side->ranks[i]] != REACH_OPEN)
			continue;
		look_at_place(f, scratch, side->ranks, side->n, &sample, true);
		break;
	}
	return f->n_open > 0;
}

/* The lists of the groups in which open entries are. */
static void want_lists(struct finder *f, const bool *group_is_open)
{
	const struct plan *p = f->p;

	f->wanted = ARENA_ARRAY(f->arena, bool *, p->n_routers);
	for (uint32_t i = 0; i < p->n_routers; i++) {
		const struct plan_router *r = &p->routers[i];

		f->wanted[i] = ARENA_ARRAY(f->arena, bool, r->n_lists);
		for (uint32_t l = 0; l < r->n_lists; l++)
			for (uint32_t k = 0; k < r->lists[l].n; k++)
				f->wanted[i][l] |= group_is_open[r->lists[l].groups[k]];
	}
}

/* An entry that the groups left open may yet be shown to take something, or nothing, where all
 * groups of its hosts are looked at together. */
static void walk_open(struct finder *f)
{
	const struct plan *p = f->p;
	bool *group_is_open = ARENA_ARRAY(f->arena, bool, p->n_groups);
	struct walk w = { .plans = { p, NULL }, .visit = visit, .ctx = f };
	bool any = false;

	for (uint32_t g = 0; g < p->n_groups; g++)
		for (uint32_t i = 0; i < p->groups[g].n_slots; i++) {
			uint32_t rank = p->groups[g].slots[i].entry;

			group_is_open[g] |= f->out->verdicts[rank] == REACH_OPEN;
		}
	for (uint32_t g = 0; g < p->n_groups; g++)
		any |= group_is_open[g];
	if (!any)
		return;
	want_lists(f, group_is_open);
	w.wanted = (const bool *const *)f->wanted;
	for (uint32_t i = 0; i < p->n_entries; i++)
		if (f->out->verdicts[i] == REACH_OPEN)
			f->is_met[i] = false;
	walk_run(&w);
	for (uint32_t i = 0; i < p->n_entries; i++)
		if (f->out->verdicts[i] == REACH_OPEN && !f->is_met[i] && !w.undecided)
			f->out->verdicts[i] = REACH_NEVER;
}

void reach_find(struct arena *a, const struct plan *p, struct reach *out)
{
	struct finder f = {
		.arena = a,
		.p = p,
		.out = out,
		.is_met = ARENA_ARRAY(a, bool, p->n_entries),
		.n_open = p->n_entries,
	};
	struct home *homes = ARENA_ARRAY(a, struct home, p->n_groups);

	out->verdicts = ARENA_ARRAY(a, enum reach_verdict, p->n_entries);
	out->samples = ARENA_ARRAY(a, struct sample, p->n_entries);
	find_homes(&f, homes);
	for (uint32_t g = 0; g < p->n_groups; g++)
		if (homes[g].company != UINT32_MAX)
			look_at_group(&f, g, &homes[g]);
	/* What the others of its own group leave nothing of needs no walk: more groups only take
	 * more. */
	for (uint32_t i = 0; i < p->n_entries; i++)
		if (out->verdicts[i] == REACH_OPEN && !f.is_met[i]) {
			out->verdicts[i] = REACH_NEVER;
			f.n_open--;
		}
	if (f.n_open > 0)
		walk_open(&f);
}

void reach_dump(struct sbuf *out, struct arena *a, const struct plan *p)
{
	struct reach r;

	reach_find(a, p, &r);
	for (uint32_t i = 0; i < p->n_entries; i++) {
		struct str text = STR("undecided");

		if (r.verdicts[i] == REACH_NEVER)
			text = STR("never");
		if (r.verdicts[i] == REACH_TAKES)
			text = sample_curl(a, p, &r.samples[i]);
		sbuf_printf(out, STR_FMT ": " STR_FMT "\n", STR_ARG(p->routes[p->entries[i].route].name),
			STR_ARG(text.ptr == NULL ? STR("a request that cannot be written as a command") : text));
	}
}
