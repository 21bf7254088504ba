/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fuzzes HTTP/2 in both roles: a script makes frames, for clients of a gateway and for servers behind it, and what comes out is checked.
 *
 * The input is the script: a letter an operation, small for client N and large for server N, which speak HTTP/2; client 3 and the server of /o
 * speak HTTP/1.1. An argument is one byte, from `0`; texts go up to byte 0x1f. What is no letter of it is skipped. After each
 * operation comes one turn of the loop, unless `|` has switched that off.
 *
 *   o N          client N connects              h N S F K    HEADERS, flags F, fields K      c N S F K   CONTINUATION
 *   b N S F L    DATA                           r N S K      RST_STREAM                      w N S V     WINDOW_UPDATE
 *   s N I V      SETTINGS                       i N F        PING                            g N S K     GOAWAY
 *   y N S K      PRIORITY, PRIORITY_UPDATE      x N T F S text  any frame                    z N text    any bytes
 *   n N K        the last one 2^K times more    q N K        what is canned, in HTTP/1.1     a N         reads at each turn on, off
 *   e N          ends its direction             k N          reads and closes                d N         closes without reading
 *   O K          what the next connects do      t K          2^K turns                       T K         10^K ms pass
 *   |            turns between operations       !            the worker drains               #           and cuts off
 *
 * Every request and its body carry a tag of the client's stream, which servers send back in head and body. So it shows when bytes end up where they do not
 * belong; only peers that were made to send any frames or bytes are not looked at. The stage is play.h, and routes are found here:
 * -Wl,--wrap=route_find. */
#include <netinet/in.h>
#include <nghttp2/nghttp2.h>

#include "play.h"

#define H1_CLIENT 3
#define PEERS (CLIENTS + SERVERS)
#define STREAMS 64
#define FRAME_MAX 16384u
#define LENT_PER_EXCHANGE (1u << 20)
#define LENT_PER_CONNECTION (256u << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
bool __wrap_route_find(struct exchange *x, uint32_t *allow_out);

enum { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION, PRIORITY_UPDATE = 16 };
#define END_STREAM 1
#define END_HEADERS 4
#define PADDED 8
#define WITH_PRIORITY 32

/* A stream as a peer sees it. */
struct seen {
	uint32_t id;
	char tag;    /* of the request that came; 0: none */
};

static struct peer {
	bool paused, speaks_h1;
	bool wild;                         /* sticky: all that it ever sent */
	uint32_t last_id;                  /* client: the last that it began; server: the last request that came */
	nghttp2_hd_inflater *inflater;
	struct seen streams[STREAMS];
	uint8_t in[FRAME_MAX + 9];
	size_t n_in;
	size_t preface_left;               /* of what the gateway begins a connection with */
	uint8_t last[FRAME_MAX + 9];       /* the last frame sent */
	size_t n_last;
} peers[PEERS];
static bool wild_servers;              /* one of them at least */

static int *fd_of(unsigned peer)
{
	return peer < CLIENTS ? &play.clients[peer] : &play.servers[peer - CLIENTS];
}

/* ---- the gateway: /b goes to an HTTP/2 server, /o to one of HTTP/1.1, /l to few streams, /t has little time, /e echoes, /w watches ---- */

static const struct toron_server h2_server = { .origin = "server", .host = STR_INIT("127.0.0.1"), .authority = STR_INIT("server"),
	.port = 1, .weight = 1, .is_numeric = true };
static const struct toron_server h1_server = { .origin = "server", .host = STR_INIT("127.0.0.2"), .authority = STR_INIT("other"),
	.port = 1, .weight = 1, .is_numeric = true };
#define BACKEND(at, how, server) \
	.name = "backend", .origin = "backend", .index = at, .codec = how, .servers = server, .n_servers = 1, \
	.balance = toron_balance_round_robin, .connect_ms = 1000, .first_byte_ms = 3000, .idle_ms = 3000, .pool_idle = 2, \
	.pool_idle_ms = 5000, .preserve_host = true
static const struct toron_backend two = { BACKEND(0, &toron_back_http2, &h2_server), .max_pending = 10 };
static const struct toron_backend old = { BACKEND(1, &toron_back_http1, &h1_server), .max_pending = 10 };
static const struct toron_backend limited = { BACKEND(2, &toron_back_http2, &h2_server), .max_connections = 1, .max_pending = 1,
	.streams = 2 };
