/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "backend/backend.h"

#include <stdlib.h>

#include "backend/dispatch.h"
#include "backend/health.h"
#include "backend/slot.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "loop/count.h"
#include "tls/engine.h"

#define HOLD_MS 1            /* how long an idle connection is kept for the next exchange while others wait for it */
#define WAIT_TICK_MS 10      /* how often a waiting exchange looks for room at other servers, and for what it was not called for */

/* ---- state ---- */

/* The least recently used one that carries nothing, or NULL. */
static struct back_conn *last_idle(struct server *s)
{
	for (struct list *l = s->roomy.prev; l != &s->roomy; l = l->prev) {
		struct back_conn *c = CONTAINER_OF(l, struct back_conn, link);

		if (c->n_active == 0)
			return c;
	}
	return NULL;
}

static void close_idle(struct server *s)
{
	struct back_conn *c = s->n_idle == 0 ? NULL : last_idle(s);

	if (c != NULL)
		c->codec->close(c);
}

static void close_all_idle(struct server *s)
{
	while (s->n_idle != 0)
		close_idle(s);
}

static void on_held(struct loop_timer *t)
{
	struct server *s = CONTAINER_OF(t, struct server, hold);

	if (slot_others_wait(s) && s->n_waiting == 0)
		close_all_idle(s);
}

static bool backend_init(struct backend *b, struct worker *w, const struct toron_backend *conf, struct backend_shared *shared)
{
	b->conf = conf;
	b->worker = w;
	b->common = shared;
	b->retry_tokens = RETRY_TOKENS_MOST;
	b->random = (clock_monotonic_us() ^ ((uint64_t)w->index << 40) ^ ((uint64_t)conf->index << 50)) | 1;
	b->servers = calloc(conf->n_servers + 1u, sizeof(*b->servers));
	if (b->servers == NULL)
		return false;
	for (uint32_t i = 0; i < conf->n_servers; i++) {
		b->servers[i].backend = b;
		b->servers[i].conf = &conf->servers[i];
		b->servers[i].id = str_hash(conf->servers[i].authority) ^ str_hash(conf->servers[i].base_path);
		b->servers[i].shared = &shared->servers[conf->index][i];
		list_init(&b->servers[i].roomy);
		list_init(&b->servers[i].open);
		list_init(&b->servers[i].waiting);
		loop_timer_init(&b->servers[i].hold, w->loop, on_held);
		if (conf->tls == NULL)
			continue;
		b->servers[i].tls = w->gateway->tls->target_new(w, conf->tls, &conf->servers[i]);
		if (b->servers[i].tls == NULL)
			return false;
	}
	if (conf->health == NULL || w->index != 0)
		return true;
	b->health = conf->health->kind->start(b);
	return b->health != NULL;
}

/* Those that carry nothing; and where no exchange is left, all: a server may still owe the end of one that nobody waits for. */
static void close_all(struct worker *w, struct server *s)
{
	bool none_left = w->exchanges == NULL || exchange_pool_live(w->exchanges) == 0;

	close_all_idle(s);
	while (none_left && s->n_open != 0 && !list_empty(&s->open)) {
		struct back_conn *c = CONTAINER_OF(s->open.next, struct back_conn, open);

		list_remove(&c->open);
		c->codec->close(c);
	}
}

static bool is_unhealthy(const struct server *s)
{
	return !backend_server_is_healthy(s->backend, (uint32_t)(s - s->backend->servers));
}

/* Of the answers to another worker's wish: it waits for a connection, has found a server unhealthy, or gave up a connection for us. */
static void answer(struct server *s)
{
	if (is_unhealthy(s))
		close_all_idle(s);
	else if (slot_others_wait(s) && s->hold.deadline_ms == 0)
		close_idle(s);
	if (slot_is_granted(s))
		slot_serve_waiting(s);
	slot_pass_on(s);
}

static void on_asked(struct loop *l, struct loop_mail *m)
{
	struct port *p = CONTAINER_OF(m, struct port, ask);

	(void)l;
	/* An exchange: what was granted before is seen below. */
	atomic_exchange_explicit(&p->asked, false, memory_order_acq_rel);
	for (uint32_t i = 0; p->all != NULL && i < p->all->worker->gateway->n_backends; i++)
		for (uint32_t j = 0; j < p->all[i].conf->n_servers; j++)
			answer(&p->all[i].servers[j]);
}

