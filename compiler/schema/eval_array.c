/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Keywords for lists, and what is left for unevaluatedItems and unevaluatedProperties. */
#include "base/str.h"
#include "schema/eval.h"

static bool eval_size(struct eval *e, const struct sub *s, struct node *n)
{
	if (n->n_children < s->min_items && n->n_children == 0)
		return eval_fail(e, n, DIAG_WRONG_LENGTH, STR_FMT " must not be empty",
			STR_ARG(describe_subject(e->arena, n)));
	if (n->n_children < s->min_items)
		return eval_fail(e, n, DIAG_WRONG_LENGTH,
			STR_FMT " has " STR_FMT "; it needs at least %llu",
			STR_ARG(describe_subject(e->arena, n)),
			STR_ARG(describe_count(e->arena, n->n_children, "item")),
			(unsigned long long)s->min_items);
	if (n->n_children > s->max_items)
		return eval_fail(e, n, DIAG_WRONG_LENGTH,
			STR_FMT " has " STR_FMT "; at most %llu may be there",
			STR_ARG(describe_subject(e->arena, n)),
			STR_ARG(describe_count(e->arena, n->n_children, "item")),
			(unsigned long long)s->max_items);
	return true;
}

static bool fail_duplicate(struct eval *e, struct node *item, const struct node *first)
{
	if (eval_is_loud(e) && (item->flags & NODE_POISONED) == 0) {
		eval_fail(e, item, DIAG_DUPLICATE_ITEM, STR_FMT " occurs twice in '" STR_FMT "'",
			STR_ARG(describe_value(e->arena, item)), STR_ARG(item->parent->key));
		diag_note(e->diags, first->span, "it is here already");
	}
	return false;
}

/* Equal items have equal hashes; items with one hash are chained in `others`. */
struct hashed {
	uint64_t hash;
	struct node *item;
	struct hashed *same;
};

static bool eval_unique(struct eval *e, struct node *n)
{
	struct hashed *all = ARENA_ARRAY(e->arena, struct hashed, n->n_children);
	struct map seen;
	size_t i = 0;
	bool ok = true;

	map_init(&seen, e->arena);
	for (struct node *item = n->first; item != NULL; item = item->next, i++) {
		struct hashed *first, *at;

		all[i] = (struct hashed){ node_hash(item), item, NULL };
		if (map_add(&seen, (struct str){ (const char *)&all[i].hash, sizeof(all[i].hash) },
			    &all[i]))
			continue;
		first = map_get(
			&seen, (struct str){ (const char *)&all[i].hash, sizeof(all[i].hash) });
		for (at = first; at != NULL && !node_equal(at->item, item); at = at->same)
			;
		if (at != NULL)
			ok = fail_duplicate(e, item, at->item);
		all[i].same = first->same;
		first->same = &all[i];
	}
	return ok;
}

static bool eval_contains(struct eval *e, const struct sub *s, struct node *n, struct marks *here)
{
	uint64_t found = 0;

	if (s->contains == NULL)
		return true;
	for (struct node *item = n->first; item != NULL; item = item->next) {
		if (!eval_quietly(e, s->contains, item, NULL))
			continue;
		found++;
		marks_add(here, item);
	}
	if (found < s->min_contains)
		return eval_fail(e, n, DIAG_SCHEMA_MISMATCH,
			STR_FMT " needs at least " STR_FMT " of a certain kind, and has %llu",
			STR_ARG(describe_subject(e->arena, n)),
			STR_ARG(describe_count(e->arena, s->min_contains, "item")),
			(unsigned long long)found);
	if (found > s->max_contains)
		return eval_fail(e, n, DIAG_SCHEMA_MISMATCH,
			STR_FMT " may have at most " STR_FMT " of a certain kind, and has %llu",
			STR_ARG(describe_subject(e->arena, n)),
			STR_ARG(describe_count(e->arena, s->max_contains, "item")),
			(unsigned long long)found);
	return true;
}

bool eval_items(struct eval *e, const struct sub *s, struct node *n, struct marks *here)
{
	size_t i = 0;
	bool ok;

	if (n->kind != NODE_SEQ)
		return true;
	ok = eval_size(e, s, n);
	for (struct node *item = n->first; item != NULL && (ok || eval_is_loud(e));
		item = item->next, i++) {
		const struct sub *sub = i < s->prefix_items.n ? s->prefix_items.at[i] : s->items;

		if (sub == NULL)
			continue;
		ok = eval_sub(e, sub, item, NULL) && ok;
		marks_add(here, item);
	}
	ok = ok && (!s->unique_items || eval_unique(e, n));
	return ok && eval_contains(e, s, n, here);
}

bool eval_unevaluated(struct eval *e, const struct sub *s, struct node *n, struct marks *here)
{
	const struct sub *sub = n->kind == NODE_MAP   ? s->unevaluated_members
				: n->kind == NODE_SEQ ? s->unevaluated_items
						      : NULL;
	bool ok = true;

	if (sub == NULL)
		return true;
	for (struct node *child = n->first; child != NULL && (ok || eval_is_loud(e));
		child = child->next) {
		if (marks_has(here, child))
			continue;
		ok = eval_sub(e, sub, child, NULL) && ok;
		marks_add(here, child);
	}
	return ok;
}
