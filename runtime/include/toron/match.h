/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Routing tables: what toronc emits and route/ walks. One interface for both matcher emitters (re2c code, DFA table).
 *
 * Routes stand in one array in the order in which they win, so a route's index is its rank. A router serves the listeners that
 * share one set of routes. A host leads to a list of groups (of the exact host, of wildcards, of any host), the one with the best rank
 * first; a group's matcher turns the normalised path into a list of candidates, which are tried in rank order. A later group is asked
 * only while it could still hold a better rank than what was found. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "toron/capture.h"
#include "toron/exchange.h"

/* The number of the list of candidates (or of the host list) that takes the bytes; 0: none. */
typedef uint32_t toron_matcher(const char *ptr, size_t len);
/* Checks one pattern alone; used where re2c's first match leaves an overlap open. */
typedef bool toron_pattern(const char *ptr, size_t len);

/* Stands behind the last candidate of a list. */
#define TORON_NO_ROUTE UINT32_MAX
/* All that a search looks at, so that it touches no route but the one that it finds. */
struct toron_candidate {
	uint32_t route;              /* rank */
	uint32_t methods;            /* bits of enum toron_method, HEAD wherever GET is */
	toron_pattern *also;         /* must hold too; NULL: the matcher has already proved it */
	bool (*when)(const struct exchange *x); /* headers, query, cookies, scheme, source; NULL: nothing to check */
	const uint8_t *params;       /* [route's n_params]: segment number (0 is the first), 255: not in this form */
};
struct toron_group {
	const char *origin;                /* the host patterns, for people */
	toron_matcher *match;
	const uint32_t *lists;             /* by the number that match returns: where its list begins; [0]: an empty one */
	const struct toron_candidate *candidates;
	uint32_t best;                     /* the lowest rank in it */
};
struct toron_router {
	toron_matcher *host;               /* lower-case host to host list; NULL: only list 0 */
	const uint16_t *const *host_lists; /* group numbers, ascending by best, ended by 0xffff; [0]: hosts that no pattern names */
	const struct toron_group *groups;
};

struct toron_action;
struct toron_errors;
struct toron_retry;
struct toron_websocket;
struct toron_chain {
	/* Runs the request phase from middleware `from` on; tells how many were entered through toron_chain_at(). */
	enum toron_verdict (*request)(struct exchange *x, unsigned from);
	/* Runs the response phase of the first `entered` middlewares, last one first. NULL: none has one. */
	void (*response)(struct exchange *x, unsigned entered);
	const char *const *names;
	uint32_t n;
};
/* Called by generated chains before each middleware: number `i` is being entered. */
void toron_chain_at(struct exchange *x, unsigned i);

/* What a backend is sent in place of the path and the host that were asked for. */
struct toron_rewrite {
	struct str strip_prefix, prefix;  /* normalised, no trailing slash; len 0: none */
	struct toron_template path, host; /* n 0: none; a path may bring its own query */
	const struct toron_capture *regex; /* NULL: none; a path that it takes becomes `to`, another one stays */
	struct toron_template to;
};

struct toron_route {
	const char *name, *origin;
	uint32_t methods;                  /* as configured, for people: bits of enum toron_method; 0: any */
	const struct toron_chain *chain;   /* NULL: none */
	void (*action)(struct exchange *x, const void *conf);
	const void *conf;                  /* of the action */
	uint32_t n_params;
	uint32_t total_ms, first_byte_ms;  /* 0: none, the backend's */
	const struct toron_errors *errors; /* NULL: the gateway's */
	const struct toron_retry *retry;   /* NULL: the backend's */
	const struct toron_rewrite *rewrite; /* NULL: none */
	const struct toron_websocket *websocket; /* NULL: the backend's */
	uint64_t body_bytes;               /* of a request; 0: the listener's limit alone */
	uint32_t number;                   /* of the name: forms of one route share it; what metrics are counted by */
};
