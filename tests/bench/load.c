/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Load that wrk and h2load do not make: TLS handshakes, full or resumed, and WebSocket messages; and the server that echoes them.
 *
 *     load handshake|resume|websocket PORT CONNECTIONS SECONDS      prints how many were done, and how many failed
 *     load echo PORT                                                until it is killed
 *
 * A client is a thread that waits for its socket. loaders.py compiles this file when a row asks for it. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE  64u /* bytes of a WebSocket message */
#define MASKED   (6u + MESSAGE)
#define UNMASKED (2u + MESSAGE)
#define FDS_MAX  4096

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

static void *send_messages(void *unused)
{
	/* A mask of zeroes is one, too. */
	char message[MASKED] = { (char)0x82, (char)(0x80 | MESSAGE) }, answer[UNMASKED];
	int fd = connected();

	if (fd < 0 || !upgraded(fd))
		n_failed++;
	else
		while (!over) {
			if (write(fd, message, sizeof(message)) < 0 || !exactly(fd, answer, sizeof(answer)) ||
				answer[1] != (char)MESSAGE) {
				n_failed++;
				break;
			}
			n_done++;
		}
	close(fd);
	return unused;
}

static int load(void *(*client)(void *), int n_clients, unsigned seconds)
{
	pthread_t *threads = calloc((size_t)n_clients, sizeof(*threads));

	if (threads == NULL)
		return 1;
	for (int i = 0; i < n_clients; i++)
		if (pthread_create(&threads[i], NULL, client, NULL) != 0)
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

/* ---- the server ---- */

static char held[FDS_MAX][MASKED]; /* the part of a message that has come */
static size_t n_held[FDS_MAX];
static bool is_open[FDS_MAX]; /* the handshake is done */

static void accept_key(const char *key, char out[64])
{
	char text[128];
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	snprintf(text, sizeof(text), "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
	EVP_Digest(text, strlen(text), hash, &len, EVP_sha1(), NULL);
	EVP_EncodeBlock((unsigned char *)out, hash, (int)len);
}

/* The request comes in one piece, as every proxy here sends it. */
static bool answer_handshake(int fd)
{
	static const char name[] = "\r\nsec-websocket-key: ";
	char head[4096], accept[64], answer[512];
	ssize_t n = read(fd, head, sizeof(head) - 1);
	const char *key;
	int len;

	if (n <= 0)
		return false;
	head[n] = '\0';
	key = strcasestr(head, name);
	if (key == NULL)
		return false;
	accept_key(key + sizeof(name) - 1, accept);
	len = snprintf(answer, sizeof(answer),
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept);
	is_open[fd] = true;
	return write(fd, answer, (size_t)len) == len;
}

static bool answer_message(int fd)
{
	ssize_t n = read(fd, held[fd] + n_held[fd], MASKED - n_held[fd]);
	char answer[UNMASKED] = { (char)0x82, (char)MESSAGE };

	if (n <= 0)
		return false;
	n_held[fd] += (size_t)n;
	if (n_held[fd] < MASKED)
		return true;
	n_held[fd] = 0;
	memcpy(answer + 2, held[fd] + 6, MESSAGE);
	return write(fd, answer, sizeof(answer)) == (ssize_t)sizeof(answer);
}

static void take_client(int poll_fd, int listen_fd)
{
	int fd = accept(listen_fd, NULL, NULL), on = 1;
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0)
		return;
	if (fd >= FDS_MAX) {
		close(fd);
		return;
	}
	is_open[fd] = false;
	n_held[fd] = 0;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event);
}

static int echo(void)
{
	int listen_fd = socket(AF_INET, SOCK_STREAM, 0), poll_fd = epoll_create1(0), on = 1;
	struct epoll_event event = { .events = EPOLLIN, .data.fd = listen_fd }, ready[64];

	setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listen_fd, (const struct sockaddr *)&address, sizeof(address)) != 0 || listen(listen_fd, 1024) != 0)
		return 1;
	epoll_ctl(poll_fd, EPOLL_CTL_ADD, listen_fd, &event);
	for (;;) {
		int n = epoll_wait(poll_fd, ready, 64, -1);

		for (int i = 0; i < n; i++) {
			int fd = ready[i].data.fd;

			if (fd == listen_fd)
				take_client(poll_fd, listen_fd);
			else if (!(is_open[fd] ? answer_message(fd) : answer_handshake(fd)))
				close(fd);
		}
	}
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc < 3)
		return 2;
	address.sin_family = AF_INET;
	address.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (strcmp(argv[1], "echo") == 0)
		return echo();
	if (argc < 5 || !make_context())
		return 2;
	resumes = strcmp(argv[1], "resume") == 0;
	return load(strcmp(argv[1], "websocket") == 0 ? send_messages : shake_hands, (int)strtol(argv[3], NULL, 10),
		(unsigned)strtoul(argv[4], NULL, 10));
}
