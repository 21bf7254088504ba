/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tls/server.h"

#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "loop/count.h"
#include "tls/identity.h"
#include "tls/session.h"
#include "tls/tls.h"
#include "tls/verify.h"

#define SNI_MOST 256u
#define ALPN_MOST 8u
#define KEY_AGE_MS (24u * 3600u * 1000u) /* of an own ticket key */
#define TICKET_FILE_LEAST 32u            /* bytes of it */
#define TICKETS_SENT 1u

/* ---- what a listener offers ---- */

static struct offer *current(struct tls_server *s)
{
	struct offer *o;

	pthread_mutex_lock(&s->lock);
	o = offer_ref(s->offer);
	pthread_mutex_unlock(&s->lock);
	return o;
}

static void publish(struct tls_server *s, struct offer *fresh)
{
	struct offer *old;

	pthread_mutex_lock(&s->lock);
	old = s->offer;
	s->offer = fresh;
	pthread_mutex_unlock(&s->lock);
	offer_release(&old);
}

/* What is new of a file replaces what was there when all of it is good. */
struct draft {
	struct secret ca, crl;
	unsigned char ticket_key[OFFER_TICKET_KEY];
};

static int read_pem(const char *path, const char *origin, struct secret *out, char why[SECRET_WHY_MAX])
{
	*out = (struct secret){ 0 };
	return path == NULL ? 0 : tls_file_read(path, origin, out, why);
}

static int read_ticket_key(struct tls_server *s, unsigned char key[OFFER_TICKET_KEY], char why[SECRET_WHY_MAX])
{
	const struct toron_tls *conf = s->listener->tls;
	struct secret text;
	int rc;

	if (conf->ticket_keys == NULL) {
		memcpy(key, s->ticket_key, OFFER_TICKET_KEY);
		return 0;
	}
	rc = tls_file_read(conf->ticket_keys, conf->origin, &text, why);
	if (rc != 0)
		return rc;
	if (text.len < TICKET_FILE_LEAST) {
		snprintf(why, SECRET_WHY_MAX, "%s: %s: a ticket key has at least %u random bytes", conf->origin, conf->ticket_keys,
			TICKET_FILE_LEAST);
		rc = ERR_INVALID;
	} else if (gnutls_hash_fast(GNUTLS_DIG_SHA512, text.ptr, text.len, key) != 0) {
		rc = ERR_SYSTEM;
	}
	secret_free(&text);
	return rc;
}

static void draft_fini(struct draft *d)
{
	secret_free(&d->ca);
	secret_free(&d->crl);
	explicit_bzero(d->ticket_key, sizeof(d->ticket_key));
}

/* Reads everything anew and publishes it; false, and `why`: nothing has changed. */
static bool renew(struct tls_server *s, struct pair *const *pairs, char why[SECRET_WHY_MAX])
{
	const struct toron_tls *conf = s->listener->tls;
	struct draft d = { 0 };
	struct offer *fresh = NULL;

	snprintf(why, SECRET_WHY_MAX, "%s: out of memory", conf->origin);
	if (read_pem(conf->client_ca, conf->origin, &d.ca, why) == 0 && read_pem(conf->client_crl, conf->origin, &d.crl, why) == 0 &&
		read_ticket_key(s, d.ticket_key, why) == 0)
		fresh = offer_new(conf, pairs, &d.ca, &d.crl, d.ticket_key, why);
	if (fresh != NULL)
		s->crl_due = (struct crl_due){ .at = fresh->crl_due };
	draft_fini(&d);
	if (fresh == NULL)
		return false;
	publish(s, fresh);
	return true;
}

static bool new_ticket_key(struct tls_server *s)
{
	s->key_born_ms = clock_monotonic_us() / 1000u;
	return gnutls_rnd(GNUTLS_RND_KEY, s->ticket_key, sizeof(s->ticket_key)) == 0;
}

/* What the files look like now. */
static bool files_changed(struct tls_server *s)
{
	const struct toron_tls *conf = s->listener->tls;
	bool ca = file_stamp_changed(&s->ca_stamp, conf->client_ca), crl = file_stamp_changed(&s->crl_stamp, conf->client_crl);

	/* Who resumes is not asked for a certificate again: tickets do not outlive a change in who is trusted, as far as the keys are
	 * our own. */
	if ((ca || crl) && conf->ticket_keys == NULL)
		new_ticket_key(s);
	return file_stamp_changed(&s->tickets_stamp, conf->ticket_keys) || ca || crl;
}

