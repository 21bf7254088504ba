/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Formats of strings: the config language's own ("x-duration", "x-host-pattern", ...) and those
 * of JSON Schema. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "diag/diag.h"

/* What is wrong with a string, to be reported at text[at .. at + len); len 0 and at 0: the
 * whole. */
struct format_fault {
	enum diag_id id;
	struct str text;
	struct str note; /* may be absent */
	size_t at, len;
};

struct format;

/* NULL if unknown. */
const struct format *format_find(struct str name);
/* False and *fault filled in if s does not have the format. */
bool format_check(
	const struct format *f, struct arena *a, struct str s, struct format_fault *fault);

/* A check, as formats_*.c write them. */
typedef bool format_checker(struct arena *a, struct str s, struct format_fault *fault);
struct format {
	struct str name;
	format_checker *check;
};
/* Tables of the other files, ended by a name without ptr. */
extern const struct format formats_net[], formats_standard[];

/* Units ("duration", "size", "rate", "percent"): milliseconds, bytes, events a million seconds,
 * millionths. False if it does not parse. */
bool unit_parse(struct str unit, struct str s, uint64_t *value_out);
/* "a duration such as 5s", or NULL for no unit. */
const char *unit_phrase(struct str unit);
/* "'5' has no unit; write 5ms, 5s or 5m". */
struct str unit_missing(struct arena *a, struct str unit, struct str number);
