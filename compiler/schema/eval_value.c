/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Keywords for any value, for numbers and for strings. */
#include <math.h>

#include "base/duration.h"
#include "base/str.h"
#include "schema/eval.h"
#include "schema/formats.h"
#include "schema/inner.h"
#include "schema/pattern.h"
#include "tree/scalar.h"

static bool eval_choice(struct eval *e, const struct sub *s, struct node *n)
{
	if (s->constant != NULL && !node_equal(s->constant, n)) {
		eval_fail(e, n, DIAG_UNKNOWN_VALUE,
			"expected " STR_FMT " for " STR_FMT ", got " STR_FMT,
			STR_ARG(describe_value(e->arena, s->constant)),
			STR_ARG(describe_subject(e->arena, n)),
			STR_ARG(describe_value(e->arena, n)));
		return false;
	}
	if (s->choices == NULL)
		return true;
	for (const struct node *choice = s->choices->first; choice != NULL; choice = choice->next) {
		if (node_equal(choice, n))
			return true;
	}
	if (!eval_is_loud(e))
		return false;
	if (n->kind == NODE_MAP || n->kind == NODE_SEQ)
		eval_fail(e, n, DIAG_UNKNOWN_VALUE, "unknown value for " STR_FMT,
			STR_ARG(describe_subject(e->arena, n)));
	else
		eval_fail(e, n, DIAG_UNKNOWN_VALUE, "unknown value '" STR_FMT "' for " STR_FMT,
			STR_ARG(str_utf8_cut(n->text, 80)), STR_ARG(describe_subject(e->arena, n)));
	suggest_choice(e, s, n);
	return false;
}

/* Doubles below this still have digits behind the point. */
#define EXACT 9e15

static bool is_nearly_whole(double x)
{
	double nearest, error;

	if (!(x < EXACT && x > -EXACT))
		return false;
	nearest = (double)(int64_t)(x + (x < 0 ? -0.5 : 0.5));
	error = x - nearest;
	return (error < 0 ? -error : error) <= 1e-12 * (nearest < 0 ? 1 - nearest : 1 + nearest);
}

/* n is a multiple of m if their quotient is whole, but for the last digits: 0.0075 and 0.0001
 * have no exact doubles. */
static bool is_multiple(const struct node *n, const struct node *m)
{
	double value = n->kind == NODE_INT ? (double)n->integer : n->real;
	double unit = m->kind == NODE_INT ? (double)m->integer : m->real;
	double quotient;

	if (n->kind == NODE_INT && m->kind == NODE_INT)
		return n->integer % m->integer == 0;
	quotient = value / unit;
	if (is_nearly_whole(quotient))
		return true;
	if (quotient < EXACT && quotient > -EXACT)
		return false;
	/* Too large for its fraction to be seen: whole numbers are multiples of 1/2, 1/10, ... */
	return fmod(value, unit) == 0 ||
	       ((node_type_bits(n) & TYPE_INTEGER) != 0 && is_nearly_whole(1 / unit));
}

static bool fail_bound(struct eval *e, const struct sub *s, struct node *n, const char *relation,
	const struct node *bound)
{
	struct str unit = sub_unit(s);

	if (unit.ptr != NULL && !str_eq(unit, STR("count")))
		return eval_fail_unit(e, n, unit);
	return eval_fail(e, n, DIAG_OUT_OF_RANGE, STR_FMT " must be %s " STR_FMT ", not " STR_FMT,
		STR_ARG(describe_subject(e->arena, n)), relation, STR_ARG(bound->text),
		STR_ARG(n->text));
}

static bool eval_number(struct eval *e, const struct sub *s, struct node *n)
{
	if (n->kind != NODE_INT && n->kind != NODE_FLOAT)
		return true;
	if (s->minimum != NULL && node_compare_numbers(n, s->minimum) < 0)
		return fail_bound(e, s, n, "at least", s->minimum);
	if (s->maximum != NULL && node_compare_numbers(n, s->maximum) > 0)
		return fail_bound(e, s, n, "at most", s->maximum);
	if (s->above != NULL && node_compare_numbers(n, s->above) <= 0)
		return fail_bound(e, s, n, "above", s->above);
	if (s->below != NULL && node_compare_numbers(n, s->below) >= 0)
		return fail_bound(e, s, n, "below", s->below);
	if (s->multiple_of != NULL && !is_multiple(n, s->multiple_of))
		return fail_bound(e, s, n, "a multiple of", s->multiple_of);
	return true;
}

static uint64_t count_code_points(struct str s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += ((unsigned char)s.ptr[i] & 0xc0) != 0x80;
	return n;
}

