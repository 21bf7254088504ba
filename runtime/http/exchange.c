/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "http/exchange.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/reuse.h"
#include "http/answer.h"
#include "http/grpc.h"
#include "http/rewrite.h"
#include "http/semantics.h"
#include "net/conn.h"
#include "tls/info.h"
#include "http/websocket.h"
#include "loop/count.h"
#include "toron/gateway.h"

#define FIRST_FIELDS 32             /* of each head, that need no room in the arena */
#define FIRST_BLOCK 3584            /* bytes of an exchange's arena that need no malloc */
#define ARENA_BUDGET (512u << 10)   /* bytes an exchange may use besides buffers */
#define GATHER_SEGMENTS_MOST 1024   /* pieces of a gathered body */
#define KEPT_MAX 1024               /* unused exchanges that a worker keeps */

exchange_observer *exchange_observe;

struct exchange_pool {
	struct worker *worker;
	struct list unused, live;
	size_t n_unused, n_live;
};

struct exchange_block {
	struct exchange x;
	struct field fields[2][FIRST_FIELDS]; /* by enum msg_kind */
	_Alignas(16) char first[FIRST_BLOCK];
};

struct exchange_pool *exchange_pool_new(struct worker *w)
{
	struct exchange_pool *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->worker = w;
	list_init(&p->unused);
	list_init(&p->live);
	return p;
}

void exchange_pool_free(struct exchange_pool **p)
{
	if (*p == NULL)
		return;
	CHECK((*p)->n_live == 0);
	while (!list_empty(&(*p)->unused)) {
		struct exchange *x = CONTAINER_OF((*p)->unused.next, struct exchange, link);

		list_remove(&x->link);
		free(x);
	}
	free(*p);
	*p = NULL;
}

size_t exchange_pool_live(const struct exchange_pool *p)
{
	return p->n_live;
}

void exchange_pool_drain(struct exchange_pool *p)
{
	struct exchange *x;

	/* Asking ends none of them: what they send goes out later. */
	for (struct list *l = p->live.next; l != &p->live; l = l->next) {
		x = CONTAINER_OF(l, struct exchange, link);
		if (x->drain != NULL)
			x->drain(x);
	}
}

static struct exchange_block *take_block(struct exchange_pool *p)
{
	struct exchange_block *block;

	if (list_empty(&p->unused))
		return malloc(sizeof(*block));
	block = CONTAINER_OF(p->unused.next, struct exchange_block, x.link);
	list_remove(&block->x.link);
	p->n_unused--;
	return block;
}

static void message_init(struct msg *m, enum msg_kind kind)
{
	m->kind = kind;
	m->version_major = m->version_minor = 1;
	m->length = -1;
	body_init(&m->body, EXCHANGE_BODY_LIMIT);
}

static struct exchange *make(struct worker *w, const struct toron_listener *l, struct leg *front)
{
	struct exchange_pool *p = w->exchanges;
	struct exchange_block *block = take_block(p);
	struct exchange *x;
	/* Of a size that it knows, the compiler would make a "rep stos", which the library's memset beats. */
	volatile size_t size = sizeof(block->x);

	if (block == NULL)
		return NULL;
	x = &block->x;
	memset(x, 0, size);
	x->magic = EXCHANGE_MAGIC;
	x->worker = w;
	x->listener = l;
	x->front = front;
	arena_init(&x->arena, block->first, FIRST_BLOCK, ARENA_BUDGET);
	message_init(&x->request, MSG_REQUEST);
	message_init(&x->response, MSG_RESPONSE);
	x->request.head.at = block->fields[MSG_REQUEST];
	x->response.head.at = block->fields[MSG_RESPONSE];
	x->request.head.cap = x->response.head.cap = FIRST_FIELDS;
	x->times.begun = loop_now_us(w->loop);
	list_push_back(&p->live, &x->link);
	p->n_live++;
	return x;
}

struct exchange *exchange_new(const struct conn *c, const struct toron_listener *l, struct leg *front)
{
	struct exchange *x = make(c->worker, l, front);
	char *text;

