/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reads the make rules in which compilers and linkers say what they read (-MD, --dependency-file). */
#pragma once

#include "base/arena.h"
#include "drive/toolchain.h"

/* Adds the absolute paths of the rule's prerequisites that are not in *deps yet; relative ones are our own files. */
void depfile_read(struct arena *a, struct str text, struct words *deps);
/* Adds a path that is not there yet. */
void depfile_add(struct arena *a, struct words *deps, const char *path);
