/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What each keyword of JSON Schema 2020-12 (and each of our own) means, as one table. */
#include "base/check.h"
#include "base/str.h"
#include "schema/compiler.h"
#include "schema/pattern.h"

typedef void keyword_reader(struct compiler *c, struct sub *s, const struct node *n);

struct keyword {
	struct str name;
	enum keyword_shape shape;
	keyword_reader *read; /* NULL: nothing to do */
	bool is_validation;   /* of the validation vocabulary */
};

static bool check_kind(struct compiler *c, const struct node *n, enum node_kind kind)
{
	if (n->kind == kind)
		return true;
	compiler_fail(c, n, "'" STR_FMT "' must be %s, not %s", STR_ARG(n->key),
		node_kind_name(kind), node_kind_name(n->kind));
	return false;
}

static struct sub *child_sub(struct compiler *c, struct sub *s, const struct node *n)
{
	return compiler_sub(c, n, s->resource);
}

static unsigned type_named(struct str name)
{
	static const struct {
		struct str name;
		unsigned bit;
	} types[] = {
		{ STR_INIT("null"), TYPE_NULL },
		{ STR_INIT("boolean"), TYPE_BOOL },
		{ STR_INIT("integer"), TYPE_INTEGER },
		{ STR_INIT("number"), TYPE_NUMBER | TYPE_INTEGER },
		{ STR_INIT("string"), TYPE_STRING },
		{ STR_INIT("array"), TYPE_ARRAY },
		{ STR_INIT("object"), TYPE_OBJECT },
	};

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (str_eq(types[i].name, name))
			return types[i].bit;
	}
	return 0;
}

static void read_type(struct compiler *c, struct sub *s, const struct node *n)
{
	const struct node *item = n->kind == NODE_SEQ ? n->first : n;

	for (; item != NULL; item = n->kind == NODE_SEQ ? item->next : NULL) {
		unsigned bit = item->kind == NODE_STRING ? type_named(item->text) : 0;

		if (bit == 0)
			compiler_fail(c, item,
				"'type' must name types: null, boolean, integer, number, string, "
				"array, object");
		s->types |= bit;
	}
}

static void read_enum(struct compiler *c, struct sub *s, const struct node *n)
{
	if (check_kind(c, n, NODE_SEQ))
		s->choices = n;
}

static void read_const(struct compiler *c, struct sub *s, const struct node *n)
{
	(void)c;
	s->constant = n;
}

static bool is_number(struct compiler *c, const struct node *n)
{
	if (n->kind == NODE_INT || n->kind == NODE_FLOAT)
		return true;
	compiler_fail(c, n, "'" STR_FMT "' must be a number", STR_ARG(n->key));
	return false;
}

#define NUMBER_READER(function, field) \
	static void function(struct compiler *c, struct sub *s, const struct node *n) \
	{ \
		if (is_number(c, n)) \
			s->field = n; \
	}
NUMBER_READER(read_minimum, minimum)
NUMBER_READER(read_maximum, maximum)
NUMBER_READER(read_above, above)
NUMBER_READER(read_below, below)

static void read_multiple_of(struct compiler *c, struct sub *s, const struct node *n)
{
	if (!is_number(c, n))
		return;
	if (n->kind == NODE_INT ? n->integer <= 0 : !(n->real > 0))
		compiler_fail(c, n, "'multipleOf' must be above 0");
	else
		s->multiple_of = n;
}

static uint64_t read_count(struct compiler *c, const struct node *n, uint64_t otherwise)
{
	if (n->kind == NODE_INT && n->integer >= 0)
		return (uint64_t)n->integer;
	if (n->kind == NODE_FLOAT && n->real >= 0 && n->real < 9e15 &&
		n->real == (double)(uint64_t)n->real)
		return (uint64_t)n->real;
	compiler_fail(c, n, "'" STR_FMT "' must be a whole number, 0 or more", STR_ARG(n->key));
	return otherwise;
}

#define COUNT_READER(function, field) \
	static void function(struct compiler *c, struct sub *s, const struct node *n) \
	{ \
		s->field = read_count(c, n, s->field); \
	}
