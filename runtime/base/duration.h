/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The units of the config language: durations ("250ms 5s 2m 1h 1d", also "1m30s"), sizes ("16KiB 1MiB 10kB 512B"), rates
 * ("100/s 5000/m 10/h"), percentages ("20%", "0.5%"). Each parser takes the whole string or nothing. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "toron/str.h"

struct rate {
	uint64_t n;         /* events */
	uint64_t period_ms; /* in this many milliseconds */
};

bool duration_parse(struct str s, uint64_t *ms_out);
bool size_parse(struct str s, uint64_t *bytes_out);
bool rate_parse(struct str s, struct rate *rate_out);
/* Millionths: 100% is 1000000. At most 100%. */
bool percent_parse(struct str s, uint32_t *ppm_out);
/* The shortest exact spelling, e.g. 90000 is "90s", 60000 is "1m". */
struct str duration_format(struct arena *a, uint64_t ms);
struct str size_format(struct arena *a, uint64_t bytes);
