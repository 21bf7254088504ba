/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "backend/health.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "loop/count.h"

#define SPREAD_MS 2u /* between the first probes of two servers */

struct health {
	struct backend *backend; /* borrowed */
	struct loop_task task;   /* frees it */
	uint32_t n;
	struct probe probes[];
};

bool health_count(struct health_count *c, const struct toron_health *conf, bool is_good)
{
	if (!c->is_known) {
		c->is_known = true;
		c->is_unhealthy = !is_good;
		return !is_good;
	}
	if (is_good != c->is_unhealthy) {
		c->in_a_row = 0;
		return false;
	}
	if (++c->in_a_row < (is_good ? conf->healthy_after : conf->unhealthy_after))
		return false;
	c->in_a_row = 0;
	c->is_unhealthy = !is_good;
	return true;
}

static struct worker *worker_of(const struct probe *p)
{
	return p->server->backend->worker;
}

/* ---- one probe ---- */

static void drop(struct probe *p)
{
	loop_task_cancel(&p->task);
	loop_timer_clear(&p->timer);
	resolver_cancel(&p->query);
	probe_conf(p)->kind->drop(p);
	p->is_begun = false;
}

void probe_end(struct probe *p, enum probe_verdict verdict, const char *reason, ...)
{
	va_list args;

	CHECK_MAGIC(p, PROBE_MAGIC);
	if (!p->is_begun || p->verdict != PROBE_ASKS)
		return;
	p->verdict = verdict;
	va_start(args, reason);
	vsnprintf(p->reason, sizeof(p->reason), reason, args);
	va_end(args);
	loop_defer(worker_of(p)->loop, &p->task);
}

static void ask(struct probe *p, const struct addr *addrs, size_t n)
{
	const struct toron_health *conf = probe_conf(p);
	struct addr to = addrs[p->addr % n];

	to.port = conf->port != 0 ? conf->port : p->server->conf->port;
	p->n_addrs = (uint32_t)n;
	conf->kind->ask(p, &to);
}

static void on_resolved(struct resolver_query *q, int err, const struct addr *addrs, size_t n)
{
	struct probe *p = CONTAINER_OF(q, struct probe, query);

	CHECK_MAGIC(p, PROBE_MAGIC);
	if (n == 0)
		probe_end(p, PROBE_BAD, "%s: %s", fault_info(FAULT_RESOLVE)->text, err_text(err));
	else
		ask(p, addrs, n);
}

static void look_up(struct probe *p)
{
	const struct toron_server *conf = p->server->conf;
	struct addr addrs[RESOLVER_MAX_ADDRS];
	size_t n = 1;

	p->verdict = PROBE_ASKS;
	p->n_taken = p->n_answer = 0;
	if (conf->is_numeric)
		addr_parse(conf->host, conf->port, &addrs[0]);
	else
		n = resolver_lookup(worker_of(p)->resolver, conf->host, addrs, &p->query);
	if (n != 0)
		ask(p, addrs, n);
}

/* Now and then a little earlier or later, so that many servers, and many gateways, do not stay in step. */
static uint64_t until_next(const struct probe *p)
{
	uint64_t interval = probe_conf(p)->interval_ms, tenth = interval / 10, now = loop_now_ms(worker_of(p)->loop);
	uint64_t at = p->begun_ms + interval - tenth + backend_random(p->server->backend) % (2 * tenth + 1);

	return at > now ? at - now : 0;
}

static void count(struct probe *p)
{
	const struct server *s = p->server;
	const struct toron_backend *b = s->backend->conf;
	bool is_good = p->verdict == PROBE_GOOD;

	if (p->verdict == PROBE_VOID) {
		log_event(LOG_WARN, "probe-failed", "%s: backend %s: server " STR_FMT " could not be asked: %s", s->conf->origin,
			b->name, STR_ARG(s->conf->authority), p->reason);
		return;
	}
	count_server(worker_of(p), b, (uint32_t)(s->conf - b->servers), COUNT_PROBES + (is_good ? COUNT_PROBES_GOOD : COUNT_PROBES_BAD), 1);
	if (!health_count(&p->count, b->health, is_good))
		return;
	count_server(worker_of(p), b, (uint32_t)(s->conf - b->servers), COUNT_UNHEALTHY, p->count.is_unhealthy ? 1 : -1);
	if (p->count.is_unhealthy)
		log_event(LOG_WARN, "server-unhealthy", "%s: backend %s: server " STR_FMT " is left out: %s", s->conf->origin, b->name,
			STR_ARG(s->conf->authority), p->reason);
	else
		log_event(LOG_INFO, "server-healthy", "%s: backend %s: server " STR_FMT " is back", s->conf->origin, b->name,
			STR_ARG(s->conf->authority));
	backend_server_set_healthy(p->server, !p->count.is_unhealthy);
}

static void on_ended(struct loop_task *t)
{
	struct probe *p = CONTAINER_OF(t, struct probe, task);

	CHECK_MAGIC(p, PROBE_MAGIC);
	if (p->verdict == PROBE_UNREACHED && ++p->addr < p->n_addrs) {
		probe_conf(p)->kind->drop(p);
		look_up(p);
		return;
	}
	drop(p);
	if (worker_of(p)->draining)
		return;
	count(p);
	loop_timer_set(&p->timer, until_next(p));
}

static void on_timer(struct loop_timer *t)
{
	struct probe *p = CONTAINER_OF(t, struct probe, timer);
	uint32_t limit = probe_conf(p)->timeout_ms;

	CHECK_MAGIC(p, PROBE_MAGIC);
	if (worker_of(p)->draining) {
		drop(p);
		return;
	}
	if (p->is_begun) {
		probe_end(p, PROBE_BAD, "no answer within %u ms", (unsigned)limit);
		return;
	}
	p->is_begun = true;
	p->begun_ms = loop_now_ms(worker_of(p)->loop);
	p->addr = 0;
	loop_timer_set(&p->timer, limit);
	look_up(p);
}

/* ---- all of a backend ---- */

static void on_free(struct loop_task *t)
{
	free(CONTAINER_OF(t, struct health, task));
}

struct health *health_start(struct backend *b)
{
	struct health *h = calloc(1, sizeof(*h) + b->conf->n_servers * sizeof(h->probes[0]));

	if (h == NULL)
		return NULL;
	h->backend = b;
	h->n = b->conf->n_servers;
	loop_task_init(&h->task, on_free);
	for (uint32_t i = 0; i < h->n; i++) {
		struct probe *p = &h->probes[i];

		p->magic = PROBE_MAGIC;
		p->server = &b->servers[i];
		p->query.fn = on_resolved;
		list_init(&p->query.link);
		loop_task_init(&p->task, on_ended);
		loop_timer_init(&p->timer, b->worker->loop, on_timer);
		loop_timer_set(&p->timer, (uint64_t)i * SPREAD_MS);
	}
	return h;
}

/* What probes close may be told of until the end of the turn. */
void health_stop(struct health **health)
{
	struct health *h = *health;

	*health = NULL;
	for (uint32_t i = 0; i < h->n; i++) {
		drop(&h->probes[i]);
		loop_timer_fini(&h->probes[i].timer);
	}
	loop_defer(h->backend->worker->loop, &h->task);
}
