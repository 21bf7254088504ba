/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The stage on which fuzz_exchange.c, fuzz_h2.c and the unit tests of tests/stage play: a loop and a worker, clients and servers at the other ends of socket pairs, and
 * time that passes when it is told to. For programs that are linked with
 * -Wl,--wrap=socket,--wrap=connect,--wrap=getsockopt,--wrap=clock_gettime,--wrap=epoll_wait. */
#pragma once

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "backend/backend.h"
#include "base/check.h"
#include "codec/front.h"
#include "http/exchange.h"
#include "net/buf.h"
#include "toron/gateway.h"

#define CLIENTS 4
#define SERVERS 8
#define TURNS_MOST 4000 /* until everything is quiet */

int __wrap_socket(int domain, int type, int protocol);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len);
int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __wrap_clock_gettime(clockid_t id, struct timespec *out);
int __real_epoll_wait(int fd, struct epoll_event *events, int n, int timeout);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int n, int timeout);

/* ---- what the program itself sees to ---- */

/* What the gateway has sent is read, by all peers. */
static void play_read(void);
/* The gateway connects to `to`, where servers[slot] is. */
static void play_connects(int slot, const struct sockaddr *to);

/* What the script plays on. */
static struct {
	struct worker worker;
	struct loop_mail stop;
	int clients[CLIENTS], servers[SERVERS]; /* -1: none */
	unsigned n_servers;
	uint64_t now_ms;
	int connect_mode, events; /* events: that the last turn was told of */
	bool refusing[1024];      /* by descriptor: connecting fails later */
	int slot[1024];           /* by descriptor: which of servers it is connected with */
	bool reading, batching;
} play;

/* ---- the system, as far as it is ours ---- */

int __wrap_socket(int domain, int type, int protocol)
{
	int pair[2];

	(void)domain;
	(void)protocol;
	if (socketpair(AF_UNIX, type, 0, pair) != 0)
		return -1;
	int slot = (int)(play.n_servers++ % SERVERS);

	if (play.servers[slot] >= 0)
		close(play.servers[slot]);
	play.servers[slot] = pair[1];
	CHECK(pair[0] < (int)ARRAY_LEN(play.refusing));
	play.slot[pair[0]] = slot;
	play.refusing[pair[0]] = play.connect_mode == 2;
	return pair[0];
}

int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len)
{
	(void)len;
	play_connects(play.slot[fd], to);
	errno = play.connect_mode == 1 ? ECONNREFUSED : EINPROGRESS;
	return -1;
}

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	int rc = __real_getsockopt(fd, level, name, value, len);

	if (rc == 0 && level == SOL_SOCKET && name == SO_ERROR && play.refusing[fd])
		*(int *)value = ECONNREFUSED;
	return rc;
}

int __wrap_clock_gettime(clockid_t id, struct timespec *out)
{
	uint64_t base = id == CLOCK_REALTIME ? 1000000000u : 1000u;

	out->tv_sec = (time_t)(base + play.now_ms / 1000);
	out->tv_nsec = (long)(play.now_ms % 1000 * 1000000);
	return 0;
}

int __wrap_epoll_wait(int fd, struct epoll_event *events, int n, int timeout)
{
	(void)timeout;
	play.events = __real_epoll_wait(fd, events, n, 0);
	return play.events;
}

/* ---- turns ---- */

static void on_stop(struct loop *l, struct loop_mail *m)
{
	(void)m;
	loop_stop(l);
}

/* Everything that waits; the number of bytes. */
static size_t read_all(int fd)
{
	static char into[65536];
	size_t total = 0;
	ssize_t n;

	while (fd >= 0 && (n = recv(fd, into, sizeof(into), MSG_DONTWAIT)) > 0)
		total += (size_t)n;
	return total;
}

static void turn(void)
{
	loop_post(play.worker.loop, &play.stop);
	loop_run(play.worker.loop);
	if (play.reading)
		play_read();
}

/* Turns until the loop is told of nothing but the letter that stops it: whatever goes on being told is a busy loop. */
static void settle(void)
{
	for (int i = 0, quiet = 0; quiet < 2; i++) {
		CHECK(i < TURNS_MOST);
		turn();
		quiet = play.events <= 1 ? quiet + 1 : 0;
	}
}

