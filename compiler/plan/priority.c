/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "plan/priority.h"

#include "base/str.h"

/* What is the same everywhere. Signatures are for both sides' certificates as well: RSA with PKCS#1 is how most CAs sign. */
#define GROUPS "+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1"
#define SIGNATURES \
	"+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SHA384:+SIGN-ECDSA-SECP384R1-SHA384" \
	":+SIGN-ECDSA-SHA512:+SIGN-ECDSA-SECP521R1-SHA512:+SIGN-EDDSA-ED25519" \
	":+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:+SIGN-RSA-PSS-RSAE-SHA512" \
	":+SIGN-RSA-PSS-SHA256:+SIGN-RSA-PSS-SHA384:+SIGN-RSA-PSS-SHA512" \
	":+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:+SIGN-RSA-SHA512"

static const char *const cipher_names[] = {
	[TLS_AES_128_GCM] = "AES-128-GCM",
	[TLS_AES_256_GCM] = "AES-256-GCM",
	[TLS_CHACHA20_POLY1305] = "CHACHA20-POLY1305",
};

static struct str priority_of(struct arena *a, const struct tls_policy *p, const char *end)
{
	struct sbuf out = { 0 };
	struct str text;

	sbuf_adds(&out, "NONE");
	if (p->v1_3)
		sbuf_adds(&out, ":+VERS-TLS1.3");
	if (p->v1_2)
		sbuf_adds(&out, ":+VERS-TLS1.2");
	for (unsigned i = 0; i < p->n_exchanges; i++)
		sbuf_adds(&out, p->exchanges[i] == TLS_EXCHANGE_RSA ? ":+ECDHE-RSA" : ":+ECDHE-ECDSA");
	for (unsigned i = 0; i < p->n_ciphers; i++)
		sbuf_printf(&out, ":+%s", cipher_names[p->ciphers[i]]);
	sbuf_adds(&out, ":+AEAD:+COMP-NULL:+CTYPE-X509:" GROUPS ":" SIGNATURES ":%PROFILE_MEDIUM");
	sbuf_adds(&out, end);
	text = arena_str(a, sbuf_str(&out));
	sbuf_fini(&out);
	return text;
}

struct str priority_of_listener(struct arena *a, const struct tls_policy *p)
{
	return priority_of(a, p, ":%SERVER_PRECEDENCE");
}

struct str priority_of_backend(struct arena *a)
{
	static const struct m_tls any = { .preset = M_TLS_INTERMEDIATE };
	struct tls_policy p = tls_policy_of(&any);

	return priority_of(a, &p, "");
}
