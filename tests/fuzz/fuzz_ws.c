/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fuzzes the framing of WebSocket, and what watches over it. The input's first byte chooses limits and extensions, the rest is a script:
 * peers send frames, right ones and wrong ones, in pieces; they read, wait, answer pings, end; the gateway drains.
 *
 * What must hold: a head is found as soon as it is whole and not before; each side reads a stream of frames that is right, whatever the
 * other one sent: the other's frames, whole and in order, less the answers to pings of ours, and between them our pings; a close frame of ours is the last.
 * When both sides have ended and read all, nothing is left. */
#include "codec/ws/frame.h"
#include "exchange_case.h"

#define OWN_MOST 14u /* bytes of a frame of the gateway's own: a ping, masked */

static const struct toron_websocket limits[] = {
	{ .begin = toron_websocket_watch, .close_ms = 500 },
	{ .begin = toron_websocket_watch, .close_ms = 500, .ping_ms = 100 },
	{ .begin = toron_websocket_watch, .close_ms = 500, .ping_ms = 100, .idle_ms = 1000, .total_ms = 5000 },
	{ .begin = toron_websocket_watch, .close_ms = 50, .message_bytes = 2000, .frame_bytes = 300 },
};

static const struct toron_websocket *watch;
static uint8_t reserved;
static bool in_message[2];     /* a message of this side has begun */
static uint8_t last_ping[2][8]; /* that this side was sent */

/* ---- what peers send ---- */

static size_t put_length(uint8_t *p, size_t n)
{
	if (n < 126) {
		p[0] = (uint8_t)n;
		return 1;
	}
	if (n <= UINT16_MAX) {
		p[0] = 126;
		p[1] = (uint8_t)(n >> 8);
		p[2] = (uint8_t)n;
		return 3;
	}
	p[0] = 127;
	for (unsigned i = 0; i < 8; i++)
		p[1 + i] = (uint8_t)((uint64_t)n >> (56 - 8 * i));
	return 9;
}

static void send_frame(enum msg_kind kind, uint8_t first, const uint8_t *payload, size_t n)
{
	uint8_t head[WS_HEAD_MAX], masked[1024];
	size_t len = 1 + put_length(head + 1, n);

	head[0] = first;
	if (kind == MSG_REQUEST) {
		const uint8_t mask[4] = { 0xa5, 0, 0x3c, 0xff };

		head[1] |= 0x80;
		memcpy(head + len, mask, 4);
		case_send(kind, head, len + 4);
		for (size_t at = 0; at < n; at += sizeof(masked)) {
			size_t most = n - at < sizeof(masked) ? n - at : sizeof(masked);

			memcpy(masked, payload + at, most);
			ws_mask(masked, most, mask, at);
			case_send(kind, masked, most);
		}
		return;
	}
	case_send(kind, head, len);
	case_send(kind, payload, n);
}

/* The right opcode for what came before, unless a bit says otherwise. */
static void send_data(enum msg_kind kind, struct script *s)
{
	static uint8_t payload[70000];
	static const size_t sizes[] = { 0, 1, 125, 126, 127, 299, 1000, 65535, 65536, 70000, 16000, 2, 3, 4, 5, 6 };
	uint8_t flags = script_byte(s);
	bool fin = (flags & 1) != 0, wrong = (flags & 14) == 14;
	uint8_t opcode = in_message[kind] != wrong ? WS_CONTINUATION : WS_TEXT;

	for (size_t i = 0; i < sizeof(payload); i += 97)
		payload[i] = (uint8_t)(flags + i);
	if (!wrong)
		in_message[kind] = !fin;
	send_frame(kind, (uint8_t)(opcode | (fin ? 0x80 : 0) | (opcode != WS_CONTINUATION ? reserved & 0x40 : 0)), payload, sizes[flags >> 4]);
}

