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
	H2_FLOOD_RESETS,         /* streams that ended in an error of the peer's making, or by its RST_STREAM, beyond those that we opened */
	H2_FLOOD_SETTINGS,
	H2_FLOOD_PINGS,          /* beyond our DATA frames, by which gRPC measures round trips, and resets, behind which Go sends one */
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
	uint32_t data_frames, requests;  /* of ours in this period */
	uint8_t preface_left;            /* of the client's connection preface */
	uint8_t have;                    /* bytes of head */
	uint8_t head[9];
	uint8_t dependency_left;         /* bytes of the stream that a PRIORITY or PRIORITY_UPDATE frame names still to come */
	uint32_t left;                   /* of the frame's payload */
	uint32_t id, dependency;         /* of the present frame */
	uint32_t last_id;                /* the greatest that a HEADERS frame had */
};

/* Why h2_budget_walk stopped before it had seen everything. */
enum h2_stop_kind { H2_STOP_NOT, H2_STOP_FLOOD, H2_STOP_STREAM /* a frame for a stream that may be over */, H2_STOP_PRIORITY /* a bad one */ };
struct h2_stop {
	enum h2_stop_kind kind;
	enum h2_flood flood;
	uint8_t type;                    /* of the frame */
	uint32_t id;
};

extern const struct toron_h2_limits h2_limits_by_default;

void h2_budget_init(struct h2_budget *b, const struct toron_h2_limits *limits, bool expects_preface);
/* Looks through bytes that have come, up to the end or to a frame that must be decided on; the byte before the number returned is then the last of
 * its header (or of what made it bad). */
size_t h2_budget_walk(struct h2_budget *b, uint64_t now_ms, const char *bytes, size_t len, struct h2_stop *stop_out);
/* Counts one more of a kind; false: too many. */
bool h2_budget_spend(struct h2_budget *b, uint64_t now_ms, enum h2_flood kind);
/* For the log: "settings". */
const char *h2_flood_name(enum h2_flood kind);
