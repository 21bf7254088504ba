/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Time. The monotonic clock is for deadlines, the wall clock for people and tokens. */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint64_t clock_monotonic_us(void);
uint64_t clock_wall_us(void); /* microseconds since the epoch, UTC */

#define CLOCK_HTTP_DATE_LEN 29 /* "Sun, 06 Nov 1994 08:49:37 GMT", RFC 9110 section 5.6.7 */
#define CLOCK_RFC3339_LEN 24   /* "1994-11-06T08:49:37.123Z" */

/* Exactly that many bytes, no NUL. */
void clock_http_date(uint64_t wall_us, char out[CLOCK_HTTP_DATE_LEN]);
void clock_rfc3339(uint64_t wall_us, char out[CLOCK_RFC3339_LEN]);
