/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "automata/capture_build.h"
#include "base/check.h"
#include "base/str.h"
#include "plan/build.h"

/* A path with a parameter further to the right than this cannot be told in a candidate's params. */
#define SEGMENT_LAST (PLAN_NO_SEGMENT - 1)

static uint32_t standard_method(struct str name)
{
	static const struct {
		const char *name;
		uint32_t bit;
	} methods[] = {
		{ "GET", TORON_GET },
		{ "HEAD", TORON_HEAD },
		{ "POST", TORON_POST },
		{ "PUT", TORON_PUT },
		{ "DELETE", TORON_DELETE },
		{ "CONNECT", TORON_CONNECT },
		{ "OPTIONS", TORON_OPTIONS },
		{ "TRACE", TORON_TRACE },
		{ "PATCH", TORON_PATCH },
	};

	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (str_eq(name, str_of(methods[i].name)))
			return methods[i].bit;
	return 0;
}

static uint32_t method_bit(struct builder *b, const struct m_str *method)
{
	uint32_t bit = standard_method(method->value);
	uint32_t i = index_get(&b->method_bits, method->value);

	if (bit != 0)
		return bit;
	if (i == PLAN_NONE) {
		i = (uint32_t)b->extra_methods.n;
		if (i == PLAN_MAX_EXTRA_METHODS)
			diag_report(b->diags, DIAG_TOO_MANY_METHODS, method->at,
				"'" STR_FMT "' is one more than the %u methods beyond the standard "
					    "ones that a gateway can tell apart",
				STR_ARG(method->value), PLAN_MAX_EXTRA_METHODS);
		vec_push(b->arena, &b->extra_methods, method->value);
		CHECK(map_add(&b->method_bits, method->value, index_value(i)));
	}
	return i < PLAN_MAX_EXTRA_METHODS ? (uint32_t)TORON_METHOD_EXTRA << i : 0;
}

static uint32_t method_bits(struct builder *b, const struct m_match *m)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < m->n_methods; i++)
		bits |= method_bit(b, &m->methods[i]);
	return (bits & TORON_GET) != 0 ? bits | TORON_HEAD : bits;
}

static bool has_param(const struct plan_route *r, struct str name)
{
	for (uint32_t i = 0; i < r->n_params; i++)
		if (str_eq(r->params[i], name))
			return true;
	return false;
}

/* The canonical order of a route's path parameters: as they first appear. */
static void name_params(struct builder *b, struct plan_route *r)
{
	const struct m_match *m = &r->model->match;
	VEC(struct str) names = { 0 };

	for (size_t i = 0; i < m->n_paths; i++) {
		const struct m_path *form = &m->paths[i];

		for (size_t k = 0; k < form->n_segments; k++) {
			const struct m_segment *s = &form->segments[k];

			if (!s->is_param || has_param(r, s->text))
				continue;
			vec_push(b->arena, &names, s->text);
			r->params = names.at;
			r->n_params = (uint32_t)names.n;
			if (k > SEGMENT_LAST)
				diag_report(b->diags, DIAG_PARAM_TOO_DEEP, s->at,
					"parameter '" STR_FMT "' stands behind segment %u",
					STR_ARG(s->text), SEGMENT_LAST);
		}
	}
}

/* Where in this form the route's parameters are. */
static const uint8_t *locate_params(
	struct builder *b, const struct plan_route *r, const struct m_path *form)
{
	uint8_t *at;

	if (r->n_params == 0)
		return NULL;
	at = ARENA_ARRAY(b->arena, uint8_t, r->n_params);
	for (uint32_t i = 0; i < r->n_params; i++) {
		at[i] = PLAN_NO_SEGMENT;
		for (size_t k = 0;
			k < form->n_segments && k <= SEGMENT_LAST && at[i] == PLAN_NO_SEGMENT; k++)
			if (form->segments[k].is_param &&
				str_eq(form->segments[k].text, r->params[i]))
				at[i] = (uint8_t)k;
	}
	return at;
}

/* ---- hosts ---- */

