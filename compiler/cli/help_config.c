/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* `toronc help config PATH`: what the schemas say about a key. A path is written as in diagnostics, with or without the numbers of items:
 * "routes[0].match.path", "routes.match.path". */
#include "cli/cli.h"

#include <stdio.h>

#include "base/check.h"
#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"

#define FORMS_MOST 200 /* schemas that may hold at one place */
#define STEPS_MOST 64

/* A schema that may hold at the place looked at. */
struct form {
	size_t document;
	const struct node *schema;
};

struct forms {
	VEC(struct form) list;
};

struct guide {
	struct cli *cli;
	struct schema_document *documents;
	size_t n_documents;
};

static const struct node *resolve(const struct node *root, struct str pointer)
{
	struct str part;

	str_split(&pointer, '/', &part);
	while (root != NULL && str_split(&pointer, '/', &part))
		root = node_get(root, part);
	return root;
}

/* Adds a schema with all that it refers to and its alternatives. What stands in front says more, and wins. */
static void add_form(struct guide *g, struct forms *forms, size_t document, const struct node *schema)
{
	static const struct str applicators[] = { STR_INIT("allOf"), STR_INIT("anyOf"), STR_INIT("oneOf") };
	const struct node *ref;

	for (size_t i = 0; i < forms->list.n; i++) {
		if (forms->list.at[i].schema == schema)
			return;
	}
	if (schema == NULL || schema->kind != NODE_MAP || forms->list.n == FORMS_MOST)
		return;
	vec_push(&g->cli->arena, &forms->list, (struct form){ document, schema });
	ref = node_get(schema, STR("$ref"));
	if (ref != NULL) {
		size_t hash = str_find_char(ref->text, '#'), target = document;

		for (size_t i = 0; i < g->n_documents && hash > 0; i++) {
			if (str_eq(g->documents[i].name, str_slice(ref->text, 0, hash)))
				target = i;
		}
		add_form(g, forms, target, resolve(g->documents[target].root, str_slice(ref->text, hash + 1, ref->text.len)));
	}
	for (size_t i = 0; i < ARRAY_LEN(applicators); i++) {
		const struct node *n = node_get(schema, applicators[i]);

		for (n = n == NULL ? NULL : n->first; n != NULL; n = n->next)
			add_form(g, forms, document, n);
	}
}

/* The items of lists, as if they stood there themselves. */
static void add_items(struct guide *g, struct forms *forms)
{
	for (size_t i = 0; i < forms->list.n; i++) {
		struct form f = forms->list.at[i];

		add_form(g, forms, f.document, node_get(f.schema, STR("items")));
	}
}

static struct forms enter(struct guide *g, struct forms *from, struct str key)
{
	struct forms to = { 0 };

	add_items(g, from);
	for (size_t i = 0; i < from->list.n; i++) {
		struct form f = from->list.at[i];
		const struct node *properties = node_get(f.schema, STR("properties"));

		add_form(g, &to, f.document, properties == NULL ? NULL : node_get(properties, key));
	}
	/* Names that the user gives: "backends.users", and "backends.*". */
	for (size_t i = 0; i < from->list.n && to.list.n == 0; i++) {
		struct form f = from->list.at[i];

		add_form(g, &to, f.document, node_get(f.schema, STR("additionalProperties")));
	}
	return to;
}

struct keys {
	struct map seen;
	VEC(const struct node *) list;
	bool has_names; /* and any name besides */
};

static struct keys keys_of(struct guide *g, struct forms *forms)
{
	struct keys keys = { 0 };

	map_init(&keys.seen, &g->cli->arena);
	add_items(g, forms);
	for (size_t i = 0; i < forms->list.n; i++) {
		const struct node *n = node_get(forms->list.at[i].schema, STR("properties"));
		const struct node *others = node_get(forms->list.at[i].schema, STR("additionalProperties"));

		keys.has_names = keys.has_names || (others != NULL && others->kind == NODE_MAP);
		for (n = n == NULL ? NULL : n->first; n != NULL; n = n->next) {
			if (map_add(&keys.seen, n->key, (void *)(uintptr_t)n))
				vec_push(&g->cli->arena, &keys.list, n);
		}
	}
	return keys;
}

/* ---- what is shown ---- */

static const struct node *keyword(const struct forms *forms, const char *name)
{
	for (size_t i = 0; i < forms->list.n; i++) {
		const struct node *n = node_get(forms->list.at[i].schema, str_of(name));

		if (n != NULL)
			return n;
	}
	return NULL;
}

