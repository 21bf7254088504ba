/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "emit/emitter.h"

/* ---- configs ---- */

static void emit_edits(struct emitter *e, const char *field, const struct plan_edit *at, uint32_t n)
{
	static const char *const ops[] = {
		[M_HEADER_SET] = "TORON_HEADER_SET",
		[M_HEADER_ADD] = "TORON_HEADER_ADD",
		[M_HEADER_REMOVE] = "TORON_HEADER_REMOVE",
	};

	if (n == 0)
		return;
	cwriter_open(&e->c, ".%s = (const struct toron_header_edit[]){", field);
	for (uint32_t i = 0; i < n; i++) {
		cwriter_open(&e->c, "{");
		cwriter_line(&e->c, ".op = %s,", ops[at[i].op]);
		emit_str(e, "name", at[i].name);
		emit_template(e, "value", &at[i].value);
		cwriter_close(&e->c, "},");
	}
	cwriter_close(&e->c, "},");
	cwriter_line(&e->c, ".n_%s = %u,", field, n);
}

static void emit_headers(struct emitter *e, const struct plan_mw *mw, const char *id)
{
	cwriter_open(&e->c, "static const struct toron_headers %s = {", id);
	emit_edits(e, "request", mw->request, mw->n_request);
	emit_edits(e, "response", mw->response, mw->n_response);
	cwriter_close(&e->c, "};");
}

static struct span mw_span(const struct plan_mw *mw)
{
	const struct node *node = mw->model->node;

	return node != NULL && (node->flags & NODE_DEFAULTED) == 0 ? node->span
								   : mw->model->name.at;
}

/* The places of a middleware and its name: what its messages begin with. */
static void emit_mw_names(struct emitter *e, const struct plan_mw *mw)
{
	emit_cstr(e, "name", cwriter_quote(e->arena, mw->name));
	emit_cstr(e, "origin", emit_origin(e, mw_span(mw)));
}

static void emit_rate_limit(struct emitter *e, const struct plan_mw *mw, const char *id)
{
	static const char *const keys[] = {
		[M_KEY_SOURCE] = "TORON_KEY_SOURCE",
		[M_KEY_HEADER] = "TORON_KEY_HEADER",
		[M_KEY_CLAIM] = "TORON_KEY_CLAIM",
		[M_KEY_ROUTE] = "TORON_KEY_ROUTE",
	};
	const struct m_middleware *m = mw->model;

	cwriter_line(&e->c, "static struct rate_store *%s_store;", id);
	cwriter_open(&e->c, "static const struct toron_rate_limit %s = {", id);
	emit_mw_names(e, mw);
	emit_u64(e, "n", m->rate_limit.rate.n);
	emit_u64(e, "period_ms", m->rate_limit.rate.period_ms);
	emit_u64(e, "burst", m->rate_limit.burst.value);
	cwriter_line(&e->c, ".key = %s,", keys[m->rate_limit.key]);
	emit_str(e, "key_arg", m->rate_limit.key_arg.value);
	emit_u64(e, "max_keys", m->rate_limit.max_keys.value);
	cwriter_line(&e->c, ".store = &%s_store,", id);
	cwriter_close(&e->c, "};");
}

static void emit_strs(struct emitter *e, const char *field, const struct m_strs *list)
{
	if (list->n == 0)
		return;
	cwriter_open(&e->c, ".%s = (const struct str[]){", field);
	for (size_t i = 0; i < list->n; i++)
		cwriter_line(&e->c, "STR_INIT(%s),", cwriter_quote(e->arena, list->at[i].value));
	cwriter_close(&e->c, "},");
	cwriter_line(&e->c, ".n_%s = %zu,", field, list->n);
}

static void emit_jwt(struct emitter *e, const struct plan_mw *mw, const char *id)
{
	const struct m_middleware *m = mw->model;

	cwriter_line(&e->c, "static struct jwt_keys *%s_keys;", id);
	cwriter_open(&e->c, "static const struct toron_jwt %s = {", id);
	emit_mw_names(e, mw);
	emit_secret(e, "secret", &m->jwt.secret);
	emit_secret(e, "jwks", &m->jwt.jwks);
	if (m->jwt.from_environment)
		cwriter_line(&e->c, ".from_environment = true,");
	emit_strs(e, "algorithms", &m->jwt.algorithms);
	emit_str(e, "issuer", m->jwt.issuer.value);
	emit_strs(e, "audience", &m->jwt.audience);
	emit_u64(e, "leeway_s", m->jwt.leeway.value / 1000);
	if (m->jwt.require_exp.value)
		cwriter_line(&e->c, ".require_exp = true,");
	emit_str(e, "header", m->jwt.header.value);
	cwriter_line(&e->c, ".keys = &%s_keys,", id);
	cwriter_close(&e->c, "};");
}

