/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the tests of the readers share: one document at a time, read from a string. Each test file
 * has its own copy. */
#pragma once

#include <check.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/str.h"
#include "tree/tree.h"

static struct arena arena;
static struct diags diags;
static uint32_t source;

static void setup(void)
{
	arena_init_unbounded(&arena);
	diag_init(&diags, &arena);
}

static void teardown(void)
{
	arena_fini(&arena);
}

/* The text is copied without a NUL behind it, so that reading on is noticed. */
static inline struct node *read_str(struct str text, enum tree_format format)
{
	char *copy = malloc(text.len + (text.len == 0));
	struct node *root;

	if (text.len > 0)
		memcpy(copy, text.ptr, text.len);
	teardown();
	setup();
	source = diag_add_source(&diags, STR("test"), (struct str){ copy, text.len });
	root = tree_read(&arena, &diags, source, format);
	/* Nodes and sources may point into the copy: it lives as long as the arena. */
	diags.sources[source].text = arena_str(&arena, diags.sources[source].text);
	free(copy);
	return root;
}

static inline struct str bytes_of(struct span s)
{
	ck_assert_uint_eq(s.source, source);
	return str_slice(diags.sources[source].text, s.begin, s.end - s.begin);
}

/* The node at a path as node_path writes it. */
static inline struct node *find(struct node *root, const char *path)
{
	struct node *n = root;

	while (n != NULL && !str_eq(node_path(&arena, n), str_of(path))) {
		if (n->first != NULL) {
			n = n->first;
			continue;
		}
		while (n != NULL && n->next == NULL)
			n = n->parent;
		n = n == NULL ? NULL : n->next;
	}
	ck_assert_msg(n != NULL, "no node at %s", path);
	return n;
}

/* One diagnostic, of this id, over exactly these bytes. */
static inline void expect_only(enum diag_id id, const char *bytes)
{
	ck_assert_uint_eq(diags.n, 1);
	ck_assert_msg(diags.at[0].id == id, "T%s: " STR_FMT, diag_kind(diags.at[0].id)->code + 1, STR_ARG(diags.at[0].text));
	ck_assert_msg(str_eq(bytes_of(diags.at[0].at), str_of(bytes)), "at '" STR_FMT "', not '%s'",
		STR_ARG(bytes_of(diags.at[0].at)), bytes);
}

/* The document as JSON. */
static inline void expect_json(const struct node *root, const char *json)
{
	struct sbuf out = { 0 };

	ck_assert_ptr_nonnull(root);
	tree_to_json(&out, root, false);
	out.len -= out.len > 0;
	out.ptr[out.len] = '\0';
	ck_assert_str_eq(out.ptr, json);
	sbuf_fini(&out);
}

struct span_case {
	const char *path, *key, *value; /* key NULL: not in a map */
};

static inline void expect_spans(struct node *root, const struct span_case *cases, size_t n_cases)
{
	ck_assert_ptr_nonnull(root);
	for (size_t i = 0; i < n_cases; i++) {
		struct node *n = find(root, cases[i].path);
		struct str value = bytes_of(n->span);

		ck_assert_msg(str_eq(value, str_of(cases[i].value)), "%s: '" STR_FMT "'", cases[i].path, STR_ARG(value));
		if (cases[i].key != NULL)
			ck_assert(str_eq(bytes_of(n->key_span), str_of(cases[i].key)));
		else
			ck_assert_uint_eq(n->key_span.source, 0);
	}
}

struct error_case {
	const char *text;
	enum diag_id id;
	const char *bytes, *word; /* the place, and a word of the message */
};

static inline void expect_error(const struct error_case *c, enum tree_format format)
{
	read_str(str_of(c->text), format);
	ck_assert_msg(diags.n > 0, "accepted: %s", c->text);
	ck_assert_msg(diags.at[0].id == c->id, "%s: %s", c->text, diag_kind(diags.at[0].id)->code);
	ck_assert_msg(str_eq(bytes_of(diags.at[0].at), str_of(c->bytes)), "%s: at '" STR_FMT "'", c->text,
		STR_ARG(bytes_of(diags.at[0].at)));
	ck_assert_msg(str_find(diags.at[0].text, str_of(c->word)) >= 0, "%s: " STR_FMT, c->text, STR_ARG(diags.at[0].text));
}
