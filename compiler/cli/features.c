/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "cli/cli.h"

#include "base/check.h"
#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"

/* A key or value of the language that this toronc refuses. */
struct feature {
	struct str path;    /* "listeners[].tls", "listeners[].protocol: https" */
	struct str subject; /* what would be needed: "TLS" */
};

struct walker {
	struct cli *cli;
	struct schema_document *documents;
	size_t n_documents;
	struct map seen;    /* places in schemas: each is listed once, where it is met first */
	VEC(struct feature) features;
};

static void walk(struct walker *w, size_t document, const struct node *schema, struct str path);

/* The node behind "#/a/b" in a document, or NULL. Our schemas use plain names only. */
static const struct node *resolve_pointer(const struct node *root, struct str pointer)
{
	struct str part;

	str_split(&pointer, '/', &part);
	while (root != NULL && str_split(&pointer, '/', &part)) {
		const struct node *child = node_get(root, part);
		uint64_t index;

		if (child == NULL && root->kind == NODE_SEQ && str_to_u64(part, root->n_children, &index)) {
			child = root->first;
			for (; child != NULL && index > 0; index--)
				child = child->next;
		}
		root = child;
	}
	return root;
}

static void follow(struct walker *w, size_t document, struct str reference, struct str path)
{
	size_t at = str_find_char(reference, '#');
	struct str name = str_slice(reference, 0, at);
	const struct node *target;

	for (size_t i = 0; i < w->n_documents && name.len > 0; i++) {
		if (str_eq(w->documents[i].name, name))
			document = i;
	}
	target = resolve_pointer(w->documents[document].root, str_slice(reference, at + 1, reference.len));
	if (target != NULL)
		walk(w, document, target, path);
}

static void add(struct walker *w, struct str path, struct str subject)
{
	vec_push(&w->cli->arena, &w->features, (struct feature){ path, subject });
}

/* What stands for the values of a map or the items of a list. */
static const struct {
	struct str keyword;
	const char *suffix;
} inner[] = { { STR_INIT("items"), "[]" }, { STR_INIT("additionalProperties"), ".*" } };

static void walk_members(struct walker *w, size_t document, const struct node *schema, struct str path)
{
	static const struct str applicators[] = { STR_INIT("allOf"), STR_INIT("anyOf"), STR_INIT("oneOf") };
	const struct node *n = node_get(schema, STR("properties"));
	struct arena *a = &w->cli->arena;

	for (n = n == NULL ? NULL : n->first; n != NULL; n = n->next)
		walk(w, document, n, arena_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(path), path.len > 0 ? "." : "", STR_ARG(n->key)));
	for (size_t i = 0; i < ARRAY_LEN(inner); i++) {
		n = node_get(schema, inner[i].keyword);
		if (n != NULL && n->kind == NODE_MAP)
			walk(w, document, n, arena_printf(a, STR_FMT "%s", STR_ARG(path), inner[i].suffix));
	}
	for (size_t i = 0; i < ARRAY_LEN(applicators); i++) {
		n = node_get(schema, applicators[i]);
		for (n = n == NULL ? NULL : n->first; n != NULL; n = n->next)
			walk(w, document, n, path);
	}
}

static void walk(struct walker *w, size_t document, const struct node *schema, struct str path)
{
	struct arena *a = &w->cli->arena;
	struct str place = arena_printf(a, "%zu " STR_FMT, document, STR_ARG(node_path(a, schema)));
	const struct node *n = node_get(schema, STR("x-planned"));
	static char mark;

	if (!map_add(&w->seen, place, &mark))
		return;
	/* What lies below a key that is refused is refused with it. */
	if (n != NULL) {
		add(w, path, n->text);
		return;
	}
	n = node_get(schema, STR("x-planned-values"));
	for (n = n == NULL ? NULL : n->first; n != NULL; n = n->next)
		add(w, arena_printf(a, STR_FMT ": " STR_FMT, STR_ARG(path), STR_ARG(n->key)), n->text);
	n = node_get(schema, STR("$ref"));
	if (n != NULL)
		follow(w, document, n->text, path);
	walk_members(w, document, schema, path);
}

static void put_text(struct sbuf *out, const struct walker *w)
{
	for (size_t i = 0; i < w->features.n; i++)
		sbuf_printf(out, "%-44.*s " STR_FMT "\n", STR_ARG(w->features.at[i].path), STR_ARG(w->features.at[i].subject));
}

static void put_json(struct sbuf *out, const struct walker *w)
{
	sbuf_adds(out, "{\"planned\": [");
	for (size_t i = 0; i < w->features.n; i++) {
		sbuf_adds(out, i == 0 ? "\n  {\"path\": " : ",\n  {\"path\": ");
		sbuf_json(out, w->features.at[i].path);
		sbuf_adds(out, ", \"subject\": ");
		sbuf_json(out, w->features.at[i].subject);
		sbuf_addc(out, '}');
	}
	sbuf_adds(out, "\n]}\n");
}

enum drive_status cli_features(struct cli *c)
{
	int format = args_choice(&c->args, OPTION_FORMAT, 0);
	struct walker w = { .cli = c };
	struct sbuf out = { 0 };

	if (format > 1)
		return cli_usage_error(c, "the list of features is shown as text or json only");
	w.documents = cli_schema_documents(c, &w.n_documents);
	CHECK(w.n_documents > 0);
	map_init(&w.seen, &c->arena);
	walk(&w, 0, w.documents[0].root, STR(""));
	if (format == 1)
		put_json(&out, &w);
	else
		put_text(&out, &w);
	cli_print(sbuf_str(&out));
	sbuf_fini(&out);
	return DRIVE_OK;
}
