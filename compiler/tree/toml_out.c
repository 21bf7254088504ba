/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The document as TOML: plain values first, then a [table] for each section or each of its members, and [[tables]] for lists of maps. What
 * lies deeper stands in one line. */
#include "tree/convert.h"

#define LINE_MOST 100

static void put_key(struct sbuf *out, struct str key)
{
	bool is_bare = key.len > 0;

	for (size_t i = 0; i < key.len; i++) {
		unsigned char c = ascii_lower((unsigned char)key.ptr[i]);

		is_bare = is_bare && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-');
	}
	if (is_bare)
		sbuf_add(out, key);
	else
		tree_put_string(out, key);
}

static void put_scalar(struct sbuf *out, const struct node *n)
{
	if (tree_put_plain(out, n, "inf", "nan"))
		return;
	if (n->kind == NODE_DATETIME)
		sbuf_add(out, n->text);
	else
		tree_put_string(out, n->text);
}

static void put_inline(struct sbuf *out, const struct node *n)
{
	bool is_map = n->kind == NODE_MAP;

	if (!is_map && n->kind != NODE_SEQ) {
		put_scalar(out, n);
		return;
	}
	sbuf_addc(out, is_map ? '{' : '[');
	for (const struct node *m = n->first; m != NULL; m = m->next) {
		if (is_map) {
			put_key(out, m->key);
			sbuf_adds(out, " = ");
		}
		put_inline(out, m);
		sbuf_adds(out, m->next != NULL ? ", " : "");
	}
	sbuf_addc(out, is_map ? '}' : ']');
}

/* A list that is too long for a line gets a line an item. */
static void put_member(struct sbuf *out, const struct node *n)
{
	size_t begin = out->len;

	put_key(out, n->key);
	sbuf_adds(out, " = ");
	put_inline(out, n);
	if (n->kind == NODE_SEQ && out->len - begin > LINE_MOST) {
		out->len = begin;
		put_key(out, n->key);
		sbuf_adds(out, " = [\n");
		for (const struct node *m = n->first; m != NULL; m = m->next) {
			sbuf_adds(out, "  ");
			put_inline(out, m);
			sbuf_adds(out, ",\n");
		}
		sbuf_addc(out, ']');
	}
	sbuf_addc(out, '\n');
}

static bool has_only_maps(const struct node *n)
{
	for (const struct node *m = n->first; m != NULL; m = m->next) {
		if (m->kind != NODE_MAP)
			return false;
	}
	return n->first != NULL;
}

static void put_table(struct sbuf *out, const char *open, const struct node *parent, const struct node *n, const char *close)
{
	sbuf_adds(out, out->len > 0 ? "\n" : "");
	sbuf_adds(out, open);
	if (parent != NULL) {
		put_key(out, parent->key);
		sbuf_addc(out, '.');
	}
	put_key(out, n->key);
	sbuf_adds(out, close);
	sbuf_addc(out, '\n');
}

static void put_members(struct sbuf *out, const struct node *map)
{
	for (const struct node *m = map->first; m != NULL; m = m->next)
		put_member(out, m);
}

static void put_section(struct sbuf *out, const struct node *n)
{
	if (n->kind == NODE_SEQ) {
		for (const struct node *m = n->first; m != NULL; m = m->next) {
			put_table(out, "[[", NULL, n, "]]");
			put_members(out, m);
		}
	} else if (has_only_maps(n)) {
		for (const struct node *m = n->first; m != NULL; m = m->next) {
			put_table(out, "[", n, m, "]");
			put_members(out, m);
		}
	} else {
		put_table(out, "[", NULL, n, "]");
		put_members(out, n);
	}
}

void tree_to_toml(struct sbuf *out, const struct node *root)
{
	for (const struct node *m = root->first; m != NULL; m = m->next) {
		if (m->kind != NODE_MAP && !(m->kind == NODE_SEQ && has_only_maps(m)))
			put_member(out, m);
	}
	for (const struct node *m = root->first; m != NULL; m = m->next) {
		if (m->kind == NODE_MAP || (m->kind == NODE_SEQ && has_only_maps(m)))
			put_section(out, m);
	}
}
