/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Most of what is logged stands for itself, in JSON as in templates: printable ASCII but " and \. That is found out sixteen bytes at a time, and
 * such text copied as it is; the slow ways are for the rest. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

static const unsigned char plain_bytes[256] = {
	[' ' ... '!'] = 1, ['#' ... '['] = 1, [']' ... '~'] = 1,
};

#ifdef __SSE2__
static inline bool plain_16(__m128i w)
{
	/* Bytes beyond ASCII are negative. */
	__m128i good = _mm_cmpgt_epi8(w, _mm_set1_epi8(' ' - 1));
	__m128i odd = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(w, _mm_set1_epi8('"')), _mm_cmpeq_epi8(w, _mm_set1_epi8('\\'))),
		_mm_cmpeq_epi8(w, _mm_set1_epi8(0x7f)));

	return _mm_movemask_epi8(_mm_andnot_si128(odd, good)) == 0xffff;
}

static inline bool plain_two(uint64_t a, uint64_t b)
{
	return plain_16(_mm_set_epi64x((long long)a, (long long)b));
}
#else
static inline bool plain_8(uint64_t w)
{
	const uint64_t ones = 0x0101010101010101u, quote = w ^ ones * '"', slash = w ^ ones * '\\', del = w ^ ones * 0x7f;
	uint64_t odd = w | ((w - ones * ' ') & ~w) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash) | ((del - ones) & ~del);

	return (odd & ones * 0x80) == 0;
}

static inline bool plain_two(uint64_t a, uint64_t b)
{
	return plain_8(a) && plain_8(b);
}
#endif

static inline bool plain_copy_few(char *to, const char *from, size_t n)
{
	uint64_t front, back;
	uint32_t first, last;

	if (n >= 8) {
		memcpy(&front, from, 8);
		memcpy(&back, from + n - 8, 8);
		memcpy(to, &front, 8);
		memcpy(to + n - 8, &back, 8);
		return plain_two(front, back);
	}
	if (n >= 4) {
		memcpy(&first, from, 4);
		memcpy(&last, from + n - 4, 4);
		memcpy(to, &first, 4);
		memcpy(to + n - 4, &last, 4);
		front = (uint64_t)first << 32 | last;
		return plain_two(front, front);
	}
	for (size_t i = 0; i < n; i++) {
		to[i] = from[i];
		if (!plain_bytes[(unsigned char)from[i]])
			return false;
	}
	return true;
}

/* Copies n bytes if all are plain; if not, what stands in those n bytes is of no use. Of what is no multiple of a block, the end is copied
 * together with some of what came before it. */
static inline bool plain_copy(char *to, const char *from, size_t n)
{
	for (; n >= 16; to += 16, from += 16, n -= 16)
		if (!plain_copy_few(to, from, 16))
			return false;
	return plain_copy_few(to, from, n);
}
