/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Secrets, read once at boot from where the config says: an environment variable, a file, or
 * (warned about when compiled) the config itself. The owner wipes them. Not for the request path:
 * it reads files. */
#pragma once

#include <stddef.h>

#include "toron/mw.h"
#include "toron/str.h"

/* A secret's bytes, with a NUL behind them that is not counted. */
struct secret {
	char *ptr; /* owned */
	size_t len;
};

#define SECRET_WHY_MAX 512

/* Reads `from` (its kind is not NONE), at most `most` bytes. One line end at the end of a file is
 * dropped. 0, or ERR_* and `why` says in one line what failed, beginning with the config's place:
 * "gateway.yaml:9:14: the environment has no EDGE_SECRET". An empty secret is an error. */
int secret_read(
	const struct toron_secret *from, size_t most, struct secret *out, char why[SECRET_WHY_MAX]);
/* The same from a regular file (a symbolic link to one is fine), for a path that did not come from
 * a toron_secret. */
int secret_read_file(const char *path, const char *origin, size_t most, struct secret *out,
	char why[SECRET_WHY_MAX]);
/* Wipes and frees. Safe to call twice. */
void secret_free(struct secret *s);
