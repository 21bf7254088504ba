/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "http/grpc.h"

#include "http/answer.h"
#include "http/semantics.h"

#define LONGEST_MS ((uint64_t)1 << 40) /* beyond that a limit is none */
#define DIGITS_MOST 8                  /* of a grpc-timeout */
#define STATUS_MOST 16                 /* the highest code */

#define STATUS STR("grpc-status")
#define MESSAGE STR("grpc-message")
#define TIMEOUT STR("grpc-timeout")

/* ---- which requests ---- */

/* "application/grpc-web+proto" is of the kind "application/grpc-web". */
static bool is_of(struct str type, struct str kind)
{
	if (type.len < kind.len || !str_eq_nocase(str_slice(type, 0, kind.len), kind))
		return false;
	return type.len == kind.len || type.ptr[kind.len] == '+';
}

void grpc_recognise(struct exchange *x)
{
	static const struct {
		struct str type;
		enum grpc_kind kind;
	} kinds[] = {
		{ STR_INIT("application/grpc"), GRPC_CALL },
		{ STR_INIT("application/grpc-web"), GRPC_WEB },
		{ STR_INIT("application/grpc-web-text"), GRPC_WEB_TEXT },
	};
	const struct field *field = fields_find_token(&x->request.head, FIELD_CONTENT_TYPE);
	struct str type;

	if (field == NULL)
		return;
	type = str_trim(str_slice(field->value, 0, str_find_char(field->value, ';')));
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!is_of(type, kinds[i].type))
			continue;
		x->grpc = kinds[i].kind;
		x->grpc_type = type;
		return;
	}
}

/* ---- time ---- */

/* Nanoseconds of a unit; 0: it is none. */
static uint64_t unit_ns(char unit)
{
	switch (unit) {
	case 'H': return 3600000000000u;
	case 'M': return 60000000000u;
	case 'S': return 1000000000u;
	case 'm': return 1000000u;
	case 'u': return 1000u;
	case 'n': return 1;
	default: return 0;
	}
}

enum fault grpc_timeout(const struct exchange *x, uint64_t *ms_out)
{
	const struct field *field = x->grpc == GRPC_NONE ? NULL : fields_find(&x->request.head, TIMEOUT);
	uint64_t n, unit, ms;
	struct str digits;

	*ms_out = 0;
	if (field == NULL)
		return FAULT_NONE;
	if (field->value.len < 2 || field->value.len > DIGITS_MOST + 1)
		return FAULT_BAD_REQUEST;
	digits = str_slice(field->value, 0, field->value.len - 1);
	unit = unit_ns(field->value.ptr[digits.len]);
	if (unit == 0 || !str_to_u64(digits, UINT32_MAX, &n))
		return FAULT_BAD_REQUEST;
	ms = unit >= 1000000 ? n * (unit / 1000000) : n * unit / 1000000;
	/* Less than the clock can tell is still a limit. */
	*ms_out = ms == 0 ? 1 : ms > LONGEST_MS ? LONGEST_MS : ms;
	return FAULT_NONE;
}

void grpc_offer(struct exchange *x)
{
	uint64_t now = loop_now_ms(x->worker->loop), left;
	struct str text;

	if (x->grpc == GRPC_NONE || !x->total_armed)
		return;
	left = x->total_at_ms > now ? x->total_at_ms - now : 1;
	if (left < 100000000u)
		text = arena_printf(&x->arena, "%llum", (unsigned long long)left);
	else
		text = arena_printf(&x->arena, "%lluM", (unsigned long long)(left / 60000));
	if (text.ptr != NULL)
		fields_set(&x->request.head, &x->arena, TIMEOUT, text);
}

/* ---- errors ---- */

bool grpc_answered_with(const struct exchange *x, uint32_t statuses)
{
	const struct field *field = statuses == 0 || x->grpc == GRPC_NONE ? NULL : fields_find(&x->response.head, STATUS);
	uint64_t n;

	return field != NULL && str_to_u64(field->value, STATUS_MOST, &n) && (statuses >> n & 1) != 0;
}

/* For answers that are no fault of the exchange: as gRPC's clients do themselves ("HTTP to gRPC Status Code Mapping"). */
static unsigned status_for(uint16_t http)
{
	switch (http) {
	case 400: return 13;
	case 401: return 16;
	case 403: return 7;
	case 404: return 12;
	case 429: case 502: case 503: case 504: return 14;
	default: return 2;
	}
}

/* Percent-encoded, but for printable ASCII. */
static struct str encode_message(struct exchange *x, struct str s)
{
	static const char hex[] = "0123456789ABCDEF";
	char *text = arena_bytes(&x->arena, s.len * 3), *at = text;

	if (text == NULL)
		return STR("");
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c >= 0x20 && c <= 0x7e && c != '%') {
			*at++ = (char)c;
			continue;
		}
		*at++ = '%';
		*at++ = hex[c >> 4];
		*at++ = hex[c & 15];
	}
	return (struct str){ text, (size_t)(at - text) };
}

static bool add_status(struct exchange *x, struct fields *f, unsigned status, struct str message)
{
	struct str text = arena_printf(&x->arena, "%u", status);

	return text.ptr != NULL && fields_add(f, &x->arena, STATUS, text) &&
	       fields_add(f, &x->arena, MESSAGE, encode_message(x, message));
}

void grpc_prepare_error(struct exchange *x, uint16_t status, const struct toron_header *headers, size_t n_headers)
{
	const struct fault_info *fault = fault_info(x->fault);
	bool is_fault = x->fault != FAULT_NONE && fault->http == status;

	answer_prepare(x, 200, x->grpc_type, STR(""), headers, n_headers);
	add_status(x, &x->response.head, is_fault ? fault->grpc : status_for(status),
		is_fault ? str_of(fault->text) : semantics_reason(status));
}

bool grpc_trail(struct exchange *x, enum fault fault)
{
	struct msg *m = &x->response;
	const struct field *type = fields_find_token(&m->head, FIELD_CONTENT_TYPE);

	if (x->grpc == GRPC_NONE || x->front == NULL || x->is_tunnel || m->length >= 0 || m->bodiless ||
	    exchange_body_in(x, MSG_RESPONSE)->end || type == NULL ||
	    !str_starts(type->value, STR("application/grpc")))
		return false;
	m->trailers.n = 0;
	return add_status(x, &m->trailers, fault_info(fault)->grpc, str_of(fault_info(fault)->text));
}

static bool read_status(const struct fields *f, unsigned *out)
{
	const struct field *field = fields_find(f, STATUS);
	uint64_t n;

	if (field == NULL || !str_to_u64(field->value, STATUS_MOST, &n))
		return false;
	*out = (unsigned)n;
	return true;
}

unsigned grpc_status(const struct exchange *x)
{
	unsigned status = 2;

	if (x->grpc_kept != 0)
		return x->grpc_kept - 1u;
	if (!read_status(&x->response.trailers, &status) && !read_status(&x->response.head, &status) && x->fault != FAULT_NONE)
		status = fault_info(x->fault)->grpc;
	return status;
}

void grpc_keep_status(struct exchange *x)
{
	unsigned status;

	if (read_status(&x->response.trailers, &status))
		x->grpc_kept = (uint8_t)(status + 1);
}
