/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The action split: each exchange goes to one of several backends, by weight. */
#include "backend/backend.h"

void toron_action_split(struct exchange *x, const void *conf)
{
	const struct toron_split *split = conf;
	uint32_t at = (uint32_t)(backend_random(&x->worker->backends[0]) % split->total);

	for (uint32_t i = 0; i < split->n; i++) {
		if (at < split->at[i].below) {
			toron_action_backend(x, split->at[i].backend);
			return;
		}
	}
	exchange_fail(x, FAULT_NO_SERVER);
}
