/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* TLS on either side, and certificates: names of files, never what is in them. */
#include "emit/emitter.h"

#include "base/str.h"

static uint64_t least(uint64_t value, uint64_t most)
{
	return value < most ? value : most;
}

static void emit_file_name(struct emitter *e, const char *field, const struct m_file_name *file)
{
	if (file->path.ptr != NULL)
		emit_cstr(e, field, cwriter_quote(e->arena, file->path));
}

/* ---- certificates ---- */

static void emit_certificate(struct emitter *e, uint32_t index)
{
	const struct m_certificate *m = e->plan->certificates[index];

	emit_comment(e, &e->c, m->node, m->name.value);
	cwriter_open(&e->c, "static const struct toron_certificate %s = {", e->certificates[index]);
	emit_cstr(e, "name", cwriter_quote(e->arena, m->name.value));
	emit_cstr(e, "origin", emit_origin(e, m->node->span));
	emit_file_name(e, "cert", &m->cert);
	emit_secret(e, "key", &m->key);
	emit_secret(e, "passphrase", &m->passphrase);
	emit_file_name(e, "ocsp", &m->ocsp);
	cwriter_line(&e->c, ".index = %u,", index);
	cwriter_close(&e->c, "};");
	cwriter_blank(&e->c);
}

void emit_certificates(struct emitter *e)
{
	const struct plan *p = e->plan;

	if (p->n_certificates == 0)
		return;
	e->certificates = ARENA_ARRAY(e->arena, const char *, p->n_certificates);
	for (uint32_t i = 0; i < p->n_certificates; i++) {
		e->certificates[i] = cwriter_ident(&e->taken, "certificate_", p->certificates[i]->name.value);
		emit_certificate(e, i);
	}
	cwriter_open(&e->c, "static const struct toron_certificate *const certificates[] = {");
	for (uint32_t i = 0; i < p->n_certificates; i++)
		cwriter_line(&e->c, "&%s,", e->certificates[i]);
	cwriter_close(&e->c, "};");
	cwriter_blank(&e->c);
}

/* ---- listeners ---- */

static void emit_names(struct emitter *e, const char *field, const struct str *at, uint32_t n)
{
	if (n == 0)
		return;
	cwriter_open(&e->c, ".%s = (const struct str[]){", field);
	for (uint32_t i = 0; i < n; i++)
		cwriter_line(&e->c, "STR_INIT(%s),", cwriter_quote(e->arena, at[i]));
	cwriter_close(&e->c, "},");
	cwriter_line(&e->c, ".n_%s = %u,", field, n);
}

static void emit_client_auth(struct emitter *e, const struct m_tls *m)
{
	static const char *const modes[] = {
		[M_CLIENT_OPTIONAL] = "TORON_CLIENT_OPTIONAL",
		[M_CLIENT_REQUIRE] = "TORON_CLIENT_REQUIRE",
	};

	if (m->client_auth == M_CLIENT_NONE)
		return;
	cwriter_line(&e->c, ".client_auth = %s,", modes[m->client_auth]);
	emit_file_name(e, "client_ca", &m->client_ca);
	emit_file_name(e, "client_crl", &m->client_crl);
	emit_u64(e, "client_depth", m->client_depth.value);
}

static void emit_resumption(struct emitter *e, const struct m_tls *m)
{
	if (m->tickets.value) {
		cwriter_line(&e->c, ".tickets = true,");
		emit_file_name(e, "ticket_keys", &m->ticket_keys);
		emit_u64(e, "ticket_lifetime_s", least(m->ticket_lifetime.value / 1000, UINT32_MAX));
	}
	if (m->early_data.value) {
		cwriter_line(&e->c, ".early_data = true,");
		emit_u64(e, "early_data_bytes", least(m->early_data_bytes.value, UINT32_MAX));
	}
}

