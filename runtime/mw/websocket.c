/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Watches over a WebSocket: a filter in each direction that reads the heads of frames and lets the frames through as they are. It keeps
 * limits, pings sides that are silent and takes their answers out again, and ends both sides with a close frame.
 *
 *   FRAME --head of a frame--> PAYLOAD --all of it passed on--> FRAME
 *
 * Own frames go out only in FRAME, between two frames of the peer's. A control frame is passed on, or not, once all of it is there.
 * `direction` is that of the bytes: of the client's, or of the server's; what is said to the client goes in the server's direction.
 *
 *   open --limit, broken frame, drain--> closing (a close frame to each side) --its close frame or end--> ended --close_ms--> cut off */
#include <sys/random.h>

#include "base/check.h"
#include "codec/ws/frame.h"
#include "http/exchange.h"
#include "loop/count.h"
#include "toron/gateway.h"

#define PING_BYTES 8

struct watch;

struct direction {
	struct filter filter;
	struct watch *watch;
	struct ws_stream stream;
	struct filter_out out;
	uint64_t left;         /* PAYLOAD: bytes of the frame still to come; 0: FRAME */
	uint64_t seen;         /* bytes of the peer's that have come */
	uint64_t heard_ms;     /* when the last of them did */
	bool is_muted;         /* our close frame went this way: nothing follows it */
	bool said_close;       /* the peer's close frame went this way */
	bool has_closed;       /* the peer has ended: with that frame, or without */
	bool is_starved;       /* nothing can be done before more bytes come */
	bool is_broken;        /* what comes cannot be read any more */
	bool must_ping;        /* a ping is to be sent this way */
	uint64_t taken;        /* bytes that whom this goes to had taken at the last look, and our pings since */
	uint8_t ping[PING_BYTES]; /* of the last one sent this way */
	uint64_t pinged_ms;    /* 0: none is unanswered */
};

struct watch {
	unsigned magic;
#define WATCH_MAGIC 0x77a7c4edu
	struct exchange *x;
	const struct toron_websocket *conf;
	struct direction at[2]; /* by the message's kind: MSG_REQUEST is the client's */
	struct loop_timer timer;
	uint64_t begun_ms, message_ms; /* when the last message's frame came */
	uint64_t cut_ms;               /* when whatever is left is cut off; 0: not closing */
	uint16_t code;                 /* of our close frames; 0: none are sent */
};

static struct direction *opposite(const struct direction *d)
{
	return &d->watch->at[d == &d->watch->at[MSG_REQUEST] ? MSG_RESPONSE : MSG_REQUEST];
}

static uint64_t now_of(const struct watch *w)
{
	return loop_now_ms(w->x->worker->loop);
}

/* ---- time ---- */

static void earlier(uint64_t *at, uint64_t since, uint32_t ms)
{
	if (ms != 0 && since + ms < *at)
		*at = since + ms;
}

/* When this side is to be pinged, or given up. */
static uint64_t ping_since(const struct direction *d)
{
	const struct direction *to = opposite(d);

	return to->pinged_ms > d->heard_ms ? to->pinged_ms : d->heard_ms;
}

static void arm(struct watch *w)
{
	uint64_t at = UINT64_MAX, now = now_of(w);

	if (w->cut_ms != 0) {
		at = w->cut_ms;
	} else {
		earlier(&at, w->message_ms, w->conf->idle_ms);
		earlier(&at, w->begun_ms, w->conf->total_ms);
		earlier(&at, ping_since(&w->at[MSG_REQUEST]), w->conf->ping_ms);
		earlier(&at, ping_since(&w->at[MSG_RESPONSE]), w->conf->ping_ms);
	}
	if (at != UINT64_MAX)
		loop_timer_set(&w->timer, at > now ? at - now : 1);
}

/* From here on there is little time left. */
static void hurry(struct watch *w)
{
	if (w->cut_ms != 0)
		return;
	w->cut_ms = now_of(w) + w->conf->close_ms;
	arm(w);
}

static void begin_close(struct watch *w, enum ws_code code, enum count_ws reason)
{
	if (w->code != 0)
		return;
	count_listener(w->x->worker, w->x->listener, COUNT_WS_CLOSED + reason);
	w->code = (uint16_t)code;
	hurry(w);
	filter_wake(&w->at[MSG_REQUEST].filter);
	filter_wake(&w->at[MSG_RESPONSE].filter);
}

