/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Probes of HTTP: a GET, whose answer has one of the good statuses. */
#include "backend/health.h"

static bool fill(struct probe *p, struct exchange *x)
{
	x->method_bit = TORON_GET;
	x->request.method = STR("GET");
	x->request.path = probe_conf(p)->path;
	return true;
}

static void judge(struct probe *p, const struct exchange *x)
{
	const struct toron_health *conf = probe_conf(p);

	for (uint32_t i = 0; i < conf->n_statuses; i++) {
		if (conf->statuses[i] == x->response.status) {
			probe_end(p, PROBE_GOOD, "status %u", (unsigned)x->response.status);
			return;
		}
	}
	probe_end(p, PROBE_BAD, "status %u", (unsigned)x->response.status);
}

static void ask(struct probe *p, const struct addr *to)
{
	static const struct probe_question question = { .fill = fill, .judge = judge };

	probe_ask_exchange(p, to, &question);
}

const struct toron_health_kind toron_health_http = {
	.start = health_start,
	.stop = health_stop,
	.ask = ask,
	.drop = probe_drop_exchange,
};
