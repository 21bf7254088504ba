/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Routes: names, references, conditions, timeouts. */
#include "automata/capture_build.h"
#include "base/str.h"
#include "check/context.h"

/* ---- names ---- */

static void check_name(struct checker *c, struct map *seen, const struct m_route *r)
{
	const struct m_route *first;

	if (map_add(seen, r->name.value, (void *)(uintptr_t)r))
		return;
	first = map_get(seen, r->name.value);
	check_report(c, r->node, "name", r->name.at, DIAG_DUPLICATE_ROUTE,
		"there are two routes '" STR_FMT "'", STR_ARG(r->name.value));
	diag_note(c->diags, first->name.at, "the first is here");
}

/* A route without a name is called route-<index>, which another one may have been called by
 * hand. */
static void check_unnamed(
	struct checker *c, const struct map *seen, const struct m_route *r, size_t index)
{
	struct str name = arena_printf(c->arena, "route-%zu", index);
	const struct m_route *other = map_get(seen, name);

	if (other == NULL)
		return;
	check_report(c, other->node, "name", other->name.at, DIAG_DUPLICATE_ROUTE,
		"'" STR_FMT "' is what the route without a name is called that is number %zu",
		STR_ARG(name), index);
	diag_note(c->diags, r->node->span, "it is here");
}

void check_route_names(struct checker *c)
{
	const struct model *m = c->model;
	struct map seen;

	map_init(&seen, c->arena);
	for (size_t i = 0; i < m->n_routes; i++) {
		if (m->routes[i].name.value.ptr != NULL)
			check_name(c, &seen, &m->routes[i]);
	}
	for (size_t i = 0; i < m->n_routes; i++) {
		const struct node *name = node_get(m->routes[i].node, STR("name"));

		if (name == NULL && !m->routes[i].is_implied)
			check_unnamed(c, &seen, &m->routes[i], i);
	}
}

/* ---- references ---- */

static void check_listener_names(struct checker *c, const struct m_route *r)
{
	for (size_t i = 0; i < r->listeners.n; i++) {
		const struct m_str *name = &r->listeners.at[i];

		if (map_get(&c->listeners, name->value) != NULL || c->model->lacks_listeners)
			continue;
		check_report(c, r->node, "listeners", name->at, DIAG_UNKNOWN_LISTENER,
			"unknown listener '" STR_FMT "'", STR_ARG(name->value));
		check_suggest(c, &c->listeners, name->value, "listeners");
	}
}

static bool is_repeated(const struct m_route *r, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (str_eq(r->uses[k].name.value, r->uses[i].name.value))
			return true;
	}
	return false;
}

static void check_uses(struct checker *c, const struct m_route *r)
{
	for (size_t i = 0; i < r->n_uses; i++) {
		struct str name = r->uses[i].name.value;

		map_add(&c->used, arena_printf(c->arena, "m:" STR_FMT, STR_ARG(name)), c);
		if (map_get(&c->middlewares, name) == NULL) {
			if (c->model->lacks_middlewares)
				continue;
			c->misses_middleware = true;
			node_report(c->diags, r->uses[i].node, DIAG_UNKNOWN_MIDDLEWARE,
				"unknown middleware '" STR_FMT "'", STR_ARG(name));
			if (str_eq(name, STR("headers")))
				diag_note(c->diags, SPAN_NONE,
					"'headers' does nothing without settings: {headers: "
					"{response: {set: {...}}}}");
			else
				check_suggest(c, &c->middlewares, name, "middlewares");
		} else if (is_repeated(r, i)) {
			node_report(c->diags, r->uses[i].node, DIAG_REPEATED_MIDDLEWARE,
				"'" STR_FMT "' is in this chain already: it would run twice",
				STR_ARG(name));
		}
	}
}

/* ---- conditions ---- */

static void report_repeated(struct checker *c, const struct m_route *r, const char *member,
	struct span at, struct span first)
{
	check_report(c, r->node, member, at, DIAG_REPEATED_MATCH, "this condition is listed twice");
	diag_note(c->diags, first, "it is here already");
}

