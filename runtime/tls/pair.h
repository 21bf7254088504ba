/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A certificate chain with its key, as read from files; immutable. Main thread only. */
#pragma once

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/secret.h"
#include "toron/tls.h"

struct pair {
	gnutls_x509_crt_t chain[TORON_TLS_CHAIN_MOST];
	unsigned n_chain;
	gnutls_x509_privkey_t key;
	struct secret ocsp;        /* DER; len 0: none */
	time_t until, ocsp_until;  /* when each expires; 0: never */
	bool told, ocsp_told;      /* that it has */
	char **names;              /* what the leaf is for: DNS names, lower case, "*.example.com" among them */
	uint32_t n_names;
};

/* 0, or ERR_*, and `why` says in one line what is wrong, beginning with the config's place. What has expired, does not belong together,
 * or cannot be read is refused. */
int pair_load(const struct toron_certificate *conf, struct pair **out, char why[SECRET_WHY_MAX]);
void pair_free(struct pair **p);
/* Logs once what has expired since it was loaded. */
void pair_look(struct pair *p, const struct toron_certificate *conf);
/* Adds it to credentials of a server or client: 0, or GnuTLS's error. */
int pair_add(const struct pair *p, gnutls_certificate_credentials_t to);
