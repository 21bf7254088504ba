/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Probes that only connect: a server that takes the connection is fit. */
#include "backend/health.h"

#include "base/err.h"

static struct probe *of_conn(struct conn *c)
{
	struct probe *p = CONTAINER_OF(c, struct probe, conn);

	CHECK_MAGIC(p, PROBE_MAGIC);
	return p;
}

static void on_connected(struct conn *c, int err)
{
	if (err != 0)
		probe_end(of_conn(c), PROBE_UNREACHED, "%s: %s", fault_info(FAULT_CONNECT)->text, err_text(err));
	else
		probe_end(of_conn(c), PROBE_GOOD, "connected");
}

/* It is closed before the turn ends. */
static void on_ready(struct conn *c)
{
	(void)c;
}

static const struct conn_user user = {
	.connected = on_connected,
	.readable = on_ready,
	.writable = on_ready,
	.timeout = on_ready, /* the probe has a limit of its own */
};

static void ask(struct probe *p, const struct addr *to)
{
	int err = conn_connect(&p->conn, p->server->backend->worker, to, &user);

	p->has_conn = err == 0;
	if (err != 0)
		probe_end(p, err == ERR_NO_MEMORY ? PROBE_VOID : PROBE_UNREACHED, "%s", err_text(err));
}

static void drop(struct probe *p)
{
	if (p->has_conn)
		conn_close(&p->conn);
	p->has_conn = false;
}

const struct toron_health_kind toron_health_tcp = {
	.start = health_start,
	.stop = health_stop,
	.ask = ask,
	.drop = drop,
};