static void check_repeated_strs(struct checker *c, const struct m_route *r, const char *member,
	const struct m_str *list, size_t n)
{
	struct map seen;

	map_init(&seen, c->arena);
	for (size_t i = 0; i < n; i++) {
		if (!map_add(&seen, list[i].value, (void *)(uintptr_t)&list[i]))
			report_repeated(c, r, member, list[i].at,
				((const struct m_str *)map_get(&seen, list[i].value))->at);
	}
}

static void check_repeated(struct checker *c, const struct m_route *r)
{
	const struct m_match *m = &r->match;
	struct m_str *texts =
		ARENA_ARRAY(c->arena, struct m_str, m->n_hosts + m->n_paths + m->n_sources);

	check_repeated_strs(c, r, "match.method", m->methods, m->n_methods);
	for (size_t i = 0; i < m->n_hosts; i++)
		texts[i] = m->hosts[i].text;
	check_repeated_strs(c, r, "match.host", texts, m->n_hosts);
	for (size_t i = 0; i < m->n_paths; i++)
		texts[i] = (struct m_str){
			arena_printf(c->arena, "%d" STR_FMT, (int)m->paths[i].kind,
				STR_ARG(m->paths[i].text.value)),
			m->paths[i].text.at,
		};
	check_repeated_strs(c, r, "match.path", texts, m->n_paths);
	for (size_t i = 0; i < m->n_sources; i++)
		texts[i] = m->sources[i].text;
	check_repeated_strs(c, r, "match.source", texts, m->n_sources);
}

/* Besides https listeners there are trusted proxies, who may say that clients speak https to them. */
static void check_scheme(struct checker *c, const struct m_route *r)
{
	const struct m_match *m = &r->match;

	if (c->model->lacks_listeners || r->poisoned)
		return;
	for (size_t i = 0; i < c->model->n_listeners; i++)
		if (c->model->listeners[i].n_trusted > 0 || c->model->listeners[i].protocol == M_HTTPS ||
			c->model->listeners[i].poisoned)
			return;

	for (size_t i = 0; i < m->n_schemes; i++) {
		if (!str_eq(m->schemes[i].value, STR("https")))
			continue;
		check_report(c, r->node, "match.scheme", m->schemes[i].at, DIAG_SCHEME_NEVER,
			"no listener takes https requests, so that %s",
			m->n_schemes == 1 ? "this route matches nothing" : "this matches nothing");
	}
}

static void check_groups(struct checker *c, const struct m_route *r, unsigned n_groups)
{
	const struct m_template *to = &r->rewrite.to;

	for (size_t i = 0; i < to->n; i++) {
		if (to->parts[i].kind != M_PART_CAPTURE || to->parts[i].field <= n_groups)
			continue;
		check_report(c, r->node, "rewrite.regex.to", to->parts[i].at, DIAG_BAD_REWRITE,
			"there is no group %u: the regular expression has %u", to->parts[i].field,
			n_groups);
		diag_note(c->diags, r->rewrite.regex.at, "it is here");
	}
}

static void check_regex(struct checker *c, const struct m_route *r)
{
	const struct m_str *regex = &r->rewrite.regex;
	struct toron_capture program;
	struct re_error error;

	if (regex->value.ptr == NULL)
		return;
	switch (capture_build(c->arena, regex->value, &program, &error)) {
	case CAPTURE_OK:
		check_groups(c, r, program.n_groups);
		return;
	case CAPTURE_BAD_REGEX: /* the schema has said so */
		return;
	case CAPTURE_TOO_MANY_STEPS:
		check_report(c, r->node, "rewrite.regex.match", regex->at, DIAG_BAD_REWRITE,
			"this regular expression makes more than %u steps, which is too many for each request",
			TORON_CAPTURE_STEPS);
		return;
	case CAPTURE_TOO_MANY_GROUPS:
		check_report(c, r->node, "rewrite.regex.match", regex->at, DIAG_BAD_REWRITE,
			"this regular expression has more than %u groups", TORON_CAPTURE_GROUPS);
		diag_note(c->diags, SPAN_NONE, "a group whose text is not needed is (?:...)");
	}
}