	if (x == NULL)
		return NULL;
	x->source = c->peer;
	x->tls = tls_info_ref(c->tls);
	text = arena_bytes(&x->arena, ADDR_TEXT_MAX);
	x->source_text = (struct str){ text, addr_format_ip(&c->peer, text) };
	return x;
}

struct exchange *exchange_new_own(struct worker *w, const struct toron_listener *l, const struct toron_route *route, struct leg *front)
{
	struct exchange *x = make(w, l, front);

	if (x == NULL)
		return NULL;
	x->is_own = true;
	x->state = EXCHANGE_ACTION;
	x->route = route;
	return x;
}

static void release_fields(struct exchange *x, enum msg_kind kind)
{
	for (size_t i = 0; i < ARRAY_LEN(x->field_bufs[kind]); i++)
		buf_release(&x->field_bufs[kind][i]);
}

/* The end of every exchange, once both legs have let go. */
static void finish(struct exchange *x)
{
	struct exchange_pool *p = x->worker->exchanges;

	CHECK_MAGIC(x, EXCHANGE_MAGIC);
	CHECK(x->front == NULL && x->back == NULL);
	if (exchange_observe != NULL && !x->is_own)
		exchange_observe(x);
	if (x->claims != NULL)
		x->claims_free(x->claims);
	if (x->total_armed)
		loop_timer_fini(&x->total);
	tls_info_release(&x->tls);
	for (size_t i = 0; i < ARRAY_LEN(x->filters); i++)
		if (x->filters[i].first != NULL)
			filters_close(x, (enum msg_kind)i);
	body_fini(&x->request.body);
	body_fini(&x->response.body);
	release_fields(x, MSG_REQUEST);
	release_fields(x, MSG_RESPONSE);
	arena_fini(&x->arena);
	list_remove(&x->link);
	p->n_live--;
	x->magic = 0;
	if (!KEEPS_FREED || p->n_unused >= KEPT_MAX) {
		free(x);
		return;
	}
	list_push_front(&p->unused, &x->link);
	p->n_unused++;
}

bool exchange_keep_buf(struct exchange *x, enum msg_kind kind, struct buf *b)
{
	struct buf **bufs = x->field_bufs[kind];

	for (size_t i = 0; i < ARRAY_LEN(x->field_bufs[kind]); i++) {
		if (bufs[i] == b)
			return true;
		if (bufs[i] == NULL) {
			bufs[i] = buf_ref(b);
			return true;
		}
	}
	return false;
}

/* The action waits for nothing any more. */
static void cancel_action(struct exchange *x)
{
	void (*cancel)(struct exchange *) = x->cancel;

	x->cancel = NULL;
	x->gathered = NULL;
	if (cancel != NULL)
		cancel(x);
}

/* Stops what the back side does, whatever that is; x->back is NULL afterwards. */
static void stop_back(struct exchange *x, enum fault fault)
{
	struct leg *back = x->back;

	cancel_action(x);
	if (back == NULL)
		return;
	x->back = NULL;
	back->ops->reset(back, fault);
}

static void reset_front(struct exchange *x, enum fault fault)
{
	struct leg *front = x->front;

	x->state = EXCHANGE_FAILED;
	x->front = NULL;
	front->ops->reset(front, fault);
}

void exchange_cut(struct exchange *x, enum fault fault)
{
	CHECK_MAGIC(x, EXCHANGE_MAGIC);
	stop_back(x, fault);
	x->fault = fault;
	if (grpc_trail(x, fault)) {
		answer_sink(x);
		exchange_end(x, &x->local);
		exchange_more(x, &x->local);
		return;
	}
	reset_front(x, fault);
	finish(x);
}

static void on_total(struct loop_timer *t)
{
	struct exchange *x = CONTAINER_OF(t, struct exchange, total);

	CHECK_MAGIC(x, EXCHANGE_MAGIC);
	/* An answer that is whole by now, perhaps since this very turn, goes out as far as it can. */
	if (x->state >= EXCHANGE_ANSWERING && exchange_body_in(x, MSG_RESPONSE)->end && !x->total_is_over) {
		x->total_is_over = true;
		loop_timer_set(t, 1);
		return;
	}
	if (x->state >= EXCHANGE_ANSWERING) {
		exchange_cut(x, FAULT_TOTAL_TIMEOUT);
		return;
	}
	stop_back(x, FAULT_TOTAL_TIMEOUT);
	exchange_fail(x, FAULT_TOTAL_TIMEOUT);
}