void backend_server_set_healthy(struct server *s, bool is_healthy)
{
	atomic_store_explicit(&s->shared->is_unhealthy, !is_healthy, memory_order_relaxed);
	if (is_healthy)
		return;
	close_all_idle(s);
	slot_ask_others(s->backend);
}

static void open_port(struct backend_shared *shared, struct worker *w, struct backend *all)
{
	struct port *p = &shared->ports[w->index % WORKERS_MAX];
	unsigned n = atomic_load(&shared->n_ports);

	p->all = all;
	p->ask.fn = on_asked;
	atomic_store_explicit(&p->loop, w->loop, memory_order_release);
	while (n <= w->index && !atomic_compare_exchange_weak(&shared->n_ports, &n, w->index + 1))
		;
}

/* From here on nobody grants us anything; what was granted is passed on as the backends end. */
static void close_port(struct backend_shared *shared, struct worker *w)
{
	struct port *p = &shared->ports[w->index % WORKERS_MAX];

	atomic_store(&p->loop, NULL);
	p->all = NULL;
}

struct backend *backend_worker_new(struct worker *w, struct backend_shared *shared)
{
	const struct toron_gateway *g = w->gateway;
	struct backend *all = calloc(g->n_backends + 1u, sizeof(*all));

	for (uint32_t i = 0; all != NULL && i < g->n_backends; i++)
		if (!backend_init(&all[i], w, g->backends[i], shared))
			backend_worker_free(w, &all);
	if (all != NULL && g->n_backends != 0)
		open_port(shared, w, all);
	return all;
}

void backend_worker_free(struct worker *w, struct backend **all)
{
	if (*all == NULL)
		return;
	if ((*all)->common != NULL)
		close_port((*all)->common, w);
	for (uint32_t i = 0; i < w->gateway->n_backends; i++) {
		struct backend *b = &(*all)[i];

		if (b->health != NULL)
			b->conf->health->kind->stop(&b->health);
		for (uint32_t j = 0; b->servers != NULL && j < b->conf->n_servers; j++) {
			if (b->servers[j].hold.loop != NULL)
				loop_timer_fini(&b->servers[j].hold);
			close_all(w, &b->servers[j]);
			slot_pass_on(&b->servers[j]);
		}
		for (uint32_t j = 0; b->servers != NULL && b->conf->tls != NULL && j < b->conf->n_servers; j++)
			w->gateway->tls->target_free(&b->servers[j].tls);
		free(b->servers);
	}
	free(*all);
	*all = NULL;
}

/* ---- connections ---- */

/* Puts a connection where it belongs, by what it carries and what it could. */
static void place(struct server *s, struct back_conn *c)
{
	bool is_idle = c->n_active == 0 && c->capacity != 0;

	s->n_idle += is_idle;
	s->n_idle -= c->is_idle;
	count_server(s->backend->worker, s->backend->conf, (uint32_t)(s - s->backend->servers), COUNT_CONNECTIONS_IDLE, is_idle - c->is_idle);
	c->is_idle = is_idle;
	list_remove(&c->link);
	if (c->n_active < c->capacity)
		list_push_front(&s->roomy, &c->link);
}

/* What all workers write for each exchange, none of them has in its cache: only where a choice depends on it. */
static bool is_compared(const struct server *s)
{
	return s->backend->conf->n_servers > 1;
}

static void end_exchanges(struct server *s, struct back_conn *c, uint32_t n)
{
	c->n_active -= n;
	if (is_compared(s))
		atomic_fetch_sub_explicit(&s->shared->exchanges, n, memory_order_relaxed);
}

static void on_over(struct back_conn *c)
{
	struct server *s = c->owner;
	struct backend *b = s->backend;

	end_exchanges(s, c, 1);
	place(s, c);
	if (c->n_active == 0 && slot_others_wait(s) && (s->n_waiting == 0 || s->turns == 0)) {
		/* Whoever was answered often asks again at once, sooner than a new connection would be there. */
		if (c->is_idle && s->turns != 0)
			loop_timer_set(&s->hold, HOLD_MS);
		else if (c->is_idle)
			c->codec->close(c);
		return;
	}
	if (s->n_idle > b->conf->pool_idle || (c->is_idle && is_unhealthy(s))) {
		close_idle(s);
		return;
	}
	slot_serve_waiting(s);
}

