/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "observe/json_line.h"

#include <stdbool.h>
#include <string.h>

#include "base/str.h"

/* Bytes that stand for themselves in a JSON string. */
static const unsigned char is_plain[256] = {
	[' ' ... '!'] = 1, ['#' ... '['] = 1, [']' ... '~'] = 1, /* without " and \ */
};

static void put(struct json_line *j, const char *ptr, size_t len)
{
	memcpy(j->at, ptr, len);
	j->at += len;
}

static void put_name(struct json_line *j, struct str name)
{
	*j->at++ = '"';
	put(j, name.ptr, name.len);
	put(j, "\":", 2);
}

/* The length of the UTF-8 sequence at the front of s, or 0. */
static size_t sequence(struct str s)
{
	unsigned char c = (unsigned char)s.ptr[0];
	size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

	return len <= s.len && str_utf8_valid(str_slice(s, 0, len)) == len ? len : 0;
}

/* One byte or sequence that is not plain; how many bytes it was. */
static size_t put_escaped(struct json_line *j, struct str s)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char c = (unsigned char)s.ptr[0];
	size_t len;

	if (c == '"' || c == '\\') {
		*j->at++ = '\\';
		*j->at++ = (char)c;
		return 1;
	}
	if (c < 0x80) {
		put(j, "\\u00", 4);
		*j->at++ = hex[c >> 4];
		*j->at++ = hex[c & 15];
		return 1;
	}
	len = sequence(s);
	if (len == 0) {
		put(j, "\\ufffd", 6);
		return 1;
	}
	put(j, s.ptr, len);
	return len;
}

/* Whether one of eight bytes is not plain. */
static bool any_odd(uint64_t eight)
{
	const uint64_t ones = 0x0101010101010101u, quote = eight ^ ones * '"', slash = eight ^ ones * '\\', del = eight ^ ones * 0x7f;
	uint64_t odd = eight | ((eight - ones * ' ') & ~eight) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash) | ((del - ones) & ~del);

	return (odd & ones * 0x80) != 0;
}

/* The plain bytes in front of s, most of them eight at a time; how many they were. */
static size_t put_plain(struct json_line *j, struct str s)
{
	size_t i = 0;
	uint64_t eight;

	for (; s.len - i >= sizeof(eight); i += sizeof(eight), j->at += sizeof(eight)) {
		memcpy(&eight, s.ptr + i, sizeof(eight));
		if (any_odd(eight))
			break;
		memcpy(j->at, &eight, sizeof(eight));
	}
	while (i < s.len && is_plain[(unsigned char)s.ptr[i]])
		*j->at++ = s.ptr[i++];
	return i;
}

void json_line_begin(struct json_line *j, char *into)
{
	j->at = into;
	*j->at++ = '{';
}

void json_line_text(struct json_line *j, struct str name, struct str value, size_t cap)
{
	put_name(j, name);
	*j->at++ = '"';
	if (value.len > cap)
		value.len = cap;
	for (size_t i = 0; i < value.len;) {
		i += put_plain(j, str_slice(value, i, value.len));
		if (i < value.len)
			i += put_escaped(j, str_slice(value, i, value.len));
	}
	put(j, "\",", 2);
}

void json_line_number(struct json_line *j, struct str name, uint64_t value)
{
	put_name(j, name);
	j->at = str_put_u64(j->at, value);
	*j->at++ = ',';
}

void json_line_us(struct json_line *j, struct str name, uint64_t us)
{
	unsigned rest = (unsigned)(us % 1000u);

	put_name(j, name);
	j->at = str_put_u64(j->at, us / 1000u);
	*j->at++ = '.';
	*j->at++ = (char)('0' + rest / 100u);
	*j->at++ = (char)('0' + rest / 10u % 10u);
	*j->at++ = (char)('0' + rest % 10u);
	*j->at++ = ',';
}

char *json_line_end(struct json_line *j)
{
	if (j->at[-1] == ',')
		j->at--;
	put(j, "}\n", 2);
	return j->at;
}
