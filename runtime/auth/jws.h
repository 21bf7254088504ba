/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Verifying a JSON Web Signature in compact form (RFC 7515 section 7.1). Pure: no clock, no
 * state. */
#pragma once

#include "auth/base64url.h"
#include "auth/jwk.h"

#define JWS_TOKEN_MOST  16384 /* characters */
#define JWS_HEADER_MOST 4096  /* of them in the header */

/* The bytes that were signed. Large: on the stack of whoever verifies. */
struct jws_payload {
	size_t len;
	unsigned char bytes[BASE64URL_DECODED(JWS_TOKEN_MOST)];
};

/* Whether one of the keys verifies the token with an algorithm of `algs` (JWA_BIT()s). Keys that
 * the token brings along (jwk, jku, x5c, x5u) are not looked at; a token with `crit` or `b64:
 * false` is refused, since no extension is supported. 0 and the payload; or ERR_PROTOCOL (not a
 * JWS) or ERR_INVALID (a JWS that is not accepted) and *why_out in words for the client, without
 * quotes or backslashes. */
int jws_verify(const struct jwt_keys *keys, uint32_t algs, struct str token,
	struct jws_payload *payload_out, const char **why_out);
