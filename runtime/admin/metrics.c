/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The action that tells all metrics. The text is written as the client takes it, a buffer in each turn of the loop, so that a
 * gateway of many routes neither keeps it whole nor keeps others waiting. */
#include "admin/token.h"
#include "base/check.h"
#include "base/str.h"
#include "http/answer.h"
#include "loop/count.h"
#include "net/buf.h"
#include "observe/exposition.h"

#define IN_FLIGHT (64u << 10) /* bytes that wait for the client */
#define WANT (BUF_LARGE / 2)  /* a large buffer */

struct telling {
	unsigned magic;
#define TELLING_MAGIC 0x3d7710c9u
	struct leg leg;
	struct loop_task task; /* fills, outside of the front's calls */
	struct exposition at;
	bool has_started;
};

static struct telling *telling_of(struct leg *leg)
{
	struct telling *t = CONTAINER_OF(leg, struct telling, leg);

	CHECK_MAGIC(t, TELLING_MAGIC);
	return t;
}

/* The next buffer. */
static enum fault fill(struct telling *t)
{
	struct exchange *x = t->leg.x;
	struct body *to = exchange_body_in(x, MSG_RESPONSE);
	size_t n = 0, piece = 1, room = body_room(to);
	struct buf *b;

	if (to->end || room < EXPOSITION_PIECE_MOST)
		return FAULT_NONE;
	b = buf_acquire(x->worker->bufs, WANT);
	if (b == NULL)
		return FAULT_NO_MEMORY;
	if (room > b->cap)
		room = b->cap;
	while (piece != 0 && room - n >= EXPOSITION_PIECE_MOST) {
		piece = exposition_next(&t->at, b->bytes + n);
		n += piece;
	}
	if (n != 0)
		body_append(to, b->bytes, n, b);
	buf_release(&b);
	if (piece == 0)
		exchange_end(x, &t->leg);
	return FAULT_NONE;
}

static void on_task(struct loop_task *task)
{
	struct telling *t = CONTAINER_OF(task, struct telling, task);
	enum fault fault;

	CHECK_MAGIC(t, TELLING_MAGIC);
	fault = fill(t);
	if (fault != FAULT_NONE)
		exchange_fault(t->leg.x, &t->leg, fault);
	else
		exchange_more(t->leg.x, &t->leg);
}

static void telling_head(struct leg *leg, const struct msg *m)
{
	(void)leg;
	(void)m;
}

/* Also while the front is in the middle of its writing. */
static void telling_room(struct leg *leg)
{
	struct telling *t = telling_of(leg);

	if (!t->has_started) {
		t->has_started = true;
		if (fill(t) == FAULT_NONE)
			return;
	}
	if (!exchange_body_in(leg->x, MSG_RESPONSE)->end)
		loop_later(leg->x->worker->loop, &t->task);
}

static void telling_reset(struct leg *leg, enum fault fault)
{
	(void)fault;
	loop_task_cancel(&telling_of(leg)->task);
	leg->x = NULL;
}

static const struct leg_ops telling_ops = {
	.name = "metrics",
	.head = telling_head,
	.more = answer_drop_request,
	.room = telling_room,
	.reset = telling_reset,
};

void toron_action_metrics(struct exchange *x, const void *conf)
{
	static const struct toron_header no_store = { .name = STR_INIT("cache-control"), .value = STR_INIT("no-store") };
	struct telling *t;

	if (!admin_admit(x, conf))
		return;
	t = toron_alloc(x, sizeof(*t));
	if (t == NULL || x->worker->counts == NULL) {
		toron_respond_error(x, 503, NULL, 0);
		return;
	}
	toron_respond(x, 200, STR(EXPOSITION_TYPE), STR(""), &no_store, 1);
	x->response.length = -1;
	if (x->response.bodiless)
		return;
	*t = (struct telling){ .magic = TELLING_MAGIC };
	t->leg.ops = &telling_ops;
	loop_task_init(&t->task, on_task);
	exposition_begin(&t->at, x->worker->counts->table);
	body_init(&x->response.body, IN_FLIGHT);
	answer_attach(x, &t->leg);
}
