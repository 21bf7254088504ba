/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "route/walk.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "toron/table.h"

static inline uint32_t word(const unsigned char *at)
{
	uint32_t w;

	memcpy(&w, __builtin_assume_aligned(at, 4), sizeof(w));
	return w;
}

static inline uint32_t half(const unsigned char *at)
{
	uint16_t h;

	memcpy(&h, __builtin_assume_aligned(at, 2), sizeof(h));
	return h;
}

/* Of the four class numbers in `classes`, one bit for each that equals `class`; only the lowest
 * is exact, higher ones may be false. */
static inline uint32_t class_hits(uint32_t classes, uint32_t class)
{
	uint32_t x = classes ^ class * 0x01010101u;

	return (x - 0x01010101u) & ~x & 0x80808080u;
}

static inline uint32_t ref_of_hit(const unsigned char *r, uint32_t hits)
{
	return word(r + TORON_TABLE_FEW_REFS + 4 * ((unsigned)__builtin_ctz(hits) / 8));
}

/* The length of the chain, 0 if it does not stand at `at`. */
static inline uint32_t take_chain(const unsigned char *r, const unsigned char *at, const unsigned char *end)
{
	uint32_t n = half(r + 2);

	return (size_t)(end - at) >= n && bytes_same(at, r + TORON_TABLE_CHAIN_BYTES, n) ? n : 0;
}

static inline uint32_t take_short(const unsigned char *r, const unsigned char *at, const unsigned char *end)
{
	if (end - at < 8)
		return take_chain(r, at, end);
	return bytes_same_of_8(at, r + TORON_TABLE_CHAIN_BYTES, r[1]) ? half(r + 2) : 0;
}

/* The next stop, or end; NULL if a NUL comes first, or the stop too early. */
static inline const unsigned char *take_to_stop(const unsigned char *r, const unsigned char *at, const unsigned char *end)
{
	const unsigned char *stop = bytes_find(at, end, r[1]);

	return (size_t)(stop - at) < half(r + 2) || (stop != end && *stop == 0) ? NULL : stop;
}

static inline uint32_t next_of_few(const unsigned char *r, uint32_t class)
{
	uint32_t hits = class_hits(word(r + TORON_TABLE_FEW_CLASSES), class);

	return hits == 0 ? word(r + 8) : ref_of_hit(r, hits);
}

static inline uint32_t next_of_many(const unsigned char *r, uint32_t class)
{
	uint32_t i = r[TORON_TABLE_MANY_REFS + 4 * half(r + 2) + class];

	return word(r + TORON_TABLE_MANY_REFS + 4 * (size_t)i);
}

static inline bool takes_rest(uint32_t ref, const unsigned char *at, const unsigned char *end)
{
	return at == end || ((ref & TORON_TABLE_KIND) == TORON_TABLE_TAIL && memchr(at, 0, (size_t)(end - at)) == NULL);
}

uint32_t route_walk(const void *blob, const char *ptr, size_t len)
{
	const unsigned char *base = blob, *class_of = base + TORON_TABLE_AT_CLASSES, *r;
	const unsigned char *at = (const unsigned char *)ptr, *end = at + len;
	uint32_t first = word(base + TORON_TABLE_AT_FIRST), n;
	size_t ref = word(base + TORON_TABLE_AT_START); /* wide, so that `base + ref - kind` is one addition */

	if (first != TORON_TABLE_ANY_FIRST && (at == end || *at++ != first))
		return 0;
	for (;;) {
		switch (ref & TORON_TABLE_KIND) {
		case TORON_TABLE_LEAF:
		case TORON_TABLE_TAIL:
			return takes_rest((uint32_t)ref, at, end) ? (uint32_t)ref >> 3 : 0;
		case TORON_TABLE_CHAIN:
			r = base + ref - TORON_TABLE_CHAIN;
			n = take_chain(r, at, end);
			if (n == 0)
				return at == end ? word(r + 4) : 0;
			at += n;
			ref = word(r + 8);
			break;
		case TORON_TABLE_SHORT:
			r = base + ref - TORON_TABLE_SHORT;
			n = take_short(r, at, end);
			if (n == 0)
				return at == end ? word(r + 4) : 0;
			at += n;
			ref = word(r + 8);
			break;
		case TORON_TABLE_SKIP:
			r = base + ref - TORON_TABLE_SKIP;
			at = take_to_stop(r, at, end);
			if (at == NULL || at == end)
				return at == NULL ? 0 : word(r + 4);
			at++;
			ref = word(r + 8);
			break;
		case TORON_TABLE_FEW:
			r = base + ref - TORON_TABLE_FEW;
			if (at == end)
				return word(r + 4);
			ref = next_of_few(r, class_of[*at++]);
			break;
		case TORON_TABLE_RUN:
			r = base + ref - TORON_TABLE_RUN;
			for (n = 0; n == 0 && at != end;)
				n = class_hits(word(r + TORON_TABLE_FEW_CLASSES), class_of[*at++]);
			if (n == 0)
				return word(r + 4);
			ref = ref_of_hit(r, n);
			break;
		case TORON_TABLE_MANY:
			r = base + ref - TORON_TABLE_MANY;
			if (at == end)
				return word(r + 4);
			ref = next_of_many(r, class_of[*at++]);
			break;
		}
	}
}

