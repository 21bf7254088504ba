/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which versions and cipher suites a listener's TLS comes to. The checks ask whether the config contradicts itself in it, and plan/
 * writes it down for the TLS library, which knows no single suites: it takes every key exchange with every cipher. */
#pragma once

#include "model/tls.h"

/* AEAD ciphers with forward secrecy are all there is; anything else is refused. */
enum tls_cipher { TLS_AES_128_GCM, TLS_AES_256_GCM, TLS_CHACHA20_POLY1305, TLS_CIPHERS };
enum tls_exchange { TLS_EXCHANGE_1_3, TLS_EXCHANGE_ECDSA, TLS_EXCHANGE_RSA, TLS_EXCHANGES };
struct tls_suite {
	struct str name;    /* of IANA */
	struct str openssl; /* what OpenSSL calls it */
	enum tls_exchange exchange;
	enum tls_cipher cipher;
};
#define TLS_SUITES 9
extern const struct tls_suite tls_suites[TLS_SUITES];
/* By its IANA name, in any case; NULL: none that is offered. */
const struct tls_suite *tls_suite_named(struct str name);
const struct tls_suite *tls_suite_of(enum tls_exchange exchange, enum tls_cipher cipher);

struct tls_policy {
	bool v1_2, v1_3;
	enum tls_cipher ciphers[TLS_CIPHERS];         /* the preferred first */
	enum tls_exchange exchanges[TLS_EXCHANGES];   /* of TLS 1.2, the preferred first */
	unsigned n_ciphers, n_exchanges;
};
/* Names that are not known are passed over. */
struct tls_policy tls_policy_of(const struct m_tls *t);
/* Whether the config asks for TLS 1.3 alone, whatever its ciphers are. */
bool tls_policy_wants_1_3(const struct m_tls *t);