struct host_forms {
	struct plan_hosts *at;
	size_t n, cap;
};

static enum plan_host_kind host_kind(const struct m_host *h)
{
	return h->kind == M_HOST_EXACT ? PLAN_HOST_EXACT : PLAN_HOST_WILDCARD;
}

static bool same_form(const struct plan_hosts *form, const struct m_host *h)
{
	return form->kind == host_kind(h) &&
	       (form->kind == PLAN_HOST_EXACT || form->at[0].len == h->text.value.len);
}

/* Puts the host where it belongs in form->at, which has room; false if it is there already. */
static void insert_host(struct plan_hosts *form, struct str *at, struct str host)
{
	uint32_t i = form->n;

	for (uint32_t k = 0; k < form->n; k++)
		if (str_eq(at[k], host))
			return;
	for (; i > 0 && str_cmp(at[i - 1], host) > 0; i--)
		at[i] = at[i - 1];
	at[i] = host;
	form->n++;
}

/* The hosts of a match by host form: they are few, so that each form gets room for all. */
static struct host_forms host_forms(struct builder *b, const struct m_match *m)
{
	struct host_forms forms = { 0 };

	if (m->n_hosts == 0)
		vec_push(b->arena, &forms, (struct plan_hosts){ .kind = PLAN_HOST_ANY });
	for (size_t i = 0; i < m->n_hosts; i++) {
		const struct m_host *h = &m->hosts[i];
		size_t k = 0;

		while (k < forms.n && !same_form(&forms.at[k], h))
			k++;
		if (k == forms.n)
			vec_push(b->arena, &forms,
				(struct plan_hosts){
					.kind = host_kind(h),
					.at = ARENA_ARRAY(b->arena, struct str, m->n_hosts - i),
				});
		insert_host(&forms.at[k], (struct str *)forms.at[k].at, h->text.value);
	}
	return forms;
}

/* ---- entries ---- */

static bool room_for_entries(struct builder *b, const struct plan_route *r, size_t n)
{
	if (b->entries.n + n <= PLAN_MAX_ENTRIES)
		return true;
	if (!b->is_full)
		diag_report(b->diags, DIAG_TOO_MANY_ROUTES, r->at,
			"route '" STR_FMT
			"' brings the combinations of hosts and paths to more than %u",
			STR_ARG(r->name), PLAN_MAX_ENTRIES);
	b->is_full = true;
	return false;
}

/* A prefix is where the files hang; any other form says which files there are. */
static uint32_t stripped(const struct plan_route *r, const struct m_path *form)
{
	const struct m_files *files = r->action.files;
	uint32_t n = 0;

	if (files == NULL || !files->strip.value || form == NULL || form->kind != M_PATH_PREFIX)
		return 0;
	for (size_t i = 0; i < form->n_segments; i++)
		n += form->segments[i].is_param || form->segments[i].text.len > 0;
	return n;
}

static void add_entries(struct builder *b, const struct plan_route *r)
{
	const struct m_match *m = &r->model->match;
	struct host_forms hosts = host_forms(b, m);
	size_t n_paths = m->n_paths == 0 ? 1 : m->n_paths;

	if (!room_for_entries(b, r, hosts.n * n_paths))
		return;
	for (size_t k = 0; k < n_paths; k++) {
		const struct m_path *form = m->n_paths == 0 ? NULL : &m->paths[k];
		uint32_t path = plan_build_path(b, form);
		const uint8_t *params = form == NULL ? NULL : locate_params(b, r, form);

		for (size_t i = 0; i < hosts.n; i++)
			vec_push(b->arena, &b->entries,
				(struct plan_entry){
					.route = (uint32_t)(r - b->plan->routes),
					.path = path,
					.hosts = hosts.at[i],
					.form = form,
					.params = params,
					.strip = stripped(r, form),
				});
	}
}

/* ---- routes ---- */

