/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "auth/jws.h"

#include <gnutls/crypto.h>

#include "auth/json_text.h"
#include "base/err.h"
#include "base/str.h"

#define SIGNATURE_MOST  2048 /* RSA with 16384 bits */
#define COORDINATE_MOST 66
#define DER_MOST        (3 + 2 * (2 + 1 + COORDINATE_MOST))

struct jws {
	struct str signed_text; /* header "." payload, as sent */
	struct str payload;
	enum jwa alg;
	struct str kid; /* ptr NULL: none; borrowed from the header */
	unsigned char signature[SIGNATURE_MOST];
	size_t signature_len;
};

/* ---- one key ---- */

static bool verify_hmac(const struct jwk *key, const struct jws *j)
{
	const struct jwa_info *info = jwa_info(j->alg);
	unsigned char mac[64];

	if (j->signature_len != info->hash)
		return false;
	if (gnutls_hmac_fast((gnutls_mac_algorithm_t)info->gnutls, key->secret, key->secret_len,
		    j->signed_text.ptr, j->signed_text.len, mac) != 0)
		return false;
	return gnutls_memcmp(mac, j->signature, info->hash) == 0;
}

static bool verify_public(const struct jwk *key, const struct jws *j, gnutls_sign_algorithm_t alg,
	const unsigned char *signature, size_t len)
{
	gnutls_datum_t data = { (unsigned char *)j->signed_text.ptr, (unsigned)j->signed_text.len };
	gnutls_datum_t sig = { (unsigned char *)signature, (unsigned)len };

	return gnutls_pubkey_verify_data2(key->public, alg, 0, &data, &sig) >= 0;
}

/* Writes a DER INTEGER; returns its length, or 0 for the number 0, which no signature holds. */
static size_t put_integer(unsigned char *to, const unsigned char *number, size_t len)
{
	size_t n = 0;

	while (len > 0 && number[0] == 0) {
		number++;
		len--;
	}
	if (len == 0)
		return 0;
	to[n++] = 0x02;
	to[n++] = (unsigned char)(len + (number[0] >= 0x80));
	if (number[0] >= 0x80)
		to[n++] = 0;
	memcpy(to + n, number, len);
	return n + len;
}

/* A JWS holds r and s side by side (RFC 7518 section 3.4), GnuTLS wants the SEQUENCE of X9.62. */
static bool verify_ecdsa(const struct jwk *key, const struct jws *j)
{
	unsigned char body[DER_MOST], der[DER_MOST];
	size_t n_r, n_s, n = 0;

	if (j->signature_len != 2 * key->size)
		return false;
	n_r = put_integer(body, j->signature, key->size);
	n_s = put_integer(body + n_r, j->signature + key->size, key->size);
	if (n_r == 0 || n_s == 0)
		return false;
	der[n++] = 0x30;
	if (n_r + n_s >= 0x80)
		der[n++] = 0x81;
	der[n++] = (unsigned char)(n_r + n_s);
	memcpy(der + n, body, n_r + n_s);
	return verify_public(
		key, j, (gnutls_sign_algorithm_t)jwa_info(j->alg)->gnutls, der, n + n_r + n_s);
}

static bool verify_eddsa(const struct jwk *key, const struct jws *j)
{
	gnutls_sign_algorithm_t alg = key->curve == GNUTLS_ECC_CURVE_ED448
					      ? GNUTLS_SIGN_EDDSA_ED448
					      : GNUTLS_SIGN_EDDSA_ED25519;

	return j->signature_len == key->size &&
	       verify_public(key, j, alg, j->signature, j->signature_len);
}

static bool verify_rsa(const struct jwk *key, const struct jws *j)
{
	return j->signature_len == key->size &&
	       verify_public(key, j, (gnutls_sign_algorithm_t)jwa_info(j->alg)->gnutls,
		       j->signature, j->signature_len);
}

