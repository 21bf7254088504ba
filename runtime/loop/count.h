/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a gateway counts (count.def). Each worker has cells of its own, which its thread alone writes, with plain stores; whoever
 * reads sums over the workers. The main thread has cells, too. A worker without cells, because there are no metrics, counts nothing. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "loop/worker.h"
#include "toron/gateway.h"

enum count_scope { COUNT_WORKER, COUNT_LISTENER, COUNT_ROUTE, COUNT_BACKEND, COUNT_SERVER, COUNT_SCOPES };

/* The values of labels, in the order of count.def. */
enum count_refused { COUNT_REFUSED_CONNECTIONS, COUNT_REFUSED_HANDSHAKES, COUNT_REFUSED_N };
enum count_wire { COUNT_WIRE_IN, COUNT_WIRE_OUT, COUNT_WIRE_N };
enum count_tls { COUNT_TLS_1_2, COUNT_TLS_1_3, COUNT_TLS_N };
enum count_unshaken { COUNT_UNSHAKEN_FAILED, COUNT_UNSHAKEN_TIMEOUT, COUNT_UNSHAKEN_EVICTED, COUNT_UNSHAKEN_N };
enum count_certificates { COUNT_CERTIFICATES_LOADED, COUNT_CERTIFICATES_REFUSED, COUNT_CERTIFICATES_N };
#define COUNT_FLOODS_N 8 /* enum h2_flood of codec/h2/budget.h, but for NONE */
enum count_ws { COUNT_WS_IDLE, COUNT_WS_TOTAL, COUNT_WS_PING, COUNT_WS_SIZE, COUNT_WS_PROTOCOL, COUNT_WS_DRAIN, COUNT_WS_N };
#define COUNT_GRPC_N 17 /* the codes of gRPC */
/* Of the faults those that servers are to blame for, which stand in a row. */
#define COUNT_SERVER_FAULT_FIRST FAULT_RESOLVE
#define COUNT_SERVER_FAULTS (FAULT_BACK_CUT - FAULT_RESOLVE + 1)
enum count_probes { COUNT_PROBES_GOOD, COUNT_PROBES_BAD, COUNT_PROBES_N };
enum count_http { COUNT_HTTP_1_0, COUNT_HTTP_1_1, COUNT_HTTP_2, COUNT_HTTP_N };
enum count_status { COUNT_STATUS_1XX, COUNT_STATUS_2XX, COUNT_STATUS_3XX, COUNT_STATUS_4XX, COUNT_STATUS_5XX, COUNT_STATUS_NONE,
	COUNT_STATUS_N };

/* Upper bounds of durations: BOUND(as text in seconds, in microseconds). */
#define COUNT_BOUNDS(BOUND) \
	BOUND("0.0005", 500) BOUND("0.001", 1000) BOUND("0.0025", 2500) BOUND("0.005", 5000) BOUND("0.01", 10000) BOUND("0.025", 25000) \
	BOUND("0.05", 50000) BOUND("0.1", 100000) BOUND("0.25", 250000) BOUND("0.5", 500000) BOUND("1", 1000000) BOUND("2.5", 2500000) \
	BOUND("5", 5000000) BOUND("10", 10000000) BOUND("30", 30000000)
/* The cells of a histogram: one for each bound, those above, the sum. */
enum count_bound {
#define BOUND(text, us) COUNT_BOUND_##us,
	COUNT_BOUNDS(BOUND)
#undef BOUND
	COUNT_BOUND_INF,
	COUNT_BOUND_SUM,
	COUNT_DURATION_N
};

/* Cells of one worker, one listener and so on, by the name in count.def: COUNT_ACCEPTED, COUNT_REFUSED + COUNT_REFUSED_HANDSHAKES. */
#define READ(scope, kind, reader, family, help)
#define COUNT(scope, NAME, kind, cells, label, values, family, help) COUNT_CELLS_##scope(NAME, cells)
#define CELLS(NAME, n) COUNT_##NAME, COUNT_##NAME##_LAST = COUNT_##NAME + (n) - 1,
#define NONE(NAME, n)
enum count_of_worker {
#define COUNT_CELLS_WORKER CELLS
#define COUNT_CELLS_LISTENER NONE
#define COUNT_CELLS_ROUTE NONE
#define COUNT_CELLS_BACKEND NONE
#define COUNT_CELLS_SERVER NONE
#include "loop/count.def"
	COUNT_WORKER_N
};
#undef COUNT_CELLS_WORKER
#undef COUNT_CELLS_LISTENER
#define COUNT_CELLS_WORKER NONE
#define COUNT_CELLS_LISTENER CELLS
enum count_of_listener {
#include "loop/count.def"
	COUNT_LISTENER_N
};
#undef COUNT_CELLS_LISTENER
#undef COUNT_CELLS_ROUTE
#define COUNT_CELLS_LISTENER NONE
#define COUNT_CELLS_ROUTE CELLS
enum count_of_route {
#include "loop/count.def"
	COUNT_ROUTE_N
};
#undef COUNT_CELLS_ROUTE
#undef COUNT_CELLS_BACKEND
#define COUNT_CELLS_ROUTE NONE
#define COUNT_CELLS_BACKEND CELLS
enum count_of_backend {
#include "loop/count.def"
	COUNT_BACKEND_N
};
#undef COUNT_CELLS_BACKEND
#undef COUNT_CELLS_SERVER
#define COUNT_CELLS_BACKEND NONE
#define COUNT_CELLS_SERVER CELLS
enum count_of_server {
#include "loop/count.def"
	COUNT_SERVER_N
};
#undef COUNT_CELLS_WORKER
#undef COUNT_CELLS_LISTENER
#undef COUNT_CELLS_ROUTE
#undef COUNT_CELLS_BACKEND
#undef COUNT_CELLS_SERVER
#undef CELLS
#undef NONE
#undef COUNT
#undef READ

