/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Emitted files -> gateway: re2c, cc, ld in a private folder, several at a time, with the build cache in front.
 *
 * The result depends on the files and the toolchain alone: programs run inside the folder with relative names and a clean environment. */
#pragma once

#include "diag/diag.h"
#include "drive/options.h"
#include "emit/emit.h"

#define COMPILE_LIMIT_MS 300000u

/* Makes the gateway at `out_path`, mode 0755, whole or not at all. Reports what went wrong. Between run_catch and run_release. */
enum drive_status compile_gateway(struct arena *a, struct diags *d, const struct drive_options *options,
	const struct emit_files *files, const char *out_path);
/* Writes the files into a folder, which is made if need be, for a look or a build by hand. */
enum drive_status compile_write_files(struct arena *a, struct diags *d, const struct emit_files *files, const char *folder);
