/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "prove/explain.h"

#include <stdlib.h>

#include "base/str.h"
#include "base/vec.h"
#include "plan/order.h"
#include "prove/resolve.h"

/* Candidates that are shown behind the winner. */
#define MAX_BEHIND 5u

struct explainer {
	struct sbuf *out;
	struct arena *arena;
	const struct plan *p;
	const struct sample *s;
	struct lookup_request request;
	VEC(uint32_t) ranks; /* of the entries whose host and path take it, ascending */
	uint32_t bit;
};

static int compare_ranks(const void *x, const void *y)
{
	const uint32_t *a = x;
	const uint32_t *b = y;

	return *a < *b ? -1 : *a > *b;
}

static void find_candidates(struct explainer *e)
{
	const struct plan *p = e->p;
	const struct plan_router *r = &p->routers[p->listeners[e->s->listener].router];
	const struct plan_list *list = &r->lists[lookup_list(r, e->s->host)];

	for (uint32_t i = 0; i < list->n; i++) {
		const struct plan_group *g = &p->groups[list->groups[i]];
		const struct dfa *d = &p->matchers[g->matcher].dfa;
		uint32_t set = dfa_match(d, e->s->path);
		const struct plan_accepts *accepts = &plan_accepts_by_set(p, e->arena, g)[set];

		for (uint32_t k = 0; k < accepts->n; k++)
			vec_push(e->arena, &e->ranks, accepts->at[k].entry);
	}
	if (e->ranks.n > 1)
		qsort(e->ranks.at, e->ranks.n, sizeof(*e->ranks.at), compare_ranks);
}

static void add_host(struct explainer *e, const struct plan_hosts *h)
{
	if (h->kind == PLAN_HOST_ANY)
		sbuf_adds(e->out, "any host");
	for (uint32_t i = 0; i < h->n; i++)
		if (h->kind == PLAN_HOST_EXACT ? str_eq(h->at[i], e->s->host)
					       : str_ends(e->s->host, h->at[i]))
			sbuf_printf(e->out, "host %s" STR_FMT,
				h->kind == PLAN_HOST_WILDCARD ? "*" : "", STR_ARG(h->at[i]));
}

static void add_methods(struct explainer *e, uint32_t bits)
{
	const char *comma = "";

	for (uint32_t bit = 1; bit != 0 && bit < TORON_METHOD_OTHER; bit <<= 1) {
		if ((bits & bit) == 0)
			continue;
		sbuf_printf(e->out, "%s" STR_FMT, comma, STR_ARG(sample_method(e->p, bit)));
		comma = ", ";
	}
}

/* The first condition that does not hold; nothing if all do. */
static void add_failure(struct explainer *e, const struct plan_route *r)
{
	static const char *const kinds[] = { "header", "query parameter", "cookie", "server name", "client certificate's" };
	struct plan_when one = r->when;

	one.n_fields = 0;
	one.n_sources = 0;
	if (!lookup_when(e->arena, &one, &e->request)) {
		sbuf_printf(e->out, "fails on the scheme, which is not " STR_FMT,
			STR_ARG(e->s->scheme));
		return;
	}
	one.n_sources = r->when.n_sources;
	if (!lookup_when(e->arena, &one, &e->request)) {
		sbuf_adds(e->out, "fails on the source address");
		return;
	}
	for (uint32_t i = 0; i < r->when.n_fields; i++) {
		one.fields = &r->when.fields[i];
		one.n_fields = 1;
		if (lookup_when(e->arena, &one, &e->request))
			continue;
		sbuf_printf(e->out, "fails on the %s", kinds[one.fields->where]);
		if (one.fields->where != TORON_IN_SNI)
			sbuf_printf(e->out, " '" STR_FMT "'", STR_ARG(one.fields->name));
		return;
	}
	if (r->methods == 0) {
		sbuf_adds(e->out, "fails on the method, which a route must name");
		return;
	}
	sbuf_adds(e->out, "fails on the method, which is none of ");
	add_methods(e, r->methods);
}

static bool takes(struct explainer *e, const struct plan_route *r)
{
	return lookup_when(e->arena, &r->when, &e->request) &&
	       (plan_taken_methods(r) & e->bit) != 0;
}

static void add_candidate(struct explainer *e, uint32_t number, uint32_t rank, uint32_t winner)
{
	const struct plan_entry *entry = &e->p->entries[rank];
	const struct plan_route *r = &e->p->routes[entry->route];
	struct str place = plan_place(e->p, e->arena, r->at);

	sbuf_printf(e->out, "  %u. '" STR_FMT "' (" STR_FMT "): ", number, STR_ARG(r->name),
		STR_ARG(place));
	add_host(e, &entry->hosts);
	sbuf_printf(e->out, ", path " STR_FMT "\n     ", STR_ARG(e->p->paths[entry->path].key));
	if (rank == winner)
		sbuf_adds(e->out, "takes it");
	else if (takes(e, r))
		sbuf_printf(e->out, "would take it; comes later: the other has %s",
			order_reason(e->p, &e->p->entries[winner], entry) == NULL
				? "the earlier place in the file"
				: order_reason(e->p, &e->p->entries[winner], entry));
	else
		add_failure(e, r);
	sbuf_addc(e->out, '\n');
}

