/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tree/json_reader.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/str.h"
#include "tree/json_parse.h"

struct node *json_begin(struct json_reader *r, enum node_kind kind, const struct build_token *t)
{
	if (!build_depth(&r->build, r->n_open + 1, t->span))
		return NULL;
	r->open[r->n_open++] = (struct json_open){ .at = t->span, .is_map = kind == NODE_MAP };
	return build_node(&r->build, kind, t->span);
}

struct node *json_end(struct json_reader *r, struct node *n, const struct build_token *t)
{
	r->n_open -= r->n_open > 0;
	if (n != NULL)
		n->span.end = t->span.end;
	return n;
}

void json_member(
	struct json_reader *r, struct node *map, const struct build_token *key, struct node *value)
{
	if (map != NULL && value != NULL)
		build_member(&r->build, map, key->text, key->span, value);
}

void json_item(struct json_reader *r, struct node *seq, struct node *item)
{
	if (seq != NULL && item != NULL)
		build_item(&r->build, seq, item);
}

void json_trailing_comma(struct json_reader *r, const struct build_token *comma)
{
	if (!r->comments)
		diag_report(r->build.diags, DIAG_JSON_SYNTAX, comma->span,
			"a comma with nothing behind it; JSON has none after the last item");
}

void json_overflow(struct json_reader *r)
{
	build_depth(&r->build, TREE_MAX_DEPTH + 1, r->previous_at);
}

static bool ends_value(int token)
{
	return token == JSON_STRING || token == JSON_INTEGER || token == JSON_NUMBER ||
	       token == JSON_BOOLEAN || token == JSON_NULL || token == JSON_MAP_END ||
	       token == JSON_SEQ_END;
}

static bool begins_value(int token)
{
	return token != JSON_MAP_END && token != JSON_SEQ_END && token != JSON_COMMA &&
	       token != JSON_COLON;
}

static const char *explain(const struct json_reader *r, int token)
{
	const struct json_open *open = r->n_open == 0 ? NULL : &r->open[r->n_open - 1];
	bool closes = token == JSON_MAP_END || token == JSON_SEQ_END;

	if (token == 0)
		return r->previous == 0 ? "the file is empty; JSON needs a value"
					: "the file ends before everything is closed";
	if (open == NULL)
		return ends_value(r->previous) ? "only one value can stand in a JSON file"
					       : "expected a value here";
	if (closes && (token == JSON_MAP_END) != open->is_map && r->previous != JSON_COLON)
		return open->is_map ? "expected '}' here" : "expected ']' here";
	if (r->previous == JSON_COLON)
		return "a value is missing behind ':'";
	if (ends_value(r->previous) && begins_value(token))
		return open->is_map && r->previous == JSON_STRING
			       ? "expected ':' or ',' before this"
			       : "expected ',' before this";
	if (open->is_map && (r->previous == JSON_MAP_BEGIN || r->previous == JSON_COMMA))
		return begins_value(token) ? "a key must be a string in double quotes"
					   : "expected a key here";
	if (token == JSON_COLON)
		return open->is_map ? "expected ',' or '}' here"
				    : "a list has no keys; use { } for a map";
	if (r->previous == JSON_STRING && open->is_map)
		return "expected ':' and a value behind the key";
	return "expected a value here";
}

void json_syntax_error(struct json_reader *r, int token, const struct build_token *t)
{
	struct span at = t->span;

	if (r->build.stopped)
		return;
	build_stop(&r->build, DIAG_JSON_SYNTAX, at, "%s", explain(r, token));
	if (r->n_open > 0 && (token == 0 || token == JSON_MAP_END || token == JSON_SEQ_END))
		diag_note(r->build.diags, r->open[r->n_open - 1].at,
			"the %s that is open begins here",
			r->open[r->n_open - 1].is_map ? "map" : "list");
}

struct node *tree_read_json(struct arena *a, struct diags *d, uint32_t source, bool comments)
{
	struct json_reader *r = ARENA_NEW(a, struct json_reader);
	struct build_token t = { 0 };
	void *parser;
	int token;

	CHECK(r != NULL);
	if (!build_init(&r->build, a, d, source))
		return NULL;
	r->comments = comments;
	r->base = r->cursor = (const unsigned char *)build_terminated(&r->build);
	r->limit = r->base + r->build.text.len;
	parser = json_parseAlloc(malloc);
	if (parser == NULL)
		check_out_of_memory();
	do {
		token = json_lex(r, &t);
		if (token >= 0)
			json_parse(parser, token, t, r);
		r->previous = token;
		r->previous_at = t.span;
	} while (token > 0 && !r->build.stopped);
	json_parseFree(parser, free);
	return build_finish(&r->build, r->root);
}
