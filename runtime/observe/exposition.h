/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* All metrics as text, in Prometheus' text format 0.0.4, piece by piece: the reader's position is all the memory it takes. Sums over the
 * workers are made as the text is written; a histogram's buckets never contradict its count. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct count_table;
struct str;

#define EXPOSITION_PIECE_MOST 1024u
#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct exposition {
	const struct count_table *table; /* borrowed */
	uint32_t family, thing, cell;    /* the next sample */
	bool has_head;                   /* the family's HELP and TYPE are out */
	uint64_t sum;                    /* of the cells of a histogram so far */
};

void exposition_begin(struct exposition *e, const struct count_table *t);
/* The next lines; 0: that was all. */
size_t exposition_next(struct exposition *e, char to[EXPOSITION_PIECE_MOST]);
/* A label's value with what the format wants escaped; at most `most` bytes, whole escapes only. */
size_t exposition_escape(struct str value, char *to, size_t most);