static void add_candidates(struct explainer *e, uint32_t winner)
{
	uint32_t n_behind = 0;

	sbuf_adds(e->out, e->ranks.n == 0 ? "candidates  none: no route takes this host and path\n"
					  : "candidates, in the order of routes\n");
	for (uint32_t i = 0; i < e->ranks.n; i++) {
		if (e->ranks.at[i] > winner && n_behind++ == MAX_BEHIND) {
			sbuf_printf(e->out, "  and %zu more behind\n", e->ranks.n - i);
			return;
		}
		add_candidate(e, i + 1, e->ranks.at[i], winner);
	}
}

void explain_action(struct sbuf *out, const struct plan *p, const struct plan_action *action)
{
	switch (action->kind) {
	case PLAN_ACTION_BACKEND: {
		const struct plan_backend *b = &p->backends[action->backend];

		sbuf_printf(out, "backend " STR_FMT " (", STR_ARG(b->model->name.value));
		for (uint32_t i = 0; i < b->n_servers; i++)
			sbuf_printf(out, "%s" STR_FMT, i == 0 ? "" : ", ",
				STR_ARG(b->servers[i].authority));
		sbuf_addc(out, ')');
		return;
	}
	case PLAN_ACTION_SPLIT:
		sbuf_adds(out, "split");
		for (uint32_t i = 0; i < action->n_legs; i++)
			sbuf_printf(out, "%s " STR_FMT " %u", i == 0 ? "" : ",",
				STR_ARG(p->backends[action->legs[i].backend].model->name.value),
				action->legs[i].weight);
		return;
	case PLAN_ACTION_RESPOND:
		sbuf_printf(out, "respond %u", action->status);
		return;
	case PLAN_ACTION_REDIRECT:
		sbuf_printf(out, "redirect %u", action->status);
		if (action->https_port != 0)
			sbuf_printf(out, " to https on port %u", action->https_port);
		return;
	case PLAN_ACTION_ECHO:
		sbuf_adds(out, "echo");
		return;
	default:
		sbuf_adds(out, "files");
	}
}

static void add_rewrite(struct explainer *e, uint32_t winner)
{
	struct str path, query, host;

	if (e->p->routes[e->p->entries[winner].route].rewrite == NULL)
		return;
	sbuf_adds(e->out, "sent as     ");
	switch (resolve_rewrite(e->arena, e->p, e->s, winner, &path, &query, &host)) {
	case RESOLVE_OK:
		sbuf_printf(e->out, STR_FMT "%s" STR_FMT ", host " STR_FMT "\n", STR_ARG(path),
			query.ptr == NULL ? "" : "?", STR_ARG(query), STR_ARG(host));
		return;
	case RESOLVE_UNKNOWN:
		sbuf_adds(e->out, "what only the running gateway knows\n");
		return;
	case RESOLVE_REFUSED:
		sbuf_adds(e->out, "nothing: the rewrite makes no path, which is answered 400\n");
	}
}

static void add_winner(struct explainer *e, uint32_t winner)
{
	const struct plan_entry *entry = &e->p->entries[winner];
	const struct plan_route *r = &e->p->routes[entry->route];

	sbuf_printf(e->out, "route       '" STR_FMT "'\n", STR_ARG(r->name));
	for (uint32_t i = 0; i < r->n_params; i++)
		sbuf_printf(e->out, "parameter   " STR_FMT " = '" STR_FMT "'\n",
			STR_ARG(r->params[i]),
			STR_ARG(lookup_param(e->p, entry, e->s->path, i)));
	sbuf_adds(e->out, "chain       ");
	for (uint32_t i = 0; r->chain != PLAN_NONE && i < e->p->chains[r->chain].n; i++)
		sbuf_printf(e->out, "%s" STR_FMT, i == 0 ? "" : ", ",
			STR_ARG(e->p->mws[e->p->chains[r->chain].mws[i]].name));
	sbuf_adds(e->out, r->chain == PLAN_NONE ? "none\naction      " : "\naction      ");
	explain_action(e->out, e->p, &r->action);
	sbuf_addc(e->out, '\n');
	add_rewrite(e, winner);
}

void explain_sample(struct sbuf *out, struct arena *a, const struct plan *p, struct sample *s)
{
	struct explainer e = { .out = out, .arena = a, .p = p, .s = s };
	struct lookup_result result;

	sbuf_printf(out, "request     " STR_FMT " " STR_FMT "://" STR_FMT, STR_ARG(s->method),
		STR_ARG(s->scheme), STR_ARG(s->host));
	if (s->refused != NULL) {
		sbuf_printf(out, "\nanswer      400 before any route is looked for: %s\n", s->refused);
		return;
	}
	sbuf_printf(out, STR_FMT "%s" STR_FMT "\nlistener    " STR_FMT "\n", STR_ARG(s->path),
		s->query.ptr == NULL ? "" : "?", STR_ARG(s->query),
		STR_ARG(p->listeners[s->listener].model->name.value));
	sample_request(a, s, &e.request);
	e.bit = lookup_method_bit(p, s->method);
	find_candidates(&e);
	result = lookup_route(p, a, &e.request);
	add_candidates(&e, result.entry);
	if (result.entry != PLAN_NONE) {
		add_winner(&e, result.entry);
		return;
	}
	sbuf_printf(out, "answer      %u", result.allow == 0 ? 404 : 405);
	if (result.allow != 0) {
		sbuf_adds(out, ", Allow: ");
		add_methods(&e, result.allow);
	}
	sbuf_addc(out, '\n');
}
