/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Keywords for maps. */
#include "base/str.h"
#include "schema/eval.h"
#include "schema/pattern.h"

static bool eval_required(struct eval *e, const struct sub *s, struct node *n)
{
	struct misspelt misspelt = { .is_known = false };
	bool ok = true;

	for (const struct node *name = s->required == NULL ? NULL : s->required->first;
		name != NULL; name = name->next) {
		if (node_get(n, name->text) != NULL || (n->flags & NODE_PARTIAL) != 0)
			continue;
		ok = false;
		if (!eval_is_loud(e))
			return false;
		if (s->additional != NULL && s->additional->kind == SUB_NONE &&
			suggest_is_misspelt(e, s, n, &misspelt, name->text))
			continue;
		node_key_report(e->diags, n, DIAG_MISSING_KEY,
			"missing key '" STR_FMT "' in " STR_FMT, STR_ARG(name->text),
			STR_ARG(describe_map(s)));
		e->n_reported++;
	}
	if (!ok)
		n->flags |= NODE_POISONED;
	return ok;
}

static bool eval_dependent(struct eval *e, const struct sub *s, struct node *n)
{
	const struct node *rule =
		s->dependent_required == NULL ? NULL : s->dependent_required->first;

	for (; rule != NULL; rule = rule->next) {
		if (node_get(n, rule->key) == NULL)
			continue;
		for (const struct node *name = rule->first; name != NULL; name = name->next) {
			if (node_get(n, name->text) == NULL)
				return eval_fail(e, n, DIAG_SCHEMA_MISMATCH,
					"'" STR_FMT "' needs '" STR_FMT "' beside it",
					STR_ARG(rule->key), STR_ARG(name->text));
		}
	}
	return true;
}

static bool eval_size(struct eval *e, const struct sub *s, struct node *n)
{
	if (n->n_children < s->min_members && n->n_children == 0)
		return eval_fail(e, n, DIAG_WRONG_LENGTH, STR_FMT " must not be empty",
			STR_ARG(describe_subject(e->arena, n)));
	if (n->n_children < s->min_members)
		return eval_fail(e, n, DIAG_WRONG_LENGTH,
			STR_FMT " has " STR_FMT "; it needs at least %llu",
			STR_ARG(describe_subject(e->arena, n)),
			STR_ARG(describe_count(e->arena, n->n_children, "key")),
			(unsigned long long)s->min_members);
	if (n->n_children > s->max_members && s->max_members == 1)
		return eval_fail(e, n, DIAG_WRONG_LENGTH,
			STR_FMT " has exactly one key, but this has %u: '" STR_FMT "', '" STR_FMT
				"'%s",
			STR_ARG(describe_map(s)), n->n_children, STR_ARG(n->first->key),
			STR_ARG(n->first->next->key), n->n_children > 2 ? " and more" : "");
	if (n->n_children > s->max_members)
		return eval_fail(e, n, DIAG_WRONG_LENGTH,
			STR_FMT " has " STR_FMT "; at most %llu may be there",
			STR_ARG(describe_subject(e->arena, n)),
			STR_ARG(describe_count(e->arena, n->n_children, "key")),
			(unsigned long long)s->max_members);
	return true;
}

/* A key is validated as a string that stands where the key is. */
static bool eval_name(struct eval *e, const struct sub *s, struct node *member)
{
	struct node name = {
		.kind = NODE_STRING,
		.text = member->key,
		.span = member->key_span,
		.key_span = member->key_span,
		.parent = member->parent,
		.key = member->key,
		.index = member->index,
		.flags = NODE_QUOTED,
	};

	bool ok = true;

	if (s->member_names != NULL) {
		e->is_key = true;
		ok = eval_sub(e, s->member_names, &name, NULL);
		e->is_key = false;
	}
	if (ok)
		return true;
	if (eval_is_loud(e))
		member->flags |= NODE_POISONED;
	return false;
}

static bool fail_unknown(struct eval *e, const struct sub *s, struct node *n, struct node *member)
{
	if (!eval_is_loud(e) || (member->flags & NODE_POISONED) != 0)
		return false;
	node_key_report(e->diags, member, DIAG_UNKNOWN_KEY, "unknown key '" STR_FMT "' in " STR_FMT,
		STR_ARG(member->key), STR_ARG(describe_map(s)));
	suggest_key(e, s, n, member);
	member->flags |= NODE_POISONED;
	/* It may be another key, misspelt. */
	n->flags |= NODE_PARTIAL;
	e->n_reported++;
	return false;
}

static bool eval_member(struct eval *e, const struct sub *s, struct node *n, struct node *member,
	struct marks *here)
{
	struct sub *known = sub_property(s, member->key);
	bool is_known = known != NULL;
	bool ok = known == NULL || eval_sub(e, known, member, NULL);

	for (size_t i = 0; i < s->n_patterns; i++) {
		if (s->patterns[i].pattern == NULL ||
			!pattern_matches(s->patterns[i].pattern, member->key))
			continue;
		is_known = true;
		ok = eval_sub(e, s->patterns[i].sub, member, NULL) && ok;
	}
	if (!is_known && s->additional != NULL) {
		is_known = true;
		if (s->additional->kind == SUB_NONE)
			ok = fail_unknown(e, s, n, member);
		else
			ok = eval_sub(e, s->additional, member, NULL);
	}
	if (is_known)
		marks_add(here, member);
	return ok;
}

bool eval_members(struct eval *e, const struct sub *s, struct node *n, struct marks *here)
{
	struct frame frame = { s, n, e->frame };
	bool ok;

	if (n->kind != NODE_MAP)
		return true;
	ok = eval_size(e, s, n) && eval_required(e, s, n) && eval_dependent(e, s, n);
	if (!ok && !eval_is_loud(e))
		return false;
	if (s->has_properties)
		e->frame = &frame;
	for (struct node *member = n->first; member != NULL && (ok || eval_is_loud(e));
		member = member->next)
		ok = eval_name(e, s, member) && eval_member(e, s, n, member, here) && ok;
	e->frame = frame.outer;
	for (size_t i = 0; i < s->n_dependents && (ok || eval_is_loud(e)); i++) {
		if (node_get(n, s->dependents[i].name) != NULL)
			ok = eval_sub(e, s->dependents[i].sub, n, here) && ok;
	}
	return ok;
}
