/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Questions to DNS servers: a c-ares channel on a worker's loop. Called by the resolver, which
 * caches; here nothing is. The servers and search domains are those of resolv.conf, read when
 * the channel is made. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "loop/loop.h"
#include "net/addr.h"

#define DNS_MAX_ADDRS 16

struct dns;

struct dns_answer {
	int err;        /* 0, or ERR_* and no addresses */
	uint32_t ttl_s; /* the least of all records */
	size_t n;
	struct addr addrs[DNS_MAX_ADDRS]; /* ports are 0; in the order of RFC 6724 */
};
typedef void dns_answer_fn(void *arg, const struct dns_answer *a);

/* `servers` as in resolver_sources, or NULL. NULL is returned when out of memory, or when
 * `servers` is malformed. */
struct dns *dns_new(struct loop *l, const char *servers);
/* Questions that are open are dropped: their functions are not called. */
void dns_free(struct dns **d);
/* Asks for A and AAAA. `fn` is called once, perhaps from inside this call; it must not call
 * dns_ask or dns_free. */
void dns_ask(struct dns *d, const char *name, dns_answer_fn *fn, void *arg);
