/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/str.h"
#include "model/build.h"

/* A backend by name or written in place. */
static struct m_str build_target(struct builder *b, const struct node *n)
{
	if (n->kind == NODE_SEQ) /* poisoned */
		return (struct m_str){ STR_NONE, n->span };
	return n->kind == NODE_MAP ? build_backend_inline(b, n) : node_str(n);
}

static void build_split(struct builder *b, const struct node *list, struct m_action *out)
{
	out->split = ARENA_ARRAY(b->arena, struct m_split, list->n_children);
	for (const struct node *n = value_first(b, list); n != NULL; n = value_next(b, list, n)) {
		const struct node *target = value_node(b, n, STR("backend"));

		if (target == NULL)
			continue;
		out->split[out->n_split++] = (struct m_split){
			.backend = build_target(b, target),
			.weight = value_count(b, n, STR("weight")),
		};
	}
}

void build_header_lines(
	struct builder *b, const struct node *map, struct m_header_line **out, size_t *n_out)
{
	size_t n = 0;

	*out = NULL;
	*n_out = 0;
	if (map == NULL || map->kind != NODE_MAP)
		return;
	*out = ARENA_ARRAY(b->arena, struct m_header_line, map->n_children);
	for (const struct node *member = map->first; member != NULL; member = member->next) {
		if ((member->flags & NODE_POISONED) != 0) {
			b->poisoned = true;
			continue;
		}
		(*out)[n].name = node_key(member);
		(*out)[n].name.value = build_lower(b->arena, member->key);
		build_template(b, member, &(*out)[n].value);
		n++;
	}
	*n_out = n;
}

static void build_respond(struct builder *b, const struct node *map, struct m_action *out)
{
	const struct node *body = value_node(b, map, STR("body"));

	out->status = value_count(b, map, STR("status"));
	build_header_lines(b, value_node(b, map, STR("headers")), &out->headers, &out->n_headers);
	if (body != NULL)
		build_template(b, body, &out->body);
}

static void build_redirect(struct builder *b, const struct node *map, struct m_action *out)
{
	const struct node *to = value_node(b, map, STR("to"));

	out->status = value_count(b, map, STR("status"));
	if (to != NULL)
		build_template(b, to, &out->to);
}

static const struct {
	struct str key;
	enum m_action_kind kind;
} kinds[] = {
	{ STR_INIT("backend"), M_ACTION_BACKEND },
	{ STR_INIT("split"), M_ACTION_SPLIT },
	{ STR_INIT("respond"), M_ACTION_RESPOND },
	{ STR_INIT("redirect"), M_ACTION_REDIRECT },
	{ STR_INIT("echo"), M_ACTION_ECHO },
	{ STR_INIT("files"), M_ACTION_FILES },
};

void build_action(struct builder *b, const struct node *route, struct m_action *out)
{
	const struct node *n = NULL;

	for (size_t i = 0; n == NULL && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		n = value_node(b, route, kinds[i].key);
		out->kind = kinds[i].kind;
	}
	if (n == NULL) {
		b->poisoned = true;
		*out = (struct m_action){ .kind = M_ACTION_BACKEND };
		return;
	}
	out->at = n->key_span;
	if (out->kind == M_ACTION_BACKEND)
		out->backend = build_target(b, n);
	else if (out->kind == M_ACTION_SPLIT)
		build_split(b, n, out);
	else if (out->kind == M_ACTION_RESPOND)
		build_respond(b, n, out);
	else if (out->kind == M_ACTION_REDIRECT)
		build_redirect(b, n, out);
	else if (out->kind == M_ACTION_FILES)
		build_files(b, n, out);
}
