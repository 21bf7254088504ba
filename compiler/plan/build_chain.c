/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/check.h"
#include "base/str.h"
#include "plan/build.h"

static const struct m_middleware *find_middleware(struct builder *b, struct str name)
{
	const struct m_middleware *m = map_get(&b->mw_names, name);

	if (m == NULL)
		plan_build_unresolved(b);
	return m;
}

static struct plan_edit *build_edits(
	struct builder *b, const struct plan_route *r, const struct m_header_edit *at, size_t n)
{
	struct plan_edit *out = ARENA_ARRAY(b->arena, struct plan_edit, n);

	for (size_t i = 0; i < n; i++)
		out[i] = (struct plan_edit){
			.op = at[i].op,
			.name = at[i].name.value,
			.value = plan_build_template(b, r, &at[i].value),
		};
	return out;
}

static struct plan_mw new_mw(
	struct builder *b, const struct plan_route *r, const struct m_middleware *m)
{
	struct plan_mw mw = { .model = m, .name = m->name.value };

	switch (m->kind) {
	case M_MW_HEADERS:
		mw.request = build_edits(b, r, m->headers.request, m->headers.n_request);
		mw.n_request = (uint32_t)m->headers.n_request;
		mw.response = build_edits(b, r, m->headers.response, m->headers.n_response);
		mw.n_response = (uint32_t)m->headers.n_response;
		mw.has_response = mw.n_response > 0;
		break;
	case M_MW_REQUEST_ID:
	case M_MW_GRPC_WEB:
		mw.has_response = true;
		break;
	case M_MW_RATE_LIMIT:
	case M_MW_JWT:
		mw.has_setup = true;
		break;
	}
	return mw;
}

static void edits_key(
	const struct plan_route *r, const struct m_header_edit *at, size_t n, struct sbuf *key)
{
	for (size_t i = 0; i < n; i++)
		plan_build_template_key(r, &at[i].value, key);
}

/* Two routes share a middleware unless they number the path parameters that its templates name
 * in different ways. */
static uint32_t build_mw(
	struct builder *b, const struct plan_route *r, const struct m_middleware *m)
{
	struct sbuf key = { 0 };
	uint32_t id;

	sbuf_add(&key, m->name.value);
	if (m->kind == M_MW_HEADERS) {
		edits_key(r, m->headers.request, m->headers.n_request, &key);
		edits_key(r, m->headers.response, m->headers.n_response, &key);
	}
	id = index_get(&b->mw_ids, sbuf_str(&key));
	if (id == PLAN_NONE) {
		id = (uint32_t)b->mws.n;
		vec_push(b->arena, &b->mws, new_mw(b, r, m));
		CHECK(map_add(&b->mw_ids, arena_str(b->arena, sbuf_str(&key)), index_value(id)));
	}
	sbuf_fini(&key);
	return id;
}

static uint32_t intern_chain(
	struct builder *b, const struct plan_route *r, uint32_t *mws, uint32_t n)
{
	struct str key = { (const char *)mws, n * sizeof(*mws) };
	uint32_t id = index_get(&b->chain_ids, key);
	struct plan_chain chain = { .mws = mws, .n = n, .route = (uint32_t)(r - b->plan->routes) };

	if (id != PLAN_NONE)
		return id;
	for (uint32_t i = 0; i < n; i++)
		chain.has_response |= b->mws.at[mws[i]].has_response;
	id = (uint32_t)b->chains.n;
	vec_push(b->arena, &b->chains, chain);
	CHECK(map_add(&b->chain_ids, key, index_value(id)));
	return id;
}

void plan_build_chain(struct builder *b, struct plan_route *r)
{
	size_t n = r->model->n_uses;
	uint32_t *mws = ARENA_ARRAY(b->arena, uint32_t, n);
	uint32_t n_found = 0;

	for (size_t i = 0; i < n; i++) {
		const struct m_middleware *m = find_middleware(b, r->model->uses[i].name.value);

		if (m != NULL)
			mws[n_found++] = build_mw(b, r, m);
	}
	r->chain = n_found == 0 ? PLAN_NONE : intern_chain(b, r, mws, n_found);
}

static struct str authority_of(struct arena *a, const struct m_server *s)
{
	bool brackets = s->is_numeric && str_find_char(s->host.value, ':') < s->host.value.len;
	const char *open = brackets ? "[" : "";
	const char *close = brackets ? "]" : "";

