/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Notes that say what was probably meant. */
#include "base/str.h"
#include "schema/eval.h"
#include "schema/foreign.h"

/* More names than this are no help. */
#define MAX_LISTED 20

static void note_names(struct eval *e, const char *intro, const struct str *names, size_t n)
{
	struct str text = STR("");

	if (n == 0 || n > MAX_LISTED)
		return;
	for (size_t i = 0; i < n; i++)
		text = arena_printf(e->arena, STR_FMT "%s" STR_FMT, STR_ARG(text),
			i == 0 ? "" : ", ", STR_ARG(names[i]));
	diag_note(e->diags, SPAN_NONE, "%s: " STR_FMT, intro, STR_ARG(text));
}

/* The names of a map's keys; those that are only planned are left out if `honoured`. */
static struct str *collect_names(struct eval *e, const struct sub *s, bool honoured, size_t *n_out)
{
	struct str *names = ARENA_ARRAY(e->arena, struct str, s->properties.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s->properties.n; i++) {
		const struct named_sub *named = s->properties.entries[i].value;

		if (!honoured || named->sub->planned == NULL)
			names[n++] = named->name;
	}
	*n_out = n;
	return names;
}

static bool is_written_in(const struct eval *e, const struct node *n, enum tree_format wanted)
{
	enum tree_format format;

	return n->span.source != 0 && n->span.source < e->diags->n_sources &&
	       tree_format_of(e->diags->sources[n->span.source].name, &format) && format == wanted;
}

static bool is_yaml(const struct eval *e, const struct node *n)
{
	return is_written_in(e, n, TREE_YAML);
}

/* True if a map that `s` describes, or an alternative of it, has the key. */
static bool knows_key(const struct sub *s, struct str key)
{
	s = sub_follow(s);
	if (sub_property(s, key) != NULL)
		return true;
	for (size_t i = 0; i < s->any_of.n; i++) {
		if (sub_property(sub_follow(s->any_of.at[i]), key) != NULL)
			return true;
	}
	return false;
}

static bool items_know_key(const struct sub *s, struct str key)
{
	s = sub_follow(s);
	return s->items != NULL && knows_key(s->items, key);
}

/* A key one level too high: "'path' is a key of 'match'". */
static bool suggest_below(
	struct eval *e, const struct sub *s, const struct node *map, struct str key)
{
	for (size_t i = 0; i < s->properties.n; i++) {
		const struct named_sub *named = s->properties.entries[i].value;
		bool in_items = items_know_key(named->sub, key);
		const struct node *place;

		if (named->sub->planned != NULL || !(in_items || knows_key(named->sub, key)))
			continue;
		place = node_get(map, named->name);
		diag_note(e->diags, place == NULL ? SPAN_NONE : place->key_span,
			"'" STR_FMT "' is a key of %s'" STR_FMT "'%s%s", STR_ARG(key),
			in_items ? "the items of " : "", STR_ARG(named->name),
			place == NULL ? "" : ", which is here",
			place != NULL && is_yaml(e, map) ? "; check the indentation" : "");
		return true;
	}
	return false;
}

/* A key one or more levels too deep. */
static bool suggest_above(struct eval *e, const struct node *map, struct str key)
{
	for (const struct frame *f = e->frame == NULL ? NULL : e->frame->outer; f != NULL;
		f = f->outer) {
		if (sub_property(f->sub, key) == NULL)
			continue;
		diag_note(e->diags, SPAN_NONE, "'" STR_FMT "' is a key of " STR_FMT "%s",
			STR_ARG(key), STR_ARG(describe_map(f->sub)),
			is_yaml(e, map) ? "; check the indentation" : "");
		return true;
	}
	return false;
}

/* Unknown keys of one map that are looked at: the names that they may be are many, too. */
#define MISSPELT_MOST 2000

