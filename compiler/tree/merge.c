/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tree/merge.h"

#include "base/str.h"

void tree_detach(struct node *child)
{
	struct node *parent = child->parent, **link = &parent->first, *last = NULL;
	uint32_t index = 0;

	/* The index of a large map does not forget: node_get falls back to a walk. */
	parent->lookup = NULL;
	while (*link != NULL) {
		if (*link == child) {
			*link = child->next;
			continue;
		}
		last = *link;
		last->index = index++;
		link = &last->next;
	}
	parent->last = last;
	parent->n_children = index;
	child->parent = NULL;
	child->next = NULL;
}

/* All children of `from` behind those of `into`, of the same kind; in one walk, whatever their number. */
static void move_children(struct arena *a, struct node *into, struct node *from)
{
	struct node *next;

	for (struct node *n = from->first; n != NULL; n = next) {
		next = n->next;
		n->parent = NULL;
		n->next = NULL;
		node_append(a, into, n);
	}
	from->first = from->last = NULL;
	from->n_children = 0;
	from->lookup = NULL;
}

static void report_twice(const struct tree_merge *m, struct node *first, const struct node *second)
{
	first->flags |= NODE_PARTIAL;
	node_key_report(m->diags, second, DIAG_INCLUDE_CONFLICT, "'" STR_FMT "' is defined in two files", STR_ARG(second->key));
	diag_note(m->diags, first->key_span.source != 0 ? first->key_span : first->span, "the other definition is here");
}

static void report_kinds(const struct tree_merge *m, struct node *first, const struct node *second)
{
	first->flags |= NODE_POISONED;
	node_report(m->diags, second, DIAG_INCLUDE_CONFLICT, "'" STR_FMT "' is %s here, and %s in another file", STR_ARG(second->key),
		node_kind_name(second->kind), node_kind_name(first->kind));
	diag_note(m->diags, first->span, "in that file it is here");
}

static bool is_shared(const struct tree_merge *m, const struct node *first, const struct node *second)
{
	for (size_t i = 0; i < m->n_shared; i++) {
		if (str_eq(m->shared[i], second->key))
			return first->kind == second->kind && first->kind != NODE_MAP && first->kind != NODE_SEQ &&
			       str_eq(first->text, second->text);
	}
	return false;
}

static void merge_maps(const struct tree_merge *m, struct node *into, struct node *from)
{
	struct node *next;

	for (struct node *n = from->first; n != NULL; n = next) {
		struct node *first = node_get(into, n->key);

		next = n->next;
		if (first != NULL) {
			report_twice(m, first, n);
			continue;
		}
		n->parent = NULL;
		n->next = NULL;
		node_append(m->arena, into, n);
	}
}

static void merge_member(const struct tree_merge *m, struct node *into, struct node *n)
{
	struct node *first = node_get(into, n->key);
	bool holds_more = n->kind == NODE_SEQ || n->kind == NODE_MAP;

	if (first == NULL) {
		n->parent = NULL;
		n->next = NULL;
		node_append(m->arena, into, n);
	} else if ((first->flags & NODE_POISONED) != 0 || (n->flags & NODE_POISONED) != 0 || is_shared(m, first, n)) {
		return;
	} else if (first->kind == n->kind && n->kind == NODE_SEQ) {
		move_children(m->arena, first, n);
	} else if (first->kind == n->kind && n->kind == NODE_MAP) {
		merge_maps(m, first, n);
	} else if (holds_more || first->kind == NODE_SEQ || first->kind == NODE_MAP) {
		report_kinds(m, first, n);
	} else {
		report_twice(m, first, n);
	}
}

void tree_merge(const struct tree_merge *m, struct node *into, struct node *from)
{
	struct node *next;

	for (struct node *n = from->first; n != NULL; n = next) {
		next = n->next;
		merge_member(m, into, n);
	}
}
