/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a codec in the front role shows to boot/: how to take a connection, and how to drain. */
#pragma once

#include "net/listen.h"

/* Every open front connection is on its worker's list, for draining. */
struct front_link {
	struct list link;
	/* Ends the connection as soon as nothing is in flight on it: at once when idle. `now`: abort what is in flight. */
	void (*drain)(struct front_link *f, bool now);
};

struct toron_front {
	const char *name;
	listen_accept_fn *accept;
};
