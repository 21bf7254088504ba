/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "boot/ports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "net/listen.h"

static bool failed(const struct toron_listener *l, int system_errno)
{
	const char *advice = "";

	if (system_errno == EACCES && l->port < 1024)
		advice = " (ports below 1024 take root's rights or CAP_NET_BIND_SERVICE)";
	else if (system_errno == EADDRINUSE)
		advice = " (another process listens there)";
	else if (system_errno == EADDRNOTAVAIL)
		advice = " (this machine does not have that address)";
	log_event(LOG_ERROR, "listener-failed", "%s: listener %s: cannot listen on %s port %u: %s%s", l->origin,
		l->name, l->address != NULL ? l->address : "any address", (unsigned)l->port,
		strerror(system_errno), advice);
	return false;
}

/* Before the first is bound, as our own sockets may overlap each other. */
static bool probe_all(const struct toron_gateway *g)
{
	bool ok = true;

	for (uint32_t i = 0; i < g->n_listeners; i++) {
		if (g->listeners[i].port != 0 && listen_probe(&g->listeners[i]) < 0)
			ok = failed(&g->listeners[i], errno);
	}
	return ok;
}

static bool bound_to(int fd, struct addr *out)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t len = sizeof(sa);

	if (getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
		return false;
	addr_from_sockaddr((const struct sockaddr *)&sa, out);
	return true;
}

/* One listener for all workers; the first decides what port 0 means. */
static bool bind_one(struct ports *p, uint32_t listener)
{
	uint32_t n = p->gateway->n_listeners;
	struct toron_listener conf = p->gateway->listeners[listener];

	for (uint32_t w = 0; w < p->n_workers; w++) {
		int fd = listen_bind(&conf);

		if (fd < 0 || !bound_to(fd, &p->addrs[listener])) {
			int system_errno = errno;

			if (fd >= 0)
				close(fd);
			return failed(&p->gateway->listeners[listener], system_errno);
		}
		p->fds[w * n + listener] = fd;
		conf.port = p->addrs[listener].port;
	}
	return true;
}

bool ports_open(struct ports *p, const struct toron_gateway *g, uint32_t n_workers)
{
	size_t n_fds = (size_t)g->n_listeners * n_workers;
	bool ok = true;

	*p = (struct ports){ .gateway = g, .n_workers = n_workers };
	if (!probe_all(g))
		return false;
	p->fds = malloc((n_fds + 1) * sizeof(*p->fds));
	p->addrs = calloc(g->n_listeners + 1u, sizeof(*p->addrs));
	if (p->fds == NULL || p->addrs == NULL) {
		free(p->fds);
		free(p->addrs);
		*p = (struct ports){ 0 };
		log_event(LOG_ERROR, "start-failed", "out of memory");
		return false;
	}
	for (size_t i = 0; i < n_fds; i++)
		p->fds[i] = -1;
	for (uint32_t i = 0; ok && i < g->n_listeners; i++)
		ok = bind_one(p, i);
	if (!ok)
		ports_close(p);
	return ok;
}

void ports_close(struct ports *p)
{
	size_t n_fds = p->fds == NULL ? 0 : (size_t)p->gateway->n_listeners * p->n_workers;

	for (size_t i = 0; i < n_fds; i++) {
		if (p->fds[i] >= 0)
			close(p->fds[i]);
	}
	free(p->fds);
	free(p->addrs);
	*p = (struct ports){ 0 };
}

int ports_take(struct ports *p, uint32_t worker, uint32_t listener)
{
	int *at = &p->fds[worker * p->gateway->n_listeners + listener], fd = *at;

	*at = -1;
	return fd;
}

void ports_describe(const struct ports *p, struct sbuf *out)
{
	for (uint32_t i = 0; i < p->gateway->n_listeners; i++) {
		char text[ADDR_TEXT_MAX];
		size_t len = addr_format(&p->addrs[i], text);

		sbuf_printf(out, "%s%s %.*s", i > 0 ? ", " : "", p->gateway->listeners[i].name, (int)len,
			text);
	}
}
