/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What an exchange knows of the TLS that its request came through. */
#include "http/exchange.h"
#include "tls/info.h"

struct str toron_tls_field(const struct exchange *x, enum toron_tls_field field)
{
	const struct tls_info *i = x->tls;

	if (i == NULL)
		return STR_NONE;
	switch (field) {
	case TORON_TLS_SNI: return i->sni;
	case TORON_TLS_VERSION: return i->version;
	case TORON_TLS_CIPHER: return i->cipher;
	case TORON_TLS_CLIENT_SUBJECT: return i->subject;
	case TORON_TLS_CLIENT_FINGERPRINT: return i->fingerprint;
	case TORON_TLS_CLIENT_SAN: return i->san;
	case TORON_TLS_CLIENT_SPIFFE: return i->spiffe;
	case TORON_TLS_CLIENT_VERIFIED: return i->has_client ? STR("true") : STR_NONE;
	}
	return STR_NONE;
}

struct str toron_tls_sni(const struct exchange *x)
{
	return toron_tls_field(x, TORON_TLS_SNI);
}

struct str toron_tls_version(const struct exchange *x)
{
	return toron_tls_field(x, TORON_TLS_VERSION);
}

struct str toron_tls_cipher(const struct exchange *x)
{
	return toron_tls_field(x, TORON_TLS_CIPHER);
}

bool toron_tls_client_verified(const struct exchange *x)
{
	return x->tls != NULL && x->tls->has_client;
}

struct str toron_tls_client_subject(const struct exchange *x)
{
	return toron_tls_field(x, TORON_TLS_CLIENT_SUBJECT);
}

struct str toron_tls_client_fingerprint(const struct exchange *x)
{
	return toron_tls_field(x, TORON_TLS_CLIENT_FINGERPRINT);
}

struct str toron_tls_client_san(const struct exchange *x)
{
	return toron_tls_field(x, TORON_TLS_CLIENT_SAN);
}

struct str toron_tls_client_spiffe(const struct exchange *x)
{
	return toron_tls_field(x, TORON_TLS_CLIENT_SPIFFE);
}

bool toron_tls_client_any_san(const struct exchange *x, toron_take *take)
{
	for (uint32_t i = 0; x->tls != NULL && i < x->tls->n_sans; i++)
		if (take == NULL || take(x->tls->sans[i]))
			return true;
	return false;
}
