/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* Chunks double from the least to the most, so that a small exchange stays small and a big compile
 * mallocs seldom. */
#define CHUNK_LEAST ((size_t)4 << 10)
#define CHUNK_MOST ((size_t)1 << 20)

struct arena_chunk {
	struct arena_chunk *next;
	size_t size;
	alignas(max_align_t) char bytes[];
};

static void start_over(struct arena *a)
{
	a->at = a->first;
	a->end = a->first_end;
	a->chunks = NULL;
	a->used = 0;
	a->overflow = false;
}

void arena_init(struct arena *a, void *first, size_t first_len, size_t budget)
{
	CHECK(budget > 0);
	a->first = first;
	a->first_end = first == NULL ? NULL : a->first + first_len;
	a->budget = budget;
	start_over(a);
}

void arena_init_unbounded(struct arena *a)
{
	a->first = a->first_end = NULL;
	a->budget = 0;
	start_over(a);
}

void arena_reset(struct arena *a)
{
	struct arena_chunk *next;

	for (struct arena_chunk *c = a->chunks; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	start_over(a);
}

void arena_fini(struct arena *a)
{
	arena_reset(a);
}

static void *fail(struct arena *a)
{
	if (a->budget == 0)
		check_out_of_memory();
	a->overflow = true;
	return NULL;
}

/* A new current chunk with room for at least `size` aligned bytes; what was left in the old one is
 * lost. */
static bool add_chunk(struct arena *a, size_t size)
{
	size_t want = a->chunks == NULL ? CHUNK_LEAST : a->chunks->size * 2;
	struct arena_chunk *c;

	if (want > CHUNK_MOST)
		want = CHUNK_MOST;
	if (a->budget != 0 && want > a->budget - a->used)
		want = a->budget - a->used;
	if (want < size)
		want = size;
	if (want > SIZE_MAX - sizeof(*c))
		return false;
	c = malloc(sizeof(*c) + want);
	if (c == NULL)
		return false;
	c->size = want;
	c->next = a->chunks;
	a->chunks = c;
	a->at = c->bytes;
	a->end = c->bytes + want;
	return true;
}

void *arena_take(struct arena *a, size_t size, size_t align)
{
	size_t pad = (size_t)(-(uintptr_t)a->at) & (align - 1);
	size_t left = (size_t)(a->end - a->at);
	char *p;

	if (a->budget != 0 && size > a->budget - a->used)
		return fail(a);
	if (a->at == NULL || left < pad || left - pad < size) {
		if (!add_chunk(a, size))
			return fail(a);
		pad = 0; /* a chunk's bytes are aligned */
	}
	p = a->at + pad;
	a->at = p + size;
	a->used += size;
	/* Padding counts as well, or a million one-byte objects would take sixteen times the
	 * budget. */
	if (a->budget != 0)
		a->used += pad < a->budget - a->used ? pad : a->budget - a->used;
	return p;
}

void *arena_zalloc(struct arena *a, size_t n, size_t size)
{
	size_t total;
	void *p;

	if (__builtin_mul_overflow(n, size, &total))
		return fail(a);
	p = arena_alloc(a, total);
	if (p != NULL)
		memset(p, 0, total);
	return p;
}

char *arena_cstr(struct arena *a, struct str s)
{
	char *p;

	if (s.len == SIZE_MAX)
		return fail(a);
	p = arena_bytes(a, s.len + 1);
	if (p == NULL)
		return NULL;
	if (s.len > 0)
		memcpy(p, s.ptr, s.len);
	p[s.len] = '\0';
	return p;
}

struct str arena_str(struct arena *a, struct str s)
{
	char *p = arena_cstr(a, s);

	return p == NULL ? STR_NONE : (struct str){ p, s.len };
}

struct str arena_printf(struct arena *a, const char *format, ...)
{
	va_list args;
	char *p;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	CHECK(n >= 0);
	p = arena_bytes(a, (size_t)n + 1);
	if (p == NULL)
		return STR_NONE;
	va_start(args, format);
	vsnprintf(p, (size_t)n + 1, format, args);
	va_end(args);
	return (struct str){ p, (size_t)n };
}
