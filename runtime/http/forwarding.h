/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whom a request comes from, and how the next server learns it: X-Forwarded-*, X-Real-IP, Forwarded (RFC 7239) and Via, as the
 * listener's struct toron_forwarding says. Called by semantics.c around the stripping of a request's fields.
 *
 * The addresses of a list are read from the right, where the nearest proxy wrote, for as long as they are addresses. The client is the
 * first of them that is no trusted proxy, or the last one read. What stands left of something that is no address is neither believed nor
 * sent on. Nothing of an untrusted peer is. */
#pragma once

#include "http/exchange.h"

#define FORWARDING_MOST_HOPS 32 /* addresses that are read; what stands left of them is dropped */

/* What a trusted proxy says; strings are borrowed from its fields. */
struct forwarding {
	bool is_trusted;
	bool is_whole;                  /* all of a list was read */
	unsigned n_hops, client;        /* the client's place in hops[] */
	struct str scheme, host, port;  /* ptr NULL: not said, or not well-formed */
	struct str lines;               /* of Forwarded, joined, with a comma at the end; in the exchange's arena */
	struct addr hops[FORWARDING_MOST_HOPS]; /* right to left: the nearest first */
};

/* Reads the request's fields, before they are stripped; sets x->client and the scheme that the client used. False: no memory. */
bool forwarding_read(struct exchange *x, struct forwarding *out);
/* True for a field that does not go on as it came: it is sent anew by forwarding_write, or nobody is trusted to send it. */
bool forwarding_drops(const struct exchange *x, const struct forwarding *f, const struct field *field);
/* Adds the fields that the listener sends. False: no memory. */
bool forwarding_write(struct exchange *x, const struct forwarding *f);
