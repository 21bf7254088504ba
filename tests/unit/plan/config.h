/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A plan made of a config's text, through all the passes before it, for tests of the plan and
 * what stands on it. */
#pragma once

#include <check.h>
#include <stdio.h>

#include "base/str.h"
#include "check/check.h"
#include "model/model.h"
#include "plan/plan.h"
#include "prove/prove.h"
#include "schema/schema.h"
#include "tree/tree.h"

struct config {
	struct arena arena;
	struct diags diags;
	struct plan *plan; /* NULL: an earlier pass failed */
};

#define CONFIG_LISTENER "listeners: [{protocol: http, port: 8080}]\n"

/* Runs the passes up to the plan, and the proofs if it is fit for use. */
static inline void config_init(struct config *c, const char *yaml)
{
	struct schema *schema;
	struct model *model;
	struct node *root;
	uint32_t source;

	c->plan = NULL;
	arena_init_unbounded(&c->arena);
	diag_init(&c->diags, &c->arena);
	source = diag_add_source(
		&c->diags, STR("conf/gateway.yaml"), arena_str(&c->arena, str_of(yaml)));
	root = tree_read(&c->arena, &c->diags, source, TREE_YAML);
	schema = schema_gateway(&c->arena, &c->diags);
	if (root == NULL || schema == NULL || !schema_validate(&c->arena, &c->diags, schema, root))
		return;
	schema_complete(&c->arena, &c->diags, schema, root);
	model = model_build(&c->arena, &c->diags, root);
	check_model(&c->arena, &c->diags, model);
	if (diag_failed(&c->diags))
		return;
	c->plan = plan_build(&c->arena, &c->diags, model);
	if (!diag_failed(&c->diags))
		prove_plan(&c->arena, &c->diags, c->plan);
}

static inline void config_fini(struct config *c)
{
	arena_fini(&c->arena);
}

/* As config_init, and it must go well but for warnings. */
static inline const struct plan *config_plan(struct config *c, const char *yaml)
{
	config_init(c, yaml);
	if (diag_failed(&c->diags))
		ck_abort_msg("%.*s in:\n%s", (int)c->diags.at[0].text.len, c->diags.at[0].text.ptr,
			yaml);
	return c->plan;
}

/* The first diagnostic of this kind, or NULL. */
static inline const struct diag *config_diag(const struct config *c, enum diag_id id)
{
	for (size_t i = 0; i < c->diags.n; i++)
		if (c->diags.at[i].id == id)
			return &c->diags.at[i];
	return NULL;
}
