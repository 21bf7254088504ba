/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Makes tokens and keys for tests of the verifier: base64url, HMAC and signatures by GnuTLS. */
#pragma once

#include <check.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>

#include "auth/jwa.h"
#include "base/str.h"

static inline void token_base64url(struct sbuf *to, const void *bytes, size_t len)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i += 3) {
		uint32_t bits = (uint32_t)p[i] << 16 | (i + 1 < len ? p[i + 1] : 0u) << 8 |
				(i + 2 < len ? p[i + 2] : 0u);
		unsigned n = len - i >= 3 ? 4 : (unsigned)(len - i) + 1;

		for (unsigned k = 0; k < n; k++)
			sbuf_addc(to, alphabet[bits >> (18 - 6 * k) & 63]);
	}
}

/* header "." payload, encoded. */
static inline void token_begin(struct sbuf *to, const char *header, const char *payload)
{
	sbuf_clear(to);
	token_base64url(to, header, strlen(header));
	sbuf_addc(to, '.');
	token_base64url(to, payload, strlen(payload));
}

static inline struct str token_hmac(
	struct sbuf *to, enum jwa alg, const char *header, const char *payload, struct str key)
{
	const struct jwa_info *info = jwa_info(alg);
	unsigned char mac[64];

	token_begin(to, header, payload);
	ck_assert_int_eq(gnutls_hmac_fast((gnutls_mac_algorithm_t)info->gnutls, key.ptr, key.len,
				 to->ptr, to->len, mac),
		0);
	sbuf_addc(to, '.');
	token_base64url(to, mac, info->hash);
	return sbuf_str(to);
}

/* `coordinate`: bytes of r and of s for ECDSA, whose DER becomes r||s; 0: the signature as it
 * is. */
static inline struct str token_sign(struct sbuf *to, gnutls_privkey_t key,
	gnutls_sign_algorithm_t alg, unsigned coordinate, const char *header, const char *payload)
{
	gnutls_datum_t data, signature, part[2];
	unsigned char raw[2 * 66] = { 0 };

	token_begin(to, header, payload);
	data = (gnutls_datum_t){ (unsigned char *)to->ptr, (unsigned)to->len };
	ck_assert_int_eq(gnutls_privkey_sign_data2(key, alg, 0, &data, &signature), 0);
	sbuf_addc(to, '.');
	if (coordinate == 0) {
		token_base64url(to, signature.data, signature.size);
		gnutls_free(signature.data);
		return sbuf_str(to);
	}
	ck_assert_int_eq(gnutls_decode_rs_value(&signature, &part[0], &part[1]), 0);
	for (unsigned i = 0; i < 2; i++) {
		unsigned skip = part[i].size > coordinate ? part[i].size - coordinate : 0,
			 size = part[i].size - skip;

		memcpy(raw + (i + 1) * coordinate - size, part[i].data + skip, size);
		gnutls_free(part[i].data);
	}
	gnutls_free(signature.data);
	token_base64url(to, raw, 2 * coordinate);
	return sbuf_str(to);
}

static inline void token_jwk_member(
	struct sbuf *to, const char *name, gnutls_datum_t value, unsigned size)
{
	static const unsigned char zeros[66];
	unsigned char whole[1024];
	unsigned skip = size != 0 && value.size > size ? value.size - size : 0;
	unsigned pad = size > value.size ? size - value.size : 0;

	memcpy(whole, zeros, pad);
	memcpy(whole + pad, value.data + skip, value.size - skip);
	sbuf_printf(to, ",\"%s\":\"", name);
	token_base64url(to, whole, pad + value.size - skip);
	sbuf_addc(to, '"');
}

/* The public JWK of an elliptic key, with `more` members (",\"kid\":..." or ""). */
static inline void token_jwk_ecc(struct sbuf *to, gnutls_privkey_t key, const char *kty,
	const char *crv, unsigned size, const char *more)
{
	gnutls_datum_t x, y = { 0 };
	gnutls_ecc_curve_t curve;

	ck_assert_int_eq(gnutls_privkey_export_ecc_raw(key, &curve, &x, &y, NULL), 0);
	sbuf_printf(to, "{\"kty\":\"%s\",\"crv\":\"%s\"%s", kty, crv, more);
	token_jwk_member(to, "x", x, size);
	if (y.data != NULL && y.size != 0)
		token_jwk_member(to, "y", y, size);
	sbuf_addc(to, '}');
	gnutls_free(x.data);
	gnutls_free(y.data);
}

static inline void token_jwk_rsa(struct sbuf *to, gnutls_privkey_t key, const char *more)
{
	gnutls_datum_t n, e;

	ck_assert_int_eq(
		gnutls_privkey_export_rsa_raw(key, &n, &e, NULL, NULL, NULL, NULL, NULL, NULL), 0);
	sbuf_printf(to, "{\"kty\":\"RSA\"%s", more);
	token_jwk_member(to, "n", n, 0);
	token_jwk_member(to, "e", e, 0);
	sbuf_addc(to, '}');
	gnutls_free(n.data);
	gnutls_free(e.data);
}
