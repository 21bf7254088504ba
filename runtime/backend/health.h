/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Active health checks: one worker asks each server of a backend from time to time whether it is fit, and leaves out for all workers those
 * that are not. A probe has a connection of its own, so that neither the pool nor its limits tell anything of the server.
 *
 *   idle --timer--> [resolve] --> asks, by its kind --probe_end, time limit--> counted at the end of the turn --> idle
 *                       ^----------- no connection, and the name has another address ----/
 *
 * All belongs to that worker's thread. A kind names these functions, and a backend the kind: without health checks none is linked. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "backend/backend.h"
#include "http/exchange.h"
#include "net/addr.h"
#include "net/conn.h"
#include "net/resolver.h"

/* What is known of a server. Begins zeroed: nothing, and it is taken for healthy; the first probe alone then decides. */
struct health_count {
	bool is_known, is_unhealthy;
	uint32_t in_a_row; /* probes that contradict */
};
/* Takes in one probe. True: the server has become healthy or unhealthy. */
bool health_count(struct health_count *c, const struct toron_health *conf, bool is_good);

enum probe_verdict {
	PROBE_ASKS,      /* none so far */
	PROBE_GOOD,
	PROBE_BAD,
	PROBE_UNREACHED, /* bad, unless the server has another address */
	PROBE_VOID,      /* the gateway could not ask: nothing is known of the server */
};

struct probe;
/* What is asked over an exchange: `fill` makes the request (false: out of memory), `judge` calls probe_end when the answer is there. */
struct probe_question {
	bool (*fill)(struct probe *p, struct exchange *x);
	void (*judge)(struct probe *p, const struct exchange *x);
};

#define PROBE_ANSWER_MOST 512u /* bytes of an answer that are kept */

struct probe {
	unsigned magic;
#define PROBE_MAGIC 0x7d20b19eu
	struct server *server;      /* borrowed */
	struct loop_timer timer;    /* idle: the next probe; else its time limit */
	struct loop_task task;      /* counts what has ended */
	struct resolver_query query;
	uint32_t addr, n_addrs;     /* which of the server's addresses is asked */
	uint64_t begun_ms;
	bool is_begun;
	enum probe_verdict verdict;
	char reason[96];
	struct health_count count;
	/* the kinds' */
	struct conn conn;           /* tcp */
	bool has_conn;
	struct back_conn *back;     /* http, grpc; NULL: none */
	const struct probe_question *question;
	struct exchange *x;         /* its front is: */
	struct leg front;
	uint64_t n_taken;           /* bytes of the answer, of which the first: */
	uint32_t n_answer;
	uint8_t answer[PROBE_ANSWER_MOST];
};

struct toron_health_kind {
	/* For a backend of this worker: the first probes begin with the loop. NULL: out of memory. */
	struct health *(*start)(struct backend *b);
	/* What is under way is given up. */
	void (*stop)(struct health **h);
	/* Asks the server at an address; the end is told by probe_end. */
	void (*ask)(struct probe *p, const struct addr *to);
	/* Whatever is under way ends, as does what has ended. */
	void (*drop)(struct probe *p);
};

struct health *health_start(struct backend *b);
void health_stop(struct health **h);

static inline const struct toron_health *probe_conf(const struct probe *p)
{
	return p->server->backend->conf->health;
}
/* The first call counts; the reason (why it is not good) is printf'ed. What ask has begun is dropped later, not in this call. */
void probe_end(struct probe *p, enum probe_verdict verdict, const char *reason, ...) __attribute__((format(printf, 3, 4)));
/* Asks over an exchange. */
void probe_ask_exchange(struct probe *p, const struct addr *to, const struct probe_question *q);
void probe_drop_exchange(struct probe *p);
