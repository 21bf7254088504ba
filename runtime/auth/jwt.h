/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Verifying a JSON Web Token (RFC 7519) against keys, a policy and a time. Pure, so that tests and
 * fuzzers need no exchange. */
#pragma once

#include <jansson.h>

#include "auth/jws.h"

struct jwt_policy {
	uint32_t algs;              /* JWA_BIT()s that are accepted */
	struct str issuer;          /* len 0: not checked */
	const struct str *audience; /* any of; n_audience 0: not checked */
	uint32_t n_audience;
	uint32_t leeway_s;
	bool require_exp;
};

struct jwt_result {
	json_t *claims;     /* owned by the caller once verified; else NULL */
	struct str subject; /* borrowed from claims; ptr NULL: no "sub" */
	const char *why;    /* refused: words for the client, without quotes or backslashes */
};

/* 0: the token holds at now_s (seconds since the epoch). Else ERR_PROTOCOL (malformed) or
 * ERR_INVALID (refused), with out->why. */
int jwt_verify(const struct jwt_keys *keys, const struct jwt_policy *policy, struct str token,
	uint64_t now_s, struct jwt_result *out);
