/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Records: the connection's reads and writes, between two staging buffers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "base/log.h"
#include "loop/count.h"
#include "tls/client.h"
#include "tls/session.h"
#include "tls/worker.h"

#define RECORD_MOST 16384u      /* plaintext of a record (RFC 8446 section 5.1) */
#define RECORD_FIRST 4096u      /* of the first one after a pause: three packets, and it can be read */
#define RECORD_OVERHEAD 512u    /* more than any cipher adds, and a key update that goes before */
#define QUIET_MS 1000u
#define WARNINGS_MOST 4         /* in one read */
#define DISCARD_MOST 16         /* buffers of what comes after the end */
#define FILLS_MOST 4            /* of the buffer in one call: tickets and key updates without end take a turn each time */

struct session *session_of(const struct conn *c)
{
	struct session *s = c->transport;

	CHECK(c->ops == &session_ops);
	CHECK_MAGIC(s, SESSION_MAGIC);
	return s;
}

/* ---- what GnuTLS takes for the socket ---- */

static ssize_t receive(const struct session *s, void *into, size_t room)
{
	ssize_t n;

	do
		n = recv(s->conn->fd, into, room, 0);
	while (n < 0 && errno == EINTR);
	count_wire(s->conn->wire, COUNT_WIRE_IN, n);
	return n;
}

/* Asks the socket, again in the same call of ours if it has filled the buffer, but not without end. */
static ssize_t fill(struct session *s)
{
	ssize_t n;

	if (s->drained || s->fills == FILLS_MOST) {
		errno = EAGAIN;
		return -1;
	}
	s->fills++;
	if (s->in == NULL)
		s->in = buf_acquire(s->conn->worker->bufs, s->is_bulk ? BUF_LARGE : BUF_SMALL / 2);
	if (s->in == NULL) {
		errno = ENOBUFS;
		return -1;
	}
	s->in_at = s->in_end = 0;
	n = receive(s, s->in->bytes, s->in->cap);
	s->drained = n < (ssize_t)s->in->cap;
	if (n > 0) {
		s->is_bulk = !s->drained;
		s->in_end = (uint32_t)n;
	}
	return n;
}

static ssize_t pull(gnutls_transport_ptr_t to, void *into, size_t len)
{
	struct session *s = to;
	size_t n;

	if (session_is_overfed(s)) {
		gnutls_transport_set_errno(s->gnutls, EMSGSIZE);
		return -1;
	}
	if (s->in_at == s->in_end) {
		ssize_t got = fill(s);

		/* Without a buffer of our own, GnuTLS's will do. */
		if (got < 0 && errno == ENOBUFS) {
			got = receive(s, into, len);
			s->in_taken += got > 0 ? (uint32_t)got : 0;
		} else if (got > 0) {
			got = 1;
		}
		if (got < 0)
			gnutls_transport_set_errno(s->gnutls, errno);
		if (got <= 0 || s->in_at == s->in_end)
			return got;
	}
	n = s->in_end - s->in_at;
	if (n > len)
		n = len;
	memcpy(into, s->in->bytes + s->in_at, n);
	s->in_at += (uint32_t)n;
	s->in_taken += (uint32_t)n;
	return (ssize_t)n;
}

static int pull_is_ready(gnutls_transport_ptr_t to, unsigned ms)
{
	const struct session *s = to;

	(void)ms;
	return s->in_at != s->in_end;
}

/* Room for `len` more bytes, or NULL. */
static char *reserve(struct session *s, size_t len)
{
	size_t held = s->out_end - s->out_at;
	struct buf *fresh;

	if (s->out != NULL && s->out->cap - s->out_end >= len)
		return s->out->bytes + s->out_end;
	fresh = buf_acquire(s->conn->worker->bufs, held + len);
	/* In clear, what goes out needs no memory; over TLS it must not be what waits for memory, which comes back when it has gone. */
	if (fresh == NULL && held + len <= BUF_SMALL - sizeof(struct buf))
		fresh = buf_acquire_beyond(s->conn->worker->bufs);
	if (fresh != NULL && held + len > fresh->cap)
		buf_release(&fresh);
	if (fresh == NULL)
		return NULL;
	if (held != 0)
		memcpy(fresh->bytes, s->out->bytes + s->out_at, held);
	buf_release(&s->out);
	s->out = fresh;
	s->out_at = 0;
	s->out_end = (uint32_t)held;
	return fresh->bytes + held;
}

