/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The model as text: one field a line, in a fixed order, indented by two spaces. Strings are
 * quoted as in JSON. */
#include <inttypes.h>

#include "base/str.h"
#include "model/model.h"
#include "toron/gateway.h"

struct dumper {
	struct sbuf *out;
	const struct diags *diags;
	bool origins;
	unsigned depth;
};

static void begin_line(struct dumper *p, const char *name)
{
	for (unsigned i = 0; i < p->depth; i++)
		sbuf_adds(p->out, "  ");
	sbuf_adds(p->out, name);
}

static void end_line(struct dumper *p, struct span at)
{
	uint32_t line, column;

	if (p->origins && at.source != 0 && at.source < p->diags->n_sources) {
		diag_place(p->diags, at, &line, &column);
		sbuf_printf(p->out, "  # " STR_FMT ":%u:%u",
			STR_ARG(p->diags->sources[at.source].name), line, column);
	}
	sbuf_addc(p->out, '\n');
}

static void put_str(struct dumper *p, const char *name, struct m_str s)
{
	begin_line(p, name);
	sbuf_addc(p->out, ' ');
	if (s.value.ptr == NULL)
		sbuf_adds(p->out, "none");
	else
		sbuf_json(p->out, s.value);
	end_line(p, s.at);
}

static void put_u64(struct dumper *p, const char *name, struct m_u64 v, const char *unit)
{
	begin_line(p, name);
	sbuf_printf(p->out, " %" PRIu64 "%s", v.value, unit);
	end_line(p, v.at);
}

static void put_bool(struct dumper *p, const char *name, struct m_bool v)
{
	begin_line(p, name);
	sbuf_adds(p->out, v.value ? " true" : " false");
	end_line(p, v.at);
}

static void put_word(struct dumper *p, const char *name, const char *word, struct span at)
{
	begin_line(p, name);
	sbuf_addc(p->out, ' ');
	sbuf_adds(p->out, word);
	end_line(p, at);
}

static void open_part(struct dumper *p, const char *name, struct span at)
{
	begin_line(p, name);
	end_line(p, at);
	p->depth++;
}

static void close_part(struct dumper *p)
{
	p->depth--;
}

static void put_strs(struct dumper *p, const char *name, const struct m_str *at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put_str(p, name, at[i]);
}

static struct str part_name(enum m_part_kind kind)
{
	switch (kind) {
	case M_PART_LITERAL:
		return STR("");
	case M_PART_REQUEST_PATH:
		return STR("request.path");
	case M_PART_REQUEST_QUERY:
		return STR("request.query");
	case M_PART_REQUEST_HOST:
		return STR("request.host");
	case M_PART_REQUEST_METHOD:
		return STR("request.method");
	case M_PART_REQUEST_SCHEME:
		return STR("request.scheme");
	case M_PART_REQUEST_ID:
		return STR("request.id");
	case M_PART_REQUEST_HEADER:
		return STR("request.headers ");
	case M_PART_SOURCE_IP:
		return STR("source.ip");
	case M_PART_PATH:
		return STR("path ");
	case M_PART_CLAIM:
		return STR("claims ");
	case M_PART_CAPTURE:
		return STR("group ");
	case M_PART_TLS:
		return STR("tls ");
	case M_PART_LOG:
		return STR("log ");
	case M_PART_RESPONSE_HEADER:
		return STR("response.headers ");
	}
	return STR("");
}

static void put_template(
	struct dumper *p, const char *name, struct str arg, const struct m_template *t)
{
	begin_line(p, name);
	if (arg.ptr != NULL) {
		sbuf_addc(p->out, ' ');
		sbuf_json(p->out, arg);
	}
	for (size_t i = 0; i < t->n; i++) {
		const struct m_part *part = &t->parts[i];
		struct str kind = part_name(part->kind);

		sbuf_addc(p->out, ' ');
		if (kind.len > 0)
			sbuf_printf(p->out, "${" STR_FMT, STR_ARG(kind));
		if (part->kind == M_PART_CAPTURE)
			sbuf_printf(p->out, "%u", part->field);
		if (part->arg.ptr != NULL)
			sbuf_json(p->out, part->arg);
		if (kind.len > 0)
			sbuf_addc(p->out, '}');
	}
	if (t->n == 0)
		sbuf_adds(p->out, " \"\"");
	end_line(p, t->at);
}

