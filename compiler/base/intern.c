/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/intern.h"

#include "base/check.h"

void intern_init(struct interner *in, struct arena *a)
{
	map_init(&in->map, a);
}

struct str intern_str(struct interner *in, struct str s)
{
	/* The value is the copy's text; an empty string has one too, since a NUL stands behind it.
	 * */
	const char *old = map_get(&in->map, s);
	struct str copy;

	if (old != NULL)
		return (struct str){ old, s.len };
	copy = arena_str(in->map.arena, s);
	CHECK(map_add(&in->map, copy, (void *)copy.ptr));
	return copy;
}