static ssize_t push(gnutls_transport_ptr_t to, const void *bytes, size_t len)
{
	struct session *s = to;
	char *room = reserve(s, len);

	if (room == NULL) {
		gnutls_transport_set_errno(s->gnutls, ENOMEM);
		return -1;
	}
	memcpy(room, bytes, len);
	s->out_end += (uint32_t)len;
	return (ssize_t)len;
}

int session_send(struct session *s)
{
	ssize_t n;

	while (s->out_at != s->out_end) {
		n = send(s->conn->fd, s->out->bytes + s->out_at, s->out_end - s->out_at, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_of_errno(errno);
		count_wire(s->conn->wire, COUNT_WIRE_OUT, n);
		s->out_at += (uint32_t)n;
		if (s->out_at != s->out_end)
			return ERR_AGAIN;
	}
	buf_release(&s->out);
	s->out_at = s->out_end = 0;
	if (s->shut)
		shutdown(s->conn->fd, SHUT_WR);
	s->shut = false;
	return 0;
}

/* For what nobody waits for: what the socket does not take now goes when it can. */
static void send_aside(struct session *s)
{
	struct loop_io *io = &s->conn->io;

	if (s->out_at != s->out_end && session_send(s) == ERR_AGAIN)
		loop_io_want(io, loop_io_wanted(io) | LOOP_WRITE);
}

/* ---- reading ---- */

/* After GnuTLS's error: 1 when it is none that ends the session, else what reading tells from now on. */
static int judge(struct session *s, ssize_t rc, int *warnings)
{
	char why[160];

	if (rc == GNUTLS_E_WARNING_ALERT_RECEIVED && ++*warnings <= WARNINGS_MOST)
		return 1;
	/* In TLS 1.3 a server may refuse our certificate after the handshake. */
	if (rc == GNUTLS_E_FATAL_ALERT_RECEIVED && s->target != NULL)
		tls_target_log(s, session_alert(s, why, sizeof(why)));
	if (!session_is_overfed(s) && (rc == GNUTLS_E_PREMATURE_TERMINATION || rc == GNUTLS_E_PULL_ERROR ||
		rc == GNUTLS_E_FATAL_ALERT_RECEIVED || rc == GNUTLS_E_SESSION_EOF))
		return ERR_RESET;
	s->failed = true;
	/* RFC 5746 or not: nobody changes the terms of a session. */
	if (rc == GNUTLS_E_REHANDSHAKE)
		gnutls_alert_send(s->gnutls, GNUTLS_AL_WARNING, GNUTLS_A_NO_RENEGOTIATION);
	else
		gnutls_alert_send_appropriate(s->gnutls, (int)rc);
	log_event(LOG_DEBUG, "tls-failed", "%s", gnutls_strerror((int)rc));
	return ERR_PROTOCOL;
}

/* The plaintext that is there, up to `room`. */
static size_t open_records(struct session *s, char *into, size_t room)
{
	size_t got = 0;
	int warnings = 0;

	while (got < room && s->ending == 1) {
		uint32_t before = s->in_end - s->in_at;
		ssize_t n = gnutls_record_recv(s->gnutls, into + got, room - got);

		if (n > 0) {
			got += (size_t)n;
			s->in_taken = 0;
		} else if (n == 0) {
			s->ending = 0;
		} else if (n != GNUTLS_E_AGAIN && n != GNUTLS_E_INTERRUPTED) {
			s->ending = judge(s, n, &warnings);
		} else if (s->in_at == s->in_end || before == s->in_end - s->in_at) {
			/* A ticket or a key update is no data, and there may be some behind it. */
			break;
		}
	}
	return got;
}

/* What came before the end of the handshake, up to `room`. */
static size_t read_early(struct session *s, char *into, size_t room)
{
	size_t n = s->early_end - s->early_at;

	if (n > room)
		n = room;
	memcpy(into, s->early->bytes + s->early_at, n);
	s->early_at += (uint32_t)n;
	if (s->early_at == s->early_end)
		buf_release(&s->early);
	return n;
}

static ptrdiff_t session_read(struct conn *c, void *into, size_t room)
{
	struct session *s = session_of(c);
	size_t got = 0;

	s->conn = c;
	if (s->early != NULL)
		return (ptrdiff_t)read_early(s, into, room);
	s->drained = false;
	s->fills = s->n_tickets = 0;
	if (s->ending == 1) {
		got = open_records(s, into, room);
		if (s->in_at == s->in_end) {
			buf_release(&s->in);
			s->in_at = s->in_end = 0;
		}
		send_aside(s);
	}
	if (got != 0)
		return (ptrdiff_t)got;
	if (s->ending == 1)
		return ERR_AGAIN;
	s->ending_told = true;
	return s->ending;
}

static bool session_pending(const struct conn *c)
{
	const struct session *s = session_of(c);

	if (s->early != NULL)
		return true;
	if (s->ending != 1)
		return !s->ending_told;
	return s->in_at != s->in_end || gnutls_record_check_pending(s->gnutls) != 0;
}

/* ---- writing ---- */

/* A place in what is to be written. */
struct cursor {
	const struct iovec *iov;
	int n;
	size_t at; /* within iov[0] */
};

static void cursor_skip(struct cursor *k, size_t len)
{
	while (len != 0) {
		CHECK(k->n > 0);
		size_t here = k->iov->iov_len - k->at;

		if (here > len) {
			k->at += len;
			return;
		}
		len -= here;
		k->iov++;
		k->n--;
		k->at = 0;
	}
}

/* The next `len` bytes in one piece: as they lie there, or copied together. */
static const char *cursor_gather(const struct cursor *k, size_t len, char *scratch)
{
	size_t done = 0, at = k->at;

	if (k->iov->iov_len - at >= len)
		return (const char *)k->iov->iov_base + at;
	for (const struct iovec *v = k->iov; done < len; v++) {
		size_t n = v->iov_len - at;

		if (n > len - done)
			n = len - done;
		if (n != 0)
			memcpy(scratch + done, (const char *)v->iov_base + at, n);
		done += n;
		at = 0;
	}
	return scratch;
}

static size_t record_size(struct session *s)
{
	uint64_t now = loop_now_ms(s->conn->worker->loop);

	if (now - s->sealed_ms > QUIET_MS)
		s->burst = 0;
	s->sealed_ms = now;
	return s->burst < RECORD_FIRST ? RECORD_FIRST - s->burst : RECORD_MOST;
}

/* Makes room for a record of `n` bytes, of `left` to be sent, and says how many fit: fewer where memory is short, 0 where there is none or
 * `out` is full. */
static size_t make_room(struct session *s, size_t n, size_t left)
{
	size_t most = BUF_LARGE - sizeof(struct buf) - (s->out_end - s->out_at), here;

	if (most < RECORD_FIRST + RECORD_OVERHEAD)
		return 0;
	if (n > most - RECORD_OVERHEAD)
		n = most - RECORD_OVERHEAD;
	/* One buffer for all that follows, not one a record. */
	if (reserve(s, s->out == NULL && left + RECORD_OVERHEAD > BUF_SMALL / 2 ? BUF_SMALL : n + RECORD_OVERHEAD) != NULL)
		return n;
	if (reserve(s, RECORD_FIRST + RECORD_OVERHEAD) == NULL)
		return 0;
	here = s->out->cap - s->out_end - RECORD_OVERHEAD;
	return n < here ? n : here;
}

/* Seals records into `out` until that is full or all is in. The plaintext sealed, or ERR_*. */
static ptrdiff_t seal(struct session *s, struct cursor *k, size_t left)
{
	char scratch[RECORD_MOST];
	size_t sealed = 0;

	while (sealed < left) {
		size_t n = record_size(s);

		n = make_room(s, n < left - sealed ? n : left - sealed, left);
		if (n == 0)
			return sealed != 0 ? (ptrdiff_t)sealed : ERR_NO_MEMORY;
		ssize_t rc = gnutls_record_send(s->gnutls, cursor_gather(k, n, scratch), n);

		if (rc <= 0) {
			s->failed = true;
			return rc == GNUTLS_E_PUSH_ERROR ? ERR_NO_MEMORY : ERR_RESET;
		}
		cursor_skip(k, (size_t)rc);
		sealed += (size_t)rc;
		s->burst += (uint32_t)rc;
		if (s->burst > RECORD_FIRST)
			s->burst = RECORD_FIRST;
	}
	return (ptrdiff_t)sealed;
}

static ptrdiff_t session_writev(struct conn *c, const struct iovec *iov, int n_iov)
{
	struct session *s = session_of(c);
	struct cursor k = { iov, n_iov, 0 };
	size_t total = 0, taken;
	int rc;

	s->conn = c;
	if (s->failed || s->ended)
		return ERR_RESET;
	rc = session_send(s);
	if (rc != 0)
		return rc;
	for (int i = 0; i < n_iov; i++)
		total += iov[i].iov_len;
	CHECK(s->owed <= total);
	taken = s->owed;
	s->owed = 0;
	cursor_skip(&k, taken);
	while (taken < total) {
		ptrdiff_t sealed = seal(s, &k, total - taken);

		if (sealed < 0)
			return taken != 0 ? (ptrdiff_t)taken : sealed;
		rc = session_send(s);
		if (rc == ERR_AGAIN)
			s->owed = (uint32_t)sealed;
		if (rc != 0)
			return taken != 0 ? (ptrdiff_t)taken : rc;
		taken += (size_t)sealed;
	}
	return (ptrdiff_t)taken;
}

static int session_flush(struct conn *c)
{
	struct session *s = session_of(c);

	s->conn = c;
	return session_send(s);
}

/* ---- ends ---- */

/* Nothing of ours follows. */
static void say_end(struct session *s)
{
	if (s->ended || s->failed || s->shake != NULL)
		return;
	s->ended = true;
	gnutls_bye(s->gnutls, GNUTLS_SHUT_WR);
}

static void session_shutdown(struct conn *c)
{
	struct session *s = session_of(c);

	s->conn = c;
	say_end(s);
	s->shut = true;
	if (s->out_at != s->out_end)
		send_aside(s);
	else
		session_send(s);
}

/* With unread bytes in it, a socket that is closed resets the connection, and takes our alert along. */
static void discard(const struct session *s)
{
	char bytes[4096];

	shutdown(s->conn->fd, SHUT_WR);
	for (int i = 0; i < DISCARD_MOST; i++)
		if (receive(s, bytes, sizeof(bytes)) <= 0)
			return;
}

static void session_close(struct conn *c, bool abort)
{
	struct session *s = session_of(c);

	s->conn = c;
	if (!abort) {
		say_end(s);
		session_send(s);
		if (s->failed)
			discard(s);
	}
	session_free(&s);
	close(c->fd);
}

static struct str session_protocol(const struct conn *c)
{
	gnutls_datum_t name;

	if (gnutls_alpn_get_selected_protocol(session_of(c)->gnutls, &name) != 0)
		return STR_NONE;
	return (struct str){ (const char *)name.data, name.size };
}

const struct conn_ops session_ops = {
	.name = "tls",
	.read = session_read,
	.writev = session_writev,
	.shutdown = session_shutdown,
	.close = session_close,
	.handshake = session_handshake,
	.flush = session_flush,
	.pending = session_pending,
	.protocol = session_protocol,
};

struct session *session_new(struct tls_worker *w, unsigned flags, struct session_shake *shake)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL || gnutls_init(&s->gnutls, flags | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) != 0) {
		free(s);
		shake->free(shake);
		return NULL;
	}
	s->magic = SESSION_MAGIC;
	s->worker = w;
	s->shake = shake;
	s->in_most = SILENT_MOST;
	s->is_client = (flags & GNUTLS_CLIENT) != 0;
	s->ending = 1;
	gnutls_session_set_ptr(s->gnutls, s);
	gnutls_transport_set_ptr(s->gnutls, s);
	gnutls_transport_set_pull_function(s->gnutls, pull);
	gnutls_transport_set_push_function(s->gnutls, push);
	gnutls_transport_set_pull_timeout_function(s->gnutls, pull_is_ready);
	return s;
}

void session_free(struct session **session)
{
	struct session *s = *session;

	if (s == NULL)
		return;
	*session = NULL;
	CHECK_MAGIC(s, SESSION_MAGIC);
	gnutls_deinit(s->gnutls);
	if (s->shake != NULL)
		s->shake->free(s->shake);
	tls_info_release(&s->info);
	buf_release(&s->in);
	buf_release(&s->out);
	buf_release(&s->early);
	s->magic = 0;
	free(s);
}
