/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Receive and send buffers: counted, pooled per worker, in two sizes. A buffer is lent to a connection only while bytes are
 * pending, so that an idle client costs none. The pool keeps freed buffers for reuse (no malloc in steady state) and
 * gives back what a quiet second did not need. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define BUF_SMALL 16384u
#define BUF_LARGE 65536u

struct buf_pool;
struct buf_shelf;

struct buf {
	uint32_t refs;
	uint32_t cap;         /* usable bytes: the size less this header */
	struct buf_shelf *shelf; /* of its pool, with others of its size */
	struct buf *next;     /* in the pool */
	char bytes[];
};

struct loop;
/* `budget`: bytes in all lent and kept buffers; 0: unlimited. */
struct buf_pool *buf_pool_new(struct loop *l, size_t budget);
void buf_pool_free(struct buf_pool **p);
/* One reference; the small size when `want` bytes fit it, else the large one (whose cap may be less than want).
 * NULL when over budget or out of memory. */
struct buf *buf_acquire(struct buf_pool *p, size_t want);
/* One of the small size, also over budget: for what must go out before anything comes back. NULL when out of memory. */
struct buf *buf_acquire_beyond(struct buf_pool *p);
static inline struct buf *buf_ref(struct buf *b)
{
	b->refs++;
	return b;
}
/* Nobody has it any more. */
void buf_give_back(struct buf *b);
/* Drops one reference and clears the pointer; NULL is fine. */
static inline void buf_release(struct buf **b)
{
	struct buf *gone = *b;

	*b = NULL;
	if (gone != NULL && --gone->refs == 0)
		buf_give_back(gone);
}
/* Bytes lent now; for metrics and tests. */
size_t buf_pool_lent(const struct buf_pool *p);
/* Bytes lent and kept for reuse. */
size_t buf_pool_total(const struct buf_pool *p);
