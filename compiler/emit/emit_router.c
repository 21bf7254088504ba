/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>

#include "base/check.h"
#include "emit/emitter.h"

/* ---- groups ---- */

/* The lists that the group's matcher leads to, by the numbers that it returns. */
static struct plan_accepts *group_lists(
	struct emitter *e, const struct plan_group *g, uint32_t *n_out)
{
	const struct plan_matcher *m = &e->plan->matchers[g->matcher];

	if (e->matchers[g->matcher].is_table) {
		*n_out = m->dfa.n_sets;
		return plan_accepts_by_set(e->plan, e->arena, g);
	}
	*n_out = m->n + 1;
	return plan_accepts_by_first(e->plan, e->arena, g);
}

/* Where in the path the parameters are, as an initialiser; NULL if the route has none. */
static const char *params_text(struct emitter *e, const struct plan_entry *entry)
{
	uint32_t n = e->plan->routes[entry->route].n_params;
	struct sbuf out = { 0 };
	const char *text;

	if (n == 0 || entry->params == NULL)
		return NULL;
	for (uint32_t i = 0; i < n; i++)
		sbuf_printf(&out, "%s%u", i == 0 ? "" : ", ", entry->params[i]);
	text = arena_printf(e->arena, "(const uint8_t[]){ %s }", out.ptr).ptr;
	sbuf_fini(&out);
	return text;
}

static void emit_candidate(
	struct emitter *e, const struct plan_group *g, const struct plan_candidate *candidate)
{
	const struct plan_entry *entry = &e->plan->entries[candidate->entry];
	uint32_t methods = e->plan->routes[entry->route].methods;
	const char *params = params_text(e, entry), *when = e->whens[entry->route];
	struct sbuf out = { 0 };

	sbuf_printf(&out, "{ .route = %u, .methods = %s", candidate->entry,
		methods == 0 ? "TORON_ANY_METHOD" : emit_methods(e, methods));
	if (candidate->also != PLAN_NONE)
		sbuf_printf(&out, ", .also = %s",
			e->patterns[e->plan->matchers[g->matcher].paths[candidate->also]]);
	if (when != NULL)
		sbuf_printf(&out, ", .when = %s", when);
	if (params != NULL)
		sbuf_printf(&out, ", .params = %s", params);
	cwriter_line(&e->c, "%s },", out.ptr);
	sbuf_fini(&out);
}

/* Where the lists begin among the candidates, each of which but the first stands behind the one that ends the list before. */
static void emit_starts(struct emitter *e, const char *id, const struct plan_accepts *lists, uint32_t n_lists)
{
	struct cwriter *c = &e->c;
	uint32_t at = 1;

	cwriter_open(c, "static const uint32_t %s[] = {", id);
	for (uint32_t i = 0; i < n_lists; i++) {
		cwriter_line(c, "%u,", lists[i].n == 0 ? 0 : at);
		at += lists[i].n == 0 ? 0 : lists[i].n + 1;
	}
	cwriter_close(c, "};");
}

static const char *emit_accepts(struct emitter *e, uint32_t index)
{
	const struct plan_group *g = &e->plan->groups[index];
	struct cwriter *c = &e->c;
	uint32_t n_lists;
	struct plan_accepts *lists = group_lists(e, g, &n_lists);
	const char *id = cwriter_ident(&e->taken, "accepts_", g->hosts);

	cwriter_open(c, "static const struct toron_candidate %s_candidates[] = {", id);
	cwriter_line(c, "{ .route = TORON_NO_ROUTE },");
	for (uint32_t i = 0; i < n_lists; i++) {
		if (lists[i].n == 0)
			continue;
		cwriter_comment(c, "%u", i);
		for (uint32_t k = 0; k < lists[i].n; k++)
			emit_candidate(e, g, &lists[i].at[k]);
		cwriter_line(c, "{ .route = TORON_NO_ROUTE },");
	}
	cwriter_close(c, "};");
	emit_starts(e, id, lists, n_lists);
	cwriter_blank(c);
	return id;
}

static void emit_group(struct emitter *e, uint32_t index, const char *accepts)
{
	const struct plan_group *g = &e->plan->groups[index];
	struct cwriter *c = &e->c;

	cwriter_open(c, "{");
	emit_cstr(e, "origin", cwriter_quote(e->arena, g->hosts));
	cwriter_line(c, ".match = %s,", e->matchers[g->matcher].function);
	cwriter_line(c, ".lists = %s,", accepts);
	cwriter_line(c, ".candidates = %s_candidates,", accepts);
	cwriter_line(c, ".best = %u,", g->slots[0].entry);
	cwriter_close(c, "},");
}

/* ---- routers ---- */

/* A group in a host list. */
struct step {
	uint32_t best, number;
};

static int compare_steps(const void *x, const void *y)
{
	const struct step *a = x;
	const struct step *b = y;

	return a->best < b->best ? -1 : a->best > b->best;
}

