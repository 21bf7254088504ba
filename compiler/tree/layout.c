/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tree/layout.h"

#include "base/check.h"

struct layout *layout_new(struct arena *a, enum layout_kind kind)
{
	struct layout *n = ARENA_NEW(a, struct layout);

	n->kind = kind;
	return n;
}

void layout_append(struct layout *parent, struct layout *child)
{
	child->parent = parent;
	if (parent->last == NULL)
		parent->first = child;
	else
		parent->last->next = child;
	parent->last = child;
}

struct str layout_trailing(struct arena *a, struct str text, size_t from, size_t begin, size_t end)
{
	size_t blanks = begin;

	while (blanks > from && text.ptr[blanks - 1] == ' ')
		blanks--;
	if (blanks < begin)
		return str_slice(text, blanks, end - blanks);
	return arena_printf(a, " " STR_FMT, STR_ARG(str_slice(text, begin, end - begin)));
}

void layout_indent(struct layout_out *o, unsigned indent)
{
	for (unsigned i = 0; i < indent; i++)
		sbuf_addc(&o->out, ' ');
}

void layout_newline(struct layout_out *o)
{
	sbuf_addc(&o->out, '\n');
	o->is_sealed = false;
}

void layout_blank(struct layout_out *o)
{
	if (o->out.len > 0 && !o->is_sealed)
		sbuf_addc(&o->out, '\n');
}

void layout_put_trailing(struct layout_out *o, struct str note)
{
	if (note.len == 0)
		return;
	sbuf_add(&o->out, note);
	o->n_notes++;
}

void layout_put_notes(struct layout_out *o, const struct layout_notes *notes, unsigned indent, bool is_first)
{
	for (size_t i = 0; i < notes->n; i++) {
		if (notes->at[i].is_after_blank && !(is_first && i == 0))
			layout_blank(o);
		layout_indent(o, indent);
		sbuf_add(&o->out, notes->at[i].text);
		layout_newline(o);
		o->n_notes++;
	}
}

/* ---- scalars ---- */

