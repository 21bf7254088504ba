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
	tree_to_json(&out, documents[0].root, false);
	cli_print(sbuf_str(&out));
	if (out.len > 0 && out.ptr[out.len - 1] != '\n')
		cli_print(STR("\n"));
	sbuf_fini(&out);
	return DRIVE_OK;
}
