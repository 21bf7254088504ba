/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tree/tree.h"

#include "base/check.h"
#include "base/str.h"
#include "tree/scalar.h"

struct subst {
	struct arena *arena;
	struct diags *diags;
	const struct tree_vars *vars;
	size_t n_bytes;        /* that values brought in, all together */
	bool too_large;        /* reported */
};

/* The scalar that is being rewritten. */
struct rewriting {
	struct subst *s;
	struct node *node;
	struct sbuf out;
	size_t searched;       /* bytes of the node's source where earlier pieces were found */
	bool is_escaped;       /* a piece does not stand there as it is: nor need those behind it be looked for */
	bool changed;
	bool is_all_variables; /* nothing but ${...} so far */
};

static bool is_upper(char c)
{
	return (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_name_char(char c)
{
	return is_upper(c) || (c >= '0' && c <= '9');
}

/* The place of one ${...} in the source, if it stands there as it is; else the whole scalar. */
static struct span piece_span(struct rewriting *w, struct str piece)
{
	const struct node *n = w->node;
	struct str text = w->s->diags->sources[n->span.source].text;
	struct str source = str_slice(text, n->span.begin, n->span.end - n->span.begin);
	ptrdiff_t at = w->is_escaped ? -1 : str_find(str_slice(source, w->searched, source.len), piece);
	size_t begin;

	w->is_escaped = at < 0;
	if (n->span.source == 0 || at < 0)
		return n->span;
	begin = w->searched + (size_t)at;
	w->searched = begin + piece.len;
	begin += n->span.begin;
	return (struct span){ n->span.source, (uint32_t)begin, (uint32_t)(begin + piece.len) };
}

static void report_at(struct rewriting *w, enum diag_id id, struct span at, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
static void report_at(struct rewriting *w, enum diag_id id, struct span at, const char *format, ...)
{
	va_list args;

	w->node->flags |= NODE_POISONED;
	va_start(args, format);
	diag_vreport(w->s->diags, id, at, format, args);
	va_end(args);
	node_where(w->s->diags, w->node);
}

static const struct tree_var *find_var(const struct tree_vars *vars, struct str name)
{
	for (size_t i = vars->n; i > 0; i--) { /* the last setting of a name counts */
		if (str_eq(vars->at[i - 1].name, name))
			return &vars->at[i - 1];
	}
	return NULL;
}

static void report_unset(struct rewriting *w, struct str name, struct span at)
{
	const struct tree_vars *vars = w->s->vars;
	struct str *names, nearest;

	report_at(w, DIAG_VARIABLE_UNSET, at, "variable '" STR_FMT "' is not set", STR_ARG(name));
	if (!diag_wants_notes(w->s->diags))
		return;
	names = ARENA_ARRAY(w->s->arena, struct str, vars->n + 1);
	CHECK(names != NULL);
	for (size_t i = 0; i < vars->n; i++)
		names[i] = vars->at[i].name;
	nearest = diag_nearest(name, names, vars->n);
	if (nearest.ptr != NULL)
		diag_note(w->s->diags, SPAN_NONE, "did you mean '" STR_FMT "', set by " STR_FMT "?",
			STR_ARG(nearest), STR_ARG(find_var(vars, nearest)->set_by));
	else
		diag_note(w->s->diags, SPAN_NONE,
			"set it with -D " STR_FMT "=value, or write ${" STR_FMT ":-default}",
			STR_ARG(name), STR_ARG(name));
}

static bool is_clean(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c < 0x20 && c != '\t' && c != '\n')
			return false;
	}
	return str_utf8_valid(s) == s.len;
}

static void put_value(struct rewriting *w, const struct tree_var *var, struct span at)
{
	if (!is_clean(var->value)) {
		report_at(w, DIAG_VARIABLE_VALUE, at,
			"the value of '" STR_FMT "', set by " STR_FMT ", is not plain UTF-8 text",
			STR_ARG(var->name), STR_ARG(var->set_by));
		return;
	}
	w->s->n_bytes += var->value.len;
	if (w->s->n_bytes <= TREE_MAX_BYTES) {
		sbuf_add(&w->out, var->value);
		return;
	}
	if (!w->s->too_large)
		report_at(w, DIAG_VARIABLE_VALUE, at,
			"all substitutions together are larger than a document may be");
	w->s->too_large = true;
}

/* `piece` is ${...} from "$" to "}". */
static void put_piece(struct rewriting *w, struct str piece)
{
	struct str inner = str_slice(piece, 2, piece.len - 3), name, rest;
	struct span at = piece_span(w, piece);
	const struct tree_var *var;
	size_t len = 0;

	while (len < inner.len && is_name_char(inner.ptr[len]))
		len++;
	name = str_slice(inner, 0, len);
	rest = str_slice(inner, len, inner.len);
	if (rest.len > 0 && !str_starts(rest, STR(":-"))) {
		report_at(w, DIAG_VARIABLE_SYNTAX, at,
			"expected ${NAME} or ${NAME:-default}, with a name in upper case");
		return;
	}
	if (str_find(rest, STR("${")) >= 0) {
		report_at(
			w, DIAG_VARIABLE_SYNTAX, at, "a default cannot have another ${...} in it");
		return;
	}
	var = find_var(w->s->vars, name);
	if (var != NULL)
		put_value(w, var, at);
	else if (rest.len > 0)
		sbuf_add(&w->out, str_slice(rest, 2, rest.len));
	else
		report_unset(w, name, at);
}

/* Takes what stands at text[at], a "$"; returns the number of bytes taken. */
static size_t take_dollar(struct rewriting *w, struct str text, size_t at)
{
	struct str rest = str_slice(text, at, text.len);
	bool is_escaped = str_starts(rest, STR("$${"));
	size_t name = is_escaped ? 3 : 2, len;

	if (!str_starts(rest, STR("${")) && !is_escaped) {
		sbuf_addc(&w->out, '$');
		w->is_all_variables = false;
		return 1;
	}
	if (rest.len <= name ||
		!is_upper(rest.ptr[name])) { /* an expression of the running gateway */
		sbuf_add(&w->out, str_slice(rest, 0, name));
		w->is_all_variables = false;
		return name;
	}
	w->changed = true;
	if (is_escaped) {
		piece_span(w, str_slice(rest, 0, name)); /* what is found next stands behind it */
		sbuf_adds(&w->out, "${");
		w->is_all_variables = false;
		return name;
	}
	len = str_find_char(rest, '}');
	if (len == rest.len) {
		report_at(w, DIAG_VARIABLE_SYNTAX, piece_span(w, rest), "this ${ has no closing }");
		return rest.len;
	}
	put_piece(w, str_slice(rest, 0, len + 1));
	return len + 1;
}

static void rewrite(struct subst *s, struct node *n)
{
	struct rewriting w = { .s = s, .node = n, .is_all_variables = true };

	for (size_t at = 0; at < n->text.len;) {
		size_t plain = str_find_char(str_slice(n->text, at, n->text.len), '$');

		if (plain > 0) {
			sbuf_add(&w.out, str_slice(n->text, at, plain));
			w.is_all_variables = false;
			at += plain;
		} else {
			at += take_dollar(&w, n->text, at);
		}
	}
	if (w.changed && (n->flags & NODE_POISONED) == 0) {
		struct str text = arena_str(s->arena, sbuf_str(&w.out));

		n->text = text;
		if (w.is_all_variables && (n->flags & NODE_QUOTED) != 0)
			n->flags |= NODE_VARIABLE;
		else if (w.is_all_variables && scalar_resolve(n, text) == SCALAR_TOO_LARGE)
			report_at(&w, DIAG_NUMBER_RANGE, n->span,
				"number '" STR_FMT "' is too large", STR_ARG(text));
	}
	sbuf_fini(&w.out);
}

/* The next node in document order, without recursion. */
static struct node *next_node(struct node *n, const struct node *root)
{
	if (n->first != NULL)
		return n->first;
	while (n != root && n->next == NULL)
		n = n->parent;
	return n == root ? NULL : n->next;
}

void tree_substitute(
	struct arena *a, struct diags *d, struct node *root, const struct tree_vars *vars)
{
	struct subst s = { .arena = a, .diags = d, .vars = vars };

	for (struct node *n = root; n != NULL; n = next_node(n, root)) {
		if (n->kind == NODE_STRING && str_find_char(n->text, '$') < n->text.len)
			rewrite(&s, n);
	}
}