static void emit_list(struct emitter *e, const struct plan_list *list, const uint32_t *number_of)
{
	struct step *steps = ARENA_ARRAY(e->arena, struct step, (size_t)list->n + 1);
	struct sbuf out = { 0 };

	for (uint32_t i = 0; i < list->n; i++)
		steps[i] = (struct step){ e->plan->groups[list->groups[i]].slots[0].entry, number_of[list->groups[i]] };
	qsort(steps, list->n, sizeof(*steps), compare_steps);
	for (uint32_t i = 0; i < list->n; i++)
		sbuf_printf(&out, "%u, ", steps[i].number);
	cwriter_line(&e->c, "(const uint16_t[]){ %s0xffff },", out.len == 0 ? "" : out.ptr);
	sbuf_fini(&out);
}

/* The list for each number that the host matcher returns: of an atom that takes the host, or of
 * the first one in the set. */
static void emit_host_lists(struct emitter *e, const struct plan_router *r,
	const struct emit_choice *choice, const uint32_t *number_of)
{
	const struct dfa *d = &r->hosts.dfa;
	struct cwriter *c = &e->c;

	emit_list(e, &r->lists[0], number_of);
	if (r->n_atoms == 0)
		return;
	for (uint32_t i = 1; choice->is_table && i < d->n_sets; i++)
		emit_list(e, &r->lists[r->list_of_atom[d->sets[i].patterns[0]]], number_of);
	for (uint32_t i = 0; !choice->is_table && i < r->n_atoms; i++) {
		cwriter_comment(c, "%s" STR_FMT, r->atoms[i].kind == PLAN_HOST_EXACT ? "" : "*",
			STR_ARG(r->atoms[i].at[0]));
		emit_list(e, &r->lists[r->list_of_atom[i]], number_of);
	}
}

static void emit_router(struct emitter *e, uint32_t index, const char *const *accepts)
{
	const struct plan_router *r = &e->plan->routers[index];
	uint32_t *number_of = ARENA_ARRAY(e->arena, uint32_t, e->plan->n_groups);
	struct cwriter *c = &e->c;

	if (r->n_groups > 0) {
		cwriter_open(c, "static const struct toron_group groups_%u[] = {", index);
		for (uint32_t i = 0; i < r->n_groups; i++) {
			number_of[r->groups[i]] = i;
			emit_group(e, r->groups[i], accepts[r->groups[i]]);
		}
		cwriter_close(c, "};");
	}
	cwriter_open(c, "static const struct toron_router router_%u = {", index);
	if (r->n_atoms > 0)
		cwriter_line(c, ".host = %s,", e->hosts[index].function);
	cwriter_open(c, ".host_lists = (const uint16_t *const[]){");
	emit_host_lists(e, r, &e->hosts[index], number_of);
	cwriter_close(c, "},");
	if (r->n_groups > 0)
		cwriter_line(c, ".groups = groups_%u,", index);
	cwriter_close(c, "};");
	cwriter_blank(c);
}

void emit_routers(struct emitter *e)
{
	const struct plan *p = e->plan;
	const char **accepts = ARENA_ARRAY(e->arena, const char *, p->n_groups);

	for (uint32_t i = 0; i < p->n_groups; i++)
		accepts[i] = emit_accepts(e, i);
	for (uint32_t i = 0; i < p->n_routers; i++)
		emit_router(e, i, accepts);
}

/* ---- listeners ---- */

static uint64_t least(uint64_t value, uint64_t most)
{
	return value < most ? value : most;
}

static void emit_h2_limits(struct emitter *e, const struct m_h2_limits *m)
{
	cwriter_open(&e->c, ".h2 = &(const struct toron_h2_limits){");
	emit_u64(e, "period_ms", m->period.value);
	emit_u64(e, "resets", m->resets.value);
	emit_u64(e, "settings", m->settings.value);
	emit_u64(e, "pings", m->pings.value);
	emit_u64(e, "priorities", m->priorities.value);
	emit_u64(e, "empty_frames", m->empty_frames.value);
	emit_u64(e, "window_updates", m->window_updates.value);
	emit_u64(e, "continuations", m->continuations.value);
	emit_u64(e, "window", m->window.value);
	cwriter_close(&e->c, "},");
}

