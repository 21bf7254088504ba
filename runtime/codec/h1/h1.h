/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One HTTP/1.1 connection, in either role, carrying one exchange at a time. Internal to codec/h1.
 *
 *   in:   IDLE --head--> LENGTH | CHUNKED | UNTIL_CLOSE | TUNNEL --end--> DONE --exchange over--> IDLE
 *   out:  IDLE --head op--> NO_BODY | LENGTH | CHUNKED | UNTIL_CLOSE | TUNNEL --all written--> DONE --> IDLE
 *
 * Roles differ in a few places only: what a head is (front.c, back.c), and who is told when both directions are through. Input is
 * pumped by in.c, output by out.c. Nothing here is freed inside a callback: h1_close defers it to the end of the turn. */
#pragma once

#include "codec/back.h"
#include "codec/front.h"
#include "codec/h1/parse.h"
#include "http/pace.h"
#include "net/conn.h"
#include "toron/gateway.h"

enum h1_in { H1_IN_IDLE, H1_IN_LENGTH, H1_IN_CHUNKED, H1_IN_UNTIL_CLOSE, H1_IN_TUNNEL, H1_IN_DONE, H1_IN_DISCARD };
enum h1_out { H1_OUT_IDLE, H1_OUT_NO_BODY, H1_OUT_LENGTH, H1_OUT_CHUNKED, H1_OUT_LAST_CHUNK, H1_OUT_UNTIL_CLOSE,
	H1_OUT_TUNNEL, H1_OUT_DONE, H1_OUT_DEAD };

struct h1 {
	unsigned magic;
#define H1_MAGIC 0x51c0de11u
	bool is_front;
	bool pumping;        /* h1_pump is on the stack */
	bool stalled;        /* input waits for room in the body */
	bool eof;            /* the peer has ended its direction */
	bool peer_reset;     /* ... and not in an orderly way */
	bool keep_alive;     /* as far as the peer's head says */
	bool blocked;        /* output waits for the socket */
	bool closed;
	bool wait_continue;  /* front: the client waits for 100 (Continue) */
	bool http_10;        /* the peer speaks 1.0 */
	bool lingering;
	bool begun;          /* some of the message has been written */
	bool answer_keeps;   /* front: what the response head said about the connection */
	bool paced;          /* the deadline that is set is that of a pace */
	bool in_bulk;        /* the last read filled its buffer */
	enum h1_in in_state : 8; /* as small as they can be: idle clients are many */
	enum h1_out out_state : 8;
	uint64_t blocked_ms; /* when the socket last took something, or first took nothing */
	struct conn conn;
	struct leg leg;
	struct loop_task task; /* deferred pump, or free */

	struct buf *in;      /* counted; NULL while nothing is buffered */
	uint32_t in_at, in_end;
	size_t scanned;      /* of the head being looked for */
	uint64_t in_left;    /* LENGTH; DISCARD: how much more is taken */
	struct h1_chunks chunks;

	struct buf *out;     /* counted: heads and chunk framing not yet written; NULL: none */
	uint32_t out_at, out_end;
	size_t chunk_left;   /* of the chunk begun */
	struct str tail;     /* framing after the chunk's data */
	struct pace in_pace, out_pace;

	union {
		struct {
			struct front_link link;
			const struct toron_listener *listener;
			uint32_t n_requests;
			uint8_t n_empty;         /* lines before the present head */
			uint64_t head_begun_ms;  /* when the first byte of the present head came; 0: none has */
			uint64_t linger_until_ms;
		} front;
		struct {
			struct back_conn conn;
			bool connecting;
			bool answered;           /* a final response head has come */
			bool head_failed;        /* the request head could not be written */
			uint64_t asked_ms;       /* when the server began to be waited for; 0: it is not */
			uint8_t n_interim;
		} back;
	};
};

/* A connection of the role; conn is initialised by the caller. */
void h1_init(struct h1 *h, bool is_front);
/* The same on the heap, with room for what the role has; NULL: out of memory. h1_close frees it. */
struct h1 *h1_new(bool is_front);
/* Closes (abort: with RST) and frees at the end of the turn. The leg must have no exchange. */
void h1_close(struct h1 *h, bool abort);

