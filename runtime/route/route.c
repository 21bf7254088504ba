/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "http/exchange.h"

#include "http/host_memo.h"
#include "toron/gateway.h"

#define LIST_END 0xffff

/* All that a candidate asks for besides its method. */
static inline bool holds(const struct exchange *x, const struct toron_candidate *c)
{
	return (c->also == NULL || c->also(x->path.ptr, x->path.len)) && (c->when == NULL || c->when(x));
}

/* Hosts that were not asked for lately are matched. */
static void match_host(struct exchange *x, const struct toron_router *router)
{
	x->host_list = x->host.len == 0 ? 0 : router->host(x->host.ptr, x->host.len);
	x->host_router = router;
	host_memo_lead(x->worker->hosts, x->request.authority, router, x->host_list);
}

static const uint16_t *host_list(struct exchange *x, const struct toron_router *router)
{
	if (router->host == NULL)
		return router->host_lists[0];
	if (x->host_router != router)
		match_host(x, router);
	return router->host_lists[x->host_list];
}

static const struct toron_candidate *candidates(const struct exchange *x, const struct toron_group *group)
{
	return &group->candidates[group->lists[group->match(x->path.ptr, x->path.len)]];
}

/* Only when nothing was found: the methods with which a candidate would have taken the request. */
static uint32_t allowed_methods(struct exchange *x, const struct toron_router *router)
{
	uint32_t allow = 0;

	for (const uint16_t *g = host_list(x, router); *g != LIST_END; g++)
		for (const struct toron_candidate *c = candidates(x, &router->groups[*g]); c->route != TORON_NO_ROUTE; c++)
			if ((c->methods & x->method_bit) == 0 && holds(x, c))
				allow |= c->methods;
	return allow;
}

bool route_find(struct exchange *x, uint32_t *allow_out)
{
	const struct toron_router *router = x->listener->router;
	const struct toron_candidate *best = NULL;
	uint32_t rank = TORON_NO_ROUTE, method = x->method_bit;

	*allow_out = 0;
	for (const uint16_t *g = host_list(x, router); *g != LIST_END && router->groups[*g].best < rank; g++)
		for (const struct toron_candidate *c = candidates(x, &router->groups[*g]); c->route < rank; c++)
			if ((c->methods & method) != 0 && holds(x, c)) {
				best = c;
				rank = c->route;
			}
	if (best == NULL) {
		*allow_out = allowed_methods(x, router);
		return false;
	}
	x->route = &x->worker->gateway->routes[rank];
	x->params = best->params;
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
