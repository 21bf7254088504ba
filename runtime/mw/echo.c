/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The action echo: answers with a JSON description of the request's head, for trying out a config.
 * The body is not waited for. */
#include "toron/mw.h"

#include "base/str.h"
#include "http/exchange.h"
#include "toron/gateway.h"

/* Text that is first measured (ptr NULL) and then written. */
struct text {
	char *ptr;
	size_t len;
};

static void add(struct text *t, struct str s)
{
	if (t->ptr != NULL && s.len != 0)
		memcpy(t->ptr + t->len, s.ptr, s.len);
	t->len += s.len;
}

static void add_escape(struct text *t, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	const char escape[] = { '\\', 'u', '0', '0', digits[c >> 4], digits[c & 15] };

	add(t, (struct str){ escape, sizeof(escape) });
}

/* A JSON string; bytes that are not UTF-8 become U+FFFD. */
static void add_string(struct text *t, struct str s)
{
	size_t valid = 0; /* bytes from here on that are UTF-8 */

	add(t, STR("\""));
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c >= 0x80 && valid == 0)
			valid = str_utf8_valid(str_slice(s, i, s.len));
		if (c >= 0x80 && valid == 0)
			add(t, STR("\xef\xbf\xbd"));
		else if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
			add_escape(t, c);
		else
			add(t, (struct str){ s.ptr + i, 1 });
		valid -= valid != 0;
	}
	add(t, STR("\""));
}

static void add_member(struct text *t, struct str name, struct str value)
{
	if (t->len > 1)
		add(t, STR(","));
	add_string(t, name);
	add(t, STR(":"));
	if (value.ptr == NULL)
		add(t, STR("null"));
	else
		add_string(t, value);
}

static bool is_first_of_name(const struct fields *f, unsigned i)
{
	return fields_find(f, f->at[i].name) == &f->at[i];
}

/* {"accept":["a","b"]}: each name once, its values in their order. */
static void add_fields(struct text *t, const struct fields *f)
{
	struct str between = STR("");

	add(t, STR(",\"headers\":{"));
	for (unsigned i = 0; i < f->n; i++) {
		struct str sep = STR("");

		if (!is_first_of_name(f, i))
			continue;
		add(t, between);
		between = STR(",");
		add_string(t, f->at[i].name);
		add(t, STR(":["));
		for (unsigned k = i; k < f->n; k++) {
			if (!str_eq(f->at[k].name, f->at[i].name))
				continue;
			add(t, sep);
			add_string(t, f->at[k].value);
			sep = STR(",");
		}
		add(t, STR("]"));
	}
	add(t, STR("}"));
}

static void describe(const struct exchange *x, struct text *t)
{
	add(t, STR("{"));
	add_member(t, STR("method"), x->request.method);
	add_member(t, STR("scheme"), x->request.scheme);
	add_member(t, STR("host"), x->host);
	add_member(t, STR("authority"), x->request.authority);
	add_member(t, STR("path"), x->path);
	add_member(t, STR("query"), x->query);
	add_member(t, STR("source"), exchange_client_text(x));
	add_member(t, STR("request_id"), toron_request_id(x));
	add_member(t, STR("route"), str_of(x->route == NULL ? NULL : x->route->name));
	add_member(t, STR("listener"), str_of(x->listener->name));
	add_member(t, STR("gateway"), str_of(x->worker->gateway->name));
	add_fields(t, &x->request.head);
	add(t, STR("}\n"));
}

void toron_action_echo(struct exchange *x, const void *conf)
{
	static const struct toron_header no_store = { STR_INIT("cache-control"),
		STR_INIT("no-store") };
	struct text t = { 0 };

	(void)conf;
	describe(x, &t);
	t.ptr = arena_bytes(&x->arena, t.len);
	if (t.ptr == NULL) {
		toron_respond_error(x, 503, NULL, 0);
		return;
	}
	t.len = 0;
	describe(x, &t);
	toron_respond(x, 200, STR("application/json"), (struct str){ t.ptr, t.len }, &no_store, 1);
}
