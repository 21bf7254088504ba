/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The faults of an exchange, from fault.def. No codec invents a status of its own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault {
#define FAULT(name, http, h2, h3, grpc, retry, text) FAULT_##name,
#include "base/fault.def"
#undef FAULT
	FAULT_COUNT
};

struct fault_info {
	const char *name, *text;
	uint16_t http;
	uint16_t h3;
	uint8_t h2, grpc;
	bool may_retry;
};
const struct fault_info *fault_info(enum fault f);

/* "CONNECT_TIMEOUT" is "connect-timeout" to the outside. The length; there is no NUL. */
#define FAULT_LABEL_MOST 32
size_t fault_label(enum fault f, char to[FAULT_LABEL_MOST]);
