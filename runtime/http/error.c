/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the gateway's own answers to errors look like: a configured page, or text, HTML or problem details (RFC 9457). */
#include "http/answer.h"

#include "http/grpc.h"
#include "http/semantics.h"
#include "toron/gateway.h"

static const struct toron_errors *errors_of(const struct exchange *x)
{
	return x->route != NULL && x->route->errors != NULL ? x->route->errors : &x->worker->gateway->errors;
}

static const struct toron_error_page *page_of(const struct toron_errors *e, uint16_t status)
{
	for (uint32_t i = 0; i < e->n_pages; i++)
		if (status >= e->pages[i].from && status <= e->pages[i].to)
			return &e->pages[i];
	return NULL;
}

/* ---- Accept (RFC 9110 section 12.5.1) ---- */

/* How much a media type is wanted: the weight in thousandths, then how narrow the range is that names it, then how early it stands. */
struct wish {
	unsigned weight, narrow, place;
};

/* "q=0.5" in thousandths; what is malformed does not count. */
static unsigned weight_of(struct str parameters)
{
	struct str part;

	while (str_split(&parameters, ';', &part)) {
		unsigned weight = 0, scale = 1000;

		part = str_trim(part);
		if (part.len < 3 || ascii_lower((unsigned char)part.ptr[0]) != 'q' || part.ptr[1] != '=')
			continue;
		for (size_t i = 2; i < part.len && scale != 0; i++) {
			if (part.ptr[i] == '.')
				continue;
			if (part.ptr[i] < '0' || part.ptr[i] > '9')
				return 1000;
			weight += (unsigned)(part.ptr[i] - '0') * scale;
			scale /= 10;
		}
		return weight > 1000 ? 1000 : weight;
	}
	return 1000;
}

static unsigned narrowness(struct str range, struct str type)
{
	size_t slash = str_find_char(type, '/');

	if (str_eq_nocase(range, type))
		return 3;
	if (range.len == slash + 2 && range.ptr[slash + 1] == '*' &&
	    str_eq_nocase(str_slice(range, 0, slash + 1), str_slice(type, 0, slash + 1)))
		return 2;
	return str_eq(range, STR("*/*")) ? 1 : 0;
}

/* The narrowest range that takes the type decides. */
static void look_up(const struct exchange *x, struct str type, struct wish *w)
{
	const struct fields *f = &x->request.head;
	unsigned place = 0;

	for (unsigned i = 0; i < f->n; i++) {
		struct str rest = f->at[i].value, member;

		if (f->at[i].token != FIELD_ACCEPT)
			continue;
		while (field_next_member(&rest, &member)) {
			size_t end = str_find_char(member, ';');
			unsigned narrow = narrowness(str_trim(str_slice(member, 0, end)), type);

			place++;
			if (narrow <= w->narrow)
				continue;
			*w = (struct wish){ end < member.len ? weight_of(str_slice(member, end + 1, member.len)) : 1000, narrow,
				narrow == 1 ? UINT16_MAX : place };
		}
	}
}

static bool is_more(const struct wish *a, const struct wish *b)
{
	if (a->weight != b->weight)
		return a->weight > b->weight;
	return a->narrow != b->narrow ? a->narrow > b->narrow : a->place < b->place;
}

/* Text unless something else is wanted more. */
static enum toron_error_format negotiate(const struct exchange *x)
{
	static const struct {
		struct str type;
		enum toron_error_format format;
	} offers[] = {
		{ STR_INIT("text/plain"), TORON_ERRORS_TEXT },
		{ STR_INIT("text/html"), TORON_ERRORS_HTML },
		{ STR_INIT("application/problem+json"), TORON_ERRORS_JSON },
		{ STR_INIT("application/json"), TORON_ERRORS_JSON },
	};
	enum toron_error_format best = TORON_ERRORS_TEXT;
	struct wish most = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(offers); i++) {
		struct wish w = { 0 };

		look_up(x, offers[i].type, &w);
		if (w.weight == 0 || !is_more(&w, &most))
			continue;
		most = w;
		best = offers[i].format;
	}
	return best;
}

/* ---- bodies ---- */

/* s as the inside of a JSON string or of HTML text; "" when there is no memory. */
static struct str escape(struct exchange *x, struct str s, bool html)
{
	static const char hex[] = "0123456789abcdef";
	char *text = arena_bytes(&x->arena, s.len * 6), *at = text;

	if (text == NULL)
		return STR("");
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (html ? c == '<' || c == '>' || c == '&' || c == '"' || c < 0x20 : c == '"' || c == '\\' || c < 0x20 || c > 0x7e) {
			memcpy(at, html ? "&#x" : "\\u00", html ? 3 : 4);
			at += html ? 3 : 4;
			*at++ = hex[c >> 4];
			*at++ = hex[c & 15];
			if (html)
				*at++ = ';';
		} else {
			*at++ = (char)c;
		}
	}
	return (struct str){ text, (size_t)(at - text) };
}

static struct str html_body(struct exchange *x, uint16_t status, struct str reason)
{
	struct str id = escape(x, x->request_id, true);

	return arena_printf(&x->arena,
		"<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>%u " STR_FMT "</title>\n<h1>%u " STR_FMT
		"</h1>\n%s" STR_FMT "%s</html>\n",
		(unsigned)status, STR_ARG(reason), (unsigned)status, STR_ARG(reason), id.len != 0 ? "<p>Request " : "", STR_ARG(id),
		id.len != 0 ? "</p>\n" : "");
}

/* RFC 9457 section 3.1; "instance" is the path that was asked for. */
static struct str json_body(struct exchange *x, uint16_t status, struct str reason)
{
	struct str id = escape(x, x->request_id, false), path = escape(x, x->path, false);

	return arena_printf(&x->arena,
		"{\"type\":\"about:blank\",\"title\":\"" STR_FMT "\",\"status\":%u%s" STR_FMT "%s%s" STR_FMT "%s}\n", STR_ARG(reason),
		(unsigned)status, path.len != 0 ? ",\"instance\":\"" : "", STR_ARG(path), path.len != 0 ? "\"" : "",
		id.len != 0 ? ",\"request_id\":\"" : "", STR_ARG(id), id.len != 0 ? "\"" : "");
}

void answer_prepare_error(struct exchange *x, uint16_t status, const struct toron_header *headers, size_t n_headers)
{
	const struct toron_errors *e = errors_of(x);
	const struct toron_error_page *page = page_of(e, status);
	enum toron_error_format format = e->format == TORON_ERRORS_AUTO ? negotiate(x) : e->format;
	struct str reason = semantics_reason(status), type = STR("text/plain; charset=utf-8"), body;

	if (x->grpc != GRPC_NONE) {
		grpc_prepare_error(x, status, headers, n_headers);
		return;
	}
	if (page != NULL) {
		answer_prepare(x, status, page->content_type, page->body, headers, n_headers);
		return;
	}
	if (format == TORON_ERRORS_HTML) {
		type = STR("text/html; charset=utf-8");
		body = html_body(x, status, reason);
	} else if (format == TORON_ERRORS_JSON) {
		type = STR("application/problem+json");
		body = json_body(x, status, reason);
	} else {
		body = arena_printf(&x->arena, "%u " STR_FMT "\n", (unsigned)status, STR_ARG(reason));
	}
	if (body.ptr == NULL) {
		type = STR("text/plain; charset=utf-8");
		body = STR("error\n");
	}
	answer_prepare(x, status, type, body, headers, n_headers);
	if (e->format == TORON_ERRORS_AUTO)
		fields_add(&x->response.head, &x->arena, STR("vary"), STR("accept"));
}
