/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* allOf, anyOf, oneOf, not, if: and which alternative to explain when none holds. */
#include "base/str.h"
#include "base/vec.h"
#include "schema/eval.h"

static bool eval_all(struct eval *e, const struct sub *s, struct node *n, struct marks *here)
{
	bool ok = true;

	for (size_t i = 0; i < s->all_of.n && (ok || eval_is_loud(e)); i++)
		ok = eval_sub(e, s->all_of.at[i], n, here) && ok;
	return ok;
}

/* How well a map fits an alternative: keys that it knows, keys that it lacks. */
static int score_map(const struct sub *branch, const struct node *n)
{
	int score = 0;

	for (const struct node *member = n->first; member != NULL; member = member->next)
		score += sub_property(branch, member->key) != NULL ? 4 : -1;
	for (const struct node *name = branch->required == NULL ? NULL : branch->required->first;
		name != NULL; name = name->next) {
		const struct node *member = node_get(n, name->text);
		const struct sub *sub = member == NULL ? NULL : sub_property(branch, name->text);

		score += member == NULL ? -2 : 8;
		/* A constant that fits tells variants of one kind of map apart. */
		if (sub != NULL && sub->constant != NULL)
			score += node_equal(sub->constant, member) ? 100 : -100;
	}
	return score;
}

const struct sub *eval_nearest(const struct sub_list *list, const struct node *n)
{
	const struct sub *best = NULL;
	int best_score = 0;

	for (size_t i = 0; i < list->n; i++) {
		const struct sub *branch = sub_follow(list->at[i]);
		unsigned types = sub_types(list->at[i]);
		int score;

		if (types != 0 && (types & node_type_bits(n)) == 0)
			continue;
		score = n->kind == NODE_MAP ? score_map(branch, n) : 0;
		if (best != NULL && score <= best_score)
			continue;
		best = list->at[i];
		best_score = score;
	}
	return best;
}

/* Reports why none of the alternatives holds, by the nearest one. */
static bool explain(
	struct eval *e, const struct sub_list *list, const struct sub *s, struct node *n)
{
	const struct sub *nearest = eval_nearest(list, n);
	size_t before = e->n_reported;
	unsigned types = 0;

	if (!eval_is_loud(e))
		return false;
	for (size_t i = 0; i < list->n; i++)
		types |= sub_types(list->at[i]);
	if (nearest != NULL && suggest_is_braced_word(e, n) && (types & TYPE_STRING) != 0)
		return eval_fail_type(e, s, n, types & ~(unsigned)TYPE_OBJECT);
	if (nearest == NULL)
		return eval_fail_type(e, s, n, types);
	eval_sub(e, nearest, n, NULL);
	if (e->n_reported == before)
		eval_fail(e, n, DIAG_SCHEMA_MISMATCH, STR_FMT " fits none of its alternatives",
			STR_ARG(describe_subject(e->arena, n)));
	return false;
}

/* Alternatives that hold are evaluated once more, loudly, since they may contain what is only
 * planned. */
static bool confirm(struct eval *e, const struct sub *branch, struct node *n)
{
	return !eval_is_loud(e) || eval_sub(e, branch, n, NULL);
}

/* Alternatives that are nothing but a key each. */
static bool are_keys(const struct sub_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!list->at[i]->only_requires)
			return false;
	}
	return list->n > 0;
}

/* "'a', 'b' or 'c'", of the keys that this build can honour. */
static struct str list_keys(struct arena *a, const struct sub *s, const struct sub_list *list)
{
	struct str text = STR("");
	struct str last = STR_NONE;

	for (size_t i = 0; i < list->n; i++) {
		struct str key = list->at[i]->required->first->text;
		const struct sub *property = sub_property(s, key);

		if (property != NULL && property->planned != NULL)
			continue;
		if (last.ptr != NULL)
			text = arena_printf(a, STR_FMT "%s'" STR_FMT "'", STR_ARG(text),
				text.len > 0 ? ", " : "", STR_ARG(last));
		last = key;
	}
	return arena_printf(a, STR_FMT "%s'" STR_FMT "'", STR_ARG(text), text.len > 0 ? " or " : "",
		STR_ARG(last));
}

static bool is_misspelt(struct eval *e, const struct sub *s, const struct sub_list *list, const struct node *n)
{
	struct misspelt misspelt = { .is_known = false };

	if (s->additional == NULL || s->additional->kind != SUB_NONE)
		return false;
	for (size_t i = 0; i < list->n; i++) {
		if (suggest_is_misspelt(e, s, n, &misspelt, list->at[i]->required->first->text))
			return true;
	}
	return false;
}

