/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fuzzes the JWT verifier. The first byte says what the rest is: 'T' a token, 'K' a JWK Set (then
 * used on a fixed token), 'H' a header and claims, divided by a NUL, which are signed with the
 * known secret first, so that what stands behind the signature is reached. */
#include <gnutls/crypto.h>
#include <stdint.h>
#include <stdlib.h>

#include "auth/jwt.h"
#include "base/check.h"
#include "base/log.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECRET "0123456789abcdef0123456789abcdef"
#define TOKEN  "eyJhbGciOiJIUzI1NiJ9.e30.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static const char key_set[] = "{\"keys\":["
			      "{\"kty\":\"EC\",\"kid\":\"ec\",\"crv\":\"P-256\",\"x\":"
			      "\"04N0xi21hshyvBp7I167sbE_bXqyqkAPfefdklMO7wY\","
			      "\"y\":\"UI8exy-C06a7DUnjIdENkxeFtHM4-l_41LqEw9nVgmw\"},"
			      "{\"kty\":\"OKP\",\"kid\":\"ed\",\"crv\":\"Ed25519\",\"x\":"
			      "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";

static const struct str audience[] = { STR_INIT("edge") };

static void verify(const struct jwt_keys *keys, struct str token)
{
	struct jwt_policy policy = {
		.algs = JWA_ALL, .audience = audience, .leeway_s = 60, .require_exp = true
	};
	struct jwt_result result;

	for (policy.n_audience = 0; policy.n_audience < 2; policy.n_audience++) {
		int err = jwt_verify(keys, &policy, token, 1700000000, &result);

		CHECK((err == 0) == (result.claims != NULL));
		CHECK((err == 0) == (result.why == NULL));
		json_decref(result.claims);
	}
}

static void encode(struct sbuf *to, const uint8_t *p, size_t len)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	for (size_t i = 0; i < len; i += 3) {
		uint32_t bits = (uint32_t)p[i] << 16 | (i + 1 < len ? p[i + 1] : 0u) << 8 |
				(i + 2 < len ? p[i + 2] : 0u);
		unsigned n = len - i >= 3 ? 4 : (unsigned)(len - i) + 1;

		for (unsigned k = 0; k < n; k++)
			sbuf_addc(to, alphabet[bits >> (18 - 6 * k) & 63]);
	}
}

static void verify_signed(const struct jwt_keys *keys, const uint8_t *data, size_t size)
{
	const uint8_t *nul = memchr(data, 0, size);
	struct sbuf token = { 0 };
	uint8_t mac[32];

	if (nul == NULL)
		return;
	encode(&token, data, (size_t)(nul - data));
	sbuf_addc(&token, '.');
	encode(&token, nul + 1, size - (size_t)(nul + 1 - data));
	gnutls_hmac_fast(GNUTLS_MAC_SHA256, SECRET, sizeof(SECRET) - 1, token.ptr, token.len, mac);
	sbuf_addc(&token, '.');
	encode(&token, mac, sizeof(mac));
	verify(keys, sbuf_str(&token));
	sbuf_fini(&token);
}

static void load_and_verify(struct str set)
{
	struct jwt_keys *keys = jwt_keys_new();
	int n = jwt_keys_add_set(keys, set, "fuzz");

	CHECK(n < 0 || (unsigned)n == keys->n);
	verify(keys, STR(TOKEN));
	jwt_keys_restrict(keys, JWA_RSA);
	CHECK((keys->algs & ~JWA_RSA) == 0);
	jwt_keys_free(&keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct jwt_keys *keys;

	if (keys == NULL) {
		log_setup(LOG_ERROR, LOG_TEXT);
		keys = jwt_keys_new();
		CHECK(keys != NULL && jwt_keys_add_set(keys, str_of(key_set), "fuzz") == 2);
		CHECK(jwt_keys_add_secret(keys, STR(SECRET)) == 0);
	}
	if (size == 0)
		return 0;
	if (data[0] == 'T')
		verify(keys, (struct str){ (const char *)data + 1, size - 1 });
	else if (data[0] == 'K')
		load_and_verify((struct str){ (const char *)data + 1, size - 1 });
	else if (data[0] == 'H')
		verify_signed(keys, data + 1, size - 1);
	return 0;
}