static void on_capacity(struct back_conn *c)
{
	struct server *s = c->owner;

	/* The next connection begins with what the server has said on this one, lest it refuses most of what comes in a burst. */
	if (c->good_for != 0)
		s->streams = c->good_for;
	place(s, c);
	slot_serve_waiting(s);
}

static void on_became(struct back_conn *c, struct back_conn *to)
{
	struct server *s = c->owner;

	to->n_active = c->n_active;
	to->is_idle = c->is_idle;
	list_remove(&c->link);
	list_remove(&c->open);
	list_push_back(&s->open, &to->open);
	place(s, to);
	slot_serve_waiting(s);
}

static void on_gone(struct back_conn *c)
{
	struct server *s = c->owner;

	end_exchanges(s, c, c->n_active);
	c->capacity = 0;
	place(s, c);
	list_remove(&c->open);
	s->n_open--;
	count_server(s->backend->worker, s->backend->conf, (uint32_t)(s - s->backend->servers), COUNT_CONNECTIONS_OPEN, -1);
	slot_give(s);
}

static const struct back_user user = { .over = on_over, .capacity = on_capacity, .became = on_became, .gone = on_gone };

/* ---- one exchange ---- */

static void drop_slot(struct dispatch *d)
{
	struct server *s = d->slot;

	d->slot = NULL;
	if (s != NULL)
		slot_give(s);
}

static void stop_waiting(struct dispatch *d)
{
	d->x->cancel = d->attempt_armed ? dispatch_cancel : NULL;
	d->backs_off = false;
	slot_leave_queue(d);
	drop_slot(d);
	resolver_cancel(&d->query);
	if (d->timer_armed) {
		d->timer_armed = false;
		loop_timer_fini(&d->timer);
	}
}

void dispatch_cancel(struct exchange *x)
{
	retry_stop_attempt(x->action_state);
	stop_waiting(x->action_state);
}

static void fail(struct dispatch *d, enum fault fault)
{
	stop_waiting(d);
	exchange_fail(d->x, fault);
}

/* What this server is sent: its own base path and, where asked for, its own Host. False: out of memory. */
static bool address_request(struct dispatch *d, const struct toron_server *conf)
{
	struct msg *m = &d->x->request;

	m->path = d->path;
	if (conf->base_path.len != 0) {
		m->path = arena_printf(&d->x->arena, STR_FMT STR_FMT, STR_ARG(conf->base_path), STR_ARG(d->path));
		if (m->path.ptr == NULL)
			return false;
	}
	m->authority = d->backend->conf->preserve_host && d->authority.len != 0 ? d->authority : conf->authority;
	return true;
}

static struct back_limits limits_of(const struct dispatch *d)
{
	const struct toron_backend *conf = d->backend->conf;
	uint32_t first_byte = d->x->route->first_byte_ms;

	return (struct back_limits){
		.connect_ms = conf->connect_ms,
		.first_byte_ms = first_byte != 0 ? first_byte : conf->first_byte_ms,
		.idle_ms = conf->idle_ms,
		.pool_idle_ms = conf->pool_idle_ms,
		.response = conf->response,
		.streams = conf->streams,
	};
}

static bool widen_response(struct dispatch *d)
{
	uint32_t most = d->backend->conf->buffer_response;

	return most == 0 || exchange_widen(d->x, &d->x->response.body, most);
}

static void attach(struct dispatch *d, struct server *s, struct back_conn *c)
{
	struct back_limits limits = limits_of(d);
	struct exchange *x = d->x;
	struct leg *leg = NULL;

	stop_waiting(d);
	slot_spend_turn(s);
	c->n_active++;
	place(s, c);
	if (is_compared(s))
		atomic_fetch_add_explicit(&s->shared->exchanges, 1, memory_order_relaxed);
	x->server = (uint32_t)(s - d->backend->servers);
	x->tries++;
	x->reused = c->n_exchanges != 0;
	if (address_request(d, s->conf) && widen_response(d))
		leg = c->codec->leg(c, &limits);
	if (leg == NULL) {
		/* The connection is as good as before. */
		on_over(c);
		exchange_fail(x, FAULT_NO_MEMORY);
		return;
	}
	exchange_attach_back(x, leg);
}

