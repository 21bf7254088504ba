/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "prove/rewrites.h"

#include "base/capture.h"
#include "base/str.h"
#include "base/uri.h"
#include "prove/normal.h"

/* States for one path and one rewrite together; beyond them nothing is said. */
#define STATES 20000u

/* The paths that a rewrite changes; NULL: all. */
static struct re *changed(struct arena *a, const struct plan_rewrite *r)
{
	struct re *below;

	if (r->regex != NULL)
		return r->regex;
	if (r->strip_prefix.len == 0)
		return NULL;
	below = re_cat(a, re_literal(a, STR("/"), false), re_any_string(a));
	return re_cat(a, re_literal(a, r->strip_prefix, false), re_repeat(a, below, 0, 1));
}

/* A string of all three languages, or STR_NONE; *is_known_out: whether that is certain. */
static struct str common(struct arena *a, struct re *const languages[3], bool *is_known_out)
{
	uint32_t culprit;
	struct dfa d;

	*is_known_out = dfa_build(a, languages, 3, STATES, &d, &culprit) == DFA_OK;
	for (uint32_t i = 0; *is_known_out && i < d.n_sets; i++)
		if (d.sets[i].n == 3)
			return dfa_witness(&d, a, i);
	return STR_NONE;
}

/* Whether no normalised path of this entry is changed. *example_out: one that is not, in `keep`. */
static bool never_applies(struct arena *keep, const struct plan *p, uint32_t entry, struct str *example_out)
{
	const struct plan_route *route = &p->routes[p->entries[entry].route];
	struct re *path = p->paths[p->entries[entry].path].re, *normal, *language;
	bool is_known, is_shown, never;
	struct arena a;

	arena_init_unbounded(&a);
	normal = normal_paths(&a, p->uri_policy);
	language = changed(&a, route->rewrite);
	never = language != NULL &&
		common(&a, (struct re *const[]){ normal, path, language }, &is_known).ptr == NULL && is_known;
	if (never)
		*example_out = common(keep, (struct re *const[]){ normal, path, path }, &is_shown);
	arena_fini(&a);
	return never;
}

static void report(struct diags *d, const struct plan_route *r, struct str example)
{
	const struct m_rewrite *m = &r->model->rewrite;
	bool is_regex = r->rewrite->regex != NULL;

	diag_report(d, DIAG_REWRITE_NEVER, is_regex ? m->regex.at : m->strip_prefix.at,
		"the rewrite of route '" STR_FMT "' never applies: %s", STR_ARG(r->name),
		is_regex ? "the regular expression takes no path of the route as a whole"
			 : "no path of the route begins with this prefix");
	if (r->model->match.n_paths > 0)
		diag_note(d, r->model->match.paths[0].text.at, "the route's path is here");
	if (example.ptr != NULL)
		diag_note(d, SPAN_NONE, "for example, " STR_FMT " stays as it is", STR_ARG(example));
}

/* What is known of a route's rewrite. */
struct verdict {
	bool applies;
	struct str example; /* a path that stays as it is; ptr NULL: none so far */
};

/* Most rewrites change the path of the request that shows that their route takes any. */
static bool applies_to_sample(const struct plan *p, const struct reach *r, uint32_t entry)
{
	const struct plan_rewrite *rewrite = p->routes[p->entries[entry].route].rewrite;
	struct str groups[TORON_CAPTURE_GROUPS + 1], path = r->samples[entry].path;

	if (r->verdicts[entry] != REACH_TAKES)
		return false;
	if (rewrite->regex != NULL)
		return capture_run(rewrite->capture, path, groups);
	return str_starts(path, rewrite->strip_prefix) &&
	       (path.len == rewrite->strip_prefix.len || path.ptr[rewrite->strip_prefix.len] == '/');
}

void prove_rewrites(struct arena *a, struct diags *d, const struct plan *p, const struct reach *r)
{
	struct verdict *of = ARENA_ARRAY(a, struct verdict, p->n_routes);

	for (uint32_t i = 0; i < p->n_entries; i++) {
		struct verdict *v = &of[p->entries[i].route];

		if (p->routes[p->entries[i].route].rewrite != NULL && !v->applies)
			v->applies = applies_to_sample(p, r, i) || !never_applies(a, p, i, &v->example);
	}
	for (uint32_t i = 0; i < p->n_routes; i++)
		if (p->routes[i].rewrite != NULL && !of[i].applies)
			report(d, &p->routes[i], of[i].example);
}
