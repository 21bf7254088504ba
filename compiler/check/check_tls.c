/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Certificates, and TLS of listeners and backends, as far as the config alone tells. What stands in the files is for pki/. */
#include "base/str.h"
#include "check/context.h"
#include "model/tls_policy.h"

/* ---- certificates ---- */

static void use_certificate(struct checker *c, const struct node *n, const char *member, const struct m_str *name)
{
	map_add(&c->used, arena_printf(c->arena, "c:" STR_FMT, STR_ARG(name->value)), c);
	if (map_get(&c->certificates, name->value) != NULL)
		return;
	c->misses_certificate = true;
	if (c->model->lacks_certificates)
		return;
	check_report(c, n, member, name->at, DIAG_UNKNOWN_CERTIFICATE, "unknown certificate '" STR_FMT "'",
		STR_ARG(name->value));
	check_suggest(c, &c->certificates, name->value, "certificates");
}

static void check_literal(struct checker *c, const struct node *n, const char *member, const struct m_secret *s)
{
	if (s->kind != M_SECRET_LITERAL)
		return;
	check_report(c, n, member, s->at, DIAG_SECRET_LITERAL, "a secret in the configuration ends up in the binary");
	diag_note(c->diags, SPAN_NONE, "refer to it instead: {env: NAME} or {file: path}");
}

/* Whether some listener or backend could use certificates that nobody knows of. */
static bool may_use_more(const struct checker *c)
{
	const struct model *m = c->model;
	bool more = m->lacks_listeners || m->lacks_backends || c->misses_certificate;

	for (size_t i = 0; i < m->n_listeners; i++)
		more = more || m->listeners[i].poisoned;
	for (size_t i = 0; i < m->n_backends; i++)
		more = more || m->backends[i].poisoned;
	return more;
}

void check_certificates(struct checker *c)
{
	bool may_be_used = may_use_more(c);

	for (size_t i = 0; i < c->model->n_certificates; i++) {
		const struct m_certificate *m = &c->model->certificates[i];
		struct str key = arena_printf(c->arena, "c:" STR_FMT, STR_ARG(m->name.value));

		if (!may_be_used && map_get(&c->used, key) == NULL)
			check_report(c, m->node, NULL, m->name.at, DIAG_UNUSED_CERTIFICATE,
				"no listener or backend uses the certificate '" STR_FMT "'", STR_ARG(m->name.value));
		if (m->poisoned)
			continue;
		check_literal(c, m->node, "key", &m->key);
		check_literal(c, m->node, "passphrase", &m->passphrase);
	}
}

/* ---- versions and ciphers ---- */

static void explain_cipher(struct checker *c, struct str name)
{
	struct str names[TLS_SUITES], nearest;

	for (size_t i = 0; i < TLS_SUITES; i++) {
		names[i] = tls_suites[i].name;
		if (tls_suites[i].openssl.len != name.len || !str_eq_nocase(tls_suites[i].openssl, name))
			continue;
		diag_note(c->diags, SPAN_NONE, "this is OpenSSL's name for it: write " STR_FMT, STR_ARG(names[i]));
		return;
	}
	nearest = diag_nearest(name, names, TLS_SUITES);
	if (nearest.ptr != NULL)
		diag_note(c->diags, SPAN_NONE, "did you mean '" STR_FMT "'?", STR_ARG(nearest));
	diag_note(c->diags, SPAN_NONE,
		"there are AES-128-GCM, AES-256-GCM and ChaCha20-Poly1305, with ECDHE_ECDSA and ECDHE_RSA in TLS 1.2: see "
		"`toronc help T0607`");
}

static bool check_cipher_names(struct checker *c, const struct m_listener *l)
{
	const struct m_strs *list = &l->tls.ciphers;
	bool ok = true;

	for (size_t i = 0; i < list->n; i++) {
		if (tls_suite_named(list->at[i].value) != NULL)
			continue;
		check_report(c, l->node, "tls.ciphers", list->at[i].at, DIAG_BAD_CIPHER,
			"'" STR_FMT "' is no cipher suite that is offered", STR_ARG(list->at[i].value));
		explain_cipher(c, list->at[i].value);
		ok = false;
	}
	return ok;
}

static bool lists_suite(const struct m_strs *list, const struct tls_suite *s)
{
	for (size_t i = 0; i < list->n; i++)
		if (tls_suite_named(list->at[i].value) == s)
			return true;
	return false;
}