static const struct toron_backend *const backends[] = { &two, &old, &limited };
static const struct toron_websocket watch = { .begin = toron_websocket_watch, .idle_ms = 5000, .total_ms = 60000, .ping_ms = 1000,
	.close_ms = 500, .message_bytes = 2000, .frame_bytes = 1000 };
static const struct toron_part hello = { .kind = TORON_PART_LITERAL, .text = STR_INIT("hello\n") };
static const struct toron_answer answer = { .status = 200, .body = { &hello, 1 } };
static const struct toron_route routes[] = {
	{ .name = "b", .origin = "b", .action = toron_action_backend, .conf = &two },
	{ .name = "o", .origin = "o", .action = toron_action_backend, .conf = &old },
	{ .name = "l", .origin = "l", .action = toron_action_backend, .conf = &limited },
	{ .name = "t", .origin = "t", .action = toron_action_backend, .conf = &two, .total_ms = 500, .first_byte_ms = 200 },
	{ .name = "e", .origin = "e", .action = toron_action_echo },
	{ .name = "w", .origin = "w", .action = toron_action_backend, .conf = &two, .websocket = &watch },
	{ .name = "r", .origin = "r", .action = toron_action_respond, .conf = &answer },
};
static _Atomic uint32_t open_count;
static const struct toron_h2_limits h2_limits = { .period_ms = 10000, .resets = 20, .settings = 10, .pings = 10, .priorities = 20,
	.empty_frames = 20, .window_updates = 50, .continuations = 3, .window = 200000 };
static const struct toron_listener listeners[] = {
	{ .name = "web", .origin = "web", .front = &toron_front_http1, .http1 = &toron_front_http1, .http2 = &toron_front_http2,
		.limits = { .header_bytes = 4096, .header_count = 30, .uri_bytes = 1000, .body_bytes = 1 << 20, .unread_body = 1 << 20,
			.requests_per_connection = 40, .streams = 10, .h2 = &h2_limits },
		.header_ms = 2000, .body_ms = 2000, .idle_ms = 5000, .write_ms = 2000,
		.linger_ms = 30000, .linger_idle_ms = 2000, .open = &open_count },
};
static const struct toron_gateway gateway = {
	.name = "fuzz", .listeners = listeners, .routes = routes, .backends = backends, .n_listeners = 1,
	.n_routes = ARRAY_LEN(routes), .n_backends = ARRAY_LEN(backends),
};

bool __wrap_route_find(struct exchange *x, uint32_t *allow_out)
{
	return play_route(x, allow_out);
}

/* ---- tags ---- */

static char tag_of(unsigned client, uint32_t id)
{
	return (char)('0' + client * 16 + id / 2 % 16);
}

static struct seen *seen_of(unsigned peer, uint32_t id)
{
	return &peers[peer].streams[id / 2 % STREAMS];
}

/* What the peer marks a stream's bytes with. */
static char mark_of(unsigned peer, uint32_t id)
{
	const struct seen *s = seen_of(peer, id);

	if (peer < CLIENTS)
		return tag_of(peer, id);
	return s->id == id && s->tag != 0 ? s->tag : '?';
}

static unsigned client_of_tag(char tag)
{
	return (unsigned)(tag - '0') / 16 % CLIENTS;
}

/* ---- sending ---- */

/* The frames may be no valid ones, or not where they belong; then nothing is known about what follows. */
static void make_wild(unsigned peer)
{
	peers[peer].wild = true;
	wild_servers = wild_servers || peer >= CLIENTS;
}

static void send_bytes(unsigned peer, const uint8_t *bytes, size_t n)
{
	ssize_t sent = *fd_of(peer) < 0 ? -1 : send(*fd_of(peer), bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent >= 0 && (size_t)sent < n)
		make_wild(peer);
}