COUNT_READER(read_min_length, min_length)
COUNT_READER(read_max_length, max_length)
COUNT_READER(read_min_items, min_items)
COUNT_READER(read_max_items, max_items)
COUNT_READER(read_min_contains, min_contains)
COUNT_READER(read_max_contains, max_contains)
COUNT_READER(read_min_members, min_members)
COUNT_READER(read_max_members, max_members)

static void read_unique(struct compiler *c, struct sub *s, const struct node *n)
{
	if (check_kind(c, n, NODE_BOOL))
		s->unique_items = n->boolean;
}

/* `n` has the pattern as its value, or as its key. */
static struct pattern *make_pattern(struct compiler *c, const struct node *n, struct str text)
{
	struct re_error error;
	struct pattern *p = pattern_new(c->arena, text, &error);
	struct node at = *n;

	if (text.ptr == n->key.ptr)
		at.span = n->key_span;
	if (p == NULL)
		compiler_fail(c, &at, "the pattern '" STR_FMT "' cannot be used: %s", STR_ARG(text),
			error.what);
	return p;
}

static void read_pattern(struct compiler *c, struct sub *s, const struct node *n)
{
	if (check_kind(c, n, NODE_STRING))
		s->pattern = make_pattern(c, n, n->text);
}

static bool are_strings(struct compiler *c, const struct node *n)
{
	if (!check_kind(c, n, NODE_SEQ))
		return false;
	for (const struct node *item = n->first; item != NULL; item = item->next) {
		if (item->kind != NODE_STRING) {
			compiler_fail(c, item, "'" STR_FMT "' must be a list of strings",
				STR_ARG(n->key));
			return false;
		}
	}
	return true;
}

static void read_required(struct compiler *c, struct sub *s, const struct node *n)
{
	if (are_strings(c, n))
		s->required = n;
}

static void read_dependent_required(struct compiler *c, struct sub *s, const struct node *n)
{
	bool ok = check_kind(c, n, NODE_MAP);

	for (const struct node *member = ok ? n->first : NULL; member != NULL;
		member = member->next)
		ok = ok && are_strings(c, member);
	if (ok)
		s->dependent_required = n;
}

static void read_properties(struct compiler *c, struct sub *s, const struct node *n)
{
	if (!check_kind(c, n, NODE_MAP))
		return;
	s->has_properties = true;
	for (const struct node *member = n->first; member != NULL; member = member->next) {
		struct named_sub *named = ARENA_NEW(c->arena, struct named_sub);

		named->name = member->key;
		named->sub = child_sub(c, s, member);
		map_add(&s->properties, member->key, named);
	}
}

static struct named_sub *read_named(struct compiler *c, struct sub *s, const struct node *n)
{
	struct named_sub *list = ARENA_ARRAY(c->arena, struct named_sub, n->n_children);
	size_t i = 0;

	for (const struct node *member = n->first; member != NULL; member = member->next, i++) {
		list[i].name = member->key;
		list[i].sub = child_sub(c, s, member);
	}
	return list;
}

static void read_pattern_properties(struct compiler *c, struct sub *s, const struct node *n)
{
	if (!check_kind(c, n, NODE_MAP))
		return;
	s->patterns = read_named(c, s, n);
	s->n_patterns = n->n_children;
	for (size_t i = 0; i < s->n_patterns; i++)
		s->patterns[i].pattern =
			make_pattern(c, s->patterns[i].sub->node, s->patterns[i].name);
}

static void read_dependent_schemas(struct compiler *c, struct sub *s, const struct node *n)
{
	if (!check_kind(c, n, NODE_MAP))
		return;
	s->dependents = read_named(c, s, n);
	s->n_dependents = n->n_children;
}

#define SUB_READER(function, field) \
	static void function(struct compiler *c, struct sub *s, const struct node *n) \
	{ \
		s->field = child_sub(c, s, n); \
	}
SUB_READER(read_additional, additional)
SUB_READER(read_member_names, member_names)
SUB_READER(read_items, items)
SUB_READER(read_contains, contains)
SUB_READER(read_not, negated)
SUB_READER(read_if, condition)
SUB_READER(read_then, consequence)
SUB_READER(read_else, alternative)

static void read_unevaluated_members(struct compiler *c, struct sub *s, const struct node *n)
{
	s->unevaluated_members = child_sub(c, s, n);
	c->schema->tracks_evaluation = true;
}

