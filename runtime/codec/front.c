/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "codec/front.h"

#include <stdatomic.h>

#include "base/log.h"
#include "loop/count.h"
#include "toron/gateway.h"

bool front_admit(const struct worker *w, const struct toron_listener *l)
{
	if (l->limits.connections != 0 &&
	    atomic_load_explicit(l->open, memory_order_relaxed) >= l->limits.connections) {
		log_event(LOG_WARN, "connection-limit", "%s: listener %s has %u connections; one more was refused", l->origin,
			l->name, l->limits.connections);
		count_listener(w, l, COUNT_REFUSED + COUNT_REFUSED_CONNECTIONS);
		return false;
	}
	atomic_fetch_add_explicit(l->open, 1, memory_order_relaxed);
	count_listener(w, l, COUNT_ACCEPTED);
	return true;
}