/* A ping may stand behind much that a slow reader has yet to read. */
static bool takes_bytes(struct direction *to)
{
	uint64_t sent = to->filter.msg->body.sent;

	if (sent <= to->taken)
		return false;
	to->taken = sent;
	return true;
}

static bool is_silent(const struct direction *d, uint64_t now)
{
	return now >= ping_since(d) + d->watch->conf->ping_ms;
}

/* Pings whoever is silent. False: somebody has not answered the last one, nor said anything else, for a whole interval. */
static bool ping_silent(struct watch *w, uint64_t now)
{
	for (unsigned i = 0; i < 2; i++) {
		struct direction *from = &w->at[i], *to = opposite(from);

		if (!is_silent(from, now))
			continue;
		/* Who has closed, is not listened to because the other side is slow, or takes what it is sent, is not asked. */
		if (to->is_muted || from->has_closed || body_room(&from->filter.in) == 0 || takes_bytes(to)) {
			from->heard_ms = now;
			continue;
		}
		/* A ping that could not even be sent is the writer's limit's business. */
		if (to->pinged_ms > from->heard_ms && !to->must_ping)
			return false;
		to->must_ping = true;
		to->pinged_ms = now;
		filter_wake(&to->filter);
	}
	return true;
}

static void on_timer(struct loop_timer *t)
{
	struct watch *w = CONTAINER_OF(t, struct watch, timer);
	uint64_t now = now_of(w);

	CHECK_MAGIC(w, WATCH_MAGIC);
	if (w->cut_ms != 0) {
		exchange_cut(w->x, FAULT_FRONT_TIMEOUT);
		return;
	}
	if (w->conf->total_ms != 0 && now >= w->begun_ms + w->conf->total_ms)
		begin_close(w, WS_POLICY, COUNT_WS_TOTAL);
	else if (w->conf->idle_ms != 0 && now >= w->message_ms + w->conf->idle_ms)
		begin_close(w, WS_GOING_AWAY, COUNT_WS_IDLE);
	else if (w->conf->ping_ms != 0 && !ping_silent(w, now))
		begin_close(w, WS_GOING_AWAY, COUNT_WS_PING);
	arm(w);
}

/* ---- what we say ---- */

/* True if the frame is out; false: there is no room now, or no memory. */
static bool say(struct direction *d, struct body *to, enum ws_opcode opcode, const uint8_t *payload, size_t n, enum fault *fault)
{
	uint8_t mask[4] = { 0 };
	bool is_masked = d->stream.from_client;
	size_t room;
	char *p = filter_reserve(&d->filter, &d->out, to, WS_HEAD_MAX + n, &room, fault);

	if (p == NULL)
		return false;
	if (is_masked && getrandom(mask, sizeof(mask), 0) != (ssize_t)sizeof(mask)) {
		*fault = FAULT_INTERNAL;
		return false;
	}
	filter_commit(&d->out, to, ws_control_write((uint8_t *)p, opcode, payload, n, is_masked ? mask : NULL));
	return true;
}

/* Between two frames: what waits to be said. */
static void say_own(struct direction *d, struct body *to, enum fault *fault)
{
	struct watch *w = d->watch;

	if (d->is_muted || to->end)
		return;
	if (d->said_close) {
		d->is_muted = w->code != 0;
		return;
	}
	if (w->code != 0) {
		const uint8_t code[2] = { (uint8_t)(w->code >> 8), (uint8_t)w->code };

		d->is_muted = say(d, to, WS_CLOSE, code, sizeof(code), fault);
		return;
	}
	if (!d->must_ping)
		return;
	if (getrandom(d->ping, sizeof(d->ping), 0) != (ssize_t)sizeof(d->ping))
		*fault = FAULT_INTERNAL;
	else if (say(d, to, WS_PING, d->ping, sizeof(d->ping), fault)) {
		d->must_ping = false;
		d->taken += sizeof(d->ping) + (d->stream.from_client ? 6 : 2);
	}
}

/* ---- what they say ---- */

/* Up to `most` bytes of what has come. */
static size_t look(const struct body *in, uint8_t *into, size_t most)
{
	struct iovec iov[BODY_SEGMENTS];
	int n_iov = body_peek(in, iov, BODY_SEGMENTS);
	size_t n = 0;

	for (int i = 0; i < n_iov && n < most; i++) {
		size_t len = iov[i].iov_len < most - n ? iov[i].iov_len : most - n;

		memcpy(into + n, iov[i].iov_base, len);
		n += len;
	}
	return n;
}