static void send_frame(unsigned peer, uint8_t type, uint8_t flags, uint32_t id, const uint8_t *payload, size_t n)
{
	struct peer *p = &peers[peer];
	uint8_t head[9] = { (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, type, flags, (uint8_t)(id >> 24), (uint8_t)(id >> 16),
		(uint8_t)(id >> 8), (uint8_t)id };

	memcpy(p->last, head, sizeof(head));
	memcpy(p->last + sizeof(head), payload, n);
	p->n_last = sizeof(head) + n;
	send_bytes(peer, p->last, p->n_last);
}

static void send_numbers(unsigned peer, uint8_t type, uint8_t flags, uint32_t id, uint32_t a, uint32_t b, size_t n)
{
	uint8_t payload[8] = { (uint8_t)(a >> 24), (uint8_t)(a >> 16), (uint8_t)(a >> 8), (uint8_t)a, (uint8_t)(b >> 24),
		(uint8_t)(b >> 16), (uint8_t)(b >> 8), (uint8_t)b };

	send_frame(peer, type, flags, id, payload, n);
}

static void begin_h2(unsigned peer)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

	if (peer < CLIENTS)
		transmit(*fd_of(peer), (struct str){ preface, sizeof(preface) - 1 });
	send_numbers(peer, SETTINGS, 0, 0, 0x00080000, 0x00010000, peer < CLIENTS ? 0 : 6);
}

/* ---- receiving, and what must hold ---- */

static void forget(struct peer *p)
{
	if (p->inflater != NULL)
		nghttp2_hd_inflate_del(p->inflater);
	p->inflater = NULL;
	memset(p->streams, 0, sizeof(p->streams));
	p->n_in = p->n_last = 0;
	p->last_id = 0;
	p->speaks_h1 = p->paused = false;
}

static void begin_peer(unsigned peer, bool speaks_h1)
{
	struct peer *p = &peers[peer];

	forget(p);
	p->speaks_h1 = speaks_h1;
	CHECK(nghttp2_hd_inflate_new(&p->inflater) == 0);
	p->preface_left = peer < CLIENTS || speaks_h1 ? 0 : NGHTTP2_CLIENT_MAGIC_LEN;
	if (!speaks_h1)
		begin_h2(peer);
}

/* A head's tag is of the stream that it came on. */
static void check_tag(unsigned peer, struct seen *s, char tag)
{
	if (peer >= CLIENTS) {
		s->tag = s->tag == 0 ? tag : s->tag;
		return;
	}
	CHECK(tag == '?' || peers[peer].wild || wild_servers || tag == tag_of(peer, s->id));
	s->tag = s->tag == 0 ? tag : s->tag;
}

static struct seen *begin_seen(unsigned peer, uint32_t id)
{
	struct seen *s = seen_of(peer, id);

	if (s->id != id)
		*s = (struct seen){ .id = id };
	if (peer >= CLIENTS && id > peers[peer].last_id)
		peers[peer].last_id = id;
	return s;
}

/* A head or a part of one. */
static void take_block(unsigned peer, uint32_t id, const uint8_t *block, size_t n, bool is_last)
{
	struct seen *s = begin_seen(peer, id);
	int flags = 0;

	while (n != 0 || (is_last && (flags & NGHTTP2_HD_INFLATE_FINAL) == 0)) {
		nghttp2_nv nv;
		ssize_t used = nghttp2_hd_inflate_hd2(peers[peer].inflater, &nv, &flags, block, n, is_last);

		CHECK(used >= 0);
		block += used;
		n -= (size_t)used;
		if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0 && nv.namelen == 7 && memcmp(nv.name, ":status", 7) == 0)
			s->tag = 0; /* an interim head says nothing about what follows, which may be the gateway's own */
		if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0 && nv.namelen == 5 && memcmp(nv.name, "x-tag", 5) == 0 && nv.valuelen == 1)
			check_tag(peer, s, (char)nv.value[0]);
	}
	if (is_last)
		nghttp2_hd_inflate_end_headers(peers[peer].inflater);
}

/* Bytes of a body bear the mark of their stream. */
static void check_body(unsigned peer, uint32_t id, const uint8_t *bytes, size_t n)
{
	const struct seen *s = seen_of(peer, id);

	if (s->id != id || s->tag == 0 || s->tag == '?' || peers[peer].wild || (peer < CLIENTS && wild_servers))
		return;
	/* Whose request it is may have gone wild since it began. */
	if (peer >= CLIENTS && peers[client_of_tag(s->tag)].wild)
		return;
	for (size_t i = 0; i < n; i++)
		CHECK(bytes[i] == (uint8_t)s->tag);
}

