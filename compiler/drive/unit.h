/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Compilation units: the emitted files that become an object file each, and the names under which the cache knows them. */
#pragma once

#include "drive/sha256.h"
#include "drive/toolchain.h"
#include "emit/emit.h"

struct unit {
	const struct emit_file *file;
	const char *c_name;      /* what the compiler reads: "gateway.c", "match_0.re.c" */
	const char *object_name; /* "gateway.c.o" */
	const char *dep_name;    /* "gateway.c.d" */
	const char *cache_name;
	struct words deps;       /* files from elsewhere that went into the object */
	bool is_cached;          /* the object came from the cache */
};

/* Hashes that are shared by all units: versions and flags, already added to `base`. *n_out units, in the order of the files. */
struct unit *unit_list(struct arena *a, const struct emit_files *files, const struct sha256 *base, size_t *n_out);

/* The text without the lines that hold nothing but a comment: they name places in the config, which move with every edit, and cannot
 * change an object file. A text that uses __LINE__ is returned as it is. */
struct str unit_essence(struct arena *a, struct str text);