static void find_misspelt(struct eval *e, const struct sub *s, const struct node *map, struct misspelt *keys)
{
	size_t n, n_unknown = 0;
	struct str *names = collect_names(e, s, false, &n);

	keys->is_known = true;
	map_init(&keys->meant, e->arena);
	for (const struct node *member = map->first; member != NULL && n_unknown < MISSPELT_MOST; member = member->next) {
		struct str nearest;

		if (sub_property(s, member->key) != NULL)
			continue;
		n_unknown++;
		nearest = diag_nearest(member->key, names, n);
		if (nearest.ptr != NULL)
			map_add(&keys->meant, nearest, (void *)(uintptr_t)member);
	}
}

bool suggest_is_misspelt(struct eval *e, const struct sub *s, const struct node *map,
	struct misspelt *keys, struct str name)
{
	if (!keys->is_known)
		find_misspelt(e, s, map, keys);
	return map_get(&keys->meant, name) != NULL;
}

void suggest_key(
	struct eval *e, const struct sub *s, const struct node *map, const struct node *member)
{
	struct str *names, nearest;
	size_t n;

	if (!diag_wants_notes(e->diags))
		return;
	names = collect_names(e, s, false, &n);
	if (suggest_below(e, s, map, member->key) || suggest_above(e, map, member->key))
		return;
	nearest = foreign_name(s, member->key);
	if (nearest.ptr != NULL) {
		diag_note(e->diags, SPAN_NONE, "here this is called '" STR_FMT "'", STR_ARG(nearest));
		return;
	}
	nearest = diag_nearest(member->key, names, n);
	if (nearest.ptr != NULL) {
		diag_note(e->diags, SPAN_NONE, "did you mean '" STR_FMT "'?", STR_ARG(nearest));
		return;
	}
	names = collect_names(e, s, true, &n);
	if (n == 0 && s->has_properties)
		diag_note(e->diags, SPAN_NONE, STR_FMT " has no keys: write {}",
			STR_ARG(describe_map(s)));
	note_names(e, "the keys here are", names, n);
}

void suggest_choice(struct eval *e, const struct sub *s, const struct node *n)
{
	struct str *names, nearest;
	size_t count = 0;

	if (!diag_wants_notes(e->diags))
		return;
	names = ARENA_ARRAY(e->arena, struct str, s->choices->n_children + 1);
	for (const struct node *choice = s->choices->first; choice != NULL; choice = choice->next) {
		if (node_get(s->planned_values, choice->text) == NULL)
			names[count++] = choice->text;
	}
	nearest = n->kind == NODE_STRING ? diag_nearest(n->text, names, count) : STR_NONE;
	if (nearest.ptr != NULL)
		diag_note(e->diags, SPAN_NONE, "did you mean '" STR_FMT "'?", STR_ARG(nearest));
	else
		note_names(e, count == 1 ? "the only possible value is" : "possible values are",
			names, count);
}

static bool looks_numeric(struct str s)
{
	size_t i = s.len > 1 && s.ptr[0] == '-';
	size_t digits = 0;

	for (; i < s.len; i++) {
		if (s.ptr[i] >= '0' && s.ptr[i] <= '9')
			digits++;
		else if (s.ptr[i] != '.')
			return false;
	}
	return digits > 0;
}

/* "true" or "false" for what people write instead, or NULL. */
static const char *boolean_meant(struct str s)
{
	static const char *const yes[] = { "true", "yes", "on", "y", "1", "enabled" };
	static const char *const no[] = { "false", "no", "off", "n", "0", "disabled" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (str_eq_nocase(s, str_of(yes[i])))
			return "true";
		if (str_eq_nocase(s, str_of(no[i])))
			return "false";
	}
	return NULL;
}

bool suggest_is_braced_word(const struct eval *e, const struct node *n)
{
	return n->kind == NODE_MAP && n->n_children == 1 && n->first->kind == NODE_NULL &&
	       n->first->span.begin == n->first->span.end && is_yaml(e, n);
}

