/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "boot/crew.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "codec/front.h"
#include "http/exchange.h"
#include "http/host_memo.h"
#include "loop/count.h"
#include "loop/worker.h"
#include "net/buf.h"
#include "net/listen.h"
#include "net/resolver.h"
#include "observe/access_log.h"
#include "tls/engine.h"

#define LOOK_MS 10u           /* how often a draining worker looks whether it is through */
#define ABORT_MS 500u         /* for aborted connections to end */
#define BUFFERS_LEAST (1u << 20)

struct hand {
	struct worker worker;
	struct crew *crew;
	pthread_t thread;
	bool runs;                        /* there is a thread to join */
	bool ok;                          /* it was built and listens */
	struct listen_socket **listeners; /* owned; [n_listeners] */
	struct loop_timer look;           /* while draining */
	uint64_t abort_at_ms, stop_at_ms; /* abort_at_ms 0: draining has not begun */
	bool aborting;
	struct loop_mail drain, abort;    /* posted at most once each, by the main thread */
	struct loop_mail ready, gone;     /* likewise, by the worker */
};

struct crew {
	struct crew_conf conf;
	bool draining, aborting;
	uint32_t n;
	struct hand hands[];
};

/* ---- in the worker's thread ---- */

static bool build(struct hand *h)
{
	const struct crew_conf *conf = &h->crew->conf;
	const struct toron_gateway *g = conf->gateway;
	struct worker *w = &h->worker;
	uint64_t budget = g->memory / conf->n_workers;

	if (budget < BUFFERS_LEAST && g->memory != 0)
		budget = BUFFERS_LEAST;
	w->bufs = buf_pool_new(w->loop, (size_t)budget);
	if (g->tls != NULL)
		w->tls = g->tls->worker_new(w, conf->tls);
	w->exchanges = exchange_pool_new(w);
	w->hosts = host_memo_new();
	w->backends = backend_worker_new(w, conf->shared);
	w->resolver = resolver_new(w);
	if (conf->access_fd >= 0)
		w->access = access_log_new(w, conf->access_fd, &g->log);
	h->listeners = calloc(g->n_listeners + 1u, sizeof(struct listen_socket *));
	return w->bufs != NULL && (w->tls != NULL || g->tls == NULL) && w->exchanges != NULL && w->hosts != NULL &&
	       w->backends != NULL && w->resolver != NULL &&
	       (w->access != NULL || conf->access_fd < 0) && h->listeners != NULL;
}

static bool listen_all(struct hand *h)
{
	const struct toron_gateway *g = h->crew->conf.gateway;

	for (uint32_t i = 0; i < g->n_listeners; i++) {
		const struct toron_listener *l = &g->listeners[i];
		int fd = ports_take(h->crew->conf.ports, h->worker.index, i);

		h->listeners[i] = listen_open(&h->worker, l, fd, l->front->accept);
		if (h->listeners[i] == NULL) {
			close(fd);
			return false;
		}
	}
	return true;
}

static void close_listeners(struct hand *h)
{
	for (uint32_t i = 0; h->listeners != NULL && i < h->crew->conf.gateway->n_listeners; i++)
		listen_close(&h->listeners[i]);
}

/* Each is asked once: those that stay are on the list again. */
static void drain_fronts(struct worker *w, bool now)
{
	struct list todo;

	list_init(&todo);
	while (!list_empty(&w->fronts)) {
		struct list *l = w->fronts.next;

		list_remove(l);
		list_push_back(&todo, l);
	}
	while (!list_empty(&todo)) {
		struct front_link *f = CONTAINER_OF(todo.next, struct front_link, link);

		list_remove(&f->link);
		list_push_back(&w->fronts, &f->link);
		f->drain(f, now);
	}
}

static bool is_through(const struct worker *w)
{
	return list_empty(&w->fronts) && exchange_pool_live(w->exchanges) == 0;
}

static void abort_fronts(struct hand *h)
{
	h->aborting = true;
	h->stop_at_ms = loop_now_ms(h->worker.loop) + ABORT_MS;
	if (!list_empty(&h->worker.fronts))
		log_event(LOG_WARN, "drain-aborted", "worker %u: %u connections are cut off",
			(unsigned)h->worker.index, (unsigned)h->worker.n_fronts);
	drain_fronts(&h->worker, true);
}

static void on_look(struct loop_timer *t)
{
	struct hand *h = CONTAINER_OF(t, struct hand, look);
	uint64_t now = loop_now_ms(h->worker.loop);

	if (is_through(&h->worker) || (h->aborting && now >= h->stop_at_ms)) {
		loop_stop(h->worker.loop);
		return;
	}
	if (!h->aborting && now >= h->abort_at_ms)
		abort_fronts(h);
	loop_timer_set(&h->look, LOOK_MS);
}

static void begin_drain(struct hand *h, uint64_t limit_ms)
{
	if (h->abort_at_ms != 0)
		return;
	h->abort_at_ms = loop_now_ms(h->worker.loop) + limit_ms + 1;
	close_listeners(h);
	h->worker.draining = true;
	drain_fronts(&h->worker, false);
	exchange_pool_drain(h->worker.exchanges);
	loop_timer_set(&h->look, is_through(&h->worker) ? 0 : LOOK_MS);
}

