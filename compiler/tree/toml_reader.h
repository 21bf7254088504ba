/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The state of the TOML reader, shared by toml.c (driver and messages), toml_table.c (where keys
 * go), toml_lex.re, toml_time.c and toml_parse.y. */
#pragma once

#include <stdio.h>

#include "tree/build.h"

/* One part of a dotted key. */
struct toml_part {
	struct str name;
	struct span at;
	struct toml_part *next;
};

struct toml_key {
	struct toml_part *first, *last;
	size_t n;
};

/* How a table came to be, in node.mark: it decides what may still be added to it. */
enum toml_mark {
	TOML_MARK_NONE,
	TOML_MARK_SUPER,  /* by the header of a table below it: may still get its own header */
	TOML_MARK_TABLE,  /* by its own header */
	TOML_MARK_DOTTED, /* by dotted keys: closed for headers of its own name */
	TOML_MARK_TABLES, /* an array of tables; [[headers]] add to it */
};

struct toml_reader {
	struct build build;
	const unsigned char *base, *cursor, *limit; /* the text; *limit is NUL */
	struct node *root;
	struct node *table;          /* keys go here */
	struct arena keys;           /* of the line at hand */
	size_t depth;                /* of the place where the next value goes */
	/* The lexer's: keys and values have different tokens. */
	bool is_value_next;
	unsigned n_header;           /* brackets that opened the header of this line */
	size_t n_open;
	struct span open_at[TREE_MAX_DEPTH + 1];
	char open[TREE_MAX_DEPTH + 1]; /* '[' or '{' */
	int previous;                /* token; 0: none */
	struct span previous_at;
};

/* toml_lex.re: the next token (TOML_*, see toml_parse.y), 0 at the end, -1 after an error
 * (reported, stopped). */
int toml_lex(struct toml_reader *r, struct build_token *t);
/* toml_time.c: what is wrong with a date or time of the right form, or NULL. */
const char *toml_check_time(struct str s);

/* toml_table.c, for the grammar. Each takes NULL for what could not be built. */
struct toml_key *toml_key_part(struct toml_reader *r, struct toml_key *key, const struct build_token *t);
/* A key is complete, its value comes next. */
struct toml_key *toml_target(struct toml_reader *r, struct toml_key *key);
/* table NULL: the one that the last header opened. */
void toml_assign(struct toml_reader *r, struct node *table, struct toml_key *key, struct node *value);
void toml_open_table(struct toml_reader *r, const struct build_token *begin, struct toml_key *key,
	const struct build_token *end);
void toml_open_tables(struct toml_reader *r, const struct build_token *begin, struct toml_key *key,
	const struct build_token *end);

/* toml.c, for the grammar. */
struct node *toml_begin(struct toml_reader *r, enum node_kind kind, const struct build_token *t);
struct node *toml_end(struct toml_reader *r, struct node *n, const struct build_token *t);
void toml_item(struct toml_reader *r, struct node *seq, struct node *item);
void toml_syntax_error(struct toml_reader *r, int token, const struct build_token *t);
void toml_overflow(struct toml_reader *r);

/* toml_parse.y, as lemon generates them. */
void *toml_parseAlloc(void *(*allocate)(size_t));
void toml_parseFree(void *parser, void (*release)(void *));
void toml_parse(void *parser, int token, struct build_token t, struct toml_reader *r);
