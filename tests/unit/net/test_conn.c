/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "base/str.h"
#include "net/conn.h"
#include "net/listen.h"
#include "toron/gateway.h"

static struct worker w;

/* A connection that notes what it is told. */
struct subject {
	struct conn c;
	int n_connected, n_readable, n_writable, n_timeout;
	int err;
	char got[256];
	size_t got_len;
	ptrdiff_t last_read;
	size_t to_send, sent; /* of zeros, by writable() */
	bool stays;           /* told once, does not stop the loop */
};

static struct subject *subject_of(struct conn *c)
{
	return CONTAINER_OF(c, struct subject, c);
}

static void note(struct subject *s, int *n)
{
	(*n)++;
	if (!s->stays)
		loop_stop(w.loop);
}

static void on_connected(struct conn *c, int err)
{
	subject_of(c)->err = err;
	note(subject_of(c), &subject_of(c)->n_connected);
}

static void on_readable(struct conn *c)
{
	struct subject *s = subject_of(c);

	s->last_read = conn_read(c, s->got + s->got_len, sizeof(s->got) - s->got_len);
	if (s->last_read > 0)
		s->got_len += (size_t)s->last_read;
	if (s->last_read <= 0 && s->last_read != ERR_AGAIN)
		conn_close(c);
	note(s, &s->n_readable);
}

static void send_more(struct subject *s)
{
	static char zeros[1 << 16];

	while (s->sent < s->to_send) {
		size_t left = s->to_send - s->sent;
		struct iovec v[2] = { { zeros, left < 10 ? left : 10 }, { zeros, left < 10 ? 0 : left - 10 } };
		ptrdiff_t n;

		if (v[1].iov_len > sizeof(zeros))
			v[1].iov_len = sizeof(zeros);
		n = conn_writev(&s->c, v, 2);
		if (n < 0) {
			ck_assert_int_eq(n, ERR_AGAIN);
			return;
		}
		s->sent += (size_t)n;
		if (loop_io_wanted(&s->c.io) & LOOP_WRITE)
			return;
	}
}

static void on_writable(struct conn *c)
{
	struct subject *s = subject_of(c);

	s->n_writable++;
	send_more(s);
}

static void on_timeout(struct conn *c)
{
	note(subject_of(c), &subject_of(c)->n_timeout);
}

static const struct conn_user user = { on_connected, on_readable, on_writable, on_timeout };

static void setup(void)
{
	memset(&w, 0, sizeof(w));
	w.loop = loop_new();
	list_init(&w.fronts);
}

static void teardown(void)
{
	loop_free(&w.loop);
}

static void on_end(struct loop_timer *t)
{
	loop_stop(t->loop);
}

static void run_for(uint64_t ms)
{
	struct loop_timer end;

	loop_timer_init(&end, w.loop, on_end);
	loop_timer_set(&end, ms);
	loop_run(w.loop);
	loop_timer_fini(&end);
}

static const struct addr nobody;

/* A connection over one end of a socket pair; the other end. */
static int open_pair(struct subject *s)
{
	int fds[2];

	memset(s, 0, sizeof(*s));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	conn_init(&s->c, &w, fds[0], &nobody, &user);
	return fds[1];
}

START_TEST(bytes_end_and_close_are_told)
{
	struct subject s;
	int peer = open_pair(&s);
	char c;

	ck_assert_int_eq(conn_read(&s.c, &c, 1), ERR_AGAIN);
	ck_assert_int_eq(write(peer, "hello", 5), 5);
	loop_run(w.loop);
	ck_assert_uint_eq(s.got_len, 5);
	ck_assert_mem_eq(s.got, "hello", 5);
	close(peer);
	loop_run(w.loop);
	ck_assert_int_eq(s.last_read, 0);
	ck_assert_int_eq(s.c.state, CONN_CLOSED);
	ck_assert_int_eq(s.c.fd, -1);
	conn_close(&s.c);
	conn_abort(&s.c);
	conn_deadline(&s.c, 1);
	run_for(20);
	ck_assert_int_eq(s.n_readable, 2);
	ck_assert_int_eq(s.n_timeout, 0);
}
END_TEST

