/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "net/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "loop/count.h"

#define COPY_MOST 16384u

/* recv and sendmsg of glibc are cancellation points, which costs some forty instructions in a program with threads. Nothing here is
 * ever cancelled, so the system is called directly. */
static inline ssize_t receive(int fd, void *into, size_t room)
{
	return syscall(SYS_recvfrom, fd, into, room, 0, NULL, NULL);
}

static inline ssize_t transmit(int fd, const struct iovec *iov, int n_iov, int flags)
{
	struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)n_iov };

	if (n_iov == 1)
		return syscall(SYS_sendto, fd, iov->iov_base, iov->iov_len, flags, NULL, 0);
	return syscall(SYS_sendmsg, fd, &m, flags);
}

static ptrdiff_t plain_read(struct conn *c, void *into, size_t room)
{
	ssize_t n;

	do
		n = receive(c->fd, into, room);
	while (n < 0 && errno == EINTR);
	count_wire(c->wire, COUNT_WIRE_IN, n);
	return n >= 0 ? n : err_of_errno(errno);
}

static ptrdiff_t plain_readv(struct conn *c, const struct iovec *iov, int n_iov)
{
	ssize_t n;

	do
		n = syscall(SYS_readv, c->fd, iov, n_iov);
	while (n < 0 && errno == EINTR);
	count_wire(c->wire, COUNT_WIRE_IN, n);
	return n >= 0 ? n : err_of_errno(errno);
}

static inline ptrdiff_t write_plainly(struct conn *c, const struct iovec *iov, int n_iov, int flags)
{
	ssize_t n;

	do
		n = transmit(c->fd, iov, n_iov, MSG_NOSIGNAL | flags);
	while (n < 0 && errno == EINTR);
	count_wire(c->wire, COUNT_WIRE_OUT, n);
	return n >= 0 ? n : err_of_errno(errno);
}

static ptrdiff_t plain_writev(struct conn *c, const struct iovec *iov, int n_iov)
{
	return write_plainly(c, iov, n_iov, 0);
}

/* For files that the system cannot send by itself. */
static ptrdiff_t send_copy(struct conn *c, const struct conn_file *f)
{
	char bytes[COPY_MOST];
	struct iovec iov = { .iov_base = bytes };
	ssize_t n;

	do
		n = pread(f->fd, bytes, f->len < sizeof(bytes) ? f->len : sizeof(bytes), (off_t)f->from);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return ERR_NOT_FOUND;
	iov.iov_len = (size_t)n;
	return write_plainly(c, &iov, 1, 0);
}

static ptrdiff_t send_stretch(struct conn *c, const struct conn_file *f)
{
	off_t at = (off_t)f->from;
	ssize_t n;
	int err;

	do
		n = sendfile(c->fd, f->fd, &at, f->len);
	while (n < 0 && errno == EINTR);
	count_wire(c->wire, COUNT_WIRE_OUT, n);
	if (n >= 0)
		return n > 0 ? n : ERR_NOT_FOUND;
	err = err_of_errno(errno);
	/* Of the file, then, not of the socket. */
	return err == ERR_INVALID || err == ERR_SYSTEM ? send_copy(c, f) : err;
}

static ptrdiff_t plain_send_file(struct conn *c, const struct iovec *iov, int n_iov, const struct conn_file *f)
{
	ptrdiff_t before = 0, n;
	size_t total = 0;

	for (int i = 0; i < n_iov; i++)
		total += iov[i].iov_len;
	/* They wait for the file's first bytes, and leave in one packet with them. */
	if (total != 0)
		before = write_plainly(c, iov, n_iov, MSG_MORE);
	if (before < 0 || (size_t)before < total)
		return before;
	n = send_stretch(c, f);
	/* What went wrong will do so again. */
	return n >= 0 ? before + n : before > 0 ? before : n;
}

static void plain_shutdown(struct conn *c)
{
	/* Fails when the peer is gone already, which the next read tells. */
	shutdown(c->fd, SHUT_WR);
}

static void plain_close(struct conn *c, bool abort)
{
	(void)abort;
	/* Not repeated on EINTR: Linux has closed the descriptor by then. */
	if (c->fd >= 0)
		close(c->fd);
}

const struct conn_ops conn_plain = {
	.name = "plain",
	.read = plain_read,
	.readv = plain_readv,
	.writev = plain_writev,
	.send_file = plain_send_file,
	.shutdown = plain_shutdown,
	.close = plain_close,
};

/* Bytes that the transport holds cause no event. */
static void read_again(struct conn *c)
{
	if (c->state == CONN_OPEN && !c->paused && c->ops->pending != NULL && c->ops->pending(c))
		loop_later(c->worker->loop, &c->again);
}

