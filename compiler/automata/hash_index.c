/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "automata/hash_index.h"

#define LEAST_SLOTS 64

void hash_index_init(struct hash_index *ix, struct arena *a)
{
	*ix = (struct hash_index){ .arena = a };
}

uint32_t hash_index_next(const struct hash_index *ix, uint32_t hash, size_t *at)
{
	if (ix->n_slots == 0)
		return HASH_NONE;
	for (; *at < ix->n_slots; ++*at) {
		const struct hash_slot *s = &ix->slots[(hash + *at) & (ix->n_slots - 1)];

		if (s->number == 0)
			return HASH_NONE;
		if (s->hash == hash) {
			++*at;
			return s->number - 1;
		}
	}
	return HASH_NONE;
}

static void put(struct hash_slot *slots, size_t n_slots, struct hash_slot s)
{
	size_t i = s.hash & (n_slots - 1);

	while (slots[i].number != 0)
		i = (i + 1) & (n_slots - 1);
	slots[i] = s;
}

bool hash_index_add(struct hash_index *ix, uint32_t hash, uint32_t number)
{
	if (2 * (ix->n + 1) > ix->n_slots) {
		size_t more = ix->n_slots == 0 ? LEAST_SLOTS : 2 * ix->n_slots;
		struct hash_slot *slots = ARENA_ARRAY(ix->arena, struct hash_slot, more);

		if (slots == NULL)
			return false;
		for (size_t i = 0; i < ix->n_slots; i++)
			if (ix->slots[i].number != 0)
				put(slots, more, ix->slots[i]);
		ix->slots = slots;
		ix->n_slots = more;
	}
	put(ix->slots, ix->n_slots, (struct hash_slot){ hash, number + 1 });
	ix->n++;
	return true;
}

uint32_t hash_words(const uint32_t *words, size_t n)
{
	uint64_t h = 0xcbf29ce484222325u ^ n;

	for (size_t i = 0; i < n; i++) {
		h = (h ^ words[i]) * 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
	}
	return (uint32_t)h;
}
