/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tree/yaml_reader.h"

#include "base/check.h"
#include "base/str.h"

void yaml_anchor_set(struct yaml_reader *r, struct str name, struct node *n)
{
	struct yaml_anchor *anchor = map_get(&r->anchors, name);

	if (anchor == NULL) {
		anchor = ARENA_NEW(r->build.arena, struct yaml_anchor);
		map_add(&r->anchors, arena_str(r->build.arena, name), anchor);
	}
	anchor->node = n;
}

static bool is_open(const struct yaml_reader *r, const struct node *n)
{
	for (size_t i = 0; i < r->n_frames; i++) {
		if (r->frames[i].node == n)
			return true;
	}
	return false;
}

/* A hostile file has very many anchors, and as many aliases that lead nowhere. */
#define NEAREST_MOST 200

static void note_nearest_anchor(struct yaml_reader *r, struct str name)
{
	size_t n_names = r->anchors.n < NEAREST_MOST ? r->anchors.n : NEAREST_MOST;
	struct str names[NEAREST_MOST], nearest;
	struct yaml_anchor *anchor;

	for (size_t i = 0; i < n_names; i++)
		names[i] = r->anchors.entries[i].key;
	nearest = diag_nearest(name, names, n_names);
	if (nearest.ptr == NULL)
		return;
	anchor = map_get(&r->anchors, nearest);
	diag_note(r->build.diags, anchor->node->span,
		"did you mean '" STR_FMT "', which is the anchor of this?", STR_ARG(nearest));
}

struct node *yaml_anchor_get(struct yaml_reader *r, struct str name, struct span at)
{
	struct yaml_anchor *anchor = map_get(&r->anchors, name);

	if (anchor == NULL) {
		diag_report(r->build.diags, DIAG_YAML_ALIAS, at,
			"no anchor '&" STR_FMT "' stands before this alias", STR_ARG(name));
		note_nearest_anchor(r, name);
		return NULL;
	}
	if (is_open(r, anchor->node)) {
		diag_report(r->build.diags, DIAG_YAML_ALIAS, at,
			"alias '*" STR_FMT "' lies inside the thing that it repeats",
			STR_ARG(name));
		diag_note(r->build.diags, anchor->node->span, "which begins here");
		return NULL;
	}
	return anchor->node;
}

/* A copy without its children. */
static struct node *copy_one(struct yaml_reader *r, const struct node *n)
{
	struct node *copy;

	if (r->n_expanded++ == BUILD_MOST_EXPANDED) {
		build_stop(&r->build, DIAG_YAML_ALIAS, n->span,
			"the aliases of this file repeat more than %d values", BUILD_MOST_EXPANDED);
		return NULL;
	}
	copy = build_node(&r->build, n->kind, n->span);
	if (copy == NULL)
		return NULL;
	copy->flags = n->flags | NODE_EXPANDED;
	copy->key = n->key;
	copy->key_span = n->key_span;
	copy->text = n->text;
	copy->integer = n->integer; /* the widest member of the union, with real */
	return copy;
}

struct node *yaml_copy(struct yaml_reader *r, const struct node *n, size_t depth)
{
	struct node *copy = copy_one(r, n);

	if (copy == NULL || !build_depth(&r->build, depth, n->span))
		return NULL;
	for (const struct node *m = n->first; m != NULL; m = m->next) {
		struct node *child = yaml_copy(r, m, depth + 1);

		if (child == NULL)
			return NULL;
		node_append(r->build.arena, copy, child);
	}
	return copy;
}

static void merge_map(struct yaml_reader *r, struct node *map, const struct node *from)
{
	for (const struct node *m = from->first; m != NULL; m = m->next) {
		struct node *copy;

		if (node_get(map, m->key) != NULL)
			continue;
		copy = yaml_copy(r, m, r->n_frames + 1);
		if (copy == NULL)
			return;
		node_append(r->build.arena, map, copy);
	}
}

/* `map` lacks what `n` was to bring. */
static void refuse_merge(struct yaml_reader *r, struct node *map, const struct node *n)
{
	map->flags |= NODE_PARTIAL;
	if ((n->flags & NODE_POISONED) != 0)
		return;
	diag_report(r->build.diags, DIAG_YAML_MERGE, n->span,
		"only a map, or a list of maps, can be merged, not %s", node_kind_name(n->kind));
}

void yaml_merge(struct yaml_reader *r, struct yaml_frame *frame)
{
	for (size_t i = 0; i < frame->merges.n; i++) {
		const struct node *from = frame->merges.at[i];

		if (from->kind == NODE_MAP)
			merge_map(r, frame->node, from);
		else if (from->kind != NODE_SEQ)
			refuse_merge(r, frame->node, from);
		for (const struct node *m = from->kind == NODE_SEQ ? from->first : NULL; m != NULL;
			m = m->next) {
			if (m->kind == NODE_MAP)
				merge_map(r, frame->node, m);
			else
				refuse_merge(r, frame->node, m);
		}
	}
}
