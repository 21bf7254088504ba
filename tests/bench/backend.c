/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The servers behind the proxies that bench.py compares. They do as little as they can, so that the proxy is what has the most to do, and
 * answer what a usual server answers:
 *
 *     backend http PORT      HTTP/1.1: /small, /10k and /1m have that many bytes, /up is answered when its body has been read
 *     backend h2c PORT       HTTP/2 in clear: every request gets the small answer; what came in one read is answered by one write
 *     backend echo PORT      WebSocket: sends messages back
 *
 * Until it is killed. It trusts those who ask: proxies under test. peers.py compiles this file. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FDS_MAX  4096
#define IN_MAX   65536u
#define MESSAGE  64u /* bytes of a WebSocket message */
#define MASKED   (6u + MESSAGE)
#define UNMASKED (2u + MESSAGE)

struct client {
	char in[IN_MAX];
	size_t n_in;
	/* HTTP/1.1 */
	size_t body_left;           /* of a request */
	const char *target;         /* to answer once the body is there; NULL: a head is awaited */
	size_t out_left;            /* of a response's body, when the socket took no more */
	/* HTTP/2, WebSocket */
	bool begun;                 /* the preface, or the handshake, is through */
	bool told, no_table;        /* the fields stand in the table; there is no table */
};

/* All bytes that have come are in c->in; what is done with is taken off. False: to be closed. */
typedef bool serve_fn(struct client *c, int fd);

static struct client *clients[FDS_MAX];
static char many[1 << 20];
static int poll_fd;

static void done_with(struct client *c, size_t n)
{
	c->n_in -= n;
	memmove(c->in, c->in + n, c->n_in);
}

