/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "emit/emitter.h"
#include "emit/scaffold.h"

static const char *where_name(enum toron_where where)
{
	switch (where) {
	case TORON_IN_QUERY:
		return "TORON_IN_QUERY";
	case TORON_IN_COOKIE:
		return "TORON_IN_COOKIE";
	case TORON_IN_SNI:
		return "TORON_IN_SNI";
	case TORON_IN_CLIENT:
		return "TORON_IN_CLIENT";
	case TORON_IN_HEADER:
		break;
	}
	return "TORON_IN_HEADER";
}

static const char *compare_function(enum m_value_kind kind)
{
	switch (kind) {
	case M_VALUE_PREFIX:
		return "value_starts";
	case M_VALUE_SUFFIX:
		return "value_ends";
	default:
		return "value_is";
	}
}

/* An operand of a condition over several lines. */
static void operand(struct cwriter *c, bool *is_first, const char *operator, const char * text)
{
	if (*is_first)
		cwriter_line(c, "return %s", text);
	else
		cwriter_line(c, "\t%s %s", operator, text);
	*is_first = false;
}

static void end_condition(struct cwriter *c)
{
	/* The semicolon belongs behind the last operand. */
	c->out.ptr[--c->out.len] = '\0';
	sbuf_adds(&c->out, ";\n");
}

/* The function that tells whether one value will do; its name, or NULL if there are no values to
 * compare with. */
static const char *emit_take(struct emitter *e, const struct plan_field *f, const char *route)
{
	struct cwriter *c = &e->c;
	struct emit_choice regex = { 0 };
	const char *id;
	bool is_first = true;

	if (f->n == 0)
		return NULL;
	if (f->regex != NULL)
		regex = emit_matcher(e, f->regex,
			cwriter_ident(&e->taken, "gateway_value_", str_of(route)), route);
	id = cwriter_ident(&e->taken, "take_",
		arena_printf(e->arena, "%s %s", route, cwriter_plain(e->arena, f->name)));
	cwriter_line(c, "static bool %s(struct str value)", id);
	cwriter_open(c, "{");
	for (uint32_t i = 0; i < f->n; i++) {
		const struct m_value_match *v = &f->values[i];
		const char *text = cwriter_quote(e->arena, v->text.value);

		if (v->kind != M_VALUE_REGEX)
			operand(c, &is_first, "||",
				arena_printf(e->arena, "%s(value, STR(%s))",
					compare_function(v->kind), text)
					.ptr);
	}
	if (f->regex != NULL)
		operand(c, &is_first, "||",
			arena_printf(e->arena, "%s(value.ptr, value.len) != 0", regex.function)
				.ptr);
	end_condition(c);
	cwriter_close(c, "}");
	cwriter_blank(c);
	return id;
}

static void add_any(
	struct emitter *e, struct sbuf *out, const struct plan_field *f, const char *take)
{
	if (out->len > 0)
		sbuf_adds(out, " || ");
	sbuf_printf(out, "toron_request_any(x, %s, STR(%s), %s)", where_name(f->where),
		cwriter_quote(e->arena, f->name), take);
}

/* The condition on one field: what `take` takes, mere presence, absence, or any of these. */
static const char *field_condition(struct emitter *e, const struct plan_field *f, const char *take)
{
	struct sbuf out = { 0 };
	const char *text;
	bool several;

	if (f->present)
		add_any(e, &out, f, "NULL");
	else if (take != NULL)
		add_any(e, &out, f, take);
	several = out.len > 0 && f->absent;
	if (f->absent)
		sbuf_printf(&out, "%s!toron_request_any(x, %s, STR(%s), NULL)",
			several ? " || " : "", where_name(f->where),
			cwriter_quote(e->arena, f->name));
	text = arena_printf(e->arena, several ? "(%s)" : "%s", out.len == 0 ? "false" : out.ptr)
		       .ptr;
	sbuf_fini(&out);
	return text;
}

static bool has_when(const struct plan_when *w)
{
	return w->n_fields > 0 || w->n_sources > 0 || !w->http || !w->https;
}

