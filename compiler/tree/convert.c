/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tree/convert.h"

#include <math.h>

bool tree_is_typed_variable(const struct node *n)
{
	return n->kind == NODE_STRING && (n->flags & NODE_QUOTED) == 0 && str_starts(n->text, STR("${")) && n->text.len > 3 &&
	       n->text.ptr[2] >= 'A' && n->text.ptr[2] <= 'Z' && n->text.ptr[n->text.len - 1] == '}';
}

static const char *obstacle(const struct node *n, enum tree_format to)
{
	if (n->kind == NODE_NULL && to == TREE_TOML)
		return "TOML has no null";
	if (n->kind == NODE_DATETIME && to != TREE_TOML)
		return "only TOML has dates and times";
	if (n->kind == NODE_FLOAT && !isfinite(n->real) && to == TREE_JSON)
		return "JSON has finite numbers only";
	return NULL;
}

static bool check(struct diags *d, const struct node *n, enum tree_format to)
{
	const char *why = obstacle(n, to);
	bool ok = why == NULL;

	if (why != NULL)
		node_report(d, n, DIAG_NOT_CONVERTED, "%s", why);
	for (const struct node *m = n->first; m != NULL; m = m->next)
		ok = check(d, m, to) && ok;
	return ok;
}

bool tree_convert(struct diags *d, const struct node *root, enum tree_format to, struct sbuf *out)
{
	if (to == TREE_TOML && root->kind != NODE_MAP) {
		node_report(d, root, DIAG_NOT_CONVERTED, "a TOML document is a map, not %s", node_kind_name(root->kind));
		return false;
	}
	if (!check(d, root, to))
		return false;
	if (to == TREE_YAML)
		tree_to_yaml(out, root);
	else if (to == TREE_TOML)
		tree_to_toml(out, root);
	else
		tree_to_json(out, root, false);
	return true;
}

bool tree_put_plain(struct sbuf *out, const struct node *n, const char *infinity, const char *nan)
{
	if (n->kind == NODE_BOOL)
		sbuf_adds(out, n->boolean ? "true" : "false");
	else if (n->kind == NODE_INT)
		sbuf_printf(out, "%lld", (long long)n->integer);
	else if (n->kind == NODE_FLOAT && isfinite(n->real))
		tree_put_real(out, n->real);
	else if (n->kind == NODE_FLOAT)
		sbuf_printf(out, "%s%s", !isnan(n->real) && n->real < 0 ? "-" : "", isnan(n->real) ? nan : infinity);
	else
		return false;
	return true;
}

/* Line ends for some readers, and what no editor shows. */
static bool is_escaped(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff || c == 0xfffe || c == 0xffff;
}

static uint32_t code_point(struct str s, size_t *len_out)
{
	const unsigned char *p = (const unsigned char *)s.ptr;
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	uint32_t c = len == 1 ? p[0] : len == 2 ? p[0] & 0x1fu : len == 3 ? p[0] & 0x0fu : p[0] & 0x07u;

	*len_out = len <= s.len ? len : 1;
	for (size_t i = 1; i < *len_out; i++)
		c = c << 6 | (p[i] & 0x3fu);
	return c;
}

void tree_put_string(struct sbuf *out, struct str s)
{
	sbuf_addc(out, '"');
	for (size_t len; s.len > 0; s = str_slice(s, len, s.len)) {
		uint32_t c = code_point(s, &len);

		if (c == '"' || c == '\\')
			sbuf_printf(out, "\\%c", (int)c);
		else if (c == '\n' || c == '\t' || c == '\r')
			sbuf_adds(out, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r");
		else if (is_escaped(c))
			sbuf_printf(out, "\\u%04X", c);
		else
			sbuf_add(out, str_slice(s, 0, len));
	}
	sbuf_addc(out, '"');
}
