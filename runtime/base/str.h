/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Operations on struct str, and sbuf, a growing text buffer on the heap (compiler and boot only). */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "toron/str.h"

static inline struct str str_of(const char *cstr)
{
	return (struct str){ cstr, cstr == NULL ? 0 : strlen(cstr) };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline unsigned char ascii_lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

/* The str from byte `from` on, at most `len` bytes; clamped to s. */
static inline struct str str_slice(struct str s, size_t from, size_t len)
{
	if (from > s.len)
		from = s.len;
	if (len > s.len - from)
		len = s.len - from;
	return (struct str){ s.ptr == NULL ? NULL : s.ptr + from, len };
}
/* At most `most` bytes off the front of UTF-8, and no half of a code point. */
static inline struct str str_utf8_cut(struct str s, size_t most)
{
	if (most >= s.len)
		return s;
	while (most > 0 && ((unsigned char)s.ptr[most] & 0xc0) == 0x80)
		most--;
	return str_slice(s, 0, most);
}
/* ASCII case is ignored. */
bool str_eq_nocase(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* Byte order, shorter first: <0, 0, >0. */
int str_cmp(struct str a, struct str b);
/* The index of the first c, or s.len. */
static inline size_t str_find_char(struct str s, char c)
{
	const char *p = s.len == 0 ? NULL : memchr(s.ptr, c, s.len);

	return p == NULL ? s.len : (size_t)(p - s.ptr);
}
/* The index of the first occurrence, or -1. */
ptrdiff_t str_find(struct str s, struct str needle);
/* Takes the part before `sep` off the front of *rest; false when *rest is spent (ptr NULL). "a,,b" gives a, "", b. */
bool str_split(struct str *rest, char sep, struct str *part_out);
/* Without spaces and tabs at both ends (OWS, RFC 9110 section 5.6.3). */
static inline struct str str_trim(struct str s)
{
	while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
		s.ptr++;
		s.len--;
	}
	while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
		s.len--;
	return s;
}
/* The whole of s as a decimal number; false on anything else, or above max. */
bool str_to_u64(struct str s, uint64_t max, uint64_t *value_out);
/* Writes a number in decimal digits, at most STR_U64_MAX, without a NUL; their end. */
#define STR_U64_MAX 20
char *str_put_u64(char *to, uint64_t n);
uint64_t str_hash(struct str s);
/* The optimal-string-alignment distance (ASCII case ignored), for "did you mean"; at most `cap` + 1. */
unsigned str_distance(struct str a, struct str b, unsigned cap);
/* The length in bytes of the valid UTF-8 prefix of s (RFC 3629: no overlong forms, no surrogates). */
size_t str_utf8_valid(struct str s);

/* A growing buffer; out of memory is fatal. Always NUL-terminated once anything was added. */
struct sbuf {
	char *ptr; /* owned */
	size_t len, cap;
};

void sbuf_fini(struct sbuf *b);
void sbuf_clear(struct sbuf *b);
void sbuf_add(struct sbuf *b, struct str s);
void sbuf_adds(struct sbuf *b, const char *cstr);
void sbuf_addc(struct sbuf *b, char c);
void sbuf_printf(struct sbuf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sbuf_vprintf(struct sbuf *b, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
/* s as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void sbuf_json(struct sbuf *b, struct str s);
static inline struct str sbuf_str(const struct sbuf *b)
{
	return (struct str){ b->ptr, b->len };
}
