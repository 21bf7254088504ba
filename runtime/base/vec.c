/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/vec.h"

#include <stdint.h>
#include <string.h>

#define VEC_LEAST 8

bool vec_grow(struct arena *a, void **at, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap < VEC_LEAST / 2 ? VEC_LEAST : *cap * 2;
	size_t bytes;
	void *p;

	/* An arena without a budget ends the program here; asking for too much makes it do so. */
	if (more < *cap || __builtin_mul_overflow(more, size, &bytes))
		bytes = SIZE_MAX;
	p = arena_alloc(a, bytes);
	if (p == NULL)
		return false;
	if (n > 0)
		memcpy(p, *at, n * size);
	*at = p;
	*cap = more;
	return true;
}
