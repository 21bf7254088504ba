/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One TLS session in either role, as the transport of a connection. Internal to tls/.
 *
 *   session_new --conn_secure--> handshake steps --> records --> close
 *
 * GnuTLS reads from `in` and writes into `out`, never from the socket: so one wake-up is one recv, what one call writes leaves by one
 * send, and GnuTLS never sees a send that would block, in whose repetition bytes get lost. Both buffers are lent from the worker's pool
 * while they hold something. What is sealed into `out` and did not all fit the socket counts as not taken (`owed`) until it has left:
 * the caller shows the same bytes again.
 *
 * Early data (0-RTT) is kept until the handshake is through, and only then read. The client's Finished covers our own random bytes, so
 * somebody who repeats a recorded first flight, here or to another gateway with the same ticket keys, never has it read. */
#pragma once

#include <gnutls/gnutls.h>

#include "net/buf.h"
#include "net/conn.h"
#include "tls/info.h"

/* Bytes that GnuTLS takes from a peer without anything to show for it: a handshake with a long chain has half as many. Of itself it keeps
 * 16 MiB of a message that does not end, for anybody who connects. */
#define SILENT_MOST 65536u

struct session;
struct tls_target;
struct tls_worker;

/* What the verification of a server rests on; a session that resumes it rests on the same. */
struct trusted {
	uint64_t number;             /* of the trust (tls/client.h) */
	time_t until;                /* when the first certificate of its chain expires; 0: never, or nobody looked */
};

/* What is needed only until the handshake is through. */
struct session_shake {
	bool (*done)(struct session *s); /* the role's last word: verifies what resumed, takes notes. False: `why` and `alert` say more */
	void (*explain)(struct session *s, int rc); /* refuses, where it knows better what GnuTLS's error means; NULL: never */
	void (*failed)(struct session *s); /* logs `why` */
	void (*free)(struct session_shake *k);
	void *role;                  /* the role's own */
	gnutls_alert_description_t alert; /* of `why` */
	int err;                     /* what a failure is to the connection's user; 0: ERR_PROTOCOL */
	char why[160];               /* why we gave up; empty: GnuTLS's error says it */
};

struct session {
	unsigned magic;
#define SESSION_MAGIC 0x715e55a1u
	gnutls_session_t gnutls;     /* owned */
	struct conn *conn;           /* whose operation is on the stack; borrowed */
	struct tls_worker *worker;   /* borrowed */
	struct session_shake *shake; /* owned; NULL: through */
	struct tls_info *info;       /* counted; NULL in the client's role */
	struct tls_target *target;   /* borrowed; NULL in the server's role */
	struct trusted trusted;      /* in the client's role */
	struct buf *in, *out;        /* counted; NULL: empty */
	struct buf *early;           /* counted; early data that waits for its reader; NULL: none */
	uint32_t in_at, in_end, out_at, out_end, early_at, early_end;
	uint32_t in_taken;           /* by GnuTLS, in the handshake or since it last gave something to read */
	uint32_t in_most;            /* of that */
	uint32_t early_most;         /* bytes of early data that are taken; 0: none */
	uint32_t owed;               /* plaintext in `out` that the caller does not know to be taken */
	uint32_t burst;              /* plaintext sealed since the connection was quiet */
	uint64_t sealed_ms;          /* when the last record was sealed */
	int ending;                  /* 1: nothing; 0: the peer's orderly end, or ERR_*: what each further read tells */
	bool ending_told;
	bool is_client;
	uint8_t fills;               /* of `in`, in this call */
	uint8_t n_tickets;           /* that were looked at in this call */
	bool drained;                /* the socket had nothing more in this call */
	bool is_bulk;                /* it filled the last buffer */
	bool shaken;                 /* the handshake is through but for sending its last bytes */
	bool failed;                 /* no more than an alert can be sent */
	bool ended;                  /* close_notify was sent */
	bool shut;                   /* the socket's direction is to end when `out` is empty */
};

extern const struct conn_ops session_ops;

/* A session with the flags of GNUTLS_CLIENT or GNUTLS_SERVER; `shake` belongs to it in any case. NULL: out of memory. */
struct session *session_new(struct tls_worker *w, unsigned flags, struct session_shake *shake);
/* For those that never became a transport. */
void session_free(struct session **s);
/* The session of a connection whose transport is one. */
struct session *session_of(const struct conn *c);

/* Sends what `out` holds: 0, ERR_AGAIN, or another ERR_*. */
int session_send(struct session *s);
/* GnuTLS wanted more of the peer's bytes than it may take. */
static inline bool session_is_overfed(const struct session *s)
{
	return s->in_taken >= s->in_most;
}
/* One step, for session_ops (handshake.c). */
int session_handshake(struct conn *c, unsigned *want_out);
/* The alert that the peer sent, by its name. */
const char *session_alert(const struct session *s, char *text, size_t room);
/* Sets why the handshake fails. */
void session_refuse(struct session *s, gnutls_alert_description_t alert, int err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
