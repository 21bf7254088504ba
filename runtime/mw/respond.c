/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The actions respond and redirect: answers that stand in the config, templates filled in. */
#include "toron/mw.h"

#include <stdio.h>

#include "base/str.h"
#include "http/field.h"

/* The lines of an answer; a content-type is taken out, since it goes another way, and the length is
 * the body's. Returns the number of headers. */
static size_t fill_headers(struct exchange *x, const struct toron_answer *conf,
	struct toron_header *headers, struct str *type_out)
{
	size_t n = 0;

	*type_out = STR_NONE;
	for (uint32_t i = 0; i < conf->n_headers; i++) {
		struct str value = str_trim(toron_template_text(x, &conf->headers[i].value));

		if (!field_is_value(value) || value.ptr == NULL ||
			str_eq(conf->headers[i].name, STR("content-length")))
			continue;
		if (str_eq(conf->headers[i].name, STR("content-type")))
			*type_out = value;
		else
			headers[n++] = (struct toron_header){ conf->headers[i].name, value };
	}
	return n;
}

void toron_action_respond(struct exchange *x, const void *data)
{
	const struct toron_answer *conf = data;
	struct toron_header *headers = toron_alloc(x, conf->n_headers * sizeof(*headers));
	struct str body = toron_template_text(x, &conf->body), type;
	size_t n;

	if (headers == NULL || body.ptr == NULL) {
		toron_respond_error(x, 503, NULL, 0);
		return;
	}
	n = fill_headers(x, conf, headers, &type);
	if (type.ptr == NULL && body.len != 0)
		type = STR("text/plain; charset=utf-8");
	toron_respond(x, conf->status, type, body, headers, n);
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* Bytes that RFC 3986 has no place for; a "%" is kept where it begins an escape. */
static bool must_escape(struct str s, size_t i)
{
	unsigned char c = (unsigned char)s.ptr[i];

	if (c == '%')
		return !(i + 2 < s.len && is_hex(s.ptr[i + 1]) && is_hex(s.ptr[i + 2]));
	return c <= 0x20 || c >= 0x7f || strchr("\"<>\\^`{|}", c) != NULL;
}

/* `s` as it may stand in Location; STR_NONE over budget. */
static struct str escape_location(struct exchange *x, struct str s)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t n = 0, len = 0;
	char *text;

	for (size_t i = 0; i < s.len; i++)
		n += must_escape(s, i);
	if (n == 0)
		return s;
	text = toron_alloc(x, s.len + 2 * n);
	if (text == NULL)
		return STR_NONE;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (!must_escape(s, i)) {
			text[len++] = (char)c;
			continue;
		}
		text[len++] = '%';
		text[len++] = digits[c >> 4];
		text[len++] = digits[c & 15];
	}
	return (struct str){ text, len };
}

/* What came with the request must not turn a path of ours into the name of another host:
 * "//evil.example". */
static struct str keep_on_host(const struct toron_template *t, struct str s)
{
	bool is_meant = t->n != 0 && t->parts[0].kind == TORON_PART_LITERAL &&
			str_starts(t->parts[0].text, STR("//"));

	while (!is_meant && str_starts(s, STR("//")))
		s = str_slice(s, 1, s.len);
	return s;
}

void toron_action_redirect(struct exchange *x, const void *data)
{
	const struct toron_answer *conf = data;
	struct toron_header *headers = toron_alloc(x, (conf->n_headers + 1) * sizeof(*headers));
	struct str to = str_trim(toron_template_text(x, &conf->body)), type;
	size_t n;

	to = escape_location(x, keep_on_host(&conf->body, to));
	if (headers == NULL || to.ptr == NULL) {
		toron_respond_error(x, 503, NULL, 0);
		return;
	}
	n = fill_headers(x, conf, headers, &type);
	headers[n++] = (struct toron_header){ STR("location"), to };
	toron_respond(x, conf->status, STR_NONE, STR(""), headers, n);
}

void toron_action_redirect_https(struct exchange *x, const void *data)
{
	const struct toron_https *conf = data;
	struct str host = toron_request_host(x), path = toron_request_path(x), query = toron_request_query(x), to;
	bool is_ipv6 = str_find_char(host, ':') < host.len;
	struct toron_header location;
	char port[8] = "";
	size_t room = sizeof("https://[]:65535?") + host.len + path.len + query.len;
	char *text = toron_alloc(x, room);

	if (host.len == 0 || text == NULL) {
		toron_respond_error(x, host.len == 0 ? 400 : 503, NULL, 0);
		return;
	}
	if (conf->port != 443)
		snprintf(port, sizeof(port), ":%u", conf->port);
	to.ptr = text;
	to.len = (size_t)snprintf(text, room, "https://%s" STR_FMT "%s%s" STR_FMT "%s" STR_FMT, is_ipv6 ? "[" : "",
		STR_ARG(host), is_ipv6 ? "]" : "", port, STR_ARG(path), query.ptr != NULL ? "?" : "", STR_ARG(query));
	location = (struct toron_header){ STR("location"), escape_location(x, to) };
	if (location.value.ptr == NULL) {
		toron_respond_error(x, 503, NULL, 0);
		return;
	}
	toron_respond(x, conf->status, STR_NONE, STR(""), &location, 1);
}
