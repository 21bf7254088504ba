/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One HTTP/2 connection, in either role, carrying many exchanges. Internal to codec/h2; the frames are nghttp2's.
 *
 *   connection:  OPEN --GOAWAY sent or received--> LEAVING --no stream left--> LINGER (front) | closed
 *   stream in:   HEAD --head whole--> BODY --end--> DONE        (DISCARD: what comes means nothing any more)
 *   stream out:  IDLE --head op--> BODY --end framed--> DONE
 *
 * Input (in.c): buffers are read and handed to nghttp2, whose callbacks (session.c) make events of them; the streams that had events
 * are noted and their exchange_more follows when the batch ends. Output (out.c): ops only submit; all frames of all streams of a
 * turn are gathered and written once at its end. Roles (front.c, back.c) differ in who begins streams and in what a head is.
 *
 * Flow control: a window is opened again by what the other leg has released, for the stream and for the connection. */
#pragma once

#include <nghttp2/nghttp2.h>

#include "codec/back.h"
#include "codec/front.h"
#include "codec/h2/budget.h"
#include "codec/h2/memory.h"
#include "codec/pseudo.h"
#include "http/pace.h"
#include "net/conn.h"
#include "toron/gateway.h"

struct h2;
struct h2_role;

enum h2_in { H2_IN_HEAD, H2_IN_BODY, H2_IN_DONE, H2_IN_DISCARD };
enum h2_out { H2_OUT_IDLE, H2_OUT_BODY, H2_OUT_DONE };

struct h2_stream {
	unsigned magic;
#define H2_STREAM_MAGIC 0x5e2a71b9u
	int32_t id;                /* back: 0 until it is submitted */
	struct h2 *h;
	struct leg leg;            /* x NULL: the exchange has let go, and the stream is being closed */
	struct list link;          /* in h->streams */
	struct list dirty;         /* in h->dirty: had events in this batch */
	struct list framed;        /* in h->framed: bytes of its body were framed, so that the other leg has room */
	enum h2_in in;
	enum h2_out out;
	bool waits;                /* nghttp2 has put the body off until there is more */
	bool is_tunnel;
	bool reset;                /* RST_STREAM is submitted */
	bool answered;             /* back: a final head has come */
	bool peer_ended;           /* its last frame has come */
	bool waits_settings;       /* back: not submitted yet, for want of the peer's settings */
	bool connects;             /* back: asks for another protocol; nothing is sent before the answer */
	enum fault failed;         /* back: to be told to the exchange as soon as it may be */
	uint8_t n_interim;
	struct pseudo section;     /* the head or trailers being received */
	uint64_t taken;            /* bytes of the body that came */
	uint64_t credited;         /* of these, given back to the peer's window */
	struct buf *gather;        /* counted: where small pieces are put together; NULL: none yet */
	uint32_t gather_end;
	uint64_t in_ms, out_ms;    /* when this direction last got on; 0: not waited for */
	struct pace in_pace, out_pace;
	struct back_limits limits; /* back */
};

#define H2_CLOSED_KEPT 64
#define H2_CLOSED_BY_US 0x80000000u /* the client may not have known when it sent more */

struct h2 {
	unsigned magic;
#define H2_MAGIC 0x62c4d07fu
	bool is_front;
	const struct h2_role *role;
	bool feeding;              /* nghttp2 is on the stack, reading */
	bool writing;              /* ... or writing */
	bool broken;               /* to be closed when nghttp2 is off the stack, because of: */
	enum h2_flood flood;
	bool closed;
	bool eof;
	bool blocked;              /* output waits for the socket */
	bool shut;                 /* the peer may send no byte of any body: the connection's window is spent */
	bool leaving;              /* no new streams: GOAWAY */
	bool lingering;
	bool stuck;                /* a stream could not be reset, for want of memory: no frame is made any more */
	struct conn conn;
	nghttp2_session *session;
	struct h2_memory memory;   /* the session's */
	struct loop_task flush, last; /* last: frees */
	struct list streams, dirty, framed;
	uint32_t n_streams;
	struct h2_stream *recent;  /* the one that a frame last concerned; NULL: none */
	struct list unused;        /* of h2_stream */
	uint32_t n_unused;
	struct buf *in;            /* counted; NULL while nothing is read */
	uint32_t in_end;
	struct buf *out;           /* counted: frames not yet written; NULL: none */
	uint32_t out_at, out_end;
	uint64_t due_ms;           /* when the streams' time limits are looked at next; 0: never */
	uint64_t write_ms;         /* when the socket last took something */
	uint64_t framed_ms;        /* when the last DATA frame was made */
	struct h2_budget budget;

