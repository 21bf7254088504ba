/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* JSON Schema 2020-12 over the tree: compile a schema once, validate documents, complete them with
 * defaults.
 *
 * Our own schemas (schemas/, embedded into toronc when it is built) are the single source of the
 * config language. Beyond the standard they use `x-unit`, `x-example`, `x-planned` (a key of the
 * language that this build cannot honour: using it is an error of its own, T0110, listed by
 * `toronc features`). Errors are ranked: for oneOf/anyOf the nearest branch is explained. */
#pragma once

#include "diag/diag.h"
#include "tree/tree.h"

struct schema;

/* Compiles the schema `root`. `lookup` finds other documents for $ref by URI (may be NULL). NULL
 * if the schema is wrong (reported). */
typedef const struct node *schema_lookup(void *ctx, struct str uri);
struct schema *schema_compile(struct arena *a, struct diags *d, const struct node *root,
	schema_lookup *lookup, void *ctx);
/* The gateway schema, from the embedded copies. */
struct schema *schema_gateway(struct arena *a, struct diags *d);

/* `format` of the standard is an annotation unless a schema's dialect, or this call, makes it an
 * assertion. Formats whose name begins with "x-" are ours and are always checked. Before the
 * first validation. */
void schema_assert_formats(struct schema *s);

/* Reports each violation; true if there was none. Nodes that fail are poisoned. */
bool schema_validate(struct arena *a, struct diags *d, const struct schema *s, struct node *doc);
/* Adds members that are absent and have a default, flagged NODE_DEFAULTED, with the parent's
 * span. */
void schema_complete(struct arena *a, struct diags *d, const struct schema *s, struct node *doc);

/* One embedded file ("gateway.json"), or STR_NONE. */
struct str schema_embedded(struct str name);