static void read_unevaluated_items(struct compiler *c, struct sub *s, const struct node *n)
{
	s->unevaluated_items = child_sub(c, s, n);
	c->schema->tracks_evaluation = true;
}

static struct sub_list read_list(struct compiler *c, struct sub *s, const struct node *n)
{
	struct sub_list list = { 0 };

	if (!check_kind(c, n, NODE_SEQ))
		return list;
	list.at = ARENA_ARRAY(c->arena, struct sub *, n->n_children);
	for (const struct node *item = n->first; item != NULL; item = item->next)
		list.at[list.n++] = child_sub(c, s, item);
	return list;
}

#define LIST_READER(function, field) \
	static void function(struct compiler *c, struct sub *s, const struct node *n) \
	{ \
		s->field = read_list(c, s, n); \
	}
LIST_READER(read_prefix_items, prefix_items)
LIST_READER(read_all_of, all_of)
LIST_READER(read_any_of, any_of)
LIST_READER(read_one_of, one_of)

static void read_ref(struct compiler *c, struct sub *s, const struct node *n)
{
	struct str anchor;

	if (check_kind(c, n, NODE_STRING))
		s->ref = compiler_resolve(c, n, s->resource, &anchor);
}

/* Core section 8.2.3.2: only a fragment that was made by $dynamicAnchor is looked up in the
 * dynamic scope. */
static void read_dynamic_ref(struct compiler *c, struct sub *s, const struct node *n)
{
	struct str anchor;

	if (!check_kind(c, n, NODE_STRING))
		return;
	s->dynamic_ref = compiler_resolve(c, n, s->resource, &anchor);
	if (anchor.ptr != NULL &&
		map_get(&s->dynamic_ref->resource->dynamic, anchor) == s->dynamic_ref)
		s->dynamic_name = anchor;
}

#define STRING_READER(function, field) \
	static void function(struct compiler *c, struct sub *s, const struct node *n) \
	{ \
		if (check_kind(c, n, NODE_STRING)) \
			s->field = n->text; \
	}
STRING_READER(read_format, format)
STRING_READER(read_title, title)
STRING_READER(read_hint, hint)
STRING_READER(read_unit, unit)
STRING_READER(read_least, least)
STRING_READER(read_greatest, greatest)

static void read_default(struct compiler *c, struct sub *s, const struct node *n)
{
	(void)c;
	s->default_value = n;
}

static void read_planned(struct compiler *c, struct sub *s, const struct node *n)
{
	if (check_kind(c, n, NODE_STRING))
		s->planned = n;
}

static void read_planned_values(struct compiler *c, struct sub *s, const struct node *n)
{
	if (check_kind(c, n, NODE_MAP))
		s->planned_values = n;
}

