/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "http/pace.h"

uint64_t pace_due(struct pace *p, const struct toron_pace *least, bool waits, uint64_t done, uint64_t now_ms)
{
	bool is_over;

	if (least->bytes == 0 || !waits) {
		p->since_ms = 0;
		return 0;
	}
	is_over = p->since_ms != 0 && now_ms >= p->since_ms + least->over_ms;
	if (p->since_ms == 0 || (is_over && done - p->mark >= least->bytes)) {
		p->since_ms = now_ms;
		p->mark = done;
	}
	return p->since_ms + least->over_ms;
}
