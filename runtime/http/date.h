/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Dates in header fields (RFC 9110 section 5.6.7). base/clock.h writes them; this reads them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "toron/str.h"

/* Any of the three forms that a recipient must take: IMF-fixdate, RFC 850 and asctime. The two-digit year of the second is the
 * one nearest below 50 years after `now_s`. Seconds since the epoch; false for anything else. */
bool date_parse(struct str s, int64_t now_s, int64_t *seconds_out);