static void emit_limits(struct emitter *e, const struct m_limits *m, unsigned versions)
{
	cwriter_open(&e->c, ".limits = {");
	emit_u64(e, "header_bytes", least(m->header_bytes.value, UINT32_MAX));
	emit_u64(e, "header_count", least(m->header_count.value, UINT32_MAX));
	emit_u64(e, "uri_bytes", least(m->uri_bytes.value, UINT32_MAX));
	emit_u64(e, "connections", least(m->connections.value, UINT32_MAX));
	emit_u64(e, "requests_per_connection", least(m->requests_per_connection.value, UINT32_MAX));
	emit_u64(e, "body_bytes", m->body_bytes.value);
	emit_u64(e, "unread_body", m->unread_body.value);
	if ((versions & M_HTTP_2) != 0) {
		emit_u64(e, "streams", m->streams.value);
		emit_h2_limits(e, &m->h2);
	}
	emit_pace(e, "request", m->min_rate.request, m->min_rate.over);
	emit_pace(e, "response", m->min_rate.response, m->min_rate.over);
	cwriter_close(&e->c, "},");
}

static const char *policy_text(uint32_t policy)
{
	bool keep = (policy & URI_KEEP_SLASHES) != 0;
	bool allow = (policy & URI_ALLOW_ENCODED_SLASH) != 0;

	if (keep && allow)
		return "TORON_URI_KEEP_SLASHES | TORON_URI_ALLOW_ENCODED_SLASH";
	return keep ? "TORON_URI_KEEP_SLASHES" : allow ? "TORON_URI_ALLOW_ENCODED_SLASH" : NULL;
}

/* RFC 6797 section 6.1. */
static void emit_hsts(struct emitter *e, const struct m_hsts *h)
{
	if (!h->is_set)
		return;
	emit_str(e, "hsts",
		arena_printf(e->arena, "max-age=%llu%s%s", (unsigned long long)h->max_age.value / 1000,
			h->include_subdomains.value ? "; includeSubDomains" : "", h->preload.value ? "; preload" : ""));
}

/* Who takes a connection first, and whom the handshake hands it to. */
static void emit_codecs(struct emitter *e, unsigned versions, const char *tls)
{
	struct cwriter *c = &e->c;

	if (tls != NULL) {
		cwriter_line(c, ".front = &toron_front_tls,");
		cwriter_line(c, ".tls = &%s,", tls);
	} else {
		cwriter_line(c, ".front = &toron_front_http%c,", (versions & M_HTTP_1) != 0 ? '1' : '2');
	}
	if ((versions & M_HTTP_1) != 0)
		cwriter_line(c, ".http1 = &toron_front_http1,");
	if ((versions & M_HTTP_2) != 0)
		cwriter_line(c, ".http2 = &toron_front_http2,");
}

static void emit_listener(struct emitter *e, const struct plan_listener *l, const char *tls, const char *router, uint32_t number)
{
	const struct m_listener *m = l->model;
	struct cwriter *c = &e->c;

	emit_comment(e, c, m->node, m->name.value);
	cwriter_open(c, "{");
	emit_cstr(e, "name", cwriter_quote(e->arena, m->name.value));
	emit_cstr(e, "origin", emit_origin(e, m->node == NULL ? m->name.at : m->node->span));
	if (m->address.value.ptr != NULL)
		emit_cstr(e, "address", cwriter_quote(e->arena, m->address.value));
	emit_u64(e, "port", m->port.value);
	emit_codecs(e, m->versions, tls);
	cwriter_line(c, ".router = &%s,", router);
	emit_limits(e, &m->limits, m->versions);
	emit_u64(e, "header_ms", m->timeouts.header.value);
	emit_u64(e, "body_ms", m->timeouts.body.value);
	emit_u64(e, "idle_ms", m->timeouts.idle.value);
	emit_u64(e, "write_ms", m->timeouts.write.value);
	emit_u64(e, "linger_ms", m->timeouts.linger.value);
	emit_u64(e, "linger_idle_ms", m->timeouts.linger_idle.value);
	emit_cstr(e, "uri_policy", policy_text(e->plan->uri_policy));
	emit_forwarding(e, m);
	emit_hsts(e, &m->hsts);
	cwriter_line(c, ".open = &listeners_open[%u],", (unsigned)number);
	cwriter_close(c, "},");
}

void emit_listeners(struct emitter *e)
{
	const struct plan *p = e->plan;
	const struct m_admin *admin = &p->model->admin;
	const struct plan_listener own = { .model = &admin->listener };
	const char **tls = ARENA_ARRAY(e->arena, const char *, p->n_listeners);

	for (uint32_t i = 0; i < p->n_listeners; i++)
		tls[i] = emit_tls(e, &p->listeners[i]);
	cwriter_line(&e->c, "static _Atomic uint32_t listeners_open[%u];", (unsigned)p->n_listeners + admin->is_open);
	cwriter_open(&e->c, "static const struct toron_listener listeners[] = {");
	for (uint32_t i = 0; i < p->n_listeners; i++)
		emit_listener(e, &p->listeners[i], tls[i], arena_printf(e->arena, "router_%u", p->listeners[i].router).ptr, i);
	if (admin->is_open)
		emit_listener(e, &own, NULL, "admin_router", p->n_listeners);
	cwriter_close(&e->c, "};");
	cwriter_blank(&e->c);
}
