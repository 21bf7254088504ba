/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What requests' hosts turned out to be, and where they led, remembered by each worker: clients ask one host again and again, and
 * comparing it costs a fraction of understanding and matching it. A fixed number of places, so that hosts that are made up cost
 * a little more and nothing else. Belongs to its worker's thread. */
#pragma once

#include <stdint.h>

#include "toron/match.h"

struct host_known {
	const struct toron_router *router; /* that said `list`; NULL: none was asked */
	uint32_t list;
	uint16_t port;
	uint8_t at, len; /* of the host in the authority, where it stands as it is matched */
};

struct host_memo;
/* NULL: no memory. */
struct host_memo *host_memo_new(void);
void host_memo_free(struct host_memo **m);
/* What is known of this authority, until the next host_memo_keep; NULL: nothing. m NULL: nothing is remembered. */
const struct host_known *host_memo_recall(const struct host_memo *m, struct str authority);
/* Remembers it, unless it is very long or short. */
void host_memo_keep(struct host_memo *m, struct str authority, const struct host_known *known);
/* Adds the router and the list to what is known, if something is. */
void host_memo_lead(struct host_memo *m, struct str authority, const struct toron_router *router, uint32_t list);