/* One that is just being opened, for another exchange, and takes this one too; or NULL. */
static struct back_conn *opening(struct server *s)
{
	for (struct list *l = s->roomy.next; l != &s->roomy; l = l->next) {
		struct back_conn *c = CONTAINER_OF(l, struct back_conn, link);

		if (c->connecting)
			return c;
	}
	return NULL;
}

static void wait_for_room(struct dispatch *d, struct server *s);

static void connect_to(struct dispatch *d, struct server *s, const struct addr *addrs, size_t n)
{
	struct backend *b = d->backend;
	struct addr to = addrs[(s->last_good + d->next_addr) % n];
	struct back_limits limits = limits_of(d);
	struct back_conn *c = opening(s);

	limits.streams_at_first = s->streams;
	limits.wire = count_wire_of_server(b->worker, b->conf, d->x->server);
	to.port = s->conf->port;
	d->n_addrs = (uint32_t)n;
	if (c != NULL) {
		attach(d, s, c);
		return;
	}
	if (d->slot == NULL && !slot_take(d, s)) {
		wait_for_room(d, s);
		return;
	}
	c = b->conf->codec->open(b->worker, &to, s->tls, &user, s, &limits);
	if (c == NULL) {
		fail(d, FAULT_NO_MEMORY);
		return;
	}
	s->n_open++;
	count_server(b->worker, b->conf, d->x->server, COUNT_CONNECTIONS, 1);
	count_server(b->worker, b->conf, d->x->server, COUNT_CONNECTIONS_OPEN, 1);
	list_push_back(&s->open, &c->open);
	d->slot = NULL; /* the connection's from here on */
	attach(d, s, c);
}

static void on_resolved(struct resolver_query *q, int err, const struct addr *addrs, size_t n)
{
	struct dispatch *d = CONTAINER_OF(q, struct dispatch, query);
	struct server *s = &d->backend->servers[d->x->server];

	if (n == 0) {
		log_event(LOG_WARN, "resolve-failed", "%s: server " STR_FMT ": %s", s->conf->origin, STR_ARG(s->conf->host),
			err_text(err));
		stop_waiting(d);
		exchange_retry_or_fail(d->x, FAULT_RESOLVE);
		return;
	}
	connect_to(d, s, addrs, n);
}

static bool try_server(struct dispatch *d, struct server *s);
static int choose(struct dispatch *d);

static void wait_on(struct dispatch *d, struct server *better)
{
	if (is_unhealthy(d->waits_at) && better != d->waits_at) {
		slot_leave_queue(d);
		wait_for_room(d, better);
		return;
	}
	dispatch_wait(d, WAIT_TICK_MS);
}

/* One that waits has its chance, and so has the next one if there was room for it and there is still: a connection may take many more at
 * once. Who finds no room keeps its place. */
static void pick_again(struct dispatch *d)
{
	struct server *s = d->waits_at;
	uint32_t n = s->n_waiting;
	int i = d->called ? (int)(s - d->backend->servers) : choose(d);

	d->called = false;
	if (i < 0)
		fail(d, FAULT_NO_SERVER);
	else if (!try_server(d, &d->backend->servers[i]))
		wait_on(d, &d->backend->servers[i]);
	if (s->n_waiting < n && (!list_empty(&s->roomy) || slot_is_granted(s)))
		slot_serve_waiting(s);
}

static void on_timer(struct loop_timer *t)
{
	struct dispatch *d = CONTAINER_OF(t, struct dispatch, timer);
	struct exchange *x = d->x;

	CHECK_MAGIC(x, EXCHANGE_MAGIC);
	if (d->backs_off) {
		stop_waiting(d);
		retry_begin_attempt(d);
		return;
	}
	if (loop_now_ms(d->backend->worker->loop) >= d->deadline_ms) {
		enum fault fault = list_empty(&d->waiting) ? FAULT_RESOLVE : FAULT_OVERLOAD;

		fail(d, fault);
		return;
	}
	if (!list_empty(&d->waiting))
		pick_again(d);
	else
		loop_timer_set(t, d->deadline_ms - loop_now_ms(d->backend->worker->loop));
}

