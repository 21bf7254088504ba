/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One certificate: whether it can be used at all, and what is doubtful about it. */
#include <gnutls/ocsp.h>
#include <string.h>

#include "base/str.h"
#include "pki/context.h"
#include "toron/tls.h"

/* What is due for renewal by then is told: authorities give out certificates for 90 days and less. */
#define SOON_DAYS 14
#define DAY_S 86400
#define RSA_LEAST_BITS 2048

/* ---- the chain ---- */

/* The gateway starts whatever the dates of the authorities are: it is clients that refuse them. */
static void check_dates(struct pki *p, const struct chain *c, unsigned i)
{
	enum diag_id wrong = i == 0 ? DIAG_PKI_UNUSABLE_NOW : DIAG_PKI_EXPIRED;
	int64_t from = gnutls_x509_crt_get_activation_time(c->at[i]), to = gnutls_x509_crt_get_expiration_time(c->at[i]);
	int64_t now = p->source->now;
	struct str who = pki_subject(p, c->at[i]);

	if (to < now)
		pki_report(p, c->model->node, "cert", c->model->cert.text.at, wrong,
			"the certificate of '" STR_FMT "' has expired", STR_ARG(who));
	else if (from > now)
		pki_report(p, c->model->node, "cert", c->model->cert.text.at, wrong,
			"the certificate of '" STR_FMT "' is not valid yet", STR_ARG(who));
	else if (to < now + SOON_DAYS * DAY_S)
		pki_report(p, c->model->node, "cert", c->model->cert.text.at, DIAG_PKI_EXPIRED,
			"the certificate of '" STR_FMT "' expires within %d days", STR_ARG(who), SOON_DAYS);
}

/* The gateway's library reads the keys of the whole chain. */
static void check_public_key(struct pki *p, const struct chain *c, unsigned i)
{
	gnutls_pubkey_t key;
	int rc;

	if (gnutls_pubkey_init(&key) < 0)
		return;
	rc = gnutls_pubkey_import_x509(key, c->at[i], 0);
	if (rc < 0)
		pki_report(p, c->model->node, "cert", c->model->cert.text.at, DIAG_PKI_BROKEN, "the public key of '" STR_FMT "' is none: %s",
			STR_ARG(pki_subject(p, c->at[i])), gnutls_strerror(rc));
	gnutls_pubkey_deinit(key);
}

static bool is_self_signed(gnutls_x509_crt_t crt)
{
	return gnutls_x509_crt_check_issuer(crt, crt) == 1;
}

static void check_strength(struct pki *p, const struct chain *c, unsigned i)
{
	unsigned bits = 0;
	int key = gnutls_x509_crt_get_pk_algorithm(c->at[i], &bits);
	int hash = gnutls_sign_get_hash_algorithm(gnutls_x509_crt_get_signature_algorithm(c->at[i]));
	struct str who = pki_subject(p, c->at[i]);

	if (key == GNUTLS_PK_RSA && bits < RSA_LEAST_BITS)
		pki_report(p, c->model->node, "cert", c->model->cert.text.at, DIAG_PKI_WEAK,
			"the RSA key of '" STR_FMT "' has %u bits: clients ask for %d", STR_ARG(who), bits, RSA_LEAST_BITS);
	/* Nobody checks the signature of a root. */
	if ((hash == GNUTLS_DIG_SHA1 || hash == GNUTLS_DIG_MD5) && !is_self_signed(c->at[i]))
		pki_report(p, c->model->node, "cert", c->model->cert.text.at, DIAG_PKI_WEAK,
			"the certificate of '" STR_FMT "' is signed with %s, which clients refuse", STR_ARG(who),
			gnutls_digest_get_name((gnutls_digest_algorithm_t)hash));
}

/* Each certificate is followed by the one that signed it. The gateway looks at names alone, and starts with one of the right name and
 * another key. */
static bool check_order(struct pki *p, const struct chain *c)
{
	for (unsigned i = 0; i + 1 < c->n; i++) {
		if (gnutls_x509_crt_check_issuer(c->at[i], c->at[i + 1]) == 1)
			continue;
		pki_report(p, c->model->node, "cert", c->model->cert.text.at,
			c->is_unsorted ? DIAG_PKI_ORDER : DIAG_PKI_CHAIN,
			"number %u of the chain, '" STR_FMT "', has not signed the one before it", i + 2,
			STR_ARG(pki_subject(p, c->at[i + 1])));
		diag_note(p->diags, SPAN_NONE, "the certificate itself comes first, then the one that signed it, and so on");
		return false;
	}
	return true;
}

