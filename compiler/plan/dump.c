/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/str.h"
#include "plan/lookup.h"
#include "plan/plan.h"

struct dump {
	struct sbuf *out;
	const struct plan *p;
	bool origins;
};

/* Ends the line, with its place where places are wanted. */
static void end_line(struct dump *d, struct span at)
{
	struct str place = d->origins ? plan_place(d->p, d->p->arena, at) : STR("");

	if (place.len > 0)
		sbuf_printf(d->out, "  @ " STR_FMT, STR_ARG(place));
	sbuf_addc(d->out, '\n');
}

static void named(struct dump *d, const char *what, struct str name)
{
	sbuf_printf(d->out, "%s ", what);
	sbuf_json(d->out, name);
}

static void dump_time(struct dump *d, const char *what, uint64_t ms)
{
	struct str text = duration_format(d->p->arena, ms);

	sbuf_printf(d->out, " %s=" STR_FMT, what, STR_ARG(text));
}

static void dump_min_rate(struct dump *d, const struct m_min_rate *m)
{
	if (m->request.value != 0)
		sbuf_printf(d->out, " min_request=%llu/s", (unsigned long long)m->request.value);
	if (m->response.value != 0)
		sbuf_printf(d->out, " min_response=%llu/s", (unsigned long long)m->response.value);
	if (m->request.value + m->response.value != 0)
		dump_time(d, "over", m->over.value);
}

static void dump_listener(struct dump *d, const struct plan_listener *l)
{
	static const char *const versions[] = { "none", "1.1", "2", "1.1,2" };
	const struct m_listener *m = l->model;
	struct str address = m->address.value.ptr == NULL ? STR("*") : m->address.value;

	named(d, "listener", m->name.value);
	sbuf_printf(d->out, " %s versions=%s address=" STR_FMT " port=%u router=%u", l->tls != NULL ? "https" : "http",
		versions[m->versions & 3], STR_ARG(address), (unsigned)m->port.value, l->router);
	end_line(d, m->node == NULL ? m->name.at : m->node->span);
	sbuf_printf(d->out,
		"\tlimits header_bytes=%llu header_count=%llu uri_bytes=%llu body_bytes=%llu "
		"unread_body=%llu connections=%llu "
		"requests_per_connection=%llu",
		(unsigned long long)m->limits.header_bytes.value,
		(unsigned long long)m->limits.header_count.value,
		(unsigned long long)m->limits.uri_bytes.value,
		(unsigned long long)m->limits.body_bytes.value,
		(unsigned long long)m->limits.unread_body.value,
		(unsigned long long)m->limits.connections.value,
		(unsigned long long)m->limits.requests_per_connection.value);
	dump_min_rate(d, &m->limits.min_rate);
	sbuf_adds(d->out, "\n");
	sbuf_adds(d->out, "\ttimeouts");
	dump_time(d, "header", m->timeouts.header.value);
	dump_time(d, "body", m->timeouts.body.value);
	dump_time(d, "idle", m->timeouts.idle.value);
	dump_time(d, "write", m->timeouts.write.value);
	dump_time(d, "linger", m->timeouts.linger.value);
	dump_time(d, "linger_idle", m->timeouts.linger_idle.value);
	sbuf_addc(d->out, '\n');
}

static void dump_methods(struct dump *d, uint32_t methods)
{
	static const char *const names[] = { "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT",
		"OPTIONS", "TRACE", "PATCH" };

	if (methods == 0)
		sbuf_adds(d->out, " any");
	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((methods & 1u << i) != 0)
			sbuf_printf(d->out, " %s", names[i]);
	for (uint32_t i = 0; i < d->p->n_extra_methods; i++)
		if ((methods & (uint32_t)TORON_METHOD_EXTRA << i) != 0)
			sbuf_printf(d->out, " " STR_FMT, STR_ARG(d->p->extra_methods[i]));
}