static void send_control(enum msg_kind kind, struct script *s)
{
	uint8_t flags = script_byte(s), payload[WS_CONTROL_MAX] = { 3, 232 };

	for (unsigned i = 2; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(flags + i);
	switch (flags & 3) {
	case 0: send_frame(kind, 0x80 | WS_PING, payload, (flags >> 2) + 9u); break;
	case 1: send_frame(kind, 0x80 | WS_PONG, payload, 8); break;
	case 2: send_frame(kind, 0x80 | WS_PONG, last_ping[kind], 8); break;
	default: send_frame(kind, 0x80 | WS_CLOSE, payload, flags >> 2 & 31); break;
	}
}

static void send_raw(enum msg_kind kind, struct script *s)
{
	uint8_t bytes[16];
	unsigned n = script_byte(s) % sizeof(bytes) + 1u;

	for (unsigned i = 0; i < n; i++)
		bytes[i] = script_byte(s);
	case_send(kind, bytes, n);
}

/* ---- what must hold ---- */

/* The frame at `at`, all of it: its bytes; 0: it is not whole, or is none. */
static size_t whole_frame(struct ws_stream *stream, const uint8_t *at, size_t n, struct ws_frame *f)
{
	int head = ws_frame_read(at, n, f);

	CHECK(head <= (int)WS_HEAD_MAX && (n < WS_HEAD_MAX || head != 0));
	for (int i = 0; head > 0 && i < head; i++) {
		struct ws_frame less;

		CHECK(ws_frame_read(at, (size_t)i, &less) == 0);
	}
	if (head <= 0 || !ws_stream_take(stream, f) || f->length > n - (size_t)head)
		return 0;
	return (size_t)head + (size_t)f->length;
}

static size_t payload_of(const struct ws_frame *f, const uint8_t *at, uint8_t *into)
{
	memcpy(into, at + f->head_len, (size_t)f->length);
	if (f->masked)
		ws_mask(into, (size_t)f->length, f->mask, 0);
	return (size_t)f->length;
}

/* A frame that the peer has not sent: true if it is a close frame, behind which nothing comes. */
static bool check_own(const struct ws_frame *f, const uint8_t *at)
{
	uint8_t payload[WS_CONTROL_MAX];
	size_t n;

	CHECK(ws_is_control(f) && f->fin && f->length <= WS_CONTROL_MAX);
	n = payload_of(f, at, payload);
	if (f->opcode == WS_PING) {
		CHECK(n == 8 && watch->ping_ms != 0);
		return false;
	}
	CHECK(f->opcode == WS_CLOSE && n == 2 && payload[0] == 3);
	return true;
}

/* Where in what was sent the bytes that came stand: at `from`, or behind answers to our own pings; `stream` moves along. SIZE_MAX: nowhere. */
static size_t find_sent(const struct flow *flow, struct ws_stream *stream, size_t from, const uint8_t *bytes, size_t n)
{
	while (from <= flow->n_sent) {
		struct ws_frame g;
		size_t m;

		if (n <= flow->n_sent - from && memcmp(bytes, flow->sent + from, n) == 0)
			return from;
		m = whole_frame(stream, flow->sent + from, flow->n_sent - from, &g);
		if (m == 0 || g.opcode != WS_PONG || g.length != 8 || watch->ping_ms == 0)
			break;
		from += m;
	}
	return SIZE_MAX;
}

static void check_limits(const struct ws_stream *stream, const struct ws_frame *f)
{
	CHECK(ws_is_control(f) || watch->frame_bytes == 0 || f->length <= watch->frame_bytes);
	CHECK(ws_is_control(f) || watch->message_bytes == 0 || stream->message <= watch->message_bytes);
}

static void check_came(enum msg_kind kind)
{
	const struct flow *flow = &play.flow[kind];
	struct ws_stream came = { .from_client = kind == MSG_REQUEST, .reserved = reserved }, sent = came;
	size_t at = 0, from = 0;
	bool closed = false;

	while (at < flow->n_came) {
		const uint8_t *p = flow->came + at;
		struct ws_stream then = sent;
		struct ws_frame f;
		size_t n = whole_frame(&came, p, flow->n_came - at, &f), found;

		CHECK(!closed);
		if (n == 0) { /* the middle of the peer's last frame, or of ours where everything was cut off */
			CHECK((play.x == NULL && flow->n_came - at < OWN_MOST) ||
			      find_sent(flow, &then, from, p, flow->n_came - at) != SIZE_MAX);
			return;
		}
		found = find_sent(flow, &then, from, p, n);
		if (found != SIZE_MAX) {
			check_limits(&came, &f);
			sent = came;
			from = found + n;
		} else {
			closed = check_own(&f, p);
		}
		at += n;
	}
}

/* ---- one run ---- */

/* A ping at the end of what came: whom it came to can answer it. */
static void learn_ping(enum msg_kind kind)
{
	const struct flow *flow = &play.flow[kind];
	size_t len = kind == MSG_REQUEST ? 14 : 10;
	const uint8_t *p = flow->came + flow->n_came - len;
	uint8_t *into = last_ping[kind == MSG_REQUEST ? MSG_RESPONSE : MSG_REQUEST];

	if (flow->n_came < len || p[0] != (0x80 | WS_PING) || (p[1] & 0x7f) != 8)
		return;
	memcpy(into, p + len - 8, 8);
	if (kind == MSG_REQUEST)
		ws_mask(into, 8, p + 2, 0);
}

static void play_operation(struct script *s)
{
	uint8_t op = script_byte(s);
	enum msg_kind kind = (op & 0x80) != 0 ? MSG_RESPONSE : MSG_REQUEST;
	unsigned amount = op >> 4 & 7;

	switch (op & 15) {
	case 0: case 1: case 2: case 3: send_data(kind, s); break;
	case 4: case 5: case 6: send_control(kind, s); break;
	case 7: send_raw(kind, s); break;
	case 8: play.now_ms += (uint64_t)1 << (2 * amount); break;
	case 9: play.flow[kind].ends |= amount == 7; break;
	case 10:
		if (amount == 7 && play.x != NULL && play.x->drain != NULL)
			play.x->drain(play.x);
		break;
	case 11: case 12:
		case_take(kind, (size_t)1 << (3 * amount));
		learn_ping(kind);
		break;
	default: case_feed(kind, (size_t)1 << (3 * amount), 64); break;
	}
	case_turn();
}

/* Both sides end and read all: then both directions have ended, or the exchange was cut off. */
static void finish(void)
{
	case_finish();
	if (play.x == NULL)
		return;
	CHECK(body_is_spent(&play.x->request.body) && body_is_spent(&play.x->response.body));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = { data, data + size };
	uint8_t flags = script_byte(&s);

	case_begin();
	watch = &limits[flags & 3];
	reserved = (flags & 4) != 0 ? 0x40 : 0;
	memset(in_message, 0, sizeof(in_message));
	memset(last_ping, 0, sizeof(last_ping));
	if (reserved != 0)
		fields_add(&play.x->response.head, &play.x->arena, STR("sec-websocket-extensions"), STR("permessage-deflate"));
	play.x->is_tunnel = true;
	watch->begin(play.x, watch);
	while (s.at < s.end)
		play_operation(&s);
	finish();
	check_came(MSG_REQUEST);
	check_came(MSG_RESPONSE);
	case_end();
	return 0;
}
