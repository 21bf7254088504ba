/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A byte-stream connection: a non-blocking socket, its watcher and one deadline. The codec above embeds it, and owns it.
 *
 * The transport (plain TCP or TLS) sits behind conn_ops, the one interface in which net and tls meet. Reads and writes are
 * tried at once; only ERR_AGAIN arms a watcher. Read interest stays on for life but for back-pressure (conn_pause). A connection belongs
 * to one worker for life.
 *
 *   conn_init (accepted) --------------------------> OPEN ---> CLOSED
 *            \--conn_secure--> HANDSHAKE -----------^
 *   conn_connect --> CONNECTING --conn_secure was called--> HANDSHAKE --> OPEN
 *
 * A transport that keeps bytes which the kernel no longer shows (decrypted ones, say) tells by `pending`; the connection then calls
 * readable again without an event of the socket, once in each turn. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "loop/worker.h"
#include "net/addr.h"
#include "toron/str.h"

struct conn;
struct tls_info;

/* What the owner is told. A callback may call conn_close on its own connection, but must not free its memory before
 * the end of the turn (loop_defer). */
struct conn_user {
	void (*connected)(struct conn *c, int err); /* the end of conn_connect or of the handshake: 0 or ERR_*; after an error
	                                             * the conn is closed */
	void (*readable)(struct conn *c);           /* bytes, EOF or an error wait: call conn_read */
	void (*writable)(struct conn *c);           /* after a conn_writev that did not take everything */
	void (*timeout)(struct conn *c);            /* the deadline passed */
};

/* A stretch of a regular file. */
struct conn_file {
	int fd;
	uint64_t from;
	size_t len; /* not 0 */
};

struct conn_ops {
	const char *name;
	/* Bytes > 0; 0 at the end of the stream; ERR_AGAIN or another ERR_*. */
	ptrdiff_t (*read)(struct conn *c, void *into, size_t room);
	/* The same into several pieces, one after the other. NULL: what comes of this transport comes in small ones. */
	ptrdiff_t (*readv)(struct conn *c, const struct iovec *iov, int n);
	/* Bytes >= 0 taken; ERR_AGAIN (nothing taken) or another ERR_*. A transport may have begun to send bytes that it has not taken
	 * yet, so what follows a call that did not take all is a call that begins with the very same bytes, or the end. */
	ptrdiff_t (*writev)(struct conn *c, const struct iovec *iov, int n);
	/* The same with a file behind the bytes (n may be 0), which go through no memory of ours. ERR_NOT_FOUND: nothing was taken, since the
	 * file ends before that stretch does, or cannot be read. NULL: this transport must see the bytes. */
	ptrdiff_t (*send_file)(struct conn *c, const struct iovec *iov, int n, const struct conn_file *f);
	/* Half-closes our direction. */
	void (*shutdown)(struct conn *c);
	/* `abort`: what was sent must not look whole to the peer. */
	void (*close)(struct conn *c, bool abort);
	/* One step of the handshake: 0 when it is through; ERR_AGAIN, and *want_out is what to wait for (enum loop_ready; 0: only for the
	 * next turn); or another ERR_*. NULL: there is none. */
	int (*handshake)(struct conn *c, unsigned *want_out);
	/* Sends what the transport holds besides what it was given to write (and armed the write watcher for): 0 when nothing is left;
	 * ERR_AGAIN; or another ERR_*, which reading will tell. NULL: it never holds anything. */
	int (*flush)(struct conn *c);
	/* Whether a read would find bytes without asking the kernel; NULL: never. */
	bool (*pending)(const struct conn *c);
	/* What both sides have agreed to speak (ALPN), as long as the connection is open; STR_NONE: nothing. NULL: never anything. */
	struct str (*protocol)(const struct conn *c);
};
extern const struct conn_ops conn_plain;

enum conn_state { CONN_CLOSED, CONN_CONNECTING, CONN_HANDSHAKE, CONN_OPEN };

struct conn {
	unsigned magic;
#define CONN_MAGIC 0x4c1e93a7u
	int fd;
	enum conn_state state;
	bool paused;               /* reading is off (back-pressure) */
	int refused;               /* CONNECTING: why that has failed already, which is told in the next turn; 0: it has not */
	struct worker *worker;     /* borrowed */
	const struct conn_user *user;
	const struct conn_ops *ops;
	void *transport;           /* of ops, which free it in close; NULL: plain */
	struct loop_io io;
	struct loop_timer timer;
	struct loop_task again;    /* reads what is pending in the next turn */
	struct addr peer;
	_Atomic uint64_t *wire;    /* the owner sets it: where the socket's bytes are counted (enum count_wire), moved along; NULL: nowhere */
	uint64_t written;          /* bytes that conn_writev and conn_send_file took */
	struct tls_info *tls;      /* what the handshake told of a client, the transport's (tls/info.h); NULL: nothing */
};

/* Takes over a connected, non-blocking fd. Read interest starts. */
void conn_init(struct conn *c, struct worker *w, int fd, const struct addr *peer, const struct conn_user *user);
/* Opens a socket (TCP_NODELAY) and starts to connect; user->connected is told how that ends later, never from inside this call, also
 * where the system has refused at once. 0, or ERR_NO_MEMORY (or descriptors, or ports) and nothing is open. The caller sets a deadline; if it
 * passes, user->timeout is called. */
int conn_connect(struct conn *c, struct worker *w, const struct addr *to, const struct conn_user *user);
/* Puts another transport in place of plain TCP: at once when the connection is open, else when it is connected. user->connected tells
 * the end of the handshake, never from inside this call. `transport` belongs to the connection from here on. */
void conn_secure(struct conn *c, const struct conn_ops *ops, void *transport);
/* Hands an open connection over to another owner: `to` (uninitialised) takes the descriptor, the transport and whether reading is paused,
 * with no deadline set; `from` is closed without a callback. */
void conn_move(struct conn *to, struct conn *from, const struct conn_user *user);
static inline ptrdiff_t conn_read(struct conn *c, void *into, size_t room)
{
	return c->ops->read(c, into, room);
}
/* The protocol that the handshake has agreed on; STR_NONE: none, and in clear text. */
static inline struct str conn_protocol(const struct conn *c)
{
	return c->ops->protocol != NULL ? c->ops->protocol(c) : STR_NONE;
}
/* Arms the write watcher when not everything was taken, and disarms it when everything was. */
ptrdiff_t conn_writev(struct conn *c, const struct iovec *iov, int n);
/* Only where the transport has the operation. Likewise. */
ptrdiff_t conn_send_file(struct conn *c, const struct iovec *iov, int n, const struct conn_file *f);
/* How much of what was written the peer's system has taken, up to a constant: for differences. */
uint64_t conn_taken(const struct conn *c);
/* What this turn has found and not told yet is read at once: afterwards, what the peer sent before the turn began has been seen. Costs
 * nothing when there is nothing. */
void conn_catch_up(struct conn *c);
void conn_pause(struct conn *c);  /* stop reading; no-op when paused */
void conn_unpause(struct conn *c);
/* From now; 0: none. */
static inline void conn_deadline(struct conn *c, uint64_t ms)
{
	if (c->state == CONN_CLOSED)
		return;
	if (ms == 0)
		loop_timer_clear(&c->timer);
	else
		loop_timer_set(&c->timer, ms);
}
void conn_shutdown(struct conn *c);
/* Closes the descriptor and stops all callbacks; safe to call twice. */
void conn_close(struct conn *c);
/* Closes with RST, so that the peer does not take a cut-off body for a whole one. */
void conn_abort(struct conn *c);
