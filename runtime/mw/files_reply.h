/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The answer with a file that was found: conditions, ranges, head and content. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "http/condition.h"
#include "http/exchange.h"

/* A representation, selected. Texts are borrowed until the exchange ends. */
struct files_reply {
	struct str name;                /* of the file, without the ending of a coding */
	struct str type, coding;        /* coding: ptr NULL for none */
	struct str bytes;               /* embedded; else fd is open */
	int fd;                         /* owned; -1: none */
	uint64_t length;
	struct condition_validators validators;
	struct str cache_control;       /* ptr NULL: none */
	bool varies;                    /* other codings could have been chosen */
};

/* Answers a GET or HEAD; the descriptor is taken over. */
void files_reply_send(struct exchange *x, struct files_reply *r);
/* Closes the descriptor, if there is one. */
void files_reply_close(struct files_reply *r);
