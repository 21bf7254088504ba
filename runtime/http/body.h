/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Bytes in flight in one direction: a bounded queue of references into receive buffers, with three cursors,
 * appended >= sent >= released. The producer appends while there is room; the consumer peeks, marks what it has handed to its
 * transport as sent, and releases what is no longer needed (h1 on write, h2 when the frame is copied, h3 on acknowledgement).
 * Nothing is copied: a segment holds a count on its buffer.
 *
 * A segment may also be a stretch of a file, which takes no memory: only for a consumer that says it sends such (exchange_takes_file), and
 * which hands it to the system as it is.
 *
 * A body that is held keeps what the consumer has released, so that it can be sent once more, for as long as it stays small:
 *   body_hold --> released bytes are kept --> body_rewind, from the beginning | too many bytes or segments, body_let_go --> as ever */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "net/buf.h"

#define BODY_SEGMENTS 8

struct body_segment {
	union {
		const char *ptr;
		uint64_t from; /* of a file: the offset */
	};
	uint32_t len;
	int fd;          /* a file, borrowed as long as the exchange has its back leg; -1: memory */
	struct buf *buf; /* counted; NULL: memory that outlives the exchange's use of it */
};

struct body {
	uint64_t appended, sent, released; /* bytes since the beginning */
	size_t limit;                      /* bytes in the queue at most */
	size_t hold;                       /* bytes that may be kept for a rewind; 0: not held */
	size_t kept;                       /* bytes released by the consumer, and kept */
	struct body_segment usual[BODY_SEGMENTS];
	struct body_segment *at;           /* a ring: `usual`, or a larger one (body_widen) */
	uint16_t first, n, cap;            /* cap is a power of two */
	bool end;                          /* the producer is done; trailers are in the message */
};

void body_init(struct body *b, size_t limit);
/* `to` (uninitialised) takes over all of `from`, which is to be initialised anew. */
void body_move(struct body *to, const struct body *from);
/* More bytes may be in the queue than body_init said. `ring` has `cap` places, a power of two and
 * at least BODY_SEGMENTS; it must outlive the body. */
void body_widen(struct body *b, size_t limit, struct body_segment *ring, uint16_t cap);
/* Drops everything. */
void body_fini(struct body *b);
/* How many bytes may be appended now; 0 when full in bytes or segments. */
size_t body_room(const struct body *b);
/* How many more pieces that do not follow one another in memory can be appended. */
static inline unsigned body_places(const struct body *b)
{
	return (unsigned)b->cap - b->n;
}
/* len must be within body_room; takes a count of its own on buf (may be NULL). */
void body_append(struct body *b, const char *ptr, size_t len, struct buf *buf);
/* Needs room, but takes none besides its place, however long it is (up to 4 GiB). */
void body_append_file(struct body *b, int fd, uint64_t from, size_t len);
/* What is appended and not sent, in order, up to a stretch of a file; returns the number of iovecs filled. */
int body_peek(const struct body *b, struct iovec *iov, int n_iov);
/* The stretch of a file behind the first `after` unsent pieces: its length, or 0 if there is none. */
size_t body_peek_file(const struct body *b, int after, int *fd_out, uint64_t *from_out);
void body_sent(struct body *b, size_t n);
void body_release(struct body *b, size_t n);
/* Sends and releases everything that waits, to nowhere. */
void body_drop(struct body *b);
/* n bytes went by the queue, in which none wait and none are kept. */
static inline void body_pass(struct body *b, size_t n)
{
	b->appended += n;
	b->sent += n;
	b->released += n;
}
/* Moves up to `most` unsent bytes on into another queue, as far as that has room, without copying; how many. Neither side may hold. */
size_t body_forward(struct body *from, struct body *to, size_t most);
/* Nothing may have been sent. At most `most` bytes are kept, and less than the queue's limit. */
void body_hold(struct body *b, size_t most);
void body_let_go(struct body *b);
/* True if all that was sent can be sent again. */
bool body_can_rewind(const struct body *b);
void body_rewind(struct body *b);
static inline size_t body_unsent(const struct body *b)
{
	return (size_t)(b->appended - b->sent);
}
/* Everything is sent and nothing will follow. */
static inline bool body_is_spent(const struct body *b)
{
	return b->end && b->appended == b->sent;
}
