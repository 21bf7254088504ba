/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "schema/eval.h"

#include "base/str.h"

/* Bounds for schemas that refer to themselves without end, and for alternatives that multiply. */
#define MAX_DEPTH 4000
#define MAX_STEPS 100000000

struct marks marks_new(struct eval *e, const struct node *n)
{
	struct marks m = { NULL };

	if (e->schema->tracks_evaluation && (n->kind == NODE_MAP || n->kind == NODE_SEQ))
		m.bits = ARENA_ARRAY(e->arena, uint64_t, n->n_children / 64 + 1);
	return m;
}

void marks_add(struct marks *m, const struct node *child)
{
	if (m->bits != NULL)
		m->bits[child->index / 64] |= (uint64_t)1 << child->index % 64;
}

bool marks_has(const struct marks *m, const struct node *child)
{
	return m->bits != NULL && (m->bits[child->index / 64] >> child->index % 64 & 1) != 0;
}

void marks_merge(struct marks *into, const struct marks *from, const struct node *n)
{
	if (into == NULL || into->bits == NULL || from->bits == NULL)
		return;
	for (size_t i = 0; i <= n->n_children / 64; i++)
		into->bits[i] |= from->bits[i];
}

bool eval_is_loud(const struct eval *e)
{
	/* Beyond what is kept nobody reads, and each report costs a search for what was meant. */
	return e->quiet == 0 && e->diags->n < DIAG_MOST_KEPT;
}

bool eval_fail(struct eval *e, struct node *n, enum diag_id id, const char *format, ...)
{
	va_list args;

	e->hinted = NULL;
	if (e->quiet > 0 || e->gave_up || (n->flags & NODE_POISONED) != 0)
		return false;
	va_start(args, format);
	diag_vreport(e->diags, id, n->span, format, args);
	va_end(args);
	node_where(e->diags, n);
	n->flags |= NODE_POISONED;
	e->n_reported++;
	return false;
}

static bool enter(struct eval *e, struct node *n)
{
	if (e->gave_up)
		return false;
	e->steps++;
	if (++e->depth <= MAX_DEPTH && e->steps <= MAX_STEPS)
		return true;
	e->gave_up = true;
	e->depth--;
	e->quiet++;
	node_report(e->diags, n, DIAG_SCHEMA_LIMIT, "validation was given up here: %s",
		e->steps > MAX_STEPS ? "there are too many alternatives to try"
				     : "the schema refers to itself without end");
	e->quiet--;
	e->n_reported++;
	return false;
}

/* Core section 8.2.3.2: the outermost resource of the dynamic scope that has the anchor. */
static const struct sub *dynamic_target(const struct eval *e, const struct sub *s)
{
	const struct sub *target = s->dynamic_ref;

	if (s->dynamic_name.ptr == NULL)
		return target;
	for (const struct scope *at = e->scope; at != NULL; at = at->outer) {
		const struct sub *found = map_get(&at->resource->dynamic, s->dynamic_name);

		if (found != NULL)
			target = found;
	}
	return target;
}

static bool eval_references(struct eval *e, const struct sub *s, struct node *n, struct marks *here)
{
	bool ok = s->ref == NULL || eval_sub(e, s->ref, n, here);

	if ((ok || eval_is_loud(e)) && s->dynamic_ref != NULL)
		ok = eval_sub(e, dynamic_target(e, s), n, here) && ok;
	return ok;
}

typedef bool eval_group(struct eval *e, const struct sub *s, struct node *n, struct marks *here);

static bool eval_groups(struct eval *e, const struct sub *s, struct node *n, struct marks *here)
{
	static eval_group *const groups[] = { eval_references, eval_logic, eval_members, eval_items,
		eval_unevaluated };
	bool ok = eval_value(e, s, n);

	for (size_t i = 0; ok && i < sizeof(groups) / sizeof(groups[0]); i++)
		ok = groups[i](e, s, n, here);
	return ok;
}

/* As eval_groups, but goes on after a violation, so that all of them are reported; but for a
 * value of the wrong type, of which nothing more can be said. */
static bool eval_groups_loudly(
	struct eval *e, const struct sub *s, struct node *n, struct marks *here)
{
	bool ok = true;

	if (!eval_value(e, s, n))
		return false;
	ok = eval_references(e, s, n, here) && ok;
	ok = eval_logic(e, s, n, here) && ok;
	ok = eval_members(e, s, n, here) && ok;
	ok = eval_items(e, s, n, here) && ok;
	return ok ? eval_unevaluated(e, s, n, here) : false;
}

static bool eval_keywords(struct eval *e, const struct sub *s, struct node *n, struct marks *out)
{
	struct scope scope = { s->resource, e->scope };
	const struct scope *outer = e->scope;
	struct marks here = marks_new(e, n);
	bool ok;

	if (outer == NULL || outer->resource != s->resource)
		e->scope = &scope;
	ok = eval_is_loud(e) ? eval_groups_loudly(e, s, n, &here) : eval_groups(e, s, n, &here);
	e->scope = outer;
	if (ok)
		marks_merge(out, &here, n);
	else if (eval_is_loud(e) && e->hinted == n && s->hint.ptr != NULL)
		diag_note(e->diags, SPAN_NONE, STR_FMT, STR_ARG(s->hint));
	return ok;
}

static void report_planned(struct eval *e, struct node *n, struct str what, struct str why)
{
	bool at_key = n->key.ptr != NULL && str_eq(what, n->key);

	(at_key ? node_key_report : node_report)(e->diags, n, DIAG_PLANNED,
		"'" STR_FMT "' is part of the language, but this toronc cannot honour it yet",
		STR_ARG(what));
	if (!str_eq(what, why))
		diag_note(e->diags, SPAN_NONE, "what is missing: " STR_FMT, STR_ARG(why));
	n->flags |= NODE_POISONED;
	e->n_reported++;
}

/* True if the value is of the language but not of this build, and that was reported. */
static bool is_planned(struct eval *e, const struct sub *s, struct node *n)
{
	const struct node *why;

	if (!eval_is_loud(e))
		return false;
	if (s->planned != NULL) {
		report_planned(e, n, n->key.ptr != NULL ? n->key : n->text, s->planned->text);
		return true;
	}
	why = n->kind == NODE_STRING ? node_get(s->planned_values, n->text) : NULL;
	if (why != NULL)
		report_planned(e, n, n->text, why->text);
	return why != NULL;
}

bool eval_sub(struct eval *e, const struct sub *s, struct node *n, struct marks *out)
{
	bool ok;

	if (s->kind == SUB_ANY || (n->flags & NODE_POISONED) != 0)
		return true;
	if (s->kind == SUB_NONE)
		return eval_fail(e, n, DIAG_SCHEMA_MISMATCH, STR_FMT " is not allowed here",
			STR_ARG(describe_subject(e->arena, n)));
	if (!enter(e, n))
		return false;
	ok = is_planned(e, s, n) || eval_keywords(e, s, n, out);
	e->depth--;
	return ok;
}

bool eval_quietly(struct eval *e, const struct sub *s, struct node *n, struct marks *out)
{
	bool ok;

	e->quiet++;
	ok = eval_sub(e, s, n, out);
	e->quiet--;
	return ok;
}

bool schema_validate(struct arena *a, struct diags *d, const struct schema *s, struct node *doc)
{
	struct eval e = { .arena = a, .diags = d, .schema = s };
	bool ok = eval_sub(&e, s->root, doc, NULL);

	return ok && e.n_reported == 0;
}