START_TEST(a_short_write_waits_for_room)
{
	struct subject s;
	int peer = open_pair(&s);
	static char into[100000];
	size_t got = 0;

	s.to_send = 1 << 20;
	s.stays = true;
	send_more(&s);
	ck_assert_uint_lt(s.sent, s.to_send);
	ck_assert_uint_eq(loop_io_wanted(&s.c.io), LOOP_READ | LOOP_WRITE);
	while (got < s.to_send) {
		ssize_t n = recv(peer, into, sizeof(into), 0);

		if (n > 0)
			got += (size_t)n;
		else
			run_for(1);
	}
	ck_assert_uint_eq(s.sent, s.to_send);
	ck_assert_int_ge(s.n_writable, 1);
	/* Everything was taken: the write interest has gone. */
	ck_assert_uint_eq(loop_io_wanted(&s.c.io), LOOP_READ);
	close(peer);
	conn_close(&s.c);
}
END_TEST

/* A file without a name: a byte is the number of its block of 256. */
static int make_file(size_t len)
{
	char name[] = "/tmp/toron-conn-XXXXXX", block[256];
	int fd = mkstemp(name);

	ck_assert_int_ge(fd, 0);
	unlink(name);
	for (size_t at = 0; at < len; at += sizeof(block)) {
		memset(block, (int)(at / sizeof(block)), sizeof(block));
		ck_assert_int_eq(write(fd, block, sizeof(block)), sizeof(block));
	}
	return fd;
}

START_TEST(a_file_goes_out_behind_bytes)
{
	struct subject s;
	int peer = open_pair(&s);
	char head[] = "abc";
	struct iovec iov[2] = { { head, 2 }, { head + 2, 1 } };
	struct conn_file f = { make_file(4096), 300, 1000 };
	char into[2000];

	ck_assert_int_eq(conn_send_file(&s.c, iov, 2, &f), 1003);
	ck_assert_int_eq(recv(peer, into, 3, 0), 3);
	ck_assert_mem_eq(into, "abc", 3);
	ck_assert_int_eq(recv(peer, into, sizeof(into), 0), 1000);
	for (size_t i = 0; i < 1000; i++)
		ck_assert_int_eq(into[i], (char)((300 + i) / 256));
	ck_assert_uint_eq(s.c.written, 1003);
	/* The file ends within the stretch, and then before it. */
	f = (struct conn_file){ f.fd, 4000, 1000 };
	ck_assert_int_eq(conn_send_file(&s.c, NULL, 0, &f), 96);
	ck_assert_uint_eq(loop_io_wanted(&s.c.io), LOOP_READ | LOOP_WRITE);
	f = (struct conn_file){ f.fd, 4096, 904 };
	ck_assert_int_eq(conn_send_file(&s.c, NULL, 0, &f), ERR_NOT_FOUND);
	ck_assert_uint_eq(loop_io_wanted(&s.c.io), LOOP_READ);
	/* Bytes that were taken are told first. */
	ck_assert_int_eq(conn_send_file(&s.c, iov, 2, &f), 3);
	close(peer);
	f.from = 0;
	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(conn_send_file(&s.c, NULL, 0, &f), ERR_RESET);
	close(f.fd);
	conn_close(&s.c);
}
END_TEST

