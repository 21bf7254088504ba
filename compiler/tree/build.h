/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the readers of all formats share: the checks of the text, nodes within budget, members
 * without duplicates.
 *
 * Used by the readers in tree/ only. Each limit is reported once; after that `stopped` is set,
 * functions that make nodes return NULL, and the reader gives up. */
#pragma once

#include "base/vec.h"
#include "tree/tree.h"

/* A diagnostic that is to show the path of a node which was not in its parent yet. */
struct build_where {
	size_t diag;
	const struct node *node;
};

#define BUILD_MOST_EXPANDED 500000 /* nodes that aliases of one document may copy */

struct build {
	struct arena *arena; /* borrowed */
	struct diags *diags; /* borrowed */
	uint32_t source;
	struct str text;     /* of the source: valid UTF-8 without NUL and without other controls than tab, LF and CR */
	size_t used_before;  /* bytes of the arena, when the document began */
	bool stopped;        /* the document cannot be read on; reported */
	VEC(struct build_where) wheres;
};

/* False (reported) when the text is too large, not UTF-8, or has control characters. */
bool build_init(struct build *b, struct arena *a, struct diags *d, uint32_t source);
struct span build_span(const struct build *b, size_t begin, size_t end);
/* A node without a parent, or NULL when the document is too large (reported). */
struct node *build_node(struct build *b, enum node_kind kind, struct span span);
/* What the lexers of JSON and TOML hand to their grammars. */
struct build_token {
	struct span span;
	struct str text;   /* strings and keys: decoded; other values: as written */
	int64_t integer;
	double real;
};
/* The node of a token that is a value; NULL as build_node. */
struct node *build_scalar(struct build *b, enum node_kind kind, const struct build_token *t);
/* Puts the value into the map under the key. False when the key is there already: reported, with
 * a note at the first one, and the value is left out. */
bool build_member(struct build *b, struct node *map, struct str key, struct span key_span, struct node *value);
void build_item(struct build *b, struct node *seq, struct node *item);
/* The diagnostic that was reported last gets the node's path as its where line, once build_finish
 * is called. */
void build_where(struct build *b, const struct node *n);
/* The reader's last step: the root, or NULL if it stopped. */
struct node *build_finish(struct build *b, struct node *root);
/* False (reported, stopped) when `depth` open containers are too many. */
bool build_depth(struct build *b, size_t depth, struct span at);
/* Reports and stops. */
void build_stop(struct build *b, enum diag_id id, struct span at, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* The text with a NUL behind it, for lexers. */
const char *build_terminated(struct build *b);

/* Numbers. The text is "[+-]digits" of that base without a prefix; false if it does not fit
 * int64_t. */
bool build_parse_int(struct str digits, unsigned base, int64_t *value_out);
/* A decimal floating-point number as strtod takes it; false if it overflows. */
bool build_parse_float(struct str s, double *value_out);
/* Appends a code point as UTF-8; false for surrogates and beyond U+10FFFF. At most 4 bytes. */
bool build_utf8(uint32_t code_point, char *out, size_t *len);
