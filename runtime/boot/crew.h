/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The worker threads: made, told to drain, waited for. Called by toron_main from the main thread, which has a loop of its own; workers
 * report to it by mail.
 *
 *   crew_start --> each worker: build, listen, on_ready(ok) --> runs
 *   crew_drain --> each worker: accepts what is queued, closes its listeners, ends its connections as they fall idle --> on_gone
 *   the drain limit or crew_abort --> what is still in flight is aborted --> on_gone */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "backend/backend.h"
#include "boot/ports.h"

struct crew;

struct crew_conf {
	const struct toron_gateway *gateway;
	struct loop *main;               /* borrowed */
	struct ports *ports;             /* borrowed until all workers have reported */
	struct backend_shared *shared;   /* borrowed */
	struct tls *tls;                 /* borrowed; NULL: no TLS anywhere */
	struct count_table *counts;      /* borrowed; NULL: nothing is counted */
	int access_fd;                   /* borrowed; -1: no access log */
	uint32_t n_workers;
	/* Both are called on the main loop. */
	void (*on_ready)(void *arg, bool ok);
	void (*on_gone)(void *arg);
	void *arg;
};

/* NULL: out of memory or descriptors (logged). A worker whose thread cannot be started reports
 * ready with ok false, and gone. */
struct crew *crew_start(const struct crew_conf *conf);
void crew_drain(struct crew *c);
void crew_abort(struct crew *c);
/* Waits for the threads; all have reported gone. */
void crew_free(struct crew **c);
