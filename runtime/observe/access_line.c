/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "observe/access_line.h"

#include "base/clock.h"
#include "base/str.h"
#include "http/template.h"
#include "observe/json_line.h"
#include "observe/plain.h"

/* Bytes of a value that are logged. */
#define CAP_NAME 256u              /* of config: listener, route, backend */
#define CAP_METHOD 64u
#define CAP_HOST 512u              /* host, server, request_id */
#define CAP_PATH 4096u
#define CAP_AGENT 1024u            /* and other fields of the client */

#define SCRATCH_LEN ADDR_TEXT_MAX
#define COMMON_TIME_LEN 26         /* "06/Nov/1994:08:49:37 +0000" */

_Static_assert(40 * JSON_NAME_MOST + 15 * JSON_LINE_NUMBER + 4 * JSON_LINE_TEXT(CAP_NAME) + 5 * JSON_LINE_TEXT(CAP_METHOD) +
	4 * JSON_LINE_TEXT(CAP_HOST) + JSON_LINE_TEXT(CAP_PATH) + 3 * JSON_LINE_TEXT(CAP_AGENT) < ACCESS_LINE_MOST,
	"a line of all members fits, each once");
_Static_assert(SCRATCH_LEN >= CAP_METHOD && SCRATCH_LEN >= COMMON_TIME_LEN && SCRATCH_LEN >= FAULT_LABEL_MOST, "what is composed fits");

static const struct json_name names[] = {
	[TORON_LOG_TIME] = JSON_NAME("time"),
	[TORON_LOG_LISTENER] = JSON_NAME("listener"),
	[TORON_LOG_CLIENT] = JSON_NAME("client"),
	[TORON_LOG_PEER] = JSON_NAME("peer"),
	[TORON_LOG_METHOD] = JSON_NAME("method"),
	[TORON_LOG_HOST] = JSON_NAME("host"),
	[TORON_LOG_PATH] = JSON_NAME("path"),
	[TORON_LOG_PROTOCOL] = JSON_NAME("protocol"),
	[TORON_LOG_STATUS] = JSON_NAME("status"),
	[TORON_LOG_ROUTE] = JSON_NAME("route"),
	[TORON_LOG_BACKEND] = JSON_NAME("backend"),
	[TORON_LOG_SERVER] = JSON_NAME("server"),
	[TORON_LOG_TRIES] = JSON_NAME("tries"),
	[TORON_LOG_DURATION] = JSON_NAME("duration_ms"),
	[TORON_LOG_FIRST_BYTE] = JSON_NAME("first_byte_ms"),
	[TORON_LOG_REQUEST_BYTES] = JSON_NAME("request_bytes"),
	[TORON_LOG_RESPONSE_BYTES] = JSON_NAME("response_bytes"),
	[TORON_LOG_REQUEST_ID] = JSON_NAME("request_id"),
	[TORON_LOG_USER_AGENT] = JSON_NAME("user_agent"),
	[TORON_LOG_FAULT] = JSON_NAME("fault"),
	[TORON_LOG_SCHEME] = JSON_NAME("scheme"),
	[TORON_LOG_REFERER] = JSON_NAME("referer"),
	[TORON_LOG_USER] = JSON_NAME("user"),
	[TORON_LOG_CONNECT] = JSON_NAME("connect_ms"),
	[TORON_LOG_COMMON_TIME] = JSON_NAME("common_time"),
	[TORON_LOG_TLS_VERSION] = JSON_NAME("tls_version"),
	[TORON_LOG_TLS_CIPHER] = JSON_NAME("tls_cipher"),
	[TORON_LOG_TLS_SNI] = JSON_NAME("tls_sni"),
	[TORON_LOG_TLS_CLIENT] = JSON_NAME("tls_client"),
};

/* ---- values, as members of JSON or in place of a template's parts ---- */

struct line {
	const struct access_line *l;
	struct exchange *x;
	bool is_json;
	struct json_line j;
	char *at, *end;            /* of a template; end: room for one byte more */
	char scratch[SCRATCH_LEN]; /* for what is composed */
};

static void put_raw(struct line *o, struct str s)
{
	size_t room = (size_t)(o->end - o->at), n = s.len < room ? s.len : room;

	if (n != 0)
		memcpy(o->at, s.ptr, n);
	o->at += n;
}

/* Quotes, backslashes, controls and what is not ASCII become \xHH, as in Apache's logs: no value ends its quotes or the line. */
static void put_escaped(struct line *o, struct str s)
{
	static const char hex[] = "0123456789abcdef";

	if ((size_t)(o->end - o->at) >= s.len && plain_copy(o->at, s.ptr, s.len)) {
		o->at += s.len;
		return;
	}
	for (size_t i = 0; i < s.len && o->end - o->at >= 4; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (plain_bytes[c]) {
			*o->at++ = (char)c;
			continue;
		}
		memcpy(o->at, "\\x", 2);
		o->at[2] = hex[c >> 4];
		o->at[3] = hex[c & 15];
		o->at += 4;
	}
}

