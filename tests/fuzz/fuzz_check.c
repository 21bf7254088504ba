/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fuzzes all passes of `toronc check`, from the text to the proofs and the emission. The first byte chooses the format: y, j or t. */
#include "check/check.h"
#include "emit/emit.h"
#include "model/model.h"
#include "plan/plan.h"
#include "prove/prove.h"
#include "schema/schema.h"
#include "tree_case.h"

/* Compiled once: it does not change from input to input. */
static struct schema *schema_of_gateway(void)
{
	static struct arena a;
	static struct diags d;
	static struct schema *s;

	if (s == NULL) {
		arena_init_unbounded(&a);
		diag_init(&d, &a);
		s = schema_gateway(&a, &d);
		CHECK(s != NULL);
	}
	return s;
}

static void run_passes(struct arena *a, struct diags *d, struct node *root)
{
	const struct tree_var vars[] = { { STR_INIT("PORT"), STR_INIT("8080"), STR_INIT("-D") } };
	struct sbuf out = { 0 };
	struct emit_files files;
	struct model *model;
	struct plan *plan;
	size_t errors;

	tree_substitute(a, d, root, &(struct tree_vars){ vars, ARRAY_LEN(vars) });
	schema_validate(a, d, schema_of_gateway(), root);
	schema_complete(a, d, schema_of_gateway(), root);
	model = model_build(a, d, root);
	errors = d->n_errors;
	check_model(a, d, model);
	if (!diag_failed(d))
		model_dump(&out, d, model, true);
	sbuf_clear(&out);
	plan = model->is_whole && d->n_errors == errors ? plan_build(a, d, model) : NULL;
	if (plan != NULL && d->n_errors == errors)
		prove_plan(a, d, plan);
	if (plan != NULL && !diag_failed(d)) {
		plan_dump(&out, plan, true);
		emit_files(a, plan, &(struct emit_options){ .matcher = EMIT_MATCHER_AUTO, .version = STR("0") }, &files);
		CHECK(files.n > 0);
	}
	sbuf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum tree_format format = size > 0 && data[0] == 'j' ? TREE_JSON : size > 0 && data[0] == 't' ? TREE_TOML : TREE_YAML;
	struct str text = { size == 0 ? "" : (const char *)data + 1, size == 0 ? 0 : size - 1 };
	struct node *root;
	struct arena a;
	struct diags d;

	/* What outlives an input is made before the input's arena. */
	schema_of_gateway();
	arena_init_unbounded(&a);
	diag_init(&d, &a);
	root = tree_read(&a, &d, diag_add_source(&d, STR("input"), text), format);
	if (root != NULL)
		run_passes(&a, &d, root);
	check_reports(&d);
	arena_fini(&a);
	return 0;
}
