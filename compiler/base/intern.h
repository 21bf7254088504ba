/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Interned strings: equal text gives the same pointer. */
#pragma once

#include "base/map.h"

struct interner {
	struct map map;
};

void intern_init(struct interner *in, struct arena *a);
/* The one copy of s, NUL-terminated behind its length; lives as long as the arena. */
struct str intern_str(struct interner *in, struct str s);
