/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "observe/access_line.h"

#include "base/clock.h"
#include "base/str.h"
#include "http/template.h"
#include "observe/json_line.h"

/* Bytes of a value that are logged. */
#define CAP_NAME 256u              /* of config: listener, route, backend */
#define CAP_METHOD 64u
#define CAP_HOST 512u              /* host, server, request_id */
#define CAP_PATH 4096u
#define CAP_AGENT 1024u            /* and other fields of the client */

#define SCRATCH_LEN ADDR_TEXT_MAX
#define COMMON_TIME_LEN 26         /* "06/Nov/1994:08:49:37 +0000" */

_Static_assert(1024 + 15 * JSON_LINE_NUMBER + 4 * JSON_LINE_TEXT(CAP_NAME) + 5 * JSON_LINE_TEXT(CAP_METHOD) +
	4 * JSON_LINE_TEXT(CAP_HOST) + JSON_LINE_TEXT(CAP_PATH) + 3 * JSON_LINE_TEXT(CAP_AGENT) < ACCESS_LINE_MOST,
	"a line of all members fits, each once");
_Static_assert(SCRATCH_LEN >= CAP_METHOD && SCRATCH_LEN >= COMMON_TIME_LEN && SCRATCH_LEN >= FAULT_LABEL_MOST, "what is composed fits");

static const struct str names[] = {
	[TORON_LOG_TIME] = STR_INIT("time"),
	[TORON_LOG_LISTENER] = STR_INIT("listener"),
	[TORON_LOG_CLIENT] = STR_INIT("client"),
	[TORON_LOG_PEER] = STR_INIT("peer"),
	[TORON_LOG_METHOD] = STR_INIT("method"),
	[TORON_LOG_HOST] = STR_INIT("host"),
	[TORON_LOG_PATH] = STR_INIT("path"),
	[TORON_LOG_PROTOCOL] = STR_INIT("protocol"),
	[TORON_LOG_STATUS] = STR_INIT("status"),
	[TORON_LOG_ROUTE] = STR_INIT("route"),
	[TORON_LOG_BACKEND] = STR_INIT("backend"),
	[TORON_LOG_SERVER] = STR_INIT("server"),
	[TORON_LOG_TRIES] = STR_INIT("tries"),
	[TORON_LOG_DURATION] = STR_INIT("duration_ms"),
	[TORON_LOG_FIRST_BYTE] = STR_INIT("first_byte_ms"),
	[TORON_LOG_REQUEST_BYTES] = STR_INIT("request_bytes"),
	[TORON_LOG_RESPONSE_BYTES] = STR_INIT("response_bytes"),
	[TORON_LOG_REQUEST_ID] = STR_INIT("request_id"),
	[TORON_LOG_USER_AGENT] = STR_INIT("user_agent"),
	[TORON_LOG_FAULT] = STR_INIT("fault"),
	[TORON_LOG_SCHEME] = STR_INIT("scheme"),
	[TORON_LOG_REFERER] = STR_INIT("referer"),
	[TORON_LOG_USER] = STR_INIT("user"),
	[TORON_LOG_CONNECT] = STR_INIT("connect_ms"),
	[TORON_LOG_COMMON_TIME] = STR_INIT("common_time"),
	[TORON_LOG_TLS_VERSION] = STR_INIT("tls_version"),
	[TORON_LOG_TLS_CIPHER] = STR_INIT("tls_cipher"),
	[TORON_LOG_TLS_SNI] = STR_INIT("tls_sni"),
	[TORON_LOG_TLS_CLIENT] = STR_INIT("tls_client"),
};

/* ---- values ---- */

enum value_kind { VALUE_NONE, VALUE_TEXT, VALUE_NUMBER, VALUE_US };
struct value {
	enum value_kind kind;
	struct str text;
	size_t cap;
	uint64_t number;
};

static struct value text(struct str s, size_t cap)
{
	return (struct value){ .kind = s.ptr == NULL ? VALUE_NONE : VALUE_TEXT, .text = s, .cap = cap };
}

static struct value number(uint64_t n)
{
	return (struct value){ .kind = VALUE_NUMBER, .number = n };
}

/* From the beginning of the exchange to `at`; 0: that never came. */
static struct value us_until(const struct exchange *x, uint64_t at)
{
	if (at <= x->times.begun)
		return (struct value){ .kind = VALUE_NONE };
	return (struct value){ .kind = VALUE_US, .number = at - x->times.begun };
}

static struct value duration(const struct exchange *x)
{
	uint64_t now = clock_monotonic_us();

	return (struct value){ .kind = VALUE_US, .number = now > x->times.begun ? now - x->times.begun : 0 };
}

