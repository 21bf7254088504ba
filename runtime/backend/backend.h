/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Backends at run time: per worker, a pool of connections to each server. The actions `backend` and `split` live here: pick a server,
 * resolve its name, take an idle connection or open one, attach it to the exchange, and try again where that is safe. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/list.h"
#include "codec/back.h"
#include "net/resolver.h"
#include "toron/gateway.h"

/* A worker's part in a server whose connections are limited. */
struct turn {
	_Atomic uint32_t waiting;     /* its exchanges that wait for a connection; only that worker writes */
	_Atomic uint32_t granted;     /* connections that others gave up for it, and that count as open until it takes or passes them on */
};

/* Shared by all workers, one a server: the only cross-thread state on the request path. */
struct server_shared {
	_Atomic uint32_t connections; /* open ones, and those that are promised to an exchange or a worker */
	struct turn *turns;           /* owned; one a worker; NULL: connections are not limited */
	_Atomic uint32_t exchanges;   /* in flight, for least-connections and random-two; not counted where one server is all there is */
	_Atomic uint32_t waiting;     /* exchanges that wait because of a connection limit */
	_Atomic uint32_t last_turn;   /* the worker that was last given a connection which another one gave up */
	_Atomic bool is_unhealthy;    /* as its probes say */
};

/* What all workers' backends share. */
struct backend_shared;
struct health; /* backend/health.h */

/* One server of a backend in one worker. */
struct server {
	struct backend *backend;
	const struct toron_server *conf;
	uint64_t id;                  /* of its address: the same in every gateway */
	struct server_shared *shared; /* borrowed */
	struct tls_target *tls;       /* owned; NULL: clear text */
	struct list roomy;            /* of back_conn: those that take another exchange, most recently used first */
	struct list open;             /* of back_conn: all, n_open of them */
	struct list waiting;          /* of dispatch: n_waiting exchanges that wait for a connection, the first first */
	uint32_t n_waiting;
	uint32_t turns;               /* exchanges that may yet begin on our connections while other workers wait for one: the last one of them */
	uint64_t turns_until_ms;      /* ... is not counted before */
	uint32_t n_idle, n_open;      /* of this worker; n_idle of them carry nothing */
	struct loop_timer hold;       /* for the next exchange, before idle connections are given up because others wait */
	int32_t credit;               /* of smooth weighted round robin */
	uint32_t streams;             /* exchanges at a time that its last connection was good for; 0: not known */
	uint32_t last_good;           /* index among the resolved addresses */
	uint64_t failed_until_ms;     /* connecting failed: passed over until then when others are there */
};

struct backend {
	const struct toron_backend *conf;
	struct worker *worker;
	struct backend_shared *common;
	struct server *servers;
	struct health *health;        /* owned; NULL: another worker probes, or nobody */
	uint64_t random;
	int avoid;                    /* the server that a pick passes over while there is another one; -1: none */
	uint64_t retry_tokens;        /* millionths of a retry that may still be made; each request adds its policy's part */
};

/* False while its probes fail: then it gets no requests. */
static inline bool backend_server_is_healthy(const struct backend *b, uint32_t i)
{
	return b->conf->health == NULL || !atomic_load_explicit(&b->servers[i].shared->is_unhealthy, memory_order_relaxed);
}
/* True if it is healthy, and connecting to it did not fail a moment ago. */
bool backend_server_is_usable(const struct backend *b, uint32_t i);
/* For all workers; the idle connections to an unhealthy server are closed. */
void backend_server_set_healthy(struct server *s, bool is_healthy);
/* A pseudo-random number of this worker; not for secrets. */
uint64_t backend_random(struct backend *b);

/* Process-wide state, before workers start; NULL: out of memory. Freed when all workers' threads have ended. */
struct backend_shared *backend_shared_new(const struct toron_gateway *g);
void backend_shared_free(struct backend_shared **shared);
/* One worker's backends ([g->n_backends]). */
struct backend *backend_worker_new(struct worker *w, struct backend_shared *shared);
void backend_worker_free(struct worker *w, struct backend **b); /* closes idle connections */
