/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The action files: a directory, embedded into the gateway or on disk. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "toron/exchange.h"

enum toron_coding { TORON_CODING_IDENTITY, TORON_CODING_BR, TORON_CODING_GZIP, TORON_CODING_ZSTD };

/* An embedded file that holds another one compressed. */
struct toron_file_variant {
	enum toron_coding coding;
	struct str bytes, etag;      /* etag with its quotes */
};
struct toron_file {
	struct str path;             /* "a/b.html", decoded; files are sorted by it, in byte order */
	struct str type;
	struct str bytes, etag;
	const struct toron_file_variant *variants; /* at most one a coding */
	uint32_t n_variants;
};
struct toron_file_type {
	struct str ending, type;     /* "x", without the dot, lower case */
};
struct toron_files {
	const char *origin;
	const char *root;            /* the directory; NULL: the files are `at` */
	const struct toron_file *at;
	const struct str *indexes;   /* names of files that answer for a directory, the first that is there */
	const enum toron_coding *codings; /* of siblings with .br, .gz, .zst, the preferred first */
	const struct toron_file_type *types; /* asked before the runtime's own, for files on disk */
	uint32_t n_at, n_indexes, n_codings, n_types;
	struct str fallback;         /* "index.html": answers where there is no file; ptr NULL: none */
	struct str cache_control;    /* ptr NULL: none */
	bool hidden;                 /* names that begin with a dot are served */
	bool no_links;               /* symbolic links are not followed, not even inside */
};
/* The conf of a route: the same files may stand behind several paths. */
struct toron_files_route {
	const struct toron_files *files;
	uint32_t strip;              /* segments of the path that are not part of the file's name */
};

/* Whether the root is there. conf: const struct toron_files. */
int toron_files_start(const void *conf);
void toron_action_files(struct exchange *x, const void *conf); /* const struct toron_files_route */