/* ---- what several sections have; nothing where it is as by default ---- */

static void dump_forwarding(struct dumper *p, const struct m_listener *l)
{
	static const char *const names[] = { "x-forwarded-for", "x-forwarded-proto",
		"x-forwarded-host", "x-forwarded-port", "x-real-ip", "forwarded", "via" };
	const struct m_forwarding *f = &l->forwarding;

	for (size_t i = 0; i < l->n_trusted; i++)
		put_str(p, "trusted_proxy", l->trusted[i].text);
	if (f->send != (TORON_FORWARD_FOR | TORON_FORWARD_PROTO | TORON_FORWARD_HOST | TORON_FORWARD_VIA)) {
		begin_line(p, "forwarding.send");
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if ((f->send & 1u << i) != 0)
				sbuf_printf(p->out, " %s", names[i]);
		end_line(p, SPAN_NONE);
	}
	if (f->reads_forwarded)
		put_word(p, "forwarding.trust", "forwarded", SPAN_NONE);
	put_strs(p, "forwarding.strip", f->strip.at, f->strip.n);
}

static void dump_errors(struct dumper *p, const struct m_errors *e)
{
	static const char *const formats[] = { "text", "html", "json", "auto" };

	if (!e->is_set || (e->format == TORON_ERRORS_TEXT && e->n_pages == 0))
		return;
	put_word(p, "errors.format", formats[e->format], SPAN_NONE);
	for (size_t i = 0; i < e->n_pages; i++) {
		const struct m_error_page *page = e->pages[i];

		begin_line(p, "errors.page ");
		sbuf_printf(p->out, "%u-%u ", page->from, page->to);
		sbuf_json(p->out, page->content_type.value);
		sbuf_adds(p->out, page->file.value.ptr != NULL ? " file " : " ");
		sbuf_json(p->out, page->file.value.ptr != NULL ? page->file.value : page->body.value);
		end_line(p, page->node->span);
	}
}

static void dump_retry(struct dumper *p, const struct m_retry *r)
{
	static const char *const reasons[] = { "connect-failure", "reset", "timeout" };

	if (!r->is_set)
		return;
	open_part(p, "retry", r->at);
	put_u64(p, "attempts", r->attempts, "");
	begin_line(p, "on");
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if ((r->on & 1u << i) != 0)
			sbuf_printf(p->out, " %s", reasons[i]);
	for (size_t i = 0; i < r->n_statuses; i++)
		sbuf_printf(p->out, " %u", r->statuses[i]);
	for (unsigned i = 0; i < 32; i++)
		if ((r->grpc & 1u << i) != 0)
			sbuf_printf(p->out, " %s", model_grpc_name(i));
	end_line(p, SPAN_NONE);
	begin_line(p, "methods");
	sbuf_printf(p->out, " 0x%x", r->methods);
	end_line(p, SPAN_NONE);
	put_u64(p, "per_try_timeout", r->per_try_timeout, "ms");
	put_u64(p, "backoff", r->backoff, "ms");
	put_u64(p, "budget", r->budget_ppm, "ppm");
	put_u64(p, "body_bytes", r->body_bytes, "B");
	close_part(p);
}

static void dump_secret(struct dumper *p, const char *name, const struct m_secret *s)
{
	static const char *const kinds[] = { "none", "literal (not shown)", "env", "file" };

	begin_line(p, name);
	sbuf_printf(p->out, " %s", kinds[s->kind]);
	if (s->kind == M_SECRET_ENV || s->kind == M_SECRET_FILE) {
		sbuf_addc(p->out, ' ');
		sbuf_json(p->out, s->value);
	}
	end_line(p, s->at);
}

/* ---- TLS ---- */

static void put_file(struct dumper *p, const char *name, const struct m_file_name *f)
{
	if (f->path.ptr != NULL)
		put_str(p, name, (struct m_str){ f->path, f->text.at });
}

static void dump_certificate(struct dumper *p, const struct m_certificate *c)
{
	open_part(p, c->poisoned ? "certificate (poisoned)" : "certificate", c->node->span);
	put_str(p, "name", c->name);
	put_file(p, "cert", &c->cert);
	dump_secret(p, "key", &c->key);
	dump_secret(p, "passphrase", &c->passphrase);
	put_file(p, "ocsp", &c->ocsp);
	close_part(p);
}

