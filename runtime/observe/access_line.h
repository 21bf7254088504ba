/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One line of the access log: JSON members as the config chooses them, or a template. Values are cut to what fits, and escaped so that
 * a line stays a line. Called by access_log.c; allocates nothing. */
#pragma once

#include "http/exchange.h"
#include "toron/gateway.h"

#define ACCESS_LINE_MOST (64u << 10) /* bytes of a line */

struct access_line {
	const struct toron_log *conf;
	struct str stamp;   /* now, as RFC 3339 writes it */
	uint64_t dropped;   /* lines that were dropped since the one before */
};

/* Writes the line and its end to `to`, which has room for ACCESS_LINE_MOST bytes; returns the byte behind it. */
char *access_line_write(const struct access_line *l, struct exchange *x, char *to);
