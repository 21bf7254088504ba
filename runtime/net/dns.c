/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "net/dns.h"

/* Newer releases frown upon calls that 1.18 has no other for. */
#define CARES_NO_DEPRECATED
#include <ares.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/check.h"
#include "base/err.h"
#include "base/log.h"

/* The second and third try wait twice and four times as long. */
#define DNS_TIMEOUT_MS 1500
#define DNS_TRIES 3
#define DNS_SOCKETS 32

struct dns_socket {
	int fd; /* -1: free */
	struct dns *dns;
	struct loop_io io;
};

struct dns {
	struct loop *loop;
	ares_channel channel;   /* owned */
	struct loop_timer timer;
	bool closing;
	struct dns_socket sockets[DNS_SOCKETS];
};

struct question {
	struct dns *dns;
	dns_answer_fn *fn;
	void *arg;
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static void init_library(void)
{
	CHECK(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS);
}

static void set_timer(struct dns *d)
{
	struct timeval room;
	const struct timeval *t = ares_timeout(d->channel, NULL, &room);

	if (t == NULL)
		loop_timer_clear(&d->timer);
	else
		loop_timer_set(&d->timer, (uint64_t)t->tv_sec * 1000u + (uint64_t)t->tv_usec / 1000u + 1);
}

static void on_timer(struct loop_timer *t)
{
	struct dns *d = CONTAINER_OF(t, struct dns, timer);

	ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timer(d);
}

static void on_io(struct loop_io *io, unsigned ready)
{
	struct dns_socket *s = CONTAINER_OF(io, struct dns_socket, io);
	struct dns *d = s->dns;
	int fd = s->fd;

	ares_process_fd(d->channel, ready & LOOP_READ ? fd : ARES_SOCKET_BAD,
		ready & LOOP_WRITE ? fd : ARES_SOCKET_BAD);
	set_timer(d);
}

static struct dns_socket *socket_of(struct dns *d, int fd)
{
	for (size_t i = 0; i < DNS_SOCKETS; i++) {
		if (d->sockets[i].fd == fd)
			return &d->sockets[i];
	}
	return NULL;
}

/* c-ares tells what it wants to know of a socket; nothing at all means that it is about to close
 * it. */
static void on_socket(void *data, ares_socket_t fd, int readable, int writable)
{
	struct dns *d = data;
	struct dns_socket *s = socket_of(d, fd);
	unsigned want = (readable ? LOOP_READ : 0u) | (writable ? LOOP_WRITE : 0u);

	if (s == NULL && want != 0) {
		s = socket_of(d, -1);
		if (s == NULL) {
			/* Its questions time out, or are answered by another server. */
			log_event(LOG_WARN, "dns-sockets", "too many name servers");
			return;
		}
		s->fd = fd;
		loop_io_init(&s->io, d->loop, fd, on_io);
	}
	if (s == NULL)
		return;
	loop_io_want(&s->io, want);
	if (want == 0)
		s->fd = -1;
}

static bool init_channel(struct dns *d)
{
	char lookups[] = "b"; /* the hosts file is ours */
	struct ares_options o = {
		.flags = ARES_FLAG_NOALIASES,
		.timeout = DNS_TIMEOUT_MS,
		.tries = DNS_TRIES,
		.lookups = lookups,
		.sock_state_cb = on_socket,
		.sock_state_cb_data = d,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
		   ARES_OPT_SOCK_STATE_CB;

#ifdef ARES_OPT_QUERY_CACHE
	/* Newer releases have a cache of their own; one is enough. */
	mask |= ARES_OPT_QUERY_CACHE;
#endif
	return ares_init_options(&d->channel, &o, mask) == ARES_SUCCESS;
}

struct dns *dns_new(struct loop *l, const char *servers)
{
	struct dns *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	CHECK(pthread_once(&library_once, init_library) == 0);
	d->loop = l;
	for (size_t i = 0; i < DNS_SOCKETS; i++)
		d->sockets[i] = (struct dns_socket){ .fd = -1, .dns = d };
	if (!init_channel(d)) {
		free(d);
		return NULL;
	}
	loop_timer_init(&d->timer, l, on_timer);
	if (servers != NULL && ares_set_servers_ports_csv(d->channel, servers) != ARES_SUCCESS)
		dns_free(&d);
	return d;
}

void dns_free(struct dns **d)
{
	if (*d == NULL)
		return;
	(*d)->closing = true;
	ares_destroy((*d)->channel);
	for (size_t i = 0; i < DNS_SOCKETS; i++)
		CHECK((*d)->sockets[i].fd < 0);
	loop_timer_fini(&(*d)->timer);
	free(*d);
	*d = NULL;
}

static int err_of_ares(int status)
{
	switch (status) {
	case ARES_SUCCESS: return 0;
	case ARES_ENODATA: case ARES_ENOTFOUND: case ARES_ENONAME: return ERR_NOT_FOUND;
	case ARES_ETIMEOUT: return ERR_TIMEOUT;
	case ARES_ECONNREFUSED: return ERR_UNREACHABLE;
	case ARES_ENOMEM: return ERR_NO_MEMORY;
	case ARES_EBADNAME: return ERR_INVALID;
	case ARES_EFORMERR: case ARES_EBADRESP: return ERR_PROTOCOL;
	default: return ERR_SYSTEM;
	}
}

static void take_addrs(const struct ares_addrinfo *res, struct dns_answer *a)
{
	const struct ares_addrinfo_node *node;
	const struct ares_addrinfo_cname *alias;
	int ttl = INT32_MAX;

	for (node = res->nodes; node != NULL && a->n < DNS_MAX_ADDRS; node = node->ai_next) {
		if (node->ai_family != AF_INET && node->ai_family != AF_INET6)
			continue;
		addr_from_sockaddr(node->ai_addr, &a->addrs[a->n++]);
		ttl = node->ai_ttl < ttl ? node->ai_ttl : ttl;
	}
	for (alias = res->cnames; alias != NULL; alias = alias->next)
		ttl = alias->ttl < ttl ? alias->ttl : ttl;
	a->ttl_s = ttl > 0 ? (uint32_t)ttl : 0;
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *res)
{
	struct question *q = arg;
	struct dns_answer a = { .err = err_of_ares(status) };

	(void)timeouts;
	if (a.err == 0 && res != NULL)
		take_addrs(res, &a);
	if (a.err == 0 && a.n == 0)
		a.err = ERR_NOT_FOUND;
	ares_freeaddrinfo(res);
	if (!q->dns->closing)
		q->fn(q->arg, &a);
	free(q);
}

void dns_ask(struct dns *d, const char *name, dns_answer_fn *fn, void *arg)
{
	const struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct question *q = malloc(sizeof(*q));

	if (q == NULL) {
		const struct dns_answer a = { .err = ERR_NO_MEMORY };

		fn(arg, &a);
		return;
	}
	*q = (struct question){ .dns = d, .fn = fn, .arg = arg };
	ares_getaddrinfo(d->channel, name, NULL, &hints, on_answer, q);
	set_timer(d);
}