bool tls_server_init(struct tls_server *s, const struct toron_listener *l, struct pair *const *pairs)
{
	const struct toron_tls *conf = l->tls;
	const char *wrong = NULL;
	char why[SECRET_WHY_MAX];
	int rc;

	pthread_mutex_init(&s->lock, NULL);
	s->listener = l;
	rc = gnutls_priority_init2(&s->priority, conf->priority != NULL ? conf->priority : "NORMAL", &wrong, 0);
	if (rc != 0) {
		s->priority = NULL;
		log_event(LOG_ERROR, "tls-failed", "%s: listener %s: its priority string is wrong at \"%s\": %s", conf->origin, l->name,
			wrong != NULL ? wrong : "", gnutls_strerror(rc));
		return false;
	}
	files_changed(s);
	if (new_ticket_key(s) && renew(s, pairs, why))
		return true;
	log_event(LOG_ERROR, "tls-failed", "listener %s: %s", l->name, why);
	return false;
}

void tls_server_fini(struct tls_server *s)
{
	if (s->listener == NULL)
		return;
	offer_release(&s->offer);
	if (s->priority != NULL)
		gnutls_priority_deinit(s->priority);
	explicit_bzero(s->ticket_key, sizeof(s->ticket_key));
	pthread_mutex_destroy(&s->lock);
	s->listener = NULL;
}

void tls_server_look(struct tls_server *s, struct pair *const *pairs, bool certificates_changed, const struct counts *counts)
{
	const struct toron_listener *l = s->listener;
	bool changed = files_changed(s), was_failing = s->n_failed != 0, is_old;
	char why[SECRET_WHY_MAX];

	crl_due_look(&s->crl_due, l->tls->origin, l->tls->client_crl);
	is_old = l->tls->ticket_keys == NULL && clock_monotonic_us() / 1000u - s->key_born_ms > KEY_AGE_MS;
	if (is_old)
		new_ticket_key(s);
	if (!changed && !certificates_changed && !is_old && s->n_failed == 0)
		return;
	if (changed || certificates_changed)
		s->n_failed = 0;
	if (renew(s, pairs, why)) {
		s->n_failed = 0;
		if (!changed && !was_failing)
			return;
		count_process(counts, COUNT_TRUST + COUNT_CERTIFICATES_LOADED, 1);
		log_event(LOG_INFO, "tls-reloaded", "%s: listener %s: trusted issuers, revocations or ticket keys were read again",
			l->tls->origin, l->name);
		return;
	}
	/* A file that was being written is whole a moment later. */
	if (++s->n_failed == 2) {
		count_process(counts, COUNT_TRUST + COUNT_CERTIFICATES_REFUSED, 1);
		log_event(LOG_ERROR, "tls-refused", "listener %s: %s; what was read before stays in use", l->name, why);
	}
}

/* ---- one session ---- */

struct server_shake {
	struct session_shake base;
	const struct toron_listener *listener;
	struct offer *offer; /* counted */
	bool heard;          /* a hello; after a HelloRetryRequest there is a second one */
};

static struct server_shake *shake_of(const struct session *s)
{
	return CONTAINER_OF(s->shake, struct server_shake, base);
}

static void shake_free(struct session_shake *base)
{
	struct server_shake *k = CONTAINER_OF(base, struct server_shake, base);

	offer_release(&k->offer);
	free(k);
}

/* The name that the client asks for; it decides which certificates there are to choose from. A second hello asks for the same one (RFC 8446
 * section 4.1.2), or somebody is routed and logged by one name and sees the certificate of another. */
static int on_hello(gnutls_session_t gnutls)
{
	struct session *s = gnutls_session_get_ptr(gnutls);
	struct server_shake *k = shake_of(s);
	char name[SNI_MOST];
	size_t len = sizeof(name);
	unsigned type = 0;
	struct str sni = STR_NONE;

	if (gnutls_server_name_get(gnutls, name, &len, &type, 0) == 0 && type == GNUTLS_NAME_DNS) {
		len = strnlen(name, len);
		if (len > 1 && name[len - 1] == '.')
			len--;
		for (size_t i = 0; i < len; i++)
			name[i] = (char)ascii_lower((unsigned char)name[i]);
		sni = (struct str){ name, len };
	}
	if (k->heard && !str_eq(sni, s->info->sni))
		return GNUTLS_E_RECEIVED_ILLEGAL_PARAMETER;
	k->heard = true;
	if (sni.len != 0 && s->info->sni.ptr == NULL) {
		char *copy = strndup(sni.ptr, sni.len);

		if (copy == NULL)
			return GNUTLS_E_MEMORY_ERROR;
		s->info->sni = (struct str){ copy, sni.len };
	}
	return gnutls_credentials_set(gnutls, GNUTLS_CRD_CERTIFICATE, offer_choose(k->offer, sni));
}

