/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "prove/resolve.h"

#include "base/capture.h"
#include "base/str.h"
#include "base/uri.h"

static struct str header_of(const struct sample *s, struct str name)
{
	for (uint32_t i = 0; i < s->n_fields; i++)
		if (s->fields[i].where == TORON_IN_HEADER && str_eq(s->fields[i].name, name))
			return s->fields[i].value;
	return STR("");
}

static struct str query_of(struct arena *a, const struct sample *s)
{
	struct lookup_request r;

	sample_request(a, s, &r);
	return r.query;
}

static bool part_text(struct arena *a, const struct plan *p, const struct sample *s, uint32_t rank,
	const struct plan_part *part, const struct str *groups, struct str *text_out)
{
	switch (part->kind) {
	case TORON_PART_LITERAL:
		*text_out = part->text;
		return true;
	case TORON_PART_PATH:
		*text_out = s->path;
		return true;
	case TORON_PART_QUERY:
		*text_out = query_of(a, s);
		return true;
	case TORON_PART_HOST:
		*text_out = s->host;
		return true;
	case TORON_PART_METHOD:
		*text_out = s->method;
		return true;
	case TORON_PART_SCHEME:
		*text_out = s->scheme;
		return true;
	case TORON_PART_HEADER:
		*text_out = header_of(s, part->text);
		return true;
	case TORON_PART_PARAM:
		*text_out = lookup_param(p, &p->entries[rank], s->path, part->index);
		return true;
	case TORON_PART_CAPTURE:
		*text_out = groups == NULL ? STR_NONE : groups[part->index];
		return true;
	default:
		return false;
	}
}

bool resolve_template(struct arena *a, const struct plan *p, const struct sample *s, uint32_t rank,
	const struct plan_template *t, const struct str *groups, struct str *text_out)
{
	struct str text = STR("");

	for (uint32_t i = 0; i < t->n; i++) {
		struct str part;

		if (!part_text(a, p, s, rank, &t->parts[i], groups, &part))
			return false;
		text = arena_printf(a, STR_FMT STR_FMT, STR_ARG(text), STR_ARG(part));
	}
	*text_out = text;
	return true;
}

/* The path behind the prefix, which ends where a segment does (as in runtime/http/rewrite.c). */
static struct str without_prefix(struct str path, struct str prefix)
{
	if (!str_starts(path, prefix) || (path.len > prefix.len && path.ptr[prefix.len] != '/'))
		return path;
	return str_slice(path, prefix.len, path.len);
}

/* The new target before it is normalised, without the request's query. */
static bool target_of(struct arena *a, const struct plan *p, const struct sample *s, uint32_t rank,
	const struct plan_rewrite *r, struct str *target_out)
{
	struct str groups[TORON_CAPTURE_GROUPS + 1], path;

	if (r->path.n > 0)
		return resolve_template(a, p, s, rank, &r->path, NULL, target_out);
	*target_out = s->path;
	if (r->regex != NULL)
		return !capture_run(r->capture, s->path, groups) ||
		       resolve_template(a, p, s, rank, &r->to, groups, target_out);
	path = without_prefix(s->path, r->strip_prefix);
	*target_out = arena_printf(a, STR_FMT STR_FMT, STR_ARG(r->prefix),
		STR_ARG(path.len == 0 && r->prefix.len == 0 ? STR("/") : path));
	return true;
}

enum resolve_status resolve_rewrite(struct arena *a, const struct plan *p, const struct sample *s, uint32_t rank,
	struct str *path_out, struct str *query_out, struct str *host_out)
{
	const struct plan_rewrite *r = p->routes[p->entries[rank].route].rewrite;
	struct uri_authority parsed;
	struct str target;

	*path_out = s->path;
	*query_out = query_of(a, s);
	*host_out = s->host;
	if (r == NULL)
		return RESOLVE_OK;
	if (r->host.n > 0 && !resolve_template(a, p, s, rank, &r->host, NULL, host_out))
		return RESOLVE_UNKNOWN;
	if (r->host.n > 0 && uri_authority_parse(*host_out, &parsed) != URI_OK)
		return RESOLVE_REFUSED;
	if (!target_of(a, p, s, rank, r, &target))
		return RESOLVE_UNKNOWN;
	if (str_find_char(target, '?') == target.len && query_out->ptr != NULL)
		target = arena_printf(a, STR_FMT "?" STR_FMT, STR_ARG(target), STR_ARG(*query_out));
	return uri_normalise(a, target, p->uri_policy, path_out, query_out) == URI_OK ? RESOLVE_OK : RESOLVE_REFUSED;
}