/* Of this the system may not send by itself: it is read, then. */
START_TEST(a_file_that_can_only_be_read)
{
	struct subject s;
	int peer = open_pair(&s);
	struct conn_file f = { open("/proc/self/stat", O_RDONLY), 0, 4 };
	char want[4], got[4];

	ck_assert_int_eq(pread(f.fd, want, sizeof(want), 0), 4);
	ck_assert_int_eq(conn_send_file(&s.c, NULL, 0, &f), 4);
	ck_assert_int_eq(recv(peer, got, sizeof(got), 0), 4);
	ck_assert_mem_eq(got, want, 4);
	close(f.fd);
	/* And this not even so. */
	f.fd = open("/proc/self", O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(conn_send_file(&s.c, NULL, 0, &f), ERR_NOT_FOUND);
	close(f.fd);
	close(peer);
	conn_close(&s.c);
}
END_TEST

START_TEST(a_file_waits_for_room)
{
	struct subject s;
	int peer = open_pair(&s);
	size_t len = 2 << 20, sent = 0, got = 0;
	struct conn_file f = { make_file(len), 0, len };
	static unsigned char into[100000];

	s.stays = true;
	while (got < len) {
		ptrdiff_t n = sent < len ? conn_send_file(&s.c, NULL, 0, &f) : 0;

		ck_assert(n >= 0 || n == ERR_AGAIN);
		sent += n > 0 ? (size_t)n : 0;
		f.from = sent;
		f.len = len - sent;
		ck_assert_uint_eq(loop_io_wanted(&s.c.io), sent < len ? LOOP_READ | LOOP_WRITE : LOOP_READ);
		for (ssize_t i = 0, m = recv(peer, into, sizeof(into), 0); i < m; i++, got++)
			ck_assert_uint_eq(into[i], (got / 256) & 255);
	}
	ck_assert_uint_eq(sent, len);
	close(f.fd);
	close(peer);
	conn_close(&s.c);
}
END_TEST

START_TEST(writing_to_a_peer_that_left_is_an_error_and_no_signal)
{
	struct subject s;
	int peer = open_pair(&s);
	char x[] = "xy";
	struct iovec one = { x, 1 }, two[2] = { { x, 1 }, { x + 1, 1 } };

	close(peer);
	ck_assert_int_eq(conn_writev(&s.c, &one, 1), ERR_RESET);
	ck_assert_int_eq(conn_writev(&s.c, two, 2), ERR_RESET);
	conn_close(&s.c);
}
END_TEST

START_TEST(a_pause_holds_reading_back)
{
	struct subject s;
	int peer = open_pair(&s);

	conn_pause(&s.c);
	conn_pause(&s.c);
	ck_assert_int_eq(write(peer, "abc", 3), 3);
	run_for(20);
	ck_assert_int_eq(s.n_readable, 0);
	conn_unpause(&s.c);
	loop_run(w.loop);
	ck_assert_uint_eq(s.got_len, 3);
	close(peer);
	conn_close(&s.c);
}
END_TEST

START_TEST(the_deadline_is_told_once)
{
	struct subject s;
	int peer = open_pair(&s);

	s.stays = true;
	conn_deadline(&s.c, 10);
	conn_deadline(&s.c, 0);
	run_for(30);
	ck_assert_int_eq(s.n_timeout, 0);
	conn_deadline(&s.c, 10);
	run_for(60);
	ck_assert_int_eq(s.n_timeout, 1);
	close(peer);
	conn_close(&s.c);
}
END_TEST

START_TEST(our_direction_can_end_first)
{
	struct subject s;
	int peer = open_pair(&s);
	char c;

	conn_shutdown(&s.c);
	ck_assert_int_eq(recv(peer, &c, 1, 0), 0);
	ck_assert_int_eq(write(peer, "z", 1), 1);
	loop_run(w.loop);
	ck_assert_uint_eq(s.got_len, 1);
	close(peer);
	conn_close(&s.c);
}
END_TEST

/* ---- another transport ---- */

/* Shakes hands in three steps, the second of them in a turn of its own; then holds two pieces of which the kernel shows nothing. */
static struct {
	int steps, held, flushed;
	bool fails, is_closed, was_aborted;
} fake;

static int fake_handshake(struct conn *c, unsigned *want)
{
	(void)c;
	fake.steps++;
	*want = fake.steps == 1 ? 0 : LOOP_READ;
	if (fake.fails && fake.steps == 2)
		return ERR_PROTOCOL;
	return fake.steps < 3 ? ERR_AGAIN : 0;
}

static ptrdiff_t fake_read(struct conn *c, void *into, size_t room)
{
	(void)c;
	ck_assert_uint_ge(room, 2);
	if (fake.held == 0)
		return ERR_AGAIN;
	fake.held--;
	memcpy(into, "xy", 2);
	return 2;
}

static bool fake_pending(const struct conn *c)
{
	(void)c;
	return fake.held > 0;
}

static int fake_flush(struct conn *c)
{
	(void)c;
	return ++fake.flushed < 2 ? ERR_AGAIN : 0;
}

static void fake_close(struct conn *c, bool abort)
{
	fake.is_closed = true;
	fake.was_aborted = abort;
	close(c->fd);
}

static const struct conn_ops fake_ops = {
	.name = "fake",
	.read = fake_read,
	.close = fake_close,
	.handshake = fake_handshake,
	.pending = fake_pending,
	.flush = fake_flush,
};

static int open_fake(struct subject *s, int held)
{
	int peer = open_pair(s);

	memset(&fake, 0, sizeof(fake));
	fake.held = held;
	conn_secure(&s->c, &fake_ops, &fake);
	return peer;
}

START_TEST(a_handshake_comes_first)
{
	struct subject s;
	int peer = open_fake(&s, 2);

	ck_assert_int_eq(fake.steps, 0);
	ck_assert_int_eq(s.c.state, CONN_HANDSHAKE);
	s.stays = true;
	run_for(30);
	/* One step at once, one in the next turn; the third waits for the peer. */
	ck_assert_int_eq(fake.steps, 2);
	ck_assert_int_eq(s.n_connected, 0);
	ck_assert_int_eq(write(peer, "?", 1), 1);
	s.stays = false;
	loop_run(w.loop);
	ck_assert_int_eq(s.n_connected, 1);
	ck_assert_int_eq(s.err, 0);
	ck_assert_int_eq(s.c.state, CONN_OPEN);
	conn_close(&s.c);
	ck_assert(fake.is_closed && !fake.was_aborted);
	close(peer);
}
END_TEST

START_TEST(a_failed_handshake_closes)
{
	struct subject s;
	int peer = open_fake(&s, 0);

	fake.fails = true;
	loop_run(w.loop);
	ck_assert_int_eq(s.n_connected, 1);
	ck_assert_int_eq(s.err, ERR_PROTOCOL);
	ck_assert_int_eq(s.c.state, CONN_CLOSED);
	ck_assert(fake.is_closed);
	close(peer);
}
END_TEST

/* Until it is open. The byte that woke it stays in the socket, so reading is off. */
static int open_fake_whole(struct subject *s, int held)
{
	int peer = open_fake(s, held);

	conn_pause(&s->c);
	ck_assert_int_eq(write(peer, "?", 1), 1);
	loop_run(w.loop);
	ck_assert_int_eq(s->c.state, CONN_OPEN);
	ck_assert_int_eq(recv(s->c.fd, &(char){ 0 }, 1, 0), 1);
	return peer;
}

START_TEST(what_the_transport_holds_is_read_turn_by_turn)
{
	struct subject s;
	int peer = open_fake_whole(&s, 3);

	run_for(20);
	ck_assert_uint_eq(s.got_len, 0);
	s.stays = true;
	conn_unpause(&s.c);
	ck_assert_uint_eq(s.got_len, 0);
	run_for(30);
	ck_assert_uint_eq(s.got_len, 6);
	ck_assert_int_eq(s.n_readable, 3);
	close(peer);
	conn_abort(&s.c);
	ck_assert(fake.was_aborted);
}
END_TEST

START_TEST(a_connection_moves)
{
	struct subject s, to = { 0 };
	int peer = open_fake_whole(&s, 1), fd = s.c.fd;

	conn_deadline(&s.c, 10);
	conn_unpause(&s.c);
	conn_move(&to.c, &s.c, &user);
	ck_assert_int_eq(s.c.state, CONN_CLOSED);
	ck_assert(!fake.is_closed);
	ck_assert_int_eq(to.c.fd, fd);
	ck_assert_ptr_eq(to.c.transport, &fake);
	conn_close(&s.c);
	ck_assert(!fake.is_closed);
	loop_run(w.loop);
	ck_assert_uint_eq(to.got_len, 2);
	to.stays = true;
	run_for(30);
	ck_assert_int_eq(s.n_readable + s.n_timeout + to.n_timeout, 0);
	conn_close(&to.c);
	ck_assert(fake.is_closed);
	close(peer);
}
END_TEST

START_TEST(the_transports_bytes_go_before_the_users)
{
	struct subject s;
	int peer = open_fake_whole(&s, 0);

	s.stays = true;
	loop_io_want(&s.c.io, LOOP_WRITE);
	run_for(20);
	ck_assert_int_eq(fake.flushed, 2);
	ck_assert_int_eq(s.n_writable, 1);
	/* And nobody spins. */
	ck_assert_uint_eq(loop_io_wanted(&s.c.io) & LOOP_WRITE, 0);
	close(peer);
	conn_close(&s.c);
}
END_TEST

/* ---- over TCP ---- */

static struct toron_listener conf = { .name = "test", .origin = "test.yaml:1:1", .address = "127.0.0.1" };
static int accepted[64];
static int n_accepted;

static void on_accept(struct worker *at, const struct toron_listener *l, int fd, const struct addr *peer)
{
	ck_assert_ptr_eq(at, &w);
	ck_assert_ptr_eq(l, &conf);
	ck_assert(peer->is_v4 && peer->port != 0);
	accepted[n_accepted++] = fd;
}

static int bind_anywhere(struct addr *out)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int fd = listen_bind(&conf);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	addr_from_sockaddr((const struct sockaddr *)&sa, out);
	n_accepted = 0;
	return fd;
}

