/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "http/exchange.h"

#include "route/host_memo.h"
#include "toron/gateway.h"

#define NO_RANK  UINT32_MAX
#define LIST_END 0xffff
/* TRACE shows to the client what it has no other way to see, so that a route must name it. */
#define ANY_METHOD (~(uint32_t)(TORON_TRACE | TORON_CONNECT))

/* What a search has found so far. */
struct search {
	uint32_t rank; /* of the best route that takes the request; NO_RANK: none yet */
	const uint8_t *params;
	bool wrong_method; /* some candidate failed on its method */
};

/* The methods that a route takes, with what they imply. */
static uint32_t taken_methods(const struct toron_route *r)
{
	if (r->methods == 0)
		return ANY_METHOD;
	return r->methods & TORON_GET ? r->methods | TORON_HEAD : r->methods;
}

static bool takes_method(const struct toron_route *r, uint32_t bit)
{
	return (taken_methods(r) & bit) != 0;
}

/* All that a candidate asks for besides its method. */
static bool holds(
	const struct exchange *x, const struct toron_candidate *c, const struct toron_route *r)
{
	return (c->also == NULL || c->also(x->path.ptr, x->path.len)) &&
	       (r->when == NULL || r->when(x));
}

static const uint16_t *host_list(const struct exchange *x, const struct toron_router *router)
{
	uint32_t list = 0;

	if (router->host != NULL && x->host.len != 0)
		list = host_memo_list(x->worker->hosts, router, x->host);
	return router->host_lists[list];
}

static const struct toron_accepts *accepted(
	const struct exchange *x, const struct toron_group *group)
{
	return &group->accepts[group->match(x->path.ptr, x->path.len)];
}

static void search_group(
	const struct exchange *x, const struct toron_group *group, struct search *s)
{
	const struct toron_route *routes = x->worker->gateway->routes;
	const struct toron_accepts *accepts = accepted(x, group);

	for (uint32_t i = 0; i < accepts->n; i++) {
		const struct toron_candidate *c = &accepts->at[i];

		if (c->route >= s->rank)
			return;
		if (!takes_method(&routes[c->route], x->method_bit)) {
			s->wrong_method = true;
			continue;
		}
		if ((c->also != NULL || routes[c->route].when != NULL) && !holds(x, c, &routes[c->route]))
			continue;
		s->rank = c->route;
		s->params = c->params;
		return;
	}
}

/* Only when nothing was found: the methods with which a candidate would have taken the request. */
static uint32_t allowed_methods(const struct exchange *x, const struct toron_router *router)
{
	const struct toron_route *routes = x->worker->gateway->routes;
	uint32_t allow = 0;

	for (const uint16_t *g = host_list(x, router); *g != LIST_END; g++) {
		const struct toron_accepts *accepts = accepted(x, &router->groups[*g]);

		for (uint32_t i = 0; i < accepts->n; i++) {
			const struct toron_candidate *c = &accepts->at[i];
			const struct toron_route *r = &routes[c->route];

			if (!takes_method(r, x->method_bit) && holds(x, c, r))
				allow |= taken_methods(r);
		}
	}
	return allow;
}

bool route_find(struct exchange *x, uint32_t *allow_out)
{
	const struct toron_router *router = x->listener->router;
	struct search s = { .rank = NO_RANK };

	*allow_out = 0;
	for (const uint16_t *g = host_list(x, router); *g != LIST_END; g++)
		if (router->groups[*g].best < s.rank)
			search_group(x, &router->groups[*g], &s);
	if (s.rank == NO_RANK) {
		if (s.wrong_method)
			*allow_out = allowed_methods(x, router);
		return false;
	}
	x->route = &x->worker->gateway->routes[s.rank];
	x->params = s.params;
	return true;
}

/* ---- Allow ---- */

static const struct {
	uint32_t bit;
	struct str name;
} methods[] = {
	{ TORON_GET, STR_INIT("GET") },
	{ TORON_HEAD, STR_INIT("HEAD") },
	{ TORON_POST, STR_INIT("POST") },
	{ TORON_PUT, STR_INIT("PUT") },
	{ TORON_PATCH, STR_INIT("PATCH") },
	{ TORON_DELETE, STR_INIT("DELETE") },
	{ TORON_CONNECT, STR_INIT("CONNECT") },
	{ TORON_OPTIONS, STR_INIT("OPTIONS") },
	{ TORON_TRACE, STR_INIT("TRACE") },
};

/* Appends to a list whose bytes were counted by a first call with `to` NULL. */
static void add_method(char *to, size_t *len, struct str name)
{
	if (*len != 0) {
		if (to != NULL)
			memcpy(to + *len, ", ", 2);
		*len += 2;
	}
	if (to != NULL)
		memcpy(to + *len, name.ptr, name.len);
	*len += name.len;
}

static size_t write_allow(const struct toron_gateway *g, uint32_t allow, char *to)
{
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (allow & methods[i].bit)
			add_method(to, &len, methods[i].name);
	for (uint32_t i = 0; i < g->n_extra_methods; i++)
		if (allow & (uint32_t)TORON_METHOD_EXTRA << i)
			add_method(to, &len, g->extra_methods[i]);
	return len;
}

struct str route_allow_text(struct exchange *x, uint32_t allow)
{
	const struct toron_gateway *g = x->worker->gateway;
	size_t len;
	char *text;

	if (allow & TORON_GET)
		allow |= TORON_HEAD;
	len = write_allow(g, allow, NULL);
	text = arena_bytes(&x->arena, len);
	if (text == NULL)
		return STR_NONE;
	write_allow(g, allow, text);
	return (struct str){ text, len };
}
