/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "model/tls_policy.h"

#include "base/check.h"
#include "base/str.h"

const struct tls_suite tls_suites[TLS_SUITES] = {
	{ STR_INIT("TLS_AES_128_GCM_SHA256"), STR_INIT("TLS_AES_128_GCM_SHA256"), TLS_EXCHANGE_1_3, TLS_AES_128_GCM },
	{ STR_INIT("TLS_AES_256_GCM_SHA384"), STR_INIT("TLS_AES_256_GCM_SHA384"), TLS_EXCHANGE_1_3, TLS_AES_256_GCM },
	{ STR_INIT("TLS_CHACHA20_POLY1305_SHA256"), STR_INIT("TLS_CHACHA20_POLY1305_SHA256"), TLS_EXCHANGE_1_3,
		TLS_CHACHA20_POLY1305 },
	{ STR_INIT("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"), STR_INIT("ECDHE-ECDSA-AES128-GCM-SHA256"),
		TLS_EXCHANGE_ECDSA, TLS_AES_128_GCM },
	{ STR_INIT("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"), STR_INIT("ECDHE-ECDSA-AES256-GCM-SHA384"),
		TLS_EXCHANGE_ECDSA, TLS_AES_256_GCM },
	{ STR_INIT("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"), STR_INIT("ECDHE-ECDSA-CHACHA20-POLY1305"),
		TLS_EXCHANGE_ECDSA, TLS_CHACHA20_POLY1305 },
	{ STR_INIT("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"), STR_INIT("ECDHE-RSA-AES128-GCM-SHA256"), TLS_EXCHANGE_RSA,
		TLS_AES_128_GCM },
	{ STR_INIT("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"), STR_INIT("ECDHE-RSA-AES256-GCM-SHA384"), TLS_EXCHANGE_RSA,
		TLS_AES_256_GCM },
	{ STR_INIT("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"), STR_INIT("ECDHE-RSA-CHACHA20-POLY1305"),
		TLS_EXCHANGE_RSA, TLS_CHACHA20_POLY1305 },
};

const struct tls_suite *tls_suite_named(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(tls_suites); i++)
		if (tls_suites[i].name.len == name.len && str_eq_nocase(tls_suites[i].name, name))
			return &tls_suites[i];
	return NULL;
}

const struct tls_suite *tls_suite_of(enum tls_exchange exchange, enum tls_cipher cipher)
{
	for (size_t i = 0; i < ARRAY_LEN(tls_suites); i++)
		if (tls_suites[i].exchange == exchange && tls_suites[i].cipher == cipher)
			return &tls_suites[i];
	return NULL;
}

bool tls_policy_wants_1_3(const struct m_tls *t)
{
	return t->min_version.value.ptr != NULL ? str_eq(t->min_version.value, STR("1.3")) : t->preset == M_TLS_MODERN;
}

static void add_cipher(struct tls_policy *p, enum tls_cipher cipher)
{
	for (unsigned i = 0; i < p->n_ciphers; i++)
		if (p->ciphers[i] == cipher)
			return;
	p->ciphers[p->n_ciphers++] = cipher;
}

static void add_exchange(struct tls_policy *p, enum tls_exchange exchange)
{
	for (unsigned i = 0; i < p->n_exchanges; i++)
		if (p->exchanges[i] == exchange)
			return;
	p->exchanges[p->n_exchanges++] = exchange;
}

static void add_suite(struct tls_policy *p, const struct tls_suite *s, bool only_1_3)
{
	if (s->exchange == TLS_EXCHANGE_1_3) {
		p->v1_3 = true;
	} else if (only_1_3) {
		return;
	} else {
		p->v1_2 = true;
		add_exchange(p, s->exchange);
	}
	add_cipher(p, s->cipher);
}

struct tls_policy tls_policy_of(const struct m_tls *t)
{
	struct tls_policy p = { .n_ciphers = 0 };
	bool only_1_3 = tls_policy_wants_1_3(t);

	for (size_t i = 0; t->ciphers.n == 0 && i < ARRAY_LEN(tls_suites); i++)
		add_suite(&p, &tls_suites[i], only_1_3);
	for (size_t i = 0; i < t->ciphers.n; i++) {
		const struct tls_suite *s = tls_suite_named(t->ciphers.at[i].value);

		if (s != NULL)
			add_suite(&p, s, only_1_3);
	}
	return p;
}