static bool eval_length(struct eval *e, const struct sub *s, struct node *n)
{
	uint64_t len =
		s->min_length > 0 || s->max_length != NO_LIMIT ? count_code_points(n->text) : 0;

	if (s->max_length != NO_LIMIT && len > s->max_length)
		return eval_fail(e, n, DIAG_WRONG_LENGTH,
			STR_FMT " has " STR_FMT "; at most %llu may be there",
			STR_ARG(describe_subject(e->arena, n)),
			STR_ARG(describe_count(e->arena, len, "character")),
			(unsigned long long)s->max_length);
	if (len >= s->min_length)
		return true;
	if (len == 0)
		return eval_fail(e, n, DIAG_WRONG_LENGTH, STR_FMT " must not be empty",
			STR_ARG(describe_subject(e->arena, n)));
	return eval_fail(e, n, DIAG_WRONG_LENGTH, STR_FMT " needs at least " STR_FMT,
		STR_ARG(describe_subject(e->arena, n)),
		STR_ARG(describe_count(e->arena, s->min_length, "character")));
}

static void report_fault(struct eval *e, struct node *n, const struct format_fault *fault)
{
	node_inner_report(e->diags, n, fault->at, fault->len, fault->id, STR_FMT, STR_ARG(fault->text));
	if (fault->note.ptr != NULL)
		diag_note(e->diags, SPAN_NONE, STR_FMT, STR_ARG(fault->note));
	n->flags |= NODE_POISONED;
	e->n_reported++;
	e->hinted = n;
}

static bool eval_format(struct eval *e, const struct sub *s, struct node *n)
{
	bool is_asserted = e->schema->asserts_format || s->resource->asserts_format ||
			   str_starts(s->format, STR("x-"));
	const struct format *format = is_asserted ? format_find(s->format) : NULL;
	struct format_fault fault = { .id = DIAG_WRONG_FORM };
	struct arena scratch; /* aliases may repeat a long text very often */
	bool ok;

	if (format == NULL)
		return true;
	arena_init_unbounded(&scratch);
	ok = format_check(format, &scratch, n->text, &fault);
	if (!ok && eval_is_loud(e))
		report_fault(e, n, &fault);
	arena_fini(&scratch);
	return ok;
}

/* x-minimum and x-maximum, for values with a unit. */
static bool eval_range(struct eval *e, const struct sub *s, struct node *n)
{
	struct str unit = sub_unit(s);
	uint64_t value, bound;

	if (!unit_parse(unit, n->text, &value))
		return true;
	if (s->least.ptr != NULL && unit_parse(unit, s->least, &bound) && value < bound)
		return eval_fail(e, n, DIAG_OUT_OF_RANGE,
			STR_FMT " must be at least " STR_FMT ", not " STR_FMT,
			STR_ARG(describe_subject(e->arena, n)), STR_ARG(s->least),
			STR_ARG(n->text));
	if (s->greatest.ptr != NULL && unit_parse(unit, s->greatest, &bound) && value > bound)
		return eval_fail(e, n, DIAG_OUT_OF_RANGE,
			STR_FMT " must be at most " STR_FMT ", not " STR_FMT,
			STR_ARG(describe_subject(e->arena, n)), STR_ARG(s->greatest),
			STR_ARG(n->text));
	return true;
}

static bool eval_string(struct eval *e, const struct sub *s, struct node *n)
{
	if (n->kind != NODE_STRING && n->kind != NODE_DATETIME)
		return true;
	if (!eval_length(e, s, n))
		return false;
	if (s->pattern != NULL && !pattern_matches(s->pattern, n->text)) {
		if (e->is_key)
			eval_fail(e, n, DIAG_WRONG_FORM, "'" STR_FMT "' is not a possible key here",
				STR_ARG(str_utf8_cut(n->text, 80)));
		else
			eval_fail(e, n, DIAG_WRONG_FORM,
				"'" STR_FMT "' is not a possible value of " STR_FMT,
				STR_ARG(str_utf8_cut(n->text, 80)),
				STR_ARG(describe_subject(e->arena, n)));
		e->hinted = n;
		return false;
	}
	if (s->format.ptr != NULL && !eval_format(e, s, n))
		return false;
	return (s->least.ptr == NULL && s->greatest.ptr == NULL) || eval_range(e, s, n);
}

/* "${PORT}" in quotes becomes the number that is needed. True if it is one. */
static bool adopt_type(const struct sub *s, struct node *n)
{
	struct node typed = *n;

	if ((n->flags & NODE_VARIABLE) == 0 || scalar_resolve(&typed, n->text) != SCALAR_OK ||
		(s->types & node_type_bits(&typed)) == 0)
		return false;
	typed.flags &= (uint8_t)~NODE_QUOTED;
	*n = typed;
	return true;
}

bool eval_value(struct eval *e, const struct sub *s, struct node *n)
{
	if (s->types != 0 && (s->types & node_type_bits(n)) == 0 && !adopt_type(s, n))
		return eval_fail_type(e, s, n, s->types);
	return eval_choice(e, s, n) && eval_number(e, s, n) && eval_string(e, s, n);
}
