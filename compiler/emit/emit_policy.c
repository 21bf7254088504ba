/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Forwarding, errors and retries: what listeners, routes, backends and the gateway have alike. */
#include "base/check.h"
#include "emit/emitter.h"
#include "toron/gateway.h"

/* The names of the bits that are set, joined by "|"; "0" for none. */
static const char *bits_text(
	struct emitter *e, unsigned bits, const char *const *names, size_t n_names)
{
	struct str text = STR("");

	for (size_t i = 0; i < n_names; i++)
		if ((bits & 1u << i) != 0)
			text = arena_printf(e->arena, STR_FMT "%s%s", STR_ARG(text),
				text.len > 0 ? " | " : "", names[i]);
	return text.len == 0 ? "0" : text.ptr;
}

/* ---- forwarding ---- */

void emit_forwarding(struct emitter *e, const struct m_listener *l)
{
	static const char *const sent[] = { "TORON_FORWARD_FOR", "TORON_FORWARD_PROTO",
		"TORON_FORWARD_HOST", "TORON_FORWARD_PORT", "TORON_FORWARD_REAL_IP",
		"TORON_FORWARD_FORWARDED", "TORON_FORWARD_VIA" };
	const struct m_forwarding *f = &l->forwarding;
	struct cwriter *c = &e->c;

	cwriter_open(c, ".forwarding = &(const struct toron_forwarding){");
	cwriter_line(c, ".send = %s,", bits_text(e, f->send, sent, ARRAY_LEN(sent)));
	if (f->reads_forwarded)
		cwriter_line(c, ".reads_forwarded = true,");
	if (l->n_trusted > 0) {
		cwriter_open(c, ".trusted = (const struct toron_cidr[]){");
		for (size_t i = 0; i < l->n_trusted; i++)
			emit_cidr(e, &l->trusted[i]);
		cwriter_close(c, "},");
		cwriter_line(c, ".n_trusted = %zu,", l->n_trusted);
	}
	if (f->strip.n > 0) {
		cwriter_open(c, ".strip = (const struct str[]){");
		for (size_t i = 0; i < f->strip.n; i++)
			cwriter_line(c, "STR_INIT(%s),", cwriter_quote(e->arena, f->strip.at[i].value));
		cwriter_close(c, "},");
		cwriter_line(c, ".n_strip = %zu,", f->strip.n);
	}
	cwriter_close(c, "},");
}

/* ---- errors ---- */

static size_t page_number(const struct emitter *e, const struct m_error_page *page)
{
	const struct model *m = e->plan->model;

	for (size_t i = 0; i < m->n_pages; i++)
		if (m->pages[i] == page)
			return i;
	return 0;
}

void emit_pages(struct emitter *e)
{
	const struct model *m = e->plan->model;
	bool any = false;

	for (size_t i = 0; i < m->n_pages; i++) {
		struct str name;

		if (m->pages[i]->file.value.ptr == NULL)
			continue;
		name = arena_printf(e->arena, "page_%zu", i);
		emit_comment(e, &e->c, m->pages[i]->node, m->pages[i]->file.value);
		emit_blob(e, name.ptr, arena_printf(e->arena, "page_%zu.bin", i), m->pages[i]->body.value);
		cwriter_line(&e->c, "extern const char %s[];", name.ptr);
		any = true;
	}
	if (any)
		cwriter_blank(&e->c);
}

static void emit_page(struct emitter *e, const struct m_error_page *page)
{
	struct cwriter *c = &e->c;

	cwriter_open(c, "{");
	cwriter_line(c, ".from = %u,", page->from);
	cwriter_line(c, ".to = %u,", page->to);
	emit_str(e, "content_type", page->content_type.value);
	if (page->file.value.ptr != NULL)
		cwriter_line(c, ".body = { page_%zu, %zu },", page_number(e, page), page->body.value.len);
	else
		emit_str(e, "body", page->body.value);
	cwriter_close(c, "},");
}

static void emit_errors(struct emitter *e, const struct m_errors *errors)
{
	static const char *const formats[] = { "TORON_ERRORS_TEXT", "TORON_ERRORS_HTML",
		"TORON_ERRORS_JSON", "TORON_ERRORS_AUTO" };
	struct cwriter *c = &e->c;

	cwriter_line(c, ".format = %s,", formats[errors->format]);
	if (errors->n_pages == 0)
		return;
	cwriter_open(c, ".pages = (const struct toron_error_page[]){");
	for (size_t i = 0; i < errors->n_pages; i++)
		emit_page(e, errors->pages[i]);
	cwriter_close(c, "},");
	cwriter_line(c, ".n_pages = %zu,", errors->n_pages);
}

void emit_errors_members(struct emitter *e, const struct m_errors *errors)
{
	if (errors->format == TORON_ERRORS_TEXT && errors->n_pages == 0)
		return;
	cwriter_open(&e->c, ".errors = {");
	emit_errors(e, errors);
	cwriter_close(&e->c, "},");
}

