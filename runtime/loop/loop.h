/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One event loop a worker thread, over libev (epoll forced). The only folder that includes ev.h: watchers are embedded in their
 * owners as opaque storage.
 *
 * Everything here belongs to the loop's thread, but loop_post and loop_stop, which any thread may call. The clock is read once a
 * turn. Watchers are level-triggered; changing what an io wants costs a system call at the next turn, so owners leave
 * LOOP_READ on for life and add LOOP_WRITE only after ERR_AGAIN. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct loop;

struct loop *loop_new(void); /* NULL: out of memory or descriptors */
void loop_free(struct loop **l);
/* Until loop_stop. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* Monotonic, of this turn. It stands at a loop's beginning, because it is read often. */
struct loop_clock {
	uint64_t now_us, now_ms;
};
static inline uint64_t loop_now_us(const struct loop *l)
{
	return ((const struct loop_clock *)(const void *)l)->now_us;
}
static inline uint64_t loop_now_ms(const struct loop *l)
{
	return ((const struct loop_clock *)(const void *)l)->now_ms;
}
uint64_t loop_wall_us(struct loop *l);       /* since the epoch, of this turn (read lazily, once a turn) */

enum loop_ready { LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop_io;
typedef void loop_io_fn(struct loop_io *io, unsigned ready);
struct loop_io {
	_Alignas(8) char ev[64]; /* an ev_io */
	struct loop *loop;
	loop_io_fn *fn;
	unsigned wanted;         /* events */
};
void loop_io_init(struct loop_io *io, struct loop *l, int fd, loop_io_fn *fn);
/* The events to be told of from now on (0: none). Cheap when nothing changes. */
void loop_io_want(struct loop_io *io, unsigned events);
static inline unsigned loop_io_wanted(const struct loop_io *io)
{
	return io->wanted;
}
/* Takes back `events` that this turn has found and not told yet; those that there were. */
unsigned loop_io_take(struct loop_io *io, unsigned events);

/* A deadline. Setting it later again only stores the new deadline; the timer underneath is re-armed when it fires too early,
 * so that pushing an idle limit on every read costs a store. In a turn, what has come is told before deadlines that have passed. */
struct loop_timer;
typedef void loop_timer_fn(struct loop_timer *t);
struct loop_timer {
	_Alignas(8) char ev[56]; /* an ev_timer */
	uint64_t armed_ms;       /* when that one fires; LOOP_NEVER: it does not */
	struct loop *loop;
	uint64_t deadline_ms;    /* 0: not set */
	loop_timer_fn *fn;
};
#define LOOP_NEVER UINT64_MAX
void loop_timer_init(struct loop_timer *t, struct loop *l, loop_timer_fn *fn);
/* For the next one alone: the timer underneath is to fire at the deadline. */
void loop_timer_arm(struct loop_timer *t);
/* Fires once, `ms` from now (this turn's clock). */
static inline void loop_timer_set(struct loop_timer *t, uint64_t ms)
{
	/* Beyond some centuries there is only "never"; a clock of 0 must not read as "not set". */
	uint64_t at = ms > LOOP_NEVER / 4 ? LOOP_NEVER / 4 : loop_now_ms(t->loop) + ms;

	t->deadline_ms = at == 0 ? 1 : at;
	if (t->armed_ms > t->deadline_ms)
		loop_timer_arm(t);
}
/* Will not fire; cheap, the timer underneath may stay armed. */
static inline void loop_timer_clear(struct loop_timer *t)
{
	t->deadline_ms = 0;
}
/* Before the owner is freed. */
void loop_timer_fini(struct loop_timer *t);

/* Work for the end of this turn, before the loop sleeps: freeing what a callback must not free, coalesced writes. A task that is
 * queued already stays queued once. A task may queue tasks; they run in the same turn's end. */
struct loop_task;
typedef void loop_task_fn(struct loop_task *t);
struct loop_task {
	struct list link;
	loop_task_fn *fn;
};
void loop_task_init(struct loop_task *t, loop_task_fn *fn);
void loop_defer(struct loop *l, struct loop_task *t);
/* Work for the beginning of the next turn, which then does not sleep: what would keep others waiting if it went on now. A task is
 * queued in one place at a time; loop_task_cancel takes it out of either. */
void loop_later(struct loop *l, struct loop_task *t);
void loop_task_cancel(struct loop_task *t);

/* A message to another thread's loop; `fn` runs there. The poster gives the mail away. */
struct loop_mail {
	struct loop_mail *next;
	void (*fn)(struct loop *l, struct loop_mail *m);
};
void loop_post(struct loop *l, struct loop_mail *m);

/* A signal, told to one loop of the process. */
struct loop_signal {
	_Alignas(8) char ev[72];
	struct loop *loop;
	void (*fn)(struct loop_signal *s, int number);
};
void loop_signal_start(struct loop_signal *s, struct loop *l, int number, void (*fn)(struct loop_signal *, int));
void loop_signal_stop(struct loop_signal *s);