static void dump_tls(struct dumper *p, const struct m_listener *l)
{
	static const char *const modes[] = { "none", "optional", "require" };
	const struct m_tls *t = &l->tls;

	open_part(p, "tls", t->at);
	put_strs(p, "certificate", t->certificates.at, t->certificates.n);
	put_word(p, "preset", t->preset == M_TLS_MODERN ? "modern" : "intermediate", t->preset_at);
	put_str(p, "min_version", t->min_version);
	put_strs(p, "cipher", t->ciphers.at, t->ciphers.n);
	put_strs(p, "alpn", t->alpn.at, t->alpn.n);
	put_word(p, "client_auth.mode", modes[t->client_auth], t->client_auth_at);
	put_file(p, "client_auth.ca", &t->client_ca);
	put_file(p, "client_auth.crl", &t->client_crl);
	put_u64(p, "client_auth.depth", t->client_depth, "");
	put_bool(p, "session_tickets", t->tickets);
	put_file(p, "session_tickets.keys", &t->ticket_keys);
	put_u64(p, "session_tickets.lifetime", t->ticket_lifetime, "ms");
	put_bool(p, "early_data", t->early_data);
	put_u64(p, "early_data_bytes", t->early_data_bytes, "B");
	put_u64(p, "handshake", l->timeouts.handshake, "ms");
	put_u64(p, "handshakes", l->limits.handshakes, "");
	close_part(p);
}

static void dump_tls_client(struct dumper *p, const struct m_tls_client *t)
{
	open_part(p, "tls", t->at);
	put_file(p, "ca", &t->ca);
	put_file(p, "crl", &t->crl);
	put_str(p, "sni", t->sni);
	put_str(p, "client_certificate", t->certificate);
	put_bool(p, "verify", t->verify);
	for (size_t i = 0; i < t->n_pins; i++)
		put_str(p, "pin", t->pins[i].text);
	close_part(p);
}

static void dump_min_rate(struct dumper *p, const struct m_min_rate *m)
{
	if (m->request.value != 0)
		put_u64(p, "min_rate.request", m->request, "B/s");
	if (m->response.value != 0)
		put_u64(p, "min_rate.response", m->response, "B/s");
	if (m->request.value + m->response.value != 0)
		put_u64(p, "min_rate.over", m->over, "ms");
}

static void dump_h2_limits(struct dumper *p, const struct m_h2_limits *l)
{
	open_part(p, "h2", SPAN_NONE);
	put_u64(p, "period", l->period, "ms");
	put_u64(p, "resets", l->resets, "");
	put_u64(p, "settings", l->settings, "");
	put_u64(p, "pings", l->pings, "");
	put_u64(p, "priorities", l->priorities, "");
	put_u64(p, "empty_frames", l->empty_frames, "");
	put_u64(p, "window_updates", l->window_updates, "");
	put_u64(p, "continuations", l->continuations, "");
	put_u64(p, "window", l->window, "B");
	close_part(p);
}

static void dump_websocket(struct dumper *p, const struct m_websocket *w)
{
	if (!w->is_set)
		return;
	open_part(p, "websocket", w->at);
	put_u64(p, "idle_timeout", w->idle_timeout, "ms");
	put_u64(p, "total_timeout", w->total_timeout, "ms");
	put_u64(p, "ping_interval", w->ping_interval, "ms");
	put_u64(p, "close_timeout", w->close_timeout, "ms");
	put_u64(p, "message_bytes", w->message_bytes, "B");
	put_u64(p, "frame_bytes", w->frame_bytes, "B");
	close_part(p);
}

static void dump_health(struct dumper *p, const struct m_health *h)
{
	static const char *const kinds[] = { "http", "grpc", "tcp" };

	if (!h->is_set)
		return;
	open_part(p, "health", h->at);
	put_word(p, "kind", kinds[h->kind], SPAN_NONE);
	if (h->kind == M_HEALTH_HTTP) {
		put_str(p, "path", h->path);
		begin_line(p, "status");
		for (size_t i = 0; i < h->n_statuses; i++)
			sbuf_printf(p->out, " %u", h->statuses[i]);
		end_line(p, SPAN_NONE);
	}
	if (h->service.value.len != 0)
		put_str(p, "service", h->service);
	if (h->host.value.len != 0)
		put_str(p, "host", h->host);
	if (h->port.value != 0)
		put_u64(p, "port", h->port, "");
	put_u64(p, "interval", h->interval, "ms");
	put_u64(p, "timeout", h->timeout, "ms");
	put_u64(p, "healthy_after", h->healthy_after, "");
	put_u64(p, "unhealthy_after", h->unhealthy_after, "");
	close_part(p);
}

