/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The table matcher: runs the compressed DFA of toron/table.h over a path.
 *
 * A blob is checked once, before its first walk; walks trust it. All functions are pure and safe
 * from any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum walk_error {
	WALK_OK = 0,
	WALK_BAD_HEADER = -1, /* no table, another version or byte order, or sizes that do not fit */
	WALK_BAD_RECORD = -2, /* a record or set that leads outside */
	WALK_NO_MEMORY = -3,
};

/* Checks everything that route_walk and route_walk_set rely on; `len` bytes, blob aligned to 4.
 * Time and scratch memory are linear in len. */
enum walk_error route_walk_check(const void *blob, size_t len);
/* The number of the accept set of the whole input; 0: no pattern accepts it. */
uint32_t route_walk(const void *blob, const char *ptr, size_t len);
/* The patterns of an accept set, ascending; borrowed from the blob. `set` is what route_walk
 * returned. */
const uint32_t *route_walk_set(const void *blob, uint32_t set, uint32_t *n_out);
