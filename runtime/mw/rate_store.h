/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How often each key came: GCRA (the generic cell rate algorithm) over one table that all workers
 * share.
 *
 * A key costs 16 bytes, its hash and the time at which its allowance is whole again. The table is a
 * fixed array of buckets, each with a lock of its own that is held for some fifty instructions;
 * nothing is allocated and nothing grows. The hash is keyed with random bytes, so that nobody can
 * choose keys that meet. When a bucket is full, a key whose allowance is whole makes room, which
 * forgets nothing; if there is none, the one that will be whole soonest. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "toron/str.h"

struct rate_store;

/* `n` (> 0) events in `period_ms` (> 0) on average, `burst` (> 0) at once after a pause; about
 * max_keys (> 0) keys are remembered, at most a quarter more. NULL: out of memory. */
struct rate_store *rate_store_new(
	uint64_t n, uint64_t period_ms, uint64_t burst, uint32_t max_keys);
void rate_store_free(struct rate_store **s);

struct rate_answer {
	bool allowed;
	uint64_t remaining; /* events that would be allowed now */
	uint64_t wait_ms;   /* until the next is allowed, rounded up; 0: now */
	uint64_t whole_ms;  /* until the whole burst is allowed again, rounded up */
};

/* One event of `key` at now_ms of a monotonic clock; workers' clocks may differ a little. Any
 * thread. */
struct rate_answer rate_store_take(struct rate_store *s, struct str key, uint64_t now_ms);
/* How many keys it can remember; for tests. */
uint64_t rate_store_capacity(const struct rate_store *s);
