/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "codec/h2/budget.h"

#include <nghttp2/nghttp2.h>

#include "base/str.h"

#define UPDATES_PER_DATA 4 /* WINDOW_UPDATE frames that one DATA frame of ours accounts for */

const struct toron_h2_limits h2_limits_by_default = {
	.period_ms = 10000,
	.resets = 200,
	.settings = 32,
	.pings = 100,
	.priorities = 1000,
	.empty_frames = 200,
	.window_updates = 2000,
	.continuations = 8,
	.window = 1u << 20,
};

static const char *const names[H2_FLOOD_COUNT] = {
	[H2_FLOOD_NONE] = "none", [H2_FLOOD_RESETS] = "resets", [H2_FLOOD_SETTINGS] = "settings", [H2_FLOOD_PINGS] = "pings",
	[H2_FLOOD_PRIORITIES] = "priorities", [H2_FLOOD_EMPTY] = "empty_frames", [H2_FLOOD_WINDOWS] = "window_updates",
	[H2_FLOOD_CONTINUATIONS] = "continuations", [H2_FLOOD_HEADS] = "header_bytes",
};

const char *h2_flood_name(enum h2_flood kind)
{
	return names[kind];
}

void h2_budget_init(struct h2_budget *b, const struct toron_h2_limits *limits, bool expects_preface)
{
	*b = (struct h2_budget){ .limits = limits, .preface_left = expects_preface ? NGHTTP2_CLIENT_MAGIC_LEN : 0 };
}

static uint64_t most_of(const struct h2_budget *b, enum h2_flood kind)
{
	const struct toron_h2_limits *l = b->limits;

	switch (kind) {
	case H2_FLOOD_RESETS: return l->resets + (uint64_t)b->requests;
	case H2_FLOOD_SETTINGS: return l->settings;
	case H2_FLOOD_PINGS: return l->pings + (uint64_t)b->data_frames + b->n[H2_FLOOD_RESETS];
	case H2_FLOOD_PRIORITIES: return l->priorities;
	case H2_FLOOD_EMPTY: return l->empty_frames;
	case H2_FLOOD_WINDOWS: return l->window_updates + (uint64_t)b->data_frames * UPDATES_PER_DATA;
	case H2_FLOOD_CONTINUATIONS: return l->continuations;
	default: return UINT32_MAX;
	}
}

bool h2_budget_spend(struct h2_budget *b, uint64_t now_ms, enum h2_flood kind)
{
	if (now_ms - b->begun_ms >= b->limits->period_ms) {
		uint32_t continuations = b->n[H2_FLOOD_CONTINUATIONS];

		memset(b->n, 0, sizeof(b->n));
		b->n[H2_FLOOD_CONTINUATIONS] = continuations;
		b->data_frames = b->requests = 0;
		b->begun_ms = now_ms;
	}
	return ++b->n[kind] <= most_of(b, kind);
}

static enum h2_flood kind_of(struct h2_budget *b, uint32_t length, uint8_t type, uint8_t flags)
{
	switch (type) {
	case NGHTTP2_DATA:
		return length == 0 && (flags & NGHTTP2_FLAG_END_STREAM) == 0 ? H2_FLOOD_EMPTY : H2_FLOOD_NONE;
	case NGHTTP2_HEADERS:
		b->n[H2_FLOOD_CONTINUATIONS] = 0;
		return length == 0 && (flags & NGHTTP2_FLAG_END_HEADERS) == 0 ? H2_FLOOD_EMPTY : H2_FLOOD_NONE;
	case NGHTTP2_CONTINUATION: return H2_FLOOD_CONTINUATIONS;
	case NGHTTP2_PRIORITY:
	case NGHTTP2_PRIORITY_UPDATE: return H2_FLOOD_PRIORITIES;
	case NGHTTP2_RST_STREAM: return H2_FLOOD_RESETS;
	case NGHTTP2_SETTINGS: return (flags & NGHTTP2_FLAG_ACK) != 0 ? H2_FLOOD_NONE : H2_FLOOD_SETTINGS;
	case NGHTTP2_PING: return (flags & NGHTTP2_FLAG_ACK) != 0 ? H2_FLOOD_NONE : H2_FLOOD_PINGS;
	case NGHTTP2_WINDOW_UPDATE: return H2_FLOOD_WINDOWS;
	case NGHTTP2_GOAWAY:
	case NGHTTP2_PUSH_PROMISE: return H2_FLOOD_NONE;
	default: return H2_FLOOD_EMPTY;
	}
}

/* A frame's header is whole. */
static struct h2_stop look(struct h2_budget *b, uint64_t now_ms)
{
	uint8_t type = b->head[3];
	uint32_t last = b->last_id;
	enum h2_flood kind;

	b->left = (uint32_t)b->head[0] << 16 | (uint32_t)b->head[1] << 8 | b->head[2];
	b->id = (uint32_t)(b->head[5] & 0x7f) << 24 | (uint32_t)b->head[6] << 16 | (uint32_t)b->head[7] << 8 | b->head[8];
	kind = kind_of(b, b->left, type, b->head[4]);
	if (kind != H2_FLOOD_NONE && !h2_budget_spend(b, now_ms, kind))
		return (struct h2_stop){ .kind = H2_STOP_FLOOD, .flood = kind };
	if (type == NGHTTP2_HEADERS && b->id > last)
		b->last_id = b->id;
	else if (type == NGHTTP2_HEADERS || type == NGHTTP2_DATA)
		return (struct h2_stop){ .kind = H2_STOP_STREAM, .type = type, .id = b->id };
	if (type == NGHTTP2_PRIORITY && b->id == 0)
		return (struct h2_stop){ .kind = H2_STOP_PRIORITY };
	b->dependency = 0;
	b->dependency_left = (type == NGHTTP2_PRIORITY && b->left == 5) || (type == NGHTTP2_PRIORITY_UPDATE && b->left >= 4) ? 4 : 0;
	return (struct h2_stop){ .kind = H2_STOP_NOT };
}

/* Payload is stepped over; a stream must not depend on itself, and the one that PRIORITY_UPDATE names, on stream 0, is not 0. False: so it is. */
static bool step_over(struct h2_budget *b, const char *bytes, size_t len, size_t *at)
{
	size_t n = len - *at < b->left ? len - *at : b->left;

	if (b->dependency_left == 0) {
		b->left -= (uint32_t)n;
		*at += n;
		return true;
	}
	b->dependency = b->dependency << 8 | (uint8_t)bytes[(*at)++];
	b->left--;
	b->dependency_left--;
	return b->dependency_left != 0 || (b->dependency & 0x7fffffff) != b->id;
}

size_t h2_budget_walk(struct h2_budget *b, uint64_t now_ms, const char *bytes, size_t len, struct h2_stop *stop_out)
{
	size_t at = len < b->preface_left ? len : b->preface_left;

	*stop_out = (struct h2_stop){ .kind = H2_STOP_NOT };
	b->preface_left -= (uint8_t)at;
	while (at < len) {
		if (b->left != 0) {
			if (!step_over(b, bytes, len, &at)) {
				stop_out->kind = H2_STOP_PRIORITY;
				return at;
			}
			continue;
		}
		size_t n = sizeof(b->head) - b->have < len - at ? sizeof(b->head) - b->have : len - at;

		memcpy(b->head + b->have, bytes + at, n);
		at += n;
		b->have += (uint8_t)n;
		if (b->have < sizeof(b->head))
			continue;
		b->have = 0;
		*stop_out = look(b, now_ms);
		if (stop_out->kind != H2_STOP_NOT)
			return at;
	}
	return at;
}
