/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The client's role: one struct tls_client for each way in which backends are spoken to, for the whole process; one struct tls_target a
 * server and worker, which remembers how to resume. */
#pragma once

#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tls/crl.h"
#include "tls/file.h"
#include "tls/pair.h"
#include "toron/gateway.h"

struct conn;
struct counts;
struct session;
struct worker;
struct tls_target;

/* Immutable once made, and counted from any thread. */
struct trust {
	atomic_uint refs;
	uint64_t number;              /* sessions of other numbers are not resumed: they may be with somebody who is trusted no more */
	gnutls_certificate_credentials_t credentials;
	time_t crl_due;               /* when the list of revoked certificates is out of date; 0: never */
};

struct tls_client {
	const struct toron_tls_client *conf;
	gnutls_priority_t priority;
	pthread_mutex_t lock;         /* held for the taking of a reference, and no longer */
	struct trust *trust;          /* counted, under the lock */
	struct file_stamp ca_stamp, crl_stamp; /* the main thread's, as is what follows */
	struct crl_due crl_due;
	unsigned n_failed;            /* attempts to renew it since something changed; the second is told */
};

/* False: something is wrong, and logged. */
bool tls_client_init(struct tls_client *c, const struct toron_tls_client *conf, struct pair *const *pairs);
void tls_client_fini(struct tls_client *c);
void tls_client_look(struct tls_client *c, struct pair *const *pairs, bool certificate_changed, const struct counts *counts);

/* Why a session with a server ended badly. */
void tls_target_log(struct session *s, const char *why);

/* The functions of struct toron_tls_engine. */
struct tls_target *tls_target_new(struct worker *w, const struct toron_tls_client *conf, const struct toron_server *server);
void tls_target_free(struct tls_target **t);
int tls_target_secure(struct tls_target *t, struct conn *c);