/* The library takes each key exchange with each cipher, so that a list must have them all. */
static void check_closed(struct checker *c, const struct m_listener *l, const struct tls_policy *p)
{
	struct str missing = STR("");

	for (unsigned i = 0; i < p->n_ciphers; i++) {
		for (unsigned x = 0; x < p->n_exchanges + (p->v1_3 ? 1u : 0u); x++) {
			const struct tls_suite *s = tls_suite_of(
				x < p->n_exchanges ? p->exchanges[x] : TLS_EXCHANGE_1_3, p->ciphers[i]);

			if (s != NULL && !lists_suite(&l->tls.ciphers, s))
				missing = arena_printf(c->arena, STR_FMT "%s" STR_FMT, STR_ARG(missing),
					missing.len > 0 ? ", " : "", STR_ARG(s->name));
		}
	}
	if (missing.len == 0)
		return;
	check_report(c, l->node, "tls.ciphers", l->tls.ciphers.at[0].at, DIAG_CIPHERS_CONTRADICT,
		"these ciphers come with others that the list lacks");
	diag_note(c->diags, SPAN_NONE, "each cipher goes with each key exchange: add " STR_FMT, STR_ARG(missing));
}

static unsigned place_in(const struct tls_policy *p, enum tls_cipher cipher)
{
	unsigned i = 0;

	while (i < p->n_ciphers && p->ciphers[i] != cipher)
		i++;
	return i;
}

/* One order of ciphers holds for all key exchanges. */
static void check_order(struct checker *c, const struct m_listener *l, const struct tls_policy *p)
{
	const struct m_strs *list = &l->tls.ciphers;

	for (size_t i = 0; i < list->n; i++) {
		for (size_t k = i + 1; k < list->n; k++) {
			const struct tls_suite *x = tls_suite_named(list->at[i].value);
			const struct tls_suite *y = tls_suite_named(list->at[k].value);

			if (x->exchange != y->exchange || place_in(p, x->cipher) < place_in(p, y->cipher))
				continue;
			check_report(c, l->node, "tls.ciphers", list->at[k].at, DIAG_CIPHERS_CONTRADICT,
				"'" STR_FMT "' is preferred here to its like, and not with other key exchanges",
				STR_ARG(x->name));
			diag_note(c->diags, list->at[i].at, "it stands before '" STR_FMT "' here", STR_ARG(y->name));
			return;
		}
	}
}

static void check_old_suites(struct checker *c, const struct m_listener *l)
{
	const struct m_tls *t = &l->tls;

	for (size_t i = 0; tls_policy_wants_1_3(t) && i < t->ciphers.n; i++) {
		if (tls_suite_named(t->ciphers.at[i].value)->exchange == TLS_EXCHANGE_1_3)
			continue;
		check_report(c, l->node, "tls.ciphers", t->ciphers.at[i].at, DIAG_CIPHERS_CONTRADICT,
			"'" STR_FMT "' is of TLS 1.2, which this listener does not speak", STR_ARG(t->ciphers.at[i].value));
		if (t->min_version.value.ptr != NULL)
			diag_note(c->diags, t->min_version.at, "it asks for TLS 1.3 here");
		else
			diag_note(c->diags, t->preset_at, "the preset modern is TLS 1.3 alone");
		return;
	}
}

static void check_policy(struct checker *c, const struct m_listener *l)
{
	const struct m_tls *t = &l->tls;
	struct tls_policy p = tls_policy_of(t);

	if (t->preset == M_TLS_MODERN && str_eq(t->min_version.value, STR("1.2"))) {
		check_report(c, l->node, "tls.min_version", t->min_version.at, DIAG_TLS_VERSIONS_CONTRADICT,
			"the preset modern is TLS 1.3 alone");
		diag_note(c->diags, t->preset_at, "for TLS 1.2, write preset: intermediate");
		return;
	}
	if (t->ciphers.n == 0 || !check_cipher_names(c, l))
		return;
	check_old_suites(c, l);
	if (!tls_policy_wants_1_3(t) && !p.v1_2) {
		check_report(c, l->node, "tls.ciphers", t->ciphers.at[0].at, DIAG_CIPHERS_CONTRADICT,
			"TLS 1.2 is allowed, and none of these ciphers is for it");
		diag_note(c->diags, t->min_version.value.ptr != NULL ? t->min_version.at : SPAN_NONE,
			"for TLS 1.3 alone, write min_version: \"1.3\"");
		return;
	}
	check_closed(c, l, &p);
	check_order(c, l, &p);
	if (t->early_data.value && !p.v1_3)
		check_report(c, l->node, "tls.early_data", t->early_data.at, DIAG_EARLY_DATA_NEVER,
			"early data is of TLS 1.3, and none of the ciphers is for it");
}

/* ---- listeners ---- */

