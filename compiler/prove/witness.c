/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "prove/witness.h"

#include <string.h>

#include "base/str.h"
#include "prove/dims.h"

struct witness {
	struct arena *arena;
	const struct plan *p;
	const struct plan_entry *x, *y;
	const struct plan_route *a, *b; /* of x, of y */
	struct sbuf url, options, cookies;
	bool found;
};

/* A byte of the range or of `more`, but not of `less`. */
static struct re *one_of(
	struct arena *a, unsigned low, unsigned high, const char *more, const char *less)
{
	uint8_t set[32] = { 0 };

	for (unsigned c = low; c <= high; c++)
		set[c >> 3] |= (uint8_t)(1u << (c & 7));
	for (; *more != '\0'; more++)
		set[*more >> 3] |= (uint8_t)(1u << (*more & 7));
	for (; *less != '\0'; less++)
		set[*less >> 3] &= (uint8_t) ~(1u << (*less & 7));
	return re_set(a, set);
}

/* Paths as a client writes them, already normal: no empty segments, no odd bytes. */
static struct re *plain_paths(struct arena *a)
{
	struct re *byte = one_of(a, 0x21, 0x7e, "", "/?#[]\"<>\\^`{|}");
	struct re *slash = re_literal(a, STR("/"), false);
	struct re *segment = re_cat(a, slash, re_repeat(a, byte, 1, -1));

	return re_alt(a, slash, re_cat(a, re_repeat(a, segment, 1, -1), re_repeat(a, slash, 0, 1)));
}

/* The shortest string that all of the n <= 3 languages have; STR_NONE if there is none, or it
 * takes too long to find out. */
static struct str common(struct witness *w, struct re *const *languages, uint32_t n)
{
	struct str best = STR_NONE;
	struct dfa dfa;
	uint32_t culprit;

	if (dfa_build(w->arena, languages, n, PLAN_STATES_REGEX, &dfa, &culprit) != DFA_OK)
		return STR_NONE;
	for (uint32_t i = 1; i < dfa.n_sets; i++) {
		struct str s;

		if (dfa.sets[i].n != n)
			continue;
		s = dfa_witness(&dfa, w->arena, i);
		if (s.ptr != NULL && (best.ptr == NULL || s.len < best.len))
			best = s;
	}
	return best;
}

/* s in single quotes for the shell, without those around it. */
static void add_shell(struct sbuf *out, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\'')
			sbuf_adds(out, "'\\''");
		else
			sbuf_addc(out, s.ptr[i]);
	}
}

static void add_escaped(struct sbuf *out, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		bool is_plain = (c >= '0' && c <= '9') ||
				(ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
				strchr("-._~", c) != NULL;

		if (is_plain && c != 0)
			sbuf_addc(out, (char)c);
		else
			sbuf_printf(out, "%%%02X", c);
	}
}

/* ---- the parts of a request ---- */

static uint32_t common_listener(const struct witness *w)
{
	for (uint32_t i = 0; i < w->a->n_listeners; i++)
		for (uint32_t k = 0; k < w->b->n_listeners; k++)
			if (w->a->listeners[i] == w->b->listeners[k])
				return w->a->listeners[i];
	return 0;
}

static bool host_matches(const struct plan_hosts *hosts, struct str host)
{
	for (uint32_t i = 0; i < hosts->n; i++)
		if (hosts->kind == PLAN_HOST_EXACT
				? str_eq(hosts->at[i], host)
				: host.len > hosts->at[i].len && str_ends(host, hosts->at[i]))
			return true;
	return hosts->kind == PLAN_HOST_ANY;
}

/* One of the narrower side's hosts that the other side takes too. */
static struct str common_host(const struct witness *w)
{
	bool x_is_narrow = w->x->hosts.kind <= w->y->hosts.kind;
	const struct plan_hosts *narrow = x_is_narrow ? &w->x->hosts : &w->y->hosts;
	const struct plan_hosts *wide = x_is_narrow ? &w->y->hosts : &w->x->hosts;

	for (uint32_t i = 0; i < narrow->n; i++) {
		const char *front = narrow->kind == PLAN_HOST_WILDCARD ? "www" : "";
		struct str host =
			arena_printf(w->arena, "%s" STR_FMT, front, STR_ARG(narrow->at[i]));

		if (host_matches(wide, host))
			return host;
	}
	return STR("localhost");
}

static void add_method(struct witness *w)
{
	static const char *const names[] = { "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT",
		"OPTIONS", "TRACE", "PATCH" };
	uint32_t bits = plan_taken_methods(w->a) & plan_taken_methods(w->b);
	uint32_t i = 0;

	while (i < 31 && (bits & 1u << i) == 0)
		i++;
	if (i < sizeof(names) / sizeof(names[0]))
		sbuf_printf(&w->options, " -X %s", names[i]);
	else if (i - 9 < w->p->n_extra_methods)
		sbuf_printf(&w->options, " -X '" STR_FMT "'", STR_ARG(w->p->extra_methods[i - 9]));
}

static void add_path(struct witness *w)
{
	struct re *languages[3] = {
		w->p->paths[w->x->path].re,
		w->p->paths[w->y->path].re,
		plain_paths(w->arena),
	};
	struct str path = common(w, languages, 3);

	w->found &= path.ptr != NULL;
	add_shell(&w->url, path);
}