static bool is_root(const gnutls_datum_t *der)
{
	gnutls_x509_crt_t crt;
	bool is;

	if (gnutls_x509_crt_init(&crt) != 0)
		return false;
	is = gnutls_x509_crt_import(crt, der, GNUTLS_X509_FMT_DER) == 0 && gnutls_x509_crt_check_issuer(crt, crt) != 0;
	gnutls_x509_crt_deinit(crt);
	return is;
}

/* Many clients send the root along, which adds nothing. */
static bool is_too_long(const struct toron_tls *conf, const gnutls_datum_t *chain, unsigned n)
{
	return n > conf->client_depth && conf->client_depth != 0 && (n > conf->client_depth + 1 || !is_root(&chain[n - 1]));
}

static int on_verify(gnutls_session_t gnutls)
{
	struct session *s = gnutls_session_get_ptr(gnutls);
	const struct toron_tls *conf = shake_of(s)->listener->tls;
	unsigned n = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(gnutls, &n);

	if (chain == NULL && conf->client_auth != TORON_CLIENT_REQUIRE)
		return 0;
	if (chain != NULL && is_too_long(conf, chain, n)) {
		session_refuse(s, GNUTLS_A_BAD_CERTIFICATE, ERR_UNTRUSTED, "the certificate is refused: its chain is too long");
		return GNUTLS_E_CERTIFICATE_ERROR;
	}
	return verify_peer(s, GNUTLS_KP_TLS_WWW_CLIENT, NULL, false, shake_of(s)->offer->crl_due) ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

static bool on_done(struct session *s)
{
	enum toron_client_auth auth = shake_of(s)->listener->tls->client_auth;
	struct tls_info *i = s->info;

	/* What was good when the ticket was made may have expired, or been revoked. */
	if (auth != TORON_CLIENT_NONE && gnutls_session_is_resumed(s->gnutls) != 0 && on_verify(s->gnutls) != 0)
		return false;
	i->version = gnutls_protocol_get_version(s->gnutls) == GNUTLS_TLS1_3 ? STR("TLSv1.3") : STR("TLSv1.2");
	i->cipher = str_of(gnutls_ciphersuite_get(s->gnutls));
	if (auth != TORON_CLIENT_NONE && !identity_read(s->gnutls, i)) {
		session_refuse(s, GNUTLS_A_INTERNAL_ERROR, ERR_NO_MEMORY, "the client's certificate cannot be read");
		return false;
	}
	if (gnutls_session_is_resumed(s->gnutls) != 0)
		count_listener(s->conn->worker, shake_of(s)->listener, COUNT_RESUMED);
	if (s->early_end != 0)
		count_listener(s->conn->worker, shake_of(s)->listener, COUNT_EARLY);
	if (shake_of(s)->listener->tls->tickets && gnutls_protocol_get_version(s->gnutls) == GNUTLS_TLS1_3)
		gnutls_session_ticket_send(s->gnutls, TICKETS_SENT, 0);
	return true;
}

static void explain(struct session *s, int rc)
{
	bool is_1_3 = gnutls_protocol_get_version(s->gnutls) == GNUTLS_TLS1_3;

	if (rc == GNUTLS_E_NO_CERTIFICATE_FOUND || rc == GNUTLS_E_CERTIFICATE_REQUIRED)
		session_refuse(s, is_1_3 ? GNUTLS_A_CERTIFICATE_REQUIRED : GNUTLS_A_HANDSHAKE_FAILURE, ERR_UNTRUSTED,
			"no certificate was shown");
	/* GnuTLS looks for a cipher before it notices. */
	else if (rc == GNUTLS_E_NO_CIPHER_SUITES && !is_1_3 && shake_of(s)->listener->tls->min_version == TORON_TLS_1_3)
		session_refuse(s, GNUTLS_A_PROTOCOL_VERSION, ERR_PROTOCOL, "the client does not speak TLS 1.3");
}

static void on_failed(struct session *s)
{
	const struct toron_listener *l = shake_of(s)->listener;
	char ip[ADDR_TEXT_MAX];
	size_t len = addr_format_ip(&s->conn->peer, ip);

	tls_worker_log(s->worker, LOG_INFO, "tls-handshake-failed", "%s: listener %s: client %.*s%s" STR_FMT ": %s", l->origin, l->name, (int)len,
		ip, s->info->sni.len != 0 ? " for " : "", STR_ARG(s->info->sni), s->shake->why);
}

static void offer_protocols(gnutls_session_t gnutls, const struct toron_tls *conf)
{
	gnutls_datum_t names[ALPN_MOST];
	unsigned n = 0;

	for (; n < conf->n_alpn && n < ALPN_MOST; n++)
		names[n] = (gnutls_datum_t){ (unsigned char *)(uintptr_t)conf->alpn[n].ptr, (unsigned)conf->alpn[n].len };
	if (n != 0)
		gnutls_alpn_set_protocols(gnutls, names, n, GNUTLS_ALPN_MANDATORY | GNUTLS_ALPN_SERVER_PRECEDENCE);
}

/* GnuTLS cannot answer before the client's Finished has come (it is 0.5-RTT data that it lacks), so nothing is lost by not reading
 * before: what a replay brings is never acted on. */
static int take_early_data(struct session *s, const struct toron_tls *conf)
{
	int rc;

	if (!conf->early_data)
		return 0;
	rc = gnutls_record_set_max_early_data_size(s->gnutls, conf->early_data_bytes);
	gnutls_anti_replay_enable(s->gnutls, s->worker->early);
	s->early_most = conf->early_data_bytes;
	/* In small records, or thrown away because the ticket is not taken. */
	s->in_most += 2 * conf->early_data_bytes;
	return rc;
}

static unsigned flags_of(const struct toron_tls *conf)
{
	return GNUTLS_SERVER | GNUTLS_NO_AUTO_SEND_TICKET | (conf->tickets ? 0 : GNUTLS_NO_TICKETS) |
		(conf->early_data ? GNUTLS_ENABLE_EARLY_DATA : 0);
}

static int configure(struct session *s, const struct tls_server *server)
{
	const struct toron_tls *conf = server->listener->tls;
	const struct offer *o = shake_of(s)->offer;
	const gnutls_datum_t key = { (unsigned char *)(uintptr_t)o->ticket_key, OFFER_TICKET_KEY };
	int rc = gnutls_priority_set(s->gnutls, server->priority);

	if (rc == 0)
		rc = gnutls_credentials_set(s->gnutls, GNUTLS_CRD_CERTIFICATE, o->sets[0]);
	if (rc == 0 && conf->tickets)
		rc = gnutls_session_ticket_enable_server(s->gnutls, &key);
	if (rc == 0)
		rc = take_early_data(s, conf);
	if (rc != 0)
		return rc;
	if (conf->ticket_lifetime_s != 0)
		gnutls_db_set_cache_expiration(s->gnutls, (int)conf->ticket_lifetime_s);
	if (conf->client_auth != TORON_CLIENT_NONE) {
		gnutls_certificate_server_set_request(s->gnutls,
			conf->client_auth == TORON_CLIENT_REQUIRE ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_REQUEST);
		gnutls_session_set_verify_function(s->gnutls, on_verify);
	}
	gnutls_handshake_set_post_client_hello_function(s->gnutls, on_hello);
	offer_protocols(s->gnutls, conf);
	return 0;
}

int tls_server_secure(struct conn *c, const struct toron_listener *l)
{
	struct tls_server *server = tls_server_of(c->worker->tls->tls, l);
	struct server_shake *k = calloc(1, sizeof(*k));
	struct session *s;

	if (k == NULL)
		return ERR_NO_MEMORY;
	k->base.done = on_done;
	k->base.explain = explain;
	k->base.failed = on_failed;
	k->base.free = shake_free;
	k->listener = l;
	k->offer = current(server);
	s = session_new(c->worker->tls, flags_of(l->tls), &k->base);
	if (s == NULL)
		return ERR_NO_MEMORY;
	s->conn = c;
	s->info = tls_info_new();
	if (s->info == NULL || configure(s, server) != 0) {
		session_free(&s);
		return ERR_NO_MEMORY;
	}
	conn_secure(c, &session_ops, s);
	return 0;
}
