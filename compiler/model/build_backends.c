/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/str.h"
#include "model/build.h"
#include "schema/net_text.h"

static void set_host(struct builder *b, struct m_server *s, const struct node *n, struct str host)
{
	uint8_t addr[16];
	bool is_v4;

	s->host = (struct m_str){ build_lower(b->arena, host), n->span };
	s->is_numeric = net_text_ip(s->host.value, addr, &is_v4);
}

/* The URL's path, normalised, without a slash at its end. */
static void set_base_path(
	struct builder *b, struct m_server *s, const struct node *n, struct str path)
{
	struct str normal, query;
	enum uri_error error =
		path.len == 0 ? URI_OK : uri_normalise(b->arena, path, 0, &normal, &query);

	s->base_path = (struct m_str){ STR(""), n->span };
	if (path.len == 0)
		return;
	if (error != URI_OK) {
		node_report(b->diags, n, DIAG_BAD_URL,
			"'" STR_FMT "' cannot be used as a backend's URL: %s", STR_ARG(n->text),
			uri_error_text(error));
		b->poisoned = true;
		return;
	}
	while (normal.len > 0 && normal.ptr[normal.len - 1] == '/')
		normal.len--;
	s->base_path.value = normal;
}

static bool build_url(struct builder *b, const struct node *n, struct m_server *s)
{
	struct uri u;

	if (n->kind != NODE_STRING || uri_parse(b->arena, n->text, &u) != URI_OK)
		return false;
	set_host(b, s, n, u.at.host);
	s->is_tls = str_eq(u.scheme, STR("https"));
	/* Without a port it is the scheme's (RFC 9110 section 4.2). */
	s->port = (struct m_u64){ u.at.port != 0 ? u.at.port : s->is_tls ? 443 : 80, n->span };
	set_base_path(b, s, n, u.path);
	return true;
}

static bool build_address(struct builder *b, const struct node *n, struct m_server *s)
{
	struct uri_authority at;

	if (n->kind != NODE_STRING || uri_authority_parse(n->text, &at) != URI_OK)
		return false;
	set_host(b, s, n, at.host);
	s->port = (struct m_u64){ at.port, n->span };
	s->base_path = (struct m_str){ STR(""), n->span };
	return true;
}

/* is_tls: what an address is spoken to. */
static bool build_server(struct builder *b, const struct node *n, bool is_tls, struct m_server *s)
{
	const struct node *url = value_node(b, n, STR("url"));
	const struct node *address = value_node(b, n, STR("address"));
	bool ok;

	s->node = n;
	s->weight = value_count(b, n, STR("weight"));
	s->is_tls = is_tls;
	ok = url != NULL ? build_url(b, url, s) : address != NULL && build_address(b, address, s);
	if (!ok)
		b->poisoned = true;
	return ok;
}

static void build_servers(struct builder *b, const struct node *map, struct m_backend *out)
{
	const struct node *url = value_node(b, map, STR("url"));
	const struct node *list = value_node(b, map, STR("servers"));

	if (url != NULL) {
		out->servers = ARENA_ARRAY(b->arena, struct m_server, 1);
		out->servers[0].node = url;
		out->servers[0].weight = (struct m_u64){ 1, url->span };
		out->n_servers = build_url(b, url, &out->servers[0]);
		return;
	}
	if (list == NULL || list->kind != NODE_SEQ)
		return;
	out->servers = ARENA_ARRAY(b->arena, struct m_server, list->n_children);
	for (const struct node *n = value_first(b, list); n != NULL; n = value_next(b, list, n))
		out->n_servers += build_server(b, n, out->tls.is_set, &out->servers[out->n_servers]);
}

static enum m_balance balance_named(struct str name)
{
	if (str_eq(name, STR("random-two")))
		return M_BALANCE_RANDOM_TWO;
	if (str_eq(name, STR("least-connections")))
		return M_BALANCE_LEAST_CONNECTIONS;
	return str_eq(name, STR("ip-hash")) ? M_BALANCE_IP_HASH : M_BALANCE_ROUND_ROBIN;
}

static enum m_backend_protocol protocol_named(struct str name)
{
	if (str_eq(name, STR("h2")))
		return M_BACKEND_H2;
	return str_eq(name, STR("auto")) ? M_BACKEND_AUTO : M_BACKEND_HTTP1;
}

static void build_backend(
	struct builder *b, const struct node *n, struct m_str name, bool is_inline)
{
	struct m_backend out = { .node = n, .name = name, .is_inline = is_inline };
	const struct node *part;
	bool outer = b->poisoned;

	b->poisoned = !node_is_whole(n);
	build_tls_client(b, value_node(b, n, STR("tls")), &out.tls);
	build_servers(b, n, &out);
	out.balance = balance_named(value_str(b, n, STR("balance")).value);
	out.protocol = protocol_named(value_str(b, n, STR("protocol")).value);
	part = value_node(b, n, STR("timeouts"));
	out.timeouts.connect = value_ms(b, part, STR("connect"));
	out.timeouts.first_byte = value_ms(b, part, STR("first_byte"));
	out.timeouts.idle = value_ms(b, part, STR("idle"));
	part = value_node(b, n, STR("pool"));
	out.pool.streams = value_count(b, part, STR("streams"));
	out.pool.idle_connections = value_count(b, part, STR("idle_connections"));
	out.pool.idle_timeout = value_ms(b, part, STR("idle_timeout"));
	part = value_node(b, n, STR("limits"));
	out.limits.connections = value_count(b, part, STR("connections"));
	out.limits.pending = value_count(b, part, STR("pending"));
	out.min_rate = value_min_rate(b, part);
	part = value_node(b, n, STR("buffering"));
	out.buffering.request = value_bytes(b, part, STR("request"));
	out.buffering.response = value_bytes(b, part, STR("response"));
	out.preserve_host = value_bool(b, n, STR("preserve_host"));
	build_retry(b, value_node(b, n, STR("retry")), &out.retry);
	build_websocket(b, value_node(b, n, STR("websocket")), &out.websocket);
	build_health(b, value_node(b, value_node(b, n, STR("health")), STR("active")), &out.health);
	out.poisoned = b->poisoned;
	b->poisoned = b->poisoned || outer;
	vec_push(b->arena, &b->backends, out);
}

struct m_str build_backend_inline(struct builder *b, const struct node *map)
{
	struct m_str name = { node_path(b->arena, map),
		map->key_span.source != 0 ? map->key_span : map->span };

	build_backend(b, map, name, true);
	return name;
}

void build_backends(struct builder *b, const struct node *map)
{
	if (map == NULL || map->kind != NODE_MAP)
		return;
	for (const struct node *n = map->first; n != NULL; n = n->next) {
		if (n->kind == NODE_MAP)
			build_backend(b, n, node_key(n), false);
	}
}
