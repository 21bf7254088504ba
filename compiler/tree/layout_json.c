/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The layout of a JSON text, with its comments, from the tree that was read of it. */
#include "base/check.h"
#include "tree/layout.h"

struct json_layout {
	struct arena *arena;
	struct str text;
	size_t at;                 /* all in front of it is taken */
	struct layout *last;       /* ends at `at`, or opens there; NULL: a key does */
	bool is_open;              /* it opens */
	struct layout_notes notes;
	bool is_blank;
	size_t n_notes;
};

static size_t comment_end(struct str text, size_t at)
{
	struct str rest = str_slice(text, at, text.len);

	if (str_starts(rest, STR("//")))
		return at + str_find_char(rest, '\n');
	return at + (size_t)str_find(rest, STR("*/")) + 2;
}

static void take_comment(struct json_layout *j, size_t begin, size_t end, bool is_beside, bool was_blank)
{
	struct str text = str_slice(j->text, begin, end - begin);

	while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t' || text.ptr[text.len - 1] == '\r'))
		text.len--;
	j->n_notes++;
	/* Behind something that has one already, and behind a key, it goes to the line of what follows. */
	if (is_beside && j->last != NULL && (j->is_open ? j->last->opening : j->last->trailing).len == 0) {
		struct str *note = j->is_open ? &j->last->opening : &j->last->trailing;

		*note = layout_trailing(j->arena, j->text, j->at, begin, begin + text.len);
		return;
	}
	vec_push(j->arena, &j->notes, (struct layout_note){ .text = text, .is_after_blank = was_blank });
}

static void take_gap(struct json_layout *j, size_t to)
{
	bool is_first_line = j->at > 0, is_empty = !is_first_line, was_blank = false;
	size_t at = j->at;

	while (at < to) {
		char c = j->text.ptr[at];

		if (c == '/') {
			size_t end = comment_end(j->text, at);

			take_comment(j, at, end, is_first_line, was_blank);
			was_blank = is_empty = false;
			at = end;
			continue;
		}
		if (c == '\n') {
			was_blank = was_blank || is_empty;
			is_empty = true;
			is_first_line = false;
		} else if (c != ' ' && c != '\t' && c != '\r') {
			is_empty = false;
		}
		at++;
	}
	j->is_blank = was_blank;
	j->at = to > j->at ? to : j->at;
}

static void dress(struct json_layout *j, struct layout *n)
{
	n->leads = j->notes;
	n->is_after_blank = j->is_blank;
	j->notes = (struct layout_notes){ 0 };
	j->is_blank = false;
}

static struct layout *build(struct json_layout *j, const struct node *n);

static struct layout *build_key(struct json_layout *j, const struct node *n)
{
	struct layout *key = layout_new(j->arena, LAYOUT_SCALAR);

	take_gap(j, n->key_span.begin);
	dress(j, key);
	key->text = str_slice(j->text, n->key_span.begin, n->key_span.end - n->key_span.begin);
	j->at = n->key_span.end;
	j->last = NULL;
	return key;
}

static void build_children(struct json_layout *j, const struct node *n, struct layout *into)
{
	j->at = n->span.begin + 1;
	j->last = into;
	j->is_open = true;
	for (const struct node *m = n->first; m != NULL; m = m->next) {
		struct layout *key = n->kind == NODE_MAP ? build_key(j, m) : NULL, *child = build(j, m);

		child->key = key;
		into->is_broken = into->is_broken || child->leads.n > 0 || (key != NULL && key->leads.n > 0) || child->trailing.len > 0;
		layout_append(into, child);
	}
	take_gap(j, n->span.end - 1);
	into->foots = j->notes;
	j->notes = (struct layout_notes){ 0 };
	into->is_broken = into->is_broken || into->foots.n > 0 || into->opening.len > 0 ||
			  (into->last != NULL && into->last->trailing.len > 0) ||
			  str_find_char(str_slice(j->text, n->span.begin, n->span.end - n->span.begin), '\n') < n->span.end - n->span.begin;
	/* Of a comment behind an item that is not the last, its item knows only now. */
	for (const struct layout *m = into->first; m != NULL; m = m->next)
		into->is_broken = into->is_broken || m->trailing.len > 0;
}

static struct layout *build(struct json_layout *j, const struct node *n)
{
	enum layout_kind kind = n->kind == NODE_MAP ? LAYOUT_MAP : n->kind == NODE_SEQ ? LAYOUT_SEQ : LAYOUT_SCALAR;
	struct layout *out = layout_new(j->arena, kind);

	take_gap(j, n->span.begin);
	dress(j, out);
	if (kind == LAYOUT_SCALAR) {
		out->text = str_slice(j->text, n->span.begin, n->span.end - n->span.begin);
	} else {
		out->is_flow = true;
		build_children(j, n, out);
	}
	j->at = n->span.end;
	j->last = out;
	j->is_open = false;
	return out;
}

struct layout *layout_read_json(struct arena *a, struct str text, const struct node *root, struct layout_notes *head_out,
	size_t *n_notes_out)
{
	struct json_layout j = { .arena = a, .text = text };
	struct layout *out = build(&j, root);

	*head_out = out->leads;
	out->leads = (struct layout_notes){ 0 };
	out->is_broken = out->first != NULL || out->foots.n > 0;
	take_gap(&j, text.len);
	out->tails = j.notes;
	*n_notes_out = j.n_notes;
	return out;
}