static void dump_listener(struct dumper *p, const struct m_listener *l)
{
	static const char *const versions[] = { "none", "1.1", "2", "1.1 2" };

	open_part(p, l->poisoned ? "listener (poisoned)" : "listener", l->node->span);
	put_str(p, "name", l->name);
	put_word(p, "protocol", l->protocol == M_HTTPS ? "https" : "http", SPAN_NONE);
	put_word(p, "http_versions", versions[l->versions & 3], SPAN_NONE);
	put_str(p, "address", l->address);
	put_u64(p, "port", l->port, "");
	open_part(p, "limits", SPAN_NONE);
	put_u64(p, "header_bytes", l->limits.header_bytes, "B");
	put_u64(p, "header_count", l->limits.header_count, "");
	put_u64(p, "body_bytes", l->limits.body_bytes, "B");
	put_u64(p, "unread_body", l->limits.unread_body, "B");
	put_u64(p, "uri_bytes", l->limits.uri_bytes, "B");
	put_u64(p, "connections", l->limits.connections, "");
	put_u64(p, "requests_per_connection", l->limits.requests_per_connection, "");
	put_u64(p, "streams", l->limits.streams, "");
	dump_h2_limits(p, &l->limits.h2);
	dump_min_rate(p, &l->limits.min_rate);
	close_part(p);
	open_part(p, "timeouts", SPAN_NONE);
	put_u64(p, "header", l->timeouts.header, "ms");
	put_u64(p, "body", l->timeouts.body, "ms");
	put_u64(p, "idle", l->timeouts.idle, "ms");
	put_u64(p, "write", l->timeouts.write, "ms");
	put_u64(p, "linger", l->timeouts.linger, "ms");
	put_u64(p, "linger_idle", l->timeouts.linger_idle, "ms");
	close_part(p);
	dump_forwarding(p, l);
	if (l->to_https.is_set)
		put_u64(p, "redirect_to_https", l->to_https.port, "");
	if (l->hsts.is_set) {
		put_u64(p, "hsts.max_age", l->hsts.max_age, "ms");
		put_bool(p, "hsts.include_subdomains", l->hsts.include_subdomains);
		put_bool(p, "hsts.preload", l->hsts.preload);
	}
	if (l->protocol == M_HTTPS)
		dump_tls(p, l);
	close_part(p);
}

static void dump_backend(struct dumper *p, const struct m_backend *b)
{
	static const char *const balances[] = { "round-robin", "random-two", "least-connections", "ip-hash" };
	static const char *const protocols[] = { "http1", "h2", "auto" };

	open_part(p,
		b->poisoned    ? "backend (poisoned)"
		: b->is_inline ? "backend (inline)"
			       : "backend",
		b->node->span);
	put_str(p, "name", b->name);
	for (size_t i = 0; i < b->n_servers; i++) {
		const struct m_server *s = &b->servers[i];

		open_part(p, s->is_numeric ? "server (numeric)" : "server", s->node->span);
		put_str(p, "host", s->host);
		put_u64(p, "port", s->port, "");
		put_str(p, "base_path", s->base_path);
		put_u64(p, "weight", s->weight, "");
		close_part(p);
	}
	put_word(p, "protocol", protocols[b->protocol], SPAN_NONE);
	put_word(p, "balance", balances[b->balance], SPAN_NONE);
	put_u64(p, "timeouts.connect", b->timeouts.connect, "ms");
	put_u64(p, "timeouts.first_byte", b->timeouts.first_byte, "ms");
	put_u64(p, "timeouts.idle", b->timeouts.idle, "ms");
	put_u64(p, "pool.idle_connections", b->pool.idle_connections, "");
	put_u64(p, "pool.idle_timeout", b->pool.idle_timeout, "ms");
	put_u64(p, "pool.streams", b->pool.streams, "");
	put_u64(p, "limits.connections", b->limits.connections, "");
	put_u64(p, "limits.pending", b->limits.pending, "");
	dump_min_rate(p, &b->min_rate);
	if (b->buffering.request.value != 0)
		put_u64(p, "buffering.request", b->buffering.request, " bytes");
	if (b->buffering.response.value != 0)
		put_u64(p, "buffering.response", b->buffering.response, " bytes");
	put_bool(p, "preserve_host", b->preserve_host);
	dump_retry(p, &b->retry);
	if (b->n_servers > 0 && b->servers[0].is_tls)
		dump_tls_client(p, &b->tls);
	dump_websocket(p, &b->websocket);
	dump_health(p, &b->health);
	close_part(p);
}

