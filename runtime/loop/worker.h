/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One worker thread: its loop and what the layers above keep per worker. boot/ makes it; each pointer belongs to the layer that
 * is named behind it, which alone knows the struct. Nothing of a worker is touched from another thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "loop/loop.h"

struct toron_gateway;

/* What requests of one worker mostly have in common; http/semantics.c alone uses it. */
struct semantics_memo {
	uint64_t date_s;                 /* the second that `date` tells; 0: none yet */
	char date[29];
};

struct worker {
	uint32_t index;
	bool draining;                   /* keep-alive ends, idle connections are closed */
	struct loop *loop;
	const struct toron_gateway *gateway;
	struct buf_pool *bufs;           /* net/buf.h */
	struct resolver *resolver;       /* net/resolver.h */
	struct exchange_pool *exchanges; /* http/exchange.h */
	struct host_memo *hosts;         /* http/host_memo.h; NULL: nothing is remembered of hosts */
	struct backend *backends;        /* backend/backend.h: [gateway->n_backends] */
	struct tls_worker *tls;          /* tls/engine.h; NULL: no TLS anywhere */
	struct counts *counts;           /* loop/count.h; NULL: nothing is counted */
	struct access_log *access;       /* observe/access_log.h; NULL: off */
	struct h2_pool *h2;              /* codec/h2/memory.h; NULL: no session at present */
	struct list fronts;              /* open front connections (struct front_link of codec/front.h), for draining */
	uint32_t n_fronts;
	struct semantics_memo memo;
	struct list handshakes;          /* of them, those that codec/handshake.c has; the oldest first */
	uint32_t n_handshakes;
};
