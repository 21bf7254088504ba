/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Phrases for reports: what an instance is called, what it is, what was expected. */
#include "base/check.h"
#include "base/str.h"
#include "schema/eval.h"
#include "schema/formats.h"

#define SHOWN_LEN 60

struct str describe_subject(struct arena *a, const struct node *n)
{
	if (n->key.ptr != NULL)
		return arena_printf(a, "'" STR_FMT "'", STR_ARG(str_utf8_cut(n->key, SHOWN_LEN)));
	if (n->parent == NULL)
		return STR("the document");
	if (n->parent->key.ptr != NULL)
		return arena_printf(a, "an item of '" STR_FMT "'",
			STR_ARG(str_utf8_cut(n->parent->key, SHOWN_LEN)));
	return STR("an item");
}

/* The first bytes of s, cut at a code point and before a line end. */
static struct str shorten(struct str s, bool *cut_out)
{
	struct str line = str_utf8_cut(str_slice(s, 0, str_find_char(s, '\n')), SHOWN_LEN);

	*cut_out = line.len < s.len;
	return line;
}

struct str describe_value(struct arena *a, const struct node *n)
{
	bool is_cut;
	struct str text = shorten(n->text, &is_cut);

	switch (n->kind) {
	case NODE_NULL:
		return STR("nothing");
	case NODE_BOOL:
		return n->boolean ? STR("true") : STR("false");
	case NODE_INT:
	case NODE_FLOAT:
		return arena_printf(a, "a number " STR_FMT, STR_ARG(text));
	case NODE_DATETIME:
		return arena_printf(a, "a date " STR_FMT, STR_ARG(text));
	case NODE_STRING:
		return arena_printf(
			a, "a string \"" STR_FMT "%s\"", STR_ARG(text), is_cut ? "..." : "");
	case NODE_SEQ:
		return n->n_children == 0 ? STR("an empty list") : STR("a list");
	case NODE_MAP:
		return n->n_children == 0 ? STR("an empty map") : STR("a map");
	}
	return STR("a value");
}

struct str describe_types(struct arena *a, unsigned types)
{
	static const struct {
		unsigned bit;
		const char *phrase;
	} phrases[] = {
		{ TYPE_NULL, "nothing" },
		{ TYPE_BOOL, "true or false" },
		{ TYPE_NUMBER, "a number" },
		{ TYPE_INTEGER, "a whole number" },
		{ TYPE_STRING, "a string" },
		{ TYPE_ARRAY, "a list" },
		{ TYPE_OBJECT, "a map" },
	};
	struct str text = STR_NONE;

	if ((types & TYPE_NUMBER) != 0)
		types &= ~(unsigned)TYPE_INTEGER;
	for (size_t i = 0; i < ARRAY_LEN(phrases); i++) {
		if ((types & phrases[i].bit) == 0)
			continue;
		types &= ~phrases[i].bit;
		text = arena_printf(a, STR_FMT "%s%s", STR_ARG(text),
			text.len == 0 ? ""
			: types == 0  ? " or "
				      : ", ",
			phrases[i].phrase);
	}
	return text;
}

struct str describe_count(struct arena *a, uint64_t n, const char *noun)
{
	return arena_printf(a, "%llu %s%s", (unsigned long long)n, noun, n == 1 ? "" : "s");
}

struct str describe_map(const struct sub *s)
{
	return s->title.ptr != NULL ? s->title : STR("this map");
}

/* What a value with a unit is called, instead of "a string". */
static struct str describe_wanted(struct eval *e, const struct sub *s, unsigned types)
{
	struct str unit = sub_unit(s);

	if ((types & TYPE_NUMBER) == TYPE_NUMBER)
		return describe_types(e->arena, types);
	if ((types & TYPE_STRING) != 0 && (types & (TYPE_ARRAY | TYPE_OBJECT)) == 0 &&
		unit_phrase(unit) != NULL)
		return str_of(unit_phrase(unit));
	/* "a number" says enough to someone who wrote something else altogether. */
	if (types == TYPE_INTEGER)
		return STR("a number");
	return describe_types(e->arena, types);
}

bool eval_fail_type(struct eval *e, const struct sub *s, struct node *n, unsigned types)
{
	struct str unit = sub_unit(s), wanted;

	if (!eval_is_loud(e) || (n->flags & NODE_POISONED) != 0)
		return false;
	if ((n->kind == NODE_INT || n->kind == NODE_FLOAT) && unit_phrase(unit) != NULL &&
		(types & TYPE_STRING) != 0)
		return eval_fail_unit(e, n, unit);
	wanted = types == TYPE_INTEGER && n->kind == NODE_FLOAT ? STR("a whole number")
								: describe_wanted(e, s, types);
	eval_fail(e, n, DIAG_WRONG_TYPE, "expected " STR_FMT " for " STR_FMT ", got " STR_FMT,
		STR_ARG(wanted), STR_ARG(describe_subject(e->arena, n)),
		STR_ARG(describe_value(e->arena, n)));
	suggest_type(e, s, n, types);
	return false;
}

bool eval_fail_unit(struct eval *e, struct node *n, struct str unit)
{
	return eval_fail(
		e, n, DIAG_NO_UNIT, STR_FMT, STR_ARG(unit_missing(e->arena, unit, str_utf8_cut(n->text, SHOWN_LEN))));
}