static const struct keyword keywords[] = {
	{ STR_INIT("$ref"), SHAPE_VALUE, read_ref, false },
	{ STR_INIT("$dynamicRef"), SHAPE_VALUE, read_dynamic_ref, false },
	{ STR_INIT("$defs"), SHAPE_MAP, NULL, false },
	{ STR_INIT("definitions"), SHAPE_MAP, NULL, false },
	{ STR_INIT("allOf"), SHAPE_LIST, read_all_of, false },
	{ STR_INIT("anyOf"), SHAPE_LIST, read_any_of, false },
	{ STR_INIT("oneOf"), SHAPE_LIST, read_one_of, false },
	{ STR_INIT("not"), SHAPE_SCHEMA, read_not, false },
	{ STR_INIT("if"), SHAPE_SCHEMA, read_if, false },
	{ STR_INIT("then"), SHAPE_SCHEMA, read_then, false },
	{ STR_INIT("else"), SHAPE_SCHEMA, read_else, false },
	{ STR_INIT("dependentSchemas"), SHAPE_MAP, read_dependent_schemas, false },
	{ STR_INIT("prefixItems"), SHAPE_LIST, read_prefix_items, false },
	{ STR_INIT("items"), SHAPE_SCHEMA, read_items, false },
	{ STR_INIT("contains"), SHAPE_SCHEMA, read_contains, false },
	{ STR_INIT("properties"), SHAPE_MAP, read_properties, false },
	{ STR_INIT("patternProperties"), SHAPE_MAP, read_pattern_properties, false },
	{ STR_INIT("additionalProperties"), SHAPE_SCHEMA, read_additional, false },
	{ STR_INIT("propertyNames"), SHAPE_SCHEMA, read_member_names, false },
	{ STR_INIT("unevaluatedItems"), SHAPE_SCHEMA, read_unevaluated_items, false },
	{ STR_INIT("unevaluatedProperties"), SHAPE_SCHEMA, read_unevaluated_members, false },
	{ STR_INIT("type"), SHAPE_VALUE, read_type, true },
	{ STR_INIT("enum"), SHAPE_VALUE, read_enum, true },
	{ STR_INIT("const"), SHAPE_VALUE, read_const, true },
	{ STR_INIT("multipleOf"), SHAPE_VALUE, read_multiple_of, true },
	{ STR_INIT("maximum"), SHAPE_VALUE, read_maximum, true },
	{ STR_INIT("exclusiveMaximum"), SHAPE_VALUE, read_below, true },
	{ STR_INIT("minimum"), SHAPE_VALUE, read_minimum, true },
	{ STR_INIT("exclusiveMinimum"), SHAPE_VALUE, read_above, true },
	{ STR_INIT("maxLength"), SHAPE_VALUE, read_max_length, true },
	{ STR_INIT("minLength"), SHAPE_VALUE, read_min_length, true },
	{ STR_INIT("pattern"), SHAPE_VALUE, read_pattern, true },
	{ STR_INIT("maxItems"), SHAPE_VALUE, read_max_items, true },
	{ STR_INIT("minItems"), SHAPE_VALUE, read_min_items, true },
	{ STR_INIT("uniqueItems"), SHAPE_VALUE, read_unique, true },
	{ STR_INIT("maxContains"), SHAPE_VALUE, read_max_contains, true },
	{ STR_INIT("minContains"), SHAPE_VALUE, read_min_contains, true },
	{ STR_INIT("maxProperties"), SHAPE_VALUE, read_max_members, true },
	{ STR_INIT("minProperties"), SHAPE_VALUE, read_min_members, true },
	{ STR_INIT("required"), SHAPE_VALUE, read_required, true },
	{ STR_INIT("dependentRequired"), SHAPE_VALUE, read_dependent_required, true },
	{ STR_INIT("format"), SHAPE_VALUE, read_format, false },
	{ STR_INIT("default"), SHAPE_VALUE, read_default, false },
	{ STR_INIT("title"), SHAPE_VALUE, read_title, false },
	{ STR_INIT("x-hint"), SHAPE_VALUE, read_hint, false },
	{ STR_INIT("x-unit"), SHAPE_VALUE, read_unit, false },
	{ STR_INIT("x-minimum"), SHAPE_VALUE, read_least, false },
	{ STR_INIT("x-maximum"), SHAPE_VALUE, read_greatest, false },
	{ STR_INIT("x-planned"), SHAPE_VALUE, read_planned, false },
	{ STR_INIT("x-planned-values"), SHAPE_VALUE, read_planned_values, false },
};

static const struct keyword *find_keyword(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(keywords); i++) {
		if (str_eq(keywords[i].name, name))
			return &keywords[i];
	}
	return NULL;
}

enum keyword_shape keyword_shape(struct str name)
{
	const struct keyword *k = find_keyword(name);

	return k == NULL ? SHAPE_VALUE : k->shape;
}

void keywords_read(struct compiler *c, struct sub *s)
{
	const struct node *n = s->node;

	s->max_length = s->max_items = s->max_contains = s->max_members = NO_LIMIT;
	s->min_contains = 1;
	map_init(&s->properties, c->arena);
	if (n->kind == NODE_BOOL) {
		s->kind = n->boolean ? SUB_ANY : SUB_NONE;
		return;
	}
	if (n->kind != NODE_MAP) {
		compiler_fail(c, n, "a schema must be a map, true or false, not %s",
			node_kind_name(n->kind));
		return;
	}
	s->kind = SUB_KEYWORDS;
	for (const struct node *member = n->first; member != NULL; member = member->next) {
		const struct keyword *k = find_keyword(member->key);

		if (k != NULL && k->read != NULL &&
			!(k->is_validation && s->resource->skips_validation))
			k->read(c, s, member);
	}
	s->only_requires =
		s->required != NULL && n->n_children == 1 && s->required->n_children == 1;
}