static void drain(bool now)
{
	struct list todo;

	list_init(&todo);
	play.worker.draining = true;
	while (!list_empty(&play.worker.fronts)) {
		struct list *l = play.worker.fronts.next;

		list_remove(l);
		list_push_back(&todo, l);
	}
	while (!list_empty(&todo)) {
		struct front_link *f = CONTAINER_OF(todo.next, struct front_link, link);

		list_remove(&f->link);
		list_push_back(&play.worker.fronts, &f->link);
		f->drain(f, now);
	}
	exchange_pool_drain(play.worker.exchanges);
}

static inline void transmit(int fd, struct str s)
{
	/* What does not fit is lost; a peer may stop at any place. */
	if (fd >= 0 && send(fd, s.ptr, s.len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return;
}

static void hang_up(int *fd, bool reads)
{
	if (*fd < 0)
		return;
	if (reads)
		read_all(*fd);
	close(*fd);
	*fd = -1;
}

static inline void pass_time(unsigned k)
{
	uint64_t ms = 1;

	while (k-- > 0 && ms < 100000)
		ms *= 10;
	play.now_ms += ms;
}

/* In place of route_find: a path's first letter names the route, and the last one takes the rest. */
static inline bool play_route(struct exchange *x, uint32_t *allow_out)
{
	const struct toron_gateway *g = x->worker->gateway;

	*allow_out = 0;
	x->route = &g->routes[g->n_routes - 1];
	for (uint32_t i = 0; i < g->n_routes; i++)
		if (x->path.len > 1 && x->path.ptr[1] == g->routes[i].name[0])
			x->route = &g->routes[i];
	return true;
}

/* ---- one run ---- */

static void begin(const struct toron_gateway *g, unsigned budget_kib, struct backend_shared *shared)
{
	struct worker *w = &play.worker;

	memset(&play, 0, sizeof(play));
	memset(play.clients, -1, sizeof(play.clients));
	memset(play.servers, -1, sizeof(play.servers));
	play.stop.fn = on_stop;
	play.reading = true;
	w->gateway = g;
	w->loop = loop_new();
	list_init(&w->fronts);
	w->bufs = buf_pool_new(w->loop, (size_t)budget_kib << 10);
	w->exchanges = exchange_pool_new(w);
	w->backends = backend_worker_new(w, shared);
	CHECK(w->loop != NULL && w->bufs != NULL && w->exchanges != NULL && w->backends != NULL);
}

static void check_backend(const struct backend *b)
{
	for (uint32_t i = 0; i < b->conf->n_servers; i++) {
		const struct server *s = &b->servers[i];

		CHECK(list_empty(&s->roomy) && s->n_idle == 0 && s->n_open == 0);
		CHECK(list_empty(&s->waiting) && s->n_waiting == 0);
		CHECK(s->shared->connections == 0 && s->shared->exchanges == 0 && s->shared->waiting == 0);
	}
}

/* Everybody hangs up: then all connections and exchanges end, by themselves or by their time limits. */
static void end(void)
{
	struct worker *w = &play.worker;

	settle();
	for (int i = 0; i < CLIENTS; i++)
		hang_up(&play.clients[i], true);
	for (int i = 0; i < SERVERS; i++)
		hang_up(&play.servers[i], true);
	settle();
	for (int i = 0; i < 30; i++) {
		play.now_ms += 1000;
		settle();
	}
	for (int i = 0; i < SERVERS; i++)
		hang_up(&play.servers[i], true);
	settle();
	CHECK(list_empty(&w->fronts) && w->n_fronts == 0);
	CHECK(exchange_pool_live(w->exchanges) == 0);
	for (uint32_t i = 0; i < w->gateway->n_backends; i++)
		check_backend(&w->backends[i]);
	backend_worker_free(w, &w->backends);
	turn();
	CHECK(buf_pool_lent(w->bufs) == 0);
	exchange_pool_free(&w->exchanges);
	buf_pool_free(&w->bufs);
	loop_free(&w->loop);
}
