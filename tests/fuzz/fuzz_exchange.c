/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fuzzes exchanges as a whole: a loop, a worker and hand-made tables, between clients and servers that a script plays.
 *
 * The input is the script, one letter an operation, with digits and texts (up to byte 0x1f) as arguments; what is no letter of it
 * is skipped. After each operation comes one turn of the loop, unless `|` has switched that off.
 *
 *   o N       client N connects             O K       what the next connects do: 0 succeed, 1 refuse at once, 2 refuse later
 *   s N text  client N sends                S N text  server connection N sends
 *   q N K     ... a canned request          R N K     ... a canned response
 *   g N K     ... one for a backend that gathers bodies or tries again
 *   b N K     ... 2^K KiB                   B N K     likewise
 *   h N       client N ends its direction   H N       likewise
 *   r N       client N reads all            W N       likewise
 *   c N       ... reads all and closes      C N       likewise
 *   x N       ... closes without reading    X N       likewise: a reset when there was something to read
 *   t K       2^K turns                     T K       10^K ms pass
 *   a         reading at each turn on, off  D         the worker drains     A  and cuts off what it carries
 *   |         turns between operations on, off
 *
 * Connections are socket pairs, and time is ours (play.h). */
#include <string.h>

#include "play.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the gateway: /b goes to a backend, /l to a limited one, /t has little time, /e echoes, /w watches over WebSockets, /g gathers bodies,
 * /p tries again by a policy, everything else is answered ---- */

static const char *const prefixes[] = { "/b", "/l", "/t", "/e", "/w", "/g", "/p", "/" };

static uint32_t match(const char *ptr, size_t len)
{
	for (uint32_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		size_t n = strlen(prefixes[i]);

		if (len >= n && memcmp(ptr, prefixes[i], n) == 0)
			return i + 1;
	}
	return 0;
}

static const struct toron_server servers[] = {
	{ .origin = "server", .host = STR_INIT("127.0.0.1"), .authority = STR_INIT("server"), .port = 1, .weight = 1,
		.is_numeric = true },
	{ .origin = "server", .host = STR_INIT("127.0.0.2"), .authority = STR_INIT("other"), .port = 1, .weight = 2,
		.base_path = STR_INIT("/base"), .is_numeric = true },
};
#define BACKEND(at, n) \
	.name = "backend", .origin = "backend", .index = at, .codec = &toron_back_http1, .servers = servers, .n_servers = n, \
	.balance = toron_balance_round_robin, .connect_ms = 1000, .first_byte_ms = 3000, .idle_ms = 3000, .pool_idle = 2, \
	.pool_idle_ms = 5000, .preserve_host = true
static const struct toron_backend one = { BACKEND(0, 1), .max_pending = 10 };
static const struct toron_backend limited = { BACKEND(1, 2), .max_connections = 1, .max_pending = 1 };
static const uint16_t again[] = { 503 };
static const struct toron_retry policy = { .on = TORON_RETRY_CONNECT | TORON_RETRY_RESET | TORON_RETRY_TIMEOUT, .statuses = again,
	.n_statuses = 1, .attempts = 3, .methods = TORON_GET | TORON_POST, .per_try_ms = 700, .backoff_ms = 10, .budget_ppm = 1000000,
	.body_bytes = 4096 };
static const struct toron_backend gathered = { BACKEND(2, 2), .max_pending = 10, .buffer_request = 65536, .buffer_response = 1 << 20,
	.response = { 1000, 1000 } };
static const struct toron_backend patient = { BACKEND(3, 2), .max_pending = 10, .buffer_request = 1000, .retry = &policy };
static const struct toron_backend *const backends[] = { &one, &limited, &gathered, &patient };

static const struct toron_websocket watch = { .begin = toron_websocket_watch, .idle_ms = 5000, .total_ms = 60000, .ping_ms = 1000,
	.close_ms = 500, .message_bytes = 2000, .frame_bytes = 1000 };

static const struct toron_part hello = { .kind = TORON_PART_LITERAL, .text = STR_INIT("hello\n") };
static const struct toron_answer answer = { .status = 200, .body = { &hello, 1 } };
static const struct toron_route routes[] = {
	{ .name = "b", .origin = "b", .action = toron_action_backend, .conf = &one },
	{ .name = "l", .origin = "l", .action = toron_action_backend, .conf = &limited },
	{ .name = "t", .origin = "t", .action = toron_action_backend, .conf = &one, .total_ms = 500, .first_byte_ms = 200 },
	{ .name = "e", .origin = "e", .action = toron_action_echo, .methods = TORON_GET | TORON_POST },
	{ .name = "w", .origin = "w", .action = toron_action_backend, .conf = &one, .websocket = &watch },
	{ .name = "g", .origin = "g", .action = toron_action_backend, .conf = &gathered },
	{ .name = "p", .origin = "p", .action = toron_action_backend, .conf = &patient, .total_ms = 9000 },
	{ .name = "r", .origin = "r", .action = toron_action_respond, .conf = &answer },
};
#define ALL(n) { .route = (n), .methods = TORON_ANY_METHOD }
#define END    { .route = TORON_NO_ROUTE }
static const struct toron_candidate candidates[] = { END, ALL(0), END, ALL(1), END, ALL(2), END,
	{ .route = 3, .methods = TORON_GET | TORON_HEAD | TORON_POST }, END, ALL(4), END, ALL(5), END, ALL(6), END,
	ALL(7), END };
