/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The order of the passes: text -> tree -> schema -> model -> checks -> plan -> proofs -> files -> gateway.
 *
 * A pass reports all that it finds; the driver stops between passes, and only there. Nothing here prints or exits. */
#pragma once

#include "diag/diag.h"
#include "drive/options.h"
#include "emit/emit.h"
#include "model/model.h"
#include "plan/plan.h"
#include "schema/schema.h"
#include "tree/tree.h"

struct drive {
	struct arena *arena;                 /* borrowed, as are the next two */
	struct diags *diags;
	const struct drive_options *options;
	struct schema *schema;               /* of the config language; compiled when first needed */
};

enum drive_stage {
	DRIVE_TREE,  /* as it was read, without substitution and defaults */
	DRIVE_MODEL,
	DRIVE_PLAN,  /* with proofs */
	DRIVE_FILES,
};

/* One config on its way; what is beyond the stage asked for is NULL or empty. */
struct drive_config {
	struct node *root;
	struct model *model;
	struct plan *plan;
	struct emit_files files;
};

/* Reads a document: a file, or standard input when path is "-". `format` NULL: as the name says. */
enum drive_status drive_read(struct drive *v, const char *path, const enum tree_format *format, struct node **root_out);
/* Takes a config up to a stage. DRIVE_USER_ERROR: something was reported, perhaps as late as in the last pass before `stop`. Errors that
 * were reported before for other configs do not matter. */
enum drive_status drive_config(struct drive *v, const char *path, const enum tree_format *format, enum drive_stage stop,
	struct drive_config *out);
/* From files to the gateway at `out_path` (drive/compile.h). */
enum drive_status drive_gateway(struct drive *v, const struct drive_config *config, const char *out_path);
