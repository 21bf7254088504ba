/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Comparing few bytes without a call: what host names and pieces of paths are compared with. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t bytes_load8(const unsigned char *at)
{
	uint64_t w;

	memcpy(&w, at, sizeof(w));
	return w;
}

static inline uint32_t bytes_load4(const unsigned char *at)
{
	uint32_t w;

	memcpy(&w, at, sizeof(w));
	return w;
}

/* n > 0. The last load overlaps what came before. */
static inline bool bytes_same(const unsigned char *a, const unsigned char *b, size_t n)
{
	if (n >= 8) {
		for (size_t i = 0; i + 8 < n; i += 8)
			if (bytes_load8(a + i) != bytes_load8(b + i))
				return false;
		return bytes_load8(a + n - 8) == bytes_load8(b + n - 8);
	}
	if (n >= 4)
		return bytes_load4(a) == bytes_load4(b) && bytes_load4(a + n - 4) == bytes_load4(b + n - 4);
	return a[0] == b[0] && (n == 1 || (a[1] == b[1] && a[n - 1] == b[n - 1]));
}

/* Whether the first n (1 to 8) of the eight bytes at a and b are equal; `bits` is 64 - 8 n. */
static inline bool bytes_same_of_8(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	uint64_t differ = bytes_load8(a) ^ bytes_load8(b);

	return (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? differ >> bits : differ << bits) == 0;
}

/* The first `stop` or NUL in [at, end), or end. */
static inline const unsigned char *bytes_find(const unsigned char *at, const unsigned char *end, unsigned char stop)
{
	const uint64_t ones = 0x0101010101010101u, highs = ones << 7;

	for (; end - at >= 8; at += 8) {
		uint64_t w = bytes_load8(at), x, hits;

		if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
			w = __builtin_bswap64(w);
		x = w ^ stop * ones;
		/* The lowest hit is exact, higher ones may be false. */
		hits = (((x - ones) & ~x) | ((w - ones) & ~w)) & highs;
		if (hits != 0)
			return at + __builtin_ctzll(hits) / 8;
	}
	while (at != end && *at != stop && *at != 0)
		at++;
	return at;
}
