/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One exchange on its way to a server: what backend.c, which finds the way, and retry.c, which may ask for another one, share. Lives in
 * the exchange's arena; all calls belong to the worker's thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "backend/backend.h"
#include "http/exchange.h"
#include "toron/gateway.h"

#define RETRY_TOKEN 1000000u                 /* one retry */
#define RETRY_TOKENS_MOST (10u * RETRY_TOKEN) /* retries of a worker that no request has paid for */

/* The life of an exchange here:
 *
 *   begin --> pick --> connection with room ---------------------> attached --> head passed on --> over | gone
 *              |  \--> resolve --> connect ----------------------^    |
 *              |  \--> wait (limit reached) --> pick again            | fault, status of the policy, per_try_timeout
 *              ^------------- back off <-- rewind <-- retry? ---------/
 *                                                       \--> the answer that came, or an error
 *
 * The timer of an attempt runs from pick to head. Whatever ends the exchange on the way calls cancel, which stops all that waits. */
struct dispatch {
	struct exchange *x;
	struct backend *backend;
	struct str path, authority;  /* of the request, before any server's own */
	struct resolver_query query; /* while resolving */
	struct list waiting;         /* in waits_at->waiting */
	struct server *waits_at;     /* while it waits */
	struct server *slot;         /* where a connection is promised to it, until it has one; or NULL */
	uint64_t deadline_ms;
	uint32_t next_addr, n_addrs; /* of the server's addresses, counted on a retry */
	bool timer_armed, fresh;     /* fresh: do not take an idle connection */
	const struct toron_retry *policy; /* NULL: none */
	uint32_t attempts;           /* begun so far */
	uint32_t n_left;             /* tries that came too late for a connection that its server has left */
	int avoid;                   /* the server of the attempt before; -1: none */
	bool attempt_armed, backs_off;
	bool called;                 /* there may be room where it waits */
	/* What follows is not zeroed: each is initialised when it is armed. */
	struct loop_timer timer;     /* limits resolving and waiting */
	struct loop_timer attempt;   /* limits one attempt */
};

/* Chooses a server, and a connection to it: one with room, a new one, or the one that comes free. x may be dead afterwards, as after
 * each of these. */
void dispatch_pick(struct dispatch *d);
/* A new connection to this server. */
void dispatch_resolve(struct dispatch *d, struct server *s);
/* Looks again after so long. */
void dispatch_wait(struct dispatch *d, uint64_t ms);
/* For x->cancel. */
void dispatch_cancel(struct exchange *x);

/* Before all else. A body that may have to be sent again is kept from here on. policy: NULL: none. */
void retry_init(struct dispatch *d, const struct toron_retry *policy);
/* The first attempt, or the next of the policy. */
void retry_begin_attempt(struct dispatch *d);
/* The attempt's own limit ends. */
void retry_stop_attempt(struct dispatch *d);