/* ---- the request's way ---- */

/* x may be dead afterwards. */
static void run_action(struct exchange *x)
{
	x->state = EXCHANGE_ACTION;
	if (x->route->rewrite != NULL && !rewrite_apply(x, x->route->rewrite)) {
		toron_respond_error(x, 400, NULL, 0);
		return;
	}
	x->route->action(x, x->route->conf);
}

/* The chain from middleware `from` on, then the action. An answer that was prepared inside is started here, when no generated code
 * is on the stack any more. False when it was: the exchange may be dead then. */
static bool run_chain(struct exchange *x, unsigned from)
{
	enum toron_verdict v = TORON_NEXT;

	x->running = true;
	if (x->route->chain != NULL)
		v = x->route->chain->request(x, from);
	if (v == TORON_NEXT && !x->arena.overflow && !x->chain_answered) {
		run_action(x);
	} else if (x->arena.overflow && !x->chain_answered) {
		x->fault = FAULT_NO_MEMORY;
		answer_prepare_error(x, fault_info(FAULT_NO_MEMORY)->http, NULL, 0);
		x->chain_answered = true;
	}
	x->running = false;
	if (!x->chain_answered)
		return true;
	x->state = EXCHANGE_ACTION;
	answer_start(x);
	return false;
}

static void answer_not_found(struct exchange *x, uint32_t allow)
{
	struct toron_header header = { .name = STR_INIT("allow") };

	if (allow == 0) {
		toron_respond_error(x, 404, NULL, 0);
		return;
	}
	header.value = route_allow_text(x, allow);
	toron_respond_error(x, 405, &header, 1);
}

/* About the gateway itself: OPTIONS * (RFC 9110 section 9.3.7), and what may be forwarded no further (section 7.6.2). */
static void answer_itself(struct exchange *x)
{
	static const struct toron_header allow = { .name = STR_INIT("allow"), .value = STR_INIT("OPTIONS") };

	if (x->method_bit == TORON_OPTIONS)
		toron_respond(x, 204, STR_NONE, STR(""), NULL, 0);
	else
		toron_respond_error(x, 405, &allow, 1);
}

/* The shorter one of the route's limit and the caller's own. */
static enum fault limit_total(struct exchange *x)
{
	uint64_t ms;
	enum fault fault = grpc_timeout(x, &ms);

	if (x->route->total_ms != 0 && (ms == 0 || x->route->total_ms < ms))
		ms = x->route->total_ms;
	if (fault != FAULT_NONE || ms == 0)
		return fault;
	loop_timer_init(&x->total, x->worker->loop, on_total);
	loop_timer_set(&x->total, ms);
	x->total_at_ms = loop_now_ms(x->worker->loop) + ms;
	x->total_armed = true;
	return FAULT_NONE;
}

static void on_request_head(struct exchange *x)
{
	enum fault fault;
	uint32_t allow = 0;

	grpc_recognise(x);
	fault = semantics_request(x);

	x->state = EXCHANGE_CHAIN;
	if (fault != FAULT_NONE) {
		x->close_front = true; /* who sends such things may mean something else by the next bytes, too */
		exchange_fail(x, fault);
		return;
	}
	if (x->path.ptr == NULL || x->stops_here) {
		answer_itself(x);
		return;
	}
	if (websocket_is_asked(x) && !websocket_check(x))
		return;
	if (!route_find(x, &allow)) {
		answer_not_found(x, allow);
		return;
	}
	if (exchange_is_over_limit(x)) {
		x->close_front = true;
		exchange_fail(x, FAULT_BODY_TOO_LARGE);
		return;
	}
	fault = limit_total(x);
	if (fault != FAULT_NONE) {
		exchange_fail(x, fault);
		return;
	}
	run_chain(x, 0);
}

void toron_resume(struct exchange *x)
{
	CHECK_MAGIC(x, EXCHANGE_MAGIC);
	CHECK(x->state == EXCHANGE_CHAIN && !x->running);
	if (run_chain(x, x->chain_entered))
		exchange_more(x, x->front);
}

