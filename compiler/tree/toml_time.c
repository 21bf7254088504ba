/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tree/toml_reader.h"

#include "base/str.h"

static unsigned number(struct str s, size_t at, size_t len)
{
	unsigned value = 0;

	for (size_t i = at; i < at + len; i++)
		value = value * 10 + (unsigned)(s.ptr[i] - '0');
	return value;
}

static const char *check_date(struct str s)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	unsigned year = number(s, 0, 4), month = number(s, 5, 2), day = number(s, 8, 2);
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	if (month < 1 || month > 12)
		return "there is no such month";
	if (day < 1 || day > days[month - 1] + (unsigned)(month == 2 && is_leap))
		return "this month has no such day";
	return NULL;
}

/* hh:mm:ss, perhaps with a fraction and an offset behind it. */
static const char *check_clock(struct str s)
{
	bool has_offset = s.len >= 14 && (s.ptr[s.len - 6] == '+' || s.ptr[s.len - 6] == '-');

	if (number(s, 0, 2) > 23)
		return "hours are 00 to 23";
	if (number(s, 3, 2) > 59)
		return "minutes are 00 to 59";
	if (number(s, 6, 2) > 60) /* 60: a leap second */
		return "seconds are 00 to 59";
	if (has_offset && (number(s, s.len - 5, 2) > 23 || number(s, s.len - 2, 2) > 59))
		return "offsets are -23:59 to +23:59";
	return NULL;
}

const char *toml_check_time(struct str s)
{
	const char *problem;

	if (s.ptr[2] == ':')
		return check_clock(s);
	problem = check_date(s);
	return problem == NULL && s.len > 10 ? check_clock(str_slice(s, 11, s.len)) : problem;
}
