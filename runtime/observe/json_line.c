/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "observe/json_line.h"

#include <string.h>

#include "base/str.h"
#include "observe/plain.h"

static void put(struct json_line *j, const char *ptr, size_t len)
{
	memcpy(j->at, ptr, len);
	j->at += len;
}

/* All of its room, which takes no call: what follows overwrites the rest. */
static void put_name(struct json_line *j, const struct json_name *name)
{
	memcpy(j->at, name->bytes, sizeof(name->bytes));
	j->at += name->len;
}

/* The length of the UTF-8 sequence at the front of s, or 0. */
static size_t sequence(struct str s)
{
	unsigned char c = (unsigned char)s.ptr[0];
	size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

	return len <= s.len && str_utf8_valid(str_slice(s, 0, len)) == len ? len : 0;
}

static void put_code(struct json_line *j, unsigned code)
{
	static const char hex[] = "0123456789abcdef";

	put(j, "\\u", 2);
	for (int shift = 12; shift >= 0; shift -= 4)
		*j->at++ = hex[code >> shift & 15];
}

/* What ends a line for some readers, or commands a terminal: U+0080 to U+009F, U+2028 and U+2029. Else 0. */
static unsigned unruly_code(const char *sequence)
{
	unsigned char second = (unsigned char)sequence[1];

	if (sequence[0] == '\xc2')
		return second < 0xa0 ? second : 0;
	if (sequence[0] != '\xe2' || second != 0x80)
		return 0;
	return sequence[2] == '\xa8' || sequence[2] == '\xa9' ? 0x2000u | ((unsigned char)sequence[2] & 0x3fu) : 0;
}

/* One byte or sequence that is not plain; how many bytes it was. */
static size_t put_escaped(struct json_line *j, struct str s)
{
	unsigned char c = (unsigned char)s.ptr[0];
	size_t len;

	if (c == '"' || c == '\\') {
		*j->at++ = '\\';
		*j->at++ = (char)c;
		return 1;
	}
	if (c < 0x80) {
		put_code(j, c);
		return 1;
	}
	len = sequence(s);
	if (len == 0)
		put_code(j, 0xfffd);
	else if (unruly_code(s.ptr) != 0)
		put_code(j, unruly_code(s.ptr));
	else
		put(j, s.ptr, len);
	return len == 0 ? 1 : len;
}

void json_line_begin(struct json_line *j, char *into)
{
	j->at = into;
	*j->at++ = '{';
}

/* What plain_copy() did not take. */
static void put_odd(struct json_line *j, struct str s)
{
	for (size_t i = 0; i < s.len;) {
		if (plain_bytes[(unsigned char)s.ptr[i]])
			*j->at++ = s.ptr[i++];
		else
			i += put_escaped(j, str_slice(s, i, s.len));
	}
}

void json_line_text(struct json_line *j, const struct json_name *name, struct str value)
{
	put_name(j, name);
	*j->at++ = '"';
	if (plain_copy(j->at, value.ptr, value.len))
		j->at += value.len;
	else
		put_odd(j, value);
	put(j, "\",", 2);
}

void json_line_number(struct json_line *j, const struct json_name *name, uint64_t value)
{
	put_name(j, name);
	j->at = str_put_u64(j->at, value);
	*j->at++ = ',';
}

char *json_line_put_us(char *to, uint64_t us)
{
	unsigned rest = (unsigned)(us % 1000u);

	to = str_put_u64(to, us / 1000u);
	*to++ = '.';
	*to++ = (char)('0' + rest / 100u);
	*to++ = (char)('0' + rest / 10u % 10u);
	*to++ = (char)('0' + rest % 10u);
	return to;
}

void json_line_us(struct json_line *j, const struct json_name *name, uint64_t us)
{
	put_name(j, name);
	j->at = json_line_put_us(j->at, us);
	*j->at++ = ',';
}

char *json_line_end(struct json_line *j)
{
	if (j->at[-1] == ',')
		j->at--;
	put(j, "}\n", 2);
	return j->at;
}
