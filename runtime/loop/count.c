/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "loop/count.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

#define LINE 64u /* bytes: cells of two threads share none */

static const uint32_t cells_of[COUNT_SCOPES] = {
	[COUNT_WORKER] = COUNT_WORKER_N,
	[COUNT_LISTENER] = COUNT_LISTENER_N,
	[COUNT_ROUTE] = COUNT_ROUTE_N,
	[COUNT_BACKEND] = COUNT_BACKEND_N,
	[COUNT_SERVER] = COUNT_SERVER_N,
};

static void count_things(struct count_table *t)
{
	const struct toron_gateway *g = t->gateway;
	uint32_t n_numbers = 0;

	for (uint32_t i = 0; i < g->n_routes; i++)
		if (g->routes[i].number >= n_numbers)
			n_numbers = g->routes[i].number + 1;
	t->n[COUNT_WORKER] = 1;
	t->n[COUNT_LISTENER] = g->n_listeners;
	t->n[COUNT_ROUTE] = n_numbers + 1;
	t->n[COUNT_BACKEND] = g->n_backends;
	for (uint32_t i = 0; i < g->n_backends; i++)
		t->n[COUNT_SERVER] += g->backends[i]->n_servers;
}

/* Two entries that are told by the same labels are one to whoever reads. */
static bool is_same(const struct toron_server *a, const struct toron_server *b)
{
	return str_eq(a->authority, b->authority) && str_eq(a->base_path, b->base_path);
}

static void name_servers(struct count_table *t, const struct toron_backend *b)
{
	uint32_t *of = t->server + t->first_server[b->index];

	for (uint32_t i = 0; i < b->n_servers; i++) {
		uint32_t first = 0;

		while (first < i && !is_same(&b->servers[first], &b->servers[i]))
			first++;
		of[i] = t->first_server[b->index] + first;
	}
}

static bool name_things(struct count_table *t)
{
	const struct toron_gateway *g = t->gateway;
	uint32_t n = 0;

	t->routes = calloc(t->n[COUNT_ROUTE], sizeof(*t->routes));
	t->first_server = calloc(g->n_backends + 1u, sizeof(*t->first_server));
	t->server = calloc(t->n[COUNT_SERVER] + 1u, sizeof(*t->server));
	if (t->routes == NULL || t->first_server == NULL || t->server == NULL)
		return false;
	for (uint32_t i = 0; i < g->n_routes; i++)
		t->routes[g->routes[i].number] = &g->routes[i];
	for (uint32_t i = 0; i < g->n_backends; i++) {
		t->first_server[i] = n;
		n += g->backends[i]->n_servers;
		name_servers(t, g->backends[i]);
	}
	return true;
}

static bool make_cells(struct counts *c, struct count_table *t)
{
	size_t n = 0;
	_Atomic uint64_t *cells;

	c->table = t;
	for (int s = 0; s < COUNT_SCOPES; s++)
		n += (size_t)t->n[s] * cells_of[s];
	n = (n * sizeof(*cells) + LINE - 1) / LINE * LINE;
	cells = aligned_alloc(LINE, n);
	c->of[0] = cells;
	if (cells == NULL)
		return false;
	memset((void *)cells, 0, n);
	for (int s = 0; s < COUNT_SCOPES; s++) {
		c->of[s] = cells;
		cells += (size_t)t->n[s] * cells_of[s];
	}
	return true;
}

struct count_table *count_table_new(const struct toron_gateway *g, uint32_t n_workers)
{
	struct count_table *t = calloc(1, sizeof(*t) + (n_workers + 1u) * sizeof(t->at[0]));
	bool ok;

	if (t == NULL)
		return NULL;
	t->gateway = g;
	t->started_us = clock_wall_us();
	t->n_workers = n_workers;
	count_things(t);
	ok = name_things(t);
	for (uint32_t i = 0; ok && i <= n_workers; i++)
		ok = make_cells(&t->at[i], t);
	if (!ok)
		count_table_free(&t);
	return t;
}

void count_table_free(struct count_table **table)
{
	struct count_table *t = *table;

	if (t == NULL)
		return;
	*table = NULL;
	for (uint32_t i = 0; i <= t->n_workers; i++)
		free((void *)t->at[i].of[0]);
	free(t->routes);
	free(t->first_server);
	free(t->server);
	free(t);
}

uint64_t count_sum(const struct count_table *t, enum count_scope scope, uint32_t thing, uint32_t cell)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i <= t->n_workers; i++)
		sum += atomic_load_explicit(&t->at[i].of[scope][(size_t)thing * cells_of[scope] + cell], memory_order_relaxed);
	return sum;
}