const char *emit_tls(struct emitter *e, const struct plan_listener *l)
{
	const struct plan_tls *t = l->tls;
	struct cwriter *c = &e->c;
	const char *id;

	if (t == NULL)
		return NULL;
	id = cwriter_ident(&e->taken, "tls_", l->model->name.value);
	cwriter_comment(c, "TLS of \"" STR_FMT "\"", STR_ARG(l->model->name.value));
	cwriter_open(c, "static const struct toron_tls %s = {", id);
	emit_cstr(e, "origin", emit_origin(e, t->model->at));
	cwriter_open(c, ".certificates = (const struct toron_certificate *const[]){");
	for (uint32_t i = 0; i < t->n_certificates; i++)
		cwriter_line(c, "&%s,", e->certificates[t->certificates[i]]);
	cwriter_close(c, "},");
	emit_u64(e, "n_certificates", t->n_certificates);
	emit_cstr(e, "priority", cwriter_quote(e->arena, t->priority));
	cwriter_line(c, ".min_version = %s,", t->has_1_2 ? "TORON_TLS_1_2" : "TORON_TLS_1_3");
	emit_client_auth(e, t->model);
	emit_names(e, "alpn", t->alpn, t->n_alpn);
	emit_u64(e, "handshake_ms", least(l->model->timeouts.handshake.value, UINT32_MAX));
	emit_u64(e, "handshakes", least(l->model->limits.handshakes.value, UINT32_MAX));
	emit_resumption(e, t->model);
	cwriter_close(c, "};");
	cwriter_blank(c);
	return id;
}

/* ---- backends ---- */

static void emit_pins(struct emitter *e, const struct m_tls_client *m)
{
	if (m->n_pins == 0)
		return;
	cwriter_open(&e->c, ".pins = (const struct str[]){");
	for (size_t i = 0; i < m->n_pins; i++) {
		struct str hash = { (const char *)m->pins[i].hash, sizeof(m->pins[i].hash) };

		cwriter_line(&e->c, "STR_INIT(%s),", cwriter_quote(e->arena, hash));
	}
	cwriter_close(&e->c, "},");
	emit_u64(e, "n_pins", m->n_pins);
}

const char *emit_tls_client(struct emitter *e, const struct plan_backend *b)
{
	static const struct str protocols[] = { STR_INIT("h2"), STR_INIT("http/1.1") }; /* the preferred one first */
	const struct plan_tls_client *t = b->tls;
	struct cwriter *c = &e->c;
	const char *id;

	if (t == NULL)
		return NULL;
	id = cwriter_ident(&e->taken, "tls_to_", b->model->name.value);
	cwriter_comment(c, "TLS to \"" STR_FMT "\"", STR_ARG(b->model->name.value));
	cwriter_open(c, "static const struct toron_tls_client %s = {", id);
	emit_cstr(e, "origin", emit_origin(e, t->model->is_set ? t->model->at : b->model->node->span));
	emit_file_name(e, "ca", &t->model->ca);
	emit_file_name(e, "crl", &t->model->crl);
	if (t->model->sni.value.ptr != NULL)
		emit_cstr(e, "sni", cwriter_quote(e->arena, t->model->sni.value));
	emit_cstr(e, "priority", cwriter_quote(e->arena, t->priority));
	if (t->model->verify.value)
		cwriter_line(c, ".verify = true,");
	if (t->certificate != PLAN_NONE)
		cwriter_line(c, ".certificate = &%s,", e->certificates[t->certificate]);
	emit_pins(e, t->model);
	emit_names(e, "alpn", &protocols[b->model->protocol == M_BACKEND_HTTP1], b->model->protocol == M_BACKEND_AUTO ? 2 : 1);
	cwriter_line(c, ".index = %u,", t->index);
	cwriter_close(c, "};");
	cwriter_blank(c);
	vec_push(e->arena, &e->tls_clients, id);
	return id;
}

void emit_tls_clients(struct emitter *e)
{
	if (e->tls_clients.n == 0)
		return;
	cwriter_open(&e->c, "static const struct toron_tls_client *const tls_clients[] = {");
	for (size_t i = 0; i < e->tls_clients.n; i++)
		cwriter_line(&e->c, "&%s,", e->tls_clients.at[i]);
	cwriter_close(&e->c, "};");
	cwriter_blank(&e->c);
}
