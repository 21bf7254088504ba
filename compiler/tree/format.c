/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tree/format.h"

#include "tree/layout.h"

#define JSON_WIDTH 100 /* columns */
#define ROUNDS_MOST 4

static bool is_same(const struct node *one, const struct node *two)
{
	struct sbuf a = { 0 }, b = { 0 };
	bool same;

	tree_to_json(&a, one, true);
	tree_to_json(&b, two, true);
	same = str_eq(sbuf_str(&a), sbuf_str(&b));
	sbuf_fini(&a);
	sbuf_fini(&b);
	return same;
}

/* Reads the text as anyone would; NULL if that goes otherwise than the first time. */
static struct node *root_of(struct arena *a, struct str text, enum tree_format f, size_t n_reports)
{
	struct node *root;
	struct diags d;

	diag_init(&d, a);
	root = tree_read(a, &d, diag_add_source(&d, STR("formatted"), text), f);
	return d.n == n_reports ? root : NULL;
}

static bool write_layout(struct arena *a, struct layout_out *o, struct str text, enum tree_format f, const struct node *root)
{
	struct layout_notes head = { 0 };
	struct layout *layout;
	size_t n_notes = 0;

	if (f == TREE_TOML)
		return layout_toml(a, o, text, &n_notes) && n_notes == o->n_notes;
	o->colon = ": ";
	o->width = f == TREE_YAML ? 0 : JSON_WIDTH;
	o->unquotes = f == TREE_YAML;
	layout = f == TREE_YAML ? layout_read_yaml(a, text, &head, &n_notes) : layout_read_json(a, text, root, &head, &n_notes);
	if (layout == NULL)
		return false;
	layout_put_notes(o, &head, 0, true);
	if (f == TREE_YAML && str_starts(text, STR("---")))
		sbuf_adds(&o->out, "---\n");
	layout_put_document(o, layout);
	return n_notes == o->n_notes;
}

/* One pass over a text that can be read: the new text is o->out. */
static bool format_once(struct arena *a, struct layout_out *o, struct str text, enum tree_format f, const struct node *root)
{
	if (!write_layout(a, o, text, f, root))
		return false;
	while (o->out.len > 1 && o->out.ptr[o->out.len - 1] == '\n' && o->out.ptr[o->out.len - 2] == '\n' && !o->is_sealed)
		o->out.len--;
	return true;
}

/* Formats until nothing changes any more, which nearly always is so the first time. False: it does not come to rest, or says something
 * else. */
static bool format_text(struct arena *a, struct str text, enum tree_format f, const struct node *root, size_t n_reports, struct sbuf *out)
{
	struct layout_out o;
	bool ok, rests = false;

	for (unsigned round = 0; round < ROUNDS_MOST && !rests; round++) {
		struct node *again = root_of(a, text, f, n_reports);

		o = (struct layout_out){ 0 };
		ok = again != NULL && is_same(root, again) && format_once(a, &o, text, f, again);
		if (!ok) {
			sbuf_fini(&o.out);
			return false;
		}
		rests = round > 0 && str_eq(text, sbuf_str(&o.out));
		text = arena_str(a, sbuf_str(&o.out));
		sbuf_fini(&o.out);
	}
	if (rests)
		sbuf_add(out, text);
	return rests;
}

bool tree_format_text(struct arena *a, struct diags *d, uint32_t source, enum tree_format f, struct sbuf *out)
{
	size_t n_errors = d->n_errors, n_before = d->n;
	struct node *root = tree_read(a, d, source, f);

	if (root == NULL || d->n_errors > n_errors)
		return false;
	if (format_text(a, d->sources[source].text, f, root, d->n - n_before, out))
		return true;
	diag_report(d, DIAG_NOT_FORMATTED, (struct span){ source, 0, 0 }, "this file cannot be formatted without changing what it says");
	return false;
}