/* Public authorities say where their own certificates are; private ones may well sign with their root, which clients have. */
static void check_complete(struct pki *p, const struct chain *c)
{
	gnutls_datum_t where = { NULL, 0 };
	int rc = gnutls_x509_crt_get_authority_info_access(c->at[c->n - 1], 0, GNUTLS_IA_CAISSUERS_URI, &where, NULL);

	if (c->n == 1 && rc == 0 && !is_self_signed(c->at[0])) {
		pki_report(p, c->model->node, "cert", c->model->cert.text.at, DIAG_PKI_CHAIN,
			"the chain of '" STR_FMT "' lacks the authority that signed it", STR_ARG(pki_subject(p, c->at[0])));
		diag_note(p->diags, SPAN_NONE, "it is at " STR_FMT "; append it in PEM to the file", STR_ARG(pki_text(p, &where)));
	}
	gnutls_free(where.data);
}

static bool import_chain(struct pki *p, struct chain *c)
{
	struct str bytes;
	gnutls_datum_t data;
	int rc;

	if (!pki_read(p, c->model->node, "cert", c->model->cert.text.at, c->model->cert.path, &bytes))
		return false;
	data = (gnutls_datum_t){ (unsigned char *)(uintptr_t)bytes.ptr, (unsigned)bytes.len };
	/* The flag is the gateway's. */
	rc = gnutls_x509_crt_list_import2(&c->at, &c->n, &data, GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
	c->is_unsorted = rc == GNUTLS_E_CERTIFICATE_LIST_UNSORTED;
	if (c->is_unsorted)
		rc = gnutls_x509_crt_list_import2(&c->at, &c->n, &data, GNUTLS_X509_FMT_PEM, 0);
	if (rc >= 0 && c->n > 0) {
		if (c->n > TORON_TLS_CHAIN_MOST)
			pki_report(p, c->model->node, "cert", c->model->cert.text.at, DIAG_PKI_BROKEN,
				"'" STR_FMT "' has %u certificates, and %u are the most", STR_ARG(c->model->cert.path), c->n, TORON_TLS_CHAIN_MOST);
		return true;
	}
	c->n = 0;
	pki_report(p, c->model->node, "cert", c->model->cert.text.at, DIAG_PKI_BROKEN, "'" STR_FMT "' has no certificate in PEM: %s",
		STR_ARG(c->model->cert.path), gnutls_strerror(rc));
	return false;
}

/* ---- the key ---- */

/* What the environment holds is not looked at; *known_out is then false. False: it could not be read, which was reported. */
static bool secret_text(
	struct pki *p, const struct chain *c, const char *member, const struct m_secret *s, struct str *text_out, bool *known_out)
{
	*known_out = s->kind == M_SECRET_FILE || s->kind == M_SECRET_LITERAL;
	*text_out = s->value;
	if (s->kind != M_SECRET_FILE)
		return true;
	if (!pki_read(p, c->model->node, member, s->at, s->value, text_out))
		return false;
	return true;
}

static void import_key(struct pki *p, const struct chain *c, struct str pem, const char *passphrase, gnutls_privkey_t key, bool *ok_out)
{
	gnutls_datum_t data = { (unsigned char *)(uintptr_t)pem.ptr, (unsigned)pem.len };
	int rc;

	*ok_out = false;
	if (pem.len > TORON_TLS_KEY_MOST) {
		pki_report(p, c->model->node, "key", c->model->key.at, DIAG_PKI_BROKEN, "the key is larger than %u KiB", TORON_TLS_KEY_MOST >> 10);
		return;
	}
	rc = gnutls_privkey_import_x509_raw(key, &data, GNUTLS_X509_FMT_PEM, passphrase, 0);
	/* Both halves are in it, and need not belong together. */
	if (rc == 0)
		rc = gnutls_privkey_verify_params(key);
	*ok_out = rc == 0;
	if (rc == 0)
		return;
	if (rc == GNUTLS_E_DECRYPTION_FAILED && passphrase == NULL)
		pki_report(p, c->model->node, "key", c->model->key.at, DIAG_PKI_BROKEN,
			"the key is encrypted, and the certificate has no passphrase");
	else
		pki_report(p, c->model->node, "key", c->model->key.at, DIAG_PKI_BROKEN, "the key cannot be read: %s", gnutls_strerror(rc));
}

static bool same_key(gnutls_x509_crt_t crt, gnutls_privkey_t key)
{
	unsigned char of_crt[64], of_key[64];
	size_t crt_len = sizeof(of_crt), key_len = sizeof(of_key);
	gnutls_pubkey_t public;
	bool same;

	if (gnutls_pubkey_init(&public) < 0)
		return true;
	same = gnutls_pubkey_import_privkey(public, key, 0, 0) == 0 &&
	       gnutls_pubkey_get_key_id(public, GNUTLS_KEYID_USE_SHA256, of_key, &key_len) == 0 &&
	       gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, of_crt, &crt_len) == 0 && crt_len == key_len &&
	       memcmp(of_crt, of_key, key_len) == 0;
	gnutls_pubkey_deinit(public);
	return same;
}