static void dump_edits(
	struct dumper *p, const char *name, const struct m_header_edit *edits, size_t n)
{
	static const char *const ops[] = { "set", "add", "remove" };

	if (n == 0)
		return;
	open_part(p, name, SPAN_NONE);
	for (size_t i = 0; i < n; i++) {
		if (edits[i].op == M_HEADER_REMOVE)
			put_str(p, ops[edits[i].op], edits[i].name);
		else
			put_template(p, ops[edits[i].op], edits[i].name.value, &edits[i].value);
	}
	close_part(p);
}

static void dump_jwt(struct dumper *p, const struct m_middleware *m)
{
	if (m->jwt.from_environment)
		put_word(p, "keys", "from the environment", SPAN_NONE);
	dump_secret(p, "secret", &m->jwt.secret);
	dump_secret(p, "jwks", &m->jwt.jwks);
	put_strs(p, "algorithm", m->jwt.algorithms.at, m->jwt.algorithms.n);
	put_str(p, "issuer", m->jwt.issuer);
	put_strs(p, "audience", m->jwt.audience.at, m->jwt.audience.n);
	put_u64(p, "leeway", m->jwt.leeway, "ms");
	put_bool(p, "require_exp", m->jwt.require_exp);
	put_str(p, "header", m->jwt.header);
}

static void dump_rate_limit(struct dumper *p, const struct m_middleware *m)
{
	static const char *const keys[] = { "source", "header", "claim", "route" };

	begin_line(p, "rate");
	sbuf_printf(p->out, " %" PRIu64 " in %" PRIu64 "ms", m->rate_limit.rate.n,
		m->rate_limit.rate.period_ms);
	end_line(p, m->rate_limit.at);
	put_u64(p, "burst", m->rate_limit.burst, "");
	begin_line(p, "key");
	sbuf_printf(p->out, " %s", keys[m->rate_limit.key]);
	if (m->rate_limit.key_arg.value.len > 0) {
		sbuf_addc(p->out, ' ');
		sbuf_json(p->out, m->rate_limit.key_arg.value);
	}
	end_line(p, SPAN_NONE);
	put_u64(p, "max_keys", m->rate_limit.max_keys, "");
}

static void dump_middleware(struct dumper *p, const struct m_middleware *m)
{
	static const char *const kinds[] = { "headers", "rate-limit", "jwt", "request-id", "grpc-web" };

	open_part(p,
		m->poisoned       ? "middleware (poisoned)"
		: m->node == NULL ? "middleware (built in)"
				  : "middleware",
		m->name.at);
	put_str(p, "name", m->name);
	put_word(p, "kind", kinds[m->kind], SPAN_NONE);
	switch (m->kind) {
	case M_MW_HEADERS:
		dump_edits(p, "request", m->headers.request, m->headers.n_request);
		dump_edits(p, "response", m->headers.response, m->headers.n_response);
		break;
	case M_MW_RATE_LIMIT:
		dump_rate_limit(p, m);
		break;
	case M_MW_JWT:
		dump_jwt(p, m);
		break;
	case M_MW_REQUEST_ID:
		put_str(p, "header", m->request_id.header);
		put_bool(p, "trust_incoming", m->request_id.trust_incoming);
		break;
	case M_MW_GRPC_WEB:
		break;
	}
	close_part(p);
}

static void dump_path(struct dumper *p, const struct m_path *path)
{
	static const char *const kinds[] = { "path any", "path prefix", "path exact",
		"path template", "path regex" };

	put_str(p, kinds[path->kind], path->text);
	p->depth++;
	for (size_t i = 0; i < path->n_segments; i++)
		put_str(p, path->segments[i].is_param ? "parameter" : "segment",
			(struct m_str){ path->segments[i].text, path->segments[i].at });
	p->depth--;
}

static void dump_fields(
	struct dumper *p, const char *name, const struct m_field_match *fields, size_t n)
{
	static const char *const kinds[] = { "exact", "prefix", "suffix", "regex", "present",
		"absent" };

