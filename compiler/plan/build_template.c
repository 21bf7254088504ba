/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/str.h"
#include "plan/build.h"

static const enum toron_part_kind part_kinds[] = {
	[M_PART_LITERAL] = TORON_PART_LITERAL,
	[M_PART_REQUEST_PATH] = TORON_PART_PATH,
	[M_PART_REQUEST_QUERY] = TORON_PART_QUERY,
	[M_PART_REQUEST_HOST] = TORON_PART_HOST,
	[M_PART_REQUEST_METHOD] = TORON_PART_METHOD,
	[M_PART_REQUEST_SCHEME] = TORON_PART_SCHEME,
	[M_PART_REQUEST_ID] = TORON_PART_REQUEST_ID,
	[M_PART_REQUEST_HEADER] = TORON_PART_HEADER,
	[M_PART_SOURCE_IP] = TORON_PART_SOURCE_IP,
	[M_PART_PATH] = TORON_PART_PARAM,
	[M_PART_CLAIM] = TORON_PART_CLAIM,
	[M_PART_TLS] = TORON_PART_TLS,
	[M_PART_CAPTURE] = TORON_PART_CAPTURE,
	[M_PART_LOG] = TORON_PART_LOG,
	[M_PART_RESPONSE_HEADER] = TORON_PART_RESPONSE_HEADER,
};

static uint32_t param_index(const struct plan_route *r, struct str name)
{
	for (uint32_t i = 0; i < r->n_params; i++)
		if (str_eq(r->params[i], name))
			return i;
	return PLAN_NONE;
}

static bool form_has(const struct m_path *form, struct str name)
{
	for (size_t i = 0; i < form->n_segments; i++)
		if (form->segments[i].is_param && str_eq(form->segments[i].text, name))
			return true;
	return false;
}

/* A parameter that only some of the paths have would be empty in requests that came by the
 * others. */
static void check_forms(struct builder *b, const struct plan_route *r, const struct m_part *part)
{
	const struct m_match *m = &r->model->match;

	for (size_t i = 0; i < m->n_paths; i++) {
		if (form_has(&m->paths[i], part->arg))
			continue;
		diag_report(b->diags, DIAG_REFERENCE_NOT_THERE, part->at,
			"path '" STR_FMT "' of route '" STR_FMT "' has no parameter '" STR_FMT "'",
			STR_ARG(m->paths[i].text.value), STR_ARG(r->name), STR_ARG(part->arg));
		diag_note(b->diags, m->paths[i].text.at, "the path is here");
		return;
	}
}

static struct plan_part build_part(
	struct builder *b, const struct plan_route *r, const struct m_part *part)
{
	struct plan_part out = { .kind = part_kinds[part->kind], .text = part->arg };

	if (part->kind == M_PART_TLS)
		out.index = part->field;
	if (part->kind == M_PART_LOG || part->kind == M_PART_CAPTURE)
		out = (struct plan_part){ .kind = part_kinds[part->kind], .index = part->field };
	if (part->kind != M_PART_PATH)
		return out;
	out.text = STR_NONE;
	out.index = param_index(r, part->arg);
	if (out.index == PLAN_NONE) {
		out.index = 0;
		diag_report(b->diags, DIAG_REFERENCE_NOT_THERE, part->at,
			"route '" STR_FMT "' has no path parameter '" STR_FMT "'", STR_ARG(r->name),
			STR_ARG(part->arg));
		diag_note(b->diags, r->at, "the route is here");
		return out;
	}
	check_forms(b, r, part);
	return out;
}

struct plan_template plan_build_template(
	struct builder *b, const struct plan_route *r, const struct m_template *t)
{
	struct plan_template out = { .parts = ARENA_ARRAY(b->arena, struct plan_part, t->n) };

	for (size_t i = 0; i < t->n; i++)
		if (t->parts[i].kind != M_PART_LITERAL || t->parts[i].arg.len > 0)
			out.parts[out.n++] = build_part(b, r, &t->parts[i]);
	return out;
}

void plan_build_template_key(
	const struct plan_route *r, const struct m_template *t, struct sbuf *key)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->parts[i].kind == M_PART_PATH)
			sbuf_printf(key, " %u", param_index(r, t->parts[i].arg));
}
