/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "http/semantics.h"

#include "base/clock.h"
#include "base/uri.h"
#include "http/forwarding.h"
#include "http/host_memo.h"
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

/* Fields that concern only one connection (RFC 9110 section 7.6.1). */
#define HOP_BY_HOP (FIELD_BIT(FIELD_CONNECTION) | FIELD_BIT(FIELD_KEEP_ALIVE) | FIELD_BIT(FIELD_PROXY_CONNECTION) | \
	FIELD_BIT(FIELD_TE) | FIELD_BIT(FIELD_TRANSFER_ENCODING) | FIELD_BIT(FIELD_UPGRADE))

static bool is_hop_by_hop(enum field_token t)
{
	return t < FIELD_TOKEN_COUNT && (FIELD_BIT(t) & HOP_BY_HOP) != 0;
}

/* "connection: keep-alive, close, upgrade" names nothing that needs a search through the other fields. */
static bool connection_names_fields(const struct fields *f)
{
	for (unsigned i = 0; i < f->n && (f->tokens & FIELD_BIT(FIELD_CONNECTION)); i++) {
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

static void drop(struct fields *f, struct str name)
{
	for (unsigned i = 0; i < f->n; i++) {
		enum field_token t = f->at[i].token;

		if (f->at[i].name.len == name.len && t != FIELD_CONNECTION && t != FIELD_HOST && t != FIELD_VIA &&
		    t != FIELD_MAX_FORWARDS && str_eq_nocase(f->at[i].name, name))
			f->at[i].token = DROPPED;
	}
}

/* Fields that `connection` names, but for those that say where a message is for and where it has been. The members are the outer loop:
 * there may be thousands. */
static void drop_named(struct fields *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		if (f->at[i].token != FIELD_CONNECTION)
			continue;
		struct str rest = f->at[i].value, member;

		while (field_next_member(&rest, &member))
			drop(f, member);
	}
}

static void strip(struct exchange *x, struct fields *f, const struct forwarding *forwarding)
{
	unsigned kept = 0;

	if (forwarding == NULL && !(f->tokens & HOP_BY_HOP))
		return;
	if (connection_names_fields(f))
		drop_named(f);
	for (unsigned i = 0; i < f->n; i++) {
		enum field_token t = f->at[i].token;

		if (t == DROPPED || is_hop_by_hop(t) || (forwarding != NULL && forwarding_drops(x, forwarding, &f->at[i])))
			continue;
		if (kept != i)
			f->at[kept] = f->at[i];
		kept++;
	}
	f->n = (uint16_t)kept;
}

void semantics_request_trailers(struct exchange *x)
{
	const struct forwarding nobody = { .is_trusted = false };
	struct fields *f = &x->request.trailers;
	uint16_t kept = 0;

	for (unsigned i = 0; i < f->n; i++)
		if (!forwarding_drops(x, &nobody, &f->at[i]))
			f->at[kept++] = f->at[i];
	f->n = kept;
}

static enum fault fault_of_uri(enum uri_error e)
{
	return e == URI_NO_MEMORY ? FAULT_NO_MEMORY : FAULT_BAD_REQUEST;
}

static bool recall_host(struct exchange *x)
{
	struct str s = x->request.authority;
	const struct host_known *known = host_memo_recall(x->worker->hosts, s);

	if (known == NULL)
		return false;
	x->host = (struct str){ s.ptr + known->at, known->len };
	x->host_port = known->port;
	x->host_router = known->router;
	x->host_list = known->list;
	return true;
}

static void remember_host(struct exchange *x)
{
	struct str s = x->request.authority;
	struct host_known known = { .port = x->host_port };

	if (s.len > UINT8_MAX)
		return;
	known.at = (uint8_t)(x->host.ptr - s.ptr);
	known.len = (uint8_t)x->host.len;
	host_memo_keep(x->worker->hosts, s, &known);
}

static enum fault understand_host(struct exchange *x)
{
	struct uri_authority at;
	enum uri_error e;

	x->host_router = NULL;
	if (x->request.authority.len == 0) {
		x->host = STR("");
		return FAULT_NONE;
	}
	if (recall_host(x))
		return FAULT_NONE;
	e = uri_authority_parse(x->request.authority, &at);
	if (e != URI_OK)
		return fault_of_uri(e);
	x->host_port = at.port;
	e = uri_host_normalise(&x->arena, &at, &x->host);
	if (e != URI_OK)
		return fault_of_uri(e);
	/* One that had to be written anew stands elsewhere. */
	if (x->host.ptr == at.host.ptr)
		remember_host(x);
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

/* RFC 9110 section 7.6.2: OPTIONS and TRACE go through so many gateways. */
static enum fault count_forwards(struct exchange *x)
{
	const struct field *field = fields_find_token(&x->request.head, FIELD_MAX_FORWARDS);
	struct str text;
	uint64_t n;

	if (field == NULL || (x->method_bit & (TORON_OPTIONS | TORON_TRACE)) == 0)
		return FAULT_NONE;
	if (!str_to_u64(field->value, UINT32_MAX, &n))
		return FAULT_BAD_REQUEST;
	x->stops_here = n == 0;
	if (n == 0)
		return FAULT_NONE;
	text = arena_printf(&x->arena, "%u", (unsigned)(n - 1));
	return text.ptr != NULL && fields_set(&x->request.head, &x->arena, STR("max-forwards"), text) ? FAULT_NONE :
												      FAULT_NO_MEMORY;
}

/* Strips what is not for the next server, and says whom the request comes from. */
static enum fault rewrite_fields(struct exchange *x)
{
	struct forwarding forwarding;

	if (!forwarding_read(x, &forwarding))
		return FAULT_NO_MEMORY;
	x->request.takes_trailers = fields_has_member(&x->request.head, FIELD_TE, STR("trailers"));
	strip(x, &x->request.head, &forwarding);
	return forwarding_write(x, &forwarding) ? FAULT_NONE : FAULT_NO_MEMORY;
}

enum fault semantics_request(struct exchange *x)
{
	enum fault fault;

	if (x->tls != NULL)
		x->request.scheme = STR("https");
	x->method_bit = semantics_method_bit(x->worker->gateway, x->request.method);
	if (x->method_bit == TORON_CONNECT)
		return FAULT_NOT_IMPLEMENTED;
	fault = understand_host(x);
	if (fault == FAULT_NONE && !str_eq(x->request.path, STR("*")))
		fault = understand_path(x);
	if (fault != FAULT_NONE)
		return fault;
	if (exchange_is_over_limit(x))
		return FAULT_BODY_TOO_LARGE;
	/* RFC 9110 section 9.3.8. */
	if (x->method_bit == TORON_TRACE && x->request.length != 0)
		return FAULT_BAD_REQUEST;
	x->target = x->request.path;
	fault = count_forwards(x);
	return fault != FAULT_NONE ? fault : rewrite_fields(x);
}

/* RFC 6797 section 7: not in clear text, and one that a server sent is not the gateway's. */
static void add_hsts(struct exchange *x, struct fields *f)
{
	struct str name = STR("strict-transport-security");

	if (x->listener->hsts.len == 0 || x->response.status < 200 || !str_eq(x->request.scheme, STR("https")))
		return;
	fields_remove(f, name);
	fields_add(f, &x->arena, name, x->listener->hsts);
}

/* The text of this second. */
static const char *date_of(struct worker *w)
{
	uint64_t now_us = loop_wall_us(w->loop);

	if (w->memo.date_s != now_us / 1000000u) {
		w->memo.date_s = now_us / 1000000u;
		clock_http_date(now_us, w->memo.date);
	}
	return w->memo.date;
}

void semantics_response(struct exchange *x)
{
	struct fields *f = &x->response.head;

	strip(x, f, NULL);
	add_hsts(x, f);
	if (x->response.status >= 200 && fields_find_token(f, FIELD_DATE) == NULL) {
		char *date = arena_bytes(&x->arena, CLOCK_HTTP_DATE_LEN);

		if (date == NULL)
			return;
		memcpy(date, date_of(x->worker), CLOCK_HTTP_DATE_LEN);
		fields_add(f, &x->arena, STR("date"), (struct str){ date, CLOCK_HTTP_DATE_LEN });
	}
}
