/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A hash map from str to pointer in an arena; iteration is in insertion order, so that output is deterministic. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct map_entry {
	struct str key; /* borrowed: must outlive the map */
	void *value;
	uint64_t hash;
};

struct map {
	struct arena *arena;        /* borrowed */
	struct map_entry *entries;  /* in insertion order */
	uint32_t *slots;            /* index + 1 into entries; 0: empty */
	size_t n, cap, n_slots;
};

void map_init(struct map *m, struct arena *a);
/* NULL if absent. */
void *map_get(const struct map *m, struct str key);
/* True if the key is new; otherwise nothing is changed, and false. value must not be NULL. */
bool map_add(struct map *m, struct str key, void *value);