static bool verify_with(const struct jwk *key, const struct jws *j)
{
	if (JWA_BIT(j->alg) & JWA_HMAC)
		return verify_hmac(key, j);
	if (JWA_BIT(j->alg) & JWA_RSA)
		return verify_rsa(key, j);
	return j->alg == JWA_EDDSA ? verify_eddsa(key, j) : verify_ecdsa(key, j);
}

static bool fits(const struct jwk *key, const struct jws *j)
{
	return (key->algs & JWA_BIT(j->alg)) != 0 &&
	       (key->kid.ptr == NULL || j->kid.ptr == NULL || str_eq(key->kid, j->kid));
}

static int try_keys(const struct jwt_keys *keys, const struct jws *j, const char **why_out)
{
	bool some_fit = false;

	for (unsigned i = 0; i < keys->n; i++) {
		if (!fits(&keys->at[i], j))
			continue;
		if (verify_with(&keys->at[i], j))
			return 0;
		some_fit = true;
	}
	*why_out = some_fit ? "the signature is wrong" : "no key fits the token";
	return ERR_INVALID;
}

/* ---- the token ---- */

static int malformed(const char **why_out)
{
	*why_out = "the token is malformed";
	return ERR_PROTOCOL;
}

static int read_header(const json_t *header, uint32_t algs, struct jws *j, const char **why_out)
{
	const json_t *b64 = json_object_get(header, "b64");
	struct str alg = json_text_member(header, "alg");

	if (alg.ptr == NULL)
		return malformed(why_out);
	if (!jwa_find(alg, &j->alg) || !(algs & JWA_BIT(j->alg))) {
		*why_out = "the algorithm is not accepted";
		return ERR_INVALID;
	}
	/* RFC 7515 section 4.1.11, RFC 7797 section 6 */
	if (json_object_get(header, "crit") != NULL || (b64 != NULL && !json_is_true(b64))) {
		*why_out = "the token needs an extension";
		return ERR_INVALID;
	}
	j->kid = json_text_member(header, "kid");
	if (j->kid.ptr == NULL && json_object_get(header, "kid") != NULL)
		return malformed(why_out);
	return 0;
}

/* Exactly three parts, and the signature's bytes; *header_out is still encoded. */
static bool split(struct str token, struct jws *j, struct str *header_out)
{
	struct str rest = token, signature;
	ptrdiff_t len;

	if (token.len > JWS_TOKEN_MOST || !str_split(&rest, '.', header_out) ||
		!str_split(&rest, '.', &j->payload) || !str_split(&rest, '.', &signature) ||
		rest.ptr != NULL || header_out->len > JWS_HEADER_MOST)
		return false;
	len = base64url_decode(signature, j->signature, sizeof(j->signature));
	if (len < 0)
		return false;
	j->signature_len = (size_t)len;
	j->signed_text = str_slice(token, 0, header_out->len + 1 + j->payload.len);
	return true;
}

int jws_verify(const struct jwt_keys *keys, uint32_t algs, struct str token,
	struct jws_payload *payload_out, const char **why_out)
{
	unsigned char text[BASE64URL_DECODED(JWS_HEADER_MOST)];
	ptrdiff_t header_len, payload_len;
	struct str encoded;
	struct jws j = { 0 };
	json_t *header;
	int err;

	if (!split(token, &j, &encoded))
		return malformed(why_out);
	header_len = base64url_decode(encoded, text, sizeof(text));
	payload_len = base64url_decode(j.payload, payload_out->bytes, sizeof(payload_out->bytes));
	if (header_len < 0 || payload_len < 0)
		return malformed(why_out);
	payload_out->len = (size_t)payload_len;
	header = json_text_parse((struct str){ (char *)text, (size_t)header_len });
	if (header == NULL)
		return malformed(why_out);
	err = read_header(header, algs, &j, why_out);
	if (err == 0)
		err = try_keys(keys, &j, why_out);
	json_decref(header);
	return err;
}
