/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the fuzzers of the readers share: what a document that was read must be like, whatever the bytes. */
#pragma once

#include <math.h>
#include <stdint.h>

#include "base/check.h"
#include "base/str.h"
#include "diag/render.h"
#include "tree/convert.h"
#include "tree/format.h"
#include "tree/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void check_span(const struct diags *d, struct span s)
{
	CHECK(s.source < d->n_sources);
	if (s.source != 0)
		CHECK(s.begin <= s.end && s.end <= d->sources[s.source].text.len);
}

/* Returns the number of nodes, and whether all of them have a spelling in JSON. */
static inline size_t check_tree(const struct diags *d, const struct node *n, unsigned depth, bool *is_json)
{
	const struct node *last = NULL;
	uint32_t index = 0;
	size_t count = 1;

	CHECK(depth <= 2 * TREE_MAX_DEPTH);
	check_span(d, n->span);
	check_span(d, n->key_span);
	CHECK(str_utf8_valid(n->text) == n->text.len);
	if (n->kind == NODE_DATETIME || (n->kind == NODE_FLOAT && !isfinite(n->real)))
		*is_json = false;
	for (const struct node *m = n->first; m != NULL; m = m->next) {
		CHECK(m->parent == n && m->index == index++);
		CHECK(n->kind != NODE_MAP || node_get(n, m->key) == m);
		count += check_tree(d, m, depth + 1, is_json);
		last = m;
	}
	CHECK(n->last == last && n->n_children == index);
	return count;
}

/* All forms of what was reported. */
static inline void check_reports(const struct diags *d)
{
	struct sbuf out = { 0 };

	for (int f = RENDER_TEXT; f <= RENDER_GITHUB; f++) {
		render_diags(&out, d, &(struct render_options){ .format = (enum render_format)f });
		CHECK(str_utf8_valid(sbuf_str(&out)) == out.len);
		sbuf_clear(&out);
	}
	sbuf_fini(&out);
}

/* The document as JSON is read again as the same document. */
static inline void check_as_json(struct arena *a, const struct node *root)
{
	struct sbuf first = { 0 }, second = { 0 };
	struct node *again;
	struct diags d;

	diag_init(&d, a);
	tree_to_json(&first, root, false);
	again = tree_read(a, &d, diag_add_source(&d, STR("again"), sbuf_str(&first)), TREE_JSON);
	CHECK(again != NULL && d.n_errors == 0);
	tree_to_json(&second, again, false);
	CHECK(str_eq(sbuf_str(&first), sbuf_str(&second)));
	sbuf_fini(&first);
	sbuf_fini(&second);
}

/* What can be formatted is formatted for good the first time. tree_format_text itself compares what both texts say. */
static inline void check_format(struct arena *a, struct str text, enum tree_format format)
{
	struct sbuf first = { 0 }, second = { 0 };
	struct diags d;

	diag_init(&d, a);
	if (tree_format_text(a, &d, diag_add_source(&d, STR("once"), text), format, &first)) {
		CHECK(tree_format_text(a, &d, diag_add_source(&d, STR("twice"), sbuf_str(&first)), format, &second));
		CHECK(str_eq(sbuf_str(&first), sbuf_str(&second)));
	}
	sbuf_fini(&first);
	sbuf_fini(&second);
}

/* A document in another format says the same there. */
static inline void check_conversion(struct arena *a, struct str text, const struct node *root, enum tree_format to)
{
	struct sbuf out = { 0 }, one = { 0 }, two = { 0 };
	struct node *again;
	struct diags d;

	diag_init(&d, a);
	/* What cannot be converted is reported at places of the first source. */
	diag_add_source(&d, STR("input"), text);
	if (root->kind == NODE_MAP && tree_convert(&d, root, to, &out)) {
		again = tree_read(a, &d, diag_add_source(&d, STR("converted"), sbuf_str(&out)), to);
		/* At the very limit of depth, formats count differently. */
		CHECK(again != NULL || d.at[0].id == DIAG_TOO_DEEP);
		if (to == TREE_YAML && again != NULL) {
			tree_to_json(&one, root, true);
			tree_to_json(&two, again, true);
			CHECK(str_eq(sbuf_str(&one), sbuf_str(&two)));
		}
	}
	sbuf_fini(&out);
	sbuf_fini(&one);
	sbuf_fini(&two);
}

static inline int check_case(const uint8_t *data, size_t size, enum tree_format format)
{
	struct str text = { size == 0 ? "" : (const char *)data, size };
	bool is_json = true;
	struct node *root;
	struct arena a;
	struct diags d;

	arena_init_unbounded(&a);
	diag_init(&d, &a);
	root = tree_read(&a, &d, diag_add_source(&d, STR("input"), text), format);
	CHECK(root != NULL || d.n_errors > 0);
	if (root != NULL && check_tree(&d, root, 0, &is_json) < 10000 && d.n_errors == 0 && is_json) {
		check_as_json(&a, root);
		check_conversion(&a, d.sources[1].text, root, TREE_YAML);
		check_conversion(&a, d.sources[1].text, root, TREE_TOML);
	}
	check_reports(&d);
	if (d.n_errors == 0)
		check_format(&a, text, format);
	arena_fini(&a);
	return 0;
}