static void open_up(struct conn *c)
{
	c->state = CONN_OPEN;
	loop_io_want(&c->io, c->paused ? 0 : LOOP_READ);
	read_again(c);
	c->user->connected(c, 0);
}

static void shake_hands(struct conn *c)
{
	unsigned want = LOOP_READ;
	int rc = c->ops->handshake(c, &want);

	if (rc == 0) {
		open_up(c);
	} else if (rc == ERR_AGAIN) {
		loop_io_want(&c->io, want);
		if (want == 0)
			loop_later(c->worker->loop, &c->again);
	} else {
		conn_close(c);
		c->user->connected(c, rc);
	}
}

static void on_again(struct loop_task *t)
{
	struct conn *c = CONTAINER_OF(t, struct conn, again);

	CHECK_MAGIC(c, CONN_MAGIC);
	if (c->state == CONN_CONNECTING) {
		conn_close(c);
		c->user->connected(c, c->refused);
	} else if (c->state == CONN_HANDSHAKE) {
		shake_hands(c);
	} else if (c->state == CONN_OPEN && !c->paused) {
		c->user->readable(c);
		read_again(c);
	}
}

static void finish_connect(struct conn *c)
{
	int system_errno = 0;
	socklen_t len = sizeof(system_errno);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &system_errno, &len) != 0)
		system_errno = errno;
	if (system_errno != 0) {
		conn_close(c);
		c->user->connected(c, err_of_errno(system_errno));
		return;
	}
	if (c->ops->handshake != NULL) {
		c->state = CONN_HANDSHAKE;
		shake_hands(c);
		return;
	}
	open_up(c);
}

/* The transport's own bytes go before the user's. */
static void write_on(struct conn *c)
{
	if (c->ops->flush != NULL) {
		if (c->ops->flush(c) == ERR_AGAIN)
			return;
		loop_io_want(&c->io, loop_io_wanted(&c->io) & ~(unsigned)LOOP_WRITE);
	}
	c->user->writable(c);
}

static void on_io(struct loop_io *io, unsigned ready)
{
	struct conn *c = CONTAINER_OF(io, struct conn, io);

	CHECK_MAGIC(c, CONN_MAGIC);
	if (c->state == CONN_CONNECTING) {
		finish_connect(c);
		return;
	}
	if (c->state == CONN_HANDSHAKE) {
		shake_hands(c);
		return;
	}
	if (ready & LOOP_READ) {
		c->user->readable(c);
		read_again(c);
	}
	/* readable() may have closed it, or written what was to be written. */
	if (ready & LOOP_WRITE && c->state == CONN_OPEN && loop_io_wanted(io) & LOOP_WRITE)
		write_on(c);
}

static void on_timer(struct loop_timer *t)
{
	struct conn *c = CONTAINER_OF(t, struct conn, timer);

	CHECK_MAGIC(c, CONN_MAGIC);
	c->user->timeout(c);
}

static void conn_setup(struct conn *c, struct worker *w, int fd, const struct addr *peer,
	const struct conn_user *user)
{
	c->magic = CONN_MAGIC;
	c->fd = fd;
	c->paused = false;
	c->refused = 0;
	c->worker = w;
	c->user = user;
	c->ops = &conn_plain;
	c->transport = NULL;
	c->tls = NULL;
	c->wire = NULL;
	c->peer = *peer;
	loop_io_init(&c->io, w->loop, fd, on_io);
	loop_timer_init(&c->timer, w->loop, on_timer);
	loop_task_init(&c->again, on_again);
}

void conn_init(struct conn *c, struct worker *w, int fd, const struct addr *peer,
	const struct conn_user *user)
{
	conn_setup(c, w, fd, peer, user);
	c->state = CONN_OPEN;
	loop_io_want(&c->io, LOOP_READ);
}

static int begin_connect(int fd, const struct sockaddr *to, socklen_t len)
{
	int on = 1;

	/* Without it only latency suffers. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* An interrupted connect goes on in the background, as one in progress does. */
	if (connect(fd, to, len) == 0 || errno == EINPROGRESS || errno == EINTR)
		return 0;
	/* EAGAIN: no local port is left (AF_INET), which waiting on this socket does not cure. */
	return errno == EAGAIN ? ERR_NO_MEMORY : err_of_errno(errno);
}

