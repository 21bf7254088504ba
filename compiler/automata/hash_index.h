/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* An open-addressing index from hash to number. The caller keeps the things numbered and compares
 * them itself:
 *
 *   for (size_t at = 0; (id = hash_index_next(&ix, hash, &at)) != HASH_NONE;)
 *           if (same(things[id], thing)) return id;
 *   hash_index_add(&ix, hash, new_id); */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

#define HASH_NONE UINT32_MAX

struct hash_slot {
	uint32_t hash;
	uint32_t number; /* + 1; 0: empty */
};

struct hash_index {
	struct arena *arena; /* borrowed; the slots live there */
	struct hash_slot *slots;
	size_t n, n_slots;
};

void hash_index_init(struct hash_index *ix, struct arena *a);
/* The next number that was added under `hash`, or HASH_NONE; *at is 0 on the first call. */
uint32_t hash_index_next(const struct hash_index *ix, uint32_t hash, size_t *at);
/* False when the arena is over budget. */
bool hash_index_add(struct hash_index *ix, uint32_t hash, uint32_t number);

uint32_t hash_words(const uint32_t *words, size_t n);
