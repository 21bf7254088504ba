/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "emit/emitter.h"

static const char *balance(enum m_balance b)
{
	switch (b) {
	case M_BALANCE_RANDOM_TWO:
		return "toron_balance_random_two";
	case M_BALANCE_LEAST_CONNECTIONS:
		return "toron_balance_least_connections";
	case M_BALANCE_IP_HASH:
		return "toron_balance_ip_hash";
	case M_BALANCE_ROUND_ROBIN:
		break;
	}
	return "toron_balance_round_robin";
}

static void emit_server(struct emitter *e, const struct plan_server *s)
{
	const struct m_server *m = s->model;

	cwriter_open(&e->c, "{");
	emit_cstr(e, "origin", emit_origin(e, m->node == NULL ? m->host.at : m->node->span));
	emit_str(e, "host", m->host.value);
	emit_str(e, "authority", s->authority);
	if (m->base_path.value.len > 0)
		emit_str(e, "base_path", m->base_path.value);
	emit_u64(e, "port", m->port.value);
	emit_u64(e, "weight", m->weight.value);
	if (m->is_numeric)
		cwriter_line(&e->c, ".is_numeric = true,");
	cwriter_close(&e->c, "},");
}

static uint64_t least(uint64_t value, uint64_t most)
{
	return value < most ? value : most;
}

static void emit_health(struct emitter *e, const struct m_health *h)
{
	static const char *const kinds[] = {
		[M_HEALTH_HTTP] = "http", [M_HEALTH_GRPC] = "grpc", [M_HEALTH_TCP] = "tcp",
	};
	struct cwriter *c = &e->c;

	if (!h->is_set)
		return;
	cwriter_open(c, ".health = &(const struct toron_health){");
	cwriter_line(c, ".kind = &toron_health_%s,", kinds[h->kind]);
	if (h->kind == M_HEALTH_HTTP) {
		emit_str(e, "path", h->path.value);
		cwriter_open(c, ".statuses = (const uint16_t[]){");
		for (size_t i = 0; i < h->n_statuses; i++)
			cwriter_line(c, "%u,", h->statuses[i]);
		cwriter_close(c, "},");
		cwriter_line(c, ".n_statuses = %zu,", h->n_statuses);
	}
	if (h->service.value.len != 0)
		emit_str(e, "service", h->service.value);
	if (h->host.value.len != 0)
		emit_str(e, "host", h->host.value);
	if (h->port.value != 0)
		emit_u64(e, "port", h->port.value);
	emit_u64(e, "interval_ms", h->interval.value);
	emit_u64(e, "timeout_ms", h->timeout.value);
	emit_u64(e, "healthy_after", h->healthy_after.value);
	emit_u64(e, "unhealthy_after", h->unhealthy_after.value);
	cwriter_close(c, "},");
}

/* In clear text there is nobody to choose. */
static const char *codec_of(const struct plan_backend *b)
{
	if (b->model->protocol == M_BACKEND_AUTO && b->tls != NULL)
		return "auto";
	return b->model->protocol == M_BACKEND_H2 ? "http2" : "http1";
}

static void emit_backend(struct emitter *e, uint32_t index)
{
	const struct plan_backend *b = &e->plan->backends[index];
	const struct m_backend *m = b->model;
	const char *id = e->backends[index], *tls = emit_tls_client(e, b);

	emit_comment(e, &e->c, m->node, m->name.value);
	cwriter_open(&e->c, "static const struct toron_server %s_servers[] = {", id);
	for (uint32_t i = 0; i < b->n_servers; i++)
		emit_server(e, &b->servers[i]);
	cwriter_close(&e->c, "};");
	cwriter_open(&e->c, "static const struct toron_backend %s = {", id);
	emit_cstr(e, "name", cwriter_quote(e->arena, m->name.value));
	emit_cstr(e, "origin", emit_origin(e, m->node == NULL ? m->name.at : m->node->span));
	cwriter_line(&e->c, ".index = %u,", index);
	cwriter_line(&e->c, ".codec = &toron_back_%s,", codec_of(b));
	cwriter_line(&e->c, ".balance = %s,", balance(m->balance));
	cwriter_line(&e->c, ".servers = %s_servers,", id);
	emit_u64(e, "n_servers", b->n_servers);
	emit_u64(e, "connect_ms", m->timeouts.connect.value);
	emit_u64(e, "first_byte_ms", m->timeouts.first_byte.value);
	emit_u64(e, "idle_ms", m->timeouts.idle.value);
	emit_u64(e, "pool_idle", least(m->pool.idle_connections.value, UINT32_MAX));
	emit_u64(e, "pool_idle_ms", m->pool.idle_timeout.value);
	if (m->protocol != M_BACKEND_HTTP1)
		emit_u64(e, "streams", m->pool.streams.value);
	emit_u64(e, "max_connections", least(m->limits.connections.value, UINT32_MAX));
	emit_u64(e, "max_pending", least(m->limits.pending.value, UINT32_MAX));
	if (m->preserve_host.value)
		cwriter_line(&e->c, ".preserve_host = true,");
	emit_retry(e, &m->retry);
	if (tls != NULL)
		cwriter_line(&e->c, ".tls = &%s,", tls);
	if (m->buffering.request.value != 0)
		emit_u64(e, "buffer_request", m->buffering.request.value);
	if (m->buffering.response.value != 0)
		emit_u64(e, "buffer_response", m->buffering.response.value);
	emit_websocket(e, &m->websocket);
	emit_pace(e, "response", m->min_rate.response, m->min_rate.over);
	emit_health(e, &m->health);
	cwriter_close(&e->c, "};");
	cwriter_blank(&e->c);
}

void emit_backends(struct emitter *e)
{
	const struct plan *p = e->plan;

	e->backends = ARENA_ARRAY(e->arena, const char *, p->n_backends);
	for (uint32_t i = 0; i < p->n_backends; i++) {
		e->backends[i] =
			cwriter_ident(&e->taken, "backend_", p->backends[i].model->name.value);
		emit_backend(e, i);
	}
	if (p->n_backends == 0)
		return;
	cwriter_open(&e->c, "static const struct toron_backend *const backends[] = {");
	for (uint32_t i = 0; i < p->n_backends; i++)
		cwriter_line(&e->c, "&%s,", e->backends[i]);
	cwriter_close(&e->c, "};");
	cwriter_blank(&e->c);
}
