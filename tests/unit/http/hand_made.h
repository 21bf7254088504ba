/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* An exchange made by hand, without connection, codec or pool, for tests of what works on
 * exchanges. It counts as `running`, so that toron_respond only fills in x.response. */
#pragma once

#include <string.h>

#include "base/str.h"
#include "http/exchange.h"
#include "toron/gateway.h"

struct hand_made {
	struct exchange x;
	struct worker worker;
	struct toron_gateway gateway;
	struct toron_listener listener;
	struct toron_route route;
};

/* GET http://example.com/ from 192.0.2.7. */
static inline struct exchange *hand_made_init(struct hand_made *h)
{
	struct exchange *x = &h->x;

	memset(h, 0, sizeof(*h));
	h->gateway.name = "edge";
	h->listener.name = "web";
	h->route.name = "all";
	h->worker.gateway = &h->gateway;
	h->worker.loop = loop_new();
	x->magic = EXCHANGE_MAGIC;
	x->worker = &h->worker;
	x->listener = &h->listener;
	x->route = &h->route;
	x->running = true;
	arena_init(&x->arena, NULL, 0, 1 << 20);
	body_init(&x->request.body, 1 << 16);
	body_init(&x->response.body, 1 << 16);
	x->request.method = STR("GET");
	x->method_bit = TORON_GET;
	x->request.scheme = STR("http");
	x->request.authority = x->host = STR("example.com");
	x->request.path = x->path = STR("/");
	addr_parse(STR("192.0.2.7"), 4711, &x->source);
	x->source_text = STR("192.0.2.7");
	return x;
}

static inline void hand_made_fini(struct hand_made *h)
{
	if (h->x.claims != NULL)
		h->x.claims_free(h->x.claims);
	body_fini(&h->x.request.body);
	body_fini(&h->x.response.body);
	arena_fini(&h->x.arena);
	loop_free(&h->worker.loop);
}

static inline void hand_made_field(struct hand_made *h, const char *name, const char *value)
{
	fields_add(&h->x.request.head, &h->x.arena, str_of(name), str_of(value));
}

/* The answer that was prepared: a field's value ("" if absent) and the body. */
static inline struct str hand_made_answer_field(const struct hand_made *h, const char *name)
{
	const struct field *f = fields_find(&h->x.response.head, str_of(name));

	return f == NULL ? STR("") : f->value;
}

static inline struct str hand_made_answer_body(const struct hand_made *h)
{
	struct iovec iov = { 0 };

	return body_peek(&h->x.response.body, &iov, 1) == 1
		       ? (struct str){ iov.iov_base, iov.iov_len }
		       : STR("");
}

/* For ck_assert: prints both sides when they differ. */
#define ck_assert_text(got, want) \
	do { \
		struct str got_ = (got), want_ = str_of(want); \
		ck_assert_msg(str_eq(got_, want_), "got \"" STR_FMT "\", want \"" STR_FMT "\"", \
			STR_ARG(got_), STR_ARG(want_)); \
	} while (0)