/* Many tiny pieces, not yet a frame: put together, so that there is room for the rest. */
static enum fault gather(struct direction *d)
{
	struct body *in = &d->filter.in;
	uint8_t bytes[WS_HEAD_MAX + WS_CONTROL_MAX];
	struct buf *b;
	size_t n;

	if (in->n < BODY_SEGMENTS || in->end)
		return FAULT_NONE;
	n = look(in, bytes, sizeof(bytes));
	b = buf_acquire(d->watch->x->worker->bufs, n);
	if (b == NULL)
		return FAULT_NO_MEMORY;
	memcpy(b->bytes, bytes, n);
	body_drop(in);
	body_append(in, b->bytes, n, b);
	buf_release(&b);
	return FAULT_NONE;
}

static void drop(struct body *in, size_t n)
{
	body_sent(in, n);
	body_release(in, n);
}

static void fail(struct direction *d, enum ws_code code)
{
	d->is_broken = true;
	begin_close(d->watch, code, code == WS_TOO_BIG ? COUNT_WS_SIZE : COUNT_WS_PROTOCOL);
	filter_wake(&opposite(d)->filter);
}

/* An answer to a ping of ours, which the other side knows nothing of. */
static bool is_own_pong(const struct direction *d, const struct ws_frame *f, const uint8_t *payload)
{
	const struct direction *to = opposite(d);

	return f->opcode == WS_PONG && f->length == PING_BYTES && to->pinged_ms != 0 && !to->must_ping &&
	       memcmp(payload, to->ping, PING_BYTES) == 0;
}

/* A control frame, whole: true if it is passed on. */
static bool on_control(struct direction *d, const struct ws_frame *f, const uint8_t *head)
{
	uint8_t payload[WS_CONTROL_MAX];
	size_t n = (size_t)f->length;

	memcpy(payload, head + f->head_len, n);
	if (f->masked)
		ws_mask(payload, n, f->mask, 0);
	if (is_own_pong(d, f, payload)) {
		opposite(d)->pinged_ms = 0;
		return false;
	}
	if (f->opcode != WS_CLOSE)
		return true;
	if (!ws_close_is_valid(payload, n)) {
		fail(d, WS_PROTOCOL_ERROR);
		return false;
	}
	d->has_closed = d->said_close = true;
	if (opposite(d)->has_closed)
		hurry(d->watch);
	filter_wake(&opposite(d)->filter);
	return true;
}

static bool is_too_big(const struct direction *d, const struct ws_frame *f)
{
	const struct toron_websocket *conf = d->watch->conf;

	return !ws_is_control(f) && ((conf->frame_bytes != 0 && f->length > conf->frame_bytes) ||
					    (conf->message_bytes != 0 && d->stream.message > conf->message_bytes));
}

/* The next frame, once enough of it is there. False: it is not. */
static bool next_frame(struct direction *d)
{
	uint8_t bytes[WS_HEAD_MAX + WS_CONTROL_MAX];
	struct watch *w = d->watch;
	size_t n = look(&d->filter.in, bytes, sizeof(bytes));
	struct ws_stream before = d->stream;
	struct ws_frame f;
	int head = ws_frame_read(bytes, n, &f);

	if (head == 0)
		return false;
	if (head < 0 || !ws_stream_take(&d->stream, &f) || d->has_closed) {
		fail(d, WS_PROTOCOL_ERROR);
		return false;
	}
	if (is_too_big(d, &f)) {
		fail(d, WS_TOO_BIG);
		return false;
	}
	if (ws_is_control(&f) && n < (size_t)head + f.length) {
		d->stream = before;
		return false;
	}
	if (f.opcode != WS_PONG)
		w->message_ms = now_of(w);
	d->left = (uint64_t)head + f.length;
	if (ws_is_control(&f) && !on_control(d, &f, bytes)) {
		drop(&d->filter.in, (size_t)d->left);
		d->left = 0;
	}
	return true;
}

/* Takes frames until bytes or room run out. */
static enum fault pass(struct direction *d, struct body *to)
{
	struct body *in = &d->filter.in;
	enum fault fault = FAULT_NONE;

