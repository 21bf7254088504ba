/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a codec in the back role shows to backend/: connections to a server that carry exchanges. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "http/exchange.h"
#include "net/addr.h"
#include "toron/gateway.h"

struct back_conn;
struct toron_back;
struct conn;
struct conn_user;
struct tls_target;

/* Who owns back connections. Called at most once per change, from inside the codec; the owner must not free anything then. */
struct back_user {
	void (*over)(struct back_conn *b);     /* one of its exchanges is over, and another may be attached */
	void (*capacity)(struct back_conn *b); /* it carries more or fewer at a time from now on */
	void (*became)(struct back_conn *b, struct back_conn *to); /* another codec has taken over what b carries; b is gone */
	void (*gone)(struct back_conn *b);     /* closed, with all that it carries; the memory goes at the end of the turn */
};

struct back_limits {
	_Atomic uint64_t *wire; /* where the bytes are counted (loop/count.h); NULL: nowhere */
	uint32_t connect_ms, first_byte_ms, idle_ms, pool_idle_ms;
	struct toron_pace response; /* of its body */
	uint32_t streams; /* exchanges at a time on one connection, where its protocol can; 0: the usual */
	uint32_t streams_at_first; /* the same until the server says how many it takes; 0: the usual */
};

/* The part of a back connection that its owner sees; the codec embeds it. */
struct back_conn {
	struct list link;            /* the owner's: among those with room */
	struct list open;            /* the owner's: among all */
	const struct toron_back *codec;
	const struct back_user *user;
	void *owner;                 /* the owner's */
	uint32_t n_active;           /* the owner's: exchanges attached */
	bool is_idle;                /* the owner's: counted as such */
	bool connecting;
	uint32_t capacity;           /* exchanges that it carries at a time; 0: no new ones */
	uint32_t good_for;           /* as many as the next connection to this server had better begin with; 0: not known */
	struct back_limits limits;
	uint32_t n_exchanges;        /* carried so far, the present one included */
};

struct toron_back {
	const char *name;
	bool may_refuse; /* servers can say that they have not acted on a request whose body is under way (BACK_REFUSED, BACK_LEFT) */
	/* Starts to connect, with TLS where `tls` is not NULL. NULL: out of memory or descriptors. */
	struct back_conn *(*open)(struct worker *w, const struct addr *to, struct tls_target *tls, const struct back_user *user,
		void *owner, const struct back_limits *limits);
	/* The same on a connection of another codec's that is open, once it is known what is spoken there. NULL: out of memory, and nothing has
	 * changed; else `from` is closed. The table's member is NULL for a codec that is never chosen so. */
	struct back_conn *(*adopt)(struct conn *from, const struct back_user *user, void *owner, const struct back_limits *limits);
	/* The leg for one exchange, to be handed to exchange_attach_back or exchange_change_back. The connection has room (n_active, which counts this one already, is
	 * at most its capacity), and may be still connecting. NULL: out of memory. */
	struct leg *(*leg)(struct back_conn *b, const struct back_limits *limits);
	/* Closes a connection that carries no exchange any more, though perhaps their remains; `gone` is told now or later in this turn. */
	void (*close)(struct back_conn *b);
	/* False, and it is closed, if an idle connection turns out to be of no use: its server has closed it, or sent what nobody asked
	 * for. NULL: it always is. */
	bool (*is_fit)(struct back_conn *b);
};

/* What open begins with: conn_connect, and the client's side of TLS on top. 0, or ERR_* and nothing is open. */
int back_connect(struct conn *c, struct worker *w, const struct addr *to, struct tls_target *tls, const struct conn_user *user);
/* What it means when user->connected is told `err`. */
enum fault back_connect_fault(int err);