	union {
		struct {
			struct front_link link;
			const struct toron_listener *listener;
			uint32_t n_requests;
			uint64_t head_ms;    /* when the head being received began; 0: none is */
			uint32_t discarded;  /* bytes, while lingering */
			uint64_t idle_ms;    /* since when there has been no stream */
			uint32_t closed[H2_CLOSED_KEPT]; /* a ring: the streams that ended last */
			uint32_t n_closed;
			struct pace pace;    /* of taking what is sent, whatever the stream */
			uint64_t leave_ms;   /* since when the client may see that we leave; 0: it does not matter, or no more */
		} front;
		struct {
			struct back_conn conn;
			bool connecting;
			bool has_settings;   /* the peer's have come */
			uint32_t streams;    /* at a time, as far as we are concerned */
			uint32_t at_first;   /* at a time until the peer's settings have come */
			int32_t last_taken;  /* by its GOAWAY: the last stream that the server has acted on, or will; 0: none, or no GOAWAY */
			uint32_t n_taken;    /* streams up to that one */
			uint64_t opened_ms;
			uint64_t heard_ms;   /* when the peer last sent something */
			uint64_t pinged_ms;  /* when it was asked whether it lives, and it has sent nothing since; 0: not */
			uint64_t idle_ms;    /* since when there has been no stream; 0: there is one */
		} back;
	};
};

static inline struct msg *h2_in_msg(struct h2_stream *s)
{
	return s->h->is_front ? &s->leg.x->request : &s->leg.x->response;
}
static inline struct body *h2_in_body(struct h2_stream *s)
{
	return exchange_body_in(s->leg.x, s->h->is_front ? MSG_REQUEST : MSG_RESPONSE);
}
static inline struct msg *h2_out_msg(struct h2_stream *s)
{
	return s->h->is_front ? &s->leg.x->response : &s->leg.x->request;
}
static inline struct h2_stream *h2_stream_of(struct leg *leg)
{
	struct h2_stream *s = CONTAINER_OF(leg, struct h2_stream, leg);

	CHECK_MAGIC(s, H2_STREAM_MAGIC);
	return s;
}

/* ---- session.c ---- */
/* The session of a connection, which the caller sets up, its budget first, and our settings; false: out of memory. `window`: of the
 * connection. */
bool h2_init(struct h2 *h, struct worker *w, const struct h2_role *role, bool is_front, const nghttp2_settings_entry *settings,
	size_t n_settings, uint32_t window);
/* A stream of this connection, without an exchange; NULL: out of memory. */
struct h2_stream *h2_stream_new(struct h2 *h, int32_t id);
/* Its exchange must have let go. Nothing is told to the peer. */
void h2_stream_free(struct h2_stream *s);
struct h2_stream *h2_stream_find(struct h2 *h, int32_t id);
/* Ends a stream towards the peer with an error code, once. */
void h2_stream_reset(struct h2_stream *s, uint32_t code);
/* Closes (abort: with RST) at once and frees at the end of the turn. No stream may have an exchange. */
void h2_close(struct h2 *h, bool abort);
/* Frees one that was never connected, at once. */
void h2_discard(struct h2 *h);
/* The peer asks for too much: the connection ends as soon as nghttp2 is off the stack. */
void h2_flooded(struct h2 *h, enum h2_flood kind);
/* Tells the peer why (the flood counts before `code`), and lets go. */
void h2_break_off(struct h2 *h, uint32_t code);

/* ---- in.c ---- */
void h2_readable(struct conn *c);
/* Takes bytes that came already: in->bytes[at..end). */
void h2_take_bytes(struct h2 *h, struct buf *in, uint32_t at, uint32_t end);
/* Bytes of a body. */
void h2_take_data(struct h2_stream *s, const uint8_t *bytes, size_t len);
/* The stream's exchange has something for its other leg. */
void h2_touch(struct h2_stream *s);
/* Gives back to the peer's window what the other leg has released. */
void h2_credit(struct h2_stream *s);
/* Gives back all that came on a stream whose body nobody takes any more. */
void h2_credit_all(struct h2_stream *s);

