/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What middlewares, plugins and generated code may ask of an exchange and do to it. Templates are
 * in http/template.c, predicates in http/predicate.c, answering and resuming in http/exchange.c. */
#include "toron/exchange.h"

#include "base/uri.h"
#include "http/exchange.h"

/* ---- the request ---- */

struct str toron_request_method(const struct exchange *x)
{
	return x->request.method;
}

uint32_t toron_request_method_bit(const struct exchange *x)
{
	return x->method_bit;
}

struct str toron_request_scheme(const struct exchange *x)
{
	return x->request.scheme;
}

struct str toron_request_host(const struct exchange *x)
{
	return x->host;
}

struct str toron_request_path(const struct exchange *x)
{
	return x->path;
}

struct str toron_request_query(const struct exchange *x)
{
	return x->query;
}

struct str toron_request_id(const struct exchange *x)
{
	return x->request_id.ptr == NULL ? STR("") : x->request_id;
}

void toron_request_id_set(struct exchange *x, struct str id)
{
	x->request_id = id;
}

struct str toron_source_ip(const struct exchange *x)
{
	return exchange_client_text(x);
}

const uint8_t *toron_source_addr(const struct exchange *x)
{
	return exchange_client(x)->ip;
}

#define NO_SEGMENT 255

struct str toron_path_param(const struct exchange *x, unsigned i)
{
	struct str rest, segment;

	if (x->route == NULL || x->params == NULL || i >= x->route->n_params ||
		x->params[i] == NO_SEGMENT)
		return STR_NONE;
	/* The path begins with "/", and segment 0 stands behind it. */
	rest = str_slice(x->path, 1, x->path.len);
	for (unsigned k = 0; str_split(&rest, '/', &segment); k++)
		if (k == x->params[i])
			return segment;
	return STR_NONE;
}

/* ---- header fields ---- */

/* Fields that belong to a version's framing: codecs write them from the message, and a second
 * opinion would desynchronise. */
static bool is_framing(enum field_token t)
{
	switch (t) {
	case FIELD_CONNECTION:
	case FIELD_CONTENT_LENGTH:
	case FIELD_KEEP_ALIVE:
	case FIELD_PROXY_CONNECTION:
	case FIELD_TE:
	case FIELD_TRAILER:
	case FIELD_TRANSFER_ENCODING:
	case FIELD_UPGRADE:
		return true;
	default:
		return false;
	}
}

static bool is_editable(struct str name, struct str value)
{
	return field_is_token(name) && field_is_value(value) && !is_framing(field_token(name));
}

static struct str first_value(const struct fields *f, struct str name)
{
	const struct field *found = fields_find(f, name);

	return found == NULL ? STR_NONE : found->value;
}

struct str toron_request_header(const struct exchange *x, struct str name)
{
	struct str value = first_value(&x->request.head, name);

	if (value.ptr == NULL && str_eq(name, STR("host")) && x->request.authority.len != 0)
		return x->request.authority;
	return value;
}

/* The one Host that a request has is its authority. */
static bool set_authority(struct exchange *x, struct str value)
{
	struct uri_authority at;

	if (uri_authority_parse(value, &at) != URI_OK)
		return false;
	fields_remove_token(&x->request.head, FIELD_HOST);
	x->request.authority = value;
	return true;
}

bool toron_request_header_set(struct exchange *x, struct str name, struct str value)
{
	if (str_eq(name, STR("host")))
		return set_authority(x, value);
	fields_remove_respelt(&x->request.head, name);
	return is_editable(name, value) && fields_set(&x->request.head, &x->arena, name, value);
}

bool toron_request_header_add(struct exchange *x, struct str name, struct str value)
{
	return !str_eq(name, STR("host")) && is_editable(name, value) &&
	       fields_add(&x->request.head, &x->arena, name, value);
}

void toron_request_header_remove(struct exchange *x, struct str name)
{
	fields_remove_respelt(&x->request.head, name);
	fields_remove(&x->request.head, name);
}

uint16_t toron_response_status(const struct exchange *x)
{
	return x->response.status;
}

struct str toron_response_header(const struct exchange *x, struct str name)
{
	return first_value(&x->response.head, name);
}

bool toron_response_header_set(struct exchange *x, struct str name, struct str value)
{
	return is_editable(name, value) && fields_set(&x->response.head, &x->arena, name, value);
}

bool toron_response_header_add(struct exchange *x, struct str name, struct str value)
{
	return is_editable(name, value) && fields_add(&x->response.head, &x->arena, name, value);
}

void toron_response_header_remove(struct exchange *x, struct str name)
{
	fields_remove(&x->response.head, name);
}

/* ---- memory, time ---- */

void *toron_alloc(struct exchange *x, size_t size)
{
	return arena_alloc(&x->arena, size);
}

struct str toron_copy(struct exchange *x, struct str s)
{
	return arena_str(&x->arena, s);
}

uint64_t toron_now_ms(const struct exchange *x)
{
	return loop_now_ms(x->worker->loop);
}

uint64_t toron_wall_us(const struct exchange *x)
{
	return loop_wall_us(x->worker->loop);
}

/* ---- claims ---- */

void toron_claims_set(
	struct exchange *x, void *claims, void (*free_fn)(void *claims), struct str subject)
{
	if (x->claims != NULL && x->claims != claims)
		x->claims_free(x->claims);
	x->claims = claims;
	x->claims_free = free_fn;
	x->claims_read = NULL;
	x->claims_subject = subject;
}

void *toron_claims(const struct exchange *x)
{
	return x->claims;
}

void toron_claims_reader_set(struct exchange *x, toron_claim_reader *read)
{
	x->claims_read = read;
}

struct str toron_claim(struct exchange *x, struct str path)
{
	if (x->claims == NULL)
		return STR_NONE;
	if (str_eq(path, STR("sub")))
		return x->claims_subject;
	return x->claims_read == NULL ? STR_NONE : x->claims_read(x, x->claims, path);
}

/* ---- chains ---- */

void toron_chain_at(struct exchange *x, unsigned i)
{
	x->chain_entered = i + 1;
}