static void dump_template(struct dump *d, const struct plan_template *t)
{
	static const char *const names[] = {
		[TORON_PART_PATH] = "request.path",
		[TORON_PART_QUERY] = "request.query",
		[TORON_PART_HOST] = "request.host",
		[TORON_PART_METHOD] = "request.method",
		[TORON_PART_SCHEME] = "request.scheme",
		[TORON_PART_REQUEST_ID] = "request.id",
		[TORON_PART_HEADER] = "request.headers",
		[TORON_PART_SOURCE_IP] = "source.ip",
		[TORON_PART_PARAM] = "param",
		[TORON_PART_CLAIM] = "claims",
		[TORON_PART_TLS] = "tls",
		[TORON_PART_LOG] = "log",
		[TORON_PART_CAPTURE] = "group",
		[TORON_PART_RESPONSE_HEADER] = "response.headers",
	};

	for (uint32_t i = 0; i < t->n; i++) {
		const struct plan_part *part = &t->parts[i];

		sbuf_addc(d->out, ' ');
		if (part->kind == TORON_PART_LITERAL) {
			sbuf_json(d->out, part->text);
			continue;
		}
		sbuf_printf(d->out, "${%s", names[part->kind]);
		if (part->kind == TORON_PART_PARAM || part->kind == TORON_PART_CAPTURE)
			sbuf_printf(d->out, " %u", part->index);
		else if (part->text.len > 0)
			sbuf_printf(d->out, " " STR_FMT, STR_ARG(part->text));
		sbuf_addc(d->out, '}');
	}
}

static void dump_field(struct dump *d, const struct plan_field *f)
{
	static const char *const places[] = { "header", "query", "cookie", "sni", "client-certificate" };
	static const char *const kinds[] = { "exact", "prefix", "suffix", "regex", "present",
		"absent" };

	sbuf_addc(d->out, '\t');
	named(d, places[f->where], f->name);
	for (uint32_t i = 0; i < f->n; i++) {
		sbuf_printf(d->out, " %s=", kinds[f->values[i].kind]);
		sbuf_json(d->out, f->values[i].text.value);
	}
	sbuf_printf(d->out, "%s%s\n", f->present ? " present" : "", f->absent ? " absent" : "");
}

static void dump_when(struct dump *d, const struct plan_when *w)
{
	for (uint32_t i = 0; i < w->n_fields; i++)
		dump_field(d, &w->fields[i]);
	if (!w->http || !w->https)
		sbuf_printf(
			d->out, "\tscheme%s%s\n", w->http ? " http" : "", w->https ? " https" : "");
	for (uint32_t i = 0; i < w->n_sources; i++)
		sbuf_printf(d->out, "%s" STR_FMT "%s", i == 0 ? "\tsource " : " ",
			STR_ARG(w->sources[i].text.value), i + 1 == w->n_sources ? "\n" : "");
}

static void dump_action(struct dump *d, const struct plan_action *a)
{
	const struct plan *p = d->p;

	switch (a->kind) {
	case PLAN_ACTION_BACKEND:
		named(d, "\taction backend", p->backends[a->backend].model->name.value);
		break;
	case PLAN_ACTION_SPLIT:
		sbuf_adds(d->out, "\taction split");
		for (uint32_t i = 0; i < a->n_legs; i++) {
			sbuf_printf(d->out, " %u of ", a->legs[i].weight);
			sbuf_json(d->out, p->backends[a->legs[i].backend].model->name.value);
		}
		break;
	case PLAN_ACTION_RESPOND:
	case PLAN_ACTION_REDIRECT:
		sbuf_printf(d->out, "\taction %s %u",
			a->kind == PLAN_ACTION_RESPOND ? "respond" : "redirect", a->status);
		dump_template(d, &a->text);
		break;
	case PLAN_ACTION_ECHO:
		sbuf_adds(d->out, "\taction echo");
		break;
	case PLAN_ACTION_FILES:
		named(d, "\taction files", a->files->folder);
		if (a->files->embed.value)
			sbuf_printf(d->out, " embedded=%zu", a->files->n);
		break;
	}
	sbuf_addc(d->out, '\n');
	for (uint32_t i = 0; i < a->n_headers; i++) {
		named(d, "\t\theader", a->headers[i].name);
		dump_template(d, &a->headers[i].value);
		sbuf_addc(d->out, '\n');
	}
}

