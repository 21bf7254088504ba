/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What nghttp2 takes memory from. The sessions of a worker share one pool, which is there as long as one of them is: small blocks, of which
 * a request takes and gives back some twenty, are kept for the next one, and the buffer in which nghttp2 puts a frame together is one for
 * all those with clients. */
#pragma once

#include <nghttp2/nghttp2.h>
#include <stdbool.h>

#include "loop/worker.h"

struct h2_pool;

/* Of one session. */
struct h2_memory {
	struct worker *worker;
	struct h2_pool *pool;  /* shared; NULL: none */
	bool shares_frame;     /* nghttp2 is making the session of a server, and takes its frame buffer */
};

/* False: out of memory. */
bool h2_memory_init(struct h2_memory *m, struct worker *w);
/* Once nghttp2 has given everything back. */
void h2_memory_fini(struct h2_memory *m);
/* For nghttp2, as long as `m` is there.
 *
 * A frame's bytes must be copied out of what nghttp2_session_mem_send returns before another session of the worker makes one: nghttp2
 * keeps its frame buffer (some 16 KiB, empty most of the time) for a session's life, and here all sessions of servers have the same. */
nghttp2_mem h2_memory_of(struct h2_memory *m);