int conn_connect(struct conn *c, struct worker *w, const struct addr *to,
	const struct conn_user *user)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(to, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc = fd < 0 ? err_of_errno(errno) : begin_connect(fd, (const struct sockaddr *)&sa, len);

	c->magic = CONN_MAGIC;
	c->state = CONN_CLOSED;
	c->fd = -1;
	if (rc == ERR_NO_MEMORY) {
		if (fd >= 0)
			close(fd);
		return rc;
	}
	conn_setup(c, w, fd, to, user);
	c->state = CONN_CONNECTING;
	c->refused = rc;
	if (rc == 0)
		loop_io_want(&c->io, LOOP_WRITE);
	else
		loop_later(w->loop, &c->again);
	return 0;
}

void conn_secure(struct conn *c, const struct conn_ops *ops, void *transport)
{
	CHECK(c->ops == &conn_plain && ops->handshake != NULL);
	c->ops = ops;
	c->transport = transport;
	if (c->state != CONN_OPEN)
		return;
	c->state = CONN_HANDSHAKE;
	/* Its first bytes are often here already; not from inside this call, whose caller is told by `connected`. */
	loop_defer(c->worker->loop, &c->again);
}

void conn_move(struct conn *to, struct conn *from, const struct conn_user *user)
{
	CHECK(from->state == CONN_OPEN);
	/* libev compares what a descriptor wants once a turn: between these two there is no system call. */
	loop_io_want(&from->io, 0);
	loop_timer_fini(&from->timer);
	loop_task_cancel(&from->again);
	conn_setup(to, from->worker, from->fd, &from->peer, user);
	to->ops = from->ops;
	to->transport = from->transport;
	to->tls = from->tls;
	to->wire = from->wire;
	to->paused = from->paused;
	to->state = CONN_OPEN;
	from->state = CONN_CLOSED;
	from->fd = -1;
	from->transport = NULL;
	from->tls = NULL;
	loop_io_want(&to->io, to->paused ? 0 : LOOP_READ);
	read_again(to);
}

static inline ptrdiff_t note_taken(struct conn *c, ptrdiff_t taken, const struct iovec *iov, int n, size_t total)
{
	unsigned wanted = loop_io_wanted(&c->io), then = wanted & ~(unsigned)LOOP_WRITE;

	if (taken > 0)
		c->written += (uint64_t)taken;
	for (int i = 0; i < n; i++)
		total += iov[i].iov_len;
	/* A broken socket stays writable: watching it further would spin. */
	if (taken == ERR_AGAIN || (taken >= 0 && (size_t)taken < total))
		then |= LOOP_WRITE;
	if (then != wanted)
		loop_io_want(&c->io, then);
	return taken;
}

ptrdiff_t conn_writev(struct conn *c, const struct iovec *iov, int n)
{
	return note_taken(c, c->ops->writev(c, iov, n), iov, n, 0);
}

ptrdiff_t conn_send_file(struct conn *c, const struct iovec *iov, int n, const struct conn_file *f)
{
	return note_taken(c, c->ops->send_file(c, iov, n, f), iov, n, f->len);
}

uint64_t conn_taken(const struct conn *c)
{
	int held = 0;

	/* What our own system holds; it may be megabytes. */
	if (ioctl(c->fd, TIOCOUTQ, &held) != 0)
		held = 0;
	return c->written - (uint64_t)held;
}

void conn_catch_up(struct conn *c)
{
	if (c->state != CONN_OPEN)
		return;
	if (loop_io_take(&c->io, LOOP_READ) != 0 || (c->ops->pending != NULL && c->ops->pending(c)))
		c->user->readable(c);
}

void conn_pause(struct conn *c)
{
	if (c->paused)
		return;
	c->paused = true;
	if (c->state == CONN_OPEN)
		loop_io_want(&c->io, loop_io_wanted(&c->io) & ~(unsigned)LOOP_READ);
}

void conn_unpause(struct conn *c)
{
	if (!c->paused)
		return;
	c->paused = false;
	if (c->state == CONN_OPEN)
		loop_io_want(&c->io, loop_io_wanted(&c->io) | LOOP_READ);
	read_again(c);
}

void conn_shutdown(struct conn *c)
{
	if (c->state == CONN_OPEN)
		c->ops->shutdown(c);
}

static void end(struct conn *c, bool abort)
{
	loop_io_want(&c->io, 0);
	loop_timer_fini(&c->timer);
	loop_task_cancel(&c->again);
	c->state = CONN_CLOSED;
	c->ops->close(c, abort);
	c->fd = -1;
	c->transport = NULL;
	c->tls = NULL;
}

void conn_close(struct conn *c)
{
	if (c->state != CONN_CLOSED)
		end(c, false);
}

void conn_abort(struct conn *c)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	if (c->state == CONN_CLOSED)
		return;
	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	end(c, true);
}
