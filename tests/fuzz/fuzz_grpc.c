/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fuzzes gRPC-Web: its syntax, and the filters that translate a call and its answer. The first byte says whether the browser speaks text
 * and how the rest is cut into pieces.
 *
 * What must hold: messages end at the same places however they are cut; text decodes to the same bytes or to none; a server gets what a
 * browser has sent, a browser what the server has and the trailers behind it, whoever reads slowly; and an answer that is cut
 * off ends with trailers only where a message could begin. The bytes are also what a server says of its health: what stands behind a good
 * answer decides, and half a field spoils it. */
#include <stdlib.h>

#include "codec/grpc/health.h"
#include "codec/grpc/web.h"
#include "exchange_case.h"
#include "toron/mw.h"

#define MOST 16384u

static bool is_text;

/* ---- the syntax ---- */

/* The text that the bytes become, in pieces of `step`; how many messages end in them, and where the last one does. */
static size_t encode(const uint8_t *bytes, size_t n, size_t step, char *text, size_t *n_ends, size_t *last_end)
{
	struct grpc_stream s = { 0 };
	struct base64_encode_ctx c;
	size_t at = 0, len = 0;

	*n_ends = *last_end = 0;
	base64_encode_init(&c);
	while (at < n) {
		size_t most = n - at < step ? n - at : step;
		bool ends;
		size_t took = grpc_stream_take(&s, bytes + at, most, &ends);

		CHECK(took > 0 && took <= most && (ends || took == most));
		len += base64_encode_update(&c, text + len, took, bytes + at);
		at += took;
		if (!ends)
			continue;
		len += base64_encode_final(&c, text + len);
		(*n_ends)++;
		*last_end = at;
	}
	return len + base64_encode_final(&c, text + len);
}

static ptrdiff_t decode(const char *text, size_t n, size_t step, uint8_t *bytes)
{
	struct base64_decode_ctx c;
	size_t at = 0, len = 0;

	base64_decode_init(&c);
	while (at < n) {
		size_t most = n - at < step ? n - at : step;
		ptrdiff_t got = grpc_web_text_decode(&c, bytes + len, text + at, most);

		if (got < 0)
			return -1;
		len += (size_t)got;
		at += most;
	}
	return grpc_web_text_is_whole(&c) ? (ptrdiff_t)len : -1;
}

static void check_syntax(const uint8_t *data, size_t size, size_t step)
{
	static uint8_t once[2 * MOST], again[2 * MOST];
	static char text[8 * MOST];
	size_t ends[2], last[2], len;
	ptrdiff_t whole, cut;

	encode(data, size, SIZE_MAX, text, &ends[0], &last[0]);
	len = encode(data, size, step, text, &ends[1], &last[1]);
	CHECK(ends[0] == ends[1] && last[0] == last[1]);
	CHECK(decode(text, len, step, once) == (ptrdiff_t)size && memcmp(once, data, size) == 0);
	whole = decode((const char *)data, size, SIZE_MAX, once);
	cut = decode((const char *)data, size, step, again);
	CHECK(whole == cut && (whole <= 0 || memcmp(once, again, (size_t)whole) == 0));
}

/* ---- answers to health checks ---- */

static enum grpc_health health_of(const uint8_t *message, size_t n, const char *behind, size_t n_behind)
{
	size_t len = n + n_behind;
	uint8_t *frame = malloc(GRPC_HEAD + len); /* of just that size, for whoever reads on */
	enum grpc_health status;

	CHECK(frame != NULL);
	frame[0] = 0;
	for (unsigned i = 0; i < 4; i++)
		frame[1 + i] = (uint8_t)(len >> (24 - 8 * i));
	memcpy(frame + GRPC_HEAD, message, n);
	memcpy(frame + GRPC_HEAD + n, behind, n_behind);
	status = grpc_health_answer(frame, GRPC_HEAD + len);
	free(frame);
	return status;
}

static void check_health(const uint8_t *data, size_t size)
{
	bool is_broken = health_of(data, size, "", 0) == GRPC_HEALTH_BROKEN;

	grpc_health_answer(data, size);
	if (is_broken)
		return;
	CHECK(health_of(data, size, "\10\1", 2) == GRPC_HEALTH_SERVING);
	CHECK(health_of(data, size, "\10\2", 2) == GRPC_HEALTH_NOT_SERVING);
	CHECK(health_of(data, size, "\10", 1) == GRPC_HEALTH_BROKEN);
}

/* ---- the filters ---- */

static uint8_t messages[2][FLOW_MOST]; /* what either side means: as gRPC has it */
static size_t n_messages[2];
static bool is_broken;                 /* the browser has sent what is no text */

/* A message, whole or its beginning; a browser's as text, where it is such a one. */
static void send_message(enum msg_kind kind, struct script *s)
{
	static const uint32_t sizes[] = { 0, 1, 2, 3, 4, 100, 3071, 3072, 3073, 16383, 20000, 60000, 7, 8, 9, 10 };
	static uint8_t bytes[GRPC_HEAD + 60000];
	static char text[2 * sizeof(bytes)];
	uint8_t flags = script_byte(s);
	uint32_t size = sizes[flags & 15];
	size_t n = GRPC_HEAD + size, ends, last;

	if (play.flow[kind].ends || play.flow[kind].n_sent > FLOW_MOST / 2 - sizeof(text) || n_messages[kind] > FLOW_MOST - sizeof(bytes))
		return;
	bytes[0] = 0;
	for (unsigned i = 0; i < 4; i++)
		bytes[1 + i] = (uint8_t)(size >> (24 - 8 * i));
	memset(bytes + GRPC_HEAD, flags, size);
	if ((flags & 0xf0) == 0xf0)
		n = n * 2 / 3;
	memcpy(messages[kind] + n_messages[kind], bytes, n);
	n_messages[kind] += n;
	if (kind == MSG_RESPONSE || !is_text) {
		case_send(kind, bytes, n);
		return;
	}
	case_send(kind, (const uint8_t *)text, encode(bytes, n, SIZE_MAX, text, &ends, &last));
}