	for (size_t i = 0; i < n; i++) {
		put_str(p, name, fields[i].name);
		p->depth++;
		for (size_t v = 0; v < fields[i].n; v++)
			put_str(p, kinds[fields[i].any_of[v].kind], fields[i].any_of[v].text);
		p->depth--;
	}
}

static void dump_match(struct dumper *p, const struct m_match *m)
{
	open_part(p, "match", m->at);
	for (size_t i = 0; i < m->n_hosts; i++)
		put_str(p, m->hosts[i].kind == M_HOST_WILDCARD ? "host below" : "host",
			m->hosts[i].text);
	for (size_t i = 0; i < m->n_paths; i++)
		dump_path(p, &m->paths[i]);
	put_strs(p, "method", m->methods, m->n_methods);
	dump_fields(p, "header", m->headers, m->n_headers);
	dump_fields(p, "query", m->queries, m->n_queries);
	dump_fields(p, "cookie", m->cookies, m->n_cookies);
	dump_fields(p, "client certificate", m->clients, m->n_clients);
	put_strs(p, "scheme", m->schemes, m->n_schemes);
	for (size_t i = 0; i < m->n_snis; i++)
		put_str(p, m->snis[i].kind == M_HOST_WILDCARD ? "sni below" : "sni", m->snis[i].text);
	for (size_t i = 0; i < m->n_sources; i++) {
		begin_line(p, "source ");
		for (unsigned byte = 0; byte < 16; byte++)
			sbuf_printf(p->out, "%02x", m->sources[i].addr[byte]);
		sbuf_printf(p->out, "/%u ", m->sources[i].bits);
		sbuf_json(p->out, m->sources[i].text.value);
		end_line(p, m->sources[i].text.at);
	}
	close_part(p);
}

static void dump_files(struct dumper *p, const struct m_files *f)
{
	static const char *const codings[] = { "br", "gzip", "zstd" };

	put_str(p, "root", f->root);
	put_bool(p, "embed", f->embed);
	put_u64(p, "embed_limit", f->embed_limit, "B");
	put_strs(p, "index", f->indexes.at, f->indexes.n);
	put_str(p, "fallback", f->fallback);
	put_bool(p, "strip", f->strip);
	for (size_t i = 0; i < f->n_codings; i++)
		put_word(p, "precompressed", codings[f->codings[i]], SPAN_NONE);
	put_str(p, "cache_control", f->cache_control);
	for (size_t i = 0; i < f->n_types; i++) {
		put_str(p, "ending", f->types[i].ending);
		put_str(p, "type", f->types[i].type);
	}
	put_bool(p, "hidden", f->hidden);
	put_word(p, "symlinks", f->no_links ? "never" : "inside", SPAN_NONE);
	for (size_t i = 0; i < f->n; i++) {
		begin_line(p, "file ");
		sbuf_json(p->out, f->at[i].path);
		sbuf_printf(p->out, " %" PRIu64 "B", f->at[i].size);
		end_line(p, SPAN_NONE);
	}
}

static void dump_action(struct dumper *p, const struct m_action *a)
{
	static const char *const kinds[] = { "action backend", "action split", "action respond",
		"action redirect", "action echo", "action files" };

	open_part(p, kinds[a->kind], a->at);
	if (a->kind == M_ACTION_BACKEND)
		put_str(p, "backend", a->backend);
	for (size_t i = 0; i < a->n_split; i++) {
		put_str(p, "backend", a->split[i].backend);
		put_u64(p, "weight", a->split[i].weight, "");
	}
	if (a->kind == M_ACTION_RESPOND || a->kind == M_ACTION_REDIRECT)
		put_u64(p, "status", a->status, "");
	for (size_t i = 0; i < a->n_headers; i++)
		put_template(p, "header", a->headers[i].name.value, &a->headers[i].value);
	if (a->kind == M_ACTION_RESPOND)
		put_template(p, "body", STR_NONE, &a->body);
	if (a->kind == M_ACTION_REDIRECT)
		put_template(p, "to", STR_NONE, &a->to);
	if (a->kind == M_ACTION_FILES)
		dump_files(p, a->files);
	close_part(p);
}

