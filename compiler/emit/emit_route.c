/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/check.h"
#include "emit/emitter.h"

/* ---- what actions are told ---- */

static void emit_split(struct emitter *e, const struct plan_action *a, const char *id)
{
	struct cwriter *c = &e->c;
	uint64_t sum = 0;

	cwriter_open(c, "static const struct toron_split %s = {", id);
	cwriter_open(c, ".at = (const struct toron_split_leg[]){");
	for (uint32_t i = 0; i < a->n_legs; i++) {
		sum += a->legs[i].weight;
		cwriter_line(c, "{ &%s, %llu },", e->backends[a->legs[i].backend],
			(unsigned long long)sum);
	}
	cwriter_close(c, "},");
	cwriter_line(c, ".n = %u,", a->n_legs);
	cwriter_line(c, ".total = %llu,", (unsigned long long)sum);
	cwriter_close(c, "};");
	cwriter_blank(c);
}

static void emit_answer(struct emitter *e, const struct plan_action *a, const char *id)
{
	struct cwriter *c = &e->c;

	cwriter_open(c, "static const struct toron_answer %s = {", id);
	cwriter_line(c, ".status = %u,", a->status);
	if (a->n_headers > 0) {
		cwriter_open(c, ".headers = (const struct toron_line[]){");
		for (uint32_t i = 0; i < a->n_headers; i++) {
			cwriter_open(c, "{");
			emit_str(e, "name", a->headers[i].name);
			emit_template(e, "value", &a->headers[i].value);
			cwriter_close(c, "},");
		}
		cwriter_close(c, "},");
		cwriter_line(c, ".n_headers = %u,", a->n_headers);
	}
	emit_template(e, "body", &a->text);
	cwriter_close(c, "};");
	cwriter_blank(c);
}

static void emit_to_https(struct emitter *e, const struct plan_action *a, const char *id)
{
	cwriter_open(&e->c, "static const struct toron_https %s = {", id);
	emit_u64(e, "status", a->status);
	emit_u64(e, "port", a->https_port);
	cwriter_close(&e->c, "};");
	cwriter_blank(&e->c);
}

/* The identifier of the action's conf, which is written here unless it is there already. */
static const char *emit_conf(struct emitter *e, const struct plan_route *r)
{
	const struct plan_action *a = &r->action;
	const char *id = NULL;

	switch (a->kind) {
	case PLAN_ACTION_BACKEND:
		return e->backends[a->backend];
	case PLAN_ACTION_SPLIT:
		emit_comment(e, &e->c, r->model->node, r->name);
		id = cwriter_ident(&e->taken, "split_", r->name);
		emit_split(e, a, id);
		return id;
	case PLAN_ACTION_RESPOND:
	case PLAN_ACTION_REDIRECT:
		emit_comment(e, &e->c, r->model->node, r->name);
		id = cwriter_ident(&e->taken, "answer_", r->name);
		if (a->https_port != 0)
			emit_to_https(e, a, id);
		else
			emit_answer(e, a, id);
		return id;
	case PLAN_ACTION_FILES:
		return e->sites[r - e->plan->routes];
	case PLAN_ACTION_ECHO:
		break;
	}
	return NULL;
}

static const char *action_function(const struct plan_action *a)
{
	static const char *const names[] = {
		[PLAN_ACTION_BACKEND] = "toron_action_backend",
		[PLAN_ACTION_SPLIT] = "toron_action_split",
		[PLAN_ACTION_RESPOND] = "toron_action_respond",
		[PLAN_ACTION_REDIRECT] = "toron_action_redirect",
		[PLAN_ACTION_ECHO] = "toron_action_echo",
		[PLAN_ACTION_FILES] = "toron_action_files",
	};

	return a->https_port != 0 ? "toron_action_redirect_https" : names[a->kind];
}

/* ---- the routes themselves ---- */

const char *emit_methods(struct emitter *e, uint32_t methods)
{
	static const char *const names[] = {
		"TORON_GET",
		"TORON_HEAD",
		"TORON_POST",
		"TORON_PUT",
		"TORON_DELETE",
		"TORON_CONNECT",
		"TORON_OPTIONS",
		"TORON_TRACE",
		"TORON_PATCH",
	};
	struct sbuf out = { 0 };
	const char *text;

	for (uint32_t i = 0; i < ARRAY_LEN(names); i++)
		if ((methods & 1u << i) != 0)
			sbuf_printf(&out, "%s%s", out.len == 0 ? "" : " | ", names[i]);
	for (uint32_t i = 0; i < PLAN_MAX_EXTRA_METHODS; i++)
		if ((methods & (uint32_t)TORON_METHOD_EXTRA << i) != 0)
			sbuf_printf(
				&out, "%sTORON_METHOD_EXTRA << %u", out.len == 0 ? "" : " | ", i);
	text = arena_cstr(e->arena, sbuf_str(&out));
	sbuf_fini(&out);
	return text;
}

static const char *hosts_text(struct emitter *e, const struct plan_hosts *h)
{
	const char *star = h->kind == PLAN_HOST_WILDCARD ? "*" : "";

	if (h->kind == PLAN_HOST_ANY)
		return "any host";
	if (h->n == 1)
		return arena_printf(e->arena, "%s" STR_FMT, star, STR_ARG(h->at[0])).ptr;
	return arena_printf(
		e->arena, "%s" STR_FMT " and %u more", star, STR_ARG(h->at[0]), h->n - 1)
		.ptr;
}

