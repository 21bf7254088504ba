/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "codec/h2/memory.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/reuse.h"

#define SMALLEST 24u      /* bytes of the first class: the sizes are those that the system's malloc has */
#define STEP 16u          /* ... and of the step to the next */
#define N_CLASSES 32u
#define KEPT_MAX 512u     /* unused blocks of a class */
#define FRAME_LEAST 16384u
#define FRAME_BYTES (FRAME_LEAST + 64)

struct block {
	struct block *next;
};

struct h2_pool {
	uint32_t n_sessions;
	uint32_t n_kept[N_CLASSES];
	struct block *kept[N_CLASSES];
	char frame[FRAME_BYTES];
};

/* The least class that has room for so many bytes; N_CLASSES or more: too large. */
static size_t class_of(size_t size)
{
	return size <= SMALLEST ? 0 : (size - SMALLEST + STEP - 1) / STEP;
}

static void *take(size_t size, void *user)
{
	struct h2_memory *m = user;
	struct h2_pool *p = m->pool;
	size_t c = class_of(size);
	struct block *b;

	if (c >= N_CLASSES)
		return m->shares_frame && size >= FRAME_LEAST && size <= FRAME_BYTES ? p->frame : malloc(size);
	b = p->kept[c];
	if (b == NULL)
		return malloc(SMALLEST + c * STEP);
	p->kept[c] = b->next;
	p->n_kept[c]--;
	return b;
}

static void give(void *at, void *user)
{
	struct h2_memory *m = user;
	struct h2_pool *p = m->pool;
	struct block *b = at;
	size_t usable;

	if (at == NULL || at == p->frame)
		return;
	usable = malloc_usable_size(at);
	size_t c = usable < SMALLEST ? N_CLASSES : (usable - SMALLEST) / STEP;

	if (!KEEPS_FREED || c >= N_CLASSES || p->n_kept[c] >= KEPT_MAX) {
		free(at);
		return;
	}
	b->next = p->kept[c];
	p->kept[c] = b;
	p->n_kept[c]++;
}

static void *take_zeroed(size_t n, size_t size, void *user)
{
	size_t all;
	void *at;

	if (__builtin_mul_overflow(n, size, &all))
		return NULL;
	if (class_of(all) >= N_CLASSES)
		return calloc(n, size);
	at = take(all, user);
	if (at != NULL)
		memset(at, 0, all);
	return at;
}

/* All other blocks are malloc's, and nghttp2 never wants more of the frame buffer than it takes at first. */
static void *resize(void *at, size_t size, void *user)
{
	const struct h2_memory *m = user;

	if (at == NULL)
		return take(size, user);
	CHECK(at != m->pool->frame);
	return realloc(at, size);
}

nghttp2_mem h2_memory_of(struct h2_memory *m)
{
	return (nghttp2_mem){ .mem_user_data = m, .malloc = take, .free = give, .calloc = take_zeroed, .realloc = resize };
}

bool h2_memory_init(struct h2_memory *m, struct worker *w)
{
	if (w->h2 == NULL)
		w->h2 = calloc(1, sizeof(*w->h2));
	*m = (struct h2_memory){ .worker = w, .pool = w->h2 };
	if (m->pool == NULL)
		return false;
	m->pool->n_sessions++;
	return true;
}

void h2_memory_fini(struct h2_memory *m)
{
	struct h2_pool *p = m->pool;

	if (p == NULL || --p->n_sessions != 0)
		return;
	for (size_t c = 0; c < N_CLASSES; c++) {
		while (p->kept[c] != NULL) {
			struct block *b = p->kept[c];

			p->kept[c] = b->next;
			free(b);
		}
	}
	free(p);
	m->worker->h2 = NULL;
}