	d->is_starved = false;
	while (fault == FAULT_NONE && !d->is_broken) {
		size_t n, most = d->left < SIZE_MAX ? (size_t)d->left : SIZE_MAX;

		if (d->left == 0) {
			say_own(d, to, &fault);
			/* Our close frame waits for room. */
			if (fault != FAULT_NONE || (d->watch->code != 0 && !d->is_muted))
				break;
			d->is_starved = body_unsent(in) == 0 || !next_frame(d);
			if (!d->is_starved)
				continue;
			fault = gather(d);
			break;
		}
		d->is_starved = body_unsent(in) == 0;
		if (d->is_muted) {
			n = body_unsent(in) < most ? body_unsent(in) : most;
			drop(in, n);
		} else {
			n = body_forward(in, to, most);
		}
		d->left -= n;
		if (n == 0)
			break;
	}
	return fault;
}

static enum fault run(struct filter *filter, struct body *to)
{
	struct direction *d = CONTAINER_OF(filter, struct direction, filter), *back = opposite(d);
	struct watch *w = d->watch;
	struct body *in = &filter->in;
	enum fault fault;

	if (in->appended != d->seen) {
		d->seen = in->appended;
		d->heard_ms = now_of(w);
	}
	fault = pass(d, to);
	if (fault != FAULT_NONE)
		return fault;
	if (d->is_broken) {
		body_drop(in);
		/* The broken frame was not begun, so that our close frame may go this way, too. */
		say_own(d, to, &fault);
	}
	if (in->end && (d->is_starved || d->is_broken)) {
		body_drop(in); /* a part of a frame's head */
		hurry(w);
		/* Once: two sides that have ended would wake each other for ever. */
		if (!d->has_closed)
			filter_wake(&back->filter);
		d->has_closed = true;
	}
	/* The end of this direction: the peer's own, also in the middle of a frame, where nothing of ours can stand; or, behind our close
	 * frame, once whom it went to has answered, or cannot. */
	if (d->is_muted ? back->has_closed || back->is_broken : in->end && d->is_starved && (w->code == 0 || d->left != 0))
		to->end = true;
	filter_out_rest(&d->out, false);
	return fault;
}

static void close_direction(struct filter *filter)
{
	struct direction *d = CONTAINER_OF(filter, struct direction, filter);

	filter_out_rest(&d->out, true);
	if (d->watch->x->tunnel_watch == NULL)
		return;
	d->watch->x->tunnel_watch = NULL;
	d->watch->x->drain = NULL;
	loop_timer_fini(&d->watch->timer);
}

static const struct filter_ops watch_ops = { .name = "websocket", .run = run, .close = close_direction };

static void on_drain(struct exchange *x)
{
	begin_close(x->tunnel_watch, WS_GOING_AWAY, COUNT_WS_DRAIN);
}

/* What the extensions that were agreed on may do with reserved bits; of those that we do not know, anything. */
static uint8_t reserved_bits(const struct exchange *x)
{
	const struct fields *f = &x->response.head;
	uint8_t bits = 0;

	for (unsigned i = 0; i < f->n; i++) {
		struct str rest = f->at[i].value, member;

		if (!str_eq(f->at[i].name, STR("sec-websocket-extensions")))
			continue;
		while (field_next_member(&rest, &member)) {
			struct str name = str_trim(str_slice(member, 0, str_find_char(member, ';')));

			bits |= str_eq_nocase(name, STR("permessage-deflate")) ? 0x40 : 0x70;
		}
	}
	return bits;
}

void toron_websocket_watch(struct exchange *x, const struct toron_websocket *conf)
{
	struct watch *w = ARENA_NEW(&x->arena, struct watch);
	uint64_t now = loop_now_ms(x->worker->loop);

	/* The arena is over its budget: the exchange ends by itself. */
	if (w == NULL)
		return;
	*w = (struct watch){ .magic = WATCH_MAGIC, .x = x, .conf = conf, .begun_ms = now, .message_ms = now };
	for (unsigned i = 0; i < 2; i++) {
		w->at[i].watch = w;
		w->at[i].filter.ops = &watch_ops;
		w->at[i].heard_ms = now;
		w->at[i].stream = (struct ws_stream){ .from_client = i == MSG_REQUEST, .reserved = reserved_bits(x) };
		filter_add(x, i == MSG_REQUEST ? MSG_REQUEST : MSG_RESPONSE, &w->at[i].filter);
	}
	loop_timer_init(&w->timer, x->worker->loop, on_timer);
	x->drain = on_drain;
	x->tunnel_watch = w;
	x->is_watched = true;
	arm(w);
}
