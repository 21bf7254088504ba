/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "codec/grpc/health.h"

#include <stdbool.h>

#include "base/check.h"
#include "codec/grpc/web.h"

/* Wire types of protobuf. */
enum wire { WIRE_VARINT, WIRE_FIXED64, WIRE_BYTES, WIRE_FIXED32 = 5 };

#define TAG(field, wire) ((uint64_t)(field) << 3 | (wire))

const char *grpc_health_text(enum grpc_health status)
{
	static const char *const texts[] = {
		[GRPC_HEALTH_UNKNOWN] = "UNKNOWN",
		[GRPC_HEALTH_SERVING] = "SERVING",
		[GRPC_HEALTH_NOT_SERVING] = "NOT_SERVING",
		[GRPC_HEALTH_SERVICE_UNKNOWN] = "SERVICE_UNKNOWN",
		[GRPC_HEALTH_OTHER] = "a status that grpc.health.v1 does not have",
		[GRPC_HEALTH_BROKEN] = "an answer that is no HealthCheckResponse",
	};

	return (size_t)status < ARRAY_LEN(texts) ? texts[status] : "?";
}

/* ---- the request ---- */

static uint8_t *put_varint(uint8_t *p, uint64_t n)
{
	for (; n >= 0x80; n >>= 7)
		*p++ = (uint8_t)(n | 0x80);
	*p++ = (uint8_t)n;
	return p;
}

size_t grpc_health_request(uint8_t *to, struct str service)
{
	uint8_t *start = to + GRPC_HEAD, *p = start;
	uint32_t len;

	if (service.len != 0) {
		p = put_varint(p, TAG(1, WIRE_BYTES));
		p = put_varint(p, service.len);
		memcpy(p, service.ptr, service.len);
		p += service.len;
	}
	len = (uint32_t)(p - start);
	to[0] = 0;
	for (unsigned i = 0; i < 4; i++)
		to[1 + i] = (uint8_t)(len >> (24 - 8 * i));
	return GRPC_HEAD + len;
}

/* ---- the answer ---- */

struct reader {
	const uint8_t *at, *end;
};

static bool take_varint(struct reader *r, uint64_t *out)
{
	*out = 0;
	for (unsigned shift = 0; shift < 64 && r->at < r->end; shift += 7) {
		uint8_t byte = *r->at++;

		*out |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
			return true;
	}
	return false;
}

static bool skip(struct reader *r, uint64_t n)
{
	if (n > (uint64_t)(r->end - r->at))
		return false;
	r->at += n;
	return true;
}

static bool skip_value(struct reader *r, unsigned wire)
{
	uint64_t n;

	switch (wire) {
	case WIRE_VARINT: return take_varint(r, &n);
	case WIRE_FIXED64: return skip(r, 8);
	case WIRE_FIXED32: return skip(r, 4);
	case WIRE_BYTES: return take_varint(r, &n) && skip(r, n);
	default: return false; /* groups, which proto3 does not have */
	}
}

/* One field; the status, if it is that. */
static bool take_field(struct reader *r, enum grpc_health *status)
{
	uint64_t tag, value;

	if (!take_varint(r, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
		return false;
	if (tag != TAG(1, WIRE_VARINT))
		return skip_value(r, tag & 7);
	if (!take_varint(r, &value))
		return false;
	*status = value < GRPC_HEALTH_OTHER ? (enum grpc_health)value : GRPC_HEALTH_OTHER;
	return true;
}

enum grpc_health grpc_health_answer(const uint8_t *bytes, size_t n)
{
	enum grpc_health status = GRPC_HEALTH_UNKNOWN;
	struct reader r = { bytes, bytes + n };
	struct grpc_stream frame = { 0 };
	bool ends;

	if (n < GRPC_HEAD || bytes[0] != 0 || grpc_stream_take(&frame, bytes, n, &ends) != n || !ends)
		return GRPC_HEALTH_BROKEN;
	r.at += GRPC_HEAD;
	while (r.at < r.end)
		if (!take_field(&r, &status))
			return GRPC_HEALTH_BROKEN;
	return status;
}