static bool send_all(int fd, const void *bytes, size_t len)
{
	return send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static const char *date_now(void)
{
	static time_t at;
	static char text[40];
	time_t now = time(NULL);

	if (now != at) {
		at = now;
		strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", gmtime(&now));
	}
	return text;
}

/* ---- HTTP/1.1 ---- */

static size_t size_of(const char *target)
{
	if (strncmp(target, "/10k", 4) == 0)
		return 10240;
	return strncmp(target, "/1m", 3) == 0 ? sizeof(many) : 6;
}

static void watch(int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	epoll_ctl(poll_fd, EPOLL_CTL_MOD, fd, &event);
}

static bool answer(struct client *c, int fd)
{
	char head[512];
	size_t size = size_of(c->target);
	int len = snprintf(head, sizeof(head),
		"HTTP/1.1 200 OK\r\nServer: backend\r\nDate: %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nConnection: keep-alive\r\n\r\n",
		date_now(), size);
	struct iovec iov[2] = { { head, (size_t)len }, { many, size } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n = sendmsg(fd, &m, MSG_NOSIGNAL);

	c->target = NULL;
	if (n < len)
		return false;
	c->out_left = size - (size_t)(n - len);
	if (c->out_left != 0)
		watch(fd, EPOLLIN | EPOLLOUT);
	return true;
}

/* False: it fails, or is of a kind that no contender sends. */
static bool take_head(struct client *c)
{
	char *end = memmem(c->in, c->n_in, "\r\n\r\n", 4), *length;

	if (end == NULL)
		return c->n_in < sizeof(c->in);
	end[3] = '\0';
	if (strcasestr(c->in, "\r\ntransfer-encoding:") != NULL)
		return false;
	length = strcasestr(c->in, "\r\ncontent-length:");
	c->body_left = length != NULL ? strtoul(length + 17, NULL, 10) : 0;
	c->target = strstr(c->in, " /10k ") != NULL ? "/10k" : strstr(c->in, " /1m ") != NULL ? "/1m" : "/small";
	done_with(c, (size_t)(end + 4 - c->in));
	return true;
}

static bool serve_http(struct client *c, int fd)
{
	do {
		size_t n;

		if (c->target == NULL && !take_head(c))
			return false;
		if (c->target == NULL)
			return true;
		n = c->n_in < c->body_left ? c->n_in : c->body_left;
		c->body_left -= n;
		done_with(c, n);
		if (c->body_left == 0 && !answer(c, fd))
			return false;
	} while (c->n_in != 0);
	return true;
}

static bool write_on(struct client *c, int fd)
{
	ssize_t n = send(fd, many, c->out_left, MSG_NOSIGNAL);

	if (n < 0)
		return false;
	c->out_left -= (size_t)n;
	if (c->out_left == 0)
		watch(fd, EPOLLIN);
	return true;
}

/* ---- HTTP/2 (RFC 9113), fields by RFC 7541 ---- */

enum { FRAME_HEAD = 9, PREFACE = 24 };
enum { DATA = 0, HEADERS = 1, SETTINGS = 4, PING = 6, WINDOW_UPDATE = 8, CONTINUATION = 9 };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4 };

static unsigned char out[1 << 17];
static size_t n_out;

static void put_frame(unsigned type, unsigned flags, uint32_t stream, const void *payload, size_t len)
{
	unsigned char *p = out + n_out;

	if (n_out + FRAME_HEAD + len > sizeof(out))
		abort();
	p[0] = (unsigned char)(len >> 16);
	p[1] = (unsigned char)(len >> 8);
	p[2] = (unsigned char)len;
	p[3] = (unsigned char)type;
	p[4] = (unsigned char)flags;
	stream = htonl(stream);
	memcpy(p + 5, &stream, 4);
	if (len != 0)
		memcpy(p + FRAME_HEAD, payload, len);
	n_out += FRAME_HEAD + len;
}

/* The first answer puts its fields into the table, the others refer to them; the date stands for itself. */
static void put_answer(struct client *c, uint32_t stream)
{
	static const char first[] = "\x76\x07" "backend" "\x5f\x0a" "text/plain" "\x5c\x01" "6";
	static const char literal[] = "\x0f\x27\x07" "backend" "\x0f\x10\x0a" "text/plain" "\x0f\x0d\x01" "6";
	char block[128];
	int len;

	if (c->no_table)
		len = snprintf(block, sizeof(block), "\x88%s", literal);
	else
		len = snprintf(block, sizeof(block), "\x88%s", c->told ? "\xc0\xbf\xbe" : first);
	len += snprintf(block + len, sizeof(block) - (size_t)len, "\x0f\x12\x1d%s", date_now());
	c->told = true;
	put_frame(HEADERS, END_HEADERS, stream, block, (size_t)len);
	put_frame(DATA, END_STREAM, stream, "hello\n", 6);
}

static void take_settings(struct client *c, const unsigned char *p, size_t len)
{
	for (; len >= 6; p += 6, len -= 6)
		if (p[0] == 0 && p[1] == 1 && (p[2] | p[3]) == 0 && p[4] < 0x10)
			c->no_table = true;
	put_frame(SETTINGS, ACK, 0, NULL, 0);
}

static void take_frame(struct client *c, const unsigned char *head, size_t len)
{
	unsigned type = head[3], flags = head[4];
	uint32_t stream, grown = htonl((uint32_t)len);

	memcpy(&stream, head + 5, 4);
	stream = ntohl(stream) & 0x7fffffffu;
	if (type == SETTINGS && !(flags & ACK))
		take_settings(c, head + FRAME_HEAD, len);
	else if (type == PING && !(flags & ACK))
		put_frame(PING, ACK, 0, head + FRAME_HEAD, len);
	else if (type == DATA && len != 0)
		put_frame(WINDOW_UPDATE, 0, 0, &grown, 4);
	if ((type == HEADERS || type == DATA) && flags & END_STREAM)
		put_answer(c, stream);
}

static bool serve_h2c(struct client *c, int fd)
{
	static const unsigned char streams[] = { 0, 3, 0, 0, 1, 0 }; /* SETTINGS_MAX_CONCURRENT_STREAMS: 256 */
	size_t at = 0;

	n_out = 0;
	if (!c->begun) {
		if (c->n_in < PREFACE)
			return true;
		c->begun = true;
		at = PREFACE;
		put_frame(SETTINGS, 0, 0, streams, sizeof(streams));
	}
	while (c->n_in - at >= FRAME_HEAD) {
		const unsigned char *head = (const unsigned char *)c->in + at;
		size_t len = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];

		if (c->n_in - at < FRAME_HEAD + len)
			break;
		take_frame(c, head, len);
		at += FRAME_HEAD + len;
	}
	done_with(c, at);
	return n_out == 0 || send_all(fd, out, n_out);
}

