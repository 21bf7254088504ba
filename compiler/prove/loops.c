/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "prove/loops.h"

#include "base/str.h"
#include "check/check.h"
#include "prove/resolve.h"

/* As many as browsers follow. */
#define MAX_HOPS 20u
#define MAX_LOOPS 20u

struct chase {
	struct arena scratch;
	struct diags *diags;
	const struct plan *p;
	struct sample at;
	uint32_t rank;
	uint32_t via; /* the first other entry on the way; PLAN_NONE: none */
};

/* Goes where the location says; false when that leads out of the gateway, or to nothing that is
 * understood. */
static bool follow(struct chase *c, struct str location)
{
	struct sample next;
	struct str error, url = location;
	size_t fragment = str_find_char(location, '#');

	url = str_slice(url, 0, fragment);
	if (str_starts(url, STR("//")))
		url = arena_printf(&c->scratch, "http:" STR_FMT, STR_ARG(url));
	else if (str_starts(url, STR("/")))
		url = arena_printf(&c->scratch, "http://" STR_FMT ":%u" STR_FMT,
			STR_ARG(c->at.host),
			(unsigned)c->p->listeners[c->at.listener].model->port.value, STR_ARG(url));
	else if (str_find_char(url, ':') == url.len || !str_starts(url, STR("http://")))
		return false;
	/* Without a port it is port 80, which may be another server's. */
	if (!sample_parse(&c->scratch, c->p, url, &next, &error) || next.refused != NULL)
		return false;
	next.method = c->at.method;
	next.fields = c->at.fields;
	next.n_fields = c->at.n_fields;
	for (size_t i = 0; i < sizeof(next.source); i++)
		next.source[i] = c->at.source[i];
	if (next.query.ptr == NULL)
		next.query = STR("");
	c->at = next;
	return true;
}

/* Whether a URL without port would reach the listener: only on port 80. */
static bool port_is_right(struct chase *c, struct str location)
{
	struct str rest = location;
	struct uri u;

	if (str_starts(location, STR("/")) && !str_starts(location, STR("//")))
		return true;
	if (str_starts(location, STR("//")))
		rest = arena_printf(&c->scratch, "http:" STR_FMT, STR_ARG(location));
	if (uri_parse(&c->scratch, str_slice(rest, 0, str_find_char(rest, '#')), &u) !=
		URI_OK)
		return false;
	return u.at.port != 0 ||
	       (c->p->n_listeners > 0 && c->p->listeners[0].model->port.value == 80);
}

static bool follow_redirect(struct chase *c, const struct plan_route *r)
{
	struct str location;

	return resolve_template(&c->scratch, c->p, &c->at, c->rank, &r->action.text, NULL, &location) &&
	       port_is_right(c, location) && follow(c, location);
}

/* The listener that all servers of the route's backend are; PLAN_NONE if there is none. */
static uint32_t own_listener(const struct plan *p, const struct plan_route *r)
{
	const struct m_listener *own = NULL;
	const struct plan_backend *b;

	if (r->action.kind != PLAN_ACTION_BACKEND)
		return PLAN_NONE;
	b = &p->backends[r->action.backend];
	for (uint32_t i = 0; i < b->n_servers; i++) {
		const struct m_listener *l = check_own_listener(p->model, b->servers[i].model);

		if (l == NULL || (own != NULL && own != l))
			return PLAN_NONE;
		own = l;
	}
	for (uint32_t i = 0; i < p->n_listeners; i++)
		if (p->listeners[i].model == own)
			return i;
	return PLAN_NONE;
}

/* Header fields that change on the way may lead elsewhere, and so may those that a listener trusts. */
static bool changes_fields(const struct plan *p, const struct plan_route *r, uint32_t listener)
{
	for (uint32_t i = 0; r->chain != PLAN_NONE && i < p->chains[r->chain].n; i++)
		if (p->mws[p->chains[r->chain].mws[i]].n_request > 0)
			return true;
	return p->listeners[listener].model->n_trusted > 0;
}

