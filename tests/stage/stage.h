/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Unit tests of whole codecs: a gateway on the stage of tests/fuzz/play.h, with sessions of nghttp2 as its clients and servers. Their frames go through
 * socket pairs, and time passes when it is told to. One thread; what a test begins, stage_end ends, and with it checks that nothing is left.
 *
 * Routes: /b to an HTTP/2 server, /l to the same with two connections at most, /e echoes, /r says "hello\n", /w to the HTTP/2 server as a WebSocket. */
#pragma once

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEER_STREAMS 64

/* A stream as a peer sees it. */
struct peer_stream {
	int32_t id;
	char head[1024], interim[512], trailers[512]; /* "name value\n" each */
	int n_interim;
	size_t got;          /* bytes of the body that came */
	size_t wrong;        /* of these, other than the pattern that all peers send */
	bool ended;          /* its last frame came */
	bool closed;
	uint32_t code;       /* that it was closed with */
	size_t sent, left;   /* bytes of our own body: under way, and those that may follow */
	bool ends;           /* nothing follows them but: */
	const char *const *last; /* trailers; NULL: none */
};

struct peer {
	int *fd;
	nghttp2_session *session; /* NULL: not connected */
	bool manual;              /* windows are opened by peer_take alone */
	bool silent;              /* it neither sends nor reads; may be changed */
	bool gone;                /* the gateway has closed the connection */
	int error;                /* what the gateway sent breaks a rule: nghttp2's number */
	struct peer_stream streams[PEER_STREAMS];
	unsigned n_streams;
	unsigned n_refused;       /* streams that came and were too many */
	unsigned n_goaways;
	int32_t last_taken;       /* by the last GOAWAY that came */
	uint32_t goaway_code;
	const uint8_t *rest;      /* of what is to be sent */
	size_t rest_len;
};

/* Of peers that connect from now on. */
struct peer_manner {
	uint32_t window;      /* SETTINGS_INITIAL_WINDOW_SIZE */
	uint32_t streams;     /* SETTINGS_MAX_CONCURRENT_STREAMS */
	bool connects;        /* SETTINGS_ENABLE_CONNECT_PROTOCOL */
	bool manual;
	bool silent;
};

/* "name value", up to NULL. */
#define LINES(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define REQUEST(method, path) ":method " method, ":scheme http", ":path " path, ":authority a"

void stage_begin(void);
/* Everybody hangs up, and nothing may be left. */
void stage_end(void);
/* Bytes go to and fro until nobody has anything to say. */
void stage_run(void);
/* The same while no time passes: what waits for a timer goes on waiting. */
void stage_moment(void);
/* ms pass. */
void stage_wait(unsigned ms);
/* The worker drains. */
void stage_drain(void);
/* So many exchanges of other workers wait for a connection of /l. */
void stage_others_wait(unsigned n);
/* Exchanges under way, connections of clients. */
size_t stage_exchanges(void);
size_t stage_fronts(void);

extern struct peer_manner servers_are, clients_are;
/* Bytes of bodies that a client may have under way in all, on connections from now on. */
extern uint32_t stage_window;

/* A client's new connection; the number is its place. */
struct peer *stage_client(unsigned i);
/* The n-th connection to a server (from 0); NULL: there was none. */
struct peer *stage_server(unsigned n);
unsigned stage_n_servers(void);

/* A request: the stream. More: a body may follow. */
struct peer_stream *peer_request(struct peer *p, const char *const *lines, bool more);
/* The n-th request that came (from 0), which must be there. */
struct peer_stream *peer_asked(struct peer *p, unsigned n);
/* A head; interim ones begin with :status 1. */
void peer_answer(struct peer *p, struct peer_stream *s, const char *const *lines, bool more);
/* So many more bytes of the body; ends: the last ones, and trailers if there are any. */
void peer_send(struct peer *p, struct peer_stream *s, size_t n, bool ends, const char *const *last);
void peer_reset(struct peer *p, struct peer_stream *s, uint32_t code);
/* GOAWAY: streams up to s were or will be acted on; NULL: none. */
void peer_leave(struct peer *p, const struct peer_stream *s);
void peer_set(struct peer *p, int32_t setting, uint32_t value);
/* A manual peer takes n bytes of what came, and says so. */
void peer_take(struct peer *p, struct peer_stream *s, size_t n);
void peer_hang_up(struct peer *p);
