/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "auth/jwa.h"

#include <gnutls/gnutls.h>

#include "base/check.h"
#include "base/str.h"

static const struct jwa_info infos[] = {
	[JWA_HS256] = { STR_INIT("HS256"), GNUTLS_MAC_SHA256, 32 },
	[JWA_HS384] = { STR_INIT("HS384"), GNUTLS_MAC_SHA384, 48 },
	[JWA_HS512] = { STR_INIT("HS512"), GNUTLS_MAC_SHA512, 64 },
	[JWA_RS256] = { STR_INIT("RS256"), GNUTLS_SIGN_RSA_SHA256, 32 },
	[JWA_RS384] = { STR_INIT("RS384"), GNUTLS_SIGN_RSA_SHA384, 48 },
	[JWA_RS512] = { STR_INIT("RS512"), GNUTLS_SIGN_RSA_SHA512, 64 },
	[JWA_PS256] = { STR_INIT("PS256"), GNUTLS_SIGN_RSA_PSS_SHA256, 32 },
	[JWA_PS384] = { STR_INIT("PS384"), GNUTLS_SIGN_RSA_PSS_SHA384, 48 },
	[JWA_PS512] = { STR_INIT("PS512"), GNUTLS_SIGN_RSA_PSS_SHA512, 64 },
	[JWA_ES256] = { STR_INIT("ES256"), GNUTLS_SIGN_ECDSA_SHA256, 32 },
	[JWA_ES384] = { STR_INIT("ES384"), GNUTLS_SIGN_ECDSA_SHA384, 48 },
	[JWA_ES512] = { STR_INIT("ES512"), GNUTLS_SIGN_ECDSA_SHA512, 64 },
	[JWA_EDDSA] = { STR_INIT("EdDSA"), GNUTLS_SIGN_UNKNOWN, 0 },
};
_Static_assert(ARRAY_LEN(infos) == JWA_COUNT, "one line an algorithm");

const struct jwa_info *jwa_info(enum jwa alg)
{
	CHECK((unsigned)alg < JWA_COUNT);
	return &infos[alg];
}

bool jwa_find(struct str name, enum jwa *alg_out)
{
	for (unsigned i = 0; i < JWA_COUNT; i++) {
		if (!str_eq(name, infos[i].name))
			continue;
		*alg_out = (enum jwa)i;
		return true;
	}
	return false;
}