static void emit_request_id(struct emitter *e, const struct plan_mw *mw, const char *id)
{
	cwriter_open(&e->c, "static const struct toron_request_id_conf %s = {", id);
	emit_str(e, "header", mw->model->request_id.header.value);
	if (mw->model->request_id.trust_incoming.value)
		cwriter_line(&e->c, ".trust_incoming = true,");
	cwriter_close(&e->c, "};");
}

static void emit_grpc_web(struct emitter *e, const struct plan_mw *mw, const char *id)
{
	cwriter_open(&e->c, "static const struct toron_grpc_web %s = {", id);
	emit_mw_names(e, mw);
	cwriter_close(&e->c, "};");
}

static void emit_mw(struct emitter *e, const struct plan_mw *mw, const char *id)
{
	emit_comment(e, &e->c, mw->model->node, mw->name);
	switch (mw->model->kind) {
	case M_MW_HEADERS:
		emit_headers(e, mw, id);
		break;
	case M_MW_RATE_LIMIT:
		emit_rate_limit(e, mw, id);
		break;
	case M_MW_JWT:
		emit_jwt(e, mw, id);
		break;
	case M_MW_REQUEST_ID:
		emit_request_id(e, mw, id);
		break;
	case M_MW_GRPC_WEB:
		emit_grpc_web(e, mw, id);
		break;
	}
	cwriter_blank(&e->c);
}

static const char *setup_function(const struct plan_mw *mw)
{
	return mw->model->kind == M_MW_JWT ? "toron_jwt_start" : "toron_rate_limit_start";
}

void emit_mws(struct emitter *e)
{
	const struct plan *p = e->plan;
	bool any = false;

	e->mws = ARENA_ARRAY(e->arena, const char *, p->n_mws);
	for (uint32_t i = 0; i < p->n_mws; i++) {
		e->mws[i] = cwriter_ident(&e->taken, "mw_", p->mws[i].name);
		emit_mw(e, &p->mws[i], e->mws[i]);
		any |= p->mws[i].has_setup;
	}
	for (uint32_t i = 0; i < p->n_routes; i++)
		any |= plan_needs_root(&p->routes[i]);
	any |= emit_has_admin_setup(e);
	if (!any)
		return;
	cwriter_open(&e->c, "static const struct toron_setup setups[] = {");
	for (uint32_t i = 0; i < p->n_mws; i++)
		if (p->mws[i].has_setup)
			cwriter_line(&e->c, "{ %s, &%s },", setup_function(&p->mws[i]), e->mws[i]);
	for (uint32_t i = 0; i < p->n_routes; i++)
		if (plan_needs_root(&p->routes[i]))
			cwriter_line(&e->c, "{ toron_files_start, &%s },", e->sites[i]);
	if (emit_has_admin_setup(e))
		cwriter_line(&e->c, "{ toron_admin_start, &admin },");
	cwriter_close(&e->c, "};");
	cwriter_blank(&e->c);
}

/* ---- chains ---- */

static const char *request_function(const struct plan_mw *mw)
{
	switch (mw->model->kind) {
	case M_MW_HEADERS:
		return mw->n_request > 0 ? "toron_headers_request" : NULL;
	case M_MW_RATE_LIMIT:
		return "toron_rate_limit_request";
	case M_MW_JWT:
		return "toron_jwt_request";
	case M_MW_GRPC_WEB:
		return "toron_grpc_web_request";
	case M_MW_REQUEST_ID:
		break;
	}
	return "toron_request_id_request";
}

static void emit_request_step(struct emitter *e, const struct plan_chain *chain, uint32_t i)
{
	const char *function = request_function(&e->plan->mws[chain->mws[i]]);
	struct cwriter *c = &e->c;

	cwriter_open(c, "case %u:", i);
	cwriter_line(c, "toron_chain_at(x, %u);", i);
	if (function != NULL) {
		cwriter_line(c, "v = %s(x, &%s);", function, e->mws[chain->mws[i]]);
		cwriter_line(c, "if (v != TORON_NEXT)");
		cwriter_line(c, "\treturn v;");
	}
	cwriter_line(c, "/* fall through */");
	c->indent--;
}