/* Not one of the keys is there. */
static bool fail_none_of(struct eval *e, const struct sub *s, const struct sub_list *list, struct node *n, const char *how_many)
{
	if (!eval_is_loud(e))
		return false;
	n->flags |= NODE_POISONED;
	if (is_misspelt(e, s, list, n))
		return false;
	node_key_report(e->diags, n, DIAG_ONE_OF_KEYS, STR_FMT " needs %s of the keys " STR_FMT, STR_ARG(describe_map(s)),
		how_many, STR_ARG(list_keys(e->arena, s, list)));
	e->n_reported++;
	return false;
}

static bool eval_any(struct eval *e, const struct sub *s, struct node *n, struct marks *here)
{
	const struct sub *found = NULL;

	if (s->any_of.n == 0)
		return true;
	for (size_t i = 0; i < s->any_of.n; i++) {
		if (!eval_quietly(e, s->any_of.at[i], n, here))
			continue;
		found = found == NULL ? s->any_of.at[i] : found;
		if (here->bits == NULL)
			break;
	}
	if (found == NULL && n->kind == NODE_MAP && are_keys(&s->any_of))
		return fail_none_of(e, s, &s->any_of, n, "at least one");
	return found == NULL ? explain(e, &s->any_of, s, n) : confirm(e, found, n);
}

/* oneOf over keys that exclude each other, such as a route's actions. */
static bool eval_exclusive_keys(struct eval *e, const struct sub *s, struct node *n)
{
	const struct node *first = NULL, *second = NULL;

	for (const struct node *member = n->kind == NODE_MAP ? n->first : NULL; member != NULL;
		member = member->next) {
		bool counts = false;

		for (size_t i = 0; i < s->one_of.n; i++)
			counts = counts ||
				 str_eq(s->one_of.at[i]->required->first->text, member->key);
		if (counts && first == NULL)
			first = member;
		else if (counts && second == NULL)
			second = member;
	}
	if (n->kind != NODE_MAP || (first != NULL && second == NULL) || (first == NULL && (n->flags & NODE_PARTIAL) != 0))
		return true;
	if (first == NULL)
		return fail_none_of(e, s, &s->one_of, n, "one");
	if (!eval_is_loud(e))
		return false;
	n->flags |= NODE_POISONED;
	node_key_report(e->diags, second, DIAG_ONE_OF_KEYS, STR_FMT " cannot have both '" STR_FMT "' and '" STR_FMT "'",
		STR_ARG(describe_map(s)), STR_ARG(first->key), STR_ARG(second->key));
	diag_note(e->diags, first->key_span, "'" STR_FMT "' is here", STR_ARG(first->key));
	e->n_reported++;
	return false;
}

static bool eval_one(struct eval *e, const struct sub *s, struct node *n, struct marks *here)
{
	const struct sub *found = NULL;
	size_t n_found = 0;

	if (s->one_of.n == 0)
		return true;
	if (are_keys(&s->one_of))
		return eval_exclusive_keys(e, s, n);
	for (size_t i = 0; i < s->one_of.n && n_found < 2; i++) {
		if (!eval_quietly(e, s->one_of.at[i], n, here))
			continue;
		found = s->one_of.at[i];
		n_found++;
	}
	if (n_found == 0)
		return explain(e, &s->one_of, s, n);
	if (n_found > 1)
		return eval_fail(e, n, DIAG_SCHEMA_MISMATCH,
			STR_FMT " fits more than one of its alternatives",
			STR_ARG(describe_subject(e->arena, n)));
	return confirm(e, found, n);
}

static bool eval_condition(struct eval *e, const struct sub *s, struct node *n, struct marks *here)
{
	const struct sub *branch;

	if (s->condition == NULL)
		return true;
	branch = eval_quietly(e, s->condition, n, here) ? s->consequence : s->alternative;
	return branch == NULL || eval_sub(e, branch, n, here);
}

bool eval_logic(struct eval *e, const struct sub *s, struct node *n, struct marks *here)
{
	bool ok = eval_all(e, s, n, here);

	if (ok || eval_is_loud(e))
		ok = eval_any(e, s, n, here) && ok;
	if (ok || eval_is_loud(e))
		ok = eval_one(e, s, n, here) && ok;
	if (ok && s->negated != NULL && eval_quietly(e, s->negated, n, NULL))
		ok = eval_fail(e, n, DIAG_SCHEMA_MISMATCH, STR_FMT " is what must not be here",
			STR_ARG(describe_value(e->arena, n)));
	return ok ? eval_condition(e, s, n, here) : false;
}
