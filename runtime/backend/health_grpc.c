/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Probes of gRPC: grpc.health.v1.Health/Check, answered with status 0 and SERVING. */
#include "backend/health.h"

#include "codec/grpc/health.h"

#define TIMEOUT_MOST 99999999u /* eight digits ("PROTOCOL-HTTP2" of gRPC) */

static bool add_fields(struct probe *p, struct exchange *x)
{
	struct fields *f = &x->request.head;
	uint32_t ms = probe_conf(p)->timeout_ms;
	struct str timeout = arena_printf(&x->arena, "%um", (unsigned)(ms < TIMEOUT_MOST ? ms : TIMEOUT_MOST));

	return timeout.ptr != NULL && fields_add(f, &x->arena, STR("content-type"), STR("application/grpc")) &&
	       fields_add(f, &x->arena, STR("grpc-timeout"), timeout);
}

static bool fill(struct probe *p, struct exchange *x)
{
	struct str service = probe_conf(p)->service;
	uint8_t *bytes = arena_alloc(&x->arena, GRPC_HEALTH_REQUEST_SIZE(service.len));
	size_t n;

	if (bytes == NULL || !add_fields(p, x))
		return false;
	n = grpc_health_request(bytes, service);
	x->method_bit = TORON_POST;
	x->request.method = STR("POST");
	x->request.path = STR("/grpc.health.v1.Health/Check");
	x->request.takes_trailers = true;
	x->request.length = (int64_t)n;
	body_append(&x->request.body, (const char *)bytes, n, NULL);
	return true;
}

/* Where there is no message, the status stands in the head. */
static const struct field *status_of(const struct msg *m)
{
	const struct field *f = fields_find(&m->trailers, STR("grpc-status"));

	return f != NULL ? f : fields_find(&m->head, STR("grpc-status"));
}

static void judge_message(struct probe *p)
{
	enum grpc_health status = GRPC_HEALTH_BROKEN;

	if (p->n_taken <= PROBE_ANSWER_MOST)
		status = grpc_health_answer(p->answer, p->n_answer);
	probe_end(p, status == GRPC_HEALTH_SERVING ? PROBE_GOOD : PROBE_BAD, "%s", grpc_health_text(status));
}

static void judge(struct probe *p, const struct exchange *x)
{
	const struct msg *m = &x->response;
	const struct field *status = status_of(m);

	if (m->status != 200)
		probe_end(p, PROBE_BAD, "status %u", (unsigned)m->status);
	else if (status == NULL)
		probe_end(p, PROBE_BAD, "an answer without grpc-status");
	else if (!str_eq(status->value, STR("0")))
		probe_end(p, PROBE_BAD, "grpc-status %.*s", (int)(status->value.len < 8 ? status->value.len : 8), status->value.ptr);
	else
		judge_message(p);
}

static void ask(struct probe *p, const struct addr *to)
{
	static const struct probe_question question = { .fill = fill, .judge = judge };

	probe_ask_exchange(p, to, &question);
}

const struct toron_health_kind toron_health_grpc = {
	.start = health_start,
	.stop = health_stop,
	.ask = ask,
	.drop = probe_drop_exchange,
};