/* ---- the response's way ---- */

/* The response phase runs once, also on our own answers. */
static void run_response_chain(struct exchange *x)
{
	if (x->response_chain_done)
		return;
	x->response_chain_done = true;
	if (x->route != NULL && x->route->chain != NULL && x->route->chain->response != NULL)
		x->route->chain->response(x, x->chain_entered);
}

static bool is_interim(uint16_t status)
{
	return status >= 100 && status < 200 && status != 101;
}

/* What watches over a WebSocket, if anything: the route's, else the backend's. */
static const struct toron_websocket *watch_of(const struct exchange *x)
{
	if (x->route->websocket != NULL)
		return x->route->websocket;
	return x->backend != NULL ? x->backend->websocket : NULL;
}

static void begin_tunnel(struct exchange *x)
{
	const struct toron_websocket *watch;

	x->is_tunnel = true;
	exchange_body_in(x, MSG_REQUEST)->end = false;
	if (!websocket_is_asked(x))
		return;
	count_listener(x->worker, x->listener, COUNT_WS);
	count_listener(x->worker, x->listener, COUNT_WS_OPEN);
	watch = watch_of(x);
	if (watch != NULL)
		watch->begin(x, watch);
}

static void on_response_head(struct exchange *x)
{
	if (!is_interim(x->response.status) && x->back != &x->local) {
		cancel_action(x);
		if (x->retry_answer != NULL && x->retry_answer(x))
			return;
		body_let_go(&x->request.body);
	}
	semantics_response(x);
	if (x->response.status == 101 && websocket_is_asked(x) && !websocket_agree(x)) {
		stop_back(x, FAULT_BACK_PROTOCOL);
		exchange_fail(x, FAULT_BACK_PROTOCOL);
		return;
	}
	if (is_interim(x->response.status)) {
		if (x->response.status == 100)
			x->request.expect_continue = false; /* nor does another attempt wait */
		x->front->ops->head(x->front, &x->response);
		x->response.head.n = 0;
		return;
	}
	if (x->times.first_byte == 0)
		x->times.first_byte = clock_monotonic_us();
	run_response_chain(x);
	x->state = EXCHANGE_ANSWERING;
	if (x->response.status == 101)
		begin_tunnel(x);
	x->front->ops->head(x->front, &x->response);
}

void exchange_head(struct exchange *x, struct leg *from)
{
	CHECK_MAGIC(x, EXCHANGE_MAGIC);
	if (from == x->front)
		on_request_head(x);
	else
		on_response_head(x);
}

/* ---- bodies that are gathered ---- */

bool exchange_widen(struct exchange *x, struct body *b, size_t most)
{
	uint16_t cap = BODY_SEGMENTS;
	struct body_segment *ring;

	if (b->at != b->usual)
		return true; /* for an earlier attempt */
	/* Small chunks take a place each. */
	while (cap < GATHER_SEGMENTS_MOST && cap * (size_t)1024 < most)
		cap *= 2;
	ring = arena_alloc(&x->arena, cap * sizeof(*ring));
	if (ring == NULL)
		return false;
	body_widen(b, most > EXCHANGE_BODY_LIMIT ? most : EXCHANGE_BODY_LIMIT, ring, cap);
	return true;
}

bool exchange_gather(struct exchange *x, size_t most, void (*then)(struct exchange *x))
{
	static const struct msg go_on = { .kind = MSG_RESPONSE, .version_minor = 1, .status = 100, .length = -1 };
	struct msg *m = &x->request;
	bool awaits_go = m->expect_continue;

	if (m->body.end || m->length == 0 || (m->length > 0 && (uint64_t)m->length > most) || !exchange_widen(x, &m->body, most))
		return false;
	x->gathered = then;
	x->gather_most = most;
	m->expect_continue = false;
	/* It goes out with the exchange_more that follows. */
	if (awaits_go)
		x->front->ops->head(x->front, &go_on);
	return true;
}

