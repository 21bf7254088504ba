/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Defaults: members that are absent and have one are put into the tree, so that no other pass
 * writes a default. */
#include "base/check.h"
#include "base/str.h"
#include "schema/eval.h"

/* Chains of references and nested alternatives on one instance. */
#define MAX_IN_PLACE 64

static void complete(struct eval *e, const struct sub *s, struct node *n, unsigned in_place);

static struct node *copy_default(
	struct arena *a, const struct node *from, struct node *parent, struct str key)
{
	struct node *n = ARENA_NEW(a, struct node);

	*n = *from;
	n->flags = NODE_DEFAULTED | (from->flags & NODE_QUOTED);
	n->span = parent->span;
	n->key_span = SPAN_NONE;
	n->key = key;
	n->parent = NULL;
	n->first = n->last = n->next = NULL;
	n->lookup = NULL;
	n->n_children = 0;
	node_append(a, parent, n);
	for (const struct node *child = from->first; child != NULL; child = child->next)
		copy_default(a, child, n, child->key);
	return n;
}

/* The default of a property: its own, or that of the schema it refers to. */
static const struct node *find_default(const struct sub *s)
{
	for (unsigned hops = 0; hops < MAX_IN_PLACE && s != NULL; hops++, s = s->ref) {
		if (s->planned != NULL)
			return NULL;
		if (s->default_value != NULL)
			return s->default_value;
	}
	return NULL;
}

/* `true`, where the default is a map, stands for that map. */
static void complete_switch(struct eval *e, const struct sub *s, struct node *n)
{
	const struct node *value = find_default(s);

	if (n->kind != NODE_BOOL || !n->boolean || (n->flags & NODE_POISONED) != 0 || value == NULL || value->kind != NODE_MAP)
		return;
	n->kind = NODE_MAP;
	for (const struct node *child = value->first; child != NULL; child = child->next)
		copy_default(e->arena, child, n, child->key);
}

static void complete_map(struct eval *e, const struct sub *s, struct node *n)
{
	for (size_t i = 0; i < s->properties.n; i++) {
		const struct named_sub *named = s->properties.entries[i].value;
		const struct node *value = find_default(named->sub);

		if (value != NULL && node_get(n, named->name) == NULL)
			copy_default(e->arena, value, n, named->name);
	}
	for (struct node *member = n->first; member != NULL; member = member->next) {
		const struct sub *known = sub_property(s, member->key);

		if (known != NULL) {
			complete_switch(e, known, member);
			complete(e, known, member, 0);
		} else if (s->additional != NULL) {
			complete(e, s->additional, member, 0);
		}
	}
}

static void complete_list(struct eval *e, const struct sub *s, struct node *n)
{
	size_t i = 0;

	for (struct node *item = n->first; item != NULL; item = item->next, i++) {
		const struct sub *sub = i < s->prefix_items.n ? s->prefix_items.at[i] : s->items;

		if (sub != NULL)
			complete(e, sub, item, 0);
	}
}

/* The alternative that holds gives its defaults; of a document with errors, the nearest. */
static void complete_alternative(
	struct eval *e, const struct sub_list *list, struct node *n, unsigned in_place)
{
	const struct sub *chosen = NULL;

	for (size_t i = 0; i < list->n && chosen == NULL; i++) {
		if (eval_quietly(e, list->at[i], n, NULL))
			chosen = list->at[i];
	}
	if (chosen == NULL)
		chosen = eval_nearest(list, n);
	if (chosen != NULL)
		complete(e, chosen, n, in_place + 1);
}

static void complete(struct eval *e, const struct sub *s, struct node *n, unsigned in_place)
{
	if (in_place > MAX_IN_PLACE || s->planned != NULL ||
		(n->kind != NODE_MAP && n->kind != NODE_SEQ))
		return;
	/* A list that is too long, say. */
	if (n->kind == NODE_SEQ && (n->flags & NODE_POISONED) != 0)
		return;
	if (n->kind == NODE_MAP)
		complete_map(e, s, n);
	else
		complete_list(e, s, n);
	if (s->ref != NULL)
		complete(e, s->ref, n, in_place + 1);
	for (size_t i = 0; i < s->all_of.n; i++)
		complete(e, s->all_of.at[i], n, in_place + 1);
	if (s->any_of.n > 0)
		complete_alternative(e, &s->any_of, n, in_place);
	if (s->one_of.n > 0 && !s->one_of.at[0]->only_requires)
		complete_alternative(e, &s->one_of, n, in_place);
	if (s->condition != NULL) {
		const struct sub *branch =
			eval_quietly(e, s->condition, n, NULL) ? s->consequence : s->alternative;

		if (branch != NULL)
			complete(e, branch, n, in_place + 1);
	}
}

void schema_complete(struct arena *a, struct diags *d, const struct schema *s, struct node *doc)
{
	struct eval e = { .arena = a, .diags = d, .schema = s };

	complete(&e, s->root, doc, 0);
}
