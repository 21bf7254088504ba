/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "stage/stage.h"

#include "backend/slot.h"
#include "codec/h2/budget.h"
#include "fuzz/play.h"

bool __wrap_route_find(struct exchange *x, uint32_t *allow_out);

#define CONNECTIONS SERVERS

struct peer_manner servers_are, clients_are;
uint32_t stage_window;
static struct peer clients[CLIENTS], servers[CONNECTIONS];
static struct backend_shared *shared;
static uint64_t n_moved; /* bytes that peers have sent and got */

/* ---- the gateway ---- */

static const struct toron_server server = { .origin = "server", .host = STR_INIT("127.0.0.1"), .authority = STR_INIT("server"), .port = 1,
	.weight = 1, .is_numeric = true };
#define BACKEND(at) \
	.name = "backend", .origin = "backend", .index = at, .codec = &toron_back_http2, .servers = &server, .n_servers = 1, \
	.balance = toron_balance_round_robin, .connect_ms = 1000, .first_byte_ms = 3000, .idle_ms = 3000, .pool_idle = 2, \
	.pool_idle_ms = 5000, .preserve_host = true, .max_pending = 20
static const struct toron_backend plain = { BACKEND(0) };
static const struct toron_backend limited = { BACKEND(1), .max_connections = 2 };
static const struct toron_backend *const backends[] = { &plain, &limited };
static const struct toron_part hello = { .kind = TORON_PART_LITERAL, .text = STR_INIT("hello\n") };
static const struct toron_answer answer = { .status = 200, .body = { &hello, 1 } };
static const struct toron_route routes[] = {
	{ .name = "b", .origin = "b", .action = toron_action_backend, .conf = &plain },
	{ .name = "l", .origin = "l", .action = toron_action_backend, .conf = &limited },
	{ .name = "e", .origin = "e", .action = toron_action_echo },
	{ .name = "w", .origin = "w", .action = toron_action_backend, .conf = &plain },
	{ .name = "r", .origin = "r", .action = toron_action_respond, .conf = &answer },
};
static _Atomic uint32_t open_count;
static struct toron_h2_limits h2_limits;
static const struct toron_listener listeners[] = {
	{ .name = "web", .origin = "web", .front = &toron_front_http1, .http1 = &toron_front_http1, .http2 = &toron_front_http2,
		.limits = { .header_bytes = 4096, .header_count = 30, .uri_bytes = 1000, .body_bytes = 64 << 20, .unread_body = 1 << 20,
			.streams = 10, .h2 = &h2_limits },
		.header_ms = 2000, .body_ms = 2000, .idle_ms = 5000, .write_ms = 2000,
		.linger_ms = 30000, .linger_idle_ms = 2000, .open = &open_count },
};
static const struct toron_gateway gateway = {
	.name = "stage", .listeners = listeners, .routes = routes, .backends = backends, .n_listeners = 1,
	.n_routes = ARRAY_LEN(routes), .n_backends = ARRAY_LEN(backends),
};

bool __wrap_route_find(struct exchange *x, uint32_t *allow_out)
{
	return play_route(x, allow_out);
}

/* ---- what peers are told ---- */

/* Which byte stands at a place of a body. */
static uint8_t pattern(size_t at)
{
	return (uint8_t)(at * 7 + at / 251);
}

static struct peer_stream *stream_of(struct peer *p, int32_t id)
{
	for (unsigned i = 0; i < p->n_streams; i++)
		if (p->streams[i].id == id)
			return &p->streams[i];
	return NULL;
}

static struct peer_stream *new_stream(struct peer *p, int32_t id)
{
	CHECK(p->n_streams < PEER_STREAMS && id > 0);
	p->streams[p->n_streams] = (struct peer_stream){ .id = id };
	return &p->streams[p->n_streams++];
}

