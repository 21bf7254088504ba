/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "cli/cli.h"

#include "base/check.h"
#include "base/str.h"

static void append(struct node *map, struct node *child, struct str key)
{
	child->key = key;
	child->parent = map;
	child->index = map->n_children++;
	child->next = NULL;
	if (map->last == NULL)
		map->first = child;
	else
		map->last->next = child;
	map->last = child;
}

/* A string with a key, as a member of a schema. */
static struct node *new_string(struct cli *c, struct str text)
{
	struct node *n = ARENA_NEW(&c->arena, struct node);

	n->kind = NODE_STRING;
	n->text = text;
	return n;
}

/* An editor sees ${PORT} where a number will be: numbers and booleans may be variables, too. Where the values are listed, none is
 * meant. Depth is bounded by that of our own schemas. */
static void allow_variables(struct cli *c, struct node *n)
{
	struct node *type = node_get(n, STR("type")), *list;

	for (struct node *m = n->first; m != NULL; m = m->next)
		allow_variables(c, m);
	if (type == NULL || type->kind != NODE_STRING || node_get(n, STR("enum")) != NULL || node_get(n, STR("const")) != NULL ||
		!(str_eq(type->text, STR("integer")) || str_eq(type->text, STR("number")) || str_eq(type->text, STR("boolean"))))
		return;
	list = type;
	append(list, new_string(c, type->text), STR_NONE);
	append(list, new_string(c, STR("string")), STR_NONE);
	list->kind = NODE_SEQ;
	append(n, new_string(c, STR("^\\$\\{[A-Z_][A-Z0-9_]*(:-[^}]*)?\\}$")), STR("pattern"));
}

/* A compound document (JSON Schema 2020-12 core, section 9.3.1): the other schemas stand below $defs, each under its own $id, so that all
 * references stay as they are. */
enum drive_status cli_schema(struct cli *c)
{
	struct schema_document *documents;
	struct sbuf out = { 0 };
	struct node *defs;
	size_t n;

	documents = cli_schema_documents(c, &n);
	CHECK(n > 0);
	defs = node_get(documents[0].root, STR("$defs"));
	if (defs == NULL) {
		defs = ARENA_NEW(&c->arena, struct node);
		defs->kind = NODE_MAP;
		append(documents[0].root, defs, STR("$defs"));
	}
	for (size_t i = 1; i < n; i++)
		append(defs, documents[i].root, documents[i].name);
	allow_variables(c, documents[0].root);
	tree_to_json(&out, documents[0].root, false);
	cli_print(sbuf_str(&out));
	if (out.len > 0 && out.ptr[out.len - 1] != '\n')
		cli_print(STR("\n"));
	sbuf_fini(&out);
	return DRIVE_OK;
}