static void suggest_list(struct eval *e, const struct sub *s, const struct node *n)
{
	const struct sub *items = sub_follow(s)->items;
	unsigned types = items == NULL ? 0 : sub_types(items);

	if (types != 0 && (types & node_type_bits(n)) == 0)
		return;
	if (n->kind == NODE_MAP && is_yaml(e, n))
		diag_note(e->diags, SPAN_NONE, "each item of a list begins with '- '");
	else if (n->kind == NODE_MAP && is_written_in(e, n, TREE_TOML) &&
		 (n->flags & NODE_INLINE) == 0)
		diag_note(e->diags, SPAN_NONE,
			"each item of a list of tables begins with [[" STR_FMT "]]",
			STR_ARG(n->key));
	else if (n->kind == NODE_MAP)
		diag_note(e->diags, SPAN_NONE, "for one item, write a list with one map in it");
	else
		diag_note(
			e->diags, SPAN_NONE, "for one item, write [" STR_FMT "]", STR_ARG(n->text));
}

/* "$PORT", as shells have it. */
static bool is_shell_variable(struct str s)
{
	return s.len > 1 && s.ptr[0] == '$' && s.ptr[1] >= 'A' && s.ptr[1] <= 'Z';
}

/* "match: /api": which keys the map would have. */
static void suggest_members(struct eval *e, const struct sub *s)
{
	size_t n;
	const struct str *names = collect_names(e, sub_follow(s), true, &n);

	note_names(e, "its keys are", names, n);
}

/* "backends": its keys are the user's. */
static bool is_map_of_names(const struct sub *s)
{
	s = sub_follow(s);
	return !s->has_properties && s->additional != NULL && (sub_types(s->additional) & TYPE_OBJECT) != 0;
}

void suggest_type(struct eval *e, const struct sub *s, const struct node *n, unsigned types)
{
	bool is_scalar = n->kind == NODE_INT || n->kind == NODE_FLOAT || n->kind == NODE_BOOL;

	if (suggest_is_braced_word(e, n) && (types & TYPE_STRING) != 0)
		diag_note(e->diags, SPAN_NONE,
			"braces make a map in YAML; in quotes it is a string: \"{" STR_FMT "}\"",
			STR_ARG(n->first->key));
	else if (n->kind == NODE_NULL && types == TYPE_OBJECT && s->has_properties &&
		s->properties.n == 0)
		diag_note(e->diags, SPAN_NONE, "write {}");
	else if (n->kind == NODE_NULL && n->parent != NULL && n->span.end > n->span.begin)
		diag_note(e->diags, SPAN_NONE, "leave out what has no value");
	else if (n->kind == NODE_NULL && n->parent != NULL && is_yaml(e, n))
		diag_note(e->diags, SPAN_NONE,
			"there is no value here; what belongs to it is indented further, and '#' "
			"begins a comment");
	else if ((types & TYPE_STRING) != 0 && is_scalar && n->text.len > 0 && n->text.len <= 60)
		diag_note(e->diags, SPAN_NONE, "in quotes it is a string: \"" STR_FMT "\"",
			STR_ARG(n->text));
	else if ((types & TYPE_INTEGER) != 0 && n->kind == NODE_STRING && looks_numeric(n->text))
		diag_note(e->diags, SPAN_NONE, "without quotes it is a number: " STR_FMT,
			STR_ARG(n->text));
	else if ((types & TYPE_STRING) == 0 && n->kind == NODE_STRING && is_shell_variable(n->text))
		diag_note(e->diags, SPAN_NONE, "a variable is written ${" STR_FMT "}",
			STR_ARG(str_slice(n->text, 1, n->text.len)));
	else if (types == TYPE_BOOL && n->kind != NODE_MAP && n->kind != NODE_SEQ &&
		 boolean_meant(n->text) != NULL)
		diag_note(e->diags, SPAN_NONE, "write %s", boolean_meant(n->text));
	else if (types == TYPE_ARRAY && n->kind != NODE_NULL)
		suggest_list(e, s, n);
	else if (types == TYPE_OBJECT && n->kind == NODE_SEQ && is_map_of_names(s))
		diag_note(e->diags, SPAN_NONE, "this is a map, whose keys are names: {main: {...}}");
	else if (types == TYPE_OBJECT && n->kind == NODE_SEQ && is_yaml(e, n))
		diag_note(e->diags, SPAN_NONE, "a map has no '- ' in front of its keys");
	else if (types == TYPE_OBJECT && n->kind == NODE_STRING && n->parent != NULL)
		suggest_members(e, s);
}
