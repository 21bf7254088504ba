/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/check.h"
#include "base/str.h"
#include "base/uri.h"
#include "model/build.h"
#include "schema/inner.h"
#include "schema/net_text.h"

/* ---- hosts ---- */

static struct m_host build_host(struct builder *b, const struct node *n)
{
	struct m_host host = { .kind = M_HOST_EXACT, .text = node_str(n) };
	struct str text = build_lower(b->arena, n->text);
	struct uri_authority at = { .is_ipv6 = false };

	if (str_starts(text, STR("*."))) {
		host.kind = M_HOST_WILDCARD;
		text = str_slice(text, 1, text.len);
	}
	if (str_starts(text, STR("[")))
		at = (struct uri_authority){ str_slice(text, 1, text.len - 2), 0, true };
	else
		at.host = text;
	uri_host_normalise(b->arena, &at, &host.text.value);
	return host;
}

static struct m_host *build_hosts(struct builder *b, const struct node *n, size_t *n_out)
{
	struct m_host *list;

	if (n == NULL)
		return NULL;
	list = ARENA_ARRAY(b->arena, struct m_host, n->kind == NODE_SEQ ? n->n_children : 1);
	for (const struct node *item = value_first(b, n); item != NULL;
		item = value_next(b, n, item)) {
		if (item->kind == NODE_STRING)
			list[(*n_out)++] = build_host(b, item);
	}
	return list;
}

/* ---- paths ---- */

/* The path with each parameter replaced by a segment that normalisation leaves alone, and back. */
#define STAND_IN "~p~"

static bool is_parameter(struct str segment)
{
	return segment.len > 2 && segment.ptr[0] == '{' && segment.ptr[segment.len - 1] == '}';
}

static struct str without_parameters(struct arena *a, struct str path)
{
	struct str out = STR_NONE, segment;

	while (str_split(&path, '/', &segment)) {
		struct str text = is_parameter(segment) ? STR(STAND_IN) : segment;

		out = out.ptr == NULL
			      ? arena_str(a, text)
			      : arena_printf(a, STR_FMT "/" STR_FMT, STR_ARG(out), STR_ARG(text));
	}
	return out;
}

/* The normal form with the parameters of `path` put back, in order. A parameter that
 * normalisation removed is left out, too. */
static struct str with_parameters(struct arena *a, struct str normal, struct str path)
{
	struct str out = STR_NONE, segment, original;

	while (str_split(&normal, '/', &segment)) {
		if (str_eq(segment, STR(STAND_IN))) {
			while (str_split(&path, '/', &original) && !is_parameter(original))
				;
			segment = original;
		}
		out = out.ptr == NULL ? arena_str(a, segment)
				      : arena_printf(a, STR_FMT "/" STR_FMT, STR_ARG(out),
						STR_ARG(segment));
	}
	return out;
}

static bool is_plain_path_byte(unsigned char c)
{
	return c > 0x20 && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\' && c != '^' &&
	       c != '`' && c != '|' && c != '{' && c != '}';
}

static struct str percent_encode(struct arena *a, struct str path)
{
	char *out = arena_bytes(a, path.len * 3 + 1);
	size_t n = 0;

