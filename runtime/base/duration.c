/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/duration.h"

#include <stddef.h>

#include "base/check.h"
#include "base/str.h"

struct unit {
	struct str name;
	uint64_t factor;
};

/* Largest first: the parts of "1h30m" stand in this order. */
static const struct unit times[] = {
	{ STR_INIT("d"), 86400000 }, { STR_INIT("h"), 3600000 }, { STR_INIT("m"), 60000 },
	{ STR_INIT("s"), 1000 },     { STR_INIT("ms"), 1 },
};

static const struct unit sizes[] = {
	{ STR_INIT("TiB"), 1ull << 40 },
	{ STR_INIT("GiB"), 1ull << 30 },
	{ STR_INIT("MiB"), 1ull << 20 },
	{ STR_INIT("KiB"), 1ull << 10 },
	{ STR_INIT("TB"), 1000000000000 },
	{ STR_INIT("GB"), 1000000000 },
	{ STR_INIT("MB"), 1000000 },
	{ STR_INIT("kB"), 1000 },
	{ STR_INIT("B"), 1 },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Takes "12" and the letters behind it off the front of *s. */
static bool take_part(struct str *s, uint64_t *n_out, struct str *unit_out)
{
	size_t digits = 0, end;

	while (digits < s->len && is_digit(s->ptr[digits]))
		digits++;
	for (end = digits; end < s->len && !is_digit(s->ptr[end]);)
		end++;
	if (!str_to_u64(str_slice(*s, 0, digits), UINT64_MAX, n_out))
		return false;
	*unit_out = str_slice(*s, digits, end - digits);
	*s = str_slice(*s, end, s->len);
	return true;
}

bool duration_parse(struct str s, uint64_t *ms_out)
{
	uint64_t total = 0;
	size_t least = 0; /* units before this one are spent */

	if (s.len == 0)
		return false;
	while (s.len > 0) {
		uint64_t n, part;
		struct str name;
		size_t u = least;

		if (!take_part(&s, &n, &name))
			return false;
		while (u < ARRAY_LEN(times) && !str_eq(times[u].name, name))
			u++;
		if (u == ARRAY_LEN(times) || __builtin_mul_overflow(n, times[u].factor, &part) ||
		    __builtin_add_overflow(total, part, &total))
			return false;
		least = u + 1;
	}
	*ms_out = total;
	return true;
}

bool size_parse(struct str s, uint64_t *bytes_out)
{
	struct str name;
	uint64_t n;

	if (!take_part(&s, &n, &name) || s.len > 0)
		return false;
	for (size_t u = 0; u < ARRAY_LEN(sizes); u++) {
		if (str_eq(sizes[u].name, name))
			return !__builtin_mul_overflow(n, sizes[u].factor, bytes_out);
	}
	return false;
}

bool rate_parse(struct str s, struct rate *rate_out)
{
	size_t slash = str_find_char(s, '/');
	struct str per = str_slice(s, slash + 1, s.len);
	uint64_t n;

	if (slash == s.len || !str_to_u64(str_slice(s, 0, slash), UINT64_MAX, &n))
		return false;
	for (size_t u = 0; u < ARRAY_LEN(times); u++) {
		if (times[u].factor > 1 && str_eq(times[u].name, per)) {
			*rate_out = (struct rate){ .n = n, .period_ms = times[u].factor };
			return true;
		}
	}
	return false;
}

bool percent_parse(struct str s, uint32_t *ppm_out)
{
	size_t dot;
	uint64_t whole, ppm;
	uint32_t scale = 1000;

	if (s.len < 2 || s.ptr[s.len - 1] != '%')
		return false;
	s.len--;
	dot = str_find_char(s, '.');
	if (!str_to_u64(str_slice(s, 0, dot), 100, &whole) || dot + 1 == s.len)
		return false;
	ppm = whole * 10000;
	for (size_t i = dot + 1; i < s.len; i++) {
		unsigned digit = (unsigned)(unsigned char)s.ptr[i] - '0';

		/* Finer than a millionth is not exact, so it is refused. */
		if (digit > 9 || (scale == 0 && digit != 0))
			return false;
		ppm += digit * scale;
		scale /= 10;
	}
	if (ppm > 1000000)
		return false;
	*ppm_out = (uint32_t)ppm;
	return true;
}

struct str duration_format(struct arena *a, uint64_t ms)
{
	if (ms == 0)
		return arena_str(a, STR("0s"));
	for (size_t u = 0; u + 1 < ARRAY_LEN(times); u++) {
		if (ms % times[u].factor == 0)
			return arena_printf(a, "%llu%s", (unsigned long long)(ms / times[u].factor),
				times[u].name.ptr);
	}
	return arena_printf(a, "%llums", (unsigned long long)ms);
}

static size_t n_digits(uint64_t n)
{
	size_t digits = 1;

	while ((n /= 10) > 0)
		digits++;
	return digits;
}

struct str size_format(struct arena *a, uint64_t bytes)
{
	const struct unit *best = &sizes[ARRAY_LEN(sizes) - 1];
	size_t best_len = n_digits(bytes) + best->name.len;

	for (size_t u = 0; bytes > 0 && u < ARRAY_LEN(sizes); u++) {
		size_t len = n_digits(bytes / sizes[u].factor) + sizes[u].name.len;

		if (bytes % sizes[u].factor == 0 && len < best_len) {
			best = &sizes[u];
			best_len = len;
		}
	}
	return arena_printf(
		a, "%llu%s", (unsigned long long)(bytes / best->factor), best->name.ptr);
}
