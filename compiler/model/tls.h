/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* TLS in the typed config: certificates, a listener's side and a backend's. Part of model/model.h, which says what holds for all of it. */
#pragma once

#include "model/basic.h"

struct m_certificate {
	const struct node *node;
	bool poisoned;
	struct m_str name;
	struct m_file_name cert, ocsp;       /* ocsp absent: none */
	struct m_secret key, passphrase;     /* of kind FILE: where the file is */
};

enum m_tls_preset { M_TLS_MODERN, M_TLS_INTERMEDIATE };
enum m_client_auth { M_CLIENT_NONE, M_CLIENT_OPTIONAL, M_CLIENT_REQUIRE };
struct m_tls {
	bool is_set;                         /* there is a section */
	struct span at;
	struct m_strs certificates;
	enum m_tls_preset preset;
	struct span preset_at;
	struct m_str min_version;            /* "1.2", "1.3"; absent: the preset's */
	struct m_strs ciphers, alpn;         /* none: the preset's, all that is spoken */
	enum m_client_auth client_auth;
	struct span client_auth_at;
	struct m_file_name client_ca, client_crl;
	struct m_u64 client_depth;
	struct m_bool tickets;
	struct m_file_name ticket_keys;      /* absent: own ones */
	struct m_u64 ticket_lifetime;        /* ms */
	struct m_bool early_data;
	struct m_u64 early_data_bytes;
};

/* redirect_to_https of a listener. */
struct m_https_redirect {
	bool is_set;
	const struct node *node;
	struct m_u64 port;                   /* 0: of the https listener */
};

struct m_hsts {
	bool is_set;
	struct span at;
	struct m_u64 max_age;                /* ms */
	struct m_bool include_subdomains, preload;
};

struct m_pin { uint8_t hash[32]; struct m_str text; };
struct m_tls_client {
	bool is_set;                         /* there is a section */
	struct span at;
	struct m_file_name ca, crl;          /* absent: what the system trusts, none */
	struct m_str sni, certificate;       /* absent: the server's name, none */
	struct m_bool verify;
	struct m_pin *pins; size_t n_pins;
};