static void send_raw(enum msg_kind kind, struct script *s)
{
	uint8_t bytes[8];
	unsigned n = script_byte(s) % sizeof(bytes) + 1u;

	for (unsigned i = 0; i < n; i++)
		bytes[i] = script_byte(s);
	if (kind == MSG_REQUEST && is_text)
		is_broken = true; /* perhaps: it is no longer said what comes of it */
	if (play.flow[kind].ends || play.flow[kind].n_sent > FLOW_MOST / 2 - sizeof(bytes) || n_messages[kind] > FLOW_MOST - sizeof(bytes))
		return;
	memcpy(messages[kind] + n_messages[kind], bytes, n);
	n_messages[kind] += n;
	case_send(kind, bytes, n);
}

static void add_trailers(void)
{
	if (play.x == NULL || play.flow[MSG_RESPONSE].ends || play.x->response.trailers.n != 0)
		return;
	fields_add(&play.x->response.trailers, &play.x->arena, STR("grpc-status"), STR("0"));
	fields_add(&play.x->response.trailers, &play.x->arena, STR("grpc-message"), STR("all well"));
}

static void play_operation(struct script *s)
{
	uint8_t op = script_byte(s);
	enum msg_kind kind = (op & 0x80) != 0 ? MSG_RESPONSE : MSG_REQUEST;
	unsigned amount = op >> 4 & 7;

	switch (op & 15) {
	case 0: case 1: case 2: case 3: send_message(kind, s); break;
	case 4: send_raw(kind, s); break;
	case 5:
		if (amount == 7)
			add_trailers();
		break;
	case 6: play.flow[kind].ends |= amount == 7; break;
	case 7:
		if (amount == 7 && kind == MSG_RESPONSE && play.x != NULL)
			exchange_cut(play.x, FAULT_TOTAL_TIMEOUT);
		break;
	case 8: case 9: case 10: case_take(kind, (size_t)1 << (3 * amount)); break;
	default: case_feed(kind, (size_t)1 << (3 * amount), 64); break;
	}
	case_turn();
}

/* ---- what must hold ---- */

static void check_request(void)
{
	const struct flow *f = &play.flow[MSG_REQUEST];

	if (is_broken)
		return;
	CHECK(f->n_came <= n_messages[MSG_REQUEST] && memcmp(f->came, messages[MSG_REQUEST], f->n_came) == 0);
	if (play.x != NULL && play.flow[MSG_RESPONSE].leg.x != NULL && body_is_spent(&play.x->request.body))
		CHECK(f->n_came == n_messages[MSG_REQUEST]);
}

/* The server's messages, and behind them, between two messages, one frame of trailers. */
static void check_response(bool ended)
{
	static uint8_t decoded[FLOW_MOST];
	const struct flow *f = &play.flow[MSG_RESPONSE];
	static const uint8_t field[] = "grpc-status: ";
	const uint8_t *came = f->came;
	size_t n = f->n_came, same = 0, at = 0;
	struct grpc_stream s = { 0 };
	bool ends = true;

	if (is_text) {
		ptrdiff_t got = decode((const char *)f->came, n - (ended ? 0 : n % 4), SIZE_MAX, decoded);

		CHECK(got >= 0);
		came = decoded;
		n = (size_t)got;
	}
	while (same < n && same < f->n_fed && came[same] == messages[MSG_RESPONSE][same])
		same++;
	while (at < same)
		at += grpc_stream_take(&s, came + at, same - at, &ends);
	CHECK(same == n || same == f->n_fed);
	CHECK(!ended || ends);
	if (same == n)
		return;
	CHECK(ends && came[same] == GRPC_TRAILERS && (!ended || n - same > GRPC_HEAD));
	for (size_t i = 0; i < sizeof(field) - 1 && same + GRPC_HEAD + i < n; i++)
		CHECK(came[same + GRPC_HEAD + i] == field[i]);
}

static bool finish(void)
{
	case_finish();
	if (play.x == NULL)
		return false;
	CHECK(body_is_spent(&play.x->response.body));
	return true;
}

static void begin(void)
{
	struct exchange *x = play.x;

	x->grpc = is_text ? GRPC_WEB_TEXT : GRPC_WEB;
	x->grpc_type = is_text ? STR("application/grpc-web-text+proto") : STR("application/grpc-web+proto");
	x->response.status = 200;
	fields_add(&x->request.head, &x->arena, STR("content-type"), x->grpc_type);
	fields_add(&x->response.head, &x->arena, STR("content-type"), STR("application/grpc"));
	toron_grpc_web_request(x, NULL);
	toron_grpc_web_response(x, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = { data, data + size };
	uint8_t flags = script_byte(&s);

	if (size == 0 || size > MOST)
		return 0;
	check_syntax(s.at, size - 1, flags % 64 + 1u);
	check_health(s.at, size - 1);
	is_text = flags >= 128;
	is_broken = false;
	n_messages[0] = n_messages[1] = 0;
	case_begin();
	begin();
	while (s.at < s.end)
		play_operation(&s);
	bool ended = finish();
	check_request();
	check_response(ended);
	case_end();
	return 0;
}
