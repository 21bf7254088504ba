/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tls/client.h"

#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "loop/count.h"
#include "tls/session.h"
#include "tls/tls.h"
#include "tls/verify.h"

#define TICKETS_KEPT 4u /* a server and worker; one is good for one connection (RFC 8446 appendix C.4) */
#define ALPN_MOST 8u
#define PIN_LEN 32u
#define CHAIN_MOST 16u

/* ---- whom we trust ---- */

static struct trust *trust_ref(struct trust *t)
{
	atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	return t;
}

static void trust_release(struct trust **trust)
{
	struct trust *t = *trust;

	*trust = NULL;
	if (t == NULL || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
		return;
	gnutls_certificate_free_credentials(t->credentials);
	free(t);
}

static struct trust *current(struct tls_client *c)
{
	struct trust *t;

	pthread_mutex_lock(&c->lock);
	t = trust_ref(c->trust);
	pthread_mutex_unlock(&c->lock);
	return t;
}

static int fail(const struct toron_tls_client *conf, const char *what, const char *reason, char why[SECRET_WHY_MAX])
{
	snprintf(why, SECRET_WHY_MAX, "%s: %s: %s", conf->origin, what, reason);
	return ERR_INVALID;
}

static int add_crl(const struct toron_tls_client *conf, struct trust *to, char why[SECRET_WHY_MAX])
{
	struct secret pem;
	int rc;

	if (conf->crl == NULL)
		return 0;
	rc = tls_file_read(conf->crl, conf->origin, &pem, why);
	if (rc != 0)
		return rc;
	rc = crl_add(to->credentials, &pem);
	to->crl_due = crl_until(&pem);
	secret_free(&pem);
	return rc == 0 ? 0 : fail(conf, conf->crl, gnutls_strerror(rc), why);
}

static int add_authorities(const struct toron_tls_client *conf, gnutls_certificate_credentials_t to, char why[SECRET_WHY_MAX])
{
	struct secret pem;
	gnutls_datum_t data;
	int rc;

	if (conf->ca == NULL) {
		rc = conf->verify ? gnutls_certificate_set_x509_system_trust(to) : 1;
		return rc > 0 ? 0 : fail(conf, "verify", "this system has no certificates that it trusts; name a file of them as ca", why);
	}
	rc = tls_file_read(conf->ca, conf->origin, &pem, why);
	if (rc != 0)
		return rc;
	data = (gnutls_datum_t){ (unsigned char *)pem.ptr, (unsigned)pem.len };
	rc = gnutls_certificate_set_x509_trust_mem(to, &data, GNUTLS_X509_FMT_PEM);
	secret_free(&pem);
	if (rc <= 0)
		return fail(conf, conf->ca, rc == 0 ? "it holds no certificate" : gnutls_strerror(rc), why);
	return 0;
}

static int fill(const struct toron_tls_client *conf, struct trust *to, struct pair *const *pairs, char why[SECRET_WHY_MAX])
{
	const struct toron_certificate *own = conf->certificate;
	int rc = own != NULL ? pair_add(pairs[own->index], to->credentials) : 0;

	if (rc < 0)
		return fail(conf, own->name, gnutls_strerror(rc), why);
	rc = add_authorities(conf, to->credentials, why);
	return rc != 0 ? rc : add_crl(conf, to, why);
}

static bool renew(struct tls_client *c, struct pair *const *pairs, char why[SECRET_WHY_MAX])
{
	struct trust *t = calloc(1, sizeof(*t)), *old;

	snprintf(why, SECRET_WHY_MAX, "%s: out of memory", c->conf->origin);
	if (t == NULL || gnutls_certificate_allocate_credentials(&t->credentials) != 0) {
		free(t);
		return false;
	}
	atomic_init(&t->refs, 1);
	if (fill(c->conf, t, pairs, why) != 0) {
		trust_release(&t);
		return false;
	}
	pthread_mutex_lock(&c->lock);
	old = c->trust;
	t->number = old != NULL ? old->number + 1 : 1;
	c->trust = t;
	pthread_mutex_unlock(&c->lock);
	c->crl_due = (struct crl_due){ .at = t->crl_due };
	trust_release(&old);
	return true;
}

bool tls_client_init(struct tls_client *c, const struct toron_tls_client *conf, struct pair *const *pairs)
{
	const char *wrong = NULL;
	char why[SECRET_WHY_MAX];
	int rc;

	c->conf = conf;
	pthread_mutex_init(&c->lock, NULL);
	rc = gnutls_priority_init2(&c->priority, conf->priority != NULL ? conf->priority : "NORMAL", &wrong, 0);
	if (rc != 0) {
		c->priority = NULL;
		log_event(LOG_ERROR, "tls-failed", "%s: the priority string is wrong at \"%s\": %s", conf->origin,
			wrong != NULL ? wrong : "", gnutls_strerror(rc));
		return false;
	}
	file_stamp_changed(&c->ca_stamp, conf->ca);
	file_stamp_changed(&c->crl_stamp, conf->crl);
	if (renew(c, pairs, why))
		return true;
	log_event(LOG_ERROR, "tls-failed", "%s", why);
	return false;
}

void tls_client_fini(struct tls_client *c)
{
	if (c->conf == NULL)
		return;
	trust_release(&c->trust);
	if (c->priority != NULL)
		gnutls_priority_deinit(c->priority);
	pthread_mutex_destroy(&c->lock);
	c->conf = NULL;
}

void tls_client_look(struct tls_client *c, struct pair *const *pairs, bool certificate_changed, const struct counts *counts)
{
	bool ca = file_stamp_changed(&c->ca_stamp, c->conf->ca), crl = file_stamp_changed(&c->crl_stamp, c->conf->crl);
	bool changed = ca || crl, was_failing = c->n_failed != 0;
	char why[SECRET_WHY_MAX];

	crl_due_look(&c->crl_due, c->conf->origin, c->conf->crl);
	if (!changed && !certificate_changed && c->n_failed == 0)
		return;
	if (changed || certificate_changed)
		c->n_failed = 0;
	if (renew(c, pairs, why)) {
		c->n_failed = 0;
		if (!changed && !was_failing)
			return;
		count_process(counts, COUNT_TRUST + COUNT_CERTIFICATES_LOADED, 1);
		log_event(LOG_INFO, "tls-reloaded", "%s: trusted issuers and revocations were read again", c->conf->origin);
		return;
	}
	if (++c->n_failed == 2) {
		count_process(counts, COUNT_TRUST + COUNT_CERTIFICATES_REFUSED, 1);
		log_event(LOG_ERROR, "tls-refused", "%s; what was read before stays in use", why);
	}
}

/* ---- a server ---- */

struct ticket {
	gnutls_datum_t data; /* owned */
	struct trusted trusted;
};

struct tls_target {
	struct tls_worker *worker;    /* borrowed */
	struct tls_client *client;    /* borrowed */
	const struct toron_server *server;
	char *name;                   /* owned; asked for and verified */
	bool is_numeric;
	struct ticket tickets[TICKETS_KEPT]; /* the last one is the youngest */
	unsigned n_tickets;
};

static bool is_address(const char *name)
{
	struct addr a;

	return addr_parse(str_of(name), 0, &a);
}

struct tls_target *tls_target_new(struct worker *w, const struct toron_tls_client *conf, const struct toron_server *server)
{
	struct tls_target *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->worker = w->tls;
	t->client = &w->tls->tls->clients[conf->index];
	t->server = server;
	t->name = conf->sni != NULL ? strdup(conf->sni) : strndup(server->host.ptr, server->host.len);
	if (t->name == NULL) {
		free(t);
		return NULL;
	}
	t->is_numeric = is_address(t->name);
	return t;
}

static void drop_tickets(struct tls_target *t)
{
	while (t->n_tickets > 0)
		gnutls_free(t->tickets[--t->n_tickets].data.data);
}

void tls_target_free(struct tls_target **target)
{
	struct tls_target *t = *target;

	if (t == NULL)
		return;
	*target = NULL;
	drop_tickets(t);
	free(t->name);
	free(t);
}

static void keep_ticket(struct session *s)
{
	struct tls_target *t = s->target;
	gnutls_datum_t data;

	if (gnutls_session_get_data2(s->gnutls, &data) != 0 || data.size == 0)
		return;
	if (t->n_tickets == TICKETS_KEPT) {
		gnutls_free(t->tickets[0].data.data);
		memmove(t->tickets, t->tickets + 1, (TICKETS_KEPT - 1) * sizeof(t->tickets[0]));
		t->n_tickets--;
	}
	t->tickets[t->n_tickets++] = (struct ticket){ data, s->trusted };
}

static int on_ticket(gnutls_session_t gnutls, unsigned type, unsigned when, unsigned incoming, const gnutls_datum_t *message)
{
	struct session *s = gnutls_session_get_ptr(gnutls);

	(void)type;
	(void)when;
	(void)message;
	/* TLS 1.2 sends it in the handshake, whose end is awaited. */
	if (incoming == 0 || s->shake != NULL || s->n_tickets == TICKETS_KEPT)
		return 0;
	s->n_tickets++;
	keep_ticket(s);
	return 0;
}

/* ---- one session ---- */

struct client_shake {
	struct session_shake base;
	struct trust *trust; /* counted */
};

static void shake_free(struct session_shake *base)
{
	struct client_shake *k = CONTAINER_OF(base, struct client_shake, base);

	trust_release(&k->trust);
	free(k);
}

static bool is_pinned(const struct toron_tls_client *conf, gnutls_x509_crt_t crt)
{
	unsigned char id[PIN_LEN];
	size_t len = sizeof(id);

	if (gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, id, &len) != 0)
		return false;
	for (uint32_t i = 0; i < conf->n_pins; i++)
		if (str_eq(conf->pins[i], (struct str){ (const char *)id, len }))
			return true;
	return false;
}

