/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How fast a peer has to get on while it alone is waited for. Time goes by in spans, each of which must bring so many bytes; as soon as
 * somebody else is waited for (the other leg, our own back-pressure) the span is void, and the next begins afterwards. So nobody is blamed
 * for another one's slowness, and a peer in drops is found out at the end of its first span. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "toron/gateway.h"

struct pace {
	uint64_t since_ms; /* when the present span began; 0: the peer is not waited for */
	uint64_t mark;     /* what was done by then */
};

/* To be told of each change: whether the peer is waited for, and how much it has done, since whenever. The time at which this has to be
 * asked again; 0: none. When that time has come (is at most `now_ms`), the peer is too slow. */
uint64_t pace_due(struct pace *p, const struct toron_pace *least, bool waits, uint64_t done, uint64_t now_ms);
