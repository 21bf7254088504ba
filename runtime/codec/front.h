/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a codec in the front role shows to boot/ and to other codecs: how to take a connection, and how to drain. */
#pragma once

#include "base/str.h"
#include "net/buf.h"
#include "net/conn.h"
#include "net/listen.h"

struct exchange;

/* Every open front connection is on its worker's list, for draining. */
struct front_link {
	struct list link;
	/* Ends the connection as soon as nothing is in flight on it: at once when idle. `now`: abort what is in flight. */
	void (*drain)(struct front_link *f, bool now);
};

struct toron_front {
	const char *name;
	/* A fresh connection of a listener. */
	listen_accept_fn *accept;
	/* An open connection that another front has begun: the handshake of TLS, or HTTP/1.1 that found another version's preface. The bytes
	 * in->bytes[at..end) have come already (in NULL: none; the callee takes its own count). `from` is closed afterwards, also on
	 * failure. It counts in l->open since it was accepted, and goes on to: whoever closes it counts down. The caller has
	 * taken its own front_link off the worker's list. */
	void (*take)(struct worker *w, const struct toron_listener *l, struct conn *from, struct buf *in, uint32_t at,
		uint32_t end);
	/* The same for HTTP/1.1 that was asked to go on in HTTP/2 (RFC 7540 section 3.2): `x`, whose request is whole and whose head was not yet
	 * reported, becomes the first stream; `settings` is the value of HTTP2-Settings. False: nothing was done, and the
	 * caller goes on by itself. NULL: never. */
	bool (*upgrade)(struct worker *w, const struct toron_listener *l, struct conn *from, struct exchange *x, struct str settings,
		struct buf *in, uint32_t at, uint32_t end);
};

/* Counts a fresh connection in, or refuses it (logged) where the listener has as many as it may. */
bool front_admit(const struct worker *w, const struct toron_listener *l);