const uint32_t *route_walk_set(const void *blob, uint32_t set, uint32_t *n_out)
{
	const unsigned char *base = blob, *sets = base + word(base + TORON_TABLE_AT_SETS);
	uint32_t first = word(sets + 4 * (size_t)set);
	const unsigned char *members = sets + 4 * ((size_t)word(base + TORON_TABLE_AT_N_SETS) + 1);

	*n_out = word(sets + 4 * (size_t)set + 4) - first;
	return (const uint32_t *)(const void *)__builtin_assume_aligned(members + 4 * (size_t)first, 4);
}

struct checker {
	const unsigned char *base;
	size_t records_end;
	uint32_t n_sets;
	unsigned char *starts; /* a bit for each eight bytes of the records, set where one begins */
};

static bool is_start(const struct checker *c, uint32_t offset)
{
	size_t i = (offset - TORON_TABLE_AT_RECORDS) / 8;

	return offset >= TORON_TABLE_AT_RECORDS && offset < c->records_end && (c->starts[i / 8] >> i % 8 & 1);
}

static bool ref_is_good(const struct checker *c, uint32_t ref)
{
	uint32_t kind = ref & TORON_TABLE_KIND;

	if (kind == TORON_TABLE_LEAF || kind == TORON_TABLE_TAIL)
		return ref >> 3 < c->n_sets;
	return is_start(c, ref - kind) && c->base[ref - kind] == kind;
}

/* The size of the record at `offset`, or 0 if it is none or does not fit. */
static size_t record_size(const struct checker *c, size_t offset, uint32_t n_classes)
{
	const unsigned char *r = c->base + offset;
	size_t room = c->records_end - offset, size;

	switch (r[0]) {
	case TORON_TABLE_CHAIN:
		size = TORON_TABLE_CHAIN_BYTES + half(r + 2);
		break;
	case TORON_TABLE_SHORT:
		size = TORON_TABLE_SHORT_SIZE;
		break;
	case TORON_TABLE_SKIP:
		size = TORON_TABLE_SKIP_SIZE;
		break;
	case TORON_TABLE_FEW:
	case TORON_TABLE_RUN:
		size = TORON_TABLE_FEW_SIZE;
		break;
	case TORON_TABLE_MANY:
		size = TORON_TABLE_MANY_REFS + 4 * half(r + 2) + n_classes;
		break;
	default:
		return 0;
	}
	size = (size + 7) & ~(size_t)7;
	return size <= room ? size : 0;
}

static bool refs_are_good(const struct checker *c, const unsigned char *at, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (!ref_is_good(c, word(at + 4 * (size_t)i)))
			return false;
	return true;
}

static bool record_is_good(const struct checker *c, const unsigned char *r, uint32_t n_classes)
{
	uint32_t n = half(r + 2);

	if (word(r + 4) >= c->n_sets)
		return false;
	switch (r[0]) {
	case TORON_TABLE_CHAIN:
		return n > 0 && refs_are_good(c, r + 8, 1);
	case TORON_TABLE_SHORT:
		return n > 0 && n <= TORON_TABLE_SHORT_MOST && r[1] == 64 - 8 * n && refs_are_good(c, r + 8, 1);
	case TORON_TABLE_SKIP:
		return refs_are_good(c, r + 8, 1);
	case TORON_TABLE_FEW:
		return refs_are_good(c, r + 8, 1) && refs_are_good(c, r + TORON_TABLE_FEW_REFS, TORON_TABLE_FEW_MOST);
	case TORON_TABLE_RUN:
		return refs_are_good(c, r + TORON_TABLE_FEW_REFS, TORON_TABLE_FEW_MOST);
	}
	for (uint32_t i = 0; i < n_classes; i++)
		if (r[TORON_TABLE_MANY_REFS + 4 * (size_t)n + i] >= n)
			return false;
	return refs_are_good(c, r + TORON_TABLE_MANY_REFS, n);
}

