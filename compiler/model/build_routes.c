/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/str.h"
#include "model/build.h"

static void build_uses(struct builder *b, const struct node *list, struct m_route *out)
{
	if (list == NULL || list->kind != NODE_SEQ)
		return;
	out->uses = ARENA_ARRAY(b->arena, struct m_use, list->n_children);
	for (const struct node *n = value_first(b, list); n != NULL; n = value_next(b, list, n))
		out->uses[out->n_uses++] = build_use(b, n);
}

static void build_route(struct builder *b, const struct node *n)
{
	struct m_route r = { .node = n };
	const struct node *timeouts;

	b->poisoned = !node_is_whole(n);
	r.name = value_str(b, n, STR("name"));
	r.priority = value_int(b, n, STR("priority"));
	r.listeners = value_strs(b, n, STR("listeners"));
	build_match(b, value_node(b, n, STR("match")), &r.match);
	build_uses(b, value_node(b, n, STR("middlewares")), &r);
	build_action(b, n, &r.action);
	timeouts = value_node(b, n, STR("timeouts"));
	r.timeouts.total = value_ms(b, timeouts, STR("total"));
	r.timeouts.first_byte = value_ms(b, timeouts, STR("first_byte"));
	r.body_bytes = value_bytes(b, value_node(b, n, STR("limits")), STR("body_bytes"));
	build_retry(b, value_node(b, n, STR("retry")), &r.retry);
	build_websocket(b, value_node(b, n, STR("websocket")), &r.websocket);
	build_errors(b, value_node(b, n, STR("errors")), &b->model->errors, &r.errors);
	build_rewrite(b, value_node(b, n, STR("rewrite")), &r.rewrite);
	r.poisoned = b->poisoned;
	vec_push(b->arena, &b->routes, r);
}

void build_routes(struct builder *b, const struct node *list)
{
	if (list == NULL || list->kind != NODE_SEQ)
		return;
	for (const struct node *n = list->first; n != NULL; n = n->next) {
		if (n->kind == NODE_MAP)
			build_route(b, n);
	}
}

/* Greater than any that can be written. */
#define PRIORITY_FIRST INT64_MAX

/* Behind trusted proxies, who may say that a request came by https, others are routed. */
static void build_redirect(struct builder *b, const struct m_listener *l)
{
	struct m_route r = { .node = l->to_https.node, .is_implied = true, .poisoned = l->poisoned };
	struct m_str *name = ARENA_NEW(b->arena, struct m_str), *scheme = ARENA_NEW(b->arena, struct m_str);

	*name = l->name;
	*scheme = (struct m_str){ STR("http"), r.node->span };
	r.name = (struct m_str){
		arena_printf(b->arena, "redirect-to-https." STR_FMT, STR_ARG(name->value)), r.node->span,
	};
	r.priority = (struct m_i64){ PRIORITY_FIRST, r.node->span };
	r.listeners = (struct m_strs){ name, 1 };
	r.match.at = r.node->span;
	r.match.schemes = scheme;
	r.match.n_schemes = l->n_trusted > 0 ? 1 : 0;
	r.action = (struct m_action){
		.kind = M_ACTION_REDIRECT, .at = r.node->span, .status = { 308, r.node->span }, .to_https = l,
	};
	vec_push(b->arena, &b->routes, r);
}

void build_redirects(struct builder *b)
{
	for (size_t i = 0; i < b->listeners.n; i++)
		if (b->listeners.at[i].to_https.is_set && b->listeners.at[i].name.value.ptr != NULL)
			build_redirect(b, &b->listeners.at[i]);
}