static void check_rewrite(struct checker *c, const struct m_route *r)
{
	check_regex(c, r);
	if (r->rewrite.at.source == 0 || r->action.kind == M_ACTION_BACKEND ||
		r->action.kind == M_ACTION_SPLIT)
		return;
	check_report(c, r->node, "rewrite", r->rewrite.at, DIAG_BAD_REWRITE,
		"this route has no backend that a rewritten request could be sent to");
}

static void check_retry(struct checker *c, const struct m_route *r)
{
	if (!r->retry.is_set || r->action.kind == M_ACTION_BACKEND || r->action.kind == M_ACTION_SPLIT)
		return;
	check_report(c, r->node, "retry", r->retry.at, DIAG_RETRY_WITHOUT_BACKEND,
		"this route has no backend, so that nothing is tried again");
}

static void check_websocket(struct checker *c, const struct m_route *r)
{
	if (!r->websocket.is_set)
		return;
	check_websocket_limits(c, r->node, &r->websocket);
	if (r->action.kind == M_ACTION_BACKEND || r->action.kind == M_ACTION_SPLIT)
		return;
	check_report(c, r->node, "websocket", r->websocket.at, DIAG_WEBSOCKET_WITHOUT_BACKEND,
		"this route has no backend, so that no WebSocket is ever opened");
}

static void check_timeouts(struct checker *c, const struct m_route *r)
{
	if (r->timeouts.total.value == 0 || r->timeouts.first_byte.value <= r->timeouts.total.value)
		return;
	check_report(c, r->node, "timeouts", r->timeouts.first_byte.at, DIAG_TIMEOUT_ORDER,
		"'first_byte' never ends a request: 'total' is shorter");
	diag_note(c->diags, r->timeouts.total.at, "'total' is here");
}

/* The listener whose limit is reached before the route's at each that the route serves, or NULL. */
static const struct m_listener *stricter_listener(const struct checker *c, const struct m_route *r)
{
	const struct m_listener *found = NULL;

	for (size_t i = 0; i < c->model->n_listeners; i++) {
		const struct m_listener *l = &c->model->listeners[i];
		bool is_served = r->listeners.n == 0;

		for (size_t k = 0; k < r->listeners.n; k++)
			is_served = is_served || str_eq(r->listeners.at[k].value, l->name.value);
		if (!is_served)
			continue;
		if (l->poisoned || l->limits.body_bytes.value == 0 || l->limits.body_bytes.value >= r->body_bytes.value)
			return NULL;
		found = l;
	}
	return found;
}

static void check_body_limit(struct checker *c, const struct m_route *r)
{
	const struct m_listener *l = r->body_bytes.value == 0 || c->model->lacks_listeners ? NULL : stricter_listener(c, r);

	if (l == NULL)
		return;
	check_report(c, r->node, "limits.body_bytes", r->body_bytes.at, DIAG_LIMIT_ORDER,
		"'body_bytes' is never reached: no listener of this route takes so long a body");
	diag_note(c->diags, l->limits.body_bytes.at, "'body_bytes' of the listener '" STR_FMT "' is here", STR_ARG(l->name.value));
}

void check_routes(struct checker *c)
{
	for (size_t i = 0; i < c->model->n_routes; i++) {
		const struct m_route *r = &c->model->routes[i];

		check_listener_names(c, r);
		check_uses(c, r);
		check_repeated(c, r);
		check_scheme(c, r);
		check_timeouts(c, r);
		check_body_limit(c, r);
		check_retry(c, r);
		check_websocket(c, r);
		check_rewrite(c, r);
		check_actions(c, r);
		check_templates(c, r);
	}
}
