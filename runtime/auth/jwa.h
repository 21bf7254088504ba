/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The signature algorithms of JSON Web Tokens (RFC 7518 section 3, RFC 8037) and what GnuTLS calls
 * them. "none" is not among them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "toron/str.h"

enum jwa {
	JWA_HS256,
	JWA_HS384,
	JWA_HS512,
	JWA_RS256,
	JWA_RS384,
	JWA_RS512,
	JWA_PS256,
	JWA_PS384,
	JWA_PS512,
	JWA_ES256,
	JWA_ES384,
	JWA_ES512,
	JWA_EDDSA,
	JWA_COUNT,
};

/* Sets of algorithms. */
#define JWA_BIT(alg) (1u << (alg))
#define JWA_ALL      ((1u << JWA_COUNT) - 1)
#define JWA_HMAC     (JWA_BIT(JWA_HS256) | JWA_BIT(JWA_HS384) | JWA_BIT(JWA_HS512))
#define JWA_RSA \
	(JWA_BIT(JWA_RS256) | JWA_BIT(JWA_RS384) | JWA_BIT(JWA_RS512) | JWA_BIT(JWA_PS256) | \
		JWA_BIT(JWA_PS384) | JWA_BIT(JWA_PS512))

struct jwa_info {
	struct str name;
	int gnutls;    /* mac of HS*, else sign algorithm; EdDSA: the curve says */
	unsigned hash; /* bytes; 0: EdDSA */
};
const struct jwa_info *jwa_info(enum jwa alg);
/* False for a name that is not in the list ("none", "HS1"). Case counts. */
bool jwa_find(struct str name, enum jwa *alg_out);
