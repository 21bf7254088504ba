/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The two messages of grpc.health.v1.Health/Check, in their frames, and as much of protobuf as they take. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Of HealthCheckResponse, and two of our own. */
enum grpc_health {
	GRPC_HEALTH_UNKNOWN,
	GRPC_HEALTH_SERVING,
	GRPC_HEALTH_NOT_SERVING,
	GRPC_HEALTH_SERVICE_UNKNOWN,
	GRPC_HEALTH_OTHER,  /* a number that this list does not have */
	GRPC_HEALTH_BROKEN, /* not one message of that kind */
};
/* For people. */
const char *grpc_health_text(enum grpc_health status);

/* The request for a service (empty: the server as a whole), framed; `to` has room for GRPC_HEALTH_REQUEST_SIZE(service.len) bytes. How
 * many it takes. */
#define GRPC_HEALTH_REQUEST_SIZE(len) ((len) + 16u)
size_t grpc_health_request(uint8_t *to, struct str service);
/* What an answer's body says: exactly one frame, not compressed. Unknown fields are read over, of several statuses the last counts. */
enum grpc_health grpc_health_answer(const uint8_t *bytes, size_t n);
