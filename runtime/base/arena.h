/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A bump allocator with a byte budget. Everything in it is freed at once.
 *
 * Used for the four lifetimes: a compile, the boot, a connection, an exchange. An arena that would exceed its
 * budget (or for which malloc fails) sets `overflow` and returns NULL; the owner looks at `overflow` at
 * one place and ends that one exchange. The compiler's arena has no budget, and running out of memory there
 * ends the program (arena_init_unbounded). Not thread-safe: an arena belongs to one thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "toron/str.h"

struct arena_chunk;

struct arena {
	char *at, *end;             /* the free part of the current chunk */
	struct arena_chunk *chunks; /* owned: malloced chunks, newest first */
	char *first, *first_end;    /* borrowed: the caller's first block, or NULL */
	size_t used;                /* bytes handed out by malloced chunks and the first block */
	size_t budget;              /* bytes; 0: unbounded, and out of memory is fatal */
	bool overflow;
};

/* Budget in bytes, > 0. `first` (may be NULL) is the caller's block of first_len bytes, used before malloc is. */
void arena_init(struct arena *a, void *first, size_t first_len, size_t budget);
void arena_init_unbounded(struct arena *a);
/* Frees all chunks; the arena is as after init, with the same first block and budget. */
void arena_reset(struct arena *a);
void arena_fini(struct arena *a);

/* `size` bytes at a multiple of `align`: what the three below do when the current chunk is spent. */
void *arena_take(struct arena *a, size_t size, size_t align);
static inline void *arena_take_here(struct arena *a, size_t size, size_t align)
{
	size_t pad = (size_t)(-(uintptr_t)a->at) & (align - 1);
	size_t left = (size_t)(a->end - a->at);

	/* The sum cannot overflow: `left` is checked against each of the two. */
	if (a->at == NULL || size > left || pad > left - size || (a->budget != 0 && pad + size > a->budget - a->used))
		return arena_take(a, size, align);
	a->used += pad + size;
	a->at += pad + size;
	return a->at - size;
}

/* `size` bytes aligned for any type, not zeroed; NULL (and overflow set) when over budget. size 0 gives a valid pointer. */
static inline void *arena_alloc(struct arena *a, size_t size)
{
	return arena_take_here(a, size, _Alignof(max_align_t));
}
/* As arena_alloc, zeroed. n * size is checked for overflow. */
void *arena_zalloc(struct arena *a, size_t n, size_t size);
/* Unaligned bytes, for text. */
static inline char *arena_bytes(struct arena *a, size_t size)
{
	return arena_take_here(a, size, 1);
}
/* A copy with a NUL behind it (not counted); STR_NONE when over budget. */
struct str arena_str(struct arena *a, struct str s);
char *arena_cstr(struct arena *a, struct str s);
/* printf into the arena, NUL behind it. */
struct str arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define ARENA_NEW(a, type) ((type *)arena_zalloc((a), 1, sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_zalloc((a), (n), sizeof(type)))
