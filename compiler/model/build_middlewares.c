/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Middlewares: defined ones, built-ins used by their own name (the schema put their definitions
 * there, see gateway.json), and those written in a route. */
#include "base/str.h"
#include "model/build.h"

/* ---- headers ---- */

struct edits {
	VEC(struct m_header_edit) list;
};

static void add_lines(
	struct builder *b, const struct node *map, enum m_header_op op, struct edits *out)
{
	struct m_header_line *lines;
	size_t n;

	build_header_lines(b, map, &lines, &n);
	for (size_t i = 0; i < n; i++)
		vec_push(b->arena, &out->list,
			(struct m_header_edit){ op, lines[i].name, lines[i].value });
}

/* In the order in which they are done: remove, set, add. */
static void build_edits(
	struct builder *b, const struct node *map, struct m_header_edit **out, size_t *n_out)
{
	struct edits edits = { 0 };
	struct m_strs removed = value_strs(b, map, STR("remove"));

	for (size_t i = 0; i < removed.n; i++) {
		struct m_str name = { build_lower(b->arena, removed.at[i].value), removed.at[i].at };

		vec_push(b->arena, &edits.list,
			(struct m_header_edit){ .op = M_HEADER_REMOVE, .name = name });
	}
	add_lines(b, value_node(b, map, STR("set")), M_HEADER_SET, &edits);
	add_lines(b, value_node(b, map, STR("add")), M_HEADER_ADD, &edits);
	*out = edits.list.at;
	*n_out = edits.list.n;
}

static void build_headers(struct builder *b, const struct node *map, struct m_middleware *out)
{
	build_edits(b, value_node(b, map, STR("request")), &out->headers.request,
		&out->headers.n_request);
	build_edits(b, value_node(b, map, STR("response")), &out->headers.response,
		&out->headers.n_response);
}

/* ---- rate-limit ---- */

static void build_rate_limit(struct builder *b, const struct node *map, struct m_middleware *out)
{
	struct m_str rate = value_str(b, map, STR("rate"));
	struct m_str key = value_str(b, map, STR("key"));
	size_t colon = str_find_char(key.value, ':');
	struct str kind = str_slice(key.value, 0, colon);

	if (!rate_parse(rate.value, &out->rate_limit.rate))
		b->poisoned = true;
	out->rate_limit.at = map->key_span.source != 0 ? map->key_span : map->span;
	out->rate_limit.burst = value_count(b, map, STR("burst"));
	out->rate_limit.max_keys = value_count(b, map, STR("max_keys"));
	out->rate_limit.key = str_eq(kind, STR("header"))  ? M_KEY_HEADER
			      : str_eq(kind, STR("claim")) ? M_KEY_CLAIM
			      : str_eq(kind, STR("route")) ? M_KEY_ROUTE
							   : M_KEY_SOURCE;
	out->rate_limit.key_arg = (struct m_str){ STR(""), key.at };
	if (colon < key.value.len)
		out->rate_limit.key_arg.value = str_slice(key.value, colon + 1, key.value.len);
	if (out->rate_limit.key == M_KEY_HEADER)
		out->rate_limit.key_arg.value = build_lower(b->arena, out->rate_limit.key_arg.value);
}

/* ---- jwt ---- */

static void build_jwt(struct builder *b, const struct node *map, struct m_middleware *out)
{
	bool has_key = node_get(map, STR("secret")) != NULL || node_get(map, STR("jwks")) != NULL;

	out->jwt.secret = build_secret(b, map, STR("secret"));
	out->jwt.jwks = build_secret(b, map, STR("jwks"));
	out->jwt.from_environment = !has_key;
	out->jwt.algorithms = value_strs(b, map, STR("algorithms"));
	out->jwt.issuer = value_str(b, map, STR("issuer"));
	out->jwt.audience = value_strs(b, map, STR("audience"));
	out->jwt.leeway = value_ms(b, map, STR("leeway"));
	out->jwt.require_exp = value_bool(b, map, STR("require_exp"));
	out->jwt.header = value_str(b, map, STR("header"));
	out->jwt.header.value = build_lower(b->arena, out->jwt.header.value);
}

/* ---- request-id ---- */

static void build_request_id(struct builder *b, const struct node *map, struct m_middleware *out)
{
	out->request_id.header = value_str(b, map, STR("header"));
	out->request_id.header.value = build_lower(b->arena, out->request_id.header.value);
	out->request_id.trust_incoming = value_bool(b, map, STR("trust_incoming"));
}

/* ---- grpc-web ---- */

static void build_grpc_web(struct builder *b, const struct node *map, struct m_middleware *out)
{
	(void)b;
	(void)map;
	(void)out;
}

/* ---- all ---- */

static const struct {
	struct str name;
	enum m_mw_kind kind;
	void (*build)(struct builder *b, const struct node *map, struct m_middleware *out);
} kinds[] = {
	{ STR_INIT("headers"), M_MW_HEADERS, build_headers },
	{ STR_INIT("rate-limit"), M_MW_RATE_LIMIT, build_rate_limit },
	{ STR_INIT("jwt"), M_MW_JWT, build_jwt },
	{ STR_INIT("request-id"), M_MW_REQUEST_ID, build_request_id },
	{ STR_INIT("grpc-web"), M_MW_GRPC_WEB, build_grpc_web },
};

/* `n` is the map with one key that says which. */
static void build_middleware(struct builder *b, const struct node *n, struct m_str name)
{
	struct m_middleware out = { .node = (n->flags & NODE_DEFAULTED) != 0 ? NULL : n,
		.name = name };
	const struct node *settings = NULL;
	bool outer = b->poisoned;

	b->poisoned = !node_is_whole(n);
	for (size_t i = 0; settings == NULL && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		settings = value_node(b, n, kinds[i].name);
		if (settings == NULL || settings->kind != NODE_MAP)
			continue;
		out.kind = kinds[i].kind;
		kinds[i].build(b, settings, &out);
	}
	out.poisoned = b->poisoned || settings == NULL;
	b->poisoned = b->poisoned || outer;
	vec_push(b->arena, &b->middlewares, out);
}

static bool is_built(const struct builder *b, struct str name)
{
	for (size_t i = 0; i < b->middlewares.n; i++) {
		if (str_eq(b->middlewares.at[i].name.value, name))
			return true;
	}
	return false;
}

struct m_use build_use(struct builder *b, const struct node *n)
{
	struct m_use use = { .node = n, .name = node_str(n) };
	const struct node *built_in;

	if (n->kind == NODE_MAP) {
		use.name = (struct m_str){ node_path(b->arena, n), n->span };
		build_middleware(b, n, use.name);
		return use;
	}
	built_in = b->built_ins == NULL ? NULL : node_get(b->built_ins, n->text);
	if (built_in != NULL && (built_in->flags & NODE_DEFAULTED) != 0 && !is_built(b, n->text))
		build_middleware(b, built_in, (struct m_str){ n->text, n->span });
	return use;
}

void build_middlewares(struct builder *b, const struct node *map)
{
	if (map == NULL || map->kind != NODE_MAP)
		return;
	b->built_ins = map;
	for (const struct node *n = map->first; n != NULL; n = n->next) {
		if (n->kind == NODE_MAP && (n->flags & NODE_DEFAULTED) == 0)
			build_middleware(b, n, node_key(n));
	}
}