	for (size_t i = 0; i < path.len; i++) {
		static const char hex[] = "0123456789ABCDEF";
		unsigned char c = (unsigned char)path.ptr[i];

		if (is_plain_path_byte(c)) {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '%';
		out[n++] = hex[c >> 4];
		out[n++] = hex[c & 15];
	}
	return (struct str){ out, n };
}

static void report_path(
	struct builder *b, const struct node *n, enum uri_error error, struct str plain)
{
	node_report(b->diags, n, DIAG_BAD_PATH, "'" STR_FMT "' cannot be the path of a request: %s",
		STR_ARG(n->text), uri_error_text(error));
	if (error == URI_BAD_CHARACTER)
		diag_note(b->diags, SPAN_NONE, "write it percent-encoded: " STR_FMT,
			STR_ARG(with_parameters(
				b->arena, percent_encode(b->arena, plain), n->text)));
	else if (error == URI_ENCODED_SLASH)
		diag_note(b->diags, SPAN_NONE,
			"requests with an encoded '/' are refused unless routing.encoded_slashes "
			"is keep");
	b->poisoned = true;
}

/* False if no request could have this path, which is reported. */
static bool check_normal(struct builder *b, const struct node *n)
{
	struct str plain = without_parameters(b->arena, n->text), normal, query;
	unsigned policy = (b->model->routing.merge_slashes ? 0u : URI_KEEP_SLASHES) |
			  (b->model->routing.allow_encoded_slashes ? URI_ALLOW_ENCODED_SLASH : 0u);
	enum uri_error error = uri_normalise(b->arena, plain, policy, &normal, &query);

	if (error == URI_OK && str_eq(plain, normal))
		return true;
	/* How paths are normalised may not be what was meant. */
	if (b->model->lacks_routing) {
		b->poisoned = true;
		return false;
	}
	if (error != URI_OK) {
		report_path(b, n, error, plain);
		return false;
	}
	node_report(b->diags, n, DIAG_PATH_NOT_NORMAL,
		"no request has the path '" STR_FMT "': it is read as '" STR_FMT "'",
		STR_ARG(n->text), STR_ARG(with_parameters(b->arena, normal, n->text)));
	b->poisoned = true;
	return false;
}

static void warn_star(struct builder *b, const struct node *n, size_t at)
{
	struct str before = str_slice(n->text, 0, at);

	while (before.len > 1 && before.ptr[before.len - 1] == '/')
		before.len--;
	node_inner_report(b->diags, n, at, 1, DIAG_PATH_STAR,
		"'*' is an ordinary character in a path");
	diag_note(b->diags, SPAN_NONE,
		"a path is a prefix: " STR_FMT
		" takes all paths below it; {name} takes one segment",
		STR_ARG(before));
}

static void build_segments(struct builder *b, const struct node *n, struct m_path *out)
{
	struct str rest = str_slice(n->text, 1, n->text.len), segment;
	size_t at = 1, n_slashes = 1;

	if (rest.len == 0 && out->kind == M_PATH_PREFIX)
		return;
	for (size_t i = 0; i < rest.len; i++)
		n_slashes += rest.ptr[i] == '/';
	out->segments = ARENA_ARRAY(b->arena, struct m_segment, n_slashes);
	while (str_split(&rest, '/', &segment)) {
		bool is_param = out->kind != M_PATH_EXACT && is_parameter(segment);

		out->segments[out->n_segments++] = (struct m_segment){
			.is_param = is_param,
			.text = is_param ? str_slice(segment, 1, segment.len - 2) : segment,
			.at = node_inner_span(b->diags, n, at, segment.len),
		};
		if (str_find_char(segment, '*') < segment.len && out->kind != M_PATH_EXACT)
			warn_star(b, n, at + str_find_char(segment, '*'));
		at += segment.len + 1;
	}
}

static const struct {
	struct str key;
	enum m_path_kind kind;
} path_kinds[] = {
	{ STR_INIT("prefix"), M_PATH_PREFIX },
	{ STR_INIT("exact"), M_PATH_EXACT },
	{ STR_INIT("template"), M_PATH_TEMPLATE },
	{ STR_INIT("regex"), M_PATH_REGEX },
};

static struct m_path build_path(struct builder *b, const struct node *n)
{
	struct m_path path = { .kind = M_PATH_PREFIX };
	const struct node *value = n->kind == NODE_MAP ? NULL : n;

	for (size_t i = 0; value == NULL && i < ARRAY_LEN(path_kinds); i++) {
		value = value_node(b, n, path_kinds[i].key);
		path.kind = path_kinds[i].kind;
	}
	if (value == NULL || value->kind != NODE_STRING) {
		b->poisoned = true;
		return path;
	}
	path.text = node_str(value);
	if (path.kind != M_PATH_REGEX && check_normal(b, value))
		build_segments(b, value, &path);
	return path;
}

static void build_paths(struct builder *b, const struct node *n, struct m_match *out)
{
	if (n == NULL)
		return;
	out->paths = ARENA_ARRAY(b->arena, struct m_path, n->kind == NODE_SEQ ? n->n_children : 1);
	for (const struct node *item = value_first(b, n); item != NULL;
		item = value_next(b, n, item)) {
		out->paths[out->n_paths] = build_path(b, item);
		out->n_paths += out->paths[out->n_paths].text.value.ptr != NULL;
	}
}

/* ---- headers, query, cookies ---- */

static const struct {
	struct str key;
	enum m_value_kind kind;
} value_kinds[] = {
	{ STR_INIT("exact"), M_VALUE_EXACT },
	{ STR_INIT("prefix"), M_VALUE_PREFIX },
	{ STR_INIT("suffix"), M_VALUE_SUFFIX },
	{ STR_INIT("regex"), M_VALUE_REGEX },
	{ STR_INIT("present"), M_VALUE_PRESENT },
};

static struct m_value_match build_value(struct builder *b, const struct node *n)
{
	struct m_value_match match = { .kind = M_VALUE_EXACT };
	const struct node *value = n->kind == NODE_MAP ? NULL : n;

