/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "tree/convert.h"

static void indent(struct sbuf *out, unsigned depth)
{
	sbuf_printf(out, "\n%*s", (int)depth * 2, "");
}

void tree_put_real(struct sbuf *out, double v)
{
	char text[40];

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	sbuf_adds(out, text);
	if (strpbrk(text, ".e") == NULL)
		sbuf_adds(out, ".0");
}

/* JSON has no infinities and no NaN: strings stand for them. */
static void put_real(struct sbuf *out, double v, bool quoted)
{
	if (isfinite(v)) {
		sbuf_adds(out, quoted ? "\"" : "");
		tree_put_real(out, v);
		sbuf_adds(out, quoted ? "\"" : "");
	} else {
		sbuf_adds(out, isnan(v) ? "\"nan\"" : v < 0 ? "\"-inf\"" : "\"inf\"");
	}
}

/* toml-test names four kinds; the text tells them apart, since the reader has checked it. */
static const char *datetime_type(struct str s)
{
	if (s.len > 2 && s.ptr[2] == ':')
		return "time-local";
	if (s.len == 10)
		return "date-local";
	if (ascii_lower((unsigned char)s.ptr[s.len - 1]) == 'z')
		return "datetime";
	return s.ptr[s.len - 6] == '+' || s.ptr[s.len - 6] == '-' ? "datetime" : "datetime-local";
}

/* As RFC 3339 spells it: "T" between the parts, "Z" in upper case. */
static void put_datetime(struct sbuf *out, struct str s)
{
	sbuf_addc(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		sbuf_addc(out, c == ' ' || c == 't' ? 'T' : c == 'z' ? 'Z' : c);
	}
	sbuf_addc(out, '"');
}

static const char *type_name(const struct node *n)
{
	switch (n->kind) {
	case NODE_NULL:
		return "null";
	case NODE_BOOL:
		return "bool";
	case NODE_INT:
		return "integer";
	case NODE_FLOAT:
		return "float";
	case NODE_DATETIME:
		return datetime_type(n->text);
	default:
		return "string";
	}
}

static void put_scalar(struct sbuf *out, const struct node *n, bool quoted)
{
	const char *quote = quoted ? "\"" : "";

	switch (n->kind) {
	case NODE_NULL:
		sbuf_printf(out, "%snull%s", quote, quote);
		break;
	case NODE_BOOL:
		sbuf_printf(out, "%s%s%s", quote, n->boolean ? "true" : "false", quote);
		break;
	case NODE_INT:
		sbuf_printf(out, "%s%lld%s", quote, (long long)n->integer, quote);
		break;
	case NODE_FLOAT:
		put_real(out, n->real, quoted);
		break;
	case NODE_DATETIME:
		put_datetime(out, n->text);
		break;
	default:
		sbuf_json(out, n->text);
	}
}

static void put_node(struct sbuf *out, const struct node *n, bool tagged, unsigned depth)
{
	bool is_map = n->kind == NODE_MAP;

	if (!is_map && n->kind != NODE_SEQ) {
		if (tagged)
			sbuf_printf(out, "{\"type\": \"%s\", \"value\": ", type_name(n));
		put_scalar(out, n, tagged);
		sbuf_adds(out, tagged ? "}" : "");
		return;
	}
	sbuf_addc(out, is_map ? '{' : '[');
	for (const struct node *m = n->first; m != NULL; m = m->next) {
		indent(out, depth + 1);
		if (is_map) {
			sbuf_json(out, m->key);
			sbuf_adds(out, ": ");
		}
		put_node(out, m, tagged, depth + 1);
		if (m->next != NULL)
			sbuf_addc(out, ',');
	}
	if (n->first != NULL)
		indent(out, depth);
	sbuf_addc(out, is_map ? '}' : ']');
}

void tree_to_json(struct sbuf *out, const struct node *root, bool tagged)
{
	put_node(out, root, tagged, 0);
	sbuf_addc(out, '\n');
}
