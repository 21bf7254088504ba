/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "net/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "toron/gateway.h"

#define ACCEPT_MOST 64
#define ACCEPT_PAUSE_MS 100
#define BACKLOG 4096 /* the kernel cuts it to net.core.somaxconn */
#define COMPLAIN_EVERY_MS 10000

struct listen_socket {
	unsigned magic;
#define LISTEN_MAGIC 0x1d7a60b5u
	int fd;
	struct worker *worker;             /* borrowed */
	const struct toron_listener *conf; /* borrowed */
	listen_accept_fn *accept;
	struct loop_io io;
	struct loop_timer pause;
	uint64_t complained_ms;
	unsigned batch, fills;             /* see accept_some */
};

static int set_on(int fd, int level, int option)
{
	int on = 1;

	return setsockopt(fd, level, option, &on, sizeof(on));
}

/* A bound socket, or -1 and errno. */
static int bind_to(const struct addr *a, bool only_v6, bool shared)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(a, &sa);
	int v6_only = only_v6, failed;
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (set_on(fd, SOL_SOCKET, SO_REUSEADDR) == 0 &&
	    (!shared || set_on(fd, SOL_SOCKET, SO_REUSEPORT) == 0) &&
	    (a->is_v4 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(v6_only)) == 0) &&
	    bind(fd, (const struct sockaddr *)&sa, len) == 0)
		return fd;
	failed = errno;
	close(fd);
	errno = failed;
	return -1;
}

static int bind_conf(const struct toron_listener *conf, bool shared)
{
	struct addr a = { .port = conf->port };
	int fd;

	if (conf->address != NULL) {
		if (addr_parse(str_of(conf->address), conf->port, &a))
			return bind_to(&a, true, shared);
		errno = EINVAL;
		return -1;
	}
	fd = bind_to(&a, false, shared);
	if (fd >= 0 || (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL))
		return fd;
	/* No IPv6 here. */
	CHECK(addr_parse(STR("0.0.0.0"), conf->port, &a));
	return bind_to(&a, false, shared);
}

int listen_bind(const struct toron_listener *conf)
{
	int failed, fd = bind_conf(conf, true);

	/* Accepted sockets inherit TCP_NODELAY, which saves a call for each. */
	if (fd >= 0 && set_on(fd, IPPROTO_TCP, TCP_NODELAY) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	failed = errno;
	if (fd >= 0)
		close(fd);
	errno = failed;
	return err_of_errno(failed);
}

int listen_probe(const struct toron_listener *conf)
{
	int fd = bind_conf(conf, false);

	if (fd < 0)
		return err_of_errno(errno);
	close(fd);
	return 0;
}

static bool is_shortage(int system_errno)
{
	return system_errno == EMFILE || system_errno == ENFILE || system_errno == ENOMEM ||
	       system_errno == ENOBUFS;
}

static void out_of_descriptors(struct listen_socket *s, int system_errno)
{
	uint64_t now = loop_now_ms(s->worker->loop);

	if (s->complained_ms == 0 || now - s->complained_ms >= COMPLAIN_EVERY_MS) {
		s->complained_ms = now;
		log_event(LOG_WARN, "accept-failed", "listener %s: %s; waiting for others to close",
			s->conf->name, strerror(system_errno));
	}
	loop_io_want(&s->io, 0);
	loop_timer_set(&s->pause, ACCEPT_PAUSE_MS);
}

/* Accepts up to `most`; how many, or -errno when nothing (more) could be accepted. EAGAIN is the
 * usual one. */
static int accept_up_to(struct listen_socket *s, unsigned most)
{
	for (unsigned n = 0; n < most;) {
		struct sockaddr_storage sa;
		socklen_t len = sizeof(sa);
		struct addr peer;
		int fd = accept4(s->fd, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			addr_from_sockaddr((const struct sockaddr *)&sa, &peer);
			s->accept(s->worker, s->conf, fd, &peer);
			n++;
		} else if (errno == EAGAIN || is_shortage(errno)) {
			return -errno;
		} else if (errno != EINTR) {
			n++; /* a connection that died in the queue, or a network error that Linux passes on */
		}
	}
	return (int)most;
}

/* A call that finds the queue empty is wasted, and asking for one connection a wake-up never
 * makes it: the loop tells again while there are more. So the batch grows only when four in a
 * row were filled. */
static void accept_some(struct listen_socket *s)
{
	int n = accept_up_to(s, s->batch);

	if (n < 0) {
		s->fills = 0;
		s->batch = s->batch > 1 ? s->batch / 2 : 1;
		if (n != -EAGAIN)
			out_of_descriptors(s, -n);
	} else if (++s->fills >= 4 && s->batch < ACCEPT_MOST) {
		s->fills = 0;
		s->batch *= 2;
	}
}

static void on_io(struct loop_io *io, unsigned ready)
{
	struct listen_socket *s = CONTAINER_OF(io, struct listen_socket, io);

	(void)ready;
	CHECK_MAGIC(s, LISTEN_MAGIC);
	accept_some(s);
}

static void on_pause_over(struct loop_timer *t)
{
	struct listen_socket *s = CONTAINER_OF(t, struct listen_socket, pause);

	CHECK_MAGIC(s, LISTEN_MAGIC);
	loop_io_want(&s->io, LOOP_READ);
}

struct listen_socket *listen_open(struct worker *w, const struct toron_listener *conf, int fd,
	listen_accept_fn *accept)
{
	struct listen_socket *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->magic = LISTEN_MAGIC;
	s->fd = fd;
	s->worker = w;
	s->conf = conf;
	s->accept = accept;
	s->batch = 1;
	loop_io_init(&s->io, w->loop, fd, on_io);
	loop_timer_init(&s->pause, w->loop, on_pause_over);
	loop_io_want(&s->io, LOOP_READ);
	return s;
}

void listen_close(struct listen_socket **socket)
{
	struct listen_socket *s = *socket;

	if (s == NULL)
		return;
	*socket = NULL;
	/* The queue holds BACKLOG connections; one that never runs empty must not keep us. */
	accept_up_to(s, 2 * BACKLOG);
	loop_io_want(&s->io, 0);
	loop_timer_fini(&s->pause);
	close(s->fd);
	s->magic = 0;
	free(s);
}
