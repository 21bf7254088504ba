/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whether an exchange that failed, or was answered with a status of its policy, is tried again, and when. */
#include "backend/dispatch.h"

#include "http/grpc.h"
#include "http/semantics.h"

#define MAX_TRIES 4      /* of one exchange, over servers and addresses */
#define LEFT_MOST 100    /* tries more, on connections that the server left after it took others' requests */
#define UNTAKEN_BYTES 16384 /* of a body that is kept in case the server does not act on it, where no policy says how much */
#define FAILED_MS 1000   /* a server that refused a connection is passed over for so long */
#define BACKOFF_MOST 10u /* times the first wait */

static void on_attempt_timeout(struct loop_timer *t)
{
	struct dispatch *d = CONTAINER_OF(t, struct dispatch, attempt);
	struct exchange *x = d->x;

	CHECK_MAGIC(x, EXCHANGE_MAGIC);
	exchange_give_up(x, FAULT_FIRST_BYTE_TIMEOUT);
}

static void limit_attempt(struct dispatch *d)
{
	if (d->policy == NULL || d->policy->per_try_ms == 0)
		return;
	loop_timer_init(&d->attempt, d->backend->worker->loop, on_attempt_timeout);
	loop_timer_set(&d->attempt, d->policy->per_try_ms);
	d->attempt_armed = true;
	d->x->cancel = dispatch_cancel;
}

void retry_stop_attempt(struct dispatch *d)
{
	if (!d->attempt_armed)
		return;
	d->attempt_armed = false;
	loop_timer_fini(&d->attempt);
}

void retry_begin_attempt(struct dispatch *d)
{
	d->attempts++;
	limit_attempt(d);
	dispatch_pick(d);
}

/* Each request pays for a part of a retry. */
static void pay_in(struct backend *b, const struct toron_retry *policy)
{
	b->retry_tokens += policy->budget_ppm;
	if (b->retry_tokens > RETRY_TOKENS_MOST)
		b->retry_tokens = RETRY_TOKENS_MOST;
}

static bool is_paid(struct backend *b)
{
	if (b->retry_tokens < RETRY_TOKEN)
		return false;
	b->retry_tokens -= RETRY_TOKEN;
	return true;
}

/* A server may have acted on a request that it did not answer. */
static bool may_repeat(const struct exchange *x, const struct toron_retry *policy)
{
	return policy->methods != 0 ? (policy->methods & x->method_bit) != 0 : semantics_is_idempotent(x->method_bit);
}

static unsigned reason_of(enum fault fault)
{
	switch (fault) {
	case FAULT_CONNECT:
	case FAULT_CONNECT_TIMEOUT:
	case FAULT_RESOLVE:
	case FAULT_BACK_TLS:
		return TORON_RETRY_CONNECT;
	case FAULT_BACK_CLOSED:
	case FAULT_BACK_CUT:
		return TORON_RETRY_RESET;
	case FAULT_FIRST_BYTE_TIMEOUT:
	case FAULT_BACK_IDLE_TIMEOUT:
		return TORON_RETRY_TIMEOUT;
	default:
		return 0;
	}
}

/* A random part of a time that doubles, so that those who failed together do not come back together. */
static uint64_t backoff_ms(struct dispatch *d)
{
	uint64_t most = (uint64_t)d->policy->backoff_ms << (d->attempts < 8 ? d->attempts - 1 : 7);

	if (most > (uint64_t)d->policy->backoff_ms * BACKOFF_MOST)
		most = (uint64_t)d->policy->backoff_ms * BACKOFF_MOST;
	return most == 0 ? 0 : backend_random(d->backend) % (most + 1);
}

/* False when the policy allows no further attempt, or the request cannot be sent again. */
static bool attempt_again(struct dispatch *d, enum fault fault)
{
	struct exchange *x = d->x;
	uint64_t wait;

	if (d->attempts >= d->policy->attempts || !body_can_rewind(&x->request.body) || !is_paid(d->backend) ||
	    !exchange_rewind(x, fault))
		return false;
	d->avoid = (int)x->server;
	d->next_addr = 0;
	d->fresh = false;
	wait = backoff_ms(d);
	if (wait == 0) {
		retry_begin_attempt(d);
		return true;
	}
	dispatch_wait(d, wait);
	d->backs_off = true;
	return true;
}