static void on_drain(struct loop *l, struct loop_mail *m)
{
	struct hand *h = CONTAINER_OF(m, struct hand, drain);

	(void)l;
	begin_drain(h, h->crew->conf.gateway->drain_ms);
}

static void on_abort(struct loop *l, struct loop_mail *m)
{
	struct hand *h = CONTAINER_OF(m, struct hand, abort);

	(void)l;
	begin_drain(h, 0);
	if (!h->aborting)
		abort_fronts(h);
}

/* In the reverse order of building. What backends close goes at the end of a turn, so there is
 * one more. */
static void tear_down(struct hand *h)
{
	struct worker *w = &h->worker;

	close_listeners(h);
	free(h->listeners);
	h->listeners = NULL;
	loop_timer_fini(&h->look);
	backend_worker_free(w, &w->backends);
	loop_stop(w->loop);
	loop_run(w->loop);
	resolver_free(&w->resolver);
	if (w->exchanges != NULL && exchange_pool_live(w->exchanges) > 0)
		log_event(LOG_ERROR, "drain-incomplete", "worker %u: %zu exchanges did not end",
			(unsigned)w->index, exchange_pool_live(w->exchanges));
	else
		exchange_pool_free(&w->exchanges);
	host_memo_free(&w->hosts);
	access_log_free(&w->access);
	if (w->tls != NULL)
		w->gateway->tls->worker_free(&w->tls);
	buf_pool_free(&w->bufs);
}

static void *hand_main(void *arg)
{
	struct hand *h = arg;
	struct loop *to = h->crew->conf.main;

	h->ok = build(h) && listen_all(h);
	if (!h->ok)
		log_event(LOG_ERROR, "start-failed", "worker %u: out of memory or descriptors",
			(unsigned)h->worker.index);
	loop_post(to, &h->ready);
	if (h->ok)
		loop_run(h->worker.loop);
	tear_down(h);
	loop_post(to, &h->gone);
	return NULL;
}

/* ---- in the main thread ---- */

static void on_ready(struct loop *l, struct loop_mail *m)
{
	struct hand *h = CONTAINER_OF(m, struct hand, ready);

	(void)l;
	h->crew->conf.on_ready(h->crew->conf.arg, h->ok);
}

static void on_gone(struct loop *l, struct loop_mail *m)
{
	struct hand *h = CONTAINER_OF(m, struct hand, gone);

	(void)l;
	h->crew->conf.on_gone(h->crew->conf.arg);
}

static bool hand_init(struct hand *h, struct crew *c, uint32_t index)
{
	h->crew = c;
	h->worker.index = index;
	h->worker.gateway = c->conf.gateway;
	if (c->conf.counts != NULL)
		h->worker.counts = &c->conf.counts->at[index];
	list_init(&h->worker.fronts);
	list_init(&h->worker.handshakes);
	h->drain.fn = on_drain;
	h->abort.fn = on_abort;
	h->ready.fn = on_ready;
	h->gone.fn = on_gone;
	h->worker.loop = loop_new();
	if (h->worker.loop == NULL)
		return false;
	loop_timer_init(&h->look, h->worker.loop, on_look);
	return true;
}

/* Signals are the main thread's: workers start with all of them blocked. */
static void start_threads(struct crew *c)
{
	sigset_t all, before;

	sigfillset(&all);
	CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	for (uint32_t i = 0; i < c->n; i++) {
		struct hand *h = &c->hands[i];
		int rc = pthread_create(&h->thread, NULL, hand_main, h);

		h->runs = rc == 0;
		if (rc != 0) {
			log_event(LOG_ERROR, "start-failed", "worker %u: %s", (unsigned)i, strerror(rc));
			loop_post(c->conf.main, &h->ready);
			loop_post(c->conf.main, &h->gone);
		}
	}
	CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
}

struct crew *crew_start(const struct crew_conf *conf)
{
	struct crew *c = calloc(1, sizeof(*c) + conf->n_workers * sizeof(c->hands[0]));
	bool ok = c != NULL;

	if (c != NULL) {
		c->conf = *conf;
		c->n = conf->n_workers;
	}
	for (uint32_t i = 0; ok && i < c->n; i++)
		ok = hand_init(&c->hands[i], c, i);
	if (!ok) {
		log_event(LOG_ERROR, "start-failed", "out of memory or descriptors");
		crew_free(&c);
		return NULL;
	}
	start_threads(c);
	return c;
}

static void post_all(struct crew *c, size_t mail_at)
{
	for (uint32_t i = 0; i < c->n; i++) {
		if (c->hands[i].runs)
			loop_post(c->hands[i].worker.loop,
				(struct loop_mail *)(void *)((char *)&c->hands[i] + mail_at));
	}
}

void crew_drain(struct crew *c)
{
	if (c->draining)
		return;
	c->draining = true;
	post_all(c, offsetof(struct hand, drain));
}

void crew_abort(struct crew *c)
{
	if (c->aborting)
		return;
	c->aborting = true;
	post_all(c, offsetof(struct hand, abort));
}

void crew_free(struct crew **crew)
{
	struct crew *c = *crew;

	if (c == NULL)
		return;
	*crew = NULL;
	for (uint32_t i = 0; i < c->n; i++) {
		if (c->hands[i].runs)
			CHECK(pthread_join(c->hands[i].thread, NULL) == 0);
		loop_free(&c->hands[i].worker.loop);
	}
	free(c);
}
