/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The floor under the proxies that bench.py compares: what comes from a client goes to the backend as it is, and back, with no look at the
 * bytes.
 *
 *     copy PORT BACKEND_PORT      on 127.0.0.1, until it is killed
 *
 * One thread and one buffer. Each client has a connection to the backend, which lives as long as it does: when one side ends or fails, the other
 * is closed. A socket that takes no more is waited for, with all the others, which messages that fit into socket buffers never come to; after
 * WAIT_S it is given up. peers.py compiles this file. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define FDS_MAX 4096
#define WAIT_S  5

static int other[FDS_MAX]; /* the socket at the other side; 0: there is none */
static int poll_fd;
static struct sockaddr_in backend;

static int connected(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd >= 0 && fd < FDS_MAX && connect(fd, (const struct sockaddr *)&backend, sizeof(backend)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static void watch(int fd, int to)
{
	const struct timeval limit = { .tv_sec = WAIT_S };
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
	int on = 1;

	other[fd] = to;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event);
}

static void take_client(int listen_fd)
{
	int client = accept(listen_fd, NULL, NULL), server;

	if (client < 0)
		return;
	server = client < FDS_MAX ? connected() : -1;
	if (server < 0) {
		close(client);
		return;
	}
	watch(client, server);
	watch(server, client);
}

static bool send_all(int fd, const char *bytes, size_t len)
{
	while (len != 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

/* False: one of the sides has ended, or takes no more. */
static bool copy(int from)
{
	static char bytes[65536];
	ssize_t n = recv(from, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n > 0)
		return send_all(other[from], bytes, (size_t)n);
	/* An event may be older than the socket that has its number now. */
	return n < 0 && errno == EAGAIN;
}

static void close_both(int fd)
{
	int to = other[fd];

	other[fd] = other[to] = 0;
	close(fd);
	close(to);
}

static void copy_all(int listen_fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = listen_fd }, ready[64];

	epoll_ctl(poll_fd, EPOLL_CTL_ADD, listen_fd, &event);
	for (;;) {
		int n = epoll_wait(poll_fd, ready, 64, -1);

		for (int i = 0; i < n; i++) {
			int fd = ready[i].data.fd;

			if (fd == listen_fd)
				take_client(fd);
			else if (other[fd] != 0 && !copy(fd))
				close_both(fd);
		}
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;

	if (argc < 3)
		return 2;
	backend = address;
	address.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
	backend.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	poll_fd = epoll_create1(0);
	setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listen_fd, (const struct sockaddr *)&address, sizeof(address)) != 0 || listen(listen_fd, 4096) != 0)
		return 1;
	copy_all(listen_fd);
	return 0;
}