	if (s->port.value == (s->is_tls ? 443 : 80))
		return arena_printf(a, "%s" STR_FMT "%s", open, STR_ARG(s->host.value), close);
	return arena_printf(a, "%s" STR_FMT "%s:%u", open, STR_ARG(s->host.value), close,
		(unsigned)s->port.value);
}

static uint32_t build_backend(struct builder *b, struct str name)
{
	uint32_t id = index_get(&b->backend_ids, name);
	const struct m_backend *m = map_get(&b->backend_names, name);
	struct plan_backend backend = { .model = m };

	if (id != PLAN_NONE)
		return id;
	if (m == NULL) {
		plan_build_unresolved(b);
		return 0;
	}
	backend.servers = ARENA_ARRAY(b->arena, struct plan_server, m->n_servers);
	for (size_t i = 0; i < m->n_servers; i++)
		if (m->servers[i].weight.value > 0)
			backend.servers[backend.n_servers++] = (struct plan_server){
				.model = &m->servers[i],
				.authority = authority_of(b->arena, &m->servers[i]),
			};
	if (backend.n_servers == 0)
		plan_build_unresolved(b);
	backend.tls = plan_build_tls_client(b, m);
	id = (uint32_t)b->backends.n;
	vec_push(b->arena, &b->backends, backend);
	CHECK(map_add(&b->backend_ids, name, index_value(id)));
	return id;
}

static void build_split(struct builder *b, const struct m_action *m, struct plan_action *out)
{
	out->kind = PLAN_ACTION_SPLIT;
	out->legs = ARENA_ARRAY(b->arena, struct plan_leg, m->n_split);
	for (size_t i = 0; i < m->n_split; i++)
		if (m->split[i].weight.value > 0)
			out->legs[out->n_legs++] = (struct plan_leg){
				.backend = build_backend(b, m->split[i].backend.value),
				.weight = (uint32_t)m->split[i].weight.value,
			};
	if (out->n_legs == 0)
		plan_build_unresolved(b);
}

/* The location as proofs and people see it; the gateway makes it without a template. */
static void build_to_https(struct builder *b, const struct m_action *m, struct plan_action *out)
{
	struct plan_part *parts = ARENA_ARRAY(b->arena, struct plan_part, 4);
	uint32_t n = 0;

	out->https_port = model_https_port(b->model, m->to_https);
	if (out->https_port == 0)
		plan_build_unresolved(b);
	parts[n++] = (struct plan_part){ .kind = TORON_PART_LITERAL, .text = STR("https://") };
	parts[n++] = (struct plan_part){ .kind = TORON_PART_HOST };
	if (out->https_port != 443)
		parts[n++] = (struct plan_part){
			.kind = TORON_PART_LITERAL, .text = arena_printf(b->arena, ":%u", out->https_port),
		};
	parts[n++] = (struct plan_part){ .kind = TORON_PART_PATH };
	out->text = (struct plan_template){ parts, n };
}

static void build_answer(struct builder *b, const struct plan_route *r, const struct m_action *m,
	struct plan_action *out)
{
	bool is_redirect = m->kind == M_ACTION_REDIRECT;

	out->kind = is_redirect ? PLAN_ACTION_REDIRECT : PLAN_ACTION_RESPOND;
	out->status = (uint16_t)m->status.value;
	if (m->to_https != NULL) {
		build_to_https(b, m, out);
		return;
	}
	out->text = plan_build_template(b, r, is_redirect ? &m->to : &m->body);
	out->n_headers = (uint32_t)m->n_headers;
	out->headers = ARENA_ARRAY(b->arena, struct plan_line, m->n_headers);
	for (size_t i = 0; i < m->n_headers; i++)
		out->headers[i] = (struct plan_line){
			.name = m->headers[i].name.value,
			.value = plan_build_template(b, r, &m->headers[i].value),
		};
}

void plan_build_action(struct builder *b, struct plan_route *r)
{
	const struct m_action *m = &r->model->action;
	struct plan_action *out = &r->action;

	switch (m->kind) {
	case M_ACTION_BACKEND:
		out->kind = PLAN_ACTION_BACKEND;
		out->backend = build_backend(b, m->backend.value);
		return;
	case M_ACTION_SPLIT:
		build_split(b, m, out);
		return;
	case M_ACTION_RESPOND:
	case M_ACTION_REDIRECT:
		build_answer(b, r, m, out);
		return;
	case M_ACTION_ECHO:
		out->kind = PLAN_ACTION_ECHO;
		return;
	case M_ACTION_FILES:
		out->kind = PLAN_ACTION_FILES;
		out->files = m->files;
		return;
	}
}
