/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/str.h"
#include "check/check.h"
#include "check/context.h"
#include "schema/net_text.h"

static void check_weights(struct checker *c, const struct m_backend *b)
{
	for (size_t i = 0; i < b->n_servers; i++) {
		if (b->servers[i].weight.value > 0)
			return;
	}
	if (b->n_servers > 0)
		check_report(c, b->node, "servers", b->name.at, DIAG_BACKEND_WITHOUT_WEIGHT,
			"all servers of the backend '" STR_FMT
			"' have weight 0: none is ever chosen",
			STR_ARG(b->name.value));
}

static void check_duplicates(struct checker *c, const struct m_backend *b)
{
	struct map seen;

	map_init(&seen, c->arena);
	for (size_t i = 0; i < b->n_servers; i++) {
		const struct m_server *s = &b->servers[i];
		struct str key =
			arena_printf(c->arena, STR_FMT " %llu " STR_FMT, STR_ARG(s->host.value),
				(unsigned long long)s->port.value, STR_ARG(s->base_path.value));
		const struct m_server *first = map_get(&seen, key);

		if (first == NULL) {
			map_add(&seen, key, (void *)(uintptr_t)s);
			continue;
		}
		check_report(c, s->node, NULL, s->host.at, DIAG_DUPLICATE_SERVER,
			"this server is listed twice");
		diag_note(c->diags, first->host.at,
			"the first is here; a larger share is given by 'weight'");
	}
}

static bool is_loopback(struct str host)
{
	uint8_t addr[16];
	bool is_v4;

	if (str_eq(host, STR("localhost")))
		return true;
	if (!net_text_ip(host, addr, &is_v4))
		return false;
	return is_v4 ? addr[12] == 127 : memcmp(addr, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16) == 0;
}

/* Whether what comes in at a listener may go to a backend at all: answers of our own end there. */
static bool forwards(const struct model *m, const struct m_listener *l)
{
	for (size_t i = 0; i < m->n_routes; i++) {
		const struct m_route *r = &m->routes[i];
		bool here = r->listeners.n == 0;

		for (size_t k = 0; k < r->listeners.n; k++)
			here = here || str_eq(r->listeners.at[k].value, l->name.value);
		if (here && (r->action.kind == M_ACTION_BACKEND || r->action.kind == M_ACTION_SPLIT))
			return true;
	}
	return false;
}

const struct m_listener *check_own_listener(const struct model *m, const struct m_server *s)
{
	for (size_t i = 0; i < m->n_listeners; i++) {
		const struct m_listener *l = &m->listeners[i];
		bool is_here = l->address.value.ptr == NULL
				       ? is_loopback(s->host.value)
				       : str_eq(l->address.value, s->host.value);

		if (!l->poisoned && l->port.value == s->port.value && is_here)
			return l;
	}
	return NULL;
}

static void check_loop(struct checker *c, const struct m_server *s)
{
	const struct m_listener *l = check_own_listener(c->model, s);

	if (l == NULL || !forwards(c->model, l))
		return;
	check_report(c, s->node, NULL, s->host.at, DIAG_BACKEND_LOOP,
		"this server is the gateway itself: its listener '" STR_FMT "'",
		STR_ARG(l->name.value));
	diag_note(c->diags, l->port.at, "the listener is here");
}

void check_websocket_limits(struct checker *c, const struct node *owner, const struct m_websocket *w)
{
	if (!w->is_set)
		return;
	if (w->message_bytes.value != 0 && w->frame_bytes.value > w->message_bytes.value) {
		check_report(c, owner, "websocket", w->frame_bytes.at, DIAG_LIMIT_ORDER,
			"'frame_bytes' is never reached: no message may be longer than 'message_bytes'");
		diag_note(c->diags, w->message_bytes.at, "'message_bytes' is here");
	}
	if (w->total_timeout.value != 0 && w->idle_timeout.value > w->total_timeout.value &&
		w->idle_timeout.at.source != 0) {
		check_report(c, owner, "websocket", w->idle_timeout.at, DIAG_TIMEOUT_ORDER,
			"'idle_timeout' never ends a WebSocket: 'total_timeout' is shorter");
		diag_note(c->diags, w->total_timeout.at, "'total_timeout' is here");
	}
}

bool check_may_speak_h2(const struct m_backend *b)
{
	if (b->protocol == M_BACKEND_AUTO)
		return b->n_servers == 0 || b->servers[0].is_tls;
	return b->protocol == M_BACKEND_H2;
}

/* What the user wrote about HTTP/2, in a backend that never speaks it. */
static void check_pool(struct checker *c, const struct m_backend *b)
{
	const struct node *pool = node_get(b->node, STR("pool"));
	const struct node *n = pool == NULL ? NULL : node_get(pool, STR("streams"));

	if (n != NULL && (n->flags & NODE_DEFAULTED) == 0 && !check_may_speak_h2(b))
		node_key_report(c->diags, n, DIAG_H2_NOT_SPOKEN,
			"'streams' is about HTTP/2, and the servers of this backend are spoken to by HTTP/1.1");
}

/* A key of health.active that says nothing for its kind. */
static void check_needless(struct checker *c, const struct node *active, const char *key, const char *why)
{
	const struct node *n = active == NULL ? NULL : node_get(active, str_of(key));

	if (n != NULL && (n->flags & NODE_DEFAULTED) == 0)
		node_key_report(c->diags, n, DIAG_HEALTH_CHECK, "'%s' says nothing here: %s", key, why);
}

static void check_health(struct checker *c, const struct m_backend *b)
{
	const struct m_health *h = &b->health;
	const struct node *health = node_get(b->node, STR("health"));
	const struct node *active = health == NULL ? NULL : node_get(health, STR("active"));

	if (!h->is_set)
		return;
	if (h->timeout.value > h->interval.value) {
		check_report(c, active, "timeout", h->timeout.at, DIAG_HEALTH_CHECK,
			"'timeout' is longer than 'interval': a probe may still run when the next is due");
		diag_note(c->diags, h->interval.at, "'interval' is %llu ms", (unsigned long long)h->interval.value);
	}
	if (h->kind == M_HEALTH_GRPC && !check_may_speak_h2(b))
		check_report(c, active, "grpc", h->at, DIAG_HEALTH_CHECK,
			"the servers of the backend '" STR_FMT "' are spoken to by HTTP/1.1, which does not carry gRPC",
			STR_ARG(b->name.value));
	if (h->kind != M_HEALTH_HTTP)
		check_needless(c, active, "status", "it belongs to 'path'");
	if (h->kind == M_HEALTH_TCP)
		check_needless(c, active, "host", "'tcp' sends nothing");
}

void check_backends(struct checker *c)
{
	for (size_t i = 0; i < c->model->n_backends; i++) {
		const struct m_backend *b = &c->model->backends[i];

		if (!b->is_inline && !c->is_partial && !c->misses_backend &&
			map_get(&c->used, arena_printf(c->arena, "b:" STR_FMT,
						  STR_ARG(b->name.value))) == NULL)
			check_report(c, b->node, NULL, b->name.at, DIAG_UNUSED_BACKEND,
				"no route uses the backend '" STR_FMT "'", STR_ARG(b->name.value));
		if (b->poisoned)
			continue;
		check_tls_client(c, b);
		check_pool(c, b);
		check_weights(c, b);
		check_duplicates(c, b);
		check_websocket_limits(c, b->node, &b->websocket);
		check_health(c, b);
		for (size_t k = 0; k < b->n_servers; k++)
			check_loop(c, &b->servers[k]);
	}
}