static void take_frame(unsigned peer, const uint8_t *frame, size_t n)
{
	uint32_t id = (uint32_t)(frame[5] & 0x7f) << 24 | (uint32_t)frame[6] << 16 | (uint32_t)frame[7] << 8 | frame[8];
	static const uint8_t acknowledged[9] = { 0, 0, 0, SETTINGS, 1 };

	switch (frame[3]) {
	case DATA:
		CHECK(id % 2 == 1 && (frame[4] & PADDED) == 0);
		check_body(peer, id, frame + 9, n);
		break;
	case HEADERS:
		CHECK(id % 2 == 1 && (frame[4] & (PADDED | WITH_PRIORITY)) == 0);
		take_block(peer, id, frame + 9, n, (frame[4] & END_HEADERS) != 0);
		break;
	case CONTINUATION: take_block(peer, id, frame + 9, n, (frame[4] & END_HEADERS) != 0); break;
	case SETTINGS:
		CHECK(id == 0 && n % 6 == 0);
		if ((frame[4] & 1) == 0)
			send_bytes(peer, acknowledged, sizeof(acknowledged));
		break;
	case RST_STREAM: CHECK(id != 0 && n == 4); break;
	case PING: CHECK(id == 0 && n == 8); break;
	case GOAWAY: CHECK(id == 0 && n >= 8); break;
	case WINDOW_UPDATE: CHECK(n == 4); break;
	default: CHECK(false); /* the gateway makes no other */
	}
}

static void take_frames(unsigned peer)
{
	struct peer *p = &peers[peer];
	size_t at = p->n_in < p->preface_left ? p->n_in : p->preface_left;

	p->preface_left -= at;

	while (p->n_in - at >= 9) {
		size_t n = (size_t)p->in[at] << 16 | (size_t)p->in[at + 1] << 8 | p->in[at + 2];

		CHECK(n <= FRAME_MAX);
		if (p->n_in - at < 9 + n)
			break;
		take_frame(peer, p->in + at, n);
		at += 9 + n;
	}
	p->n_in -= at;
	memmove(p->in, p->in + at, p->n_in);
}

static void read_peer(unsigned peer)
{
	struct peer *p = &peers[peer];
	int fd = *fd_of(peer);
	ssize_t n;

	/* What is said in HTTP/1.1, a refused preface among it, is not looked at. */
	if (p->speaks_h1 || (p->wild && peer < CLIENTS)) {
		read_all(fd);
		return;
	}
	while (fd >= 0 && (n = recv(fd, p->in + p->n_in, sizeof(p->in) - p->n_in, MSG_DONTWAIT)) > 0) {
		p->n_in += (size_t)n;
		take_frames(peer);
	}
}

static void play_read(void)
{
	const struct worker *w = &play.worker;
	size_t open = 0;

	for (unsigned i = 0; i < PEERS; i++) {
		open += *fd_of(i) >= 0;
		if (!peers[i].paused)
			read_peer(i);
	}
	/* Those that have hung up are not gone for the gateway before it has seen it. */
	open += w->n_fronts + SERVERS;
	CHECK(buf_pool_lent(w->bufs) <= exchange_pool_live(w->exchanges) * LENT_PER_EXCHANGE + open * LENT_PER_CONNECTION);
}

static void play_connects(int slot, const struct sockaddr *to)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)to;

	begin_peer(CLIENTS + (unsigned)slot, ntohl(in->sin_addr.s_addr) == 0x7f000002);
}

/* ---- heads ---- */