static void put(char *text, size_t cap, const uint8_t *name, size_t name_len, const uint8_t *value, size_t value_len)
{
	char *at = text + strlen(text);

	CHECK((size_t)(at - text) + name_len + value_len + 3 <= cap);
	at = (char *)mempcpy(at, name, name_len);
	*at++ = ' ';
	at = (char *)mempcpy(at, value, value_len);
	*at++ = '\n';
	*at = '\0';
}

static int on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	(void)session;
	if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		new_stream(user, frame->hd.stream_id);
	return 0;
}

static int on_field(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len, const uint8_t *value,
	size_t value_len, uint8_t flags, void *user)
{
	struct peer_stream *s = stream_of(user, frame->hd.stream_id);

	(void)session;
	(void)flags;
	CHECK(s != NULL && frame->hd.type == NGHTTP2_HEADERS);
	if (name_len == 7 && memcmp(name, ":status", 7) == 0 && value[0] == '1')
		s->n_interim++;
	/* A section that begins with no pseudo field, behind a head, is trailers; one of an interim head is known by its status. */
	if (frame->headers.cat == NGHTTP2_HCAT_HEADERS && name[0] != ':' && strstr(s->head, ":status ") != NULL)
		put(s->trailers, sizeof(s->trailers), name, name_len, value, value_len);
	else if (frame->headers.cat == NGHTTP2_HCAT_HEADERS && strstr(s->head, ":method ") != NULL)
		put(s->trailers, sizeof(s->trailers), name, name_len, value, value_len);
	else
		put(s->head, sizeof(s->head), name, name_len, value, value_len);
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct peer *p = user;
	struct peer_stream *s = stream_of(p, frame->hd.stream_id);

	(void)session;
	if (frame->hd.type == NGHTTP2_GOAWAY) {
		p->n_goaways++;
		p->last_taken = frame->goaway.last_stream_id;
		p->goaway_code = frame->goaway.error_code;
	}
	if (s == NULL || frame->hd.type > NGHTTP2_HEADERS)
		return 0;
	s->ended = s->ended || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	if (frame->hd.type == NGHTTP2_HEADERS && strncmp(s->head, ":status 1", 9) == 0) {
		size_t at = strlen(s->interim), n = strlen(s->head);

		CHECK(at + n < sizeof(s->interim));
		memcpy(s->interim + at, s->head, n + 1);
		s->head[0] = '\0';
	}
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t n, void *user)
{
	struct peer_stream *s = stream_of(user, id);

	(void)session;
	(void)flags;
	CHECK(s != NULL);
	for (size_t i = 0; i < n; i++)
		s->wrong += bytes[i] != pattern(s->got + i);
	s->got += n;
	return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
	struct peer_stream *s = stream_of(user, id);

	(void)session;
	if (s != NULL) {
		s->closed = true;
		s->code = code;
	}
	return 0;
}

static int on_invalid(nghttp2_session *session, const nghttp2_frame *frame, int error, void *user)
{
	(void)session;
	(void)frame;
	struct peer *p = user;

	/* More streams than a peer takes is no error before its settings are known. */
	if (error == NGHTTP2_ERR_REFUSED_STREAM)
		p->n_refused++;
	else
		p->error = error;
	return 0;
}

/* ---- connections of peers ---- */

static void connect_peer(struct peer *p, int *fd, bool is_client)
{
	const struct peer_manner *manner = is_client ? &clients_are : &servers_are;
	const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, manner->window },
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, manner->streams },
		{ NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, manner->connects },
	};
	nghttp2_session_callbacks *c;
	nghttp2_option *o;

	memset(p, 0, sizeof(*p));
	p->fd = fd;
	p->manual = manner->manual;
	CHECK(nghttp2_session_callbacks_new(&c) == 0 && nghttp2_option_new(&o) == 0);
	nghttp2_option_set_no_auto_window_update(o, p->manual);
	nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin);
	nghttp2_session_callbacks_set_on_header_callback(c, on_field);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(c, on_close);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(c, on_invalid);
	CHECK((is_client ? nghttp2_session_client_new2(&p->session, c, p, o) : nghttp2_session_server_new2(&p->session, c, p, o)) == 0);
	nghttp2_session_callbacks_del(c);
	nghttp2_option_del(o);
	p->silent = manner->silent;
	CHECK(nghttp2_submit_settings(p->session, NGHTTP2_FLAG_NONE, settings, is_client ? 2 : 3) == 0);
}

