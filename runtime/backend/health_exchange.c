/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Probes that are exchanges: the front leg is local, the back leg goes to the one server that is asked, by the backend's codec and TLS. */
#include "backend/health.h"

#define BODY_MOST (64u << 10) /* bytes of an answer that are waited for */

static const struct toron_listener no_listener = { .name = "health", .origin = "health" };
static const struct toron_route no_route = { .name = "health", .origin = "health" };

/* ---- the front ---- */

static struct probe *of_front(struct leg *leg)
{
	struct probe *p = CONTAINER_OF(leg, struct probe, front);

	CHECK_MAGIC(p, PROBE_MAGIC);
	return p;
}

static bool is_unreached(enum fault fault)
{
	return fault == FAULT_CONNECT || fault == FAULT_CONNECT_TIMEOUT || fault == FAULT_BACK_TLS;
}

static void failed(struct probe *p, enum fault fault)
{
	enum probe_verdict verdict = PROBE_BAD;

	if (fault == FAULT_NO_MEMORY)
		verdict = PROBE_VOID;
	else if (is_unreached(fault))
		verdict = PROBE_UNREACHED;
	probe_end(p, verdict, "%s", fault_info(fault)->text);
}

static void front_head(struct leg *leg, const struct msg *m)
{
	(void)leg;
	(void)m;
}

static void keep(struct probe *p, const struct iovec *v)
{
	size_t room = PROBE_ANSWER_MOST - p->n_answer, n = v->iov_len < room ? v->iov_len : room;

	memcpy(p->answer + p->n_answer, v->iov_base, n);
	p->n_answer += (uint32_t)n;
	p->n_taken += v->iov_len;
}

static void take_body(struct probe *p, struct body *b)
{
	struct iovec iov[BODY_SEGMENTS];
	size_t len = 0;
	int n = body_peek(b, iov, BODY_SEGMENTS);

	for (int i = 0; i < n; i++) {
		keep(p, &iov[i]);
		len += iov[i].iov_len;
	}
	body_sent(b, len);
	body_release(b, len);
	if (len != 0)
		exchange_room(p->x, &p->front);
}

static void front_more(struct leg *leg)
{
	struct probe *p = of_front(leg);
	struct exchange *x = p->x;
	struct msg *m = &x->response;

	if (x->fault != FAULT_NONE) {
		failed(p, x->fault);
		return;
	}
	/* An interim answer may come long before the final one. */
	if (x->state < EXCHANGE_ANSWERING)
		return;
	take_body(p, &m->body);
	if (body_is_spent(&m->body) || m->bodiless || p->n_taken > BODY_MOST)
		p->question->judge(p, x);
}

static void front_room(struct leg *leg)
{
	(void)leg;
}

/* The exchange is gone when this returns. */
static void front_reset(struct leg *leg, enum fault fault)
{
	struct probe *p = of_front(leg);

	leg->x = NULL;
	p->x = NULL;
	failed(p, fault);
}

static const struct leg_ops front_ops = {
	.name = "probe",
	.head = front_head,
	.more = front_more,
	.room = front_room,
	.reset = front_reset,
};

/* The gateway drains, and does not wait for this one. */
static void on_drain(struct exchange *x)
{
	struct probe *p = CONTAINER_OF(x->front, struct probe, front);

	loop_timer_set(&p->timer, 0);
}

/* ---- the connection ---- */

static void on_over(struct back_conn *c)
{
	(void)c;
}

static void on_became(struct back_conn *c, struct back_conn *to)
{
	struct probe *p = c->owner;

	CHECK_MAGIC(p, PROBE_MAGIC);
	p->back = to;
}

static void on_gone(struct back_conn *c)
{
	struct probe *p = c->owner;

	CHECK_MAGIC(p, PROBE_MAGIC);
	if (p->back == c)
		p->back = NULL;
}

static const struct back_user user = { .over = on_over, .capacity = on_over, .became = on_became, .gone = on_gone };

/* ---- both ---- */

static struct str authority_of(const struct probe *p)
{
	const struct toron_health *conf = probe_conf(p);

	return conf->host.len != 0 ? conf->host : p->server->conf->authority;
}

/* The request, and a leg for it. NULL: out of memory. */
static struct leg *prepare(struct probe *p, const struct back_limits *limits, const struct probe_question *q)
{
	struct backend *b = p->server->backend;
	struct exchange *x = exchange_new_own(b->worker, &no_listener, &no_route, &p->front);

	p->x = x;
	if (x == NULL)
		return NULL;
	p->front = (struct leg){ .ops = &front_ops, .x = x };
	x->drain = on_drain;
	x->backend = b->conf;
	x->server = (uint32_t)(p->server - b->servers);
	x->request.scheme = p->server->tls != NULL ? STR("https") : STR("http");
	x->request.authority = authority_of(p);
	x->request.length = 0;
	if (!fields_add(&x->request.head, &x->arena, STR("user-agent"), STR("toron-health")) || !q->fill(p, x))
		return NULL;
	x->request.body.end = true;
	p->back->n_active = 1;
	return p->back->codec->leg(p->back, limits);
}

void probe_ask_exchange(struct probe *p, const struct addr *to, const struct probe_question *q)
{
	struct backend *b = p->server->backend;
	uint32_t ms = probe_conf(p)->timeout_ms;
	struct back_limits limits = { .connect_ms = ms, .first_byte_ms = ms, .idle_ms = ms, .pool_idle_ms = ms, .streams = 1 };
	struct leg *leg = NULL;

	p->question = q;
	p->back = b->conf->codec->open(b->worker, to, p->server->tls, &user, p, &limits);
	if (p->back != NULL)
		leg = prepare(p, &limits, q);
	if (leg == NULL)
		failed(p, FAULT_NO_MEMORY);
	else
		exchange_attach_back(p->x, leg);
}

void probe_drop_exchange(struct probe *p)
{
	struct back_conn *c;

	if (p->x != NULL) {
		p->front.x = NULL;
		exchange_done(p->x);
		p->x = NULL;
	}
	c = p->back;
	p->back = NULL;
	if (c != NULL)
		c->codec->close(c);
}
