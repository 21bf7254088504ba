/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What comes in: files and standard input as sources, and the variables for ${NAME}. */
#pragma once

#include <stdbool.h>

#include "diag/diag.h"
#include "tree/tree.h"

/* Reads a regular file, or standard input when path is "-", of at most TREE_MAX_BYTES, and registers it. 0: could not
 * (reported at `at`, the place that names the file, or nowhere). */
uint32_t input_read(struct arena *a, struct diags *d, const char *path, struct span at);
/* The format of a file by its name; false (reported, as above) if that does not tell. */
bool input_format(struct diags *d, const char *path, struct span at, enum tree_format *format_out);

/* Where the variables come from, in the order in which they win: -D, then --env-file (the last one first), then the environment. */
struct input_vars {
	const char *const *defines;   /* "NAME=value", checked by input_define_is_valid */
	size_t n_defines;
	const char *const *env_files;
	size_t n_env_files;
	char *const *environment;     /* NULL unless --allow-env */
};
/* The variables, each name once. False if an --env-file is wrong (reported). */
bool input_vars_read(struct arena *a, struct diags *d, const struct input_vars *from, struct tree_vars *vars_out);
/* "NAME=value" with an upper-case name and a value in UTF-8. */
bool input_define_is_valid(const char *text);
