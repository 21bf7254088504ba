/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

bool str_eq_nocase(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (ascii_lower((unsigned char)a.ptr[i]) != ascii_lower((unsigned char)b.ptr[i]))
			return false;
	}
	return true;
}

bool str_starts(struct str s, struct str prefix)
{
	return s.len >= prefix.len &&
	       (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

bool str_ends(struct str s, struct str suffix)
{
	return s.len >= suffix.len &&
	       (suffix.len == 0 || memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

int str_cmp(struct str a, struct str b)
{
	size_t least = a.len < b.len ? a.len : b.len;
	int order = least == 0 ? 0 : memcmp(a.ptr, b.ptr, least);

	if (order != 0)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

ptrdiff_t str_find(struct str s, struct str needle)
{
	size_t at = 0;

	if (needle.len == 0)
		return 0;
	while (s.len >= needle.len && at <= s.len - needle.len) {
		const char *p = memchr(s.ptr + at, needle.ptr[0], s.len - needle.len + 1 - at);

		if (p == NULL)
			return -1;
		if (memcmp(p, needle.ptr, needle.len) == 0)
			return p - s.ptr;
		at = (size_t)(p - s.ptr) + 1;
	}
	return -1;
}

bool str_split(struct str *rest, char sep, struct str *part_out)
{
	size_t at;

	if (rest->ptr == NULL)
		return false;
	at = str_find_char(*rest, sep);
	*part_out = (struct str){ rest->ptr, at };
	if (at == rest->len)
		*rest = STR_NONE;
	else
		*rest = (struct str){ rest->ptr + at + 1, rest->len - at - 1 };
	return true;
}

bool str_to_u64(struct str s, uint64_t max, uint64_t *value_out)
{
	uint64_t value = 0;

	if (s.len == 0)
		return false;
	if (s.len <= 19) { /* no nineteen digits overflow */
		for (size_t i = 0; i < s.len; i++) {
			unsigned digit = (unsigned)(unsigned char)s.ptr[i] - '0';

			if (digit > 9)
				return false;
			value = value * 10 + digit;
		}
		*value_out = value <= max ? value : *value_out;
		return value <= max;
	}
	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned)(unsigned char)s.ptr[i] - '0';

		if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	if (value > max)
		return false;
	*value_out = value;
	return true;
}

char *str_put_u64(char *to, uint64_t n)
{
	char digits[STR_U64_MAX];
	unsigned i = sizeof(digits);

	if (n < 10) {
		*to++ = (char)('0' + n);
		return to;
	}
	do
		digits[--i] = (char)('0' + n % 10);
	while ((n /= 10) != 0);
	memcpy(to, digits + i, sizeof(digits) - i);
	return to + sizeof(digits) - i;
}

/* Eight bytes in little-endian order, so that all machines hash alike (consistent hashing crosses
 * machines). */
static uint64_t load_le(const char *p, size_t n)
{
	uint64_t v = 0;

	memcpy(&v, p, n);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

uint64_t str_hash(struct str s)
{
	uint64_t h = 0x9e3779b97f4a7c15u ^ s.len;
	size_t i = 0;

	for (; i + 8 <= s.len; i += 8) {
		h = (h ^ load_le(s.ptr + i, 8)) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	if (i < s.len) {
		h = (h ^ load_le(s.ptr + i, s.len - i)) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	h *= 0xc4ceb9fe1a85ec53u;
	h ^= h >> 29;
	h *= 0x94d049bb133111ebu;
	return h ^ (h >> 32);
}

#define DISTANCE_MOST 128 /* bytes; nobody mistypes a longer name into another one */

static unsigned least3(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

static bool is_same_letter(char a, char b)
{
	return ascii_lower((unsigned char)a) == ascii_lower((unsigned char)b);
}

unsigned str_distance(struct str a, struct str b, unsigned cap)
{
	unsigned rows[3][DISTANCE_MOST + 1];
	size_t apart = a.len > b.len ? a.len - b.len : b.len - a.len;

	if (str_eq_nocase(a, b))
		return 0;
	if (a.len > DISTANCE_MOST || b.len > DISTANCE_MOST || apart > cap)
		return cap + 1;
	/* What both begin or end with costs nothing, and is most of a name that is nearly the other. */
	while (a.len > 0 && b.len > 0 && is_same_letter(a.ptr[0], b.ptr[0])) {
		a = str_slice(a, 1, a.len);
		b = str_slice(b, 1, b.len);
	}
	while (a.len > 0 && b.len > 0 && is_same_letter(a.ptr[a.len - 1], b.ptr[b.len - 1])) {
		a.len--;
		b.len--;
	}
	for (size_t j = 0; j <= b.len; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a.len; i++) {
		unsigned *now = rows[i % 3], *up = rows[(i + 2) % 3], *upup = rows[(i + 1) % 3];
		unsigned char ca = ascii_lower((unsigned char)a.ptr[i - 1]);
		unsigned char before = i < 2 ? 0 : ascii_lower((unsigned char)a.ptr[i - 2]);
		unsigned least = now[0] = (unsigned)i;

		for (size_t j = 1; j <= b.len; j++) {
			unsigned char cb = ascii_lower((unsigned char)b.ptr[j - 1]);

			now[j] = least3(up[j] + 1, now[j - 1] + 1, up[j - 1] + (ca != cb));
			if (i > 1 && j > 1 && before == cb &&
				ca == ascii_lower((unsigned char)b.ptr[j - 2]) &&
				upup[j - 2] + 1 < now[j])
				now[j] = upup[j - 2] + 1;
			if (now[j] < least)
				least = now[j];
		}
		/* A transposition reaches back two rows, and adds one: rows cannot fall below this
		 * by more. */
		if (least > cap + 1)
			return cap + 1;
	}
	return rows[a.len % 3][b.len] > cap ? cap + 1 : rows[a.len % 3][b.len];
}

/* The length of the valid sequence at p (n > 0 bytes are there), or 0. Table 3-7 of the Unicode
 * standard. */
static size_t utf8_sequence(const unsigned char *p, size_t n)
{
	unsigned char least = 0x80, most = 0xbf;
	size_t len;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		least = 0xa0;
	else if (p[0] == 0xed)
		most = 0x9f;
	else if (p[0] == 0xf0)
		least = 0x90;
	else if (p[0] == 0xf4)
		most = 0x8f;
	if (n < len || p[1] < least || p[1] > most)
		return 0;
	for (size_t i = 2; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

size_t str_utf8_valid(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.ptr;
	size_t i = 0;

	while (i < s.len) {
		size_t len;

		while (i + 8 <= s.len && (load_le(s.ptr + i, 8) & 0x8080808080808080u) == 0)
			i += 8;
		if (i == s.len)
			break;
		len = utf8_sequence(p + i, s.len - i);
		if (len == 0)
			break;
		i += len;
	}
	return i;
}

void sbuf_fini(struct sbuf *b)
{
	free(b->ptr);
	*b = (struct sbuf){ 0 };
}

void sbuf_clear(struct sbuf *b)
{
	b->len = 0;
	if (b->ptr != NULL)
		b->ptr[0] = '\0';
}

/* Room for n more bytes and a NUL. */
static void reserve(struct sbuf *b, size_t n)
{
	size_t want = b->cap < 64 ? 64 : b->cap;

	if (n >= SIZE_MAX / 2 - b->len)
		check_out_of_memory();
	if (b->ptr != NULL && b->len + n + 1 <= b->cap)
		return;
	while (want < b->len + n + 1)
		want *= 2;
	b->ptr = realloc(b->ptr, want);
	if (b->ptr == NULL)
		check_out_of_memory();
	b->cap = want;
}

void sbuf_add(struct sbuf *b, struct str s)
{
	reserve(b, s.len);
	if (s.len > 0)
		memcpy(b->ptr + b->len, s.ptr, s.len);
	b->len += s.len;
	b->ptr[b->len] = '\0';
}

void sbuf_adds(struct sbuf *b, const char *cstr)
{
	sbuf_add(b, str_of(cstr));
}

void sbuf_addc(struct sbuf *b, char c)
{
	sbuf_add(b, (struct str){ &c, 1 });
}

void sbuf_vprintf(struct sbuf *b, const char *format, va_list args)
{
	va_list again;
	int n;

	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, again);
	va_end(again);
	CHECK(n >= 0);
	reserve(b, (size_t)n);
	vsnprintf(b->ptr + b->len, (size_t)n + 1, format, args);
	b->len += (size_t)n;
}

void sbuf_printf(struct sbuf *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	sbuf_vprintf(b, format, args);
	va_end(args);
}

static void json_escape(struct sbuf *b, unsigned char c)
{
	static const char letters[] = "btn-fr"; /* for 8 to 13; 11 has none */

	if (c == '"' || c == '\\')
		sbuf_printf(b, "\\%c", c);
	else if (c >= 8 && c <= 13 && c != 11)
		sbuf_printf(b, "\\%c", letters[c - 8]);
	else
		sbuf_printf(b, "\\u%04x", c);
}

void sbuf_json(struct sbuf *b, struct str s)
{
	const unsigned char *p = (const unsigned char *)s.ptr;
	size_t plain = 0, i = 0;

	sbuf_addc(b, '"');
	while (i < s.len) {
		size_t len = utf8_sequence(p + i, s.len - i);

		if (len != 0 && p[i] >= 0x20 && p[i] != '"' && p[i] != '\\' && p[i] != 0x7f) {
			i += len;
			continue;
		}
		sbuf_add(b, (struct str){ s.ptr + plain, i - plain });
		if (len == 0)
			sbuf_adds(b, "\xef\xbf\xbd");
		else
			json_escape(b, p[i]);
		plain = ++i;
	}
	if (plain < s.len)
		sbuf_add(b, (struct str){ s.ptr + plain, s.len - plain });
	sbuf_addc(b, '"');
}