static void check_key(struct pki *p, const struct chain *c)
{
	struct str pem, passphrase;
	bool has_pem, has_passphrase, ok = false;
	gnutls_privkey_t key;

	if (!secret_text(p, c, "key", &c->model->key, &pem, &has_pem) ||
		!secret_text(p, c, "passphrase", &c->model->passphrase, &passphrase, &has_passphrase))
		return;
	if (!has_pem || (c->model->passphrase.kind == M_SECRET_ENV) || gnutls_privkey_init(&key) < 0)
		return;
	/* As when the gateway reads it: one line end at its end is dropped. */
	if (has_passphrase && str_ends(passphrase, STR("\n")))
		passphrase.len--;
	import_key(p, c, pem, has_passphrase ? arena_cstr(p->arena, passphrase) : NULL, key, &ok);
	if (ok && c->n > 0 && !same_key(c->at[0], key))
		pki_report(p, c->model->node, "key", c->model->key.at, DIAG_PKI_MISMATCH,
			"this is not the key of the certificate of '" STR_FMT "'", STR_ARG(pki_subject(p, c->at[0])));
	gnutls_privkey_deinit(key);
}

/* ---- OCSP ---- */

static void check_ocsp(struct pki *p, const struct chain *c)
{
	const struct m_file_name *file = &c->model->ocsp;
	gnutls_ocsp_resp_t response;
	gnutls_datum_t data;
	struct str bytes;
	time_t next = (time_t)-1;
	unsigned status;

	if (file->path.ptr == NULL || !pki_read(p, c->model->node, "ocsp", file->text.at, file->path, &bytes) ||
		gnutls_ocsp_resp_init(&response) < 0)
		return;
	data = (gnutls_datum_t){ (unsigned char *)(uintptr_t)bytes.ptr, (unsigned)bytes.len };
	if (gnutls_ocsp_resp_import(response, &data) < 0 || gnutls_ocsp_resp_check_crt(response, 0, c->at[0]) < 0)
		pki_report(p, c->model->node, "ocsp", file->text.at, DIAG_PKI_BROKEN,
			"'" STR_FMT "' is no OCSP response (DER) about this certificate", STR_ARG(file->path));
	else if (gnutls_ocsp_resp_get_single(response, 0, NULL, NULL, NULL, NULL, &status, NULL, &next, NULL, NULL) != 0 ||
		 status != GNUTLS_OCSP_CERT_GOOD)
		pki_report(p, c->model->node, "ocsp", file->text.at, DIAG_PKI_BROKEN,
			"'" STR_FMT "' does not say that the certificate is good", STR_ARG(file->path));
	else if (next != (time_t)-1 && next < p->source->now)
		pki_report(p, c->model->node, "ocsp", file->text.at, DIAG_PKI_UNUSABLE_NOW, "this OCSP response is out of date");
	gnutls_ocsp_resp_deinit(response);
}

void pki_check_certificate(struct pki *p, struct chain *c)
{
	if (!import_chain(p, c)) {
		check_key(p, c);
		return;
	}
	for (unsigned i = 0; i < c->n; i++) {
		check_dates(p, c, i);
		check_strength(p, c, i);
		check_public_key(p, c, i);
	}
	if (check_order(p, c))
		check_complete(p, c);
	check_key(p, c);
	check_ocsp(p, c);
}
