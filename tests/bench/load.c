/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Load that wrk and h2load do not make: TLS handshakes, full or resumed, and WebSocket messages.
 *
 *     load handshake|resume|websocket PORT CONNECTIONS SECONDS      prints how many were done, and how many failed
 *
 * A client of handshakes is a thread that waits for its socket; the clients of messages share one that waits for all. peers.py compiles
 * this file when a row asks for it. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE  64u /* bytes of a WebSocket message */
#define MASKED   (6u + MESSAGE)
#define UNMASKED (2u + MESSAGE)

static const char request[] = "GET /small HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
static const char upgrade[] = "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
			      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

static struct sockaddr_in address;
static SSL_CTX *context;
static bool resumes;
static atomic_bool over;
static atomic_long n_done, n_failed;

static int connected(void)
{
	const struct timeval limit = { .tv_sec = 5 };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* ---- handshakes ---- */

/* The last ticket of each client thread. */
static _Thread_local SSL_SESSION *ticket;

static int on_ticket(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	if (!resumes)
		return 0;
	SSL_SESSION_free(ticket);
	ticket = session;
	return 1;
}

/* One connection with one request; false: it failed, or was not resumed when it should have been. */
static bool ask_once(SSL *ssl, int fd)
{
	char bytes[4096];
	bool had_ticket = ticket != NULL;
	int n, got = 0;

	SSL_set_fd(ssl, fd);
	if (had_ticket)
		SSL_set_session(ssl, ticket);
	if (SSL_connect(ssl) != 1 || SSL_session_reused(ssl) != had_ticket)
		return false;
	if (SSL_write(ssl, request, sizeof(request) - 1) <= 0)
		return false;
	while ((n = SSL_read(ssl, bytes, sizeof(bytes))) > 0)
		got += n;
	return got != 0;
}

static void *shake_hands(void *unused)
{
	while (!over) {
		SSL *ssl = SSL_new(context);
		int fd = connected();

		if (fd >= 0 && ask_once(ssl, fd))
			n_done++;
		else
			n_failed++;
		/* Else OpenSSL takes the ticket for spoilt. */
		SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
		SSL_free(ssl);
		close(fd);
	}
	SSL_SESSION_free(ticket);
	ticket = NULL;
	return unused;
}

static bool make_context(void)
{
	context = SSL_CTX_new(TLS_client_method());
	if (context == NULL)
		return false;
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(context, on_ticket);
	return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
		SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") == 1 && SSL_CTX_set1_groups_list(context, "X25519") == 1;
}

/* ---- messages ---- */

static bool exactly(int fd, char *into, size_t len)
{
	while (len != 0) {
		ssize_t n = read(fd, into, len);

		if (n <= 0)
			return false;
		into += n;
		len -= (size_t)n;
	}
	return true;
}

static bool upgraded(int fd)
{
	char head[2048];
	size_t n = 0;

	if (write(fd, upgrade, sizeof(upgrade) - 1) < 0)
		return false;
	while (n < 4 || memcmp(head + n - 4, "\r\n\r\n", 4) != 0)
		if (n == sizeof(head) || !exactly(fd, head + n++, 1))
			return false;
	return memcmp(head, "HTTP/1.1 101", 12) == 0;
}

/* One message under way on each connection, of which `got` bytes have come back. */
struct talk {
	int fd;
	size_t got;
	char answer[UNMASKED];
};

static bool say(const struct talk *t)
{
	/* A mask of zeroes is one, too. */
	static const char message[MASKED] = { (char)0x82, (char)(0x80 | MESSAGE) };

	return write(t->fd, message, sizeof(message)) == (ssize_t)sizeof(message);
}

/* False: it has come to an end, or is no echo. */
static bool hear(struct talk *t)
{
	ssize_t n = read(t->fd, t->answer + t->got, sizeof(t->answer) - t->got);

	if (n <= 0)
		return false;
	t->got += (size_t)n;
	if (t->got < sizeof(t->answer))
		return true;
	t->got = 0;
	n_done++;
	return t->answer[1] == (char)MESSAGE && say(t);
}

static void hear_until(int poll_fd, time_t end)
{
	struct epoll_event ready[64];

	while (time(NULL) < end) {
		int n = epoll_wait(poll_fd, ready, 64, 100);

		for (int i = 0; i < n; i++) {
			struct talk *t = ready[i].data.ptr;

			if (!hear(t)) {
				n_failed++;
				close(t->fd);
			}
		}
	}
}

static int send_messages(int n_clients, unsigned seconds)
{
	struct talk *talks = calloc((size_t)n_clients, sizeof(*talks));
	int poll_fd = epoll_create1(0);

	if (talks == NULL || poll_fd < 0)
		return 1;
	for (int i = 0; i < n_clients; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = &talks[i] };

		talks[i].fd = connected();
		if (talks[i].fd < 0 || !upgraded(talks[i].fd) || epoll_ctl(poll_fd, EPOLL_CTL_ADD, talks[i].fd, &event) != 0 || !say(&talks[i]))
			n_failed++;
	}
	hear_until(poll_fd, time(NULL) + (time_t)seconds);
	for (int i = 0; i < n_clients; i++)
		close(talks[i].fd);
	free(talks);
	printf("%ld %ld\n", (long)n_done, (long)n_failed);
	return 0;
}

static int load_handshakes(int n_clients, unsigned seconds)
{
	pthread_t *threads = calloc((size_t)n_clients, sizeof(*threads));

	if (threads == NULL)
		return 1;
	for (int i = 0; i < n_clients; i++)
		if (pthread_create(&threads[i], NULL, shake_hands, NULL) != 0)
			return 1;
	sleep(seconds);
	long done = n_done;
	over = true;
	for (int i = 0; i < n_clients; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	printf("%ld %ld\n", done, (long)n_failed);
	return 0;
}

int main(int argc, char **argv)
{
	int n_clients;
	unsigned seconds;

	signal(SIGPIPE, SIG_IGN);
	if (argc < 5 || !make_context())
		return 2;
	address.sin_family = AF_INET;
	address.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	resumes = strcmp(argv[1], "resume") == 0;
	n_clients = (int)strtol(argv[3], NULL, 10);
	seconds = (unsigned)strtoul(argv[4], NULL, 10);
	return strcmp(argv[1], "websocket") == 0 ? send_messages(n_clients, seconds) : load_handshakes(n_clients, seconds);
}
