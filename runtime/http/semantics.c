/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "http/semantics.h"

#include "base/clock.h"
#include "base/uri.h"
#include "toron/gateway.h"

static const struct {
	struct str name;
	uint32_t bit;
} methods[] = {
	{ STR_INIT("GET"), TORON_GET },         { STR_INIT("HEAD"), TORON_HEAD },
	{ STR_INIT("POST"), TORON_POST },       { STR_INIT("PUT"), TORON_PUT },
	{ STR_INIT("DELETE"), TORON_DELETE },   { STR_INIT("CONNECT"), TORON_CONNECT },
	{ STR_INIT("OPTIONS"), TORON_OPTIONS }, { STR_INIT("TRACE"), TORON_TRACE },
	{ STR_INIT("PATCH"), TORON_PATCH },
};

uint32_t semantics_method_bit(const struct toron_gateway *g, struct str method)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (str_eq(method, methods[i].name))
			return methods[i].bit;
	for (uint32_t i = 0; i < g->n_extra_methods; i++)
		if (str_eq(method, g->extra_methods[i]))
			return (uint32_t)TORON_METHOD_EXTRA << i;
	return TORON_METHOD_OTHER;
}

bool semantics_is_idempotent(uint32_t method_bit)
{
	return (method_bit & (TORON_GET | TORON_HEAD | TORON_PUT | TORON_DELETE | TORON_OPTIONS | TORON_TRACE)) != 0;
}

struct str semantics_reason(uint16_t status)
{
	switch (status) {
#define STATUS(code, text) case code: return STR(text);
#include "http/status.def"
#undef STATUS
	default: return STR("");
	}
}

/* True for fields that concern only one connection (RFC 9110 section 7.6.1). */
static bool is_hop_by_hop(enum field_token t)
{
	switch (t) {
	case FIELD_CONNECTION: case FIELD_KEEP_ALIVE: case FIELD_PROXY_CONNECTION: case FIELD_TE:
	case FIELD_TRANSFER_ENCODING: case FIELD_UPGRADE:
		return true;
	default:
		return false;
	}
}

static bool is_named_by_connection(const struct fields *f, struct str name)
{
	for (unsigned i = 0; i < f->n; i++) {
		if (f->at[i].token != FIELD_CONNECTION)
			continue;
		struct str rest = f->at[i].value, member;

		while (field_next_member(&rest, &member))
			if (str_eq_nocase(member, name))
				return true;
	}
	return false;
}

/* "connection: keep-alive, close, upgrade" names nothing that needs a search through the other fields. */
static bool connection_names_fields(const struct fields *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		if (f->at[i].token != FIELD_CONNECTION)
			continue;
		struct str rest = f->at[i].value, member;

		while (field_next_member(&rest, &member))
			if (!str_eq_nocase(member, STR("close")) && !is_hop_by_hop(field_token(member)))
				return true;
	}
	return false;
}

#define DROPPED FIELD_TOKEN_COUNT

/* Fields that `connection` names, but for those that say where a message is for and where it has been. */
static void drop_named(struct fields *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		struct field *field = &f->at[i];

		if (field->token == FIELD_CONNECTION || field->token == FIELD_HOST || field->token == FIELD_VIA)
			continue;
		if (is_named_by_connection(f, field->name))
			field->token = DROPPED;
	}
}

static bool is_forwarding(enum field_token t)
{
	return t == FIELD_X_FORWARDED_FOR || t == FIELD_X_FORWARDED_HOST || t == FIELD_X_FORWARDED_PROTO ||
	       t == FIELD_FORWARDED;
}

/* Forwarding fields of a request are dropped too: no client is trusted to write them. */
static void strip(struct fields *f, bool is_request)
{
	unsigned kept = 0;

	if (connection_names_fields(f))
		drop_named(f);
	for (unsigned i = 0; i < f->n; i++) {
		enum field_token t = f->at[i].token;

		if (t == DROPPED || is_hop_by_hop(t) || (is_request && is_forwarding(t)))
			continue;
		f->at[kept++] = f->at[i];
	}
	f->n = (uint16_t)kept;
}

static enum fault fault_of_uri(enum uri_error e)
{
	return e == URI_NO_MEMORY ? FAULT_NO_MEMORY : FAULT_BAD_REQUEST;
}

static enum fault understand_host(struct exchange *x)
{
	struct uri_authority at;
	enum uri_error e;