/* Goes where the gateway sends the request if that is the gateway. */
static bool follow_backend(struct chase *c, const struct plan_route *r)
{
	uint32_t listener = own_listener(c->p, r);
	const struct plan_backend *b;
	struct str path, query, host, error;
	struct sample next;

	if (listener == PLAN_NONE || changes_fields(c->p, r, listener) ||
		resolve_rewrite(&c->scratch, c->p, &c->at, c->rank, &path, &query, &host) != RESOLVE_OK)
		return false;
	b = &c->p->backends[r->action.backend];
	path = arena_printf(&c->scratch, "http://" STR_FMT STR_FMT STR_FMT "%s" STR_FMT,
		STR_ARG(b->servers[0].authority), STR_ARG(b->servers[0].model->base_path.value), STR_ARG(path),
		query.ptr == NULL ? "" : "?", STR_ARG(query));
	if (!sample_parse(&c->scratch, c->p, path, &next, &error) || next.refused != NULL)
		return false;
	next.listener = listener;
	next.method = c->at.method;
	next.fields = c->at.fields;
	next.n_fields = c->at.n_fields;
	if (b->model->preserve_host.value)
		next.host = host;
	if (next.query.ptr == NULL)
		next.query = STR("");
	c->at = next;
	return true;
}

/* Follows the request of an entry; true if there is no end to it. */
static bool goes_round(struct chase *c)
{
	for (uint32_t i = 0; i < MAX_HOPS; i++) {
		const struct plan_route *r = &c->p->routes[c->p->entries[c->rank].route];
		bool is_redirect = r->action.kind == PLAN_ACTION_REDIRECT;

		if (is_redirect ? !follow_redirect(c, r) : !follow_backend(c, r))
			return false;
		c->rank = sample_lookup(&c->scratch, c->p, &c->at).entry;
		if (c->rank == PLAN_NONE)
			return false;
		if (c->via == PLAN_NONE && &c->p->routes[c->p->entries[c->rank].route] != r)
			c->via = c->rank;
	}
	return true;
}

static void report(struct chase *c, uint32_t rank, const struct sample *from)
{
	const struct plan_route *r = &c->p->routes[c->p->entries[rank].route];
	struct str curl = sample_curl(&c->scratch, c->p, from);
	bool is_redirect = r->action.kind == PLAN_ACTION_REDIRECT;

	if (is_redirect)
		diag_report(c->diags, DIAG_REDIRECT_LOOP, r->at,
			"the redirect of route '" STR_FMT "' leads to a redirect of this gateway, and so on",
			STR_ARG(r->name));
	else
		diag_report(c->diags, DIAG_PROXY_LOOP, r->at,
			"what route '" STR_FMT "' sends to its backend comes back to this gateway without end",
			STR_ARG(r->name));
	if (c->via != PLAN_NONE) {
		const struct plan_route *via = &c->p->routes[c->p->entries[c->via].route];

		diag_note(c->diags, via->at, "it comes by '" STR_FMT "'", STR_ARG(via->name));
	}
	if (curl.ptr != NULL)
		diag_note(c->diags, SPAN_NONE, "for example: " STR_FMT "%s", STR_ARG(curl), is_redirect ? " -L" : "");
}

void prove_loops(struct arena *a, struct diags *d, const struct plan *p, const struct reach *r)
{
	bool *is_reported = ARENA_ARRAY(a, bool, p->n_routes);
	uint32_t n = 0;

	for (uint32_t rank = 0; rank < p->n_entries && n < MAX_LOOPS; rank++) {
		uint32_t route = p->entries[rank].route;
		enum plan_action_kind kind = p->routes[route].action.kind;
		struct chase c = { .diags = d, .p = p, .at = r->samples[rank], .rank = rank, .via = PLAN_NONE };

		if ((kind != PLAN_ACTION_REDIRECT && kind != PLAN_ACTION_BACKEND) || is_reported[route] ||
			r->verdicts[rank] != REACH_TAKES)
			continue;
		arena_init_unbounded(&c.scratch);
		if (goes_round(&c)) {
			report(&c, rank, &r->samples[rank]);
			is_reported[route] = true;
			n++;
		}
		arena_fini(&c.scratch);
	}
}
