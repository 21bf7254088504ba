/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* `include`: reads the files that a configuration names and merges them into its tree (tree/merge.h).
 *
 * Paths are relative to the folder of the file that has the include, or to the working directory for standard input; `*`, `?` and
 * `[...]` are globs whose matches are taken in the order of their bytes. The file's own sections come first, then those of each
 * included file in order, each with what it includes itself. */
#pragma once

#include "drive/drive.h"

#define INCLUDE_MOST_FILES 10000
#define INCLUDE_MOST_DEPTH 16

/* Expands the document at `root`, which was read from `path` ("-": standard input) as source number `source`. `include` is gone from the
 * tree afterwards, unless its value is of a form that the schema will refuse. False if a file could not be included (reported). */
bool include_expand(struct drive *v, const char *path, uint32_t source, struct node *root);