	if (x->request.authority.len == 0) {
		x->host = STR("");
		return FAULT_NONE;
	}
	e = uri_authority_parse(x->request.authority, &at);
	if (e != URI_OK)
		return fault_of_uri(e);
	x->host_port = at.port;
	x->host = at.host;
	if (x->host.len > 1 && x->host.ptr[x->host.len - 1] == '.')
		x->host.len--;
	for (size_t i = 0; i < x->host.len; i++) {
		if (x->host.ptr[i] < 'A' || x->host.ptr[i] > 'Z')
			continue;
		struct str lower = arena_str(&x->arena, x->host);

		if (lower.ptr == NULL)
			return FAULT_NO_MEMORY;
		for (size_t j = i; j < lower.len; j++)
			((char *)lower.ptr)[j] = (char)ascii_lower((unsigned char)lower.ptr[j]);
		x->host = lower;
		break;
	}
	return FAULT_NONE;
}

/* What was matched is what the backend is sent: the target is put together again when normalising changed it. */
static enum fault understand_path(struct exchange *x)
{
	struct str target = x->request.path;
	unsigned policy = 0;
	enum uri_error e;

	if (x->listener->uri_policy & TORON_URI_KEEP_SLASHES)
		policy |= URI_KEEP_SLASHES;
	if (x->listener->uri_policy & TORON_URI_ALLOW_ENCODED_SLASH)
		policy |= URI_ALLOW_ENCODED_SLASH;
	e = uri_normalise(&x->arena, target, policy, &x->path, &x->query);
	if (e != URI_OK)
		return fault_of_uri(e);
	if (x->path.ptr == target.ptr)
		return FAULT_NONE;
	if (x->query.ptr == NULL) {
		x->request.path = x->path;
		return FAULT_NONE;
	}
	char *p = arena_bytes(&x->arena, x->path.len + 1 + x->query.len);

	if (p == NULL)
		return FAULT_NO_MEMORY;
	memcpy(p, x->path.ptr, x->path.len);
	p[x->path.len] = '?';
	memcpy(p + x->path.len + 1, x->query.ptr, x->query.len);
	x->request.path = (struct str){ p, x->path.len + 1 + x->query.len };
	return FAULT_NONE;
}

static bool add_forwarding(struct exchange *x)
{
	struct fields *f = &x->request.head;
	struct arena *a = &x->arena;
	struct str via = x->request.version_minor == 0 ? STR("1.0 toron") : STR("1.1 toron");
	const struct field *before = fields_find_token(f, FIELD_VIA);

	if (before != NULL) {
		via = arena_printf(a, STR_FMT ", " STR_FMT, STR_ARG(before->value), STR_ARG(via));
		if (!fields_set(f, a, STR("via"), via))
			return false;
	} else if (!fields_add(f, a, STR("via"), via)) {
		return false;
	}
	return fields_add(f, a, STR("x-forwarded-for"), x->source_text) &&
	       fields_add(f, a, STR("x-forwarded-proto"), x->request.scheme) &&
	       (x->request.authority.len == 0 ||
		fields_add(f, a, STR("x-forwarded-host"), x->request.authority));
}

enum fault semantics_request(struct exchange *x)
{
	enum fault fault;

	x->method_bit = semantics_method_bit(x->worker->gateway, x->request.method);
	if (x->method_bit == TORON_CONNECT)
		return FAULT_NOT_IMPLEMENTED;
	fault = understand_host(x);
	if (fault == FAULT_NONE && !str_eq(x->request.path, STR("*")))
		fault = understand_path(x);
	if (fault != FAULT_NONE)
		return fault;
	if (x->listener->limits.body_bytes != 0 && x->request.length > 0 &&
	    (uint64_t)x->request.length > x->listener->limits.body_bytes)
		return FAULT_BODY_TOO_LARGE;
	strip(&x->request.head, true);
	return add_forwarding(x) ? FAULT_NONE : FAULT_NO_MEMORY;
}

void semantics_response(struct exchange *x)
{
	struct fields *f = &x->response.head;

	strip(f, false);
	if (fields_find_token(f, FIELD_DATE) == NULL) {
		char *date = arena_bytes(&x->arena, CLOCK_HTTP_DATE_LEN);

		if (date == NULL)
			return;
		clock_http_date(loop_wall_us(x->worker->loop), date);
		fields_add(f, &x->arena, STR("date"), (struct str){ date, CLOCK_HTTP_DATE_LEN });
	}
}
