/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a peer may make us do for nothing: cheap frames are counted by kind, over a period of time. Looks at frame headers as the bytes
 * pass, before anything acts on them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "toron/gateway.h"

enum h2_flood {
	H2_FLOOD_NONE,
	H2_FLOOD_RESETS,         /* streams that ended in an error of the peer's making, or by its RST_STREAM */
	H2_FLOOD_SETTINGS,
	H2_FLOOD_PINGS,
	H2_FLOOD_PRIORITIES,     /* PRIORITY and PRIORITY_UPDATE */
	H2_FLOOD_EMPTY,          /* DATA, HEADERS and CONTINUATION without content that end nothing; unknown frames */
	H2_FLOOD_WINDOWS,        /* WINDOW_UPDATE, beyond what our DATA accounts for */
	H2_FLOOD_CONTINUATIONS,  /* of one head; no matter of time */
	H2_FLOOD_HEADS,          /* heads that swell when they are decompressed */
	H2_FLOOD_COUNT
};

struct h2_budget {
	const struct toron_h2_limits *limits;
	uint64_t begun_ms;               /* of the present period */
	uint32_t n[H2_FLOOD_COUNT];
	uint32_t data_frames;            /* of ours in this period */
	uint8_t preface_left;            /* of the client's connection preface */
	uint8_t have;                    /* bytes of head */
	uint8_t head[9];
	uint32_t left;                   /* of the frame's payload */
};

extern const struct toron_h2_limits h2_limits_by_default;
/* How often each budget was overrun, over all workers since the start. */
extern _Atomic uint64_t h2_floods[H2_FLOOD_COUNT];

void h2_budget_init(struct h2_budget *b, const struct toron_h2_limits *limits, bool expects_preface);
/* Looks through bytes that have come. How many may be acted on: less than len when a budget is spent, which *flood_out then tells. */
size_t h2_budget_walk(struct h2_budget *b, uint64_t now_ms, const char *bytes, size_t len, enum h2_flood *flood_out);
/* Counts one more of a kind; false: too many. */
bool h2_budget_spend(struct h2_budget *b, uint64_t now_ms, enum h2_flood kind);
/* For the log: "settings". */
const char *h2_flood_name(enum h2_flood kind);
