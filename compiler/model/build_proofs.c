/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* tests, invariants. */
#include "base/str.h"
#include "model/build.h"

static void build_test_headers(struct builder *b, const struct node *map, struct m_test *out)
{
	if (map == NULL || map->kind != NODE_MAP)
		return;
	out->headers = ARENA_ARRAY(b->arena, struct m_field, map->n_children);
	for (const struct node *n = map->first; n != NULL; n = n->next)
		if (n->kind == NODE_STRING)
			out->headers[out->n_headers++] =
				(struct m_field){ node_key(n), node_str(n) };
}

static void build_test(struct builder *b, const struct node *n)
{
	struct m_test t = { .node = n };
	const struct node *expect;

	b->poisoned = !node_is_whole(n);
	t.name = value_str(b, n, STR("name"));
	t.request = value_str(b, n, STR("request"));
	t.source = value_str(b, n, STR("source"));
	t.listener = value_str(b, n, STR("listener"));
	build_test_headers(b, value_node(b, n, STR("headers")), &t);
	expect = value_node(b, n, STR("expect"));
	t.route = value_str(b, expect, STR("route"));
	t.backend = value_str(b, expect, STR("backend"));
	t.status = value_count(b, expect, STR("status"));
	t.has_middlewares = value_node(b, expect, STR("middlewares")) != NULL;
	t.middlewares = value_strs(b, expect, STR("middlewares"));
	t.poisoned = b->poisoned;
	vec_push(b->arena, &b->tests, t);
}

void build_tests(struct builder *b, const struct node *list)
{
	if (list == NULL || list->kind != NODE_SEQ)
		return;
	for (const struct node *n = list->first; n != NULL; n = n->next)
		if (n->kind == NODE_MAP)
			build_test(b, n);
}

static void build_invariant(struct builder *b, const struct node *n)
{
	struct m_invariant i = { .node = n };
	const struct node *require;

	b->poisoned = !node_is_whole(n);
	i.name = value_str(b, n, STR("name"));
	build_match(b, value_node(b, n, STR("for")), &i.match);
	require = value_node(b, n, STR("require"));
	i.middlewares = value_strs(b, require, STR("middlewares"));
	i.action = value_str(b, require, STR("action"));
	i.poisoned = b->poisoned;
	vec_push(b->arena, &b->invariants, i);
}

void build_invariants(struct builder *b, const struct node *list)
{
	if (list == NULL || list->kind != NODE_SEQ)
		return;
	for (const struct node *n = list->first; n != NULL; n = n->next)
		if (n->kind == NODE_MAP)
			build_invariant(b, n);
}