static int flag(int fd, int level, int option)
{
	int value = 0;
	socklen_t len = sizeof(value);

	ck_assert_int_eq(getsockopt(fd, level, option, &value, &len), 0);
	return value;
}

START_TEST(connecting_is_told_later)
{
	struct subject s = { 0 };
	struct addr to;
	struct listen_socket *ls = listen_open(&w, &conf, bind_anywhere(&to), on_accept);

	ck_assert_int_eq(conn_connect(&s.c, &w, &to, &user), 0);
	ck_assert_int_eq(s.n_connected, 0);
	ck_assert_int_eq(s.c.state, CONN_CONNECTING);
	loop_run(w.loop);
	run_for(20);
	ck_assert_int_eq(s.n_connected, 1);
	ck_assert_int_eq(s.err, 0);
	ck_assert_int_eq(s.c.state, CONN_OPEN);
	ck_assert_int_eq(n_accepted, 1);
	ck_assert_int_ne(flag(s.c.fd, IPPROTO_TCP, TCP_NODELAY), 0);
	ck_assert_int_ne(flag(accepted[0], IPPROTO_TCP, TCP_NODELAY), 0);
	ck_assert_int_ne(fcntl(accepted[0], F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(accepted[0], F_GETFD) & FD_CLOEXEC, 0);
	/* An abort is a reset, not an end. */
	conn_abort(&s.c);
	run_for(10);
	ck_assert_int_eq(recv(accepted[0], s.got, 1, 0), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	close(accepted[0]);
	listen_close(&ls);
	ck_assert_ptr_null(ls);
}
END_TEST

START_TEST(a_refused_connection_is_told_and_closed)
{
	struct subject s = { 0 };
	struct addr to;

	close(bind_anywhere(&to));
	ck_assert_int_eq(conn_connect(&s.c, &w, &to, &user), 0);
	loop_run(w.loop);
	ck_assert_int_eq(s.n_connected, 1);
	ck_assert_int_eq(s.err, ERR_REFUSED);
	ck_assert_int_eq(s.c.state, CONN_CLOSED);
	run_for(10);
	ck_assert_int_eq(s.n_readable + s.n_writable, 0);
}
END_TEST

START_TEST(an_impossible_address_is_told_later)
{
	struct subject s = { 0 };
	struct addr to;

	/* A broadcast address takes no connections. */
	ck_assert(addr_parse(STR("255.255.255.255"), 9, &to));
	ck_assert_int_eq(conn_connect(&s.c, &w, &to, &user), 0);
	ck_assert_int_eq(s.n_connected, 0);
	loop_run(w.loop);
	ck_assert_int_eq(s.n_connected, 1);
	ck_assert_int_lt(s.err, 0);
	ck_assert_int_eq(s.c.state, CONN_CLOSED);
	/* One that is closed before is not told. */
	ck_assert_int_eq(conn_connect(&s.c, &w, &to, &user), 0);
	conn_close(&s.c);
	run_for(10);
	ck_assert_int_eq(s.n_connected, 1);
}
END_TEST

static int dial(const struct addr *to)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(to, &sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, len), 0);
	return fd;
}

