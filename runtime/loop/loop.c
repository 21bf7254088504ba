/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "loop/loop.h"

#include <ev.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"

struct loop {
	struct loop_clock clock; /* first */
	struct ev_loop *ev; /* owned */
	uint64_t wall_us;   /* 0: not read in this turn */
	struct list tasks, later;
	ev_timer next_turn; /* set while `later` holds something: it ends the sleep at once */
	ev_prepare turn_end;
	ev_check turn_begin;
	ev_async wake;
	_Atomic(struct loop_mail *) mail; /* newest first */
	atomic_bool stop;
};

_Static_assert(sizeof(ev_io) <= sizeof(((struct loop_io *)0)->ev), "ev_io outgrew loop_io");
_Static_assert(sizeof(ev_timer) <= sizeof(((struct loop_timer *)0)->ev),
	"ev_timer outgrew loop_timer");
_Static_assert(sizeof(ev_signal) <= sizeof(((struct loop_signal *)0)->ev),
	"ev_signal outgrew loop_signal");
_Static_assert((int)LOOP_READ == (int)EV_READ && (int)LOOP_WRITE == (int)EV_WRITE,
	"the event bits are libev's");

static void read_clock(struct loop *l)
{
	l->clock.now_us = clock_monotonic_us();
	l->clock.now_ms = l->clock.now_us / 1000u;
	l->wall_us = 0;
}

/* Tasks may queue tasks: each runs once its turn in the list comes. */
static void run_list(struct list *tasks)
{
	while (!list_empty(tasks)) {
		struct loop_task *t = CONTAINER_OF(tasks->next, struct loop_task, link);

		list_remove(&t->link);
		t->fn(t);
	}
}

static void run_tasks(struct loop *l)
{
	run_list(&l->tasks);
}

/* What they put off again waits for one more turn. */
static void on_next_turn(struct ev_loop *ev, ev_timer *w, int events)
{
	struct loop *l = w->data;
	struct list now;

	(void)ev;
	(void)events;
	list_init(&now);
	while (!list_empty(&l->later)) {
		struct list *one = l->later.next;

		list_remove(one);
		list_push_back(&now, one);
	}
	run_list(&now);
}

static void run_mail(struct loop *l)
{
	struct loop_mail *m = atomic_exchange_explicit(&l->mail, NULL, memory_order_acquire);
	struct loop_mail *in_order = NULL;

	while (m != NULL) {
		struct loop_mail *older = m->next;

		m->next = in_order;
		in_order = m;
		m = older;
	}
	while (in_order != NULL) {
		m = in_order;
		in_order = m->next;
		m->fn(l, m);
	}
}

/* libev invokes check watchers before the callbacks of what it polled, and prepare watchers
 * after all callbacks and before it hands changed descriptors to the kernel and sleeps: the two
 * ends of a turn. */
static void on_turn_begin(struct ev_loop *ev, ev_check *w, int events)
{
	(void)ev;
	(void)events;
	read_clock(w->data);
}

static void on_turn_end(struct ev_loop *ev, ev_prepare *w, int events)
{
	(void)ev;
	(void)events;
	run_tasks(w->data);
}

static void on_wake(struct ev_loop *ev, ev_async *w, int events)
{
	struct loop *l = w->data;

	(void)events;
	run_mail(l);
	if (atomic_load_explicit(&l->stop, memory_order_acquire))
		ev_break(ev, EVBREAK_ALL);
}

struct loop *loop_new(void)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
	if (l->ev == NULL) {
		free(l);
		return NULL;
	}
	list_init(&l->tasks);
	list_init(&l->later);
	ev_timer_init(&l->next_turn, on_next_turn, 0.0, 0.0);
	ev_check_init(&l->turn_begin, on_turn_begin);
	ev_set_priority(&l->turn_begin, EV_MAXPRI);
	ev_prepare_init(&l->turn_end, on_turn_end);
	ev_async_init(&l->wake, on_wake);
	l->turn_begin.data = l->turn_end.data = l->wake.data = l->next_turn.data = l;
	ev_check_start(l->ev, &l->turn_begin);
	ev_prepare_start(l->ev, &l->turn_end);
	ev_async_start(l->ev, &l->wake);
	read_clock(l);
	return l;
}

void loop_free(struct loop **l)
{
	if (*l == NULL)
		return;
	ev_async_stop((*l)->ev, &(*l)->wake);
	ev_timer_stop((*l)->ev, &(*l)->next_turn);
	ev_prepare_stop((*l)->ev, &(*l)->turn_end);
	ev_check_stop((*l)->ev, &(*l)->turn_begin);
	ev_loop_destroy((*l)->ev);
	free(*l);
	*l = NULL;
}

void loop_run(struct loop *l)
{
	ev_now_update(l->ev);
	read_clock(l);
	if (!atomic_load_explicit(&l->stop, memory_order_acquire))
		ev_run(l->ev, 0);
	/* The turn that stopped has an end too. */
	run_mail(l);
	run_tasks(l);
	atomic_store_explicit(&l->stop, false, memory_order_release);
}

void loop_stop(struct loop *l)
{
	atomic_store_explicit(&l->stop, true, memory_order_release);
	ev_async_send(l->ev, &l->wake);
}

uint64_t loop_wall_us(struct loop *l)
{
	if (l->wall_us == 0)
		l->wall_us = clock_wall_us();
	return l->wall_us;
}

static ev_io *io_storage(const struct loop_io *io)
{
	return (ev_io *)(void *)(uintptr_t)io->ev;
}

