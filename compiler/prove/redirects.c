/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "prove/redirects.h"

#include "base/str.h"

/* As many as browsers follow. */
#define MAX_HOPS 20u
#define MAX_LOOPS 20u

struct chase {
	struct arena scratch;
	struct diags *diags;
	const struct plan *p;
	struct sample at;
	uint32_t rank;
};

static struct str header_of(const struct sample *s, struct str name)
{
	for (uint32_t i = 0; i < s->n_fields; i++)
		if (s->fields[i].where == TORON_IN_HEADER && str_eq(s->fields[i].name, name))
			return s->fields[i].value;
	return STR("");
}

/* What a part of a location comes to; false if only the running gateway knows. */
static bool part_text(struct chase *c, const struct plan_part *part, struct str *text_out)
{
	struct lookup_request r;

	sample_request(&c->scratch, &c->at, &r);
	switch (part->kind) {
	case TORON_PART_LITERAL:
		*text_out = part->text;
		return true;
	case TORON_PART_PATH:
		*text_out = c->at.path;
		return true;
	case TORON_PART_QUERY:
		*text_out = r.query;
		return true;
	case TORON_PART_HOST:
		*text_out = c->at.host;
		return true;
	case TORON_PART_METHOD:
		*text_out = c->at.method;
		return true;
	case TORON_PART_SCHEME:
		*text_out = c->at.scheme;
		return true;
	case TORON_PART_HEADER:
		*text_out = header_of(&c->at, part->text);
		return true;
	case TORON_PART_PARAM:
		*text_out = lookup_param(c->p, &c->p->entries[c->rank], c->at.path, part->index);
		return true;
	default:
		return false;
	}
}

static bool location_of(struct chase *c, struct str *location_out)
{
	const struct plan_template *t = &c->p->routes[c->p->entries[c->rank].route].action.text;
	struct str location = STR("");

	for (uint32_t i = 0; i < t->n; i++) {
		struct str text;

		if (!part_text(c, &t->parts[i], &text))
			return false;
		location = arena_printf(
			&c->scratch, STR_FMT STR_FMT, STR_ARG(location), STR_ARG(text));
	}
	*location_out = location;
	return true;
}

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
static bool port_is_right(const struct chase *c, struct str location)
{
	struct str rest = location;
	struct uri u;

	if (str_starts(location, STR("/")) && !str_starts(location, STR("//")))
		return true;
	if (str_starts(location, STR("//")))
		rest = arena_printf((struct arena *)&c->scratch, "http:" STR_FMT, STR_ARG(location));
	if (uri_parse((struct arena *)&c->scratch, str_slice(rest, 0, str_find_char(rest, '#')), &u) !=
		URI_OK)
		return false;
	return u.at.port != 0 ||
	       (c->p->n_listeners > 0 && c->p->listeners[0].model->port.value == 80);
}

/* Follows redirects from the sample of an entry; true if there is no end to them. */
static bool goes_round(struct chase *c)
{
	for (uint32_t i = 0; i < MAX_HOPS; i++) {
		const struct plan_route *r = &c->p->routes[c->p->entries[c->rank].route];
		struct str location;

		if (r->action.kind != PLAN_ACTION_REDIRECT || !location_of(c, &location) ||
			!port_is_right(c, location) || !follow(c, location))
			return false;
		c->rank = sample_lookup(&c->scratch, c->p, &c->at).entry;
		if (c->rank == PLAN_NONE)
			return false;
	}
	return true;
}

static void report(struct chase *c, uint32_t rank, const struct sample *from)
{
	const struct plan_route *r = &c->p->routes[c->p->entries[rank].route];
	const struct plan_route *next = &c->p->routes[c->p->entries[c->rank].route];
	struct str curl = sample_curl(&c->scratch, c->p, from);

	diag_report(c->diags, DIAG_REDIRECT_LOOP, r->at,
		"the redirect of route '" STR_FMT "' leads to a redirect of this gateway, and so on",
		STR_ARG(r->name));
	if (next != r)
		diag_note(c->diags, next->at, "it comes by '" STR_FMT "'", STR_ARG(next->name));
	if (curl.ptr != NULL)
		diag_note(c->diags, SPAN_NONE, "for example: " STR_FMT " -L", STR_ARG(curl));
}

void prove_redirects(
	struct arena *a, struct diags *d, const struct plan *p, const struct reach *r)
{
	bool *is_reported = ARENA_ARRAY(a, bool, p->n_routes);
	uint32_t n = 0;

	for (uint32_t rank = 0; rank < p->n_entries && n < MAX_LOOPS; rank++) {
		uint32_t route = p->entries[rank].route;
		struct chase c = { .diags = d, .p = p, .at = r->samples[rank], .rank = rank };

		if (p->routes[route].action.kind != PLAN_ACTION_REDIRECT || is_reported[route] ||
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
