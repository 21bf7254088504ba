/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How far a head's bytes are what they should be, many bytes at a time: sixteen where the machine has SSE2, else eight; what is left at the
 * end, and what is rare, byte by byte. Called by the parser alone. Nothing outside [p, end) is touched. */
#pragma once

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Per byte: the lower-case form of a token character (RFC 9110 section 5.6.2), or 0. */
extern const unsigned char h1_token_lower[256];

/* ---- eight bytes at a time: in these words the first byte is the lowest ---- */
#define ONES 0x0101010101010101u
#define HIGHS 0x8080808080808080u

static inline uint64_t scan_load8(const char *p)
{
	uint64_t w;

	memcpy(&w, p, 8);
	return le64toh(w);
}

static inline void scan_store8(char *p, uint64_t w)
{
	w = htole64(w);
	memcpy(p, &w, 8);
}

/* The number of the lowest byte whose high bit is set, which one is. */
static inline unsigned scan_first_high(uint64_t highs)
{
	return (unsigned)__builtin_ctzll(highs) / 8;
}

/* The high bit of each byte that is no letter and no "-": most names are made of these. */
static inline uint64_t scan_others8(uint64_t w)
{
	uint64_t low = (w | ONES * 0x20) & ~HIGHS;
	uint64_t letter = (low + ONES * (0x80 - 'a')) & ~(low + ONES * (0x7f - 'z'));
	uint64_t no_dash = ((w ^ ONES * '-') & ~HIGHS) + ONES * 0x7f;

	return ~((letter | ~no_dash) & ~w) & HIGHS;
}

/* The high bit of each byte below `least`, or DEL; of those above the lowest one, only as a guess. */
static inline uint64_t scan_odd8(uint64_t w, unsigned least)
{
	uint64_t is_del = w ^ ONES * 0x7f;

	return (((w - ONES * least) & ~w) | ((is_del - ONES) & ~is_del)) & HIGHS;
}

#ifdef __SSE2__
/* ---- sixteen bytes at a time: a bit for each byte ---- */
static inline __m128i scan_all16(unsigned c)
{
	return _mm_set1_epi8((char)c);
}

static inline unsigned scan_odd16(const char *p, unsigned least)
{
	__m128i w = _mm_loadu_si128((const void *)p);
	__m128i low = _mm_cmpeq_epi8(_mm_max_epu8(w, scan_all16(least - 1)), scan_all16(least - 1));

	return (unsigned)_mm_movemask_epi8(_mm_or_si128(low, _mm_cmpeq_epi8(w, scan_all16(0x7f))));
}

/* Lowers as many letters and "-" as stand at p, at most 16; how many. */
static inline unsigned scan_lower16(char *p)
{
	/* The bit that makes a letter small, and that "-" has anyway: from byte 16 - n on, the first n of 16 have it. */
	static const unsigned char small[32] = { [0 ... 15] = 0x20 };
	__m128i w = _mm_loadu_si128((const void *)p);
	__m128i from_a = _mm_add_epi8(_mm_or_si128(w, scan_all16(0x20)), scan_all16(0x80 - 'a'));
	__m128i letter = _mm_cmplt_epi8(from_a, scan_all16(0x80 + 26));
	unsigned good = (unsigned)_mm_movemask_epi8(_mm_or_si128(letter, _mm_cmpeq_epi8(w, scan_all16('-'))));
	unsigned n = (unsigned)__builtin_ctz(~good);

	_mm_storeu_si128((void *)p, _mm_or_si128(w, _mm_loadu_si128((const void *)(small + 16 - n))));
	return n;
}
#endif

/* What the next two do where the bytes end within a block, or a name has other characters. */
static __attribute__((noinline)) char *scan_name_rest(char *p, char *end)
{
	unsigned char low;

	for (; end - p >= 8; p += 8) {
		uint64_t w = scan_load8(p), others = scan_others8(w);

		if (others != 0) {
			uint64_t before = ((others & -others) >> 7) - 1;

			scan_store8(p, w | (before & ONES * 0x20));
			p += scan_first_high(others);
			break;
		}
		scan_store8(p, w | ONES * 0x20);
	}
	for (; p < end && (low = h1_token_lower[(unsigned char)*p]) != 0; p++)
		*p = (char)low;
	return p;
}

static __attribute__((noinline)) char *scan_odd_rest(char *p, char *end, unsigned least)
{
	for (; end - p >= 8; p += 8) {
		uint64_t odd = scan_odd8(scan_load8(p), least);

		if (odd != 0)
			return p + scan_first_high(odd);
	}
	while (p < end && (unsigned char)*p >= least && *p != 0x7f)
		p++;
	return p;
}

/* Lowers the field name at p in place. Returns its end, which may be no colon. */
static inline char *scan_name(char *p, char *end)
{
#ifdef __SSE2__
	if (end - p >= 16) {
		unsigned n = scan_lower16(p);

		p += n;
		if (n < 16 && *p == ':')
			return p;
	}
#endif
	return scan_name_rest(p, end);
}

/* The first byte in [p, end) that is below `least` or DEL. */
static inline char *scan_odd(char *p, char *end, unsigned least)
{
#ifdef __SSE2__
	for (; end - p >= 16; p += 16) {
		unsigned bits = scan_odd16(p, least);

		if (bits != 0)
			return p + __builtin_ctz(bits);
	}
#endif
	return scan_odd_rest(p, end, least);
}

/* The first byte in [p, end) that may not stand in a field value. */
static inline char *scan_value(char *p, char *end)
{
	while ((p = scan_odd(p, end, 0x20)) < end && *p == '\t')
		p++;
	return p;
}

/* The first byte in [p, end) that may not stand in a request target. */
static inline char *scan_target(char *p, char *end)
{
	return scan_odd(p, end, 0x21);
}

#undef ONES
#undef HIGHS
