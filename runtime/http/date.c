/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "http/date.h"

#include "base/str.h"

struct moment {
	int64_t year;
	unsigned month, day, hour, minute, second;
};

/* Days since the epoch of a day in the proleptic Gregorian calendar. */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool exists(const struct moment *m)
{
	static const uint8_t lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	unsigned length;

	if (m->month < 1 || m->month > 12 || m->hour > 23 || m->minute > 59 || m->second > 60)
		return false;
	length = lengths[m->month - 1] + (m->month == 2 && is_leap(m->year));
	return m->day >= 1 && m->day <= length;
}

static bool take(struct str *s, struct str literal)
{
	if (!str_starts(*s, literal))
		return false;
	*s = str_slice(*s, literal.len, s->len);
	return true;
}

static bool take_digits(struct str *s, unsigned n, unsigned *value_out)
{
	uint64_t value;

	if (s->len < n || !str_to_u64(str_slice(*s, 0, n), 9999, &value))
		return false;
	*value_out = (unsigned)value;
	*s = str_slice(*s, n, s->len);
	return true;
}

static bool take_month(struct str *s, unsigned *month_out)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (unsigned i = 0; i < 12; i++) {
		if (take(s, (struct str){ names + 3 * i, 3 })) {
			*month_out = i + 1;
			return true;
		}
	}
	return false;
}

static bool take_time(struct str *s, struct moment *m)
{
	return take_digits(s, 2, &m->hour) && take(s, STR(":")) && take_digits(s, 2, &m->minute) && take(s, STR(":")) &&
	       take_digits(s, 2, &m->second);
}

/* The name of a day; which one says nothing that the date does not. */
static bool take_day_name(struct str *s, bool is_long)
{
	static const struct str names[] = { STR_INIT("Monday"), STR_INIT("Tuesday"), STR_INIT("Wednesday"),
		STR_INIT("Thursday"), STR_INIT("Friday"), STR_INIT("Saturday"), STR_INIT("Sunday") };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (take(s, is_long ? names[i] : str_slice(names[i], 0, 3)))
			return true;
	return false;
}

/* Sun, 06 Nov 1994 08:49:37 GMT */
static bool parse_fixdate(struct str s, struct moment *m)
{
	unsigned year;
	bool ok = take_day_name(&s, false) && take(&s, STR(", ")) && take_digits(&s, 2, &m->day) && take(&s, STR(" ")) &&
		  take_month(&s, &m->month) && take(&s, STR(" ")) && take_digits(&s, 4, &year) && take(&s, STR(" ")) &&
		  take_time(&s, m) && take(&s, STR(" GMT")) && s.len == 0;

	if (ok)
		m->year = year;
	return ok;
}

/* Sunday, 06-Nov-94 08:49:37 GMT */
static bool parse_rfc850(struct str s, int64_t now_s, struct moment *m)
{
	int64_t this_year = 1970 + now_s / 31556952;
	unsigned year;

	if (!(take_day_name(&s, true) && take(&s, STR(", ")) && take_digits(&s, 2, &m->day) && take(&s, STR("-")) &&
	      take_month(&s, &m->month) && take(&s, STR("-")) && take_digits(&s, 2, &year) && take(&s, STR(" ")) &&
	      take_time(&s, m) && take(&s, STR(" GMT")) && s.len == 0))
		return false;
	m->year = this_year - this_year % 100 + year;
	if (m->year > this_year + 50)
		m->year -= 100;
	return true;
}

/* Sun Nov  6 08:49:37 1994 */
static bool parse_asctime(struct str s, struct moment *m)
{
	unsigned year;
	bool ok = take_day_name(&s, false) && take(&s, STR(" ")) && take_month(&s, &m->month) && take(&s, STR(" "));

	if (!ok)
		return false;
	ok = take(&s, STR(" ")) ? take_digits(&s, 1, &m->day) : take_digits(&s, 2, &m->day);
	ok = ok && take(&s, STR(" ")) && take_time(&s, m) && take(&s, STR(" ")) && take_digits(&s, 4, &year) && s.len == 0;
	if (ok)
		m->year = year;
	return ok;
}

bool date_parse(struct str s, int64_t now_s, int64_t *seconds_out)
{
	struct moment m = { 0 };

	if (!parse_fixdate(s, &m) && !parse_rfc850(s, now_s, &m) && !parse_asctime(s, &m))
		return false;
	if (!exists(&m))
		return false;
	*seconds_out = days_of(m.year, m.month, m.day) * 86400 + (int64_t)m.hour * 3600 + m.minute * 60 + m.second;
	return true;
}