void emit_route_errors(struct emitter *e, const struct m_errors *errors)
{
	if (!errors->is_set)
		return;
	cwriter_open(&e->c, ".errors = &(const struct toron_errors){");
	emit_errors(e, errors);
	cwriter_close(&e->c, "},");
}

/* ---- retries ---- */

static uint64_t least(uint64_t value, uint64_t most)
{
	return value < most ? value : most;
}

void emit_retry(struct emitter *e, const struct m_retry *r)
{
	static const char *const reasons[] = { "TORON_RETRY_CONNECT", "TORON_RETRY_RESET",
		"TORON_RETRY_TIMEOUT" };
	struct cwriter *c = &e->c;

	if (!r->is_set)
		return;
	cwriter_open(c, ".retry = &(const struct toron_retry){");
	cwriter_line(c, ".on = %s,", bits_text(e, r->on, reasons, ARRAY_LEN(reasons)));
	if (r->n_statuses > 0) {
		cwriter_open(c, ".statuses = (const uint16_t[]){");
		for (size_t i = 0; i < r->n_statuses; i++)
			cwriter_line(c, "%u,", r->statuses[i]);
		cwriter_close(c, "},");
		cwriter_line(c, ".n_statuses = %zu,", r->n_statuses);
	}
	if (r->grpc != 0)
		cwriter_line(c, ".grpc = 0x%xu,", r->grpc);
	emit_u64(e, "attempts", r->attempts.value);
	if (r->methods != 0)
		cwriter_line(c, ".methods = %s,", emit_methods(e, r->methods));
	emit_u64(e, "per_try_ms", least(r->per_try_timeout.value, UINT32_MAX));
	emit_u64(e, "backoff_ms", least(r->backoff.value, UINT32_MAX));
	emit_u64(e, "budget_ppm", r->budget_ppm.value);
	emit_u64(e, "body_bytes", r->body_bytes.value);
	cwriter_close(c, "},");
}

/* ---- WebSockets ---- */

void emit_websocket(struct emitter *e, const struct m_websocket *w)
{
	struct cwriter *c = &e->c;

	if (!w->is_set)
		return;
	cwriter_open(c, ".websocket = &(const struct toron_websocket){");
	cwriter_line(c, ".begin = toron_websocket_watch,");
	emit_u64(e, "idle_ms", least(w->idle_timeout.value, UINT32_MAX));
	emit_u64(e, "total_ms", least(w->total_timeout.value, UINT32_MAX));
	emit_u64(e, "ping_ms", least(w->ping_interval.value, UINT32_MAX));
	emit_u64(e, "close_ms", least(w->close_timeout.value, UINT32_MAX));
	emit_u64(e, "message_bytes", w->message_bytes.value);
	emit_u64(e, "frame_bytes", w->frame_bytes.value);
	cwriter_close(c, "},");
}

/* ---- the access log ---- */

const char *emit_log_field(unsigned field)
{
	static const char *const names[] = {
		"TORON_LOG_TIME", "TORON_LOG_LISTENER", "TORON_LOG_CLIENT", "TORON_LOG_PEER",
		"TORON_LOG_METHOD", "TORON_LOG_HOST", "TORON_LOG_PATH", "TORON_LOG_PROTOCOL",
		"TORON_LOG_STATUS", "TORON_LOG_ROUTE", "TORON_LOG_BACKEND", "TORON_LOG_SERVER",
		"TORON_LOG_TRIES", "TORON_LOG_DURATION", "TORON_LOG_FIRST_BYTE",
		"TORON_LOG_REQUEST_BYTES", "TORON_LOG_RESPONSE_BYTES", "TORON_LOG_REQUEST_ID",
		"TORON_LOG_USER_AGENT", "TORON_LOG_FAULT", "TORON_LOG_SCHEME", "TORON_LOG_REFERER",
		"TORON_LOG_USER", "TORON_LOG_CONNECT", "TORON_LOG_COMMON_TIME",
		"TORON_LOG_TLS_VERSION", "TORON_LOG_TLS_CIPHER", "TORON_LOG_TLS_SNI", "TORON_LOG_TLS_CLIENT",
	};

	CHECK(field < ARRAY_LEN(names));
	return names[field];
}

/* ---- secrets ---- */

void emit_secret(struct emitter *e, const char *field, const struct m_secret *s)
{
	static const char *const kinds[] = {
		[M_SECRET_NONE] = "TORON_SECRET_NONE",
		[M_SECRET_LITERAL] = "TORON_SECRET_LITERAL",
		[M_SECRET_ENV] = "TORON_SECRET_ENV",
		[M_SECRET_FILE] = "TORON_SECRET_FILE",
	};

	if (s->kind == M_SECRET_NONE)
		return;
	cwriter_open(&e->c, ".%s = {", field);
	cwriter_line(&e->c, ".kind = %s,", kinds[s->kind]);
	emit_str(e, "value", s->value);
	emit_cstr(e, "origin", emit_origin(e, s->at));
	cwriter_close(&e->c, "},");
}