/* JSON leaves out what there is not. */
static void put_none(struct line *o)
{
	if (!o->is_json)
		put_raw(o, STR("-"));
}

/* The first `cap` bytes of s. */
static void put_text(struct line *o, enum toron_log_field f, struct str s, size_t cap)
{
	if (s.len > cap)
		s.len = cap;
	if (s.ptr == NULL)
		put_none(o);
	else if (o->is_json)
		json_line_text(&o->j, &names[f], s);
	else if (s.len == 0)
		put_none(o);
	else
		put_escaped(o, s);
}

static void put_number(struct line *o, enum toron_log_field f, uint64_t n)
{
	char digits[STR_U64_MAX];

	if (o->is_json)
		json_line_number(&o->j, &names[f], n);
	else
		put_raw(o, (struct str){ digits, (size_t)(str_put_u64(digits, n) - digits) });
}

/* Microseconds, as milliseconds with three decimals. */
static void put_us(struct line *o, enum toron_log_field f, uint64_t us)
{
	char digits[JSON_LINE_US];

	if (o->is_json)
		json_line_us(&o->j, &names[f], us);
	else
		put_raw(o, (struct str){ digits, (size_t)(json_line_put_us(digits, us) - digits) });
}

/* From the beginning of the exchange to `at`; 0: that never came. */
static void put_us_until(struct line *o, enum toron_log_field f, uint64_t at)
{
	uint64_t begun = o->x->times.begun;

	if (at > begun)
		put_us(o, f, at - begun);
	else
		put_none(o);
}

static void put_duration(struct line *o)
{
	uint64_t now = clock_monotonic_us(), begun = o->x->times.begun;

	put_us(o, TORON_LOG_DURATION, now > begun ? now - begun : 0);
}

static void put_address(struct line *o, enum toron_log_field f, const struct addr *a)
{
	char *to = o->scratch;

	put_text(o, f, (struct str){ to, a->port == 0 ? addr_format_ip(a, to) : addr_format(a, to) }, SCRATCH_LEN);
}

static void put_header(struct line *o, enum toron_log_field f, struct str name)
{
	const struct field *h = fields_find(&o->x->request.head, name);

	put_text(o, f, h == NULL ? STR_NONE : h->value, CAP_AGENT);
}

static void put_fault(struct line *o)
{
	if (o->x->fault == FAULT_NONE)
		put_none(o);
	else
		put_text(o, TORON_LOG_FAULT, (struct str){ o->scratch, fault_label(o->x->fault, o->scratch) }, CAP_METHOD);
}

/* "1994-11-06T08:49:37.123Z" as Apache writes it. */
static void put_common_time(struct line *o, struct str stamp)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	unsigned month = (unsigned)(stamp.ptr[5] - '0') * 10 + (unsigned)(stamp.ptr[6] - '0');
	char *to = o->scratch;

	memcpy(to, stamp.ptr + 8, 2);
	to[2] = '/';
	memcpy(to + 3, months + (month - 1) % 12 * 3, 3);
	to[6] = '/';
	memcpy(to + 7, stamp.ptr, 4);
	to[11] = ':';
	memcpy(to + 12, stamp.ptr + 11, 8);
	memcpy(to + 20, " +0000", 6);
	put_text(o, TORON_LOG_COMMON_TIME, (struct str){ to, COMMON_TIME_LEN }, COMMON_TIME_LEN);
}

static void put_of_backend(struct line *o, enum toron_log_field f)
{
	const struct exchange *x = o->x;

	if (x->backend == NULL)
		put_none(o);
	else if (f == TORON_LOG_BACKEND)
		put_text(o, f, str_of(x->backend->name), CAP_NAME);
	else if (f == TORON_LOG_TRIES)
		put_number(o, f, x->tries);
	else if (x->server < x->backend->n_servers && x->tries > 0)
		put_text(o, f, x->backend->servers[x->server].authority, CAP_HOST);
	else
		put_none(o);
}

static struct str version_text(const struct msg *m)
{
	switch (m->version_major) {
	case 2: return STR("HTTP/2.0");
	case 3: return STR("HTTP/3.0");
	default: return m->version_minor == 0 ? STR("HTTP/1.0") : STR("HTTP/1.1");
	}
}

