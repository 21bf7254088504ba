/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The back leg of an answer that is put together from memory and from parts of a file. To a front that hands files to the kernel it passes
 * long parts as they are, so much a turn; for others it fills the response's body as they make room, with one bounded read at a time, so
 * that a client that reads slowly holds two buffers and no more.
 *
 * Both wait for the disk, of what is not in the page cache. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exchange;

struct files_piece {
	const char *text; /* memory, borrowed until the exchange ends; NULL: of the file */
	uint64_t from;    /* of the file: the offset */
	uint64_t len;
};

/* For an exchange whose head was prepared by toron_respond() with an empty body: sends the pieces (borrowed likewise) as its content.
 * Takes the descriptor (-1: no piece needs one), and closes it in any case. False: over budget; the head must be prepared anew. */
bool files_body_attach(struct exchange *x, int fd, const struct files_piece *pieces, size_t n);