static void forget(struct peer *p)
{
	nghttp2_session_del(p->session);
	p->session = NULL;
}

static void play_connects(int slot, const struct sockaddr *to)
{
	(void)to;
	CHECK(play.n_servers <= CONNECTIONS);
	connect_peer(&servers[slot], &play.servers[slot], false);
}

/* Until the socket or the peer has had enough. */
static void send_all(struct peer *p)
{
	while (*p->fd >= 0) {
		ssize_t n;

		if (p->rest_len == 0) {
			n = nghttp2_session_mem_send(p->session, &p->rest);
			CHECK(n >= 0);
			p->rest_len = (size_t)n;
		}
		if (p->rest_len == 0)
			return;
		n = send(*p->fd, p->rest, p->rest_len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n <= 0)
			return;
		n_moved += (uint64_t)n;
		p->rest += n;
		p->rest_len -= (size_t)n;
	}
}

static void pump(struct peer *p)
{
	static uint8_t bytes[65536];
	ssize_t n;

	if (p->session == NULL || p->silent || *p->fd < 0)
		return;
	send_all(p);
	while ((n = recv(*p->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
		ssize_t used = nghttp2_session_mem_recv(p->session, bytes, (size_t)n);

		n_moved += (uint64_t)n;
		if (used != n)
			p->error = used < 0 ? (int)used : NGHTTP2_ERR_PROTO;
	}
	p->gone = p->gone || n == 0;
	send_all(p);
}

static void play_read(void)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		pump(&clients[i]);
	for (unsigned i = 0; i < CONNECTIONS; i++)
		pump(&servers[i]);
}

/* ---- what peers do ---- */

static size_t fields_of(const char *const *lines, nghttp2_nv *out, size_t cap)
{
	size_t n = 0;

	for (; *lines != NULL; lines++, n++) {
		const char *value = strchr(*lines, ' ') + 1;

		CHECK(n < cap);
		out[n] = (nghttp2_nv){ .name = (uint8_t *)(uintptr_t)*lines, .namelen = (size_t)(value - *lines - 1),
			.value = (uint8_t *)(uintptr_t)value, .valuelen = strlen(value) };
	}
	return n;
}

static ssize_t next_bytes(nghttp2_session *session, int32_t id, uint8_t *into, size_t most, uint32_t *flags, nghttp2_data_source *source,
	void *user)
{
	struct peer_stream *s = stream_of(user, id);
	size_t n = s->left < most ? s->left : most;

	(void)source;
	if (n == 0 && !s->ends)
		return NGHTTP2_ERR_DEFERRED;
	for (size_t i = 0; i < n; i++)
		into[i] = pattern(s->sent + i);
	s->sent += n;
	s->left -= n;
	if (s->left == 0 && s->ends) {
		nghttp2_nv nv[10];

		*flags |= NGHTTP2_DATA_FLAG_EOF;
		if (s->last != NULL) {
			*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
			nghttp2_submit_trailer(session, id, nv, fields_of(s->last, nv, ARRAY_LEN(nv)));
		}
	}
	return (ssize_t)n;
}

struct peer_stream *peer_request(struct peer *p, const char *const *lines, bool more)
{
	const nghttp2_data_provider body = { .read_callback = next_bytes };
	nghttp2_nv nv[20];

	return new_stream(p, nghttp2_submit_request(p->session, NULL, nv, fields_of(lines, nv, ARRAY_LEN(nv)), more ? &body : NULL, NULL));
}

struct peer_stream *peer_asked(struct peer *p, unsigned n)
{
	CHECK(p != NULL && n < p->n_streams);
	return &p->streams[n];
}

void peer_answer(struct peer *p, struct peer_stream *s, const char *const *lines, bool more)
{
	const nghttp2_data_provider body = { .read_callback = next_bytes };
	nghttp2_nv nv[20];
	size_t n = fields_of(lines, nv, ARRAY_LEN(nv));

	if (strncmp(lines[0], ":status 1", 9) == 0)
		CHECK(nghttp2_submit_headers(p->session, NGHTTP2_FLAG_NONE, s->id, NULL, nv, n, NULL) == 0);
	else
		CHECK(nghttp2_submit_response(p->session, s->id, nv, n, more ? &body : NULL) == 0);
}

void peer_send(struct peer *p, struct peer_stream *s, size_t n, bool ends, const char *const *last)
{
	s->left += n;
	s->ends = ends;
	s->last = last;
	nghttp2_session_resume_data(p->session, s->id);
}

void peer_reset(struct peer *p, struct peer_stream *s, uint32_t code)
{
	CHECK(nghttp2_submit_rst_stream(p->session, NGHTTP2_FLAG_NONE, s->id, code) == 0);
}

void peer_leave(struct peer *p, const struct peer_stream *s)
{
	CHECK(nghttp2_submit_goaway(p->session, NGHTTP2_FLAG_NONE, s == NULL ? 0 : s->id, NGHTTP2_NO_ERROR, NULL, 0) == 0);
}

void peer_set(struct peer *p, int32_t setting, uint32_t value)
{
	const nghttp2_settings_entry one = { setting, value };

	CHECK(nghttp2_submit_settings(p->session, NGHTTP2_FLAG_NONE, &one, 1) == 0);
}

void peer_take(struct peer *p, struct peer_stream *s, size_t n)
{
	CHECK(p->manual && nghttp2_session_consume(p->session, s->id, n) == 0);
}

void peer_hang_up(struct peer *p)
{
	hang_up(p->fd, true);
}

/* ---- the stage ---- */

void stage_begin(void)
{
	servers_are = clients_are = (struct peer_manner){ .window = 65535, .streams = 100, .connects = true };
	stage_window = h2_limits_by_default.window;
	shared = backend_shared_new(&gateway);
	CHECK(shared != NULL);
	begin(&gateway, 0, shared);
}

void stage_end(void)
{
	end();
	for (unsigned i = 0; i < CLIENTS; i++)
		forget(&clients[i]);
	for (unsigned i = 0; i < CONNECTIONS; i++)
		forget(&servers[i]);
	backend_shared_free(&shared);
}

void stage_run(void)
{
	for (int quiet = 0; quiet < 2;) {
		uint64_t before = n_moved;

		play.now_ms++; /* what is due at once is due behind now */
		settle();
		quiet = n_moved == before ? quiet + 1 : 0;
	}
}

void stage_moment(void)
{
	uint64_t before;

	do {
		before = n_moved;
		settle();
	} while (n_moved != before);
}

void stage_wait(unsigned ms)
{
	play.now_ms += ms;
	stage_run();
}

void stage_drain(void)
{
	drain(false);
	stage_run();
}

void stage_others_wait(unsigned n)
{
	shared->servers[limited.index][0].waiting = n;
}

size_t stage_exchanges(void)
{
	return exchange_pool_live(play.worker.exchanges);
}

size_t stage_fronts(void)
{
	return play.worker.n_fronts;
}

struct peer *stage_client(unsigned i)
{
	struct addr from;
	int pair[2];

	CHECK(i < CLIENTS && play.clients[i] < 0);
	h2_limits = h2_limits_by_default;
	h2_limits.window = stage_window;
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
	addr_parse(STR("192.0.2.1"), 1, &from);
	play.clients[i] = pair[0];
	connect_peer(&clients[i], &play.clients[i], true);
	toron_front_http1.accept(&play.worker, &listeners[0], pair[1], &from);
	return &clients[i];
}

struct peer *stage_server(unsigned n)
{
	return n < play.n_servers ? &servers[n] : NULL;
}

unsigned stage_n_servers(void)
{
	return play.n_servers;
}