static void dump_rewrite(struct dump *d, const struct plan_rewrite *r)
{
	sbuf_printf(d->out, "\trewrite strip=" STR_FMT " prefix=" STR_FMT, STR_ARG(r->strip_prefix),
		STR_ARG(r->prefix));
	if (r->path.n > 0) {
		sbuf_adds(d->out, " path ");
		dump_template(d, &r->path);
	}
	if (r->host.n > 0) {
		sbuf_adds(d->out, " host ");
		dump_template(d, &r->host);
	}
	if (r->regex != NULL) {
		named(d, " regex", r->regex_text);
		sbuf_printf(d->out, " steps=%u to", r->capture->n_steps);
		dump_template(d, &r->to);
	}
	sbuf_addc(d->out, '\n');
}

static void dump_route(struct dump *d, const struct plan_route *r)
{
	named(d, "route", r->name);
	sbuf_adds(d->out, " methods");
	dump_methods(d, r->methods);
	if (r->priority != 0)
		sbuf_printf(d->out, " priority=%lld", (long long)r->priority);
	if (r->total_ms != 0)
		dump_time(d, "total", r->total_ms);
	if (r->first_byte_ms != 0)
		dump_time(d, "first_byte", r->first_byte_ms);
	if (r->model->body_bytes.value != 0)
		sbuf_printf(d->out, " body_bytes=%llu", (unsigned long long)r->model->body_bytes.value);
	end_line(d, r->at);
	for (uint32_t i = 0; i < r->n_params; i++) {
		sbuf_printf(d->out, "\tparam %u ", i);
		sbuf_json(d->out, r->params[i]);
		sbuf_addc(d->out, '\n');
	}
	dump_when(d, &r->when);
	if (r->chain != PLAN_NONE)
		sbuf_printf(d->out, "\tchain %u\n", r->chain);
	if (r->rewrite != NULL)
		dump_rewrite(d, r->rewrite);
	dump_action(d, &r->action);
}

static void dump_hosts(struct dump *d, const struct plan_hosts *h)
{
	if (h->kind == PLAN_HOST_ANY)
		sbuf_adds(d->out, " any-host");
	for (uint32_t i = 0; i < h->n; i++)
		sbuf_printf(d->out, " %s" STR_FMT, h->kind == PLAN_HOST_WILDCARD ? "*" : "",
			STR_ARG(h->at[i]));
}

static void dump_entry(struct dump *d, uint32_t rank)
{
	const struct plan_entry *e = &d->p->entries[rank];
	const struct plan_route *r = &d->p->routes[e->route];

	sbuf_printf(d->out, "rank %u ", rank);
	sbuf_json(d->out, r->name);
	dump_hosts(d, &e->hosts);
	sbuf_printf(d->out, " " STR_FMT, STR_ARG(d->p->paths[e->path].key));
	for (uint32_t i = 0; i < r->n_params && e->params != NULL; i++)
		if (e->params[i] != PLAN_NO_SEGMENT)
			sbuf_printf(d->out, " param%u=segment%u", i, e->params[i]);
	if (e->strip > 0)
		sbuf_printf(d->out, " strip=%u", e->strip);
	sbuf_addc(d->out, '\n');
}

static void dump_router(struct dump *d, uint32_t index)
{
	const struct plan_router *r = &d->p->routers[index];

	sbuf_printf(d->out, "router %u\n", index);
	for (uint32_t i = 0; i < r->n_atoms; i++) {
		sbuf_adds(d->out, "\thost");
		dump_hosts(d, &r->atoms[i]);
		sbuf_printf(d->out, " list %u\n", r->list_of_atom[i]);
	}
	for (uint32_t i = 0; i < r->n_lists; i++) {
		sbuf_printf(d->out, "\tlist %u groups", i);
		for (uint32_t k = 0; k < r->lists[i].n; k++)
			sbuf_printf(d->out, " %u", r->lists[i].groups[k]);
		sbuf_addc(d->out, '\n');
	}
}

static void dump_group(struct dump *d, uint32_t index)
{
	const struct plan *p = d->p;
	const struct plan_group *g = &p->groups[index];
	const struct plan_matcher *m = &p->matchers[g->matcher];
	const struct plan_accepts *lists = plan_accepts_by_first(p, p->arena, g);

	sbuf_printf(
		d->out, "group %u " STR_FMT " matcher %u\n", index, STR_ARG(g->hosts), g->matcher);
	for (uint32_t i = 0; i < m->n; i++) {
		sbuf_printf(d->out, "\t" STR_FMT " ranks", STR_ARG(p->paths[m->paths[i]].key));
		for (uint32_t k = 0; k < lists[i + 1].n; k++) {
			const struct plan_candidate *c = &lists[i + 1].at[k];

			sbuf_printf(d->out, " %u%s", c->entry, c->also == PLAN_NONE ? "" : "?");
		}
		sbuf_addc(d->out, '\n');
	}
}

