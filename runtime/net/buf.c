/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "net/buf.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/reuse.h"
#include "loop/loop.h"

#define TRIM_MS 1000u

/* Kept buffers of one size. */
struct buf_shelf {
	struct buf_pool *pool;
	size_t size;
	struct buf *free;     /* owned */
	size_t n_free;
	size_t least_free;    /* since the last trim: so many were not needed */
};

struct buf_pool {
	struct buf_shelf shelves[2];
	size_t budget;
	size_t lent, total;   /* bytes; total includes kept ones */
	struct loop_timer trim;
	bool trimming;        /* the timer is set */
	bool abandoned;       /* buf_pool_free was called while some were lent */
};

/* Gives up to n kept buffers back to the system. */
static void shelf_drop(struct buf_pool *p, struct buf_shelf *s, size_t n)
{
	while (n-- > 0 && s->free != NULL) {
		struct buf *b = s->free;

		s->free = b->next;
		s->n_free--;
		p->total -= s->size;
		free(b);
	}
	if (s->least_free > s->n_free)
		s->least_free = s->n_free;
}

static inline void trim_later(struct buf_pool *p)
{
	if (p->trimming)
		return;
	p->trimming = true;
	loop_timer_set(&p->trim, TRIM_MS);
}

static void on_trim(struct loop_timer *t)
{
	struct buf_pool *p = CONTAINER_OF(t, struct buf_pool, trim);
	size_t left = 0;

	p->trimming = false;
	for (size_t i = 0; i < ARRAY_LEN(p->shelves); i++) {
		struct buf_shelf *s = &p->shelves[i];

		shelf_drop(p, s, s->least_free);
		s->least_free = s->n_free;
		left += s->n_free;
	}
	if (left > 0)
		trim_later(p);
}

struct buf_pool *buf_pool_new(struct loop *l, size_t budget)
{
	struct buf_pool *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->shelves[0] = (struct buf_shelf){ .pool = p, .size = BUF_SMALL };
	p->shelves[1] = (struct buf_shelf){ .pool = p, .size = BUF_LARGE };
	p->budget = budget == 0 ? SIZE_MAX : budget;
	loop_timer_init(&p->trim, l, on_trim);
	return p;
}

void buf_pool_free(struct buf_pool **pool)
{
	struct buf_pool *p = *pool;

	if (p == NULL)
		return;
	*pool = NULL;
	loop_timer_fini(&p->trim);
	for (size_t i = 0; i < ARRAY_LEN(p->shelves); i++)
		shelf_drop(p, &p->shelves[i], SIZE_MAX);
	/* A buffer that is still lent needs its pool; the last one takes it along. */
	p->abandoned = true;
	if (p->lent == 0)
		free(p);
}

static struct buf *shelf_take(struct buf_shelf *s)
{
	struct buf *b = s->free;

	if (b == NULL)
		return NULL;
	s->free = b->next;
	s->n_free--;
	if (s->least_free > s->n_free)
		s->least_free = s->n_free;
	return b;
}

static struct buf *buf_make_beyond(struct buf_shelf *shelf)
{
	struct buf *b = malloc(shelf->size);

	if (b == NULL)
		return NULL;
	b->cap = (uint32_t)(shelf->size - sizeof(*b));
	b->shelf = shelf;
	shelf->pool->total += shelf->size;
	return b;
}

__attribute__((noinline)) static struct buf *buf_make(struct buf_shelf *shelf)
{
	struct buf_pool *p = shelf->pool;
	size_t size = shelf->size;

	if (size > p->budget)
		return NULL;
	/* Kept buffers of the other size make room before a request is refused. */
	for (size_t i = 0; i < ARRAY_LEN(p->shelves) && p->total > p->budget - size; i++) {
		struct buf_shelf *s = &p->shelves[i];
		size_t over = p->total - (p->budget - size);

		shelf_drop(p, s, (over + s->size - 1) / s->size);
	}
	return p->total > p->budget - size ? NULL : buf_make_beyond(shelf);
}

struct buf *buf_acquire(struct buf_pool *p, size_t want)
{
	struct buf_shelf *s = &p->shelves[want <= BUF_SMALL - sizeof(struct buf) ? 0 : 1];
	struct buf *b = shelf_take(s);

	if (b == NULL)
		b = buf_make(s);
	if (b == NULL)
		return NULL;
	b->refs = 1;
	p->lent += s->size;
	return b;
}

struct buf *buf_acquire_beyond(struct buf_pool *p)
{
	struct buf *b = buf_acquire(p, 1);

	if (b != NULL)
		return b;
	b = buf_make_beyond(&p->shelves[0]);
	if (b == NULL)
		return NULL;
	b->refs = 1;
	p->lent += b->shelf->size;
	return b;
}

void buf_give_back(struct buf *b)
{
	struct buf_shelf *s = b->shelf;
	struct buf_pool *p = s->pool;

	CHECK(p->lent >= s->size);
	p->lent -= s->size;
	if (KEEPS_FREED && !p->abandoned) {
		b->next = s->free;
		s->free = b;
		s->n_free++;
		trim_later(p);
		return;
	}
	p->total -= s->size;
	free(b);
	if (p->abandoned && p->lent == 0)
		free(p);
}

size_t buf_pool_lent(const struct buf_pool *p)
{
	return p->lent;
}

size_t buf_pool_total(const struct buf_pool *p)
{
	return p->total;
}
