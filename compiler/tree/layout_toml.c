/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* TOML, statement by statement: headers and keys begin their lines, one blank around "=", an empty line in front of a header. */
#include "base/check.h"
#include "tree/layout.h"

struct toml_layout {
	struct arena *arena;
	struct str text;
	size_t at;
	size_t n_notes;
	struct layout_notes leads;
	bool is_blank;
	bool failed;
};

static char peek(const struct toml_layout *t)
{
	return t->at < t->text.len ? t->text.ptr[t->at] : '\0';
}

static struct str rest_of(const struct toml_layout *t)
{
	return str_slice(t->text, t->at, t->text.len);
}

static void skip_blanks(struct toml_layout *t)
{
	while (peek(t) == ' ' || peek(t) == '\t' || peek(t) == '\r')
		t->at++;
}

/* The bytes of the string that begins here, in any of the four kinds of quotes. */
static struct str take_string(struct toml_layout *t)
{
	char quote = peek(t);
	bool is_long = str_starts(rest_of(t), quote == '"' ? STR("\"\"\"") : STR("'''"));
	size_t begin = t->at, n_quotes = is_long ? 3 : 1, n_seen = 0;

	t->at += n_quotes;
	while (t->at < t->text.len) {
		char c = peek(t);

		n_seen = c == quote ? n_seen + 1 : 0;
		t->at += c == '\\' && quote == '"' ? 2 : 1;
		/* Up to two quotes more may end a long string: they are content. */
		if (n_seen >= n_quotes && (peek(t) != quote || n_seen == n_quotes + 2 || !is_long))
			break;
	}
	return str_slice(t->text, begin, t->at - begin);
}

static bool is_bare_end(char c)
{
	return c == ',' || c == ']' || c == '}' || c == '#' || c == '\n' || c == '\0';
}

/* A key or header without the blanks in it, up to `end` ('=' or ']'). */
static struct str take_key(struct toml_layout *t, char end)
{
	struct sbuf b = { 0 };
	struct str key;

	while (t->at < t->text.len && peek(t) != end && peek(t) != '\n') {
		skip_blanks(t);
		if (peek(t) == '"' || peek(t) == '\'')
			sbuf_add(&b, take_string(t));
		else if (peek(t) != end && peek(t) != '\n' && peek(t) != '\0')
			sbuf_addc(&b, t->text.ptr[t->at++]);
		skip_blanks(t);
	}
	t->failed = t->failed || peek(t) != end;
	key = arena_str(t->arena, sbuf_str(&b));
	sbuf_fini(&b);
	return key;
}

static struct str take_comment(struct toml_layout *t)
{
	struct str line = rest_of(t);

	line = str_slice(line, 0, str_find_char(line, '\n'));
	t->at += line.len;
	while (line.len > 0 && (line.ptr[line.len - 1] == ' ' || line.ptr[line.len - 1] == '\t' || line.ptr[line.len - 1] == '\r'))
		line.len--;
	t->n_notes++;
	return line;
}

/* The comment that ends this line, if there is one. */
static struct str take_trailing(struct toml_layout *t)
{
	size_t from = t->at, begin;
	struct str comment;

	skip_blanks(t);
	if (peek(t) != '#')
		return STR("");
	begin = t->at;
	comment = take_comment(t);
	return layout_trailing(t->arena, t->text, from, begin, begin + comment.len);
}

/* Lines of comments and empty lines; inside brackets and between statements alike. */
static void take_lines(struct toml_layout *t)
{
	for (;;) {
		bool is_line = peek(t) == '\n';

		if (is_line) {
			t->at++;
			skip_blanks(t);
			t->is_blank = t->is_blank || peek(t) == '\n';
			continue;
		}
		skip_blanks(t);
		if (peek(t) == '#') {
			struct str comment = take_comment(t);

			vec_push(t->arena, &t->leads, (struct layout_note){ .text = comment, .is_after_blank = t->is_blank });
			t->is_blank = false;
		} else if (peek(t) != '\n') {
			return;
		}
	}
}

static void dress(struct toml_layout *t, struct layout *n)
{
	n->leads = t->leads;
	n->is_after_blank = t->is_blank;
	t->leads = (struct layout_notes){ 0 };
	t->is_blank = false;
}

static struct layout *take_value(struct toml_layout *t, unsigned depth);

