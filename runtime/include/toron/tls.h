/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* TLS as the configuration wants it, on either side. Certificates and keys are never part of the binary: what stands here says where
 * they are read from, at start and again when the files change. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "toron/mw.h"
#include "toron/str.h"

/* What files may hold; toronc tells of more when it looks at them. */
#define TORON_TLS_FILE_MOST (1u << 20)       /* bytes of a file */
#define TORON_TLS_KEY_MOST 65536u            /* bytes of a key */
#define TORON_TLS_CHAIN_MOST 16u             /* certificates of a chain */

/* A certificate chain with its key: the leaf first. */
struct toron_certificate {
	const char *name, *origin;
	const char *cert;                 /* the PEM file of the chain */
	struct toron_secret key;          /* PEM: PKCS#8, SEC 1 or PKCS#1, perhaps encrypted */
	struct toron_secret passphrase;   /* of an encrypted key; kind NONE: it is not */
	const char *ocsp;                 /* the DER file of the response to staple; NULL: none */
	uint32_t index;                   /* in toron_gateway.certificates */
};

enum toron_client_auth { TORON_CLIENT_NONE, TORON_CLIENT_OPTIONAL, TORON_CLIENT_REQUIRE };
enum toron_tls_version { TORON_TLS_1_2 = 2, TORON_TLS_1_3 = 3 };

/* A listener's side. */
struct toron_tls {
	const char *origin;
	const struct toron_certificate *const *certificates; /* in the order of the config; the first is the default */
	uint32_t n_certificates;
	const char *priority;             /* a GnuTLS priority string, made when compiled from preset, versions and ciphers */
	enum toron_tls_version min_version;
	enum toron_client_auth client_auth;
	const char *client_ca, *client_crl; /* PEM files; NULL: none */
	uint32_t client_depth;            /* certificates of a client's chain at most */
	const struct str *alpn;           /* offered, the preferred first; none: no ALPN */
	uint32_t n_alpn;
	uint32_t handshake_ms;
	bool tickets;
	const char *ticket_keys;          /* the file of the ticket keys that a fleet shares; NULL: own ones, which rotate */
	uint32_t ticket_lifetime_s;
	bool early_data;                  /* it waits for the end of the handshake, which a replay does not reach */
	uint32_t early_data_bytes;        /* 32 KiB at most */
	uint32_t handshakes;              /* under way at one time, per worker; 0: 1000. What comes beyond is closed at once */
};

/* What does all this, GnuTLS beneath: a gateway that uses no TLS anywhere does not name it, and so is not linked with it. */
struct toron_tls_engine;
extern const struct toron_tls_engine toron_tls_engine_gnutls;

/* A backend's side. */
struct toron_tls_client {
	const char *origin;
	const char *ca;                   /* a PEM file; NULL: what the system trusts */
	const char *sni;                  /* the name that is asked for and verified; NULL: the server's own */
	const char *priority;
	bool verify;
	const struct toron_certificate *certificate; /* shown to servers; NULL: none */
	const struct str *pins;           /* SHA-256 of a public key (SPKI) in the chain, 32 bytes each; one must be there */
	uint32_t n_pins;
	const struct str *alpn;
	uint32_t n_alpn;
	uint32_t index;                   /* among all clients' sides of the gateway */
	const char *crl;                  /* a PEM file; NULL: none */
};
