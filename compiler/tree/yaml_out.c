/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The document as YAML: blocks, but short lists of plain values in one line; quotes where a reader could take a string for something
 * else. */
#include "tree/convert.h"
#include "tree/scalar.h"

#define LINE_MOST 100
#define KEY_MOST 160 /* bytes, each of which may be written as six */

static bool is_plain_char(char c)
{
	unsigned char lower = ascii_lower((unsigned char)c);

	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("_./+=@-", c) != NULL);
}

/* "5s", "10/s", "127.0.0.1" are strings to all readers; "2001-01-01", "1_000" and "12:30" are not. */
static bool is_plain_number_like(struct str s)
{
	size_t n_dots = 0, n_marks = 0;

	if (str_find_char(s, '_') < s.len || (s.len > 4 && s.ptr[4] == '-'))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		n_dots += s.ptr[i] == '.';
		n_marks += s.ptr[i] == '/' || (ascii_lower((unsigned char)s.ptr[i]) >= 'a' && ascii_lower((unsigned char)s.ptr[i]) <= 'z');
	}
	return n_dots > 1 || n_marks > 0;
}

static bool is_plain(struct str s)
{
	struct node n = { .kind = NODE_STRING };
	char first = s.len > 0 ? s.ptr[0] : '-';

	for (size_t i = 0; i < s.len; i++) {
		if (!is_plain_char(s.ptr[i]))
			return false;
	}
	if (first == '-' || first == '+' || first == '.' || first == '@' || first == '=')
		return false;
	if (str_eq_nocase(s, STR("y")) || str_eq_nocase(s, STR("n")) || str_eq_nocase(s, STR("off")))
		return false;
	if (first >= '0' && first <= '9' && !is_plain_number_like(s))
		return false;
	return scalar_resolve(&n, s) == SCALAR_OK && n.kind == NODE_STRING;
}

static void put_string(struct sbuf *out, struct str s)
{
	if (is_plain(s))
		sbuf_add(out, s);
	else
		tree_put_string(out, s);
}

static void put_scalar(struct sbuf *out, const struct node *n)
{
	if (tree_put_plain(out, n, ".inf", ".nan"))
		return;
	if (n->kind == NODE_NULL)
		sbuf_adds(out, "null");
	else if (tree_is_typed_variable(n))
		sbuf_add(out, n->text);
	else
		put_string(out, n->text);
}

static void indent(struct sbuf *out, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		sbuf_adds(out, "  ");
}

/* [a, b] and the empty ones. False (nothing written): it needs lines of its own. */
static bool put_short(struct sbuf *out, const struct node *n)
{
	size_t begin = out->len;

	if (n->first == NULL) {
		sbuf_adds(out, n->kind == NODE_MAP ? "{}" : "[]");
		return true;
	}
	if (n->kind == NODE_MAP)
		return false;
	sbuf_addc(out, '[');
	for (const struct node *m = n->first; m != NULL; m = m->next) {
		if (m->kind == NODE_MAP || m->kind == NODE_SEQ || tree_is_typed_variable(m) || out->len - begin > LINE_MOST - 20) {
			out->len = begin;
			return false;
		}
		put_scalar(out, m);
		sbuf_adds(out, m->next != NULL ? ", " : "]");
	}
	return true;
}

static void put_block(struct sbuf *out, const struct node *n, unsigned depth, bool is_inline);

/* Behind "key:" or "-". */
static void put_value(struct sbuf *out, const struct node *n, unsigned depth)
{
	bool is_scalar = n->kind != NODE_MAP && n->kind != NODE_SEQ;

	sbuf_addc(out, ' ');
	if (is_scalar)
		put_scalar(out, n);
	if (is_scalar || put_short(out, n)) {
		sbuf_addc(out, '\n');
		return;
	}
	out->len--;
	if (n->parent->kind == NODE_SEQ) {
		sbuf_addc(out, ' ');
		put_block(out, n, depth + 1, true);
	} else {
		sbuf_addc(out, '\n');
		put_block(out, n, depth + 1, false);
	}
}

/* A key of more than 1024 characters is marked as one (YAML 1.2 section 7.4.2). */
static void put_key(struct sbuf *out, struct str key, unsigned depth)
{
	bool is_long = key.len > KEY_MOST;

	sbuf_adds(out, is_long ? "? " : "");
	put_string(out, key);
	if (is_long) {
		sbuf_addc(out, '\n');
		indent(out, depth);
	}
	sbuf_addc(out, ':');
}

static void put_block(struct sbuf *out, const struct node *n, unsigned depth, bool is_inline)
{
	for (const struct node *m = n->first; m != NULL; m = m->next) {
		if (m != n->first || !is_inline)
			indent(out, depth);
		if (n->kind == NODE_MAP) {
			put_key(out, m->key, depth);
		} else {
			sbuf_addc(out, '-');
		}
		put_value(out, m, depth);
	}
}

void tree_to_yaml(struct sbuf *out, const struct node *root)
{
	if (root->kind != NODE_MAP && root->kind != NODE_SEQ)
		put_scalar(out, root);
	else if (root->first != NULL)
		put_block(out, root, 0, false);
	else
		sbuf_adds(out, root->kind == NODE_MAP ? "{}" : "[]");
	if (root->first == NULL)
		sbuf_addc(out, '\n');
}
