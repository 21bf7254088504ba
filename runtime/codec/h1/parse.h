/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The syntax of HTTP/1.1 message heads (RFC 9112), strict: no bare CR or LF, no obs-fold, no space before a colon, no control bytes, one
 * Content-Length, Transfer-Encoding only "chunked" and never beside Content-Length. Pure functions over bytes in a receive
 * buffer; field names are lowered in place, everything else is referenced. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/fault.h"
#include "http/msg.h"

enum h1_framing { H1_NO_BODY, H1_LENGTH, H1_CHUNKED, H1_UNTIL_CLOSE };

/* What a head says about the connection and the body, beside the message. */
struct h1_head {
	size_t len;           /* of the head, its empty line included; 0: the bytes end before the head does */
	enum h1_framing framing;
	bool keep_alive;
	bool upgrade;         /* "connection: upgrade" with an upgrade field */
	bool h2c;             /* a request without a body that would go on in HTTP/2 */
};

struct h1_limits {
	uint32_t header_bytes; /* of the whole head */
	uint32_t header_count;
	uint32_t uri_bytes;
};

/* The length of the head at the start of bytes, its empty line included; 0 while incomplete. *scanned is how far earlier calls looked (0 at
 * first). Leading empty lines are not skipped here: see h1_skip_empty. */
size_t h1_head_length(const char *bytes, size_t len, size_t *scanned);
/* How many bytes of leading CRLF to ignore before a request line (RFC 9112 section 2.2): at most `most` lines. */
size_t h1_skip_empty(const char *bytes, size_t len, unsigned most);

/* Parses the head at the start of `len` bytes, which may hold more, or less. The result is FAULT_NONE or what is wrong (a response:
 * FAULT_BACK_PROTOCOL). `m` was initialised; fields go to the arena. After FAULT_NONE with head_out->len 0, `m` is to be parsed anew
 * when more bytes have come. */
enum fault h1_parse_request(char *bytes, size_t len, const struct h1_limits *limits, struct arena *a, struct msg *m,
	struct h1_head *head_out);
/* `method_is_head`: the request was HEAD, so that no body follows. */
enum fault h1_parse_response(char *bytes, size_t len, const struct h1_limits *limits, struct arena *a, bool method_is_head,
	struct msg *m, struct h1_head *head_out);
/* A trailer section, its empty line included; see field_trailer_use. */
enum fault h1_parse_trailers(char *bytes, size_t len, const struct h1_limits *limits, struct arena *a, struct fields *out);

/* ---- chunked coding (RFC 9112 section 7.1) ---- */
enum h1_chunk_state { H1_CHUNK_SIZE, H1_CHUNK_SPACE, H1_CHUNK_EXTENSION, H1_CHUNK_SIZE_LF, H1_CHUNK_DATA, H1_CHUNK_DATA_CR,
	H1_CHUNK_DATA_LF, H1_CHUNK_TRAILERS };
struct h1_chunks {
	enum h1_chunk_state state;
	uint8_t digits;        /* of the size so far */
	uint16_t line;         /* bytes of the size line so far */
	uint64_t left;         /* of the chunk's data */
};
/* Takes framing bytes off the front of [bytes, len) up to the next data or the trailers: returns how many were taken, or ERR_PROTOCOL.
 * Afterwards state is H1_CHUNK_DATA (left > 0 bytes of data follow), H1_CHUNK_TRAILERS, or another (more bytes needed). */
ptrdiff_t h1_chunks_step(struct h1_chunks *c, const char *bytes, size_t len);