/* One "key = " of an inline table, then the value; or an item. */
static struct layout *take_item(struct toml_layout *t, bool is_map, unsigned depth)
{
	struct layout *key = NULL, *value;

	if (is_map) {
		key = layout_new(t->arena, LAYOUT_SCALAR);
		dress(t, key);
		key->text = take_key(t, '=');
		t->at += !t->failed;
		skip_blanks(t);
	}
	value = take_value(t, depth + 1);
	if (!is_map)
		return value;
	value->key = key;
	return value;
}

static struct layout *take_brackets(struct toml_layout *t, unsigned depth)
{
	bool is_map = peek(t) == '{';
	struct layout *n = layout_new(t->arena, is_map ? LAYOUT_MAP : LAYOUT_SEQ), *last = NULL;
	char end = is_map ? '}' : ']';

	n->is_flow = true;
	dress(t, n);
	t->at++;
	n->opening = take_trailing(t);
	for (;;) {
		n->is_broken = n->is_broken || (peek(t) == '\n' && !is_map);
		take_lines(t);
		if (t->failed || t->at == t->text.len || depth > TREE_MAX_DEPTH) {
			t->failed = true;
			return n;
		}
		if (peek(t) == end)
			break;
		if (peek(t) == ',') {
			t->at++;
		} else {
			last = take_item(t, is_map, depth);
			layout_append(n, last);
		}
		if (last != NULL && last->trailing.len == 0)
			last->trailing = take_trailing(t);
	}
	t->at++;
	n->foots = t->leads;
	t->leads = (struct layout_notes){ 0 };
	t->is_blank = false;
	return n;
}

static struct layout *take_value(struct toml_layout *t, unsigned depth)
{
	struct layout *n;
	size_t begin;

	if (peek(t) == '[' || peek(t) == '{')
		return take_brackets(t, depth);
	n = layout_new(t->arena, LAYOUT_SCALAR);
	dress(t, n);
	begin = t->at;
	if (peek(t) == '"' || peek(t) == '\'') {
		n->text = take_string(t);
		return n;
	}
	while (!is_bare_end(peek(t)))
		t->at++;
	n->text = str_slice(t->text, begin, t->at - begin);
	if (n->text.len > 0 && n->text.ptr[n->text.len - 1] == '\r')
		n->text.len--;
	n->text = str_trim(n->text);
	return n;
}

static void put_statement(struct toml_layout *t, struct layout_out *o)
{
	bool is_header = peek(t) == '[', is_table = str_starts(rest_of(t), STR("[["));
	bool is_after_blank = t->is_blank || (is_header && t->leads.n == 0);
	struct str key;

	if (is_header && t->leads.n > 0)
		t->leads.at[0].is_after_blank = true;
	layout_put_notes(o, &t->leads, 0, o->out.len == 0);
	t->leads = (struct layout_notes){ 0 };
	t->is_blank = false;
	if (is_after_blank)
		layout_blank(o);
	if (is_header) {
		t->at += is_table ? 2 : 1;
		key = take_key(t, ']');
		t->at += is_table ? 2 : 1;
		sbuf_printf(&o->out, "%s" STR_FMT "%s", is_table ? "[[" : "[", STR_ARG(key), is_table ? "]]" : "]");
	} else {
		key = take_key(t, '=');
		t->at += !t->failed;
		skip_blanks(t);
		sbuf_printf(&o->out, STR_FMT " = ", STR_ARG(key));
		if (!t->failed)
			layout_put_value(o, take_value(t, 0), 0);
	}
	layout_put_trailing(o, take_trailing(t));
	layout_newline(o);
	skip_blanks(t);
	t->failed = t->failed || (t->at < t->text.len && peek(t) != '\n');
}

bool layout_toml(struct arena *a, struct layout_out *o, struct str text, size_t *n_notes_out)
{
	struct toml_layout t = { .arena = a, .text = text };

	o->colon = " = ";
	o->is_verbatim = true;
	take_lines(&t);
	t.is_blank = false;
	while (t.at < t.text.len && !t.failed) {
		put_statement(&t, o);
		take_lines(&t);
	}
	layout_put_notes(o, &t.leads, 0, o->out.len == 0);
	*n_notes_out = t.n_notes;
	return !t.failed;
}
