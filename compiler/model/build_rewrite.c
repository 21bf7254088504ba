/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/str.h"
#include "base/uri.h"
#include "model/build.h"

static unsigned policy(const struct m_routing *r)
{
	return (r->merge_slashes ? 0u : URI_KEEP_SLASHES) |
	       (r->allow_encoded_slashes ? URI_ALLOW_ENCODED_SLASH : 0u);
}

/* A prefix as it is compared with normalised paths: "/" is none. */
static struct m_str build_prefix(struct builder *b, const struct node *map, struct str key)
{
	struct m_str prefix = value_str(b, map, key);
	struct str path, query;
	enum uri_error e;

	if (prefix.value.ptr == NULL)
		return prefix;
	e = uri_normalise(
		b->arena, prefix.value, policy(&b->model->routing), &path, &query);
	if (e != URI_OK || query.ptr != NULL) {
		node_report(b->diags, node_get(map, key), DIAG_BAD_REWRITE,
			"'" STR_FMT "' is no path: %s", STR_ARG(prefix.value),
			e != URI_OK ? uri_error_text(e) : "it has a query");
		b->poisoned = true;
		return prefix;
	}
	if (str_ends(path, STR("/")))
		path.len--;
	prefix.value = path;
	return prefix;
}

static void build_optional(
	struct builder *b, const struct node *map, struct str key, struct m_template *out)
{
	const struct node *n = value_node(b, map, key);

	if (n != NULL)
		build_template(b, n, out);
}

static void build_regex(struct builder *b, const struct node *map, struct m_rewrite *out)
{
	const struct node *regex = value_node(b, map, STR("regex"));
	const struct node *to = regex == NULL ? NULL : value_node(b, regex, STR("to"));

	if (to == NULL)
		return;
	out->regex = value_str(b, regex, STR("match"));
	build_target_template(b, to, &out->to);
	if (out->path.n > 0 || out->prefix.value.ptr != NULL || out->strip_prefix.value.ptr != NULL)
		node_report(b->diags, regex, DIAG_BAD_REWRITE,
			"'regex' makes the whole path: 'path', 'strip_prefix' and 'prefix' do not go with it");
}

void build_rewrite(struct builder *b, const struct node *map, struct m_rewrite *out)
{
	if (map == NULL)
		return;
	out->at = map->key_span.source != 0 ? map->key_span : map->span;
	out->strip_prefix = build_prefix(b, map, STR("strip_prefix"));
	out->prefix = build_prefix(b, map, STR("prefix"));
	build_optional(b, map, STR("path"), &out->path);
	build_optional(b, map, STR("host"), &out->host);
	build_regex(b, map, out);
	if (out->path.n > 0 && (out->prefix.value.ptr != NULL || out->strip_prefix.value.ptr != NULL))
		node_report(b->diags, map, DIAG_BAD_REWRITE,
			"'path' is the whole path: 'strip_prefix' and 'prefix' do not go with it");
}
