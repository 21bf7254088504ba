/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Writes a DFA as the blob of toron/table.h, for groups of patterns that are too large for a re2c
 * block. */
#pragma once

#include <stdbool.h>

#include "automata/automata.h"

struct sbuf;

enum table_order { TABLE_LITTLE_ENDIAN, TABLE_BIG_ENDIAN }; /* of the target */

/* Adds the blob to *out (which must be empty or end on a multiple of 4). False, and nothing
 * added, if it would exceed 2 GiB. The same DFA gives the same bytes. */
bool table_write(struct sbuf *out, const struct dfa *d, enum table_order order);
