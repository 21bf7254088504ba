/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "http/filter.h"

#include "base/check.h"
#include "http/exchange.h"

static struct msg *message_of(struct exchange *x, enum msg_kind kind)
{
	return kind == MSG_REQUEST ? &x->request : &x->response;
}

static void on_request_task(struct loop_task *t)
{
	struct exchange *x = CONTAINER_OF(t, struct exchange, filters[MSG_REQUEST].task);

	CHECK_MAGIC(x, EXCHANGE_MAGIC);
	exchange_filters_due(x, MSG_REQUEST);
}

static void on_response_task(struct loop_task *t)
{
	struct exchange *x = CONTAINER_OF(t, struct exchange, filters[MSG_RESPONSE].task);

	CHECK_MAGIC(x, EXCHANGE_MAGIC);
	exchange_filters_due(x, MSG_RESPONSE);
}

void filter_add(struct exchange *x, enum msg_kind kind, struct filter *f)
{
	struct filter_chain *chain = &x->filters[kind];
	struct msg *m = message_of(x, kind);
	struct filter **last = &chain->first;

	CHECK(m->body.sent == 0 && m->body.hold == 0);
	if (chain->first == NULL)
		loop_task_init(&chain->task, kind == MSG_REQUEST ? on_request_task : on_response_task);
	while (*last != NULL)
		last = &(*last)->next;
	*last = f;
	f->next = NULL;
	f->x = x;
	f->msg = m;
	body_move(&f->in, &m->body);
	body_init(&m->body, EXCHANGE_BODY_LIMIT);
}

void filter_wake(struct filter *f)
{
	loop_defer(f->x->worker->loop, &f->x->filters[f->msg->kind].task);
}

/* How far all queues have come; it only grows. */
static uint64_t progress(const struct filter *first, const struct body *last)
{
	uint64_t sum = last->appended + last->end;

	for (const struct filter *f = first; f != NULL; f = f->next)
		sum += f->in.appended + f->in.released + f->in.end;
	return sum;
}

enum fault filters_run(struct exchange *x, enum msg_kind kind)
{
	struct filter *first = x->filters[kind].first;
	struct body *last = &message_of(x, kind)->body;
	uint64_t before;

	do {
		before = progress(first, last);
		for (struct filter *f = first; f != NULL; f = f->next) {
			struct body *to = f->next != NULL ? &f->next->in : last;
			enum fault fault = f->ops->run(f, to);

			if (fault != FAULT_NONE)
				return fault;
		}
	} while (progress(first, last) != before);
	return FAULT_NONE;
}

void filters_close(struct exchange *x, enum msg_kind kind)
{
	struct filter_chain *chain = &x->filters[kind];
	struct msg *m = message_of(x, kind);
	uint64_t appended;
	bool end;

	if (chain->first == NULL)
		return;
	end = m->body.end || chain->first->in.end;
	appended = chain->first->in.appended;
	body_fini(&m->body);
	body_init(&m->body, EXCHANGE_BODY_LIMIT);
	/* What the producer has counted so far, it goes on to count. */
	m->body.appended = m->body.sent = m->body.released = appended;
	m->body.end = end;
	for (struct filter *f = chain->first; f != NULL; f = f->next) {
		body_fini(&f->in);
		if (f->ops->close != NULL)
			f->ops->close(f);
	}
	chain->first = NULL;
	loop_task_cancel(&chain->task);
}

char *filter_reserve(struct filter *f, struct filter_out *o, const struct body *to, size_t least, size_t *room_out,
	enum fault *fault_out)
{
	size_t room = body_room(to);

	*fault_out = FAULT_NONE;
	*room_out = 0;
	if (room < least)
		return NULL;
	if (o->buf != NULL && o->buf->cap - o->at < least)
		filter_out_rest(o, true);
	if (o->buf == NULL) {
		o->buf = buf_acquire(f->x->worker->bufs, least > BUF_SMALL / 2 ? least : BUF_SMALL / 2);
		o->at = 0;
	}
	if (o->buf == NULL || o->buf->cap < least) {
		*fault_out = FAULT_NO_MEMORY;
		return NULL;
	}
	*room_out = o->buf->cap - o->at < room ? o->buf->cap - o->at : room;
	return o->buf->bytes + o->at;
}

void filter_commit(struct filter_out *o, struct body *to, size_t n)
{
	body_append(to, o->buf->bytes + o->at, n, o->buf);
	o->at += (uint32_t)n;
}

void filter_out_rest(struct filter_out *o, bool now)
{
	if (o->buf == NULL || (!now && o->buf->refs != 1))
		return;
	buf_release(&o->buf);
	o->at = 0;
}