/* A value that both fields take (the second may be NULL). */
static struct str common_value(
	struct witness *w, const struct plan_field *f, const struct plan_field *g)
{
	const char *less = f->where == TORON_IN_COOKIE ? " \",;\\" : "";
	struct re *byte = one_of(w->arena, 0x20, 0x7e, "", less);
	/* Blanks around a header field's value are lost on the way. */
	struct re *edge = f->where == TORON_IN_HEADER ? one_of(w->arena, 0x21, 0x7e, "", less) : byte;
	struct re *more = re_cat(w->arena, re_repeat(w->arena, byte, 0, -1), edge);
	struct re *languages[3] = { re_cat(w->arena, edge, re_repeat(w->arena, more, 0, 1)) };
	uint32_t n = 1;
	struct str value;

	if (!f->present && f->language != NULL)
		languages[n++] = f->language;
	if (g != NULL && !g->present && g->language != NULL)
		languages[n++] = g->language;
	if (n == 1)
		return STR("1");
	value = common(w, languages, n);
	if (value.ptr != NULL)
		return value;
	/* Perhaps only the empty value is there. */
	languages[0] = re_empty(w->arena);
	return common(w, languages, n);
}

static void add_field(
	struct witness *w, const struct plan_field *f, const struct plan_field *g, bool *has_query)
{
	struct str value;

	if (f->absent && (g == NULL || g->absent))
		return;
	value = common_value(w, f, g);
	w->found &= value.ptr != NULL;
	switch (f->where) {
	case TORON_IN_SNI:
		return; /* the URL's host, see there */
	case TORON_IN_CLIENT:
		w->found = false; /* who has such a certificate, and its key, is not known here */
		return;
	case TORON_IN_QUERY:
		sbuf_addc(&w->url, *has_query ? '&' : '?');
		*has_query = true;
		add_escaped(&w->url, f->name);
		sbuf_addc(&w->url, '=');
		add_escaped(&w->url, value);
		return;
	case TORON_IN_HEADER:
		sbuf_adds(&w->options, " -H '");
		add_shell(&w->options, f->name);
		/* curl sends an empty field for "name;". */
		sbuf_adds(&w->options, value.len == 0 ? ";" : ": ");
		add_shell(&w->options, value);
		sbuf_addc(&w->options, '\'');
		return;
	case TORON_IN_COOKIE:
		sbuf_adds(&w->cookies, w->cookies.len > 0 ? "; " : "");
		add_shell(&w->cookies, f->name);
		sbuf_addc(&w->cookies, '=');
		add_shell(&w->cookies, value);
		return;
	}
}

/* A server name that both ask for; STR_NONE if neither asks. */
static struct str common_sni(struct witness *w)
{
	static const struct plan_field like = { .where = TORON_IN_SNI };
	const struct plan_field *f = dims_field(&w->a->when, &like), *g = dims_field(&w->b->when, &like);
	struct str value = STR_NONE;

	if (f == NULL && g == NULL)
		return STR_NONE;
	value = f == NULL ? common_value(w, g, NULL) : common_value(w, f, g);
	w->found &= value.ptr != NULL;
	return value;
}

static void add_fields(struct witness *w)
{
	bool has_query = false;

	for (uint32_t i = 0; i < w->a->when.n_fields; i++)
		add_field(w, &w->a->when.fields[i], dims_field(&w->b->when, &w->a->when.fields[i]),
			&has_query);
	for (uint32_t i = 0; i < w->b->when.n_fields; i++)
		if (dims_field(&w->a->when, &w->b->when.fields[i]) == NULL)
			add_field(w, &w->b->when.fields[i], NULL, &has_query);
}

struct str witness_curl(struct arena *a, const struct plan *p, const struct plan_entry *x,
	const struct plan_entry *y)
{
	struct witness w = {
		.arena = a,
		.p = p,
		.x = x,
		.y = y,
		.a = &p->routes[x->route],
		.b = &p->routes[y->route],
		.found = true,
	};
	struct str host = common_host(&w), sni = common_sni(&w);
	bool http = w.a->when.http && w.b->when.http && sni.ptr == NULL;
	unsigned port = (unsigned)p->listeners[common_listener(&w)].model->port.value;
	const struct m_cidr *source = dims_source(&w.a->when, &w.b->when);
	struct str text = STR_NONE;

	add_method(&w);
	/* curl asks for the URL's host. */
	if (sni.ptr != NULL && !str_eq(sni, host)) {
		sbuf_printf(&w.options, " -H 'host: " STR_FMT "'", STR_ARG(host));
		host = sni;
	}
	sbuf_printf(&w.url, "%s://" STR_FMT, http ? "http" : "https", STR_ARG(host));
	if (port != (http ? 80 : 443))
		sbuf_printf(&w.url, ":%u", port);
	add_path(&w);
	add_fields(&w);
	if (w.cookies.len > 0)
		sbuf_printf(&w.options, " -b '%s'", w.cookies.ptr);
	if (w.found)
		text = arena_printf(a, "curl%s '%s'%s" STR_FMT,
			w.options.len == 0 ? "" : w.options.ptr, w.url.ptr,
			source == NULL ? "" : " # from ",
			STR_ARG(source == NULL ? STR("") : source->text.value));
	sbuf_fini(&w.url);
	sbuf_fini(&w.options);
	sbuf_fini(&w.cookies);
	return text;
}