static bool is_word_char(char c, bool is_first)
{
	unsigned char lower = ascii_lower((unsigned char)c);

	if ((lower >= 'a' && lower <= 'z') || c == '/' || c == '_')
		return true;
	return !is_first && ((c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == '=' || c == '@');
}

/* Whether everyone reads it as the same string without quotes, in every context. What only some would is left as it is. */
static bool is_plain_word(struct str s)
{
	static const struct str typed[] = { STR_INIT("true"), STR_INIT("false"), STR_INIT("yes"), STR_INIT("no"), STR_INIT("on"),
		STR_INIT("off"), STR_INIT("y"), STR_INIT("n"), STR_INIT("null") };

	for (size_t i = 0; i < s.len; i++) {
		if (!is_word_char(s.ptr[i], i == 0))
			return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(typed); i++) {
		if (str_eq_nocase(s, typed[i]))
			return false;
	}
	return s.len > 0;
}

static bool ends_in_escape(struct str line)
{
	size_t n = 0;

	while (n < line.len && line.ptr[line.len - 1 - n] == '\\')
		n++;
	return n % 2 == 1;
}

static struct str trim_line(struct str line, bool is_quoted)
{
	struct str trimmed;

	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	trimmed = str_trim(line);
	/* An escaped blank is none that could go. */
	if (is_quoted && ends_in_escape(trimmed) && trimmed.ptr + trimmed.len < line.ptr + line.len)
		trimmed.len++;
	return trimmed;
}

void layout_put_scalar(struct layout_out *o, const struct layout *n, unsigned indent)
{
	struct str rest = n->text, line;
	bool is_first = true;

	if (n->style == LAYOUT_QUOTED && o->unquotes && n->props.len == 0 && is_plain_word(n->word)) {
		sbuf_add(&o->out, n->word);
		return;
	}
	if (o->is_verbatim || str_find_char(rest, '\n') == rest.len) {
		sbuf_add(&o->out, rest);
		return;
	}
	while (str_split(&rest, '\n', &line)) {
		line = trim_line(line, n->style == LAYOUT_QUOTED);
		if (!is_first)
			sbuf_addc(&o->out, '\n');
		if (!is_first && line.len > 0)
			layout_indent(o, indent + 2);
		sbuf_add(&o->out, line);
		is_first = false;
	}
}

/* ---- brackets ---- */

static void put_item(struct layout_out *o, const struct layout *n, unsigned indent)
{
	if (n->key != NULL) {
		layout_put_value(o, n->key, indent);
		if (n->kind == LAYOUT_SCALAR && n->text.len == 0 && n->props.len == 0)
			return;
		if (n->key->is_alias)
			sbuf_addc(&o->out, ' ');
		sbuf_adds(&o->out, o->colon);
	}
	if (n->opening.len > 0 && !n->is_flow) {
		/* A comment between key and value: the value goes to the next line. */
		while (o->out.len > 0 && o->out.ptr[o->out.len - 1] == ' ')
			o->out.len--;
		layout_put_trailing(o, n->opening);
		layout_newline(o);
		layout_indent(o, indent + 2);
	}
	layout_put_value(o, n, indent);
}

static void put_broken(struct layout_out *o, const struct layout *n, unsigned indent)
{
	layout_put_trailing(o, n->opening);
	layout_newline(o);
	for (const struct layout *m = n->first; m != NULL; m = m->next) {
		const struct layout *head = m->key != NULL ? m->key : m;

		layout_put_notes(o, &head->leads, indent + 2, m == n->first);
		if (m->key != NULL)
			layout_put_notes(o, &m->leads, indent + 2, true);
		if (head->is_after_blank && (m != n->first || head->leads.n > 0))
			layout_blank(o);
		layout_indent(o, indent + 2);
		put_item(o, m, indent + 2);
		if (m->next != NULL)
			sbuf_addc(&o->out, ',');
		if (m->key != NULL)
			layout_put_trailing(o, m->key->trailing);
		layout_put_trailing(o, m->trailing);
		layout_newline(o);
	}
	layout_put_notes(o, &n->foots, indent + 2, n->first == NULL);
	layout_indent(o, indent);
}

static bool is_empty(const struct layout *n)
{
	return n->first == NULL && n->foots.n == 0 && n->opening.len == 0;
}

static bool has_broken_child(const struct layout *n)
{
	for (const struct layout *m = n->first; m != NULL; m = m->next) {
		if (m->is_broken && !is_empty(m))
			return true;
	}
	return false;
}

/* Tries to write it in one line; false (nothing written) if it is longer than the line may be. Inside of brackets that are tried
 * themselves, what is too long is only begun. */
static bool put_line(struct layout_out *o, const struct layout *n, unsigned indent)
{
	size_t begin = o->out.len, line = begin, n_notes = o->n_notes;
	bool fits = true;

	while (o->width > 0 && line > 0 && o->out.ptr[line - 1] != '\n')
		line--;
	o->n_in_line++;
	for (const struct layout *m = n->first; m != NULL && fits; m = m->next) {
		put_item(o, m, indent);
		if (m->next != NULL)
			sbuf_adds(&o->out, ", ");
		fits = o->width == 0 || o->out.len - line <= o->width;
	}
	o->n_in_line--;
	/* What is around gives up at once: its line is no shorter. To break this one first would double the work with each level. */
	if (fits || o->n_in_line > 0)
		return true;
	o->out.len = begin;
	o->n_notes = n_notes;
	return false;
}

void layout_put_value(struct layout_out *o, const struct layout *n, unsigned indent)
{
	if (n->props.len > 0) {
		sbuf_add(&o->out, n->props);
		if (n->kind != LAYOUT_SCALAR || n->text.len > 0)
			sbuf_addc(&o->out, ' ');
	}
	if (n->kind == LAYOUT_SCALAR) {
		layout_put_scalar(o, n, indent);
		return;
	}
	sbuf_addc(&o->out, n->kind == LAYOUT_MAP ? '{' : '[');
	if (!is_empty(n) && (n->is_broken || (o->width > 0 && has_broken_child(n)) || !put_line(o, n, indent)))
		put_broken(o, n, indent);
	sbuf_addc(&o->out, n->kind == LAYOUT_MAP ? '}' : ']');
}
