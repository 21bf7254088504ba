/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/check.h"
#include "base/str.h"
#include "plan/build.h"

static struct re *value_language(struct builder *b, const struct m_value_match *v)
{
	struct arena *a = b->arena;
	struct re_error error;
	struct re *re = NULL;

	switch (v->kind) {
	case M_VALUE_EXACT:
		return re_literal(a, v->text.value, false);
	case M_VALUE_PREFIX:
		return re_cat(a, re_literal(a, v->text.value, false), re_any_string(a));
	case M_VALUE_SUFFIX:
		return re_cat(a, re_any_string(a), re_literal(a, v->text.value, false));
	case M_VALUE_REGEX:
		re = re_parse(a, v->text.value, &error);
		break;
	case M_VALUE_PRESENT:
	case M_VALUE_ABSENT:
		break;
	}
	if (re == NULL)
		plan_build_unresolved(b);
	return re == NULL ? re_any_string(a) : re;
}

static struct re *either(struct arena *a, struct re *x, struct re *y)
{
	return x == NULL ? y : re_alt(a, x, y);
}

/* The regex alternatives of a field. */
struct regexes {
	struct re **at;
	const struct m_str **texts;
	uint32_t n;
};

/* The one that adds most is to blame. */
static void report_regexes(struct builder *b, const struct plan_field *f, const struct regexes *r)
{
	static const char *const kinds[] = { "header", "query parameter", "cookie", "server name" };
	uint32_t culprit = 0;
	struct dfa apart;

	dfa_build(b->arena, r->at, r->n, PLAN_STATES_REGEX, &apart, &culprit);
	plan_build_too_many_states(b, r->texts[culprit]->at,
		arena_printf(b->arena, "'regex " STR_FMT "' for %s '" STR_FMT "'", STR_ARG(r->texts[culprit]->value), kinds[f->where],
			STR_ARG(f->name)),
		r->at[culprit], PLAN_STATES_REGEX);
}

/* The regex alternatives as one matcher of one pattern, or NULL. */
static struct plan_matcher *regex_matcher(struct builder *b, const struct plan_field *f, const struct regexes *r)
{
	struct plan_matcher *m;
	struct re **pattern;
	uint32_t culprit;

	if (r->n == 0)
		return NULL;
	m = ARENA_NEW(b->arena, struct plan_matcher);
	pattern = ARENA_ARRAY(b->arena, struct re *, 1);
	for (uint32_t i = 0; i < r->n; i++)
		pattern[0] = either(b->arena, pattern[0], r->at[i]);
	m->names = &r->texts[0]->value;
	m->patterns = pattern;
	m->n = 1;
	if (dfa_build(b->arena, m->patterns, 1, PLAN_STATES_REGEX, &m->dfa, &culprit) == DFA_OK)
		return m;
	report_regexes(b, f, r);
	return NULL;
}

static void build_field(struct builder *b, const struct m_field_match *from, enum toron_where where,
	struct plan_field *out)
{
	struct m_value_match *values = ARENA_ARRAY(b->arena, struct m_value_match, from->n);
	struct regexes regexes = {
		.at = ARENA_ARRAY(b->arena, struct re *, from->n),
		.texts = ARENA_ARRAY(b->arena, const struct m_str *, from->n),
	};

	*out = (struct plan_field){ .where = where, .name = from->name.value, .values = values };
	for (size_t i = 0; i < from->n; i++) {
		const struct m_value_match *v = &from->any_of[i];
		struct re *re;

		out->present |= v->kind == M_VALUE_PRESENT;
		out->absent |= v->kind == M_VALUE_ABSENT;
		if (v->kind == M_VALUE_PRESENT || v->kind == M_VALUE_ABSENT)
			continue;
		values[out->n++] = *v;
		re = value_language(b, v);
		out->language = either(b->arena, out->language, re);
		if (v->kind != M_VALUE_REGEX)
			continue;
		regexes.texts[regexes.n] = &v->text;
		regexes.at[regexes.n++] = re;
	}
	out->regex = regex_matcher(b, out, &regexes);
}

/* The name that a client may ask for, with the labels that "*" stands for. */
static struct re *sni_language(struct arena *a, const struct m_host *host)
{
	struct re *name = re_literal(a, host->text.value, false);
	uint8_t bytes[32] = { 0 };

	if (host->kind == M_HOST_EXACT)
		return name;
	for (const char *at = PLAN_SNI_BYTES; *at != '\0'; at++)
		bytes[*at >> 3] |= (uint8_t)(1u << (*at & 7));
	return re_cat(a, re_repeat(a, re_set(a, bytes), 1, -1), name);
}

static void build_sni(struct builder *b, const struct m_match *m, struct plan_field *out)
{
	struct m_value_match *values = ARENA_ARRAY(b->arena, struct m_value_match, m->n_snis);

	*out = (struct plan_field){ .where = TORON_IN_SNI, .name = STR(""), .values = values };
	for (size_t i = 0; i < m->n_snis; i++) {
		values[out->n++] = (struct m_value_match){
			m->snis[i].kind == M_HOST_EXACT ? M_VALUE_EXACT : M_VALUE_SUFFIX, m->snis[i].text,
		};
		out->language = either(b->arena, out->language, sni_language(b->arena, &m->snis[i]));
	}
}

void plan_build_when(struct builder *b, const struct plan_route *r, struct plan_when *when)
{
	const struct m_match *m = &r->model->match;
	uint32_t n = 0;

	*when = (struct plan_when){
		.fields = ARENA_ARRAY(
			b->arena, struct plan_field, m->n_headers + m->n_queries + m->n_cookies + m->n_clients + 1),
		.n_headers = (uint32_t)m->n_headers,
		.n_queries = (uint32_t)m->n_queries,
		.n_cookies = (uint32_t)m->n_cookies,
		.n_clients = (uint32_t)m->n_clients,
		.http = m->n_schemes == 0,
		.https = m->n_schemes == 0,
		.sources = m->sources,
		.n_sources = (uint32_t)m->n_sources,
	};
	for (size_t i = 0; i < m->n_headers; i++)
		build_field(b, &m->headers[i], TORON_IN_HEADER, &when->fields[n++]);
	for (size_t i = 0; i < m->n_queries; i++)
		build_field(b, &m->queries[i], TORON_IN_QUERY, &when->fields[n++]);
	for (size_t i = 0; i < m->n_cookies; i++)
		build_field(b, &m->cookies[i], TORON_IN_COOKIE, &when->fields[n++]);
	for (size_t i = 0; i < m->n_clients; i++)
		build_field(b, &m->clients[i], TORON_IN_CLIENT, &when->fields[n++]);
	if (m->n_snis > 0)
		build_sni(b, m, &when->fields[n++]);
	when->n_fields = n;
	for (size_t i = 0; i < m->n_schemes; i++) {
		when->http |= str_eq(m->schemes[i].value, STR("http"));
		when->https |= str_eq(m->schemes[i].value, STR("https"));
	}
}
