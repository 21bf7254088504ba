/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The connections that a server may have, over all workers (limits.connections), and who waits for one. Internal to backend/.
 *
 * Each connection is a slot, of which all workers together have as many as the limit says. One that becomes free goes to whoever waits:
 * at the own worker first, but after some exchanges to the next worker that waits, so that nobody starves. What goes to another worker is
 * granted to it, and never free in between. */
#pragma once

#include "backend/dispatch.h"
#include "loop/loop.h"

#define WORKERS_MAX 256      /* the most that the config language allows */
#define SLOT_TURNS 8         /* exchanges that begin on a worker's connections before another worker that waits has its turn, */
#define SLOT_TURN_MS 5      /* and as many more as begin in that time: a connection is not given up for each few of those that take no time */

/* A worker as the others see it: where to ask it to give up idle connections that count against a limit. */
struct port {
	struct backend *all;         /* that worker's; touched in its thread only; NULL: gone */
	_Atomic(struct loop *) loop; /* NULL: gone */
	struct loop_mail ask;
	atomic_bool asked;           /* the mail is on its way */
};

struct backend_shared {
	const struct toron_gateway *gateway;
	struct server_shared **servers; /* [n_backends][n_servers] */
	atomic_uint n_ports;
	struct port ports[WORKERS_MAX];
};

/* Somebody waits at another worker. */
bool slot_others_wait(const struct server *s);
/* They had to wait for long enough: nothing more begins on our connections. */
bool slot_must_yield(const struct server *s);
/* An exchange begins on a connection of ours. */
void slot_spend_turn(struct server *s);
/* Another worker gave up a slot for us. */
bool slot_is_granted(const struct server *s);
/* Promises d a slot, in d->slot. False: there are as many connections as there may be. */
bool slot_take(struct dispatch *d, struct server *s);
/* A connection is gone, or was not made after all. */
void slot_give(struct server *s);
/* Passes on what others gave up for us, unless somebody here waits for it. */
void slot_pass_on(struct server *s);
/* False: too many wait. */
bool slot_join_queue(struct dispatch *d, struct server *s);
void slot_leave_queue(struct dispatch *d);
/* Gives the first that waits its chance, on the next turn of the loop. */
void slot_serve_waiting(struct server *s);
/* All other workers look into on_asked (backend.c). */
void slot_ask_others(struct backend *b);
