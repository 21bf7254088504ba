/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Templates: "${path.id}" and the like, put together for one exchange. */
#include "http/template.h"

#define FEW_PARTS 16

struct str template_value(struct exchange *x, const struct toron_part *p)
{
	switch (p->kind) {
	case TORON_PART_LITERAL:
		return p->text;
	case TORON_PART_PATH:
		return x->path;
	case TORON_PART_QUERY:
		return x->query;
	case TORON_PART_HOST:
		return x->host;
	case TORON_PART_METHOD:
		return x->request.method;
	case TORON_PART_SCHEME:
		return x->request.scheme;
	case TORON_PART_REQUEST_ID:
		return x->request_id;
	case TORON_PART_HEADER:
		return toron_request_header(x, p->text);
	case TORON_PART_SOURCE_IP:
		return exchange_client_text(x);
	case TORON_PART_PARAM:
		return toron_path_param(x, p->index);
	case TORON_PART_CLAIM:
		return toron_claim(x, p->text);
	case TORON_PART_RESPONSE_HEADER:
		return toron_response_header(x, p->text);
	case TORON_PART_TLS:
		return toron_tls_field(x, (enum toron_tls_field)p->index);
	case TORON_PART_CAPTURE:
		return x->captures == NULL ? STR_NONE : x->captures[p->index];
	case TORON_PART_LOG:
		break;
	}
	return STR_NONE;
}

/* What would end a header field and begin another. */
static bool is_dropped(char c)
{
	return c == '\r' || c == '\n' || c == '\0';
}

static bool is_clean(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (is_dropped(s.ptr[i]))
			return false;
	return true;
}

static char *put_clean(char *to, struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_dropped(s.ptr[i]))
			*to++ = s.ptr[i];
	return to;
}

static char *put(char *to, struct str s)
{
	if (s.len != 0)
		memcpy(to, s.ptr, s.len);
	return to + s.len;
}

/* Literals are the config's own and stay as they are: a body may well have lines. */
static struct str join(struct exchange *x, const struct toron_template *t, struct str *values)
{
	size_t len = 0;
	char *text, *at;

	for (uint32_t i = 0; i < t->n; i++) {
		values[i] = template_value(x, &t->parts[i]);
		len += values[i].len;
	}
	text = at = arena_bytes(&x->arena, len);
	if (text == NULL)
		return STR_NONE;
	for (uint32_t i = 0; i < t->n; i++)
		at = t->parts[i].kind == TORON_PART_LITERAL ? put(at, values[i])
							    : put_clean(at, values[i]);
	return (struct str){ text, (size_t)(at - text) };
}

struct str toron_template_text(struct exchange *x, const struct toron_template *t)
{
	struct str few[FEW_PARTS], *values = few;

	if (t->n == 0)
		return STR("");
	if (t->n == 1 && t->parts[0].kind == TORON_PART_LITERAL)
		return t->parts[0].text;
	if (t->n == 1) {
		struct str value = template_value(x, &t->parts[0]);

		if (value.ptr == NULL)
			return x->arena.overflow ? STR_NONE : STR("");
		if (is_clean(value))
			return value;
	}
	if (t->n > FEW_PARTS)
		values = ARENA_ARRAY(&x->arena, struct str, t->n);
	return values == NULL ? STR_NONE : join(x, t, values);
}
