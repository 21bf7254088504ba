/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What hosts led to, remembered by each worker: clients ask one host again and again, and comparing it costs a fraction of matching
 * it. A fixed number of places, so that hosts that are made up cost a lookup more and nothing else. Belongs to its worker's thread. */
#pragma once

#include <stdint.h>

#include "toron/match.h"

struct host_memo;
/* NULL: no memory. */
struct host_memo *host_memo_new(void);
void host_memo_free(struct host_memo **m);
/* The number of the host list: router->host(host), or what it said before. m NULL: not remembered. */
uint32_t host_memo_list(struct host_memo *m, const struct toron_router *router, struct str host);