void emit_cidr(struct emitter *e, const struct m_cidr *cidr)
{
	struct sbuf bytes = { 0 };

	for (unsigned k = 0; k < sizeof(cidr->addr); k++)
		sbuf_printf(&bytes, "%s%u", k == 0 ? "" : ", ", cidr->addr[k]);
	cwriter_comment(&e->c, STR_FMT, STR_ARG(cidr->text.value));
	cwriter_line(&e->c, "{ .addr = { %s }, .bits = %u },", bytes.ptr, cidr->bits);
	sbuf_fini(&bytes);
}

static void emit_sources(struct emitter *e, const struct plan_when *w)
{
	struct cwriter *c = &e->c;

	cwriter_open(c, "static const struct toron_cidr sources[] = {");
	for (uint32_t i = 0; i < w->n_sources; i++)
		emit_cidr(e, &w->sources[i]);
	cwriter_close(c, "};");
	cwriter_blank(c);
}

static void emit_when(struct emitter *e, const struct plan_route *r, const char *id)
{
	const struct plan_when *w = &r->when;
	struct cwriter *c = &e->c;
	const char **takes = ARENA_ARRAY(e->arena, const char *, w->n_fields);
	bool is_first = true;

	for (uint32_t i = 0; i < w->n_fields; i++)
		if (!w->fields[i].present)
			takes[i] = emit_take(e, &w->fields[i], id + strlen("when_"));
	emit_comment(e, c, r->model->node, r->name);
	cwriter_line(c, "static bool %s(const struct exchange *x)", id);
	cwriter_open(c, "{");
	if (w->n_sources > 0)
		emit_sources(e, w);
	if (!w->http || !w->https)
		operand(c, &is_first, "&&",
			w->https ? "value_is(toron_request_scheme(x), STR(\"https\"))"
				 : "value_is(toron_request_scheme(x), STR(\"http\"))");
	if (w->n_sources > 0)
		operand(c, &is_first, "&&",
			arena_printf(e->arena, "toron_source_in(x, sources, %u)", w->n_sources)
				.ptr);
	for (uint32_t i = 0; i < w->n_fields; i++)
		operand(c, &is_first, "&&", field_condition(e, &w->fields[i], takes[i]));
	end_condition(c);
	cwriter_close(c, "}");
	cwriter_blank(c);
}

static bool any_when(const struct plan *p)
{
	for (uint32_t i = 0; i < p->n_routes; i++)
		if (has_when(&p->routes[i].when))
			return true;
	return false;
}

/* Equal for conditions that are one. */
static struct str when_key(struct arena *a, const struct plan_when *w)
{
	struct sbuf key = { 0 };
	struct str text;

	sbuf_printf(&key, "%d%d", w->http, w->https);
	for (uint32_t i = 0; i < w->n_sources; i++)
		sbuf_printf(&key, " " STR_FMT, STR_ARG(w->sources[i].text.value));
	for (uint32_t i = 0; i < w->n_fields; i++) {
		const struct plan_field *f = &w->fields[i];

		sbuf_printf(&key, "\n%d%d%d ", (int)f->where, f->present, f->absent);
		sbuf_json(&key, f->name);
		for (uint32_t k = 0; k < f->n; k++) {
			sbuf_printf(&key, " %d", (int)f->values[k].kind);
			sbuf_json(&key, f->values[k].text.value);
		}
	}
	text = arena_str(a, sbuf_str(&key));
	sbuf_fini(&key);
	return text;
}

void emit_whens(struct emitter *e)
{
	const struct plan *p = e->plan;
	struct map seen;

	e->whens = ARENA_ARRAY(e->arena, const char *, p->n_routes);
	if (!any_when(p))
		return;
	scaffold_write(&e->c.out, SCAFFOLD_VALUES, NULL, 0);
	cwriter_blank(&e->c);
	map_init(&seen, e->arena);
	for (uint32_t i = 0; i < p->n_routes; i++) {
		struct str key;

		if (!has_when(&p->routes[i].when))
			continue;
		key = when_key(e->arena, &p->routes[i].when);
		e->whens[i] = map_get(&seen, key);
		if (e->whens[i] != NULL)
			continue;
		e->whens[i] = cwriter_ident(&e->taken, "when_", p->routes[i].name);
		map_add(&seen, key, (void *)(uintptr_t)e->whens[i]);
		emit_when(e, &p->routes[i], e->whens[i]);
	}
}
