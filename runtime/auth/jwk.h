/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Keys that tokens are verified with: from a JWK Set (RFC 7517) or a shared secret. Built at boot,
 * constant afterwards, shared by all workers.
 *
 * Each key carries the set of algorithms that it serves, which its type, curve, length and `alg`
 * decide when it is loaded: an HMAC never meets a public key, nor an algorithm a key that was made
 * for another (RFC 8725 sections 3.1 and 3.2). A key of a set that cannot serve (unknown type or
 * algorithm, use "enc", RSA below 2048 bits, a point that is not on its curve, ...) is logged and
 * left out, as RFC 7517 section 5 has it. */
#pragma once

#include <gnutls/abstract.h>
#include <stdint.h>

#include "auth/jwa.h"

struct jwk {
	uint32_t algs;            /* JWA_BIT()s that it serves; never 0 */
	struct str kid;           /* owned; ptr NULL: none, fits any token */
	gnutls_pubkey_t public;   /* owned; NULL: a shared secret */
	gnutls_ecc_curve_t curve; /* EC and OKP */
	unsigned size;            /* bytes: the RSA modulus, an EC coordinate, an EdDSA signature */
	unsigned char *secret;    /* owned */
	size_t secret_len;
};

#define JWT_KEYS_MOST 64

struct jwt_keys {
	struct jwk at[JWT_KEYS_MOST];
	unsigned n;
	uint32_t algs; /* all that the keys serve; set by jwt_keys_restrict */
};

struct jwt_keys *jwt_keys_new(void); /* NULL: out of memory */
/* Wipes secrets. */
void jwt_keys_free(struct jwt_keys **keys);
/* A JWK Set, or one JWK. What is left out is logged with `origin`. The number of keys added, or
 * ERR_INVALID: not JSON, or not a set. */
int jwt_keys_add_set(struct jwt_keys *keys, struct str text, const char *origin);
/* A secret for HS256, HS384 and HS512, of whatever length. 0 or ERR_*. */
int jwt_keys_add_secret(struct jwt_keys *keys, struct str secret);
/* Keeps what serves one of `algs`. The number of keys that are left. */
unsigned jwt_keys_restrict(struct jwt_keys *keys, uint32_t algs);