static const uint32_t lists[] = { 0, 1, 3, 5, 7, 9, 11, 13, 15 };
static const struct toron_group group = { .origin = "all", .match = match, .lists = lists, .candidates = candidates };
static const uint16_t host_list[] = { 0, 0xffff };
static const uint16_t *const host_lists[] = { host_list };
static const struct toron_router router = { .host_lists = host_lists, .groups = &group };
static _Atomic uint32_t open_count;
static const struct toron_listener listeners[] = {
	{ .name = "web", .origin = "web", .front = &toron_front_http1, .router = &router,
		.limits = { .header_bytes = 32768, .header_count = 100, .uri_bytes = 8192, .body_bytes = 10 << 20, .unread_body = 1 << 20,
			.requests_per_connection = 50, .request = { 1500, 3000 }, .response = { 1500, 3000 } },
		.header_ms = 2000, .body_ms = 2000, .idle_ms = 5000, .write_ms = 2000,
		.linger_ms = 30000, .linger_idle_ms = 2000, .open = &open_count },
};
static const struct toron_gateway gateway = {
	.name = "fuzz", .listeners = listeners, .routes = routes, .backends = backends, .n_listeners = 1,
	.n_routes = ARRAY_LEN(routes), .n_backends = ARRAY_LEN(backends),
};

/* ---- operations ---- */

static void play_read(void)
{
	for (int i = 0; i < CLIENTS; i++)
		read_all(play.clients[i]);
	for (int i = 0; i < SERVERS; i++)
		read_all(play.servers[i]);
}

static void play_connects(int slot, const struct sockaddr *to)
{
	(void)slot;
	(void)to;
}

static const char *const requests[] = {
	"GET /b HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
	"POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
	"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n",
	"GET /w HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
	"POST /b HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
	"HEAD /l HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /t HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	"POST /r HTTP/1.1\r\nHost: a\r\nContent-Length: 40000\r\n\r\n",
	"GET /e?x HTTP/1.1\r\nHost: a\r\n\r\n",
};
static const char *const more_requests[] = {
	"POST /g HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
	"POST /g HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	"5\r\nhello\r\n0\r\nX: y\r\n\r\n",
	"POST /g HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 60000\r\n\r\n",
	"GET /g HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /p HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n",
	"POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	"PUT /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
	"GET /b HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n",
};
static const char *const responses[] = {
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
	"HTTP/1.1 200 OK\r\n\r\nhello",
	"HTTP/1.1 100 Continue\r\n\r\n",
	"HTTP/1.1 103 Early Hints\r\nLink: a\r\nConnection: link\r\n\r\n",
	"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x05""first",
	"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig",
	"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n",
	"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
};

struct script {
	const uint8_t *at, *end;
};

static unsigned digit(struct script *s)
{
	return s->at < s->end && *s->at >= '0' && *s->at <= '9' ? *s->at++ - '0' : 0;
}

static struct str text(struct script *s)
{
	const uint8_t *start = s->at;

	while (s->at < s->end && *s->at != 0x1f)
		s->at++;
	struct str t = { (const char *)start, (size_t)(s->at - start) };

	if (s->at < s->end)
		s->at++;
	return t;
}

static void transmit_many(int fd, unsigned k)
{
	static char block[1024];

	memset(block, 'x', sizeof(block));
	for (unsigned i = 0; i < 1u << k; i++)
		transmit(fd, (struct str){ block, sizeof(block) });
}

static void open_client(int *fd)
{
	struct addr peer;
	int pair[2];

	hang_up(fd, true);
	if (play.worker.draining || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
		return;
	addr_parse(STR("192.0.2.1"), 1, &peer);
	*fd = pair[0];
	toron_front_http1.accept(&play.worker, &listeners[0], pair[1], &peer);
}

/* Operations on one connection. False: not one of these. */
static bool play_on_connection(struct script *s, char op)
{
	bool client = op >= 'a';
	int *fd;

	if (strchr("osqgbhrcxSRBHWCX", op) == NULL)
		return false;
	fd = client ? &play.clients[digit(s) % CLIENTS] : &play.servers[digit(s) % SERVERS];
	switch (op) {
	case 'o': open_client(fd); break;
	case 's': case 'S': transmit(*fd, text(s)); break;
	case 'q': transmit(*fd, str_of(requests[digit(s)])); break;
	case 'g': transmit(*fd, str_of(more_requests[digit(s)])); break;
	case 'R': transmit(*fd, str_of(responses[digit(s)])); break;
	case 'b': case 'B': transmit_many(*fd, digit(s)); break;
	case 'h': case 'H': shutdown(*fd, SHUT_WR); break;
	case 'r': case 'W': read_all(*fd); break;
	default: hang_up(fd, op == 'c' || op == 'C'); break;
	}
	return true;
}

static void play_operation(struct script *s)
{
	char op = (char)*s->at++;

	if (op == '\0' || play_on_connection(s, op))
		return;
	switch (op) {
	case 'O': play.connect_mode = (int)(digit(s) % 3); break;
	case 't':
		for (unsigned n = 1u << digit(s) % 8; n > 0; n--)
			turn();
		break;
	case 'T': pass_time(digit(s)); break;
	case 'a': play.reading = !play.reading; break;
	case 'D': drain(false); break;
	case 'A': drain(true); break;
	case '|': play.batching = !play.batching; break;
	default: break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct backend_shared *shared = backend_shared_new(&gateway);
	struct script s = { data, data + size };

	CHECK(shared != NULL);
	/* A digit in front: the budget of buffers. */
	begin(&gateway, size > 0 && data[0] == '1' ? 128 : size > 0 && data[0] == '2' ? 512 : 0, shared);
	while (s.at < s.end) {
		play_operation(&s);
		if (!play.batching)
			turn();
	}
	end();
	backend_shared_free(&shared);
	return 0;
}