static enum walk_error check_records(struct checker *c, uint32_t n_classes)
{
	size_t at, size;

	for (at = TORON_TABLE_AT_RECORDS; at < c->records_end; at += size) {
		size_t i = (at - TORON_TABLE_AT_RECORDS) / 8;

		size = record_size(c, at, n_classes);
		if (size == 0)
			return WALK_BAD_RECORD;
		c->starts[i / 8] |= (unsigned char)(1u << i % 8);
	}
	for (at = TORON_TABLE_AT_RECORDS; at < c->records_end; at += record_size(c, at, n_classes))
		if (!record_is_good(c, c->base + at, n_classes))
			return WALK_BAD_RECORD;
	return ref_is_good(c, word(c->base + TORON_TABLE_AT_START)) ? WALK_OK : WALK_BAD_RECORD;
}

static enum walk_error check_sets(const unsigned char *base, size_t len)
{
	size_t sets = word(base + TORON_TABLE_AT_SETS);
	size_t n_sets = word(base + TORON_TABLE_AT_N_SETS), n_members;
	uint32_t n_patterns = word(base + TORON_TABLE_AT_N_PATTERNS), before = 0;

	if (n_sets == 0 || (len - sets) / 4 < n_sets + 1)
		return WALK_BAD_HEADER;
	n_members = (len - sets) / 4 - (n_sets + 1);
	for (size_t i = 0; i <= n_sets; i++) {
		uint32_t first = word(base + sets + 4 * i);

		/* Set 0 is empty: sets 0 and 1 both begin at 0. */
		if (first < before || first > n_members || (i <= 1 && first != 0))
			return WALK_BAD_RECORD;
		before = first;
	}
	for (size_t i = 0; i < n_members; i++)
		if (word(base + sets + 4 * (n_sets + 1 + i)) >= n_patterns)
			return WALK_BAD_RECORD;
	return WALK_OK;
}

static enum walk_error check_header(const unsigned char *base, size_t len)
{
	uint32_t sets, n_classes;

	if ((uintptr_t)base % 4 != 0 || len < TORON_TABLE_AT_RECORDS + 8 || len % 4 != 0
	    || word(base + TORON_TABLE_AT_MAGIC) != TORON_TABLE_MAGIC
	    || word(base + TORON_TABLE_AT_VERSION) != TORON_TABLE_VERSION
	    || word(base + TORON_TABLE_AT_SIZE) != len)
		return WALK_BAD_HEADER;
	sets = word(base + TORON_TABLE_AT_SETS);
	n_classes = word(base + TORON_TABLE_AT_N_CLASSES);
	if (word(base + TORON_TABLE_AT_FIRST) > TORON_TABLE_ANY_FIRST)
		return WALK_BAD_HEADER;
	if (sets % 8 != 0 || sets < TORON_TABLE_AT_RECORDS || sets > len || n_classes == 0 || n_classes > 256)
		return WALK_BAD_HEADER;
	for (size_t i = 0; i < 256; i++)
		if (base[TORON_TABLE_AT_CLASSES + i] >= n_classes)
			return WALK_BAD_HEADER;
	return WALK_OK;
}

enum walk_error route_walk_check(const void *blob, size_t len)
{
	const unsigned char *base = blob;
	enum walk_error e = check_header(base, len);
	struct checker c;

	if (e == WALK_OK)
		e = check_sets(base, len);
	if (e != WALK_OK)
		return e;
	c = (struct checker){ base, word(base + TORON_TABLE_AT_SETS), word(base + TORON_TABLE_AT_N_SETS), NULL };
	c.starts = calloc((c.records_end - TORON_TABLE_AT_RECORDS) / 64 + 1, 1);
	if (c.starts == NULL)
		return WALK_NO_MEMORY;
	e = check_records(&c, word(base + TORON_TABLE_AT_N_CLASSES));
	free(c.starts);
	return e;
}