/* What routes serve that name no listener. A listener that redirects all there is has no routes: those that name it are told. */
static uint32_t find_all(struct builder *b, uint32_t *all)
{
	struct plan *p = b->plan;
	uint32_t n = 0;

	for (uint32_t l = 0; l < p->n_listeners; l++) {
		const struct m_listener *m = p->listeners[l].model;

		if (!m->to_https.is_set || m->n_trusted > 0)
			all[n++] = l;
	}
	for (uint32_t l = 0; n == 0 && l < p->n_listeners; l++)
		all[l] = l;
	return n == 0 ? p->n_listeners : n;
}

/* Routes that name no listener share one list of all of them. */
static void find_listeners(struct builder *b, struct plan_route *r, uint32_t *all, uint32_t n_all)
{
	const struct m_strs *names = &r->model->listeners;

	r->listeners = all;
	r->n_listeners = n_all;
	if (names->n == 0)
		return;
	r->listeners = ARENA_ARRAY(b->arena, uint32_t, names->n);
	r->n_listeners = 0;
	for (uint32_t l = 0; l < b->plan->n_listeners; l++)
		for (size_t i = 0; i < names->n; i++)
			if (str_eq(b->plan->listeners[l].model->name.value, names->at[i].value)) {
				r->listeners[r->n_listeners++] = l;
				break;
			}
	if (r->n_listeners == 0)
		plan_build_unresolved(b);
}

static struct plan_route new_route(struct builder *b, uint32_t index)
{
	const struct m_route *m = &b->model->routes[index];

	return (struct plan_route){
		.model = m,
		.index = index,
		.name = m->name.value.ptr != NULL ? m->name.value
						  : arena_printf(b->arena, "route-%u", index),
		.at = m->node != NULL ? m->node->span : m->match.at,
		.priority = m->priority.value,
		.methods = method_bits(b, &m->match),
		.total_ms = (uint32_t)m->timeouts.total.value,
		.first_byte_ms = (uint32_t)m->timeouts.first_byte.value,
	};
}

static void build_regex(struct builder *b, const struct plan_route *r, struct plan_rewrite *out)
{
	const struct m_rewrite *m = &r->model->rewrite;
	struct toron_capture *capture = ARENA_NEW(b->arena, struct toron_capture);
	struct re_error error;

	if (m->regex.value.ptr == NULL)
		return;
	out->regex_text = m->regex.value;
	out->regex = re_parse(b->arena, m->regex.value, &error);
	if (out->regex == NULL || capture_build(b->arena, m->regex.value, capture, &error) != CAPTURE_OK) {
		plan_build_unresolved(b);
		out->regex = NULL;
		return;
	}
	out->capture = capture;
	out->to = plan_build_template(b, r, &m->to);
}

static void build_rewrite(struct builder *b, struct plan_route *r)
{
	const struct m_rewrite *m = &r->model->rewrite;
	struct plan_rewrite *out = ARENA_NEW(b->arena, struct plan_rewrite);

	if (m->at.source == 0)
		return;
	*out = (struct plan_rewrite){
		.strip_prefix = m->strip_prefix.value,
		.prefix = m->prefix.value,
		.path = plan_build_template(b, r, &m->path),
		.host = plan_build_template(b, r, &m->host),
	};
	build_regex(b, r, out);
	r->rewrite = out;
}

void plan_build_routes(struct builder *b)
{
	struct plan *p = b->plan;
	uint32_t *all = ARENA_ARRAY(b->arena, uint32_t, p->n_listeners);
	uint32_t n_all = find_all(b, all);

	p->routes = ARENA_ARRAY(b->arena, struct plan_route, b->model->n_routes);
	for (size_t i = 0; i < b->model->n_routes; i++) {
		struct plan_route *r = &p->routes[p->n_routes];

		if (b->model->routes[i].poisoned)
			continue;
		p->n_routes++;
		*r = new_route(b, (uint32_t)i);
		find_listeners(b, r, all, n_all);
		plan_build_when(b, r, &r->when);
		name_params(b, r);
		plan_build_chain(b, r);
		plan_build_action(b, r);
		build_rewrite(b, r);
		add_entries(b, r);
	}
}
