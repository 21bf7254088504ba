/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whether what templated strings refer to is there: path parameters in every path of the route,
 * claims behind a jwt middleware. */
#include "base/str.h"
#include "base/vec.h"
#include "check/context.h"

/* One route, and the place in its chain from which things are looked at. */
struct scope {
	struct checker *checker;
	const struct m_route *route;
	bool has_claims;         /* a jwt middleware came before */
	const struct m_use *use; /* NULL: the route's own strings */
};

/* Where the middleware `n` is used, unless it is written there. */
static void note_use(const struct scope *s, const struct node *n)
{
	if (s->use != NULL && s->use->node != n)
		diag_note(s->checker->diags, s->use->node->span, "it is used here");
}

static bool path_has(const struct m_path *p, struct str name)
{
	for (size_t i = 0; i < p->n_segments; i++) {
		if (p->segments[i].is_param && str_eq(p->segments[i].text, name))
			return true;
	}
	return false;
}

/* The path that lacks the parameter, or NULL if there is none. */
static const struct m_path *path_without(const struct m_match *m, struct str name)
{
	for (size_t i = 0; i < m->n_paths; i++) {
		if (!path_has(&m->paths[i], name))
			return &m->paths[i];
	}
	return NULL;
}

static void suggest_parameter(struct scope *s, struct str name)
{
	const struct m_match *m = &s->route->match;
	VEC(struct str) names = { 0 };
	struct str nearest;

	for (size_t i = 0; i < m->n_paths; i++) {
		for (size_t k = 0; k < m->paths[i].n_segments; k++) {
			if (m->paths[i].segments[k].is_param)
				vec_push(s->checker->arena, &names, m->paths[i].segments[k].text);
		}
	}
	nearest = diag_nearest(name, names.at, names.n);
	if (nearest.ptr == NULL && names.n == 1)
		nearest = names.at[0];
	for (size_t i = 0; nearest.ptr != NULL && !str_eq(nearest, name) && i < m->n_paths; i++) {
		for (size_t k = 0; k < m->paths[i].n_segments; k++) {
			const struct m_segment *segment = &m->paths[i].segments[k];

			if (!segment->is_param || !str_eq(segment->text, nearest))
				continue;
			diag_note(s->checker->diags, segment->at,
				"did you mean '" STR_FMT "', from this path?", STR_ARG(nearest));
			return;
		}
	}
}

static void check_parameter(struct scope *s, const struct node *n, const struct m_part *part)
{
	const struct m_match *m = &s->route->match;
	const struct m_path *lacking = path_without(m, part->arg);

	if (s->route->poisoned || (m->n_paths > 0 && lacking == NULL))
		return;
	check_report(s->checker, n, NULL, part->at, DIAG_REFERENCE_NOT_THERE,
		"the route%s has no path parameter '" STR_FMT "'",
		s->use == NULL || s->use->node == n ? "" : " that uses this", STR_ARG(part->arg));
	note_use(s, n);
	suggest_parameter(s, part->arg);
	if (m->n_paths > 1 && !path_has(lacking, part->arg))
		diag_note(s->checker->diags, lacking->text.at, "this path does not have it");
}

static void check_claim(struct scope *s, const struct node *n, const struct m_part *part)
{
	if (s->has_claims || s->route->poisoned)
		return;
	check_report(s->checker, n, NULL, part->at, DIAG_CLAIM_WITHOUT_JWT,
		"there is no claim '" STR_FMT "' here: no jwt middleware comes before",
		STR_ARG(part->arg));
	note_use(s, n);
}

static void check_template(struct scope *s, const struct node *n, const struct m_template *t)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->parts[i].kind == M_PART_PATH)
			check_parameter(s, n, &t->parts[i]);
		else if (t->parts[i].kind == M_PART_CLAIM)
			check_claim(s, n, &t->parts[i]);
	}
}

/* Or a middleware that may have been meant to be one. */
static bool chain_has_jwt(const struct checker *c, const struct m_route *r)
{
	for (size_t i = 0; i < r->n_uses; i++) {
		const struct m_middleware *m = map_get(&c->middlewares, r->uses[i].name.value);

		if (m == NULL || m->poisoned || m->kind == M_MW_JWT)
			return true;
	}
	return false;
}

static void check_edits(struct scope *s, const struct m_middleware *m)
{
	bool before = s->has_claims;

	for (size_t i = 0; i < m->headers.n_request; i++)
		check_template(s, m->node, &m->headers.request[i].value);
	/* The response passes when the whole chain has seen the request. */
	s->has_claims = chain_has_jwt(s->checker, s->route);
	for (size_t i = 0; i < m->headers.n_response; i++)
		check_template(s, m->node, &m->headers.response[i].value);
	s->has_claims = before;
}

static void check_key(struct scope *s, const struct m_middleware *m)
{
	if (m->rate_limit.key != M_KEY_CLAIM || s->has_claims || s->route->poisoned)
		return;
	check_report(s->checker, m->node, NULL, m->rate_limit.key_arg.at, DIAG_CLAIM_WITHOUT_JWT,
		"there is no claim '" STR_FMT "' here: no jwt middleware comes before",
		STR_ARG(m->rate_limit.key_arg.value));
	note_use(s, m->node);
}

void check_templates(struct checker *c, const struct m_route *r)
{
	struct scope s = { .checker = c, .route = r };
	const struct m_action *a = &r->action;

	for (size_t i = 0; i < r->n_uses; i++) {
		const struct m_middleware *m = map_get(&c->middlewares, r->uses[i].name.value);

		s.use = &r->uses[i];
		/* It may have been meant to be the one that claims come from. */
		s.has_claims = s.has_claims || m == NULL || m->poisoned;
		if (m == NULL || m->poisoned)
			continue;
		if (m->kind == M_MW_HEADERS && m->node != NULL)
			check_edits(&s, m);
		else if (m->kind == M_MW_RATE_LIMIT && m->node != NULL)
			check_key(&s, m);
		s.has_claims = s.has_claims || m->kind == M_MW_JWT;
	}
	s.use = NULL;
	for (size_t i = 0; i < a->n_headers; i++)
		check_template(&s, r->node, &a->headers[i].value);
	check_template(&s, r->node, &a->body);
	check_template(&s, r->node, &a->to);
	check_template(&s, r->node, &r->rewrite.path);
	check_template(&s, r->node, &r->rewrite.host);
	check_template(&s, r->node, &r->rewrite.to);
}
