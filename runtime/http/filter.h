/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Bodies that change on their way: a filter stands between the leg that receives a message and the leg that sends it on, and owns a
 * bounded queue of its own.
 *
 *   producer --appends--> first filter's `in` --run--> next filter's `in` --run--> the message's body --> consumer
 *
 * Back-pressure goes through: a filter takes only what the next queue has room for, and the producer sees the first filter's queue as the
 * body (exchange_body_in). Filters run in the order in which they were added; the exchange runs them when bytes come, when the
 * consumer has made room, and when filter_wake asks. Middlewares add filters: to the request in their request phase, to the response
 * in their response phase; for a tunnel, to both when it begins. All calls belong to the worker's thread. */
#pragma once

#include "base/fault.h"
#include "http/body.h"
#include "http/msg.h"
#include "loop/loop.h"

struct exchange;
struct filter;

struct filter_ops {
	const char *name;
	/* Takes what it can of f->in and appends to `to` within body_room. When f->in is spent and all that follows from it is out, it sets
	 * to->end; it may change the message's trailers until then. After to->end it appends nothing, but takes what comes, lest the
	 * producer waits for room. A fault ends the exchange. Must not call the exchange. */
	enum fault (*run)(struct filter *f, struct body *to);
	/* The exchange is over, or goes on without filters; NULL: nothing to give back. */
	void (*close)(struct filter *f);
};

/* Embedded in the state of whoever adds it, which lives in the exchange's arena. */
struct filter {
	const struct filter_ops *ops;
	struct exchange *x;
	struct msg *msg;     /* whose body it is: x->request or x->response */
	struct body in;
	struct filter *next; /* towards the consumer */
};

/* One direction of an exchange. */
struct filter_chain {
	struct filter *first; /* NULL: none */
	struct loop_task task;
};

/* Puts f, whose ops are set, at the consumer's end. Nothing of the message's body may have been sent; what it holds goes through f. */
void filter_add(struct exchange *x, enum msg_kind kind, struct filter *f);
/* Runs the direction's filters at the end of this turn. */
void filter_wake(struct filter *f);

/* ---- for exchange.c ---- */
/* Until nothing moves any more. */
enum fault filters_run(struct exchange *x, enum msg_kind kind);
/* Drops the filters with all that they hold. If the producer had ended, the message's body has. */
void filters_close(struct exchange *x, enum msg_kind kind);
/* What the chains' tasks call: in exchange.c. */
void exchange_filters_due(struct exchange *x, enum msg_kind kind);

/* ---- for filters that make bytes: a buffer that is filled bit by bit ---- */
struct filter_out {
	struct buf *buf; /* counted; NULL: none */
	uint32_t at;
};
/* Where up to *room_out bytes for `to` can be written; at least `least`. NULL: `to` has no room now, or (*fault_out) no memory. */
char *filter_reserve(struct filter *f, struct filter_out *o, const struct body *to, size_t least, size_t *room_out,
	enum fault *fault_out);
/* Appends n of these bytes. */
void filter_commit(struct filter_out *o, struct body *to, size_t n);
/* Gives the buffer back when nothing in it is under way; `now`: in any case. */
void filter_out_rest(struct filter_out *o, bool now);