static void end_gathering(struct exchange *x)
{
	void (*then)(struct exchange *) = x->gathered;
	struct msg *m = &x->request;

	x->gathered = NULL;
	if (m->body.end && m->trailers.n == 0)
		m->length = (int64_t)m->body.appended;
	then(x);
}

/* x may be dead afterwards. */
static void gather_on(struct exchange *x)
{
	const struct body *b = &x->request.body;

	if (b->end || b->appended >= x->gather_most || body_room(b) == 0)
		end_gathering(x);
	else
		x->front->ops->more(x->front);
}

void exchange_no_room(struct exchange *x)
{
	CHECK_MAGIC(x, EXCHANGE_MAGIC);
	if (x->gathered != NULL)
		end_gathering(x);
}

/* ---- filters ---- */

/* The producer's or the back's fault, found in a body. x may be dead afterwards. */
static void filter_failed(struct exchange *x, enum msg_kind kind, enum fault fault)
{
	filters_close(x, kind);
	x->close_front = true;
	if (x->state >= EXCHANGE_ANSWERING) {
		exchange_cut(x, fault);
		return;
	}
	stop_back(x, fault);
	exchange_fail(x, fault);
}

/* Runs the filters of a direction and tells the producer of room. False when that ended the exchange, or began an error's answer. */
static bool push_filters(struct exchange *x, enum msg_kind kind)
{
	const struct body *in = exchange_body_in(x, kind);
	struct leg *producer = kind == MSG_REQUEST ? x->front : x->back;
	uint64_t released = in->released;
	enum fault fault = filters_run(x, kind);

	if (fault != FAULT_NONE) {
		filter_failed(x, kind, fault);
		return false;
	}
	if (in->released != released && producer != NULL)
		producer->ops->room(producer);
	return true;
}

void exchange_filters_due(struct exchange *x, enum msg_kind kind)
{
	struct leg *consumer = kind == MSG_REQUEST ? x->back : x->front;

	if (x->filters[kind].first != NULL && push_filters(x, kind) && consumer != NULL)
		consumer->ops->more(consumer);
}

void exchange_more(struct exchange *x, struct leg *from)
{
	enum msg_kind kind = from == x->front ? MSG_REQUEST : MSG_RESPONSE;
	struct leg *other;

	CHECK_MAGIC(x, EXCHANGE_MAGIC);
	if (x->filters[kind].first != NULL && !push_filters(x, kind))
		return;
	if (from == x->front && x->gathered != NULL) {
		gather_on(x);
		return;
	}
	other = from == x->front ? x->back : x->front;
	if (other != NULL)
		other->ops->more(other);
}

void exchange_end(struct exchange *x, struct leg *from)
{
	CHECK_MAGIC(x, EXCHANGE_MAGIC);
	if (from == x->front && x->request.trailers.n != 0)
		semantics_request_trailers(x);
	exchange_body_in(x, from == x->front ? MSG_REQUEST : MSG_RESPONSE)->end = true;
}

void exchange_room(struct exchange *x, struct leg *from)
{
	enum msg_kind kind = from == x->front ? MSG_RESPONSE : MSG_REQUEST;
	struct leg *other;

	CHECK_MAGIC(x, EXCHANGE_MAGIC);
	if (x->filters[kind].first != NULL) {
		/* Not from here: the consumer is in the middle of its writing. */
		loop_defer(x->worker->loop, &x->filters[kind].task);
		return;
	}
	other = from == x->front ? x->back : x->front;
	if (other != NULL)
		other->ops->room(other);
}

/* ---- ends ---- */

/* Probes are counted by who asks. */
static void count_fault_of_server(const struct exchange *x, enum fault fault)
{
	if (!x->is_own)
		count_server_fault(x->worker, x->backend, x->server, fault);
}

static void on_back_fault(struct exchange *x, enum fault fault)
{
	x->back = NULL;
	if (x->state >= EXCHANGE_ANSWERING) {
		count_fault_of_server(x, fault);
		exchange_cut(x, fault);
		return;
	}
	exchange_retry_or_fail(x, fault);
}

