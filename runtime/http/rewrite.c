/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "http/rewrite.h"

#include "base/capture.h"
#include "base/str.h"
#include "base/uri.h"
#include "toron/gateway.h"

/* The path behind the prefix, which ends where a segment does: "" or "/...". */
static struct str without_prefix(struct str path, struct str prefix)
{
	if (!str_starts(path, prefix) ||
		(path.len > prefix.len && path.ptr[prefix.len] != '/'))
		return path;
	return str_slice(path, prefix.len, path.len);
}

/* What a regex makes of the path; the path itself if it does not take it. */
static struct str replaced(struct exchange *x, const struct toron_rewrite *r)
{
	struct str groups[TORON_CAPTURE_GROUPS + 1], path;

	if (!capture_run(r->regex, x->path, groups))
		return x->path;
	x->captures = groups;
	path = toron_template_text(x, &r->to);
	x->captures = NULL;
	return path;
}

/* Path and query as the rewrite says. */
static struct str target_of(struct exchange *x, const struct toron_rewrite *r)
{
	struct str path = x->path, query = x->query;

	if (r->path.n > 0 || r->regex != NULL) {
		path = r->regex != NULL ? replaced(x, r) : toron_template_text(x, &r->path);
		if (str_find_char(path, '?') < path.len)
			query = STR_NONE;
	} else {
		path = without_prefix(path, r->strip_prefix);
		if (path.len == 0 && r->prefix.len == 0)
			path = STR("/");
	}
	return arena_printf(&x->arena, STR_FMT STR_FMT "%s" STR_FMT, STR_ARG(r->prefix),
		STR_ARG(path), query.ptr == NULL ? "" : "?", STR_ARG(query));
}

/* Header fields and claims can put anything into a template: the result is normalised as a
 * client's target is. */
static bool set_path(struct exchange *x, const struct toron_rewrite *r)
{
	struct str target = target_of(x, r), path, query;

	if (target.ptr == NULL ||
		uri_normalise(&x->arena, target, x->listener->uri_policy, &path, &query) != URI_OK)
		return false;
	if (query.ptr != NULL)
		path = arena_printf(
			&x->arena, STR_FMT "?" STR_FMT, STR_ARG(path), STR_ARG(query));
	if (path.ptr == NULL)
		return false;
	x->request.path = path;
	return true;
}

bool rewrite_apply(struct exchange *x, const struct toron_rewrite *r)
{
	struct uri_authority parsed;
	struct str host = r->host.n == 0 ? STR_NONE : toron_template_text(x, &r->host);

	if (r->host.n > 0 && (host.ptr == NULL || uri_authority_parse(host, &parsed) != URI_OK))
		return false;
	if (!set_path(x, r))
		return false;
	if (host.ptr != NULL)
		x->request.authority = host;
	return true;
}