void dispatch_wait(struct dispatch *d, uint64_t ms)
{
	if (!d->timer_armed) {
		loop_timer_init(&d->timer, d->backend->worker->loop, on_timer);
		d->timer_armed = true;
		d->deadline_ms = loop_now_ms(d->backend->worker->loop) + d->backend->conf->connect_ms;
	}
	d->x->cancel = dispatch_cancel;
	loop_timer_set(&d->timer, ms);
}

static void wait_for_room(struct dispatch *d, struct server *s)
{
	if (slot_join_queue(d, s))
		dispatch_wait(d, WAIT_TICK_MS);
	else
		fail(d, FAULT_OVERLOAD);
}

void dispatch_resolve(struct dispatch *d, struct server *s)
{
	struct addr addrs[RESOLVER_MAX_ADDRS];
	size_t n;

	if (s->conf->is_numeric) {
		addr_parse(s->conf->host, s->conf->port, &addrs[0]);
		connect_to(d, s, addrs, 1);
		return;
	}
	n = resolver_lookup(d->backend->worker->resolver, s->conf->host, addrs, &d->query);
	if (n != 0)
		connect_to(d, s, addrs, n);
	else
		dispatch_wait(d, d->backend->conf->connect_ms);
}

/* A connection with room that is fit for use; NULL: there is none. */
static struct back_conn *take_roomy(struct server *s)
{
	while (!list_empty(&s->roomy)) {
		struct back_conn *c = CONTAINER_OF(s->roomy.next, struct back_conn, link);

		if (c->n_active != 0 || c->codec->is_fit == NULL || c->codec->is_fit(c))
			return c;
		/* on_gone has taken it out. */
	}
	return NULL;
}

#define PICKS 4 /* of another server than before, while there is one */

static int choose(struct dispatch *d)
{
	struct backend *b = d->backend;
	int i;

	b->avoid = d->avoid;
	i = b->conf->balance(b, d->x);
	for (int k = 1; k < PICKS && i >= 0 && i == d->avoid && b->conf->n_servers > 1; k++)
		i = b->conf->balance(b, d->x);
	return i;
}

/* False: there is no room. x may be dead after true. */
static bool try_server(struct dispatch *d, struct server *s)
{
	struct back_conn *c = d->fresh || slot_must_yield(s) ? NULL : take_roomy(s);

	if (c == NULL && !slot_take(d, s))
		return false;
	d->x->server = (uint32_t)(s - d->backend->servers);
	if (c != NULL) {
		attach(d, s, c);
		return true;
	}
	slot_leave_queue(d);
	dispatch_resolve(d, s);
	return true;
}

void dispatch_pick(struct dispatch *d)
{
	int i = choose(d);
	struct server *s;

	if (i < 0) {
		fail(d, FAULT_NO_SERVER);
		return;
	}
	s = &d->backend->servers[i];
	d->x->server = (uint32_t)i;
	/* Who comes later waits behind those who wait. */
	if (s->n_waiting != 0 || !try_server(d, s))
		wait_for_room(d, s);
}

/* ---- the action ---- */

static void on_gathered(struct exchange *x)
{
	retry_begin_attempt(x->action_state);
}

void toron_action_backend(struct exchange *x, const void *conf)
{
	const struct toron_backend *backend = conf;
	struct dispatch *d = arena_alloc(&x->arena, sizeof(*d));

	x->backend = backend;
	if (d == NULL) {
		exchange_fail(x, FAULT_NO_MEMORY);
		return;
	}
	memset(d, 0, offsetof(struct dispatch, timer));
	d->x = x;
	d->backend = &x->worker->backends[backend->index];
	d->path = x->request.path;
	d->authority = x->request.authority;
	d->query.fn = on_resolved;
	list_init(&d->query.link);
	list_init(&d->waiting);
	x->action_state = d;
	retry_init(d, x->route->retry != NULL ? x->route->retry : backend->retry);
	if (backend->buffer_request == 0 || !exchange_gather(x, backend->buffer_request, on_gathered))
		retry_begin_attempt(d);
}