/* ---- WebSocket ---- */

static void accept_key(const char *key, char text_out[64])
{
	char text[128];
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	snprintf(text, sizeof(text), "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
	EVP_Digest(text, strlen(text), hash, &len, EVP_sha1(), NULL);
	EVP_EncodeBlock((unsigned char *)text_out, hash, (int)len);
}

static bool answer_handshake(struct client *c, int fd)
{
	static const char name[] = "\r\nsec-websocket-key: ";
	char *end = memmem(c->in, c->n_in, "\r\n\r\n", 4), accept[64], text[512];
	const char *key;
	int len;

	if (end == NULL)
		return c->n_in < sizeof(c->in);
	end[3] = '\0';
	key = strcasestr(c->in, name);
	if (key == NULL)
		return false;
	accept_key(key + sizeof(name) - 1, accept);
	len = snprintf(text, sizeof(text),
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept);
	c->begun = true;
	done_with(c, (size_t)(end + 4 - c->in));
	return send_all(fd, text, (size_t)len);
}

static bool serve_echo(struct client *c, int fd)
{
	char message[UNMASKED] = { (char)0x82, (char)MESSAGE };

	if (!c->begun)
		return answer_handshake(c, fd);
	while (c->n_in >= MASKED) {
		memcpy(message + 2, c->in + 6, MESSAGE);
		done_with(c, MASKED);
		if (!send_all(fd, message, sizeof(message)))
			return false;
	}
	return true;
}

/* ---- connections ---- */

static void take_client(int listen_fd)
{
	int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK), on = 1;
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0)
		return;
	if (fd >= FDS_MAX || (clients[fd] = calloc(1, sizeof(struct client))) == NULL) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event);
}

static bool on_event(struct client *c, int fd, uint32_t events, serve_fn *serve)
{
	ssize_t n;

	if (events & EPOLLOUT && c->out_left != 0)
		return write_on(c, fd);
	n = read(fd, c->in + c->n_in, sizeof(c->in) - c->n_in);
	if (n <= 0)
		return false;
	c->n_in += (size_t)n;
	return serve(c, fd);
}

static void serve_all(int listen_fd, serve_fn *serve)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = listen_fd }, ready[64];

	epoll_ctl(poll_fd, EPOLL_CTL_ADD, listen_fd, &event);
	for (;;) {
		int n = epoll_wait(poll_fd, ready, 64, -1);

		for (int i = 0; i < n; i++) {
			int fd = ready[i].data.fd;

			if (fd == listen_fd) {
				take_client(fd);
			} else if (!on_event(clients[fd], fd, ready[i].events, serve)) {
				free(clients[fd]);
				close(fd);
			}
		}
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listen_fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	serve_fn *serve;

	if (argc < 3)
		return 2;
	serve = strcmp(argv[1], "h2c") == 0 ? serve_h2c : strcmp(argv[1], "echo") == 0 ? serve_echo : serve_http;
	address.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	memset(many, 'x', sizeof(many));
	poll_fd = epoll_create1(0);
	setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listen_fd, (const struct sockaddr *)&address, sizeof(address)) != 0 || listen(listen_fd, 4096) != 0)
		return 1;
	serve_all(listen_fd, serve);
	return 0;
}