#define PSEUDO(method, path) ":method\0" method "\0:scheme\0http\0:path\0" path "\0:authority\0a\0"
static const struct {
	const char *text;
	size_t len;
} requests[] = {
#define HEAD(s) { s, sizeof(s) - 1 }
	HEAD(PSEUDO("GET", "/b")), HEAD(PSEUDO("POST", "/b")), HEAD(PSEUDO("POST", "/o")), HEAD(PSEUDO("GET", "/o")),
	HEAD(PSEUDO("POST", "/r")), HEAD(PSEUDO("GET", "/r")), HEAD(PSEUDO("POST", "/t")), HEAD(PSEUDO("HEAD", "/l")),
	HEAD(PSEUDO("POST", "/l") "priority\0u=0,i\0"), HEAD(PSEUDO("POST", "/e")),
	HEAD(PSEUDO("POST", "/b") "content-length\0" "5\0"), HEAD(PSEUDO("POST", "/b") "expect\0" "100-continue\0"),
	HEAD(":method\0CONNECT\0:protocol\0websocket\0:scheme\0http\0:path\0/w\0:authority\0a\0sec-websocket-version\0" "13\0"),
	HEAD(":method\0CONNECT\0:authority\0a\0"), HEAD(PSEUDO("GET", "/b") "connection\0close\0"),
	HEAD(PSEUDO("GET", "/b") "cookie\0a=b\0cookie\0c=d\0te\0trailers\0"), HEAD(PSEUDO("GET", "/b") "Upper\0case\0"),
	HEAD("a\0trailer\0"), HEAD(":status\0" "200\0"),
}, responses[] = {
	HEAD(":status\0" "200\0"), HEAD(":status\0" "100\0"), HEAD(":status\0" "103\0link\0a\0"), HEAD(":status\0" "204\0"),
	HEAD(":status\0" "304\0content-length\0" "5\0"), HEAD(":status\0" "200\0content-length\0" "5\0"),
	HEAD(":status\0" "200\0content-length\0" "70000\0"), HEAD(":status\0" "500\0set-cookie\0a=b\0"), HEAD("a\0trailer\0"),
	HEAD(":status\0" "101\0"), HEAD(":status\0" "999\0"), HEAD("x\0without\0"), HEAD(":status\0" "200\0connection\0close\0"),
	HEAD(PSEUDO("GET", "/")), HEAD(":status\0" "413\0content-length\0" "0\0"),
#undef HEAD
};

static size_t put_literal(uint8_t *at, const char *s)
{
	size_t n = strlen(s);

	*at = (uint8_t)n; /* all are short */
	memcpy(at + 1, s, n);
	return n + 1;
}

/* One of the above as literals that are not indexed, and the tag. */
static size_t put_head(uint8_t *out, unsigned peer, uint32_t id, unsigned kind)
{
	bool client = peer < CLIENTS;
	const char *at = client ? requests[kind % ARRAY_LEN(requests)].text : responses[kind % ARRAY_LEN(responses)].text;
	const char *end = at + (client ? requests[kind % ARRAY_LEN(requests)].len : responses[kind % ARRAY_LEN(responses)].len);
	/* What watches over WebSockets says things of its own. */
	const char tag[2] = { strcmp(at, ":method") == 0 && strcmp(at + 8, "CONNECT") == 0 ? '?' : mark_of(peer, id), '\0' };
	size_t n = 0;

	while (at < end) {
		out[n++] = 0;
		n += put_literal(out + n, at);
		at += strlen(at) + 1;
		n += put_literal(out + n, at);
		at += strlen(at) + 1;
	}
	out[n++] = 0;
	n += put_literal(out + n, "x-tag");
	return n + put_literal(out + n, tag);
}

/* More fields: small ones, a large one that is indexed, many that name it, tables that change their size, or none. */
static size_t put_fields(uint8_t *out, unsigned kind)
{
	static const uint8_t small[] = "\x00\x01x\x01y\x40\x01z\x03" "abc", large[] = "\x40\x01v\x7f\xa1\x1e"; /* 127 + 0x21 + 0x1e * 128 */

	switch (kind % 6) {
	case 0: return 0;
	case 1: memcpy(out, small, sizeof(small) - 1); return sizeof(small) - 1;
	case 2:
		memcpy(out, large, sizeof(large) - 1);
		memset(out + sizeof(large) - 1, 'v', 127 + 0x21 + 0x1e * 128);
		return sizeof(large) - 1 + 127 + 0x21 + 0x1e * 128;
	case 3: memset(out, 0xbe, 1000); return 1000;
	case 4: out[0] = 0x20; return 1;
	default: memset(out, 0x82 + kind % 8, 20); return 20;
	}
}

/* ---- operations ---- */

struct script {
	const uint8_t *at, *end;
};

