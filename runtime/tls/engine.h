/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How the rest of the runtime reaches TLS: through the table that the gateway names, so that one without TLS is not linked with GnuTLS.
 *
 * A struct tls is the process's: certificates and all else that is read from files. The main thread makes it, looks after the files, and
 * ends it after the workers. A struct tls_worker is one worker's, a struct tls_target one server's within a worker. */
#pragma once

#include <stdbool.h>

#include "loop/worker.h"
#include "net/conn.h"
#include "toron/gateway.h"

struct counts;
struct tls;
struct tls_worker;
struct tls_target;

struct toron_tls_engine {
	/* Reads everything, before privileges are dropped. NULL: something is wrong (all of it logged). */
	struct tls *(*start)(const struct toron_gateway *g);
	void (*stop)(struct tls **t);
	/* Loads what has changed on disk; what is bad is refused, and what was there stays. To be called about once a second;
	 * `counts` are the calling thread's, or NULL. */
	void (*look)(struct tls *t, const struct counts *counts);
	/* NULL: out of memory. */
	struct tls_worker *(*worker_new)(struct worker *w, struct tls *t);
	void (*worker_free)(struct tls_worker **w);
	/* NULL: out of memory. */
	struct tls_target *(*target_new)(struct worker *w, const struct toron_tls_client *conf, const struct toron_server *server);
	void (*target_free)(struct tls_target **t);
	/* Puts the client's side of TLS on a connection that is open or connecting (conn_secure). 0, or ERR_* and nothing has changed. */
	int (*target_secure)(struct tls_target *t, struct conn *c);
};