START_TEST(closing_a_listener_takes_who_is_queued)
{
	struct addr to;
	struct listen_socket *ls = listen_open(&w, &conf, bind_anywhere(&to), on_accept);
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&to, &sa);
	int clients[20], late = socket(AF_INET, SOCK_STREAM, 0);

	for (int i = 0; i < 20; i++)
		clients[i] = dial(&to);
	ck_assert_int_eq(n_accepted, 0);
	listen_close(&ls);
	ck_assert_int_eq(n_accepted, 20);
	ck_assert_int_ne(connect(late, (struct sockaddr *)&sa, len), 0);
	for (int i = 0; i < 20; i++) {
		close(clients[i]);
		close(accepted[i]);
	}
	close(late);
}
END_TEST

START_TEST(all_who_come_are_accepted)
{
	struct addr to;
	struct listen_socket *ls = listen_open(&w, &conf, bind_anywhere(&to), on_accept);
	int clients[50];

	for (int i = 0; i < 50; i++)
		clients[i] = dial(&to);
	run_for(50);
	ck_assert_int_eq(n_accepted, 50);
	for (int i = 0; i < 50; i++) {
		close(clients[i]);
		close(accepted[i]);
	}
	listen_close(&ls);
}
END_TEST

START_TEST(out_of_descriptors_is_a_pause)
{
	struct addr to;
	struct listen_socket *ls = listen_open(&w, &conf, bind_anywhere(&to), on_accept);
	int client = dial(&to), next = dup(client);
	struct rlimit before, none;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = (rlim_t)next;
	close(next);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	run_for(50);
	ck_assert_int_eq(n_accepted, 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	run_for(20);
	ck_assert_int_eq(n_accepted, 0);
	run_for(100);
	ck_assert_int_eq(n_accepted, 1);
	close(client);
	close(accepted[0]);
	listen_close(&ls);
}
END_TEST

START_TEST(workers_share_a_port_and_strangers_are_seen)
{
	struct toron_listener again = conf;
	struct addr at;
	int first = bind_anywhere(&at), second;

	again.port = at.port;
	second = listen_bind(&again);
	ck_assert_int_ge(second, 0);
	ck_assert_int_lt(listen_probe(&again), 0);
	ck_assert_int_eq(errno, EADDRINUSE);
	close(first);
	close(second);
	ck_assert_int_eq(listen_probe(&again), 0);
	again.address = "somewhere";
	ck_assert_int_eq(listen_bind(&again), ERR_INVALID);
}
END_TEST

Suite *suite_conn(void)
{
	Suite *s = suite_create("conn");
	TCase *c = tcase_create("conn"), *l = tcase_create("listen");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, bytes_end_and_close_are_told);
	tcase_add_test(c, a_short_write_waits_for_room);
	tcase_add_test(c, a_file_goes_out_behind_bytes);
	tcase_add_test(c, a_file_that_can_only_be_read);
	tcase_add_test(c, a_file_waits_for_room);
	tcase_add_test(c, writing_to_a_peer_that_left_is_an_error_and_no_signal);
	tcase_add_test(c, a_pause_holds_reading_back);
	tcase_add_test(c, the_deadline_is_told_once);
	tcase_add_test(c, our_direction_can_end_first);
	tcase_add_test(c, a_handshake_comes_first);
	tcase_add_test(c, a_failed_handshake_closes);
	tcase_add_test(c, what_the_transport_holds_is_read_turn_by_turn);
	tcase_add_test(c, a_connection_moves);
	tcase_add_test(c, the_transports_bytes_go_before_the_users);
	tcase_add_test(c, connecting_is_told_later);
	tcase_add_test(c, a_refused_connection_is_told_and_closed);
	tcase_add_test(c, an_impossible_address_is_told_later);
	suite_add_tcase(s, c);
	tcase_add_checked_fixture(l, setup, teardown);
	tcase_add_test(l, closing_a_listener_takes_who_is_queued);
	tcase_add_test(l, all_who_come_are_accepted);
	tcase_add_test(l, out_of_descriptors_is_a_pause);
	tcase_add_test(l, workers_share_a_port_and_strangers_are_seen);
	suite_add_tcase(s, l);
	return s;
}
