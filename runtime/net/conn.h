/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A byte-stream connection: a non-blocking socket, its watcher and one deadline. The codec above embeds it, and owns it.
 *
 * The transport (plain TCP; TLS later) sits behind conn_ops, the one interface in which net and tls meet. Reads and writes are
 * tried at once; only ERR_AGAIN arms a watcher. Read interest stays on for life but for back-pressure (conn_pause). A connection belongs
 * to one worker for life.
 *
 *   conn_init (accepted) -----------> OPEN ---> CLOSED
 *   conn_connect --> CONNECTING ------^
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "loop/worker.h"
#include "net/addr.h"

struct conn;

/* What the owner is told. A callback may call conn_close on its own connection, but must not free its memory before
 * the end of the turn (loop_defer). */
struct conn_user {
	void (*connected)(struct conn *c, int err); /* the end of conn_connect: 0 or ERR_*; after an error the conn is closed */
	void (*readable)(struct conn *c);           /* bytes, EOF or an error wait: call conn_read */
	void (*writable)(struct conn *c);           /* after a conn_writev that did not take everything */
	void (*timeout)(struct conn *c);            /* the deadline passed */
};

struct conn_ops {
	const char *name;
	/* Bytes > 0; 0 at the end of the stream; ERR_AGAIN or another ERR_*. */
	ptrdiff_t (*read)(struct conn *c, void *into, size_t room);
	/* Bytes >= 0 taken; ERR_AGAIN (nothing taken) or another ERR_*. */
	ptrdiff_t (*writev)(struct conn *c, const struct iovec *iov, int n);
	/* Half-closes our direction. */
	void (*shutdown)(struct conn *c);
	void (*close)(struct conn *c);
};
extern const struct conn_ops conn_plain;

enum conn_state { CONN_CLOSED, CONN_CONNECTING, CONN_OPEN };

struct conn {
	unsigned magic;
#define CONN_MAGIC 0x4c1e93a7u
	int fd;
	enum conn_state state;
	bool paused;               /* reading is off (back-pressure) */
	struct worker *worker;     /* borrowed */
	const struct conn_user *user;
	const struct conn_ops *ops;
	struct loop_io io;
	struct loop_timer timer;
	struct addr peer;
};

/* Takes over a connected, non-blocking fd. Read interest starts. */
void conn_init(struct conn *c, struct worker *w, int fd, const struct addr *peer, const struct conn_user *user);
/* Opens a socket (TCP_NODELAY) and starts to connect; user->connected is told later, never from inside this call. 0, or ERR_* and
 * nothing is open. The caller sets a deadline; if it passes, user->timeout is called. */
int conn_connect(struct conn *c, struct worker *w, const struct addr *to, const struct conn_user *user);
static inline ptrdiff_t conn_read(struct conn *c, void *into, size_t room)
{
	return c->ops->read(c, into, room);
}
/* Arms the write watcher when not everything was taken, and disarms it when everything was. */
ptrdiff_t conn_writev(struct conn *c, const struct iovec *iov, int n);
void conn_pause(struct conn *c);  /* stop reading; no-op when paused */
void conn_unpause(struct conn *c);
void conn_deadline(struct conn *c, uint64_t ms); /* from now; 0: none */
void conn_shutdown(struct conn *c);
/* Closes the descriptor and stops all callbacks; safe to call twice. */
void conn_close(struct conn *c);
/* Closes with RST, so that the peer does not take a cut-off body for a whole one. */
void conn_abort(struct conn *c);