static void check_client_auth(struct checker *c, const struct m_listener *l)
{
	const struct m_tls *t = &l->tls;

	if (t->client_auth != M_CLIENT_NONE && t->client_ca.path.ptr == NULL) {
		check_report(c, l->node, "tls.client_auth", t->client_auth_at, DIAG_CLIENT_AUTH_WITHOUT_CA,
			"client certificates are asked for, and no CA says which are good");
		diag_note(c->diags, SPAN_NONE, "write the CAs' certificates beside it: ca: clients.pem");
	}
	if (t->client_auth == M_CLIENT_NONE && t->client_ca.path.ptr != NULL)
		check_report(c, l->node, "tls.client_auth.ca", t->client_ca.text.at, DIAG_CLIENT_AUTH_OFF,
			"'ca' has no effect: no client certificates are asked for");
	else if (t->client_auth == M_CLIENT_NONE && t->client_crl.path.ptr != NULL)
		check_report(c, l->node, "tls.client_auth.crl", t->client_crl.text.at, DIAG_CLIENT_AUTH_OFF,
			"'crl' has no effect: no client certificates are asked for");
	else
		return;
	diag_note(c->diags, SPAN_NONE, "write mode: require beside it");
}

static void check_https(struct checker *c, const struct m_listener *l)
{
	const struct m_tls *t = &l->tls;

	if (t->certificates.n == 0) {
		check_report(c, l->node, "tls.certificates", t->is_set ? t->at : l->name.at,
			DIAG_HTTPS_WITHOUT_CERTIFICATE, "the https listener '" STR_FMT "' has no certificate",
			STR_ARG(l->name.value));
		diag_note(c->diags, SPAN_NONE,
			"define one under certificates, and name it here: tls: {certificates: [site]}");
	}
	for (size_t i = 0; i < t->certificates.n; i++)
		use_certificate(c, l->node, "tls.certificates", &t->certificates.at[i]);
	check_policy(c, l);
	check_client_auth(c, l);
	if (t->early_data.value && !t->tickets.value) {
		check_report(c, l->node, "tls.early_data", t->early_data.at, DIAG_EARLY_DATA_NEVER,
			"early data comes with resumed sessions, and session_tickets is false");
	}
}

/* A number for handshakes that was written where there are none. */
static void check_unused(struct checker *c, const struct m_listener *l, struct str section, struct str key)
{
	const struct node *n = node_get(node_get(l->node, section), key);

	if (n == NULL || (n->flags & NODE_DEFAULTED) != 0)
		return;
	node_key_report(c->diags, n, DIAG_TLS_NOT_SPOKEN,
		"there is no handshake: the listener '" STR_FMT "' speaks plain http", STR_ARG(l->name.value));
}

static void check_clear_text(struct checker *c, const struct m_listener *l)
{	if (l->tls.is_set) {
		check_report(c, l->node, "tls", l->tls.at, DIAG_TLS_NOT_SPOKEN,
			"the listener '" STR_FMT "' speaks plain http: its tls section has no effect", STR_ARG(l->name.value));
		diag_note(c->diags, SPAN_NONE, "write protocol: https");
	}
	check_unused(c, l, STR("timeouts"), STR("handshake"));
	check_unused(c, l, STR("limits"), STR("handshakes"));
}

void check_tls(struct checker *c, const struct m_listener *l)
{
	if (l->protocol == M_HTTPS)
		check_https(c, l);
	else
		check_clear_text(c, l);
}

/* ---- backends ---- */

static bool check_schemes(struct checker *c, const struct m_backend *b)
{
	for (size_t i = 0; i < b->n_servers; i++) {
		const struct m_server *s = &b->servers[i];

		if (b->tls.is_set && !s->is_tls) {
			check_report(c, b->node, "tls", b->tls.at, DIAG_TLS_NOT_SPOKEN,
				"this backend's URLs are http, so that its tls section has no effect");
			diag_note(c->diags, s->host.at, "write https:// here");
			return false;
		}
		if (s->is_tls == b->servers[0].is_tls)
			continue;
		check_report(c, s->node, NULL, s->host.at, DIAG_MIXED_SCHEMES,
			"the servers of a backend speak either http or https");
		diag_note(c->diags, b->servers[0].host.at, "this one is %s", b->servers[0].is_tls ? "https" : "http");
		return false;
	}
	return true;
}

void check_tls_client(struct checker *c, const struct m_backend *b)
{
	const struct m_tls_client *t = &b->tls;

	if (t->certificate.value.ptr != NULL)
		use_certificate(c, b->node, "tls.client_certificate", &t->certificate);
	if (!check_schemes(c, b) || !t->is_set || t->verify.value)
		return;
	if (t->n_pins > 0)
		return;
	check_report(c, b->node, "tls.verify", t->verify.at, DIAG_UNVERIFIED_SERVERS,
		"whoever can come between sees and changes all that is sent: the servers' certificates are not checked");
	diag_note(c->diags, SPAN_NONE, "for servers with a CA of their own, write ca: servers.pem");
}
