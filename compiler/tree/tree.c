/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tree/tree.h"

#include "base/check.h"
#include "base/map.h"
#include "base/str.h"

#define LOOKUP_LEAST 16 /* members; a walk is as fast below this */

bool tree_format_of(struct str file_name, enum tree_format *format_out)
{
	static const struct {
		struct str suffix;
		enum tree_format format;
	} suffixes[] = {
		{ STR_INIT(".yaml"), TREE_YAML },   { STR_INIT(".yml"), TREE_YAML },
		{ STR_INIT(".json"), TREE_JSON },   { STR_INIT(".jsonc"), TREE_JSONC },
		{ STR_INIT(".toml"), TREE_TOML },
	};

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		if (str_ends(file_name, suffixes[i].suffix)) {
			*format_out = suffixes[i].format;
			return true;
		}
	}
	return false;
}

const char *tree_format_name(enum tree_format f)
{
	static const char *const names[] = {
		[TREE_YAML] = "YAML",
		[TREE_JSON] = "JSON",
		[TREE_JSONC] = "JSON with comments",
		[TREE_TOML] = "TOML",
	};

	return names[f];
}

struct node *tree_read(struct arena *a, struct diags *d, uint32_t source, enum tree_format f)
{
	switch (f) {
	case TREE_YAML:
		return tree_read_yaml(a, d, source);
	case TREE_JSON:
	case TREE_JSONC:
		return tree_read_json(a, d, source, f == TREE_JSONC);
	case TREE_TOML:
		return tree_read_toml(a, d, source);
	}
	return NULL;
}

struct node *node_get(const struct node *n, struct str key)
{
	if (n == NULL || n->kind != NODE_MAP)
		return NULL;
	if (n->lookup != NULL) {
		struct node *found = map_get(n->lookup, key);

		/* A miss settles it only while no pass linked members by hand. */
		if (found != NULL || n->lookup->n == n->n_children)
			return found;
	}
	for (struct node *m = n->first; m != NULL; m = m->next) {
		if (str_eq(m->key, key))
			return m;
	}
	return NULL;
}

bool node_is_whole(const struct node *n)
{
	return (n->flags & (NODE_POISONED | NODE_PARTIAL)) == 0;
}

static void start_lookup(struct arena *a, struct node *parent)
{
	parent->lookup = ARENA_NEW(a, struct map);
	CHECK(parent->lookup != NULL);
	map_init(parent->lookup, a);
	for (struct node *m = parent->first; m != NULL; m = m->next)
		map_add(parent->lookup, m->key, m);
}

void node_append(struct arena *a, struct node *parent, struct node *child)
{
	CHECK(child->parent == NULL && child->next == NULL);
	child->parent = parent;
	child->index = parent->n_children++;
	if (parent->last == NULL)
		parent->first = child;
	else
		parent->last->next = child;
	parent->last = child;
	if (parent->kind != NODE_MAP)
		return;
	if (parent->lookup != NULL)
		map_add(parent->lookup, child->key, child);
	else if (parent->n_children > LOOKUP_LEAST)
		start_lookup(a, parent);
}

static bool is_plain_word(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = ascii_lower((unsigned char)s.ptr[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '-')
			return false;
	}
	return s.len > 0;
}

/* A key within a path, of at most so many bytes. */
static void put_key(struct sbuf *path, struct str key, size_t most)
{
	struct str shown = str_utf8_cut(key, most);

	if (is_plain_word(shown))
		sbuf_add(path, shown);
	else
		sbuf_json(path, shown);
	if (shown.len < key.len)
		sbuf_adds(path, "...");
}

/* Keys are cut to `key_most` bytes; what follows behind `most` is left out. */
static struct str path_within(struct arena *a, const struct node *n, size_t key_most, size_t most)
{
	const struct node *steps[TREE_MAX_DEPTH * 2];
	size_t n_steps = 0;
	struct sbuf path = { 0 };
	struct str copy;

	/* Aliases and included files may nest deeper than one document; the path then begins with
	 * its inner part. */
	for (; n != NULL && n->parent != NULL && n_steps < ARRAY_LEN(steps); n = n->parent)
		steps[n_steps++] = n;
	while (n_steps > 0 && path.len <= most) {
		const struct node *s = steps[--n_steps];

		if (s->parent->kind == NODE_SEQ) {
			sbuf_printf(&path, "[%u]", s->index);
			continue;
		}
		if (path.len > 0)
			sbuf_addc(&path, '.');
		put_key(&path, s->key, key_most);
	}
	if (n_steps > 0)
		sbuf_adds(&path, "...");
	copy = arena_str(a, sbuf_str(&path));
	sbuf_fini(&path);
	return copy;
}

struct str node_path(struct arena *a, const struct node *n)
{
	return path_within(a, n, SIZE_MAX, SIZE_MAX);
}

#define SHOWN_KEY 200   /* bytes */
#define SHOWN_PATH 600

struct str node_place(struct arena *a, const struct node *n)
{
	return path_within(a, n, SHOWN_KEY, SHOWN_PATH);
}

void node_where(struct diags *d, const struct node *n)
{
	if (d->n_dropped == 0)
		diag_where(d, node_place(d->arena, n));
}

const char *node_kind_name(enum node_kind k)
{
	static const char *const names[] = {
		[NODE_NULL] = "null",
		[NODE_BOOL] = "a boolean",
		[NODE_INT] = "an integer",
		[NODE_FLOAT] = "a number",
		[NODE_STRING] = "a string",
		[NODE_DATETIME] = "a date or time",
		[NODE_SEQ] = "a list",
		[NODE_MAP] = "a map",
	};

	return names[k];
}

void node_report(struct diags *d, const struct node *n, enum diag_id id, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	diag_vreport(d, id, n->span, format, args);
	va_end(args);
	node_where(d, n);
}

void node_key_report(
	struct diags *d, const struct node *n, enum diag_id id, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	diag_vreport(d, id, n->key_span.source != 0 ? n->key_span : n->span, format, args);
	va_end(args);
	node_where(d, n);
}