static void on_io(struct ev_loop *ev, ev_io *w, int events)
{
	struct loop_io *io = w->data;

	(void)ev;
	/* EV_ERROR: libev could not watch the descriptor; the owner finds out by trying. */
	if (events & EV_ERROR)
		events |= w->events;
	io->fn(io, (unsigned)events & (LOOP_READ | LOOP_WRITE));
}

void loop_io_init(struct loop_io *io, struct loop *l, int fd, loop_io_fn *fn)
{
	ev_io *w = io_storage(io);

	ev_io_init(w, on_io, fd, 0);
	w->data = io;
	io->loop = l;
	io->fn = fn;
	io->wanted = 0;
}

void loop_io_want(struct loop_io *io, unsigned events)
{
	ev_io *w = io_storage(io);
	int pending;

	if (io->wanted == events)
		return;
	io->wanted = events;
	/* An event that waits to be told in this turn survives the change. libev compares what a
	 * descriptor wanted with what it wants once, before it sleeps, so that changes back and
	 * forth cost no call. */
	pending = ev_clear_pending(io->loop->ev, w);
	ev_io_stop(io->loop->ev, w);
	ev_io_modify(w, (int)events);
	if (events == 0)
		return;
	ev_io_start(io->loop->ev, w);
	pending &= (int)events;
	if (pending != 0)
		ev_feed_event(io->loop->ev, w, pending);
}

unsigned loop_io_take(struct loop_io *io, unsigned events)
{
	ev_io *w = io_storage(io);
	int pending;

	if (!ev_is_pending(w))
		return 0;
	pending = ev_clear_pending(io->loop->ev, w);
	if (pending & ~(int)events)
		ev_feed_event(io->loop->ev, w, pending & ~(int)events);
	return (unsigned)pending & events;
}

static ev_timer *timer_storage(struct loop_timer *t)
{
	return (ev_timer *)(void *)t->ev;
}

/* One millisecond more than asked, because both clocks are cut to whole ones: a timer never
 * fires early. */
void loop_timer_arm(struct loop_timer *t)
{
	ev_timer *w = timer_storage(t);
	uint64_t now = loop_now_ms(t->loop);
	uint64_t ms = t->deadline_ms > now ? t->deadline_ms - now + 1 : 0;

	ev_timer_stop(t->loop->ev, w);
	ev_timer_set(w, (double)ms / 1000.0, 0.0);
	ev_timer_start(t->loop->ev, w);
	t->armed_ms = t->deadline_ms;
}

static void on_timer(struct ev_loop *ev, ev_timer *w, int events)
{
	struct loop_timer *t = w->data;

	(void)ev;
	(void)events;
	t->armed_ms = LOOP_NEVER;
	if (t->deadline_ms == 0)
		return;
	if (t->deadline_ms > loop_now_ms(t->loop)) {
		loop_timer_arm(t);
		return;
	}
	t->deadline_ms = 0;
	t->fn(t);
}

void loop_timer_init(struct loop_timer *t, struct loop *l, loop_timer_fn *fn)
{
	ev_timer *w = timer_storage(t);

	ev_timer_init(w, on_timer, 0.0, 0.0);
	/* When the process had to wait for the processor, what has come in the meantime is seen before its time limit. */
	ev_set_priority(w, EV_MINPRI);
	w->data = t;
	t->armed_ms = LOOP_NEVER;
	t->loop = l;
	t->deadline_ms = 0;
	t->fn = fn;
}

void loop_timer_fini(struct loop_timer *t)
{
	t->deadline_ms = 0;
	t->armed_ms = LOOP_NEVER;
	ev_timer_stop(t->loop->ev, timer_storage(t));
}

void loop_task_init(struct loop_task *t, loop_task_fn *fn)
{
	list_init(&t->link);
	t->fn = fn;
}

void loop_defer(struct loop *l, struct loop_task *t)
{
	if (list_empty(&t->link))
		list_push_back(&l->tasks, &t->link);
}

void loop_later(struct loop *l, struct loop_task *t)
{
	if (!list_empty(&t->link))
		return;
	list_push_back(&l->later, &t->link);
	/* Its time is the loop's last one: a turn that has not slept since then finds it due as well. */
	if (!ev_is_active(&l->next_turn))
		ev_timer_start(l->ev, &l->next_turn);
}

void loop_task_cancel(struct loop_task *t)
{
	list_remove(&t->link);
}

void loop_post(struct loop *l, struct loop_mail *m)
{
	struct loop_mail *head = atomic_load_explicit(&l->mail, memory_order_relaxed);

	do
		m->next = head;
	while (!atomic_compare_exchange_weak_explicit(&l->mail, &head, m, memory_order_release,
		memory_order_relaxed));
	/* Who finds the box empty rings; the loop empties it whole. */
	if (head == NULL)
		ev_async_send(l->ev, &l->wake);
}

static ev_signal *signal_storage(struct loop_signal *s)
{
	return (ev_signal *)(void *)s->ev;
}

static void on_signal(struct ev_loop *ev, ev_signal *w, int events)
{
	struct loop_signal *s = w->data;

	(void)ev;
	(void)events;
	s->fn(s, w->signum);
}

void loop_signal_start(struct loop_signal *s, struct loop *l, int number,
	void (*fn)(struct loop_signal *, int))
{
	ev_signal *w = signal_storage(s);

	ev_signal_init(w, on_signal, number);
	w->data = s;
	s->loop = l;
	s->fn = fn;
	ev_signal_start(l->ev, w);
}

void loop_signal_stop(struct loop_signal *s)
{
	ev_signal_stop(s->loop->ev, signal_storage(s));
}