void exchange_fault(struct exchange *x, struct leg *from, enum fault fault)
{
	CHECK_MAGIC(x, EXCHANGE_MAGIC);
	if (from == x->back) {
		on_back_fault(x, fault);
		return;
	}
	CHECK(from == x->front);
	if (x->fault == FAULT_NONE)
		x->fault = fault;
	x->front = NULL;
	stop_back(x, fault);
	finish(x);
}

void exchange_fail(struct exchange *x, enum fault fault)
{
	CHECK(x->state < EXCHANGE_ANSWERING);
	cancel_action(x);
	if (x->fault == FAULT_NONE)
		x->fault = fault;
	toron_respond_error(x, fault_info(fault)->http != 0 ? fault_info(fault)->http : 500, NULL, 0);
}

void exchange_retry_or_fail(struct exchange *x, enum fault fault)
{
	count_fault_of_server(x, fault);
	cancel_action(x);
	if (x->retry != NULL && body_can_rewind(&x->request.body) && x->retry(x, fault))
		return;
	exchange_fail(x, fault);
}

void exchange_give_up(struct exchange *x, enum fault fault)
{
	stop_back(x, fault);
	exchange_retry_or_fail(x, fault);
}

bool exchange_rewind(struct exchange *x, enum fault fault)
{
	struct msg *m = &x->response;

	CHECK(x->state < EXCHANGE_ANSWERING);
	if (!body_can_rewind(&x->request.body))
		return false;
	stop_back(x, fault);
	body_rewind(&x->request.body);
	body_fini(&m->body);
	m->head.n = m->trailers.n = 0;
	m->status = 0;
	m->bodiless = false;
	m->protocol = STR_NONE;
	message_init(m, MSG_RESPONSE);
	release_fields(x, MSG_RESPONSE);
	return true;
}

void exchange_refuse(struct exchange *x, enum fault fault)
{
	struct leg *front = x->front;

	CHECK_MAGIC(x, EXCHANGE_MAGIC);
	if (x->state >= EXCHANGE_ANSWERING) {
		front->ops->reset(front, fault);
		exchange_fault(x, front, fault);
		return;
	}
	if (x->state == EXCHANGE_HEAD)
		x->state = EXCHANGE_CHAIN;
	x->close_front = true;
	stop_back(x, fault);
	exchange_end(x, front);
	exchange_fail(x, fault);
}

void exchange_back_done(struct exchange *x)
{
	x->back = NULL;
	/* It answered early and takes no more. */
	if (!x->request.body.end)
		answer_sink(x);
}

void exchange_done(struct exchange *x)
{
	CHECK_MAGIC(x, EXCHANGE_MAGIC);
	x->front = NULL;
	stop_back(x, FAULT_NONE);
	finish(x);
}

void exchange_attach_back(struct exchange *x, struct leg *back)
{
	CHECK(x->back == NULL && back->x == NULL);
	/* What cannot be offered is refused by the server, or by us once it has answered. */
	if (websocket_is_asked(x))
		websocket_offer(x);
	grpc_offer(x);
	x->back = back;
	back->x = x;
	back->ops->head(back, &x->request);
	/* While the chain runs, the front is in the middle of its batch, and its exchange_more follows. */
	if (!x->running)
		back->ops->more(back);
}

void exchange_change_back(struct exchange *x, struct leg *to)
{
	CHECK_MAGIC(x, EXCHANGE_MAGIC);
	CHECK(x->back != NULL && to->x == NULL);
	x->back = to;
	to->x = x;
	to->ops->head(to, &x->request);
	to->ops->more(to);
}

/* ---- answers ---- */

static enum toron_verdict answered(struct exchange *x)
{
	x->chain_answered = true;
	if (!x->running)
		answer_start(x);
	return TORON_ANSWERED;
}

enum toron_verdict toron_respond(struct exchange *x, uint16_t status, struct str content_type, struct str body,
	const struct toron_header *headers, size_t n_headers)
{
	CHECK(!x->chain_answered);
	answer_prepare(x, status, content_type, body, headers, n_headers);
	return answered(x);
}

enum toron_verdict toron_respond_error(struct exchange *x, uint16_t status, const struct toron_header *headers,
	size_t n_headers)
{
	CHECK(!x->chain_answered);
	answer_prepare_error(x, status, headers, n_headers);
	return answered(x);
}
