/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What turns emitted files into a gateway: cc, re2c, the flags and libtoron.a, as toolchain.conf says.
 *
 * toolchain.conf is written when toron is configured: lines of `key = value`, empty lines and lines that begin with `#`. Keys:
 *   cc, re2c                 programs, with arguments ("gcc -m64"); looked for in $PATH
 *   cflags, ldflags          put behind our own flags
 *   libs_static, libs_dynamic  what libtoron.a needs, in link order
 *   includedir, libdir       the folder that holds toron/abi.h, the one that holds libtoron.a; relative to toolchain.conf
 *   static                   yes, or no when this machine cannot link statically
 * Values are split at blanks; a part in double quotes may contain them. It is looked for beside the running
 * program, one folder above, and in ../lib/toron; $TORON_TOOLCHAIN names another one. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "diag/diag.h"

struct words {
	const char **at; /* borrowed from the arena */
	size_t n, cap;
};

struct toolchain {
	struct str path;                   /* of toolchain.conf */
	struct str text;                   /* its content */
	struct words cc, re2c;             /* the first word is a path that can be executed; empty: missing (reported) */
	struct words cflags, ldflags, libs_static, libs_dynamic;
	const char *includedir, *libdir;   /* absolute, if toolchain.conf was found by an absolute path */
	const char *archive;               /* libdir/libtoron.a */
	bool is_static;                    /* a static link works */
	bool has_lld;
};

/* Finds and reads toolchain.conf and the programs that it names. False when something is missing (reported, with what to install). */
bool toolchain_load(struct arena *a, struct diags *d, struct toolchain *out);
/* Splits a value at blanks; false on an open quote. */
bool words_split(struct arena *a, struct str value, struct words *out);
void words_add(struct arena *a, struct words *w, const char *word);
/* The Debian package that ships lib<name>.a ("gnutls"), or NULL. */
const char *toolchain_package_of(struct str library);
