/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/check.h"
#include "base/str.h"
#include "plan/build.h"

/* "/a/{b}" as "/a/{}": what the language depends on. "{" cannot stand in a normalised literal. */
static void add_key(struct sbuf *key, const struct m_path *form)
{
	for (size_t i = 0; i < form->n_segments; i++) {
		sbuf_addc(key, '/');
		if (form->segments[i].is_param)
			sbuf_adds(key, "{}");
		else
			sbuf_add(key, form->segments[i].text);
	}
}

static struct re *one_segment(struct arena *a)
{
	return re_repeat(a, re_not_bytes(a, STR("/")), 1, -1);
}

/* The concatenation of all segments, each behind its slash; runs of literals become one literal. */
static struct re *segments(struct arena *a, const struct m_path *form)
{
	struct re *all = re_empty(a);
	struct sbuf literal = { 0 };

	for (size_t i = 0; i < form->n_segments; i++) {
		const struct m_segment *s = &form->segments[i];

		sbuf_addc(&literal, '/');
		if (!s->is_param) {
			sbuf_add(&literal, s->text);
			continue;
		}
		all = re_cat(a, all, re_literal(a, arena_str(a, sbuf_str(&literal)), false));
		all = re_cat(a, all, one_segment(a));
		sbuf_clear(&literal);
	}
	if (literal.len > 0)
		all = re_cat(a, all, re_literal(a, arena_str(a, sbuf_str(&literal)), false));
	sbuf_fini(&literal);
	return all;
}

/* "/a" takes /a and what is below /a/; "/a/" only what begins with it; "/" everything. */
static struct re *prefix(struct arena *a, const struct m_path *form)
{
	const struct m_segment *last =
		form->n_segments == 0 ? NULL : &form->segments[form->n_segments - 1];
	struct re *below;

	if (last == NULL)
		return re_any_string(a);
	if (!last->is_param && last->text.len == 0)
		return re_cat(a, segments(a, form), re_any_string(a));
	below = re_cat(a, re_literal(a, STR("/"), false), re_any_string(a));
	return re_cat(a, segments(a, form), re_repeat(a, below, 0, 1));
}

static struct re *language(struct builder *b, const struct m_path *form)
{
	struct arena *a = b->arena;
	struct re_error error;
	struct re *re;

	if (form == NULL)
		return re_any_string(a);
	switch (form->kind) {
	case M_PATH_ANY:
		return re_any_string(a);
	case M_PATH_PREFIX:
		return prefix(a, form);
	case M_PATH_EXACT:
	case M_PATH_TEMPLATE:
		return segments(a, form);
	case M_PATH_REGEX:
		break;
	}
	re = re_parse(a, form->text.value, &error);
	if (re != NULL)
		return re;
	plan_build_unresolved(b);
	return re_any_string(a);
}

static void write_key(struct sbuf *key, const struct m_path *form)
{
	if (form == NULL || form->kind == M_PATH_ANY ||
		(form->kind == M_PATH_PREFIX && form->n_segments == 0)) {
		sbuf_adds(key, "prefix /");
	} else if (form->kind == M_PATH_REGEX) {
		sbuf_adds(key, "regex ");
		sbuf_add(key, form->text.value);
	} else {
		/* An exact path is a template without parameters. */
		sbuf_adds(key, form->kind == M_PATH_PREFIX ? "prefix " : "whole ");
		add_key(key, form);
	}
}

uint32_t plan_build_path(struct builder *b, const struct m_path *form)
{
	struct sbuf text = { 0 };
	uint32_t id;

	write_key(&text, form);
	id = index_get(&b->path_ids, sbuf_str(&text));
	if (id == PLAN_NONE) {
		struct str key = arena_str(b->arena, sbuf_str(&text));

		id = (uint32_t)b->paths.n;
		vec_push(b->arena, &b->paths,
			(struct plan_path){
				.key = key,
				.re = language(b, form),
				.is_regex = form != NULL && form->kind == M_PATH_REGEX,
				.at = form == NULL ? SPAN_NONE : form->text.at,
			});
		CHECK(map_add(&b->path_ids, key, index_value(id)));
	}
	sbuf_fini(&text);
	return id;
}