/* ---- in.c ---- */
/* Reads what the socket has, then pumps. */
void h1_readable(struct conn *c);
/* Turns buffered bytes into events until bytes, room or interest run out; ends with exchange_more. */
void h1_pump(struct h1 *h);
/* Pumps at the end of the turn. */
void h1_pump_later(struct h1 *h);
/* How the body that follows a head is framed. */
void h1_begin_body(struct h1 *h, const struct h1_head *head, const struct msg *m);
/* op room. */
void h1_room(struct leg *leg);

/* ---- out.c ---- */
/* op more: writes what is waiting. */
void h1_more(struct leg *leg);
void h1_writable(struct conn *c);
/* op takes_file. */
bool h1_takes_file(const struct leg *leg);
/* What has come through a tunnel is written to its other end at once, as far as that takes it. */
void h1_pass_on(struct h1 *h);
/* Room for `len` more bytes of head or framing, or NULL (out of memory, too large). */
char *h1_out_reserve(struct h1 *h, size_t len);
/* True when everything that the message is has been written. */
static inline bool h1_out_is_complete(const struct h1 *h)
{
	return h->out_state == H1_OUT_DONE || h->out_state == H1_OUT_DEAD;
}

/* ---- write.c: heads as text ---- */
/* Both append to the output; false when out of memory. */
bool h1_write_request(struct h1 *h, const struct msg *m);
bool h1_write_response(struct h1 *h, const struct msg *m, bool keep_alive);
size_t h1_write_trailers_size(const struct fields *f);
char *h1_write_trailers(char *p, const struct fields *f);

/* ---- front.c and back.c: where the roles differ ---- */
/* A head may wait in the buffer: true if one was taken. */
bool h1_front_head(struct h1 *h);
bool h1_back_head(struct h1 *h);
/* The message is complete; the batch's exchange_more follows. */
void h1_back_in_done(struct h1 *h);
/* All output is written, or the input is done: ends the exchange if both are. */
void h1_front_progress(struct h1 *h);
void h1_back_progress(struct h1 *h);
/* The peer's bytes break the rules (or a limit) inside a body. */
void h1_front_broken(struct h1 *h, enum fault fault);
void h1_back_broken(struct h1 *h, enum fault fault);
/* The peer has ended its direction, and what came before was taken; told again after each later pump. */
void h1_front_eof(struct h1 *h);
void h1_back_eof(struct h1 *h);
/* There is no buffer to read into, and nothing in flight that would give one back. */
void h1_front_starved(struct h1 *h, enum fault fault);
/* Too much came while lingering. */
void h1_front_flooded(struct h1 *h);
/* Writing failed. */
void h1_front_write_failed(struct h1 *h);
void h1_back_write_failed(struct h1 *h);
/* Sets the deadline that the present state asks for. */
void h1_front_deadline(struct h1 *h);
void h1_back_deadline(struct h1 *h);
/* Sets a deadline: `ms` from now (0: none), or when a pace is due, if that is sooner (at this time; 0: none is). */
void h1_deadline(struct h1 *h, uint64_t ms, uint64_t pace_ms);
/* What is left of a limit; no less than 1. */
static inline uint64_t h1_time_left(const struct h1 *h, uint64_t since_ms, uint64_t limit_ms)
{
	uint64_t now = loop_now_ms(h->conn.worker->loop);

	return since_ms + limit_ms > now ? since_ms + limit_ms - now : 1;
}
struct h1_limits h1_limits_of(const struct h1 *h);

static inline struct body *h1_in_body(struct h1 *h)
{
	return exchange_body_in(h->leg.x, h->is_front ? MSG_REQUEST : MSG_RESPONSE);
}
static inline struct msg *h1_out_msg(struct h1 *h)
{
	return h->is_front ? &h->leg.x->response : &h->leg.x->request;
}
