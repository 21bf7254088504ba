/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Back connections over TLS whose server chooses the version (ALPN): one that is still shaking hands carries one exchange, whose leg
 * stands in for the real one. When the choice is known the codec of that version takes over connection and exchange.
 *
 *   open --> handshake --h2--> toron_back_http2
 *                     \--http/1.1, or nothing--> toron_back_http1 */
#include <stdlib.h>

#include "base/clock.h"
#include "codec/back.h"
#include "net/conn.h"
#include "toron/gateway.h"

struct negotiation {
	unsigned magic;
#define NEGOTIATION_MAGIC 0x51c07e2bu
	struct back_conn back;
	struct conn conn;
	struct leg leg;
	struct loop_task task; /* frees it at the end of the turn */
	bool is_over;
};

static void on_free(struct loop_task *t)
{
	struct negotiation *n = CONTAINER_OF(t, struct negotiation, task);

	CHECK_MAGIC(n, NEGOTIATION_MAGIC);
	n->magic = 0;
	free(n);
}

static struct negotiation *of_conn(struct conn *c)
{
	struct negotiation *n = CONTAINER_OF(c, struct negotiation, conn);

	CHECK_MAGIC(n, NEGOTIATION_MAGIC);
	return n;
}

static void finish(struct negotiation *n)
{
	n->is_over = true;
	conn_close(&n->conn);
	loop_defer(n->conn.worker->loop, &n->task);
}

static void gone(struct negotiation *n)
{
	if (n->is_over)
		return;
	finish(n);
	n->back.user->gone(&n->back);
}

static void fail(struct negotiation *n, enum fault fault)
{
	struct exchange *x = n->leg.x;

	n->leg.x = NULL;
	gone(n);
	if (x != NULL)
		exchange_fault(x, &n->leg, fault);
}

/* ---- the stand-in: what is to be sent waits in the exchange ---- */

static void on_head(struct leg *leg, const struct msg *m)
{
	(void)leg;
	(void)m;
}

static void on_nothing(struct leg *leg)
{
	(void)leg;
}

static void on_reset(struct leg *leg, enum fault fault)
{
	(void)fault;
	leg->x = NULL;
	gone(CONTAINER_OF(leg, struct negotiation, leg));
}

static const struct leg_ops ops = { .name = "negotiation", .head = on_head, .more = on_nothing, .room = on_nothing, .reset = on_reset };

/* ---- the handshake ---- */

/* The exchange goes on where it would have begun. */
static void hand_over(struct negotiation *n, struct back_conn *to)
{
	struct exchange *x = n->leg.x;
	struct leg *leg;

	if (x == NULL)
		return;
	n->leg.x = NULL;
	leg = to->codec->leg(to, &n->back.limits);
	if (leg == NULL) {
		to->user->over(to);
		exchange_fault(x, &n->leg, FAULT_NO_MEMORY);
		return;
	}
	x->times.connected = clock_monotonic_us();
	exchange_change_back(x, leg);
}

static void on_connected(struct conn *c, int err)
{
	struct negotiation *n = of_conn(c);
	const struct toron_back *chosen = &toron_back_http1;
	struct back_conn *to;

	if (err != 0) {
		fail(n, back_connect_fault(err));
		return;
	}
	if (str_eq(conn_protocol(c), STR("h2")))
		chosen = &toron_back_http2;
	to = chosen->adopt(c, n->back.user, n->back.owner, &n->back.limits);
	if (to == NULL) {
		fail(n, FAULT_NO_MEMORY);
		return;
	}
	n->back.user->became(&n->back, to);
	finish(n);
	hand_over(n, to);
}

static void on_timeout(struct conn *c)
{
	fail(of_conn(c), FAULT_CONNECT_TIMEOUT);
}

/* Before the handshake is through nobody reads or writes. */
static void on_ready(struct conn *c)
{
	(void)c;
}

static const struct conn_user user = {
	.connected = on_connected,
	.readable = on_ready,
	.writable = on_ready,
	.timeout = on_timeout,
};

/* ---- what backend/ sees ---- */

static struct back_conn *on_open(struct worker *w, const struct addr *to, struct tls_target *tls, const struct back_user *back_user,
	void *owner, const struct back_limits *limits)
{
	struct negotiation *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->magic = NEGOTIATION_MAGIC;
	n->leg.ops = &ops;
	n->back.codec = &toron_back_auto;
	n->back.user = back_user;
	n->back.owner = owner;
	n->back.limits = *limits;
	n->back.capacity = 1;
	list_init(&n->back.link);
	list_init(&n->back.open);
	loop_task_init(&n->task, on_free);
	if (back_connect(&n->conn, w, to, tls, &user) != 0) {
		free(n);
		return NULL;
	}
	n->conn.wire = limits->wire;
	conn_deadline(&n->conn, limits->connect_ms);
	return &n->back;
}

static struct leg *on_leg(struct back_conn *b, const struct back_limits *limits)
{
	struct negotiation *n = CONTAINER_OF(b, struct negotiation, back);

	CHECK_MAGIC(n, NEGOTIATION_MAGIC);
	CHECK(n->leg.x == NULL && !n->is_over);
	b->limits = *limits;
	b->n_exchanges++;
	return &n->leg;
}

static void on_close(struct back_conn *b)
{
	struct negotiation *n = CONTAINER_OF(b, struct negotiation, back);

	CHECK_MAGIC(n, NEGOTIATION_MAGIC);
	CHECK(n->leg.x == NULL);
	gone(n);
}

const struct toron_back toron_back_auto = {
	.name = "auto",
	.may_refuse = true,
	.open = on_open,
	.leg = on_leg,
	.close = on_close,
};
