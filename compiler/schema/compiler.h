/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The state of schema_compile, shared by compile.c (resources and references) and keywords.c
 * (what each keyword means). */
#pragma once

#include "base/vec.h"
#include "schema/compiled.h"

struct compiler {
	struct arena *arena;
	struct diags *diags;
	schema_lookup *lookup;
	void *lookup_ctx;
	struct schema *schema;
	struct map resources;      /* absolute URI -> struct resource */
	struct map resource_roots; /* node address -> struct resource */
	struct map subs;           /* node address -> struct sub */
	VEC(struct sub *) pending; /* made, keywords not read yet */
	bool has_meta_schema;      /* the standard's has been read */
	bool failed;
};

/* Where the subschemas are in a keyword's value. */
enum keyword_shape { SHAPE_VALUE, SHAPE_SCHEMA, SHAPE_LIST, SHAPE_MAP };
/* The shape of a keyword; SHAPE_VALUE for unknown ones. */
enum keyword_shape keyword_shape(struct str name);
/* Reads all keywords of s->node into s. */
void keywords_read(struct compiler *c, struct sub *s);

/* The sub of a node; its keywords are read later. Never NULL. `resource` is that of the
 * enclosing schema. */
struct sub *compiler_sub(struct compiler *c, const struct node *n, struct resource *resource);
/* The sub that a reference leads to; a failed one is reported, and accepts everything.
 * *anchor_out: the fragment if it is a name. */
struct sub *compiler_resolve(
	struct compiler *c, const struct node *ref, struct resource *from, struct str *anchor_out);
void compiler_fail(struct compiler *c, const struct node *n, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
