/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/str.h"
#include "model/build.h"

static void build_h2_limits(struct builder *b, const struct node *map, struct m_h2_limits *out)
{
	out->period = value_ms(b, map, STR("period"));
	out->resets = value_count(b, map, STR("resets"));
	out->settings = value_count(b, map, STR("settings"));
	out->pings = value_count(b, map, STR("pings"));
	out->priorities = value_count(b, map, STR("priorities"));
	out->empty_frames = value_count(b, map, STR("empty_frames"));
	out->window_updates = value_count(b, map, STR("window_updates"));
	out->continuations = value_count(b, map, STR("continuations"));
	out->window = value_bytes(b, map, STR("window"));
}

void build_limits(struct builder *b, const struct node *map, struct m_limits *out)
{
	out->header_bytes = value_bytes(b, map, STR("header_bytes"));
	out->header_count = value_count(b, map, STR("header_count"));
	out->body_bytes = value_bytes(b, map, STR("body_bytes"));
	out->unread_body = value_bytes(b, map, STR("unread_body"));
	out->uri_bytes = value_bytes(b, map, STR("uri_bytes"));
	out->connections = value_count(b, map, STR("connections"));
	out->handshakes = value_count(b, map, STR("handshakes"));
	out->requests_per_connection = value_count(b, map, STR("requests_per_connection"));
	out->streams = value_count(b, map, STR("streams"));
	build_h2_limits(b, value_node(b, map, STR("h2")), &out->h2);
	out->min_rate = value_min_rate(b, map);
}

static unsigned build_versions(struct builder *b, const struct node *listener)
{
	struct m_strs names = value_strs(b, listener, STR("http_versions"));
	unsigned versions = 0;

	for (size_t i = 0; i < names.n; i++)
		versions |= str_eq(names.at[i].value, STR("2")) ? M_HTTP_2 : M_HTTP_1;
	return versions;
}

void build_timeouts(struct builder *b, const struct node *map, struct m_listener_timeouts *out)
{
	out->header = value_ms(b, map, STR("header"));
	out->body = value_ms(b, map, STR("body"));
	out->idle = value_ms(b, map, STR("idle"));
	out->write = value_ms(b, map, STR("write"));
	out->linger = value_ms(b, map, STR("linger"));
	out->linger_idle = value_ms(b, map, STR("linger_idle"));
	out->handshake = value_ms(b, map, STR("handshake"));
}

static void build_https_redirect(
	struct builder *b, const struct node *n, struct m_https_redirect *out)
{
	if (n == NULL || (n->kind == NODE_BOOL && !n->boolean))
		return;
	out->is_set = true;
	out->node = n;
	out->port = value_count(b, n->kind == NODE_MAP ? n : NULL, STR("port"));
}

static void build_hsts(struct builder *b, const struct node *map, struct m_hsts *out)
{
	if (map == NULL)
		return;
	out->is_set = true;
	out->at = map->key_span;
	out->max_age = value_ms(b, map, STR("max_age"));
	out->include_subdomains = value_bool(b, map, STR("include_subdomains"));
	out->preload = value_bool(b, map, STR("preload"));
}

uint16_t model_https_port(const struct model *m, const struct m_listener *l)
{
	uint64_t port = l->to_https.port.value;
	size_t n = 0;

	for (size_t i = 0; l->to_https.port.value == 0 && i < m->n_listeners; i++) {
		if (m->listeners[i].protocol != M_HTTPS)
			continue;
		n++;
		if (m->listeners[i].port.value == 443)
			return 443;
		port = m->listeners[i].port.value;
	}
	return n > 1 ? 0 : (uint16_t)port;
}

static void build_listener(struct builder *b, const struct node *n)
{
	struct m_listener l = { .node = n, .protocol = M_HTTP };
	struct m_str protocol;

	b->poisoned = !node_is_whole(n);
	protocol = value_str(b, n, STR("protocol"));
	l.port = value_count(b, n, STR("port"));
	l.name = value_str(b, n, STR("name"));
	l.address = value_str(b, n, STR("address"));
	l.versions = build_versions(b, n);
	build_limits(b, value_node(b, n, STR("limits")), &l.limits);
	build_timeouts(b, value_node(b, n, STR("timeouts")), &l.timeouts);
	build_cidrs(b, n, STR("trusted_proxies"), &l.trusted, &l.n_trusted);
	if (str_eq(protocol.value, STR("https")))
		l.protocol = M_HTTPS;
	build_tls(b, value_node(b, n, STR("tls")), &l.tls);
	build_https_redirect(b, value_node(b, n, STR("redirect_to_https")), &l.to_https);
	build_hsts(b, value_node(b, n, STR("hsts")), &l.hsts);
	build_forwarding(
		b, value_node(b, n, STR("forwarding")), &b->model->forwarding, &l.forwarding);
	/* The one default that depends on other keys, so that no schema can hold it. */
	if (node_get(n, STR("name")) == NULL && (n->flags & NODE_PARTIAL) == 0 && protocol.value.ptr != NULL &&
		l.port.value != 0)
		l.name = (struct m_str){
			arena_printf(b->arena, STR_FMT "-%llu", STR_ARG(protocol.value),
				(unsigned long long)l.port.value),
			l.port.at,
		};
	l.poisoned = b->poisoned;
	vec_push(b->arena, &b->listeners, l);
}

void build_listeners(struct builder *b, const struct node *list)
{
	if (list == NULL || list->kind != NODE_SEQ)
		return;
	for (const struct node *n = list->first; n != NULL; n = n->next) {
		if (n->kind == NODE_MAP)
			build_listener(b, n);
	}
}
