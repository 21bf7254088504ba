/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tls/pair.h"

#include <gnutls/abstract.h>
#include <gnutls/ocsp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "tls/file.h"

#define PASSPHRASE_MOST 1024u
#define NAMES_MOST 1000u
#define NAME_MOST 256u
#define KEY_ID_LEN 32u

static int fail(char why[SECRET_WHY_MAX], const struct toron_certificate *conf, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(char why[SECRET_WHY_MAX], const struct toron_certificate *conf, const char *format, ...)
{
	int n = snprintf(why, SECRET_WHY_MAX, "%s: certificate %s: ", conf->origin, conf->name);
	va_list args;

	if (n < 0 || n >= SECRET_WHY_MAX)
		return ERR_INVALID;
	va_start(args, format);
	vsnprintf(why + n, SECRET_WHY_MAX - (size_t)n, format, args);
	va_end(args);
	return ERR_INVALID;
}

static gnutls_datum_t datum(const struct secret *s)
{
	return (gnutls_datum_t){ (unsigned char *)s->ptr, (unsigned)s->len };
}

static int load_chain(struct pair *p, const struct toron_certificate *conf, char why[SECRET_WHY_MAX])
{
	struct secret pem;
	gnutls_datum_t data;
	int rc = tls_file_read(conf->cert, conf->origin, &pem, why);

	if (rc != 0)
		return rc;
	data = datum(&pem);
	p->n_chain = TORON_TLS_CHAIN_MOST;
	rc = gnutls_x509_crt_list_import(p->chain, &p->n_chain, &data, GNUTLS_X509_FMT_PEM,
		GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED | GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
	secret_free(&pem);
	if (rc >= 0)
		return rc > 0 ? 0 : fail(why, conf, "%s holds no certificate", conf->cert);
	p->n_chain = 0;
	if (rc == GNUTLS_E_SHORT_MEMORY_BUFFER)
		return fail(why, conf, "%s holds more than %u certificates", conf->cert, TORON_TLS_CHAIN_MOST);
	if (rc == GNUTLS_E_CERTIFICATE_LIST_UNSORTED)
		return fail(why, conf, "%s: the chain is out of order: the leaf comes first, then each one's issuer", conf->cert);
	return fail(why, conf, "%s: %s", conf->cert, gnutls_strerror(rc));
}

/* How messages call where a key comes from. */
static const char *place(const struct toron_secret *s, char text[SECRET_WHY_MAX])
{
	snprintf(text, SECRET_WHY_MAX, STR_FMT, STR_ARG(s->value));
	return s->kind == TORON_SECRET_LITERAL ? "the key in the config" : text;
}

static int import_key(struct pair *p, const struct toron_certificate *conf, const struct secret *pem, const struct secret *passphrase,
	char why[SECRET_WHY_MAX])
{
	gnutls_datum_t data = datum(pem);
	char text[SECRET_WHY_MAX];
	int rc = gnutls_x509_privkey_init(&p->key);

	if (rc == 0)
		rc = gnutls_x509_privkey_import2(p->key, &data, GNUTLS_X509_FMT_PEM, passphrase->ptr,
			passphrase->ptr == NULL ? GNUTLS_PKCS_PLAIN : 0);
	/* A file holds the public half, too, which may be that of another key. */
	if (rc == 0)
		rc = gnutls_x509_privkey_verify_params(p->key);
	if (rc == GNUTLS_E_DECRYPTION_FAILED || rc == GNUTLS_E_PKCS1_WRONG_PAD)
		return fail(why, conf, "%s: %s", place(&conf->key, text),
			passphrase->ptr != NULL ? "the passphrase does not open the key" : "the key is encrypted, and there is no passphrase");
	return rc == 0 ? 0 : fail(why, conf, "%s: %s", place(&conf->key, text), gnutls_strerror(rc));
}

static int load_key(struct pair *p, const struct toron_certificate *conf, char why[SECRET_WHY_MAX])
{
	struct secret pem, passphrase = { 0 };
	int rc;

	if (str_starts(conf->key.value, STR("pkcs11:")))
		return fail(why, conf, "keys are files here; PKCS #11 tokens are not supported");
	rc = secret_read(&conf->key, TORON_TLS_KEY_MOST, &pem, why);
	if (rc != 0)
		return rc;
	if (conf->passphrase.kind != TORON_SECRET_NONE)
		rc = secret_read(&conf->passphrase, PASSPHRASE_MOST, &passphrase, why);
	if (rc == 0)
		rc = import_key(p, conf, &pem, &passphrase, why);
	secret_free(&pem);
	secret_free(&passphrase);
	return rc;
}

/* GnuTLS looks at the keys of the whole chain only when it is to be used, and leaks memory where one is broken; so it does not come that
 * far. */
static int check_public_keys(const struct pair *p, const struct toron_certificate *conf, char why[SECRET_WHY_MAX])
{
	gnutls_pubkey_t key;
	int rc = 0;

	for (unsigned i = 0; i < p->n_chain && rc == 0; i++) {
		if (gnutls_pubkey_init(&key) != 0)
			return fail(why, conf, "no memory");
		rc = gnutls_pubkey_import_x509(key, p->chain[i], 0);
		gnutls_pubkey_deinit(key);
	}
	return rc == 0 ? 0 : fail(why, conf, "%s: a public key in it is none: %s", conf->cert, gnutls_strerror(rc));
}

static int check_match(const struct pair *p, const struct toron_certificate *conf, char why[SECRET_WHY_MAX])
{
	unsigned char of_cert[KEY_ID_LEN], of_key[KEY_ID_LEN];
	size_t n = KEY_ID_LEN, m = KEY_ID_LEN;

	if (gnutls_x509_crt_get_key_id(p->chain[0], GNUTLS_KEYID_USE_SHA256, of_cert, &n) != 0 ||
		gnutls_x509_privkey_get_key_id(p->key, GNUTLS_KEYID_USE_SHA256, of_key, &m) != 0)
		return fail(why, conf, "this kind of key is not supported");
	if (n != m || memcmp(of_cert, of_key, n) != 0)
		return fail(why, conf, "the key is not that of the certificate in %s", conf->cert);
	return 0;
}

static int check_time(struct pair *p, const struct toron_certificate *conf, char why[SECRET_WHY_MAX])
{
	time_t now = time(NULL);

	p->until = gnutls_x509_crt_get_expiration_time(p->chain[0]);
	if (p->until < now)
		return fail(why, conf, "%s has expired", conf->cert);
	if (gnutls_x509_crt_get_activation_time(p->chain[0]) > now)
		return fail(why, conf, "%s is not valid yet", conf->cert);
	return 0;
}

/* ---- names ---- */

static bool add_name(struct pair *p, const char *name, size_t len)
{
	char *copy = strndup(name, len);

	if (copy == NULL)
		return false;
	for (char *c = copy; *c != '\0'; c++)
		*c = (char)ascii_lower((unsigned char)*c);
	p->names[p->n_names++] = copy;
	return true;
}

/* DNS names among the alternative ones; without any, the common name (as old certificates have it). */
static int read_names(struct pair *p, const struct toron_certificate *conf, char why[SECRET_WHY_MAX])
{
	char name[NAME_MOST];
	size_t len = sizeof(name);
	int rc;

	p->names = calloc(NAMES_MOST, sizeof(*p->names));
	for (unsigned i = 0; p->names != NULL && i < NAMES_MOST; i++) {
		len = sizeof(name);
		rc = gnutls_x509_crt_get_subject_alt_name(p->chain[0], i, name, &len, NULL);
		if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (rc == GNUTLS_SAN_DNSNAME && !add_name(p, name, strnlen(name, len)))
			return fail(why, conf, "no memory");
	}
	if (p->names == NULL)
		return fail(why, conf, "no memory");
	len = sizeof(name);
	if (p->n_names == 0 && gnutls_x509_crt_get_dn_by_oid(p->chain[0], GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &len) == 0 &&
		!add_name(p, name, strnlen(name, len)))
		return fail(why, conf, "no memory");
	return 0;
}

/* ---- OCSP ---- */

static int check_ocsp(struct pair *p, const struct toron_certificate *conf, gnutls_ocsp_resp_t r, char why[SECRET_WHY_MAX])
{
	gnutls_datum_t data = datum(&p->ocsp);
	unsigned status;
	time_t until;

	if (gnutls_ocsp_resp_import2(r, &data, GNUTLS_X509_FMT_DER) != 0)
		return fail(why, conf, "%s is no OCSP response", conf->ocsp);
	if (gnutls_ocsp_resp_check_crt(r, 0, p->chain[0]) != 0)
		return fail(why, conf, "%s is not about this certificate", conf->ocsp);
	if (gnutls_ocsp_resp_get_single(r, 0, NULL, NULL, NULL, NULL, &status, NULL, &until, NULL, NULL) != 0)
		return fail(why, conf, "%s says nothing", conf->ocsp);
	if (status != GNUTLS_OCSP_CERT_GOOD)
		return fail(why, conf, "%s says that the certificate is %s", conf->ocsp,
			status == GNUTLS_OCSP_CERT_REVOKED ? "revoked" : "unknown");
	if (until != (time_t)-1 && until < time(NULL))
		return fail(why, conf, "%s has expired", conf->ocsp);
	p->ocsp_until = until != (time_t)-1 ? until : 0;
	return 0;
}

static int load_ocsp(struct pair *p, const struct toron_certificate *conf, char why[SECRET_WHY_MAX])
{
	gnutls_ocsp_resp_t r;
	int rc;

	if (conf->ocsp == NULL)
		return 0;
	rc = tls_file_read(conf->ocsp, conf->origin, &p->ocsp, why);
	if (rc != 0)
		return rc;
	if (gnutls_ocsp_resp_init(&r) != 0)
		return fail(why, conf, "no memory");
	rc = check_ocsp(p, conf, r, why);
	gnutls_ocsp_resp_deinit(r);
	return rc;
}

int pair_load(const struct toron_certificate *conf, struct pair **out, char why[SECRET_WHY_MAX])
{
	struct pair *p = calloc(1, sizeof(*p));
	int rc;

	*out = NULL;
	if (p == NULL)
		return fail(why, conf, "no memory");
	rc = load_chain(p, conf, why);
	if (rc == 0)
		rc = check_public_keys(p, conf, why);
	if (rc == 0)
		rc = load_key(p, conf, why);
	if (rc == 0)
		rc = check_match(p, conf, why);
	if (rc == 0)
		rc = check_time(p, conf, why);
	if (rc == 0)
		rc = read_names(p, conf, why);
	if (rc == 0)
		rc = load_ocsp(p, conf, why);
	if (rc != 0)
		pair_free(&p);
	*out = p;
	return rc;
}

void pair_free(struct pair **pair)
{
	struct pair *p = *pair;

	if (p == NULL)
		return;
	*pair = NULL;
	for (unsigned i = 0; i < p->n_chain; i++)
		gnutls_x509_crt_deinit(p->chain[i]);
	if (p->key != NULL)
		gnutls_x509_privkey_deinit(p->key);
	for (uint32_t i = 0; i < p->n_names; i++)
		free(p->names[i]);
	free(p->names);
	secret_free(&p->ocsp);
	free(p);
}

void pair_look(struct pair *p, const struct toron_certificate *conf)
{
	time_t now = time(NULL);

	if (!p->told && p->until < now) {
		p->told = true;
		log_event(LOG_ERROR, "certificate-expired", "%s: certificate %s: %s has expired; it is still shown, since there is no other",
			conf->origin, conf->name, conf->cert);
	}
	if (!p->ocsp_told && p->ocsp_until != 0 && p->ocsp_until < now) {
		p->ocsp_told = true;
		log_event(LOG_WARN, "ocsp-expired", "%s: certificate %s: %s has expired; it is not stapled any more", conf->origin, conf->name,
			conf->ocsp);
	}
}

int pair_add(const struct pair *p, gnutls_certificate_credentials_t to)
{
	gnutls_x509_crt_t chain[TORON_TLS_CHAIN_MOST];
	gnutls_datum_t ocsp = datum(&p->ocsp);
	int index, rc;

	memcpy(chain, p->chain, sizeof(chain));
	gnutls_certificate_set_flags(to, GNUTLS_CERTIFICATE_API_V2);
	index = gnutls_certificate_set_x509_key(to, chain, (int)p->n_chain, p->key);
	if (index < 0 || p->ocsp.len == 0)
		return index < 0 ? index : 0;
	rc = gnutls_certificate_set_ocsp_status_request_mem(to, &ocsp, (unsigned)index, GNUTLS_X509_FMT_DER);
	return rc < 0 ? rc : 0;
}
