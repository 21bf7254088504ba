/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* An intrusive doubly linked ring. A link that is in no list points at itself. */
#pragma once

#include <stdbool.h>

#include "base/check.h"

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_insert_after(struct list *place, struct list *l)
{
	l->next = place->next;
	l->prev = place;
	place->next->prev = l;
	place->next = l;
}

static inline void list_push_front(struct list *head, struct list *l)
{
	list_insert_after(head, l);
}

static inline void list_push_back(struct list *head, struct list *l)
{
	list_insert_after(head->prev, l);
}

/* Takes l out of the list that it is in, if any; safe to call twice. */
static inline void list_remove(struct list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}