static bool has_signed(gnutls_x509_crt_t issuer, gnutls_x509_crt_t crt)
{
	unsigned status = 0;

	return gnutls_x509_crt_check_issuer(crt, issuer) == 1 &&
	       gnutls_x509_crt_verify(crt, &issuer, 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &status) == 0 && status == 0;
}

/* From the server's own key, which the handshake proves it to have, along the signatures. Anybody can send along a certificate of
 * somebody else: that one's key must not count. */
static bool is_chain_pinned(const struct toron_tls_client *conf, const gnutls_x509_crt_t *chain, unsigned n)
{
	unsigned at = 0, next;

	for (unsigned steps = 0; steps < n; steps++, at = next) {
		if (is_pinned(conf, chain[at]))
			return true;
		for (next = 1; next < n; next++)
			if (next != at && has_signed(chain[next], chain[at]))
				break;
		if (next >= n)
			return false;
	}
	return false;
}

/* The server's certificates as it sent them, as many as can be read; the caller deinits them. */
static unsigned peer_chain(gnutls_session_t gnutls, gnutls_x509_crt_t chain[CHAIN_MOST])
{
	unsigned n = 0, n_sent = 0;
	const gnutls_datum_t *sent = gnutls_certificate_get_peers(gnutls, &n_sent);

	for (; sent != NULL && n < n_sent && n < CHAIN_MOST; n++) {
		if (gnutls_x509_crt_init(&chain[n]) != 0)
			break;
		if (gnutls_x509_crt_import(chain[n], &sent[n], GNUTLS_X509_FMT_DER) == 0)
			continue;
		gnutls_x509_crt_deinit(chain[n]);
		break;
	}
	return n;
}

