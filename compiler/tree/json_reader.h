/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The state of the JSON reader, shared by json.c (driver and messages), json_lex.re and
 * json_parse.y. */
#pragma once

#include <stdio.h>

#include "tree/build.h"

struct json_open {
	struct span at;    /* the bracket */
	bool is_map;
};

struct json_reader {
	struct build build;
	const unsigned char *base, *cursor, *limit; /* the text; *limit is NUL */
	bool comments;         /* and trailing commas */
	struct node *root;
	int previous;          /* the token before the current one; 0: none */
	struct span previous_at;
	size_t n_open;
	struct json_open open[TREE_MAX_DEPTH + 1];
};

/* json_lex.re: the next token (JSON_*, see json_parse.y), 0 at the end, -1 after an error
 * (reported, stopped). */
int json_lex(struct json_reader *r, struct build_token *t);

/* json.c, for the grammar. Each takes NULL for what could not be built. */
struct node *json_begin(struct json_reader *r, enum node_kind kind, const struct build_token *t);
struct node *json_end(struct json_reader *r, struct node *n, const struct build_token *t);
void json_member(struct json_reader *r, struct node *map, const struct build_token *key, struct node *value);
void json_item(struct json_reader *r, struct node *seq, struct node *item);
void json_trailing_comma(struct json_reader *r, const struct build_token *comma);
void json_syntax_error(struct json_reader *r, int token, const struct build_token *t);
void json_overflow(struct json_reader *r);

/* json_parse.y, as lemon generates them. */
void *json_parseAlloc(void *(*allocate)(size_t));
void json_parseFree(void *parser, void (*release)(void *));
void json_parse(void *parser, int token, struct build_token t, struct json_reader *r);