/* ---- out.c ---- */
/* Frames are written at the end of this turn. */
void h2_out_init(struct h2 *h);
/* Text that goes out before all frames; false: out of memory. */
bool h2_out_text(struct h2 *h, struct worker *w, struct str text);
void h2_flush_later(struct h2 *h);
/* Now, because the connection ends. */
void h2_flush(struct h2 *h);
void h2_writable(struct conn *c);
/* op more. */
void h2_more(struct leg *leg);
/* op room. */
void h2_room(struct leg *leg);
/* Head fields as nghttp2 wants them, in the exchange's arena. */
struct h2_fields {
	nghttp2_nv *at;
	size_t n, cap;
	uint8_t flags; /* of each field */
};
/* `lasts`: names and values stay where they are as long as the exchange does, so that nghttp2 need not copy them. Who lets go of the exchange
 * before they are sent resets the stream, whose head is not sent then. */
bool h2_fields_init(struct h2_fields *f, struct arena *a, size_t cap, bool lasts);
void h2_fields_put(void *fields, struct str name, struct str value, bool secret);
nghttp2_data_provider h2_body_of(struct h2_stream *s);
/* For nghttp2, while frames are made. */
int h2_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t length, nghttp2_data_source *source,
	void *user);

/* ---- time.c ---- */
/* This direction of the stream got on, or waits from now on. */
void h2_time_in(struct h2_stream *s);
void h2_time_out(struct h2_stream *s);
/* Whether the peer could send more of a body: it has not spent the window that others hold up, of the stream or of the connection. */
bool h2_time_may_send(const struct h2_stream *s, uint32_t window);
/* The connection's window may be another one: who could send nothing for want of it is waited for from now on. */
void h2_time_window(struct h2 *h);
/* Since when a stream that has something to send has not got on, by the peer's doing: others go first while they get on. */
uint64_t h2_time_stuck(const struct h2_stream *s);
/* Makes sure that time limits are looked at by then; 0: never. */
void h2_time_due(struct h2 *h, uint64_t at_ms);
void h2_timeout(struct conn *c);

/* ---- front.c and back.c: where the roles differ ---- */
struct h2_role {
	/* The peer has begun a stream; NULL: refused. */
	struct h2_stream *(*begin)(struct h2 *h, int32_t id);
	/* A head is whole. `ends`: nothing follows. */
	void (*head)(struct h2_stream *s, bool ends);
	/* What the peer sent on the stream breaks a rule or a limit. */
	void (*broken)(struct h2_stream *s, enum fault fault);
	/* The last frame of our direction was made. */
	void (*sent)(struct h2_stream *s);
	/* nghttp2 has closed the stream, which the callee frees. */
	void (*closed)(struct h2_stream *s, uint32_t code);
	/* The connection is of no more use: its exchanges fail, and it is closed. */
	void (*gone)(struct h2 *h, enum fault fault, bool abort);
	/* Its last frames are written, and nothing will be read. */
	void (*finished)(struct h2 *h);
	/* It has no stream. */
	void (*quiet)(struct h2 *h);
	/* A frame that concerns the connection has come. */
	void (*control)(struct h2 *h, const nghttp2_frame *frame);
	/* DATA or HEADERS for a stream that is not there: the error by which the connection ends, or NGHTTP2_NO_ERROR. NULL: never mind. */
	uint32_t (*stray)(struct h2 *h, bool is_head, uint32_t id);
	/* A frame other than DATA and HEADERS was made. NULL: it does not matter. */
	void (*control_sent)(struct h2 *h, const nghttp2_frame *frame);
	/* Bytes have come; NULL: it does not matter. */
	void (*heard)(struct h2 *h);
	/* When a time limit is due (0: none is), of a stream and of the connection; what is done when it passes. */
	uint64_t (*stream_due)(struct h2_stream *s);
	void (*stream_overdue)(struct h2_stream *s);
	uint64_t (*due)(struct h2 *h);
	void (*overdue)(struct h2 *h);
	/* Of heads that are received. */
	struct pseudo_limits (*limits)(const struct h2 *h);
};
