/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/check.h"
#include "emit/emitter.h"

bool emit_has_admin_setup(const struct emitter *e)
{
	const struct m_admin *a = &e->plan->model->admin;

	return a->is_open && a->token.kind != M_SECRET_NONE;
}

void emit_admin(struct emitter *e)
{
	const struct m_admin *a = &e->plan->model->admin;
	struct cwriter *c = &e->c;

	if (!a->is_open)
		return;
	CHECK(map_add(&e->taken, STR("admin"), e));
	emit_comment(e, c, a->node, STR("admin"));
	if (emit_has_admin_setup(e))
		cwriter_line(c, "static struct admin_token *admin_token;");
	cwriter_open(c, "static const struct toron_admin admin = {");
	emit_cstr(e, "origin", emit_origin(e, a->token.kind != M_SECRET_NONE ? a->token.at : a->metrics_path.at));
	emit_secret(e, "token", &a->token);
	if (emit_has_admin_setup(e))
		cwriter_line(c, ".slot = &admin_token,");
	cwriter_close(c, "};");
	cwriter_blank(c);
}

void emit_admin_route(struct emitter *e)
{
	struct cwriter *c = &e->c;

	if (!e->plan->model->admin.is_open)
		return;
	cwriter_comment(c, "%u: what the gateway serves itself", (unsigned)e->plan->n_entries);
	cwriter_open(c, "{");
	emit_cstr(e, "name", "\"admin:metrics\"");
	emit_cstr(e, "origin", emit_origin(e, e->plan->model->admin.metrics_path.at));
	cwriter_line(c, ".methods = TORON_GET | TORON_HEAD,");
	cwriter_line(c, ".action = toron_action_metrics,");
	cwriter_line(c, ".conf = &admin,");
	emit_u64(e, "number", e->plan->n_routes);
	cwriter_close(c, "},");
}

void emit_admin_router(struct emitter *e)
{
	const struct m_admin *a = &e->plan->model->admin;
	unsigned rank = (unsigned)e->plan->n_entries;
	struct cwriter *c = &e->c;

	if (!a->is_open)
		return;
	cwriter_line(c, "static uint32_t admin_match(const char *ptr, size_t len)");
	cwriter_open(c, "{");
	cwriter_line(c, "return len == %zu && __builtin_memcmp(ptr, %s, len) == 0;", a->metrics_path.value.len,
		cwriter_quote(e->arena, a->metrics_path.value));
	cwriter_close(c, "}");
	cwriter_open(c, "static const struct toron_candidate admin_candidates[] = {");
	cwriter_line(c, "{ .route = TORON_NO_ROUTE },");
	cwriter_line(c, "{ .route = %u, .methods = TORON_GET | TORON_HEAD },", rank);
	cwriter_line(c, "{ .route = TORON_NO_ROUTE },");
	cwriter_close(c, "};");
	cwriter_open(c, "static const struct toron_router admin_router = {");
	cwriter_line(c, ".host_lists = (const uint16_t *const[]){ (const uint16_t[]){ 0, 0xffff } },");
	cwriter_open(c, ".groups = &(const struct toron_group){");
	cwriter_line(c, ".origin = \"any host\",");
	cwriter_line(c, ".match = admin_match,");
	cwriter_line(c, ".lists = (const uint32_t[]){ 0, 1 },");
	cwriter_line(c, ".candidates = admin_candidates,");
	cwriter_line(c, ".best = %u,", rank);
	cwriter_close(c, "},");
	cwriter_close(c, "};");
	cwriter_blank(c);
}