	for (size_t i = 0; value == NULL && i < ARRAY_LEN(value_kinds); i++) {
		value = value_node(b, n, value_kinds[i].key);
		match.kind = value_kinds[i].kind;
	}
	if (value == NULL) {
		b->poisoned = true;
		return match;
	}
	match.text = node_str(value);
	if (match.kind == M_VALUE_PRESENT) {
		match.kind = value->boolean ? M_VALUE_PRESENT : M_VALUE_ABSENT;
		match.text.value = STR("");
	}
	return match;
}

static struct m_field_match *build_fields(
	struct builder *b, const struct node *map, bool is_header, size_t *n_out)
{
	struct m_field_match *fields;
	size_t n = 0;

	*n_out = 0;
	if (map == NULL || map->kind != NODE_MAP)
		return NULL;
	fields = ARENA_ARRAY(b->arena, struct m_field_match, map->n_children);
	for (const struct node *member = map->first; member != NULL; member = member->next) {
		struct m_field_match *f = &fields[n];

		if ((member->flags & NODE_POISONED) != 0) {
			b->poisoned = true;
			continue;
		}
		f->name = node_key(member);
		if (is_header)
			f->name.value = build_lower(b->arena, member->key);
		f->any_of = ARENA_ARRAY(b->arena, struct m_value_match,
			member->kind == NODE_SEQ ? member->n_children : 1);
		for (const struct node *item = value_first(b, member); item != NULL;
			item = value_next(b, member, item))
			f->any_of[f->n++] = build_value(b, item);
		n++;
	}
	*n_out = n;
	return fields;
}

/* ---- the rest ---- */

void build_cidrs(
	struct builder *b, const struct node *map, struct str key, struct m_cidr **out, size_t *n_out)
{
	struct m_strs texts = value_strs(b, map, key);
	struct m_cidr *list = ARENA_ARRAY(b->arena, struct m_cidr, texts.n);
	size_t n = 0;

	for (size_t i = 0; i < texts.n; i++) {
		struct m_cidr *cidr = &list[n];
		bool is_v4;

		cidr->text = texts.at[i];
		if (net_text_cidr(texts.at[i].value, cidr->addr, &cidr->bits, &is_v4))
			n++;
	}
	*out = list;
	*n_out = n;
}

void build_match(struct builder *b, const struct node *map, struct m_match *out)
{
	struct m_strs list;

	if (map == NULL)
		return;
	out->at = map->key_span.source != 0 ? map->key_span : map->span;
	out->hosts = build_hosts(b, value_node(b, map, STR("host")), &out->n_hosts);
	out->snis = build_hosts(b, value_node(b, map, STR("sni")), &out->n_snis);
	build_paths(b, value_node(b, map, STR("path")), out);
	list = value_strs(b, map, STR("method"));
	out->methods = list.at;
	out->n_methods = list.n;
	list = value_strs(b, map, STR("scheme"));
	out->schemes = list.at;
	out->n_schemes = list.n;
	out->headers = build_fields(b, value_node(b, map, STR("headers")), true, &out->n_headers);
	out->queries = build_fields(b, value_node(b, map, STR("query")), false, &out->n_queries);
	out->cookies = build_fields(b, value_node(b, map, STR("cookies")), false, &out->n_cookies);
	out->clients = build_fields(b, value_node(b, map, STR("client_certificate")), false, &out->n_clients);
	build_cidrs(b, map, STR("source"), &out->sources, &out->n_sources);
	build_match_grpc(b, value_node(b, map, STR("grpc")), out);
}
