/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tree/toml_reader.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/str.h"
#include "tree/toml_parse.h"

struct node *toml_begin(struct toml_reader *r, enum node_kind kind, const struct build_token *t)
{
	r->depth++;
	return build_depth(&r->build, r->depth, t->span) ? build_node(&r->build, kind, t->span)
							 : NULL;
}

struct node *toml_end(struct toml_reader *r, struct node *n, const struct build_token *t)
{
	r->depth -= r->depth > 0;
	if (n == NULL)
		return NULL;
	n->flags |= NODE_INLINE;
	n->span.end = t->span.end;
	return n;
}

void toml_item(struct toml_reader *r, struct node *seq, struct node *item)
{
	if (seq != NULL && item != NULL)
		build_item(&r->build, seq, item);
}

void toml_overflow(struct toml_reader *r)
{
	build_depth(&r->build, TREE_MAX_DEPTH + 1, r->previous_at);
}

/* ---- messages ---- */

static bool ends_value(const struct toml_reader *r)
{
	switch (r->previous) {
	case TOML_STRING:
	case TOML_TEXT:
	case TOML_INTEGER:
	case TOML_FLOAT:
	case TOML_BOOLEAN:
	case TOML_TIME:
	case TOML_ARRAY_END:
	case TOML_INLINE_END:
		return true;
	default:
		return false;
	}
}

static const char *explain_in_brackets(const struct toml_reader *r, int token)
{
	bool is_array = r->open[r->n_open - 1] == '[';

	if (token == 0)
		return is_array ? "the file ends inside an array"
				: "the file ends inside an inline table";
	if (is_array)
		return ends_value(r) ? "expected ',' or ']' here" : "expected a value here";
	if (r->previous == TOML_BARE || r->previous == TOML_DOT)
		return "expected '=' and a value behind the key";
	if (ends_value(r))
		return "expected ',' or '}' here";
	return "expected a key here";
}

static const char *explain(const struct toml_reader *r, int token)
{
	if (r->n_header > 0 && (r->previous == TOML_TABLE_END || r->previous == TOML_TABLES_END))
		return "expected the end of the line behind the table header";
	if (r->n_header > 0)
		return r->previous == TOML_BARE || r->previous == TOML_STRING
			       ? (r->n_header == 1 ? "expected '.' or ']' here"
						   : "expected '.' or ']]' here")
			       : "expected a key here";
	if (r->previous == TOML_EQUALS)
		return "a value is missing behind '='";
	if (r->previous == TOML_COMMA && token == TOML_INLINE_END)
		return "an inline table has no comma behind its last value";
	if (r->n_open > 0)
		return explain_in_brackets(r, token);
	if (r->previous == 0 || r->previous == TOML_NEWLINE || r->previous == TOML_DOT)
		return "expected a key here";
	if (r->previous == TOML_BARE ||
		(r->previous == TOML_STRING && (token == TOML_NEWLINE || token == 0)))
		return "expected '=' and a value behind the key";
	return "expected the end of the line; each key has a line of its own";
}

void toml_syntax_error(struct toml_reader *r, int token, const struct build_token *t)
{
	if (r->build.stopped)
		return;
	build_stop(&r->build, DIAG_TOML_SYNTAX, t->span, "%s", explain(r, token));
	if (r->n_open > 0)
		diag_note(r->build.diags, r->open_at[r->n_open - 1], "in the %s that begins here",
			r->open[r->n_open - 1] == '[' ? "array" : "inline table");
}

/* ---- reading ---- */

/* CR without LF and DEL are refused everywhere, also in comments. */
static bool check_characters(struct build *b)
{
	for (size_t i = 0; i < b->text.len; i++) {
		char c = b->text.ptr[i];

		if (c != 0x7f && (c != '\r' || (i + 1 < b->text.len && b->text.ptr[i + 1] == '\n')))
			continue;
		build_stop(b, DIAG_TOML_SYNTAX, build_span(b, i, i + 1),
			c == '\r' ? "a carriage return stands without its line feed"
				  : "control character U+007F is not allowed");
		return false;
	}
	return true;
}

static void read_tokens(struct toml_reader *r)
{
	void *parser = toml_parseAlloc(malloc);
	struct build_token t = { 0 };
	int token;

	if (parser == NULL)
		check_out_of_memory();
	do {
		token = toml_lex(r, &t);
		if (token >= 0)
			toml_parse(parser, token, t, r);
		r->previous = token;
		r->previous_at = t.span;
		/* The grammar has done with a line when it sees its end. */
		if (token == TOML_NEWLINE && r->n_open == 0)
			arena_reset(&r->keys);
	} while (token > 0 && !r->build.stopped);
	toml_parseFree(parser, free);
}

struct node *tree_read_toml(struct arena *a, struct diags *d, uint32_t source)
{
	struct toml_reader *r = ARENA_NEW(a, struct toml_reader);

	CHECK(r != NULL);
	if (!build_init(&r->build, a, d, source) || !check_characters(&r->build))
		return NULL;
	r->base = r->cursor = (const unsigned char *)build_terminated(&r->build);
	r->limit = r->base + r->build.text.len;
	r->root = r->table =
		build_node(&r->build, NODE_MAP, build_span(&r->build, 0, r->build.text.len));
	r->root->mark = TOML_MARK_TABLE;
	r->depth = 1;
	arena_init_unbounded(&r->keys);
	read_tokens(r);
	arena_fini(&r->keys);
	return build_finish(&r->build, r->root);
}