static bool retry_by_policy(struct dispatch *d, enum fault fault)
{
	unsigned reason = reason_of(fault);

	if ((d->policy->on & reason) == 0)
		return false;
	return (reason == TORON_RETRY_CONNECT || may_repeat(d->x, d->policy)) && attempt_again(d, fault);
}

static bool retry_answer(struct exchange *x)
{
	struct dispatch *d = x->action_state;
	const struct toron_retry *policy = d->policy;

	if (grpc_answered_with(x, policy->grpc))
		return attempt_again(d, FAULT_NONE);
	for (uint32_t i = 0; i < policy->n_statuses; i++)
		if (policy->statuses[i] == x->response.status)
			return may_repeat(x, policy) && attempt_again(d, FAULT_NONE);
	return false;
}

/* Another connection in place of one that had died unnoticed, or takes no more: no fault of the server, and so no matter of policy. */
static bool replace(struct dispatch *d, enum fault fault)
{
	if (!exchange_rewind(d->x, fault))
		return false;
	d->fresh = fault == FAULT_BACK_CLOSED;
	limit_attempt(d);
	dispatch_pick(d);
	return true;
}

/* Another address of the same server, another server, or a new connection in place of one that had died unnoticed. */
static bool retry(struct exchange *x, enum fault fault)
{
	struct dispatch *d = x->action_state;
	struct server *s = &d->backend->servers[x->server];
	uint32_t most = MAX_TRIES + (d->policy == NULL ? 0 : d->policy->attempts);

	/* That costs a connection on which another request was served: all of a burst get through to a server that takes one and leaves. */
	if (fault == FAULT_BACK_LEFT && d->n_left < LEFT_MOST) {
		d->n_left++;
		return replace(d, fault);
	}
	if (x->tries >= most + d->n_left)
		return false;
	if (fault == FAULT_BACK_CLOSED && x->reused && semantics_is_idempotent(x->method_bit))
		return replace(d, fault);
	/* Whatever the method is, the server has not acted on it. */
	if (fault == FAULT_BACK_REFUSED || fault == FAULT_BACK_LEFT)
		return replace(d, fault);
	/* Whom we do not trust at one address, we do not trust at the next. */
	if (fault == FAULT_BACK_TLS && d->backend->conf->n_servers == 1)
		return false;
	if (reason_of(fault) != TORON_RETRY_CONNECT)
		return d->policy != NULL && retry_by_policy(d, fault);
	d->next_addr++;
	if (d->next_addr < d->n_addrs && fault != FAULT_BACK_TLS) {
		d->fresh = true;
		limit_attempt(d);
		dispatch_resolve(d, s);
		return true;
	}
	s->failed_until_ms = loop_now_ms(d->backend->worker->loop) + FAILED_MS;
	d->next_addr = 0;
	if (d->policy != NULL)
		return retry_by_policy(d, fault);
	if (d->backend->conf->n_servers == 1)
		return false;
	d->fresh = false;
	dispatch_pick(d);
	return true;
}

/* What the server has not acted on can be sent to it again, whatever the method is and without a policy. */
static void hold_untaken(struct dispatch *d, uint32_t most)
{
	const struct msg *m = &d->x->request;

	most = most < UNTAKEN_BYTES ? most : UNTAKEN_BYTES;
	if (d->backend->conf->codec->may_refuse && most != 0 && m->length != 0 && m->length <= (int64_t)most && m->protocol.ptr == NULL)
		body_hold(&d->x->request.body, most);
}

/* A body that may have to be sent again is kept while it is small. */
void retry_init(struct dispatch *d, const struct toron_retry *policy)
{
	struct exchange *x = d->x;

	d->avoid = -1;
	d->policy = policy;
	x->retry = retry;
	hold_untaken(d, policy == NULL ? UNTAKEN_BYTES : policy->body_bytes);
	if (policy == NULL)
		return;
	pay_in(d->backend, policy);
	if (policy->n_statuses != 0 || policy->grpc != 0)
		x->retry_answer = retry_answer;
	if (x->request.length != 0 && x->request.length <= (int64_t)policy->body_bytes &&
	    (may_repeat(x, policy) || (x->grpc != GRPC_NONE && policy->grpc != 0)) &&
	    (x->retry_answer != NULL || (policy->on & ~TORON_RETRY_CONNECT) != 0))
		body_hold(&x->request.body, policy->body_bytes);
}