static struct value address(const struct addr *a, char scratch[SCRATCH_LEN])
{
	return text((struct str){ scratch, a->port == 0 ? addr_format_ip(a, scratch) : addr_format(a, scratch) }, SCRATCH_LEN);
}

static struct value field(const struct exchange *x, struct str name)
{
	const struct field *f = fields_find(&x->request.head, name);

	return text(f == NULL ? STR_NONE : f->value, CAP_AGENT);
}

static struct value fault_name(enum fault fault, char scratch[SCRATCH_LEN])
{
	if (fault == FAULT_NONE)
		return (struct value){ .kind = VALUE_NONE };
	return text((struct str){ scratch, fault_label(fault, scratch) }, CAP_METHOD);
}

/* "1994-11-06T08:49:37.123Z" as Apache writes it. */
static struct value common_time(struct str stamp, char scratch[SCRATCH_LEN])
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	unsigned month = (unsigned)(stamp.ptr[5] - '0') * 10 + (unsigned)(stamp.ptr[6] - '0');

	memcpy(scratch, stamp.ptr + 8, 2);
	scratch[2] = '/';
	memcpy(scratch + 3, months + (month - 1) % 12 * 3, 3);
	scratch[6] = '/';
	memcpy(scratch + 7, stamp.ptr, 4);
	scratch[11] = ':';
	memcpy(scratch + 12, stamp.ptr + 11, 8);
	memcpy(scratch + 20, " +0000", 6);
	return text((struct str){ scratch, COMMON_TIME_LEN }, COMMON_TIME_LEN);
}

static struct value backend_value(const struct exchange *x, enum toron_log_field f)
{
	struct str server = STR_NONE;

	if (x->backend == NULL)
		return (struct value){ .kind = VALUE_NONE };
	if (f == TORON_LOG_BACKEND)
		return text(str_of(x->backend->name), CAP_NAME);
	if (f == TORON_LOG_TRIES)
		return number(x->tries);
	if (x->server < x->backend->n_servers && x->tries > 0)
		server = x->backend->servers[x->server].authority;
	return text(server, CAP_HOST);
}

static struct str version_text(const struct msg *m)
{
	switch (m->version_major) {
	case 2: return STR("HTTP/2.0");
	case 3: return STR("HTTP/3.0");
	default: return m->version_minor == 0 ? STR("HTTP/1.0") : STR("HTTP/1.1");
	}
}

static struct value request_value(const struct exchange *x, enum toron_log_field f, char scratch[SCRATCH_LEN])
{
	switch (f) {
	case TORON_LOG_CLIENT: return address(exchange_client(x), scratch);
	case TORON_LOG_PEER: return address(&x->source, scratch);
	case TORON_LOG_METHOD: return text(x->request.method, CAP_METHOD);
	case TORON_LOG_HOST: return text(x->host.len > 0 ? x->host : x->request.authority, CAP_HOST);
	case TORON_LOG_PATH: return text(x->target.ptr != NULL ? x->target : x->request.path, CAP_PATH);
	case TORON_LOG_PROTOCOL: return text(version_text(&x->request), CAP_METHOD);
	case TORON_LOG_REQUEST_BYTES: return number(x->request.body.appended);
	case TORON_LOG_REQUEST_ID: return text(x->request_id, CAP_HOST);
	case TORON_LOG_USER_AGENT: return field(x, STR("user-agent"));
	case TORON_LOG_SCHEME: return text(x->request.scheme, CAP_METHOD);
	case TORON_LOG_REFERER: return field(x, STR("referer"));
	case TORON_LOG_TLS_VERSION: return text(toron_tls_version(x), CAP_METHOD);
	case TORON_LOG_TLS_CIPHER: return text(toron_tls_cipher(x), CAP_METHOD);
	case TORON_LOG_TLS_SNI: return text(toron_tls_sni(x), CAP_NAME);
	case TORON_LOG_TLS_CLIENT: return text(toron_tls_client_subject(x), CAP_HOST);
	default: return text(x->claims != NULL ? x->claims_subject : STR_NONE, CAP_AGENT); /* USER */
	}
}

