/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "http/answer.h"

#include "base/check.h"
#include "http/semantics.h"

static void local_head(struct leg *leg, const struct msg *m)
{
	(void)leg;
	(void)m;
}

void answer_drop_request(struct leg *leg)
{
	struct body *body = &leg->x->request.body;
	size_t n = body_unsent(body);

	body_sent(body, n);
	body_release(body, n);
	if (n != 0)
		exchange_room(leg->x, leg);
}

static void local_room(struct leg *leg)
{
	(void)leg;
}

static void local_reset(struct leg *leg, enum fault fault)
{
	(void)fault;
	leg->x = NULL;
}

static const struct leg_ops local_ops = {
	.name = "local",
	.head = local_head,
	.more = answer_drop_request,
	.room = local_room,
	.reset = local_reset,
};

void answer_prepare(struct exchange *x, uint16_t status, struct str content_type, struct str body,
	const struct toron_header *headers, size_t n_headers)
{
	struct msg *m = &x->response;
	struct arena *a = &x->arena;

	body_fini(&m->body);
	body_init(&m->body, SIZE_MAX);
	m->kind = MSG_RESPONSE;
	m->status = status;
	m->head.n = m->trailers.n = 0;
	m->length = (int64_t)body.len;
	m->protocol = STR_NONE;
	m->bodiless = status == 204 || status == 304 || x->method_bit == TORON_HEAD;
	if (content_type.ptr != NULL)
		fields_add(&m->head, a, STR("content-type"), content_type);
	for (size_t i = 0; i < n_headers; i++)
		fields_add(&m->head, a, headers[i].name, headers[i].value);
	if (!m->bodiless)
		body_append(&m->body, body.ptr, body.len, NULL);
}

void answer_sink(struct exchange *x)
{
	CHECK(x->back == NULL);
	x->local = (struct leg){ .ops = &local_ops, .x = x };
	x->back = &x->local;
	answer_drop_request(&x->local);
}

void answer_attach(struct exchange *x, struct leg *leg)
{
	CHECK(x->running && x->chain_answered && x->answer_leg == NULL);
	x->answer_leg = leg;
}

static void start_attached(struct exchange *x, struct leg *leg)
{
	CHECK(x->back == NULL);
	leg->x = x;
	x->back = leg;
	leg->ops->more(leg);
	exchange_head(x, leg);
	leg->ops->room(leg);
	exchange_more(x, leg);
}

void answer_start(struct exchange *x)
{
	if (x->answer_leg != NULL) {
		start_attached(x, x->answer_leg);
		return;
	}
	answer_sink(x);
	exchange_head(x, &x->local);
	exchange_end(x, &x->local);
	exchange_more(x, &x->local);
}
