/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Everything of a process that has to do with TLS. Internal to tls/; others go through tls/engine.h. */
#pragma once

#include <stdint.h>

#include "tls/client.h"
#include "tls/engine.h"
#include "tls/pair.h"
#include "tls/server.h"
#include "tls/worker.h"

/* A certificate of the config, by its index. */
struct tls_certificate {
	struct file_stamp cert, key, passphrase, ocsp;
	unsigned n_failed;       /* attempts since its files changed; the second is told */
	bool has_changed;        /* in this look */
};

struct tls {
	const struct toron_gateway *gateway;
	struct pair **pairs;     /* [n_certificates]; the present ones */
	struct tls_certificate *certificates; /* [n_certificates] */
	struct tls_server *servers; /* [n_listeners] */
	struct tls_client *clients; /* [n_tls_clients] */
	uint64_t n_loaded, n_refused; /* certificates, since the start */
	const struct counts *counts; /* the main thread's, of the present look; NULL: nothing is counted */
};

static inline struct tls_server *tls_server_of(struct tls *t, const struct toron_listener *l)
{
	return &t->servers[l - t->gateway->listeners];
}
