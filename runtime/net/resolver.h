/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Names to addresses through c-ares (A and AAAA, hosts file), cached for their TTL (at least 1 s, at most 1 h; failures 2 s;
 * a stale answer serves while a refresh runs or fails). One a worker. Never blocks. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "loop/worker.h"
#include "net/addr.h"

#define RESOLVER_MAX_ADDRS 16

struct resolver;
struct resolver *resolver_new(struct worker *w);
/* Where names come from; NULL members: the system's. */
struct resolver_sources {
	const char *hosts_path;
	const char *servers;    /* "127.0.0.1:5353,[::1]:53" */
};
struct resolver *resolver_new_from(struct worker *w, const struct resolver_sources *from);
void resolver_free(struct resolver **r);

/* A waiting question, embedded in its owner. */
struct resolver_query {
	struct list link;
	/* addrs is borrowed for the call; n 0 and err set when there are none. */
	void (*fn)(struct resolver_query *q, int err, const struct addr *addrs, size_t n);
};
/* Cached answers are given at once: returns the number of addresses copied to addrs_out (ports are 0) and does not use q. 0: q waits
 * and is told later, never from inside this call. q->fn must be set. */
size_t resolver_lookup(struct resolver *r, struct str name, struct addr addrs_out[RESOLVER_MAX_ADDRS], struct resolver_query *q);
/* Safe on a query that does not wait (its link initialised). */
void resolver_cancel(struct resolver_query *q);
