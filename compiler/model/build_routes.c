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
	build_retry(b, value_node(b, n, STR("retry")), &r.retry);
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