static unsigned argument(struct script *s)
{
	return s->at < s->end ? (*s->at++ - '0') & 63u : 0;
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

/* 0 to 31: the odd ones. 32 to 47: even ones. Then: a new one of a client, the last request of a server. */
static uint32_t stream(struct script *s, unsigned peer)
{
	unsigned a = argument(s);

	if (a < 32)
		return 2 * a + 1;
	if (a < 48)
		return 2 * (a - 32);
	if (peer >= CLIENTS)
		return peers[peer].last_id;
	peers[peer].last_id += peers[peer].last_id == 0 ? 1 : 2;
	return peers[peer].last_id;
}

static uint32_t value(unsigned a)
{
	static const uint32_t values[] = { 0, 1, 2, 100, 1000, 4096, 16384, 65535, 65536, 1u << 20, 0x7fffffff, 0x80000000, 0xffffffff };

	return values[a % ARRAY_LEN(values)];
}

static void open_client(unsigned client)
{
	struct addr from;
	int pair[2];

	hang_up(fd_of(client), true);
	if (play.worker.draining || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
		return;
	addr_parse(STR("192.0.2.1"), 1, &from);
	*fd_of(client) = pair[0];
	begin_peer(client, client == H1_CLIENT);
	toron_front_http1.accept(&play.worker, &listeners[0], pair[1], &from);
}

static void send_headers(unsigned peer, uint8_t type, uint32_t id, uint8_t flags, unsigned kind)
{
	uint8_t block[8192];
	size_t n = 0;

	flags ^= END_HEADERS; /* which is what one mostly wants */
	if (type == HEADERS && (flags & PADDED) != 0)
		block[n++] = kind % 4;
	if (type == HEADERS && (flags & WITH_PRIORITY) != 0) {
		memcpy(block + n, "\0\0\0\3\20", 5);
		n += 5;
	}
	n += type == HEADERS ? put_head(block + n, peer, id, kind) : 0;
	n += put_fields(block + n, type == HEADERS ? kind / 20 : kind);
	send_frame(peer, type, flags, id, block, n);
}

static void send_body(unsigned peer, uint32_t id, uint8_t flags, unsigned length)
{
	static const unsigned lengths[] = { 5, 0, 1, 100, 1000, 8192, 16000, FRAME_MAX };
	static uint8_t block[FRAME_MAX];
	size_t n = lengths[length % ARRAY_LEN(lengths)];

	memset(block, mark_of(peer, id), sizeof(block));
	if ((flags & PADDED) != 0)
		block[0] = 0;
	send_frame(peer, DATA, flags, id, block, n);
}

static void send_setting(unsigned peer, unsigned name, unsigned v)
{
	uint8_t payload[6] = { 0, (uint8_t)(name & 15) };
	uint32_t n = value(v);

	for (int i = 0; i < 4; i++)
		payload[2 + i] = (uint8_t)(n >> (24 - 8 * i));
	send_frame(peer, SETTINGS, name / 16 == 3, 0, payload, name / 16 == 0 ? sizeof(payload) : 0);
}

static void send_any(struct script *s, unsigned peer)
{
	uint8_t type = (uint8_t)argument(s), flags = (uint8_t)argument(s);
	uint32_t id = stream(s, peer);
	struct str t = text(s);

	send_frame(peer, type, flags, id, (const uint8_t *)t.ptr, t.len < FRAME_MAX ? t.len : FRAME_MAX);
}

static const char *const canned_requests[] = {
	"GET /b HTTP/1.1\r\nHost: a\r\nX-Tag: `\r\n\r\n",
	"POST /b HTTP/1.1\r\nHost: a\r\nX-Tag: `\r\nContent-Length: 5\r\n\r\n`````",
	"POST /b HTTP/1.1\r\nHost: a\r\nX-Tag: `\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n`````\r\n0\r\nX: y\r\n\r\n",
	"POST /l HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n",
	"GET /w HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
	"GET /b HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
	"HEAD /b HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /t HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
};
static const char *const canned_responses[] = {
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
	"HTTP/1.1 200 OK\r\n\r\nhello",
	"HTTP/1.1 100 Continue\r\n\r\n",
	"HTTP/1.1 103 Early Hints\r\nLink: a\r\nConnection: link\r\n\r\n",
	"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig",
};

static void send_canned(unsigned peer, unsigned k)
{
	if (!peers[peer].speaks_h1)
		return;
	transmit(*fd_of(peer), str_of(peer < CLIENTS ? canned_requests[k % ARRAY_LEN(canned_requests)] :
				      canned_responses[k % ARRAY_LEN(canned_responses)]));
}

static void send_again(unsigned peer, unsigned k)
{
	for (unsigned i = 0; i < 1u << k % 8; i++)
		send_bytes(peer, peers[peer].last, peers[peer].n_last);
}

/* Operations that make frames. */
static void play_frame(struct script *s, char op, unsigned peer)
{
	uint32_t id = strchr("hcbrwgy", op) != NULL ? stream(s, peer) : 0;
	unsigned a = strchr("hcbrwgysi", op) != NULL ? argument(s) : 0;
	unsigned b = strchr("hcbs", op) != NULL ? argument(s) : 0;

	if (peers[peer].speaks_h1)
		return;
	switch (op) {
	case 'h': send_headers(peer, HEADERS, id, (uint8_t)a, b); break;
	case 'c': send_headers(peer, CONTINUATION, id, (uint8_t)a, b); break;
	case 'b': send_body(peer, id, (uint8_t)a, b); break;
	case 'r': send_numbers(peer, RST_STREAM, 0, id, a, 0, 4); break;
	case 'w': send_numbers(peer, WINDOW_UPDATE, 0, a >= 32 ? 0 : id, value(a), 0, 4); break;
	case 'g': send_numbers(peer, GOAWAY, 0, 0, id, a, 8); break;
	case 's': send_setting(peer, a, b); break;
	case 'i': send_numbers(peer, PING, a % 2, 0, 1, 2, 8); break;
	default:
		if (a % 2 == 0)
			send_numbers(peer, PRIORITY, 0, id, a, a << 24, 5);
		else
			send_numbers(peer, PRIORITY_UPDATE, 0, 0, id, 0x753d3069, 7 + a / 32); /* u=0, and perhaps i */
		break;
	}
}

/* False: not one of these. */
static bool play_on_peer(struct script *s, char letter)
{
	char op = (char)(letter | 0x20);
	bool client = op == letter;

	if (strchr("ohcbrwsigyxznqaekd", op) == NULL || letter == 'O' || letter < 'A')
		return false;
	unsigned peer = client ? argument(s) % CLIENTS : CLIENTS + argument(s) % SERVERS;

	switch (op) {
	case 'o': open_client(peer); break;
	case 'x':
		make_wild(peer);
		send_any(s, peer);
		break;
	case 'z': {
		struct str t = text(s);

		make_wild(peer);
		send_bytes(peer, (const uint8_t *)t.ptr, t.len);
		break;
	}
	case 'n': send_again(peer, argument(s)); break;
	case 'q': send_canned(peer, argument(s)); break;
	case 'a': peers[peer].paused = !peers[peer].paused; break;
	case 'e': shutdown(*fd_of(peer), SHUT_WR); break;
	case 'k': case 'd': hang_up(fd_of(peer), op == 'k'); break;
	default: play_frame(s, op, peer); break;
	}
	return true;
}

static void play_operation(struct script *s)
{
	char op = (char)*s->at++;

	if (op == '\0' || play_on_peer(s, op))
		return;
	switch (op) {
	case 'O': play.connect_mode = (int)(argument(s) % 3); break;
	case 't':
		for (unsigned n = 1u << argument(s) % 8; n > 0; n--)
			turn();
		break;
	case 'T': pass_time(argument(s) % 6); break;
	case '!': drain(false); break;
	case '#': drain(true); break;
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
	begin(&gateway, size > 0 && data[0] == '1' ? 256 : size > 0 && data[0] == '2' ? 1024 : 0, shared);
	wild_servers = false;
	for (unsigned i = 0; i < PEERS; i++)
		peers[i].wild = false;
	while (s.at < s.end) {
		play_operation(&s);
		if (!play.batching)
			turn();
	}
	for (unsigned i = 0; i < PEERS; i++)
		peers[i].paused = false;
	end();
	for (unsigned i = 0; i < PEERS; i++)
		forget(&peers[i]);
	backend_shared_free(&shared);
	return 0;
}
