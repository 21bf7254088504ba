/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/map.h"

#include <string.h>

#include "base/check.h"
#include "base/str.h"
#include "base/vec.h"

#define SLOTS_LEAST 16

void map_init(struct map *m, struct arena *a)
{
	*m = (struct map){ .arena = a };
}

/* The slot that holds the key, or the empty one where it would go. n_slots is a power of two, never
 * full. */
static uint32_t *find_slot(const struct map *m, struct str key, uint64_t hash)
{
	size_t i = (size_t)hash & (m->n_slots - 1);

	for (;; i = (i + 1) & (m->n_slots - 1)) {
		const struct map_entry *e;

		if (m->slots[i] == 0)
			return &m->slots[i];
		e = &m->entries[m->slots[i] - 1];
		if (e->hash == hash && str_eq(e->key, key))
			return &m->slots[i];
	}
}

static void grow(struct map *m)
{
	m->n_slots = m->n_slots == 0 ? SLOTS_LEAST : m->n_slots * 2;
	m->slots = ARENA_ARRAY(m->arena, uint32_t, m->n_slots);
	CHECK(m->slots != NULL);
	for (size_t i = 0; i < m->n; i++)
		*find_slot(m, m->entries[i].key, m->entries[i].hash) = (uint32_t)(i + 1);
}

void *map_get(const struct map *m, struct str key)
{
	uint32_t slot = m->n == 0 ? 0 : *find_slot(m, key, str_hash(key));

	return slot == 0 ? NULL : m->entries[slot - 1].value;
}

bool map_add(struct map *m, struct str key, void *value)
{
	uint64_t hash = str_hash(key);
	uint32_t *slot;

	CHECK(value != NULL);
	CHECK(m->n < UINT32_MAX);
	if ((m->n + 1) * 4 > m->n_slots * 3)
		grow(m);
	slot = find_slot(m, key, hash);
	if (*slot != 0)
		return false;
	if (m->n == m->cap)
		CHECK(vec_grow(m->arena, (void **)&m->entries, m->n, &m->cap, sizeof(*m->entries)));
	m->entries[m->n++] = (struct map_entry){ .key = key, .value = value, .hash = hash };
	*slot = (uint32_t)m->n;
	return true;
}