static void dump_rewrite(struct dumper *p, const struct m_rewrite *r)
{
	if (r->at.source == 0)
		return;
	open_part(p, "rewrite", r->at);
	put_str(p, "strip_prefix", r->strip_prefix);
	put_str(p, "prefix", r->prefix);
	if (r->path.n > 0)
		put_template(p, "path", STR_NONE, &r->path);
	if (r->host.n > 0)
		put_template(p, "host", STR_NONE, &r->host);
	if (r->regex.value.ptr != NULL) {
		put_str(p, "regex", r->regex);
		put_template(p, "to", STR_NONE, &r->to);
	}
	close_part(p);
}

static void dump_route(struct dumper *p, const struct m_route *r)
{
	open_part(p, r->poisoned ? "route (poisoned)" : "route", r->node->span);
	put_str(p, "name", r->name);
	begin_line(p, "priority");
	sbuf_printf(p->out, " %" PRId64, r->priority.value);
	end_line(p, r->priority.at);
	put_strs(p, "listener", r->listeners.at, r->listeners.n);
	dump_match(p, &r->match);
	for (size_t i = 0; i < r->n_uses; i++)
		put_str(p, "use", r->uses[i].name);
	dump_action(p, &r->action);
	put_u64(p, "timeouts.total", r->timeouts.total, "ms");
	put_u64(p, "timeouts.first_byte", r->timeouts.first_byte, "ms");
	put_u64(p, "limits.body_bytes", r->body_bytes, "B");
	dump_retry(p, &r->retry);
	dump_websocket(p, &r->websocket);
	dump_errors(p, &r->errors);
	dump_rewrite(p, &r->rewrite);
	close_part(p);
}

static void dump_admin(struct dumper *p, const struct m_admin *a)
{
	open_part(p, "admin", SPAN_NONE);
	put_str(p, "address", a->listener.address);
	put_u64(p, "port", a->listener.port, "");
	put_word(p, "token", a->token.kind == M_SECRET_NONE ? "none" : "some", SPAN_NONE);
	put_str(p, "metrics", a->metrics_path);
	close_part(p);
}

static void dump_rest(struct dumper *p, const struct model *m)
{
	dump_errors(p, &m->errors);
	open_part(p, "log", SPAN_NONE);
	put_str(p, "level", m->log.level);
	put_str(p, "format", m->log.format);
	put_bool(p, "access.enabled", m->log.access.enabled);
	put_str(p, "access.path", m->log.access.path);
	put_u64(p, "access.sample", m->log.access.sample_ppm, "ppm");
	put_u64(p, "access.flush", m->log.access.flush, "ms");
	if (m->log.access.line.n > 0)
		put_template(p, "access.line", STR_NONE, &m->log.access.line);
	for (size_t i = 0; i < m->log.access.n_fields; i++) {
		begin_line(p, "access.field");
		sbuf_printf(p->out, " %u", m->log.access.fields[i]);
		end_line(p, SPAN_NONE);
	}
	close_part(p);
	if (m->admin.is_open)
		dump_admin(p, &m->admin);
	open_part(p, "runtime", SPAN_NONE);
	put_u64(p, "workers", m->runtime.workers, "");
	put_u64(p, "drain_timeout", m->runtime.drain_timeout, "ms");
	put_str(p, "user", m->runtime.user);
	put_u64(p, "memory", m->runtime.memory, "B");
	close_part(p);
	open_part(p, "routing", SPAN_NONE);
	put_word(p, "ties", m->routing.ties_file_order ? "file-order" : "error", SPAN_NONE);
	put_word(p, "merge_slashes", m->routing.merge_slashes ? "true" : "false", SPAN_NONE);
	put_word(p, "encoded_slashes", m->routing.allow_encoded_slashes ? "keep" : "refuse",
		SPAN_NONE);
	close_part(p);
}

void model_dump(struct sbuf *out, const struct diags *d, const struct model *m, bool origins)
{
	struct dumper p = { .out = out, .diags = d, .origins = origins };

	put_str(&p, "name", m->name);
	for (size_t i = 0; i < m->n_listeners; i++)
		dump_listener(&p, &m->listeners[i]);
	for (size_t i = 0; i < m->n_routes; i++)
		dump_route(&p, &m->routes[i]);
	for (size_t i = 0; i < m->n_backends; i++)
		dump_backend(&p, &m->backends[i]);
	for (size_t i = 0; i < m->n_certificates; i++)
		dump_certificate(&p, &m->certificates[i]);
	for (size_t i = 0; i < m->n_middlewares; i++)
		dump_middleware(&p, &m->middlewares[i]);
	dump_rest(&p, m);
}
