/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a worker keeps for all its TLS connections: above all, how much of a turn goes into handshakes, one of which costs as much as many
 * requests. Internal to tls/. */
#pragma once

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "loop/worker.h"

struct tls;

struct tls_worker {
	struct worker *worker;   /* borrowed */
	struct tls *tls;         /* borrowed */
	gnutls_anti_replay_t early; /* what GnuTLS asks for where early data is taken; owned; NULL: it is nowhere */
	uint64_t shaken_us;      /* in this turn */
	struct loop_task turn_end;
	uint64_t log_second;     /* and how many lines it has had */
	uint32_t n_logged;
	uint64_t n_unlogged;     /* lines that were left out since */
};

/* Functions of struct toron_tls_engine. */
struct tls_worker *tls_worker_new(struct worker *w, struct tls *t);
void tls_worker_free(struct tls_worker **w);

/* Whether a step of a handshake may be done in this turn. */
bool tls_worker_may_shake(const struct tls_worker *w);
/* It took that long. */
void tls_worker_shook(struct tls_worker *w, uint64_t us);
/* As log_event, for what strangers can cause as often as they like: some lines a second. */
void tls_worker_log(struct tls_worker *w, enum log_level level, const char *event, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
