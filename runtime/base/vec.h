/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A growing array in an arena: struct { T *at; size_t n, cap; }. Old storage stays in the arena until it goes.
 *
 *   VEC(int) v = { 0 };  vec_push(&arena, &v, 7);  for (size_t i = 0; i < v.n; i++) use(v.at[i]); */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

#define VEC(type) struct { type *at; size_t n, cap; }

/* Room for one more element of `size` bytes; false when the arena is over budget. */
bool vec_grow(struct arena *a, void **at, size_t n, size_t *cap, size_t size);

/* True if pushed; false (nothing changed) when the arena is over budget. */
#define vec_push(a, v, ...) \
	(((v)->n < (v)->cap || vec_grow((a), (void **)&(v)->at, (v)->n, &(v)->cap, sizeof(*(v)->at))) \
		 ? ((v)->at[(v)->n++] = (__VA_ARGS__), true) : false)
