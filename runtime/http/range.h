/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The Range field (RFC 9110 section 14), for whoever has a representation of known length at hand. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "http/field.h"

/* Bytes first to last, both included; last is below the length. */
struct range {
	uint64_t first, last;
};

/* More ranges than this, or ranges that together ask for more bytes than there are, are answered by the whole: they are of no use to
 * an honest client, and would let a short request ask for much. */
#define RANGE_MOST 16

enum range_verdict {
	RANGE_WHOLE,         /* no range that must be honoured: send everything, 200 */
	RANGE_PARTS,         /* 206 */
	RANGE_UNSATISFIABLE, /* 416 */
};

/* Reads the value of one Range field against a length. RANGE_PARTS: *n_out (1 to RANGE_MOST) ranges, in the order asked for. */
enum range_verdict range_parse(struct str value, uint64_t length, struct range at[RANGE_MOST], size_t *n_out);
/* The same for a request's fields: none, or more than one, is RANGE_WHOLE. */
enum range_verdict range_of_request(const struct fields *f, uint64_t length, struct range at[RANGE_MOST], size_t *n_out);