/* What has expired already, was not needed. */
static time_t first_to_expire(const gnutls_x509_crt_t *chain, unsigned n)
{
	time_t now = time(NULL), first = 0;

	for (unsigned i = 0; i < n; i++) {
		time_t until = gnutls_x509_crt_get_expiration_time(chain[i]);

		if (until >= now && (first == 0 || until < first))
			first = until;
	}
	return first;
}

static int on_verify(gnutls_session_t gnutls)
{
	struct session *s = gnutls_session_get_ptr(gnutls);
	const struct tls_target *t = s->target;
	const struct toron_tls_client *conf = t->client->conf;
	const struct client_shake *k = CONTAINER_OF(s->shake, struct client_shake, base);
	gnutls_x509_crt_t chain[CHAIN_MOST];
	unsigned n;
	bool ok;

	if (conf->verify && !verify_peer(s, GNUTLS_KP_TLS_WWW_SERVER, t->name, t->is_numeric, k->trust->crl_due))
		return GNUTLS_E_CERTIFICATE_ERROR;
	n = peer_chain(gnutls, chain);
	s->trusted.until = conf->verify ? first_to_expire(chain, n) : 0;
	ok = conf->n_pins == 0 || (n != 0 && is_chain_pinned(conf, chain, n));
	for (unsigned i = 0; i < n; i++)
		gnutls_x509_crt_deinit(chain[i]);
	if (!ok)
		session_refuse(s, GNUTLS_A_BAD_CERTIFICATE, ERR_UNTRUSTED, "the certificate is refused: no key of its chain is pinned");
	return ok ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

static const char *list_protocols(const struct toron_tls_client *conf, char *text, size_t room)
{
	size_t len = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < conf->n_alpn && len < room; i++)
		len += (size_t)snprintf(text + len, room - len, "%s" STR_FMT, i != 0 ? " or " : "", STR_ARG(conf->alpn[i]));
	return text;
}

/* A server that knows no ALPN speaks HTTP/1.1, and nothing else (RFC 9113 section 3.2). */
static bool does_without(const struct toron_tls_client *conf)
{
	for (uint32_t i = 0; i < conf->n_alpn; i++)
		if (str_eq(conf->alpn[i], STR("http/1.1")))
			return true;
	return conf->n_alpn == 0;
}

