/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/clock.h"

#include <string.h>
#include <time.h>

#include "base/check.h"

static uint64_t now_us(clockid_t id)
{
	struct timespec t;

	CHECK(clock_gettime(id, &t) == 0);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

uint64_t clock_monotonic_us(void)
{
	return now_us(CLOCK_MONOTONIC);
}

uint64_t clock_wall_us(void)
{
	return now_us(CLOCK_REALTIME);
}

struct civil {
	unsigned year, month, day; /* month from 1 */
	unsigned weekday;          /* 0 is Sunday */
	unsigned hour, minute, second;
};

/* Proleptic Gregorian, by eras of 400 years that begin on 1 March. Not gmtime_r, which reads zone
 * files. */
static struct civil civil_of(uint64_t seconds)
{
	uint64_t days = seconds / 86400u, z = days + 719468u;
	unsigned rest = (unsigned)(seconds % 86400u);
	uint64_t era = z / 146097u;
	unsigned doe = (unsigned)(z % 146097u);
	unsigned yoe = (doe - doe / 1460u + doe / 36524u - doe / 146096u) / 365u;
	unsigned doy = doe - (365u * yoe + yoe / 4u - yoe / 100u);
	unsigned mp = (5u * doy + 2u) / 153u;
	struct civil c = { 0 };

	c.month = mp < 10 ? mp + 3 : mp - 9;
	c.day = doy - (153u * mp + 2u) / 5u + 1u;
	c.year = (unsigned)(era * 400u) + yoe + (c.month <= 2);
	c.weekday = (unsigned)((days + 4u) % 7u);
	c.hour = rest / 3600u;
	c.minute = rest / 60u % 60u;
	c.second = rest % 60u;
	return c;
}

static void digits(char *out, unsigned value, unsigned n)
{
	while (n-- > 0) {
		out[n] = (char)('0' + value % 10u);
		value /= 10u;
	}
}

void clock_http_date(uint64_t wall_us, char out[CLOCK_HTTP_DATE_LEN])
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct civil c = civil_of(wall_us / 1000000u);

	memcpy(out, "ddd, DD mmm YYYY HH:MM:SS GMT", CLOCK_HTTP_DATE_LEN);
	memcpy(out, days + (size_t)c.weekday * 3, 3);
	digits(out + 5, c.day, 2);
	memcpy(out + 8, months + (size_t)(c.month - 1) * 3, 3);
	digits(out + 12, c.year, 4);
	digits(out + 17, c.hour, 2);
	digits(out + 20, c.minute, 2);
	digits(out + 23, c.second, 2);
}

void clock_rfc3339(uint64_t wall_us, char out[CLOCK_RFC3339_LEN])
{
	struct civil c = civil_of(wall_us / 1000000u);

	memcpy(out, "YYYY-MM-DDTHH:MM:SS.mmmZ", CLOCK_RFC3339_LEN);
	digits(out, c.year, 4);
	digits(out + 5, c.month, 2);
	digits(out + 8, c.day, 2);
	digits(out + 11, c.hour, 2);
	digits(out + 14, c.minute, 2);
	digits(out + 17, c.second, 2);
	digits(out + 20, (unsigned)(wall_us / 1000u % 1000u), 3);
}