struct count_table;

/* One thread's. */
struct counts {
	struct count_table *table;                /* borrowed */
	_Atomic uint64_t *of[COUNT_SCOPES];       /* [thing * cells of one + cell] */
};

/* All threads', and what there is to count. Constant but for the cells. */
struct count_table {
	const struct toron_gateway *gateway;
	uint64_t started_us;                      /* since the epoch */
	uint32_t n_workers;                       /* the cells of the main thread stand behind theirs */
	uint32_t n[COUNT_SCOPES];                 /* things of each scope; the last route is that of requests which no route took */
	const struct toron_route **routes;        /* by number; NULL: a number that no route has, and the last one */
	uint32_t *first_server;                   /* by backend: the place of its first server in: */
	uint32_t *server;                         /* whose cells it has: one that is listed twice has those of the first */
	struct counts at[];
};

/* NULL: out of memory. */
struct count_table *count_table_new(const struct toron_gateway *g, uint32_t n_workers);
/* After all threads but the main one have ended. */
void count_table_free(struct count_table **t);
/* One cell, summed over all threads. From any thread. */
uint64_t count_sum(const struct count_table *t, enum count_scope scope, uint32_t thing, uint32_t cell);

static inline void count_cell(_Atomic uint64_t *cell, uint64_t n)
{
	/* Nobody else writes it. */
	atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + n, memory_order_relaxed);
}

/* In the thread that `c` belongs to; c may be NULL. */
static inline void count_process(const struct counts *c, enum count_of_worker cell, uint64_t n)
{
	if (c != NULL)
		count_cell(&c->of[COUNT_WORKER][cell], n);
}
/* Where a connection counts its bytes (enum count_wire); NULL: nowhere. */
static inline _Atomic uint64_t *count_wire_of_listener(const struct worker *w, const struct toron_listener *l)
{
	return w->counts == NULL ? NULL : &w->counts->of[COUNT_LISTENER][(size_t)(l - w->gateway->listeners) * COUNT_LISTENER_N + COUNT_WIRE];
}
static inline void count_wire(_Atomic uint64_t *cells, enum count_wire direction, ptrdiff_t n)
{
	if (cells != NULL && n > 0)
		count_cell(&cells[direction], (uint64_t)n);
}
static inline void count_listener_gauge(const struct worker *w, const struct toron_listener *l, unsigned cell, int n)
{
	if (w->counts != NULL)
		count_cell(&w->counts->of[COUNT_LISTENER][(size_t)(l - w->gateway->listeners) * COUNT_LISTENER_N + cell], (uint64_t)n);
}
static inline void count_listener(const struct worker *w, const struct toron_listener *l, unsigned cell)
{
	count_listener_gauge(w, l, cell, 1);
}
static inline void count_backend(const struct worker *w, const struct toron_backend *b, unsigned cell, uint64_t n)
{
	if (w->counts != NULL)
		count_cell(&w->counts->of[COUNT_BACKEND][(size_t)b->index * COUNT_BACKEND_N + cell], n);
}
/* NULL: nothing is counted. */
static inline _Atomic uint64_t *count_cells_of_server(const struct worker *w, const struct toron_backend *b, uint32_t server)
{
	const struct count_table *t;

	if (w->counts == NULL)
		return NULL;
	t = w->counts->table;
	return &w->counts->of[COUNT_SERVER][(size_t)t->server[t->first_server[b->index] + server] * COUNT_SERVER_N];
}
static inline _Atomic uint64_t *count_wire_of_server(const struct worker *w, const struct toron_backend *b, uint32_t server)
{
	_Atomic uint64_t *cells = count_cells_of_server(w, b, server);

	return cells == NULL ? NULL : &cells[COUNT_SERVER_WIRE];
}
/* n may be negative, for a gauge. */
static inline void count_server(const struct worker *w, const struct toron_backend *b, uint32_t server, unsigned cell, int n)
{
	_Atomic uint64_t *cells = count_cells_of_server(w, b, server);

	if (cells != NULL)
		count_cell(&cells[cell], (uint64_t)n);
}
/* An attempt with this server failed, if it is to blame. */
static inline void count_server_fault(const struct worker *w, const struct toron_backend *b, uint32_t server, enum fault fault)
{
	if (b != NULL && fault >= COUNT_SERVER_FAULT_FIRST && fault < COUNT_SERVER_FAULT_FIRST + COUNT_SERVER_FAULTS)
		count_server(w, b, server, COUNT_SERVER_FAULT + (unsigned)(fault - COUNT_SERVER_FAULT_FIRST), 1);
}
