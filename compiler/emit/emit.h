/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* plan -> the files of a gateway, in memory. Pure: the same plan and options give the same
 * bytes, in whatever folder it runs.
 *
 * How to make a gateway of them: write all files to one folder; there run, in any order or in
 * parallel,
 *   re2c -W -i -s --no-version --no-generation-date -o NAME.c NAME.re   for each EMIT_RE2C
 *   cc -c                        for each EMIT_C, each EMIT_ASM, and each NAME.c of an EMIT_RE2C
 * (the assembler's working directory or -I must be that folder, for .incbin), and link with
 * libtoron.a. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "plan/plan.h"

enum emit_kind {
	EMIT_C,
	EMIT_RE2C,
	EMIT_ASM,  /* plain assembler (".s") that includes EMIT_DATA files */
	EMIT_DATA, /* only to be written */
};

struct emit_file {
	struct str name; /* no folder */
	enum emit_kind kind;
	struct str text;
};

struct emit_files {
	struct emit_file *at; /* gateway.c is the first */
	size_t n, cap;
};

/* How paths and hosts are matched: re2c code is faster, tables compile faster. */
enum emit_matcher { EMIT_MATCHER_AUTO, EMIT_MATCHER_RE2C, EMIT_MATCHER_TABLE };

struct emit_options {
	enum emit_matcher matcher;
	struct str version; /* of toronc, for the file heads and `gateway --version` */
};

/* Fills *out from empty; everything lives in `a`. The plan must be fit for use. */
void emit_files(struct arena *a, const struct plan *p, const struct emit_options *options,
	struct emit_files *out);
