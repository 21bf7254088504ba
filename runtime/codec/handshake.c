/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The front of a listener with TLS: accepts, shakes hands within a time limit, and hands over to the codec that was agreed on. */
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "codec/front.h"
#include "loop/count.h"
#include "tls/engine.h"
#include "tls/info.h"
#include "tls/server.h"

#define HANDSHAKES_MOST 1000u /* where the config does not say */
#define PATIENCE_MS 1000u     /* so long a handshake has its place for sure; later it makes room if others want it */

struct handshake {
	unsigned magic;
#define HANDSHAKE_MAGIC 0x3a9d51e7u
	const struct toron_listener *listener;
	struct conn conn;
	struct front_link link;
	struct list order;     /* in worker->handshakes */
	uint64_t begun_ms;
	struct loop_task task; /* frees it at the end of the turn */
};

static struct handshake *handshake_of(struct conn *c)
{
	struct handshake *h = CONTAINER_OF(c, struct handshake, conn);

	CHECK_MAGIC(h, HANDSHAKE_MAGIC);
	return h;
}

static void on_free(struct loop_task *t)
{
	struct handshake *h = CONTAINER_OF(t, struct handshake, task);

	CHECK_MAGIC(h, HANDSHAKE_MAGIC);
	h->magic = 0;
	free(h);
}

/* Leaves the worker's lists; the connection has gone, or has another owner. */
static void leave(struct handshake *h)
{
	struct worker *w = h->conn.worker;

	list_remove(&h->link.link);
	list_remove(&h->order);
	w->n_fronts--;
	w->n_handshakes--;
	loop_defer(w->loop, &h->task);
}

static void give_up(struct handshake *h)
{
	atomic_fetch_sub_explicit(h->listener->open, 1, memory_order_relaxed);
	leave(h);
	conn_close(&h->conn);
}

static void on_connected(struct conn *c, int err)
{
	struct handshake *h = handshake_of(c);
	const struct toron_listener *l = h->listener;
	const struct toron_front *next = l->http1 != NULL ? l->http1 : l->http2;

	if (err != 0) {
		count_listener(c->worker, l, COUNT_UNSHAKEN + COUNT_UNSHAKEN_FAILED);
		give_up(h);
		return;
	}
	count_listener(c->worker, l, COUNT_HANDSHAKES + (str_eq(c->tls->version, STR("TLSv1.3")) ? COUNT_TLS_1_3 : COUNT_TLS_1_2));
	if (l->http2 != NULL && str_eq(conn_protocol(c), STR("h2")))
		next = l->http2;
	leave(h);
	conn_deadline(c, 0);
	next->take(c->worker, l, c, NULL, 0, 0);
	conn_close(c);
}

static void on_timeout(struct conn *c)
{
	struct handshake *h = handshake_of(c);

	log_event(LOG_DEBUG, "tls-handshake-timeout", "%s: listener %s: a client did not shake hands in time", h->listener->origin,
		h->listener->name);
	count_listener(c->worker, h->listener, COUNT_UNSHAKEN + COUNT_UNSHAKEN_TIMEOUT);
	give_up(h);
}

/* Before the handshake is through nobody reads or writes. */
static void on_nothing(struct conn *c)
{
	(void)c;
}

static const struct conn_user user = {
	.connected = on_connected,
	.readable = on_nothing,
	.writable = on_nothing,
	.timeout = on_timeout,
};

/* A request is on its way behind a handshake that has begun: it has its time limit to come. */
static void on_drain(struct front_link *link, bool now)
{
	struct handshake *h = CONTAINER_OF(link, struct handshake, link);

	CHECK_MAGIC(h, HANDSHAKE_MAGIC);
	if (now)
		give_up(h);
}

/* The oldest of too many gives way: who begins handshakes and never goes on cannot keep others out. */
static bool make_room(struct worker *w)
{
	struct handshake *oldest;

	if (list_empty(&w->handshakes))
		return false;
	oldest = CONTAINER_OF(w->handshakes.next, struct handshake, order);
	CHECK_MAGIC(oldest, HANDSHAKE_MAGIC);
	if (loop_now_ms(w->loop) - oldest->begun_ms < PATIENCE_MS)
		return false;
	count_listener(w, oldest->listener, COUNT_UNSHAKEN + COUNT_UNSHAKEN_EVICTED);
	give_up(oldest);
	return true;
}

static bool has_room(struct worker *w, const struct toron_listener *l)
{
	uint32_t most = l->tls->handshakes != 0 ? l->tls->handshakes : HANDSHAKES_MOST;
	bool made;

	if (w->n_handshakes < most)
		return true;
	made = make_room(w);
	if (!made)
		count_listener(w, l, COUNT_REFUSED + COUNT_REFUSED_HANDSHAKES);
	log_event(LOG_WARN, "handshake-limit", "%s: listener %s: %u handshakes are under way; %s", l->tls->origin, l->name, (unsigned)most,
		made ? "the oldest was given up" : "a client was turned away");
	return made;
}

static void on_accept(struct worker *w, const struct toron_listener *l, int fd, const struct addr *peer)
{
	struct handshake *h = NULL;

	if (has_room(w, l) && front_admit(w, l)) {
		h = calloc(1, sizeof(*h));
		if (h == NULL)
			atomic_fetch_sub_explicit(l->open, 1, memory_order_relaxed);
	}
	if (h == NULL) {
		close(fd);
		return;
	}
	h->magic = HANDSHAKE_MAGIC;
	h->listener = l;
	h->link.drain = on_drain;
	loop_task_init(&h->task, on_free);
	h->begun_ms = loop_now_ms(w->loop);
	list_push_back(&w->fronts, &h->link.link);
	list_push_back(&w->handshakes, &h->order);
	w->n_fronts++;
	w->n_handshakes++;
	conn_init(&h->conn, w, fd, peer, &user);
	h->conn.wire = count_wire_of_listener(w, l);
	if (tls_server_secure(&h->conn, l) != 0) {
		give_up(h);
		return;
	}
	conn_deadline(&h->conn, l->tls->handshake_ms);
}

const struct toron_front toron_front_tls = {
	.name = "tls",
	.accept = on_accept,
};
