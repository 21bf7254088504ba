/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "drive/drive.h"

#include <time.h>

#include "base/check.h"
#include "base/str.h"
#include "check/check.h"
#include "diag/allow.h"
#include "drive/allowed.h"
#include "drive/certificates.h"
#include "drive/compile.h"
#include "drive/embed.h"
#include "drive/include.h"
#include "drive/pages.h"
#include "drive/input.h"
#include "drive/version.h"
#include "prove/prove.h"

/* Says how long a pass took since *from_ns, and sets it to now. */
static void trace_pass(const struct drive *v, const char *name, uint64_t *from_ns)
{
	struct timespec t;
	uint64_t now;

	if (v->options->trace.line == NULL)
		return;
	clock_gettime(CLOCK_MONOTONIC, &t);
	now = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
	if (name != NULL)
		drive_tracef(&v->options->trace, "%8.1f ms  %s", (double)(now - *from_ns) / 1e6, name);
	*from_ns = now;
}

static enum drive_status status_of(const struct drive *v)
{
	return diag_failed(v->diags) ? DRIVE_USER_ERROR : DRIVE_OK;
}

enum drive_status drive_read(struct drive *v, const char *path, const enum tree_format *format, struct node **root_out)
{
	enum tree_format f = TREE_YAML;
	uint32_t source;

	*root_out = NULL;
	/* The format first: an unknown one is no reason to read a large file. */
	if (format != NULL)
		f = *format;
	else if (!input_format(v->diags, path, SPAN_NONE, &f))
		return DRIVE_USER_ERROR;
	source = input_read(v->arena, v->diags, path, SPAN_NONE);
	if (source == 0)
		return DRIVE_USER_ERROR;
	*root_out = tree_read(v->arena, v->diags, source, f);
	return *root_out == NULL ? DRIVE_USER_ERROR : status_of(v);
}

/* Substitution and schema together: what the first poisons, the second passes over. */
static enum drive_status conform(struct drive *v, struct node *root)
{
	tree_substitute(v->arena, v->diags, root, &v->options->vars);
	if (v->schema == NULL)
		v->schema = schema_gateway(v->arena, v->diags);
	/* The schema is ours, not the user's. */
	if (v->schema == NULL)
		return DRIVE_FAULT;
	schema_validate(v->arena, v->diags, v->schema, root);
	/* Nobody reads more than is kept. */
	if (v->diags->n >= DIAG_MOST_KEPT)
		return DRIVE_USER_ERROR;
	schema_complete(v->arena, v->diags, v->schema, root);
	return status_of(v);
}

/* The model and what is wrong with it. True if the rest of the passes have something to say: mistakes elsewhere do not keep them from
 * it, but where requests go must be certain. */
static bool make_model(struct drive *v, enum drive_stage stop, struct drive_config *out)
{
	size_t errors;

	out->model = model_build(v->arena, v->diags, out->root);
	errors = v->diags->n_errors;
	check_model(v->arena, v->diags, out->model);
	if (v->diags->n_errors == errors) {
		embed_read(v, out->model, stop == DRIVE_FILES);
		pages_read(v, out->model);
		if (v->options->with_files)
			certificates_check(v, out->model);
	}
	return out->model->is_whole && v->diags->n_errors == errors && stop != DRIVE_MODEL;
}

static enum drive_status run_passes(struct drive *v, const char *path, const enum tree_format *format, enum drive_stage stop,
	struct drive_config *out)
{
	enum drive_status status;
	uint64_t from_ns = 0;
	size_t errors;
	bool goes_on;

	trace_pass(v, NULL, &from_ns);
	status = drive_read(v, path, format, &out->root);
	trace_pass(v, "read", &from_ns);
	if (out->root == NULL || stop == DRIVE_TREE)
		return status;
	/* What an include did not bring may be anything. */
	if (!include_expand(v, path, out->root->span.source, out->root))
		out->root->flags |= NODE_PARTIAL;
	/* With all files there, and before what the readers reported can end the run: an allowed warning is none. */
	allowed_read(v, out->root);
	status = conform(v, out->root);
	trace_pass(v, "schema", &from_ns);
	if (status == DRIVE_FAULT || v->diags->n >= DIAG_MOST_KEPT)
		return status;
	goes_on = make_model(v, stop, out);
	trace_pass(v, "model and checks", &from_ns);
	if (!goes_on)
		return status_of(v);
	errors = v->diags->n_errors;
	out->plan = plan_build(v->arena, v->diags, out->model);
	trace_pass(v, "plan", &from_ns);
	if (v->diags->n_errors > errors)
		return DRIVE_USER_ERROR;
	prove_plan(v->arena, v->diags, out->plan);
	trace_pass(v, "proofs", &from_ns);
	if (!diag_failed(v->diags))
		allow_report_unused(v->diags);
	if (diag_failed(v->diags) || stop == DRIVE_PLAN)
		return status_of(v);
	emit_files(v->arena, out->plan,
		&(struct emit_options){ .matcher = v->options->matcher, .version = STR(DRIVE_VERSION) }, &out->files);
	trace_pass(v, "emission", &from_ns);
	return DRIVE_OK;
}

enum drive_status drive_config(struct drive *v, const char *path, const enum tree_format *format, enum drive_stage stop,
	struct drive_config *out)
{
	size_t errors_before = v->diags->n_errors;
	enum drive_status status;

	*out = (struct drive_config){ 0 };
	allow_begin(v->diags);
	v->diags->n_errors = 0;
	status = run_passes(v, path, format, stop, out);
	v->diags->n_errors += errors_before;
	return status;
}

enum drive_status drive_gateway(struct drive *v, const struct drive_config *config, const char *out_path)
{
	CHECK(config->files.n > 0);
	return compile_gateway(v->arena, v->diags, v->options, &config->files, out_path);
}
