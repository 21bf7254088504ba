/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "cli/cli.h"

#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"

#define FIRST "gateway.json"

struct loader {
	struct cli *cli;
	struct map names;
	VEC(struct schema_document) documents;
};

static void load(struct loader *l, struct str name)
{
	struct str text = schema_embedded(name);
	struct node *root;
	uint32_t source;

	if (text.ptr == NULL || map_get(&l->names, name) != NULL)
		return;
	source = diag_add_source(&l->cli->diags, arena_printf(&l->cli->arena, "schemas/" STR_FMT, STR_ARG(name)), text);
	root = tree_read_json(&l->cli->arena, &l->cli->diags, source, false);
	if (root == NULL)
		return;
	map_add(&l->names, name, root);
	vec_push(&l->cli->arena, &l->documents, (struct schema_document){ name, root });
}

/* Loads every document that something in `n` refers to. Depth is bounded by that of our own schemas. */
static void load_references(struct loader *l, const struct node *n)
{
	if (str_eq(n->key, STR("$ref")) && n->kind == NODE_STRING) {
		struct str name = str_slice(n->text, 0, str_find_char(n->text, '#'));

		if (name.len > 0)
			load(l, name);
	}
	for (const struct node *child = n->first; child != NULL; child = child->next)
		load_references(l, child);
}

struct schema_document *cli_schema_documents(struct cli *c, size_t *n_out)
{
	struct loader l = { .cli = c };

	map_init(&l.names, &c->arena);
	load(&l, STR(FIRST));
	for (size_t i = 0; i < l.documents.n; i++)
		load_references(&l, l.documents.at[i].root);
	*n_out = l.documents.n;
	return l.documents.at;
}
