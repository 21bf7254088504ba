/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the command line asks of the driver. Made by the cli, constant afterwards. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "emit/emit.h"
#include "tree/tree.h"

enum drive_status {
	DRIVE_OK = 0,
	DRIVE_USER_ERROR = 1,  /* the input is wrong (reported) */
	DRIVE_FAULT = 2,       /* the toolchain or toron itself is wrong (reported) */
	DRIVE_INTERRUPTED = 3, /* a signal came: run_interrupted() */
};

/* Where --verbose goes; `line` NULL: nowhere. */
struct drive_trace {
	void (*line)(void *ctx, struct str text);
	void *ctx;
};
void drive_tracef(const struct drive_trace *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct drive_options {
	struct tree_vars vars;
	enum emit_matcher matcher;
	bool is_dynamic;       /* --dynamic */
	unsigned jobs;         /* programs at a time */
	bool with_files;       /* certificates and keys are read and judged, by the clock */
	bool no_cache;
	const char *cache_dir; /* --cache-dir; NULL: the user's cache folder */
	uint32_t limit_ms;     /* for each program; > 0 */
	struct drive_trace trace;
};