static struct str compact(struct guide *g, const struct node *n)
{
	struct sbuf out = { 0 }, line = { 0 };
	struct str text, rest, part;

	if (n->kind == NODE_STRING)
		return n->text.len > 0 ? n->text : STR("\"\"");
	tree_to_json(&out, n, false);
	rest = sbuf_str(&out);
	while (str_split(&rest, '\n', &part)) {
		part = str_trim(part);
		sbuf_add(&line, part);
		if (part.len > 0 && part.ptr[part.len - 1] == ',')
			sbuf_addc(&line, ' ');
	}
	text = arena_str(&g->cli->arena, sbuf_str(&line));
	sbuf_fini(&out);
	sbuf_fini(&line);
	return text;
}

static void put_row(const char *label, struct str text)
{
	if (text.len > 0)
		printf("  %-10s " STR_FMT "\n", label, STR_ARG(text));
}

static void put_keyword(struct guide *g, const struct forms *forms, const char *label, const char *name)
{
	const struct node *n = keyword(forms, name);

	if (n != NULL && !(n->kind == NODE_MAP && n->first == NULL))
		put_row(label, compact(g, n));
}

/* The types of all alternatives, each once. */
static struct str types_of(struct guide *g, const struct forms *forms)
{
	static const struct {
		const char *name, *phrase;
	} phrases[] = { { "object", "a map" }, { "array", "a list" }, { "string", "a string" }, { "integer", "a whole number" },
		{ "number", "a number" }, { "boolean", "true or false" }, { "null", "nothing" } };
	struct str text = STR("");

	for (size_t i = 0; i < ARRAY_LEN(phrases); i++) {
		bool found = false;

		for (size_t k = 0; k < forms->list.n && !found; k++) {
			const struct node *type = node_get(forms->list.at[k].schema, STR("type"));

			found = type != NULL && str_eq(type->text, str_of(phrases[i].name));
			for (const struct node *one = type == NULL ? NULL : type->first; one != NULL; one = one->next)
				found = found || str_eq(one->text, str_of(phrases[i].name));
		}
		if (found)
			text = arena_printf(&g->cli->arena, STR_FMT "%s%s", STR_ARG(text), text.len > 0 ? ", or " : "", phrases[i].phrase);
	}
	return text;
}

static void put_bounds(struct guide *g, const struct forms *forms)
{
	static const char *const pairs[][3] = { { "minimum", "maximum", "" }, { "x-minimum", "x-maximum", "" },
		{ "minItems", "maxItems", " items" }, { "minLength", "maxLength", " characters" }, { "minProperties", "maxProperties", " keys" } };

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		const struct node *low = keyword(forms, pairs[i][0]), *high = keyword(forms, pairs[i][1]);

		if (low != NULL && high != NULL)
			put_row("bounds", arena_printf(&g->cli->arena, STR_FMT " to " STR_FMT "%s", STR_ARG(low->text), STR_ARG(high->text), pairs[i][2]));
		else if (low != NULL || high != NULL)
			put_row("bounds", arena_printf(&g->cli->arena, "at %s " STR_FMT "%s", low != NULL ? "least" : "most",
				STR_ARG(low != NULL ? low->text : high->text), pairs[i][2]));
	}
}

static bool is_required(const struct forms *forms, struct str key)
{
	for (size_t i = 0; i < forms->list.n; i++) {
		const struct node *n = node_get(forms->list.at[i].schema, STR("required"));

		for (n = n == NULL ? NULL : n->first; n != NULL; n = n->next) {
			if (str_eq(n->text, key))
				return true;
		}
	}
	return false;
}

static void put_keys(struct guide *g, struct forms *forms)
{
	struct forms of_place = { 0 };
	struct keys keys;

	for (size_t i = 0; i < forms->list.n; i++)
		vec_push(&g->cli->arena, &of_place.list, forms->list.at[i]);
	keys = keys_of(g, &of_place);
	if (keys.list.n > 0 || keys.has_names)
		printf("\nkeys:\n");
	for (size_t i = 0; i < keys.list.n; i++) {
		struct forms one = enter(g, &of_place, keys.list.at[i]->key);
		const struct node *description = keyword(&one, "description");
		const char *mark = keyword(&one, "x-planned") != NULL && node_get(keys.list.at[i], STR("x-planned")) != NULL ? "(not yet) "
			: is_required(&of_place, keys.list.at[i]->key) ? "(required) " : "";

		printf("  %-22.*s %s" STR_FMT "\n", STR_ARG(keys.list.at[i]->key), mark, STR_ARG(description == NULL ? STR("") : description->text));
	}
	if (keys.has_names)
		printf("  %-22s a name of your choice\n", "NAME");
}

