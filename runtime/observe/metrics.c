/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What an exchange that has ended adds to the counts. Linked only with gateways that have metrics. */
#include "observe/metrics.h"

#include "base/clock.h"
#include "http/exchange.h"
#include "http/grpc.h"
#include "http/websocket.h"
#include "loop/count.h"
#include "observe/access_log.h"

static const uint64_t bounds[] = {
#define BOUND(text, us) us,
	COUNT_BOUNDS(BOUND)
#undef BOUND
};

void metrics_duration(_Atomic uint64_t *cells, uint64_t us)
{
	unsigned i = 0;

	while (i < COUNT_BOUND_INF && us > bounds[i])
		i++;
	count_cell(&cells[i], 1);
	count_cell(&cells[COUNT_BOUND_SUM], us);
}

static unsigned status_of(const struct exchange *x)
{
	unsigned class = x->response.status / 100;

	/* A head that never went out is no answer. */
	if (x->state < EXCHANGE_ANSWERING || class < 1 || class > 5)
		return COUNT_STATUS_NONE;
	return COUNT_STATUS_1XX + class - 1;
}

static unsigned version_of(const struct msg *m)
{
	if (m->version_major >= 2)
		return COUNT_HTTP_2;
	return m->version_minor == 0 ? COUNT_HTTP_1_0 : COUNT_HTTP_1_1;
}

static void count_route(const struct counts *c, const struct exchange *x)
{
	uint32_t thing = x->route != NULL ? x->route->number : c->table->n[COUNT_ROUTE] - 1;
	_Atomic uint64_t *cells = &c->of[COUNT_ROUTE][(size_t)thing * COUNT_ROUTE_N];
	uint64_t now = clock_monotonic_us();

	count_cell(&cells[COUNT_STATUS + status_of(x)], 1);
	if (!x->is_tunnel)
		metrics_duration(&cells[COUNT_DURATION], now > x->times.begun ? now - x->times.begun : 0);
	count_cell(&cells[COUNT_REQUEST_BYTES], x->request.body.appended);
	count_cell(&cells[COUNT_RESPONSE_BYTES], x->response.body.sent);
}

/* The last server that was asked. */
static void count_back(const struct worker *w, const struct exchange *x)
{
	const struct toron_backend *b = x->backend;
	/* An answer of our own is none of the server's. */
	unsigned status = x->chain_answered ? COUNT_STATUS_NONE : status_of(x);

	if (x->grpc != GRPC_NONE)
		count_backend(w, b, COUNT_GRPC + grpc_status(x), 1);
	if (x->tries == 0)
		return;
	count_server(w, b, x->server, COUNT_SERVER_STATUS + status, 1);
	count_backend(w, b, COUNT_RETRIES, x->tries - 1);
}

void toron_metrics_observe(struct exchange *x)
{
	const struct worker *w = x->worker;

	if (w->counts != NULL) {
		count_route(w->counts, x);
		count_listener(w, x->listener, COUNT_HTTP + version_of(&x->request));
		if (x->fault != FAULT_NONE)
			count_listener(w, x->listener, COUNT_FAULT + x->fault);
		if (x->backend != NULL)
			count_back(w, x);
		if (x->is_tunnel && websocket_is_asked(x))
			count_listener_gauge(w, x->listener, COUNT_WS_OPEN, -1);
	}
	access_log_exchange(x);
}
