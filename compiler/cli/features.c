/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "cli/cli.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"

/* A key or value of the language that this toronc refuses. */
struct feature {
	struct str path;    /* "listeners[].tls", "listeners[].protocol: https" */
	struct str subject; /* what would be needed: "TLS" */
};

/* A schema that describes what stands at a path of the configuration. */
struct place {
	size_t document;
	const struct node *schema;
	struct str path;
};

struct walker {
	struct cli *cli;
	struct schema_document *documents;
	size_t n_documents;
	struct map seen;    /* of schemas: each is listed once, at the shortest path */
	VEC(struct place) queue;
	VEC(struct feature) features;
};

static void enqueue(struct walker *w, size_t document, const struct node *schema, struct str path)
{
	struct str key = arena_printf(&w->cli->arena, "%zu " STR_FMT, document, STR_ARG(node_path(&w->cli->arena, schema)));
	static char mark;

	if (map_add(&w->seen, key, &mark))
		vec_push(&w->cli->arena, &w->queue, (struct place){ document, schema, path });
}

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

static void follow(struct walker *w, const struct place *at, struct str reference)
{
	size_t hash = str_find_char(reference, '#'), document = at->document;
	struct str name = str_slice(reference, 0, hash);
	const struct node *target;

	for (size_t i = 0; i < w->n_documents && name.len > 0; i++) {
		if (str_eq(w->documents[i].name, name))
			document = i;
	}
	target = resolve_pointer(w->documents[document].root, str_slice(reference, hash + 1, reference.len));
	if (target != NULL)
		enqueue(w, document, target, at->path);
}

static void add(struct walker *w, struct str path, struct str subject)
{
	vec_push(&w->cli->arena, &w->features, (struct feature){ path, subject });
}

static struct str member_path(struct walker *w, struct str path, struct str key)
{
	return arena_printf(&w->cli->arena, STR_FMT "%s" STR_FMT, STR_ARG(path), path.len > 0 ? "." : "", STR_ARG(key));
}

/* What stands for the values of a map or the items of a list. */
static const struct {
	struct str keyword;
	const char *suffix;
} inner[] = { { STR_INIT("items"), "[]" }, { STR_INIT("additionalProperties"), ".*" } };

static void queue_members(struct walker *w, const struct place *at)
{
	const struct node *n;

	/* Before named members, since "middlewares.*" tells more than "middlewares.jwt". */
	for (size_t i = 0; i < ARRAY_LEN(inner); i++) {
		n = node_get(at->schema, inner[i].keyword);
		if (n != NULL && n->kind == NODE_MAP)
			enqueue(w, at->document, n, arena_printf(&w->cli->arena, STR_FMT "%s", STR_ARG(at->path), inner[i].suffix));
	}
	n = node_get(at->schema, STR("properties"));
	for (n = n == NULL ? NULL : n->first; n != NULL; n = n->next)
		enqueue(w, at->document, n, member_path(w, at->path, n->key));
}

/* One of several forms. Where a form is refused and not the key, its members are what one would write. */
static void queue_form(struct walker *w, const struct place *at, const struct node *form)
{
	const struct node *planned = node_get(form, STR("x-planned")), *n = node_get(form, STR("properties"));

	if (planned == NULL || n == NULL) {
		enqueue(w, at->document, form, at->path);
		return;
	}
	for (n = n->first; n != NULL; n = n->next)
		add(w, member_path(w, at->path, n->key), planned->text);
}

static void visit(struct walker *w, const struct place *at)
{
	static const struct str applicators[] = { STR_INIT("allOf"), STR_INIT("anyOf"), STR_INIT("oneOf") };
	const struct node *n = node_get(at->schema, STR("x-planned"));

	/* What lies below a key that is refused is refused with it. */
	if (n != NULL) {
		add(w, at->path, n->text);
		return;
	}
	n = node_get(at->schema, STR("x-planned-values"));
	for (n = n == NULL ? NULL : n->first; n != NULL; n = n->next)
		add(w, arena_printf(&w->cli->arena, STR_FMT ": " STR_FMT, STR_ARG(at->path), STR_ARG(n->key)), n->text);
	n = node_get(at->schema, STR("$ref"));
	if (n != NULL)
		follow(w, at, n->text);
	queue_members(w, at);
	for (size_t i = 0; i < ARRAY_LEN(applicators); i++) {
		n = node_get(at->schema, applicators[i]);
		for (n = n == NULL ? NULL : n->first; n != NULL; n = n->next)
			queue_form(w, at, n);
	}
}

static int by_path(const void *left, const void *right)
{
	return str_cmp(((const struct feature *)left)->path, ((const struct feature *)right)->path);
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
	enqueue(&w, 0, w.documents[0].root, STR(""));
	for (size_t i = 0; i < w.queue.n; i++) {
		/* Not by pointer: the queue moves when it grows. */
		struct place at = w.queue.at[i];

		visit(&w, &at);
	}
	if (w.features.n > 0)
		qsort(w.features.at, w.features.n, sizeof(*w.features.at), by_path);
	if (format == 1)
		put_json(&out, &w);
	else
		put_text(&out, &w);
	cli_print(sbuf_str(&out));
	sbuf_fini(&out);
	return DRIVE_OK;
}
