/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "backend/slot.h"

#include <stdlib.h>

#include "loop/count.h"

static bool turns_new(struct server_shared *servers, const struct toron_backend *conf)
{
	for (uint32_t i = 0; conf->max_connections != 0 && i < conf->n_servers; i++) {
		servers[i].turns = calloc(WORKERS_MAX, sizeof(struct turn));
		if (servers[i].turns == NULL)
			return false;
	}
	return true;
}

struct backend_shared *backend_shared_new(const struct toron_gateway *g)
{
	struct backend_shared *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->gateway = g;
	s->servers = calloc(g->n_backends + 1u, sizeof(*s->servers));
	for (uint32_t i = 0; s->servers != NULL && i < g->n_backends; i++) {
		s->servers[i] = calloc(g->backends[i]->n_servers + 1u, sizeof(**s->servers));
		if (s->servers[i] == NULL || !turns_new(s->servers[i], g->backends[i])) {
			backend_shared_free(&s);
			return NULL;
		}
	}
	if (s->servers == NULL)
		backend_shared_free(&s);
	return s;
}

void backend_shared_free(struct backend_shared **shared)
{
	struct backend_shared *s = *shared;

	if (s == NULL)
		return;
	for (uint32_t i = 0; s->servers != NULL && i < s->gateway->n_backends; i++) {
		for (uint32_t k = 0; s->servers[i] != NULL && k < s->gateway->backends[i]->n_servers; k++)
			free(s->servers[i][k].turns);
		free(s->servers[i]);
	}
	free(s->servers);
	free(s);
	*shared = NULL;
}

/* ---- slots ---- */

bool slot_others_wait(const struct server *s)
{
	return s->backend->conf->max_connections != 0 &&
	       atomic_load_explicit(&s->shared->waiting, memory_order_relaxed) > s->n_waiting;
}

bool slot_must_yield(const struct server *s)
{
	return s->turns == 0 && slot_others_wait(s);
}

static void begin_turn(struct server *s)
{
	s->turns = SLOT_TURNS;
	s->turns_until_ms = loop_now_ms(s->backend->worker->loop) + SLOT_TURN_MS;
}

void slot_spend_turn(struct server *s)
{
	if (s->backend->conf->max_connections == 0)
		return;
	if (!slot_others_wait(s))
		begin_turn(s);
	else if (s->turns > 1 || loop_now_ms(s->backend->worker->loop) >= s->turns_until_ms)
		s->turns -= s->turns != 0;
}

static struct turn *own_turn(const struct server *s)
{
	return &s->shared->turns[s->backend->worker->index % WORKERS_MAX];
}

bool slot_is_granted(const struct server *s)
{
	return s->backend->conf->max_connections != 0 && atomic_load_explicit(&own_turn(s)->granted, memory_order_acquire) != 0;
}

/* Both the worker that it was granted to and, should that one end, the one that granted it may take it: one of them does. */
static bool take_grant(struct turn *t)
{
	uint32_t n = atomic_load(&t->granted);

	while (n != 0 && !atomic_compare_exchange_weak(&t->granted, &n, n - 1))
		;
	return n != 0;
}

bool slot_take(struct dispatch *d, struct server *s)
{
	uint32_t most = s->backend->conf->max_connections;
	uint32_t n = atomic_load_explicit(&s->shared->connections, memory_order_relaxed);

	if (most == 0 || !take_grant(own_turn(s))) {
		do {
			if (most != 0 && n >= most)
				return false;
		} while (!atomic_compare_exchange_weak_explicit(&s->shared->connections, &n, n + 1, memory_order_relaxed, memory_order_relaxed));
	}
	d->slot = s;
	begin_turn(s);
	return true;
}

static void post(struct backend *b, unsigned i)
{
	struct port *p = &b->common->ports[i];
	struct loop *l = atomic_load_explicit(&p->loop, memory_order_acquire);

	if (l != NULL && l != b->worker->loop && !atomic_exchange_explicit(&p->asked, true, memory_order_acq_rel))
		loop_post(l, &p->ask);
}

void slot_ask_others(struct backend *b)
{
	unsigned n = atomic_load_explicit(&b->common->n_ports, memory_order_acquire);

	for (unsigned i = 0; i < n; i++)
		post(b, i);
}

/* Promises a slot that is ours to the next worker that waits, behind the one that had the last. False: none does. */
static bool grant(struct server *s)
{
	struct backend *b = s->backend;
	unsigned n = atomic_load_explicit(&b->common->n_ports, memory_order_acquire);
	unsigned last = atomic_load_explicit(&s->shared->last_turn, memory_order_relaxed);

	for (unsigned k = 1; k <= n; k++) {
		unsigned i = (last + k) % n;
		struct turn *t = &s->shared->turns[i];

		if (i == b->worker->index || atomic_load_explicit(&t->waiting, memory_order_relaxed) == 0)
			continue;
		/* Who ends says so before it looks at what it was granted: it sees this, or is seen to be gone. */
		atomic_fetch_add(&t->granted, 1);
		if (atomic_load(&b->common->ports[i].loop) == NULL && take_grant(t))
			continue;
		atomic_store_explicit(&s->shared->last_turn, i, memory_order_relaxed);
		post(b, i);
		return true;
	}
	return false;
}

void slot_serve_waiting(struct server *s)
{
	if (list_empty(&s->waiting))
		return;
	struct dispatch *d = CONTAINER_OF(s->waiting.next, struct dispatch, waiting);

	/* Not from here: the codec is on the stack. The timer fires at once. */
	d->called = true;
	loop_timer_set(&d->timer, 0);
}

void slot_give(struct server *s)
{
	if (slot_others_wait(s) && (s->n_waiting == 0 || s->turns == 0) && grant(s))
		return;
	atomic_fetch_sub_explicit(&s->shared->connections, 1, memory_order_relaxed);
	slot_serve_waiting(s);
}

void slot_pass_on(struct server *s)
{
	while (s->n_waiting == 0 && s->backend->conf->max_connections != 0 && take_grant(own_turn(s)))
		slot_give(s);
}

/* ---- the queue ---- */

static void publish_waiting(struct server *s, int32_t more)
{
	s->n_waiting += (uint32_t)more;
	count_backend(s->backend->worker, s->backend->conf, COUNT_PENDING, (uint64_t)more);
	atomic_store_explicit(&own_turn(s)->waiting, s->n_waiting, memory_order_relaxed);
}

bool slot_join_queue(struct dispatch *d, struct server *s)
{
	uint32_t most = s->backend->conf->max_pending;

	if (atomic_fetch_add_explicit(&s->shared->waiting, 1, memory_order_relaxed) >= most && most != 0) {
		atomic_fetch_sub_explicit(&s->shared->waiting, 1, memory_order_relaxed);
		return false;
	}
	d->waits_at = s;
	list_push_back(&s->waiting, &d->waiting);
	publish_waiting(s, 1);
	slot_ask_others(s->backend);
	return true;
}

void slot_leave_queue(struct dispatch *d)
{
	struct server *s = d->waits_at;

	if (list_empty(&d->waiting))
		return;
	list_remove(&d->waiting);
	d->called = false;
	atomic_fetch_sub_explicit(&s->shared->waiting, 1, memory_order_relaxed);
	publish_waiting(s, -1);
	slot_pass_on(s);
}
