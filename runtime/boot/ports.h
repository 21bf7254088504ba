/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The listening sockets of the whole process: one a worker and listener, all bound before any
 * worker runs and before privileges are dropped, so that a port in use is told with its config
 * line and nothing has begun yet. */
#pragma once

#include <stdint.h>

#include "base/str.h"
#include "net/addr.h"
#include "toron/gateway.h"

struct ports {
	const struct toron_gateway *gateway;
	uint32_t n_workers;
	int *fds;            /* owned; [worker * n_listeners + listener]; -1: taken */
	struct addr *addrs;  /* owned; [listener]: what it is bound to, port 0 resolved */
};

/* False: a listener could not be bound (logged, nothing is left open), or out of memory. */
bool ports_open(struct ports *p, const struct toron_gateway *g, uint32_t n_workers);
/* Closes what was not taken. */
void ports_close(struct ports *p);
/* The descriptor now belongs to the caller. */
int ports_take(struct ports *p, uint32_t worker, uint32_t listener);
/* "web [::]:443, http-80 [::]:80" */
void ports_describe(const struct ports *p, struct sbuf *out);
