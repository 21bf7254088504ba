/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The server's role: one struct tls_server a listener with TLS, for the whole process. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "tls/crl.h"
#include "tls/file.h"
#include "tls/offer.h"
#include "toron/gateway.h"

struct conn;
struct counts;
struct tls;

struct tls_server {
	const struct toron_listener *listener; /* NULL: this listener has no TLS */
	gnutls_priority_t priority;
	pthread_mutex_t lock;         /* held for the taking of a reference, and no longer */
	struct offer *offer;          /* counted, under the lock */
	/* the main thread's: */
	struct file_stamp ca_stamp, crl_stamp, tickets_stamp;
	struct crl_due crl_due;
	unsigned char ticket_key[OFFER_TICKET_KEY];
	uint64_t key_born_ms;
	unsigned n_failed;            /* attempts to renew it since something changed; the second is told */
};

/* Reads what the listener needs besides certificates. False: it is wrong, and logged. */
bool tls_server_init(struct tls_server *s, const struct toron_listener *l, struct pair *const *pairs);
void tls_server_fini(struct tls_server *s);
/* Looks after files and the age of the ticket key. `certificates_changed`: one of its own has been loaded again. */
void tls_server_look(struct tls_server *s, struct pair *const *pairs, bool certificates_changed, const struct counts *counts);

/* ---- for codec/ ---- */

/* Puts the server's side of TLS on an open connection of a listener (conn_secure). 0, or ERR_* and nothing has changed. */
int tls_server_secure(struct conn *c, const struct toron_listener *l);
