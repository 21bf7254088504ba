/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "check/check.h"

#include <stdarg.h>

#include "base/str.h"
#include "check/context.h"

/* More names than this are no help. */
#define MAX_LISTED 12

void check_report(struct checker *c, const struct node *n, const char *member, struct span at,
	enum diag_id id, const char *format, ...)
{
	struct str path = n == NULL ? STR("") : node_path(c->arena, n);
	va_list args;

	va_start(args, format);
	diag_vreport(c->diags, id, at, format, args);
	va_end(args);
	if (member != NULL)
		path = arena_printf(
			c->arena, STR_FMT "%s%s", STR_ARG(path), path.len > 0 ? "." : "", member);
	diag_where(c->diags, path);
}

/* Where the thing behind an entry of one of the checker's maps is defined. */
static struct span place_of_definition(
	const struct checker *c, const struct map *names, const void *value)
{
	if (names == &c->listeners)
		return ((const struct m_listener *)value)->name.at;
	if (names == &c->backends)
		return ((const struct m_backend *)value)->name.at;
	if (names == &c->certificates)
		return ((const struct m_certificate *)value)->name.at;
	return names == &c->middlewares ? ((const struct m_middleware *)value)->name.at : SPAN_NONE;
}

static void list_names(struct checker *c, const struct str *list, size_t n, const char *what)
{
	struct str text = STR("");

	for (size_t i = 0; i < n; i++)
		text = arena_printf(c->arena, STR_FMT "%s" STR_FMT, STR_ARG(text),
			i == 0 ? "" : ", ", STR_ARG(list[i]));
	if (n == 0)
		diag_note(c->diags, SPAN_NONE, "there are no %s", what);
	else
		diag_note(c->diags, SPAN_NONE, "the %s are: " STR_FMT, what, STR_ARG(text));
}

void check_suggest(struct checker *c, const struct map *names, struct str name, const char *what)
{
	struct str *list, nearest;
	struct span at;
	size_t n = 0;

	if (!diag_wants_notes(c->diags))
		return;
	list = ARENA_ARRAY(c->arena, struct str, names->n);
	for (size_t i = 0; i < names->n; i++) {
		/* What is written in a route has a name that nobody can write: "routes[2].backend". */
		if (str_find_char(names->entries[i].key, '[') == names->entries[i].key.len)
			list[n++] = names->entries[i].key;
	}
	nearest = diag_nearest(name, list, n);
	if (nearest.ptr == NULL) {
		if (n <= MAX_LISTED)
			list_names(c, list, n, what);
		return;
	}
	at = place_of_definition(c, names, map_get(names, nearest));
	if (at.source == 0)
		diag_note(c->diags, at, "did you mean '" STR_FMT "'?", STR_ARG(nearest));
	else
		diag_note(c->diags, at, "did you mean '" STR_FMT "', defined here?",
			STR_ARG(nearest));
}

static void collect_names(struct checker *c)
{
	static const struct str by_own_name[] = { STR_INIT("rate-limit"), STR_INIT("jwt"),
		STR_INIT("request-id"), STR_INIT("grpc-web") };
	static const struct m_middleware built_in = { .node = NULL };
	const struct model *m = c->model;

	for (size_t i = 0; i < m->n_listeners; i++) {
		if (m->listeners[i].name.value.ptr != NULL)
			map_add(&c->listeners, m->listeners[i].name.value, &m->listeners[i]);
	}
	for (size_t i = 0; i < m->n_backends; i++)
		map_add(&c->backends, m->backends[i].name.value, &m->backends[i]);
	for (size_t i = 0; i < m->n_certificates; i++)
		map_add(&c->certificates, m->certificates[i].name.value, &m->certificates[i]);
	for (size_t i = 0; i < m->n_middlewares; i++)
		map_add(&c->middlewares, m->middlewares[i].name.value, &m->middlewares[i]);
	for (size_t i = 0; i < sizeof(by_own_name) / sizeof(by_own_name[0]); i++)
		map_add(&c->middlewares, by_own_name[i], (void *)(uintptr_t)&built_in);
	c->is_partial = m->lacks_routes;
	for (size_t i = 0; i < m->n_routes; i++)
		c->is_partial = c->is_partial || m->routes[i].poisoned;
}

void check_model(struct arena *a, struct diags *d, const struct model *m)
{
	struct checker c = { .arena = a, .diags = d, .model = m };

	map_init(&c.listeners, a);
	map_init(&c.backends, a);
	map_init(&c.middlewares, a);
	map_init(&c.certificates, a);
	map_init(&c.used, a);
	collect_names(&c);
	check_listeners(&c);
	check_route_names(&c);
	check_routes(&c);
	check_backends(&c);
	check_certificates(&c);
	check_middlewares(&c);
	check_operations(&c);
}