static void emit_step(struct emitter *e, const struct toron_step *s)
{
	static const char *const kinds[] = { "TORON_STEP_END", "TORON_STEP_BYTE", "TORON_STEP_SET",
		"TORON_STEP_FORK", "TORON_STEP_MARK" };

	cwriter_line(&e->c, "{ %s, %u, %u, %u },", kinds[s->kind], s->value, s->next, s->other);
}

static void emit_set(struct emitter *e, const uint8_t set[16])
{
	struct sbuf out = { 0 };

	for (int i = 0; i < 16; i++)
		sbuf_printf(&out, "%s0x%02x", i == 0 ? "" : ", ", set[i]);
	cwriter_line(&e->c, "{ " STR_FMT " },", STR_ARG(sbuf_str(&out)));
	sbuf_fini(&out);
}

static void emit_capture(struct emitter *e, const struct plan_rewrite *r)
{
	const struct toron_capture *p = r->capture;
	struct cwriter *c = &e->c;

	cwriter_comment(c, STR_FMT, STR_ARG(r->regex_text));
	cwriter_open(c, ".regex = &(const struct toron_capture){");
	cwriter_open(c, ".steps = (const struct toron_step[]){");
	for (uint32_t i = 0; i < p->n_steps; i++)
		emit_step(e, &p->steps[i]);
	cwriter_close(c, "},");
	if (p->n_sets > 0)
		cwriter_open(c, ".sets = (const uint8_t[][16]){");
	for (uint32_t i = 0; i < p->n_sets; i++)
		emit_set(e, p->sets[i]);
	if (p->n_sets > 0)
		cwriter_close(c, "},");
	cwriter_line(c, ".n_steps = %u, .n_sets = %u, .start = %u, .n_groups = %u,", p->n_steps,
		p->n_sets, p->start, p->n_groups);
	cwriter_close(c, "},");
	emit_template(e, "to", &r->to);
}

static void emit_rewrite(struct emitter *e, const struct plan_rewrite *r)
{
	cwriter_open(&e->c, ".rewrite = &(const struct toron_rewrite){");
	emit_str(e, "strip_prefix", r->strip_prefix);
	emit_str(e, "prefix", r->prefix);
	emit_template(e, "path", &r->path);
	emit_template(e, "host", &r->host);
	if (r->regex != NULL)
		emit_capture(e, r);
	cwriter_close(&e->c, "},");
}

static void emit_entry(struct emitter *e, uint32_t rank)
{
	const struct plan_entry *entry = &e->plan->entries[rank];
	const struct plan_route *r = &e->plan->routes[entry->route];
	const char *conf = e->confs[entry->route];
	struct cwriter *c = &e->c;

	cwriter_comment(c, "%u: %s, " STR_FMT, rank, hosts_text(e, &entry->hosts),
		STR_ARG(e->plan->paths[entry->path].key));
	cwriter_open(c, "{");
	emit_cstr(e, "name", cwriter_quote(e->arena, r->name));
	emit_cstr(e, "origin", emit_origin(e, r->at));
	if (r->methods != 0)
		cwriter_line(c, ".methods = %s,", emit_methods(e, r->methods));
	if (r->chain != PLAN_NONE)
		cwriter_line(c, ".chain = &%s,", e->chains[r->chain]);
	cwriter_line(c, ".action = %s,", action_function(&r->action));
	if (r->action.kind == PLAN_ACTION_FILES)
		cwriter_line(c, ".conf = &(const struct toron_files_route){ &%s, %u },", conf,
			entry->strip);
	else if (conf != NULL)
		cwriter_line(c, ".conf = &%s,", conf);
	if (e->plan->model->admin.metrics_path.value.ptr != NULL)
		emit_u64(e, "number", entry->route);
	emit_u64(e, "n_params", r->n_params);
	emit_u64(e, "total_ms", r->total_ms);
	emit_u64(e, "first_byte_ms", r->first_byte_ms);
	emit_u64(e, "body_bytes", r->model->body_bytes.value);
	if (r->rewrite != NULL)
		emit_rewrite(e, r->rewrite);
	emit_route_errors(e, &r->model->errors);
	emit_retry(e, &r->model->retry);
	emit_websocket(e, &r->model->websocket);
	cwriter_close(c, "},");
}

void emit_routes(struct emitter *e)
{
	const struct plan *p = e->plan;
	struct cwriter *c = &e->c;

	e->confs = ARENA_ARRAY(e->arena, const char *, p->n_routes);
	for (uint32_t i = 0; i < p->n_routes; i++)
		e->confs[i] = emit_conf(e, &p->routes[i]);
	if (p->n_entries == 0 && !p->model->admin.is_open)
		return;
	cwriter_comment(c, "In the order in which they win: a route's index is its rank.");
	cwriter_open(c, "static const struct toron_route routes[] = {");
	for (uint32_t i = 0; i < p->n_entries; i++)
		emit_entry(e, i);
	emit_admin_route(e);
	cwriter_close(c, "};");
	cwriter_blank(c);
	if (p->n_extra_methods == 0)
		return;
	cwriter_open(c, "static const struct str extra_methods[] = {");
	for (uint32_t i = 0; i < p->n_extra_methods; i++)
		cwriter_line(c, "STR_INIT(%s),", cwriter_quote(e->arena, p->extra_methods[i]));
	cwriter_close(c, "};");
	cwriter_blank(c);
}
