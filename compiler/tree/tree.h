/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The format-neutral document: what YAML, JSON and TOML readers all produce.
 *
 * Every node knows the bytes it came from. A reader reports what is wrong and returns what it could
 * build; parts that it could not build are poisoned, and later passes stay silent about poisoned nodes. Nodes live in the compile arena
 * and are changed only by tree passes (substitution, schema defaults), before the model is built. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "diag/diag.h"

enum node_kind {
	NODE_NULL,
	NODE_BOOL,
	NODE_INT,      /* fits int64_t */
	NODE_FLOAT,
	NODE_STRING,
	NODE_DATETIME, /* TOML only; text as written */
	NODE_SEQ,
	NODE_MAP,
};

enum node_flag {
	NODE_POISONED = 1 << 0,  /* could not be built; already reported */
	NODE_DEFAULTED = 1 << 1, /* not in the file: put there by the schema's default */
	NODE_QUOTED = 1 << 2,    /* a string written in quotes (or a block scalar) */
	NODE_INLINE = 1 << 3,    /* a TOML inline table or array: closed */
	NODE_EXPANDED = 1 << 4,  /* came through an alias or an include */
	NODE_PARTIAL = 1 << 5,   /* something of it was left out, or not understood, and reported: what is missing may have been there */
	NODE_VARIABLE = 1 << 6,  /* a string in quotes that was nothing but ${...}: a number or boolean, where one is needed */
};

struct node {
	enum node_kind kind;
	uint8_t flags;
	uint8_t mark;             /* private to the reader that builds the node */
	uint32_t index;           /* position in the parent */
	uint32_t n_children;
	struct span span;         /* the value */
	struct span key_span;     /* the key, in a map; else none */
	struct str key;           /* in a map */
	struct str text;          /* scalars: the unescaped text; for numbers as written */
	union {
		bool boolean;
		int64_t integer;
		double real;
	};
	struct node *parent;      /* NULL at the root */
	struct node *first, *last, *next;
	struct map *lookup;       /* private to tree.c: the members of a large map by key */
};

enum tree_format { TREE_YAML, TREE_JSON, TREE_JSONC, TREE_TOML };

/* By the file name's extension (.yaml .yml .json .jsonc .toml); false if none of these. */
bool tree_format_of(struct str file_name, enum tree_format *format_out);
const char *tree_format_name(enum tree_format f);

/* Limits that bound work and memory on hostile documents. */
#define TREE_MAX_DEPTH 200
#define TREE_MAX_BYTES (32u << 20)
#define TREE_MAX_MEMORY ((size_t)128 << 20) /* of a document and its text, some growth aside; alias expansion counts */

/* Reads source number `source` (registered in d). Returns the root, or NULL when nothing could be built (reported). */
struct node *tree_read(struct arena *a, struct diags *d, uint32_t source, enum tree_format f);
/* One function a format; tree_read calls them. They check UTF-8 and duplicate keys alike (tree/build.h). */
struct node *tree_read_yaml(struct arena *a, struct diags *d, uint32_t source);
struct node *tree_read_json(struct arena *a, struct diags *d, uint32_t source, bool comments);
struct node *tree_read_toml(struct arena *a, struct diags *d, uint32_t source);

/* The member of a map, or NULL (also for other kinds). Constant time, when node_append put the members there. */
struct node *node_get(const struct node *n, struct str key);
/* False if some of the node itself is poisoned or left out; of its children nothing is said. */
bool node_is_whole(const struct node *n);
/* Puts `child` (in no parent, key set if `parent` is a map) behind the other children and sets its index and parent. */
void node_append(struct arena *a, struct node *parent, struct node *child);
/* "routes[2].match.path"; keys that are not plain words are quoted. The root is "". */
struct str node_path(struct arena *a, const struct node *n);
/* diag_where with the node's path, cut where nobody reads on: keys may be as long as the file, and what is wrong below them may be much. */
void node_where(struct diags *d, const struct node *n);
/* That path. */
struct str node_place(struct arena *a, const struct node *n);
const char *node_kind_name(enum node_kind k); /* "a map", "a string", ... */

/* diag_report at the node's value (node_key_report: at its key), with its path as the where line. */
void node_report(struct diags *d, const struct node *n, enum diag_id id, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void node_key_report(struct diags *d, const struct node *n, enum diag_id id, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Compile-time substitution of ${NAME} and ${NAME:-default} (upper case) in every string, not in keys; "$${NAME}" is a literal
 * "${NAME}". What begins otherwise ("${request.path}", and "$${" before it) is left for the templates of the running gateway.
 * A plain (unquoted) YAML scalar that consists of substitutions is typed again afterwards, so that `port: ${PORT}` is a number. One in
 * quotes, as JSON and TOML need them, stays a string, but for a schema that wants something else (NODE_VARIABLE). */
struct tree_vars {
	const struct tree_var { struct str name, value, set_by; } *at; /* set_by: "-D", "--env-file x:3", "the environment" */
	size_t n;
};
void tree_substitute(struct arena *a, struct diags *d, struct node *root, const struct tree_vars *vars);

/* The document as JSON on *out (indented by 2); `tagged` uses toml-test's {"type","value"} form for scalars. */
struct sbuf;
void tree_to_json(struct sbuf *out, const struct node *root, bool tagged);
