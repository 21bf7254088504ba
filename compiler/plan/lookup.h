/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The plan as an interpreter: which route takes a request, by the same automata and in the same
 * order as the gateway. Used by proofs, `explain`, tests in the config, and by the tests that
 * hold emitted code to it. */
#pragma once

#include "plan/plan.h"

struct lookup_field {
	struct str name, value; /* the name in lower case */
};
/* A request as the gateway sees it after normalisation. */
struct lookup_request {
	uint32_t listener;
	struct str method, scheme;
	struct str host;                    /* lower case, no port, no trailing dot */
	struct str path;                    /* normalised */
	struct str query;                   /* ptr NULL: none */
	const struct lookup_field *headers; /* cookies are in the cookie header */
	uint32_t n_headers;
	const struct lookup_field *clients; /* of the client's certificate: subject, san, spiffe, fingerprint; none: it showed none */
	uint32_t n_clients;
	struct str sni;     /* lower case; ptr NULL: none */
	uint8_t source[16]; /* IPv4 as ::ffff:0:0/96 */
};
struct lookup_result {
	uint32_t entry; /* the winner's rank, or PLAN_NONE */
	uint32_t allow; /* no winner: the methods that would have been taken; 0: a plain 404 */
};

struct lookup_result lookup_route(
	const struct plan *p, struct arena *scratch, const struct lookup_request *r);

/* The bit of a method: one of enum toron_method or of the plan's extra methods. */
uint32_t lookup_method_bit(const struct plan *p, struct str method);
/* Whether a header field (lower case) concerns one connection, so that no route ever sees it. */
bool lookup_is_hop_by_hop(struct str header);
/* Whether the predicates besides host, path and method hold. */
bool lookup_when(
	struct arena *scratch, const struct plan_when *w, const struct lookup_request *r);
/* The router's list for a host. */
uint32_t lookup_list(const struct plan_router *router, struct str host);
/* The value of the i-th path parameter of the entry's route; STR_NONE if this path form has
 * none. */
struct str lookup_param(
	const struct plan *p, const struct plan_entry *e, struct str path, uint32_t i);
