/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "plan/build.h"

#include "base/check.h"
#include "base/str.h"
#include "plan/order.h"

void plan_build_unresolved(const struct builder *b)
{
	CHECK(diag_failed(b->diags));
}

static void init_maps(struct builder *b)
{
	struct map *maps[] = {
		&b->backend_names,
		&b->mw_names,
		&b->certificate_names,
		&b->certificate_ids,
		&b->path_ids,
		&b->matcher_ids,
		&b->group_ids,
		&b->chain_ids,
		&b->mw_ids,
		&b->backend_ids,
		&b->method_bits,
	};

	for (size_t i = 0; i < ARRAY_LEN(maps); i++)
		map_init(maps[i], b->arena);
}

/* A name that is there twice was reported by the checks; the first one counts. */
static void index_names(struct builder *b)
{
	const struct model *m = b->model;

	for (size_t i = 0; i < m->n_backends; i++)
		map_add(&b->backend_names, m->backends[i].name.value, &m->backends[i]);
	for (size_t i = 0; i < m->n_certificates; i++)
		map_add(&b->certificate_names, m->certificates[i].name.value, &m->certificates[i]);
	for (size_t i = 0; i < m->n_middlewares; i++)
		map_add(&b->mw_names, m->middlewares[i].name.value, &m->middlewares[i]);
}

static void add_listeners(struct builder *b)
{
	struct plan *p = b->plan;

	p->listeners = ARENA_ARRAY(b->arena, struct plan_listener, b->model->n_listeners);
	for (size_t i = 0; i < b->model->n_listeners; i++)
		if (!b->model->listeners[i].poisoned)
			p->listeners[p->n_listeners++] =
				(struct plan_listener){
					.model = &b->model->listeners[i],
					.tls = plan_build_tls(b, &b->model->listeners[i]),
				};
}

static unsigned uri_policy(const struct m_routing *r)
{
	return (r->merge_slashes ? 0u : URI_KEEP_SLASHES) |
	       (r->allow_encoded_slashes ? URI_ALLOW_ENCODED_SLASH : 0u);
}

#define GIVE(plan, builder, what) \
	((plan)->what = (builder)->what.at, (plan)->n_##what = (uint32_t)(builder)->what.n)

struct plan *plan_build(struct arena *a, struct diags *d, const struct model *m)
{
	struct plan *p = ARENA_NEW(a, struct plan);
	struct builder b = { .arena = a, .diags = d, .model = m, .plan = p };
	uint32_t source = m->root == NULL ? 0 : m->root->span.source;

	*p = (struct plan){
		.arena = a, .diags = d, .model = m, .uri_policy = uri_policy(&m->routing)
	};
	if (source > 0 && source < d->n_sources)
		p->config = &d->sources[source];
	init_maps(&b);
	index_names(&b);
	add_listeners(&b);
	p->log_line = plan_build_template(&b, NULL, &m->log.access.line);
	plan_build_routes(&b);
	GIVE(p, &b, paths);
	GIVE(p, &b, chains);
	GIVE(p, &b, mws);
	GIVE(p, &b, backends);
	GIVE(p, &b, certificates);
	GIVE(p, &b, extra_methods);
	if (b.is_full)
		return p;
	GIVE(p, &b, entries);
	order_sort(p);
	plan_build_routers(&b);
	GIVE(p, &b, matchers);
	GIVE(p, &b, groups);
	return p;
}

/* The part of a file name behind the folder of the main config, so that places do not depend on
 * where the build runs. */
static struct str relative(const struct plan *p, struct str name)
{
	struct str folder = p->config == NULL ? STR("") : p->config->name;

	while (folder.len > 0 && folder.ptr[folder.len - 1] != '/')
		folder.len--;
	if (str_starts(name, folder))
		return str_slice(name, folder.len, name.len);
	for (size_t i = name.len; i > 0; i--)
		if (name.ptr[i - 1] == '/')
			return str_slice(name, i, name.len);
	return name;
}

struct str plan_place(const struct plan *p, struct arena *a, struct span at)
{
	uint32_t line, column;
	struct str file;

	if (at.source == 0 || at.source >= p->diags->n_sources)
		return STR("");
	file = relative(p, p->diags->sources[at.source].name);
	diag_place(p->diags, at, &line, &column);
	return arena_printf(a, STR_FMT ":%u:%u", STR_ARG(file), line, column);
}
