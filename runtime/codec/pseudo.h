/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Heads of HTTP versions that have pseudo fields (RFC 9113 section 8, RFC 9114 section 4) to messages and back, for both roles.
 *
 * The bytes were checked by whoever decodes them: names are lower-case tokens, values hold no CR, LF or NUL and are trimmed, pseudo fields come
 * first and once. What they mean together is checked here. A request that asks for another protocol (extended CONNECT, RFC 8441)
 * becomes what it is in HTTP/1.1: a GET with an upgrade; 101 stands for the answer that takes it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/fault.h"
#include "http/msg.h"

struct pseudo_limits {
	uint32_t header_bytes; /* of names and values, and 32 a field (RFC 9113 section 6.5.2) */
	uint32_t header_count;
	uint32_t uri_bytes;
};

/* A head or trailer section that is being received. Begins zeroed. */
struct pseudo {
	struct str host, cookie, status;
	struct str content_length;
	char *cookie_room;     /* where `cookie` stands, with room for cookie_cap bytes */
	uint32_t cookie_cap;
	uint32_t bytes, count;
	bool two_hosts, bad;
	enum fault fault;      /* the first; further fields are not kept */
};

/* One field of a head; copies what it keeps into the arena. */
void pseudo_take(struct pseudo *p, const struct pseudo_limits *limits, struct arena *a, struct msg *m, struct str name,
	struct str value);
/* One field of a trailer section. */
void pseudo_take_trailer(struct pseudo *p, const struct pseudo_limits *limits, struct arena *a, struct msg *m, struct str name,
	struct str value);
/* The head is whole. `ends`: no body follows. FAULT_NONE, or why it is refused. */
enum fault pseudo_end_request(struct pseudo *p, struct arena *a, struct msg *m, bool ends);
/* The same for a response. `request` is what it answers. Interim ones have a status below 200. */
enum fault pseudo_end_response(struct pseudo *p, const struct msg *request, struct arena *a, struct msg *m, bool ends);

/* Takes one field of a head that is to be sent; `secret`: it must not enter a table that compression keeps. */
typedef void pseudo_put(void *to, struct str name, struct str value, bool secret);
/* How many fields a head has at most when it is sent. */
size_t pseudo_count(const struct msg *m);
/* Their text is the message's own or the arena's. `scheme` is that of the connection. False: over the arena's budget. */
bool pseudo_put_request(const struct msg *m, struct str scheme, struct arena *a, pseudo_put *put, void *to);
bool pseudo_put_response(const struct msg *m, struct arena *a, pseudo_put *put, void *to);
void pseudo_put_trailers(const struct fields *f, pseudo_put *put, void *to);