static void dump_edits(struct dump *d, const char *where, const struct plan_edit *at, uint32_t n)
{
	static const char *const ops[] = { "set", "add", "remove" };

	for (uint32_t i = 0; i < n; i++) {
		sbuf_printf(d->out, "\t%s %s ", where, ops[at[i].op]);
		sbuf_json(d->out, at[i].name);
		dump_template(d, &at[i].value);
		sbuf_addc(d->out, '\n');
	}
}

static void dump_mw(struct dump *d, uint32_t index)
{
	static const char *const kinds[] = { "headers", "rate-limit", "jwt", "request-id", "grpc-web" };
	const struct plan_mw *mw = &d->p->mws[index];
	const struct node *node = mw->model->node;

	sbuf_printf(d->out, "middleware %u ", index);
	sbuf_json(d->out, mw->name);
	sbuf_printf(d->out, " %s", kinds[mw->model->kind]);
	end_line(d, node == NULL || (node->flags & NODE_DEFAULTED) != 0 ? SPAN_NONE : node->span);
	dump_edits(d, "request", mw->request, mw->n_request);
	dump_edits(d, "response", mw->response, mw->n_response);
}

static void dump_backend(struct dump *d, const struct plan_backend *b)
{
	static const char *const balances[] = { "round-robin", "random-two", "least-connections" };
	static const char *const protocols[] = { "", " h2", " auto" };
	const struct m_backend *m = b->model;

	named(d, "backend", m->name.value);
	sbuf_printf(d->out, "%s %s%s", protocols[m->protocol], balances[m->balance],
		m->preserve_host.value ? " preserve-host" : "");
	dump_time(d, "connect", m->timeouts.connect.value);
	dump_time(d, "first_byte", m->timeouts.first_byte.value);
	dump_time(d, "idle", m->timeouts.idle.value);
	dump_min_rate(d, &m->min_rate);
	if (m->buffering.request.value != 0)
		sbuf_printf(d->out, " buffer_request=%llu", (unsigned long long)m->buffering.request.value);
	if (m->buffering.response.value != 0)
		sbuf_printf(d->out, " buffer_response=%llu", (unsigned long long)m->buffering.response.value);
	end_line(d, m->node == NULL ? SPAN_NONE : m->node->span);
	for (uint32_t i = 0; i < b->n_servers; i++) {
		const struct m_server *s = b->servers[i].model;

		sbuf_printf(d->out, "\tserver " STR_FMT " weight=%u%s",
			STR_ARG(b->servers[i].authority), (unsigned)s->weight.value,
			s->is_numeric ? " numeric" : "");
		if (s->base_path.value.len > 0)
			sbuf_printf(d->out, " base=" STR_FMT, STR_ARG(s->base_path.value));
		end_line(d, s->node == NULL ? SPAN_NONE : s->node->span);
	}
}

void plan_dump(struct sbuf *out, const struct plan *p, bool origins)
{
	struct dump d = { .out = out, .p = p, .origins = origins };

	for (uint32_t i = 0; i < p->n_listeners; i++)
		dump_listener(&d, &p->listeners[i]);
	for (uint32_t i = 0; i < p->n_routers; i++)
		dump_router(&d, i);
	for (uint32_t i = 0; i < p->n_groups; i++)
		dump_group(&d, i);
	for (uint32_t i = 0; i < p->n_entries; i++)
		dump_entry(&d, i);
	for (uint32_t i = 0; i < p->n_routes; i++)
		dump_route(&d, &p->routes[i]);
	for (uint32_t i = 0; i < p->n_chains; i++) {
		sbuf_printf(out, "chain %u", i);
		for (uint32_t k = 0; k < p->chains[i].n; k++)
			sbuf_printf(out, " %u", p->chains[i].mws[k]);
		sbuf_addc(out, '\n');
	}
	for (uint32_t i = 0; i < p->n_mws; i++)
		dump_mw(&d, i);
	for (uint32_t i = 0; i < p->n_backends; i++)
		dump_backend(&d, &p->backends[i]);
}