static void explain(struct session *s, int rc)
{
	char names[64];

	if (rc == GNUTLS_E_NO_APPLICATION_PROTOCOL)
		session_refuse(s, GNUTLS_A_ILLEGAL_PARAMETER, ERR_PROTOCOL, "it chose a protocol (ALPN) that is not %s",
			list_protocols(s->target->client->conf, names, sizeof(names)));
}

static bool on_done(struct session *s)
{
	const struct toron_tls_client *conf = s->target->client->conf;
	gnutls_datum_t chosen;
	char names[64];

	if (!does_without(conf) && gnutls_alpn_get_selected_protocol(s->gnutls, &chosen) != 0) {
		session_refuse(s, GNUTLS_A_NO_APPLICATION_PROTOCOL, ERR_PROTOCOL, "it did not agree (ALPN) to speak %s",
			list_protocols(conf, names, sizeof(names)));
		return false;
	}
	/* Until TLS 1.3 a session resumes as often as one likes, and the server need not send another ticket. */
	if (gnutls_protocol_get_version(s->gnutls) != GNUTLS_TLS1_3)
		keep_ticket(s);
	return true;
}

void tls_target_log(struct session *s, const char *why)
{
	const struct tls_target *t = s->target;

	tls_worker_log(s->worker, LOG_WARN, "backend-tls-failed", "%s: server " STR_FMT " as %s: %s", t->server->origin,
		STR_ARG(t->server->authority), t->name, why);
}

static void on_failed(struct session *s)
{
	tls_target_log(s, s->shake->why);
}

/* Whoever resumes is not verified again: so what the verification rested on must still hold. */
static bool still_holds(const struct trusted *is, const struct trust *trust)
{
	return is->number == trust->number && !crl_is_due(trust->crl_due) && (is->until == 0 || time(NULL) <= is->until);
}

static void resume(struct session *s, const struct trust *trust)
{
	struct tls_target *t = s->target;

	s->trusted.number = trust->number;
	while (t->n_tickets > 0) {
		struct ticket ticket = t->tickets[--t->n_tickets];
		bool usable = still_holds(&ticket.trusted, trust);

		if (usable) {
			s->trusted = ticket.trusted;
			gnutls_session_set_data(s->gnutls, ticket.data.data, ticket.data.size);
		}
		gnutls_free(ticket.data.data);
		if (usable)
			return;
	}
}

static void offer_protocols(gnutls_session_t gnutls, const struct toron_tls_client *conf)
{
	gnutls_datum_t names[ALPN_MOST];
	unsigned n = 0;

	for (; n < conf->n_alpn && n < ALPN_MOST; n++)
		names[n] = (gnutls_datum_t){ (unsigned char *)(uintptr_t)conf->alpn[n].ptr, (unsigned)conf->alpn[n].len };
	if (n != 0)
		/* MANDATORY: an answer that is none of these ends it. No answer at all is for on_done to judge. */
		gnutls_alpn_set_protocols(gnutls, names, n, GNUTLS_ALPN_MANDATORY);
}

static int configure(struct session *s, const struct trust *trust)
{
	const struct tls_target *t = s->target;
	int rc = gnutls_priority_set(s->gnutls, t->client->priority);

	if (rc == 0)
		rc = gnutls_credentials_set(s->gnutls, GNUTLS_CRD_CERTIFICATE, trust->credentials);
	if (rc == 0 && !t->is_numeric)
		rc = gnutls_server_name_set(s->gnutls, GNUTLS_NAME_DNS, t->name, strlen(t->name));
	if (rc != 0)
		return rc;
	offer_protocols(s->gnutls, t->client->conf);
	gnutls_session_set_verify_function(s->gnutls, on_verify);
	gnutls_handshake_set_hook_function(s->gnutls, GNUTLS_HANDSHAKE_NEW_SESSION_TICKET, GNUTLS_HOOK_POST, on_ticket);
	resume(s, trust);
	return 0;
}

int tls_target_secure(struct tls_target *t, struct conn *c)
{
	struct client_shake *k = calloc(1, sizeof(*k));
	struct session *s;

	if (k == NULL)
		return ERR_NO_MEMORY;
	k->base.done = on_done;
	k->base.explain = explain;
	k->base.failed = on_failed;
	k->base.free = shake_free;
	k->trust = current(t->client);
	/* Without the flag, a server that names other issuers, or a kind of key that TLS 1.2 has no word for, is shown none. */
	s = session_new(t->worker, GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT, &k->base);
	if (s == NULL)
		return ERR_NO_MEMORY;
	s->conn = c;
	s->target = t;
	if (configure(s, k->trust) != 0) {
		session_free(&s);
		return ERR_NO_MEMORY;
	}
	conn_secure(c, &session_ops, s);
	return 0;
}