static struct value value_of(const struct access_line *l, const struct exchange *x, enum toron_log_field f, char scratch[SCRATCH_LEN])
{
	switch (f) {
	case TORON_LOG_TIME: return text(l->stamp, CLOCK_RFC3339_LEN);
	case TORON_LOG_COMMON_TIME: return common_time(l->stamp, scratch);
	case TORON_LOG_LISTENER: return text(str_of(x->listener->name), CAP_NAME);
	case TORON_LOG_STATUS: return number(x->response.status);
	case TORON_LOG_ROUTE: return text(x->route == NULL ? STR_NONE : str_of(x->route->name), CAP_NAME);
	case TORON_LOG_BACKEND:
	case TORON_LOG_SERVER:
	case TORON_LOG_TRIES: return backend_value(x, f);
	case TORON_LOG_DURATION: return duration(x);
	case TORON_LOG_FIRST_BYTE: return us_until(x, x->times.first_byte);
	case TORON_LOG_CONNECT: return us_until(x, x->times.connected);
	case TORON_LOG_RESPONSE_BYTES: return number(x->response.body.sent);
	case TORON_LOG_FAULT: return fault_name(x->fault, scratch);
	default: return request_value(x, f, scratch);
	}
}

/* ---- JSON ---- */

static void put_member(struct json_line *j, const struct access_line *l, const struct exchange *x, enum toron_log_field f)
{
	char scratch[SCRATCH_LEN];
	struct value v = value_of(l, x, f, scratch);

	if (v.kind == VALUE_TEXT)
		json_line_text(j, names[f], v.text, v.cap);
	else if (v.kind == VALUE_NUMBER)
		json_line_number(j, names[f], v.number);
	else if (v.kind == VALUE_US)
		json_line_us(j, names[f], v.number);
}

static char *write_json(const struct access_line *l, const struct exchange *x, char *to)
{
	const struct toron_log *conf = l->conf;
	struct json_line j;

	json_line_begin(&j, to);
	for (uint32_t i = 0; i < conf->n_access_fields; i++)
		put_member(&j, l, x, conf->access_fields[i]);
	for (int f = 0; conf->n_access_fields == 0 && f <= TORON_LOG_FAULT; f++)
		if (f != TORON_LOG_PEER || x->has_client)
			put_member(&j, l, x, (enum toron_log_field)f);
	if (l->dropped != 0)
		json_line_number(&j, STR("dropped"), l->dropped);
	return json_line_end(&j);
}

/* ---- templates ---- */

struct text_line {
	char *at, *end; /* end: room for one byte more */
};

static void put_raw(struct text_line *t, struct str s)
{
	size_t room = (size_t)(t->end - t->at), n = s.len < room ? s.len : room;

	if (n != 0)
		memcpy(t->at, s.ptr, n);
	t->at += n;
}

/* Quotes, backslashes, controls and what is not ASCII become \xHH, as in Apache's logs: no value ends its quotes or the line. */
static void put_escaped(struct text_line *t, struct str s, size_t cap)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < s.len && i < cap && t->end - t->at >= 4; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
			*t->at++ = (char)c;
			continue;
		}
		memcpy(t->at, "\\x", 2);
		t->at[2] = hex[c >> 4];
		t->at[3] = hex[c & 15];
		t->at += 4;
	}
}

static void put_number(struct text_line *t, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + n % 10u);
	while ((n /= 10u) != 0);
	put_raw(t, (struct str){ digits + at, sizeof(digits) - at });
}

/* As milliseconds with three decimals. */
static void put_us(struct text_line *t, uint64_t us)
{
	unsigned rest = (unsigned)(us % 1000u);
	char decimals[4] = { '.', (char)('0' + rest / 100u), (char)('0' + rest / 10u % 10u), (char)('0' + rest % 10u) };

	put_number(t, us / 1000u);
	put_raw(t, (struct str){ decimals, sizeof(decimals) });
}

static void put_part(struct text_line *t, const struct access_line *l, struct exchange *x, const struct toron_part *p)
{
	char scratch[SCRATCH_LEN];
	struct value v;

	if (p->kind == TORON_PART_LITERAL) {
		put_raw(t, p->text);
		return;
	}
	v = p->kind == TORON_PART_LOG ? value_of(l, x, (enum toron_log_field)p->index, scratch) : text(template_value(x, p), CAP_PATH);
	if (v.kind == VALUE_NUMBER)
		put_number(t, v.number);
	else if (v.kind == VALUE_US)
		put_us(t, v.number);
	else if (v.kind == VALUE_NONE || v.text.len == 0)
		put_raw(t, STR("-"));
	else
		put_escaped(t, v.text, v.cap);
}

static char *write_text(const struct access_line *l, struct exchange *x, char *to)
{
	const struct toron_template *parts = &l->conf->access_template;
	struct text_line t = { to, to + ACCESS_LINE_MOST - 1 };

	for (uint32_t i = 0; i < parts->n; i++)
		put_part(&t, l, x, &parts->parts[i]);
	*t.at++ = '\n';
	return t.at;
}

char *access_line_write(const struct access_line *l, struct exchange *x, char *to)
{
	return l->conf->access_template.n != 0 ? write_text(l, x, to) : write_json(l, x, to);
}