static void emit_request_phase(struct emitter *e, const struct plan_chain *chain, const char *id)
{
	struct cwriter *c = &e->c;
	bool any = false;

	for (uint32_t i = 0; i < chain->n; i++)
		any |= request_function(&e->plan->mws[chain->mws[i]]) != NULL;
	cwriter_line(
		c, "static enum toron_verdict %s_request(struct exchange *x, unsigned from)", id);
	cwriter_open(c, "{");
	if (any) {
		cwriter_line(c, "enum toron_verdict v;");
		cwriter_blank(c);
	}
	cwriter_line(c, "switch (from) {");
	for (uint32_t i = 0; i < chain->n; i++)
		emit_request_step(e, chain, i);
	cwriter_open(c, "default:");
	cwriter_line(c, "return TORON_NEXT;");
	c->indent--;
	cwriter_line(c, "}");
	cwriter_close(c, "}");
	cwriter_blank(c);
}

static const char *response_function(enum m_mw_kind kind)
{
	if (kind == M_MW_HEADERS)
		return "toron_headers_response";
	return kind == M_MW_GRPC_WEB ? "toron_grpc_web_response" : "toron_request_id_response";
}

static void emit_response_phase(struct emitter *e, const struct plan_chain *chain, const char *id)
{
	struct cwriter *c = &e->c;

	cwriter_line(c, "static void %s_response(struct exchange *x, unsigned entered)", id);
	cwriter_open(c, "{");
	cwriter_line(c, "switch (entered) {");
	for (uint32_t i = chain->n; i > 0; i--) {
		const struct plan_mw *mw = &e->plan->mws[chain->mws[i - 1]];
		const char *function = response_function(mw->model->kind);

		cwriter_open(c, "case %u:", i);
		if (mw->has_response) {
			cwriter_line(c, "%s(x, &%s);", function, e->mws[chain->mws[i - 1]]);
			cwriter_line(c, "/* fall through */");
		}
		c->indent--;
	}
	cwriter_open(c, "default:");
	cwriter_line(c, "break;");
	c->indent--;
	cwriter_line(c, "}");
	cwriter_close(c, "}");
	cwriter_blank(c);
}

static void emit_chain(struct emitter *e, const struct plan_chain *chain, const char *id)
{
	const struct plan_route *r = &e->plan->routes[chain->route];
	struct cwriter *c = &e->c;

	emit_comment(e, c, r->model->node, r->name);
	emit_request_phase(e, chain, id);
	if (chain->has_response)
		emit_response_phase(e, chain, id);
	cwriter_open(c, "static const struct toron_chain %s = {", id);
	cwriter_line(c, ".request = %s_request,", id);
	if (chain->has_response)
		cwriter_line(c, ".response = %s_response,", id);
	cwriter_open(c, ".names = (const char *const[]){");
	for (uint32_t i = 0; i < chain->n; i++)
		cwriter_line(c, "%s,", cwriter_quote(e->arena, e->plan->mws[chain->mws[i]].name));
	cwriter_close(c, "},");
	cwriter_line(c, ".n = %u,", chain->n);
	cwriter_close(c, "};");
	cwriter_blank(c);
}

/* "chain_jwt_rate_limit": after the middlewares in it. */
static const char *chain_name(struct emitter *e, const struct plan_chain *chain)
{
	struct sbuf name = { 0 };
	const char *id;

	for (uint32_t i = 0; i < chain->n; i++) {
		sbuf_addc(&name, ' ');
		sbuf_add(&name, e->plan->mws[chain->mws[i]].name);
	}
	id = cwriter_ident(&e->taken, "chain", sbuf_str(&name));
	sbuf_fini(&name);
	return id;
}

void emit_chains(struct emitter *e)
{
	const struct plan *p = e->plan;

	e->chains = ARENA_ARRAY(e->arena, const char *, p->n_chains);
	for (uint32_t i = 0; i < p->n_chains; i++) {
		e->chains[i] = chain_name(e, &p->chains[i]);
		emit_chain(e, &p->chains[i], e->chains[i]);
	}
}
