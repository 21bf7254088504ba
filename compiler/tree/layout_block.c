/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Writes YAML blocks: two columns a level, lists indented below their key, `- ` and the first key of an item in one line. */
#include "tree/layout.h"

static void put_children(struct layout_out *o, const struct layout *n, unsigned indent, bool is_inline);

static size_t leading_blanks(struct str line)
{
	size_t n = 0;

	while (n < line.len && line.ptr[n] == ' ')
		n++;
	return n;
}

static struct str without_cr(struct str line)
{
	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* Columns that the content is indented by: those of its first line that is not empty. With an indicator ("|2") that does not tell, and the
 * reader of the layout has put them into `column`. */
static size_t content_indent(const struct layout *n, struct str body)
{
	struct str line;

	if (n->column > 0)
		return n->column;
	while (str_split(&body, '\n', &line)) {
		line = without_cr(line);
		if (leading_blanks(line) < line.len)
			return leading_blanks(line);
	}
	/* Blanks only: whatever their number, these are empty lines. */
	return SIZE_MAX;
}

/* "|2- # why": content is always indented by two columns here. */
static void put_header(struct layout_out *o, struct str line)
{
	size_t comment = str_find_char(line, '#');

	for (size_t i = 0; i < line.len; i++) {
		bool is_indicator = i < comment && line.ptr[i] >= '1' && line.ptr[i] <= '9';

		sbuf_addc(&o->out, is_indicator ? '2' : line.ptr[i]);
	}
	while (o->out.len > 0 && (o->out.ptr[o->out.len - 1] == ' ' || o->out.ptr[o->out.len - 1] == '\t'))
		o->out.len--;
	layout_newline(o);
}

/* A block scalar: "|-", then its lines. With "+", empty lines at its end are content, and so none may follow. */
static void put_literal(struct layout_out *o, const struct layout *n, unsigned indent)
{
	struct str rest = n->text, line;
	size_t blanks, n_empty = 0;
	bool keeps;

	str_split(&rest, '\n', &line);
	line = without_cr(line);
	keeps = str_find_char(str_slice(line, 0, str_find_char(line, '#')), '+') < line.len &&
		str_find_char(line, '+') < str_find_char(line, '#');
	/* The header's comment, if it has one, is counted by whoever reads the layout. */
	if (str_find_char(line, '#') < line.len)
		o->n_notes++;
	put_header(o, line);
	blanks = content_indent(n, rest);
	while (str_split(&rest, '\n', &line)) {
		line = without_cr(line);
		if (leading_blanks(line) == line.len && line.len <= blanks) {
			n_empty += rest.ptr != NULL || line.len > 0;
			continue;
		}
		for (; n_empty > 0; n_empty--)
			sbuf_addc(&o->out, '\n');
		layout_indent(o, indent + 2);
		sbuf_add(&o->out, str_slice(line, blanks, line.len));
		layout_newline(o);
	}
	for (; keeps && n_empty > 0; n_empty--)
		sbuf_addc(&o->out, '\n');
	o->is_sealed = keeps;
}

static void end_line(struct layout_out *o, const struct layout *n)
{
	layout_put_trailing(o, n->trailing);
	layout_newline(o);
}

/* Behind "key:" or "-", where a value stands on the next line because of comments in between. */
static void put_below(struct layout_out *o, const struct layout *n, unsigned indent)
{
	layout_put_trailing(o, n->opening);
	layout_newline(o);
	layout_put_notes(o, &n->leads, indent + 2, true);
	layout_indent(o, indent + 2);
}

/* A value behind "key:" or "-"; what it has in front of it on lines of its own is written already for an item, and not for a key. */
static void put_value(struct layout_out *o, const struct layout *n, unsigned indent, bool is_item)
{
	bool is_block = n->kind != LAYOUT_SCALAR && !n->is_flow;

	if (is_block) {
		if (n->props.len > 0) {
			sbuf_addc(&o->out, ' ');
			sbuf_add(&o->out, n->props);
		}
		if (is_item && n->props.len == 0 && n->opening.len == 0) {
			sbuf_addc(&o->out, ' ');
			put_children(o, n, indent + 2, true);
			return;
		}
		layout_put_trailing(o, n->opening);
		layout_newline(o);
		if (!is_item)
			layout_put_notes(o, &n->leads, indent + 2, true);
		put_children(o, n, indent + 2, false);
		return;
	}
	if (n->kind == LAYOUT_SCALAR && n->text.len == 0 && n->props.len == 0) {
		end_line(o, n);
		return;
	}
	if ((n->opening.len > 0 && !n->is_flow) || (!is_item && n->leads.n > 0))
		put_below(o, n, indent);
	else
		sbuf_addc(&o->out, ' ');
	if (n->kind == LAYOUT_SCALAR && n->style == LAYOUT_LITERAL) {
		if (n->props.len > 0) {
			sbuf_add(&o->out, n->props);
			sbuf_addc(&o->out, ' ');
		}
		put_literal(o, n, indent);
		return;
	}
	layout_put_value(o, n, indent);
	end_line(o, n);
}

static void put_children(struct layout_out *o, const struct layout *n, unsigned indent, bool is_inline)
{
	for (const struct layout *m = n->first; m != NULL; m = m->next) {
		const struct layout *head = m->key != NULL ? m->key : m;
		bool is_first = m == n->first;

		layout_put_notes(o, &head->leads, indent, is_first);
		if (head->is_after_blank && (!is_first || head->leads.n > 0))
			layout_blank(o);
		if (!is_first || !is_inline)
			layout_indent(o, indent);
		if (m->key != NULL) {
			layout_put_value(o, m->key, indent);
			sbuf_adds(&o->out, m->key->is_alias ? " :" : ":");
		} else {
			sbuf_addc(&o->out, '-');
		}
		put_value(o, m, indent, m->key == NULL);
	}
	layout_put_notes(o, &n->foots, indent, false);
}

void layout_put_document(struct layout_out *o, const struct layout *root)
{
	layout_put_notes(o, &root->leads, 0, false);
	if (root->is_after_blank)
		layout_blank(o);
	if (root->kind != LAYOUT_SCALAR && !root->is_flow) {
		if (root->props.len > 0 || root->opening.len > 0) {
			sbuf_add(&o->out, root->props);
			layout_put_trailing(o, root->opening);
			layout_newline(o);
		}
		put_children(o, root, 0, false);
		layout_put_notes(o, &root->tails, 0, false);
		return;
	}
	if (root->kind == LAYOUT_SCALAR && root->text.len == 0 && root->props.len == 0 && root->trailing.len == 0) {
		/* Nothing but comments. */
	} else if (root->style == LAYOUT_LITERAL) {
		put_literal(o, root, 0);
	} else {
		layout_put_value(o, root, 0);
		end_line(o, root);
	}
	layout_put_notes(o, &root->tails, 0, o->out.len == 0);
}