/* What not every line has. */
static void put_rarer(struct line *o, enum toron_log_field f)
{
	struct exchange *x = o->x;

	switch (f) {
	case TORON_LOG_COMMON_TIME: put_common_time(o, o->l->stamp); break;
	case TORON_LOG_PEER: put_address(o, f, &x->source); break;
	case TORON_LOG_SCHEME: put_text(o, f, x->request.scheme, CAP_METHOD); break;
	case TORON_LOG_REFERER: put_header(o, f, STR("referer")); break;
	case TORON_LOG_USER: put_text(o, f, x->claims != NULL ? x->claims_subject : STR_NONE, CAP_AGENT); break;
	case TORON_LOG_CONNECT: put_us_until(o, f, x->times.connected); break;
	case TORON_LOG_TLS_VERSION: put_text(o, f, toron_tls_version(x), CAP_METHOD); break;
	case TORON_LOG_TLS_CIPHER: put_text(o, f, toron_tls_cipher(x), CAP_METHOD); break;
	case TORON_LOG_TLS_SNI: put_text(o, f, toron_tls_sni(x), CAP_NAME); break;
	default: put_text(o, f, toron_tls_client_subject(x), CAP_HOST); break;
	}
}

static void put_field(struct line *o, enum toron_log_field f)
{
	struct exchange *x = o->x;

	switch (f) {
	case TORON_LOG_TIME: put_text(o, f, o->l->stamp, CLOCK_RFC3339_LEN); break;
	case TORON_LOG_LISTENER: put_text(o, f, str_of(x->listener->name), CAP_NAME); break;
	case TORON_LOG_CLIENT: put_address(o, f, exchange_client(x)); break;
	case TORON_LOG_METHOD: put_text(o, f, x->request.method, CAP_METHOD); break;
	case TORON_LOG_HOST: put_text(o, f, x->host.len > 0 ? x->host : x->request.authority, CAP_HOST); break;
	case TORON_LOG_PATH: put_text(o, f, x->target.ptr != NULL ? x->target : x->request.path, CAP_PATH); break;
	case TORON_LOG_PROTOCOL: put_text(o, f, version_text(&x->request), CAP_METHOD); break;
	case TORON_LOG_STATUS: put_number(o, f, x->response.status); break;
	case TORON_LOG_ROUTE: put_text(o, f, x->route == NULL ? STR_NONE : str_of(x->route->name), CAP_NAME); break;
	case TORON_LOG_BACKEND:
	case TORON_LOG_SERVER:
	case TORON_LOG_TRIES: put_of_backend(o, f); break;
	case TORON_LOG_DURATION: put_duration(o); break;
	case TORON_LOG_FIRST_BYTE: put_us_until(o, f, x->times.first_byte); break;
	case TORON_LOG_REQUEST_BYTES: put_number(o, f, x->request.body.appended); break;
	case TORON_LOG_RESPONSE_BYTES: put_number(o, f, x->response.body.sent); break;
	case TORON_LOG_REQUEST_ID: put_text(o, f, x->request_id, CAP_HOST); break;
	case TORON_LOG_USER_AGENT: put_header(o, f, STR("user-agent")); break;
	case TORON_LOG_FAULT: put_fault(o); break;
	default: put_rarer(o, f); break;
	}
}

/* ---- lines ---- */

static char *write_json(struct line *o, char *to)
{
	static const struct json_name dropped = JSON_NAME("dropped");
	const struct toron_log *conf = o->l->conf;

	o->is_json = true;
	json_line_begin(&o->j, to);
	for (uint32_t i = 0; i < conf->n_access_fields; i++)
		put_field(o, conf->access_fields[i]);
	for (int f = 0; conf->n_access_fields == 0 && f <= TORON_LOG_FAULT; f++)
		if (f != TORON_LOG_PEER || o->x->has_client)
			put_field(o, (enum toron_log_field)f);
	if (o->l->dropped != 0)
		json_line_number(&o->j, &dropped, o->l->dropped);
	return json_line_end(&o->j);
}

static char *write_text(struct line *o, char *to)
{
	const struct toron_template *parts = &o->l->conf->access_template;

	o->is_json = false;
	o->at = to;
	o->end = to + ACCESS_LINE_MOST - 1;
	for (uint32_t i = 0; i < parts->n; i++) {
		const struct toron_part *p = &parts->parts[i];

		if (p->kind == TORON_PART_LITERAL)
			put_raw(o, p->text);
		else if (p->kind == TORON_PART_LOG)
			put_field(o, (enum toron_log_field)p->index);
		else
			put_text(o, TORON_LOG_PATH, template_value(o->x, p), CAP_PATH);
	}
	*o->at++ = '\n';
	return o->at;
}

char *access_line_write(const struct access_line *l, struct exchange *x, char *to)
{
	struct line o;

	o.l = l;
	o.x = x;
	return l->conf->access_template.n != 0 ? write_text(&o, to) : write_json(&o, to);
}