static void put_place(struct guide *g, struct forms *forms, struct str path)
{
	const struct node *description = keyword(forms, "description");
	const struct node *planned = node_get(forms->list.at[0].schema, STR("x-planned"));

	if (path.len > 0)
		printf(STR_FMT "\n", STR_ARG(path));
	if (description != NULL)
		printf("  " STR_FMT "\n", STR_ARG(description->text));
	if (planned != NULL)
		printf("  Part of the language, but this toronc cannot honour it yet: " STR_FMT ".\n", STR_ARG(planned->text));
	if (path.len > 0) {
		put_row("type", types_of(g, forms));
		put_keyword(g, forms, "one of", "enum");
		put_keyword(g, forms, "unit", "x-unit");
		put_bounds(g, forms);
		put_keyword(g, forms, "default", "default");
		put_keyword(g, forms, "example", "x-example");
	}
	put_keys(g, forms);
}

/* ---- the path ---- */

/* Takes the next key off the path: numbers in brackets and empty steps are passed over. False at the end. */
static bool take_step(struct str *path, struct str *key_out)
{
	while (path->len > 0 && (path->ptr[0] == '.' || path->ptr[0] == '[')) {
		size_t len = path->ptr[0] == '.' ? 1 : str_find_char(*path, ']') + 1;

		*path = str_slice(*path, len, path->len);
	}
	if (path->len == 0)
		return false;
	for (size_t i = 0; i <= path->len; i++) {
		if (i < path->len && path->ptr[i] != '.' && path->ptr[i] != '[')
			continue;
		*key_out = str_slice(*path, 0, i);
		*path = str_slice(*path, i, path->len);
		break;
	}
	return true;
}

static enum drive_status unknown_key(struct guide *g, struct forms *forms, struct str at, struct str key)
{
	struct keys keys = keys_of(g, forms);
	struct str *names = ARENA_ARRAY(&g->cli->arena, struct str, keys.list.n + 1), nearest;
	const char *of = at.len == 0 ? "the configuration" : arena_printf(&g->cli->arena, "'" STR_FMT "'", STR_ARG(at)).ptr;

	for (size_t i = 0; i < keys.list.n; i++)
		names[i] = keys.list.at[i]->key;
	nearest = diag_nearest(key, names, keys.list.n);
	if (keys.list.n == 0)
		return cli_usage_error(g->cli, "%s has no keys", of);
	if (nearest.ptr == NULL)
		return cli_usage_error(g->cli, "%s has no key '" STR_FMT "'", of, STR_ARG(key));
	return cli_usage_error(g->cli, "%s has no key '" STR_FMT "', did you mean '" STR_FMT "'?", of, STR_ARG(key), STR_ARG(nearest));
}

/* One path a line, for the completion of shells. */
static void list_keys(struct guide *g, struct forms *forms, struct str path)
{
	struct keys keys = keys_of(g, forms);

	for (size_t i = 0; i < keys.list.n; i++)
		printf(STR_FMT "%s" STR_FMT "\n", STR_ARG(path), path.len > 0 ? "." : "", STR_ARG(keys.list.at[i]->key));
}

enum drive_status cli_help_config(struct cli *c, const char *path)
{
	struct guide g = { .cli = c };
	struct str rest = str_of(path == NULL ? "" : path), at = STR(""), key;
	struct forms forms = { 0 };

	g.documents = cli_schema_documents(c, &g.n_documents);
	CHECK(g.n_documents > 0);
	add_form(&g, &forms, 0, g.documents[0].root);
	for (unsigned steps = 0; take_step(&rest, &key); steps++) {
		struct forms next = enter(&g, &forms, key);

		if (next.list.n == 0 || steps == STEPS_MOST)
			return unknown_key(&g, &forms, at, key);
		at = arena_printf(&c->arena, STR_FMT "%s" STR_FMT, STR_ARG(at), at.len > 0 ? "." : "", STR_ARG(key));
		forms = next;
	}
	if (c->args.given[OPTION_KEYS])
		list_keys(&g, &forms, at);
	else
		put_place(&g, &forms, at);
	return DRIVE_OK;
}
