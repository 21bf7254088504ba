/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "prove/sample.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/str.h"
#include "base/vec.h"

static const char method_names[][8] = { "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT",
	"OPTIONS", "TRACE", "PATCH" };

struct str sample_method(const struct plan *p, uint32_t bit)
{
	for (uint32_t i = 0; i < sizeof(method_names) / sizeof(method_names[0]); i++)
		if (bit == 1u << i)
			return str_of(method_names[i]);
	for (uint32_t i = 0; i < p->n_extra_methods; i++)
		if (bit == (uint32_t)TORON_METHOD_EXTRA << i)
			return p->extra_methods[i];
	return STR("BREW");
}

static void add_escaped(struct sbuf *out, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		unsigned char lower = ascii_lower(c);
		bool is_plain = (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z') ||
				(c != 0 && strchr("-._~", c) != NULL);

		if (is_plain)
			sbuf_addc(out, (char)c);
		else
			sbuf_printf(out, "%%%02X", c);
	}
}

/* The query and the cookies that the fields stand for; ptr NULL: none. */
static struct str query_of(struct arena *a, const struct sample *s)
{
	struct sbuf out = { 0 };
	struct str text = s->query;

	for (uint32_t i = 0; i < s->n_fields && s->query.ptr == NULL; i++) {
		if (s->fields[i].where != TORON_IN_QUERY)
			continue;
		sbuf_adds(&out, out.len > 0 ? "&" : "");
		add_escaped(&out, s->fields[i].name);
		sbuf_addc(&out, '=');
		add_escaped(&out, s->fields[i].value);
	}
	if (out.len > 0)
		text = arena_str(a, sbuf_str(&out));
	sbuf_fini(&out);
	return text;
}

/* A value with blanks or quotes around it comes through in quotes, which are taken off. */
static bool needs_quotes(struct str value)
{
	return str_trim(value).len != value.len || (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"');
}

static struct str cookies_of(struct arena *a, const struct sample *s)
{
	struct sbuf out = { 0 };
	struct str text = STR_NONE;

	for (uint32_t i = 0; i < s->n_fields; i++) {
		const char *quote = needs_quotes(s->fields[i].value) ? "\"" : "";

		if (s->fields[i].where != TORON_IN_COOKIE)
			continue;
		sbuf_printf(&out, "%s" STR_FMT "=%s" STR_FMT "%s", out.len > 0 ? "; " : "", STR_ARG(s->fields[i].name), quote,
			STR_ARG(s->fields[i].value), quote);
	}
	if (out.len > 0)
		text = arena_str(a, sbuf_str(&out));
	sbuf_fini(&out);
	return text;
}

void sample_copy(struct arena *a, const struct sample *from, struct sample *to)
{
	*to = *from;
	to->host = arena_str(a, from->host);
	to->path = arena_str(a, from->path);
	to->method = arena_str(a, from->method);
	to->fields = ARENA_ARRAY(a, struct sample_field, from->n_fields);
	for (uint32_t i = 0; i < from->n_fields; i++)
		to->fields[i] = (struct sample_field){ from->fields[i].where, from->fields[i].name, arena_str(a, from->fields[i].value) };
	if (from->sni.ptr != NULL)
		to->sni = arena_str(a, from->sni);
	if (from->source_text.ptr != NULL)
		to->source_text = arena_str(a, from->source_text);
}

void sample_request(struct arena *a, const struct sample *s, struct lookup_request *out)
{
	struct lookup_field *headers = ARENA_ARRAY(a, struct lookup_field, s->n_fields + 1);
	struct lookup_field *clients = ARENA_ARRAY(a, struct lookup_field, s->n_fields + 1);
	struct str cookies = cookies_of(a, s);
	uint32_t n = 0, n_clients = 0;

	for (uint32_t i = 0; i < s->n_fields; i++) {
		struct lookup_field field = { s->fields[i].name, s->fields[i].value };

		if (s->fields[i].where == TORON_IN_HEADER)
			headers[n++] = field;
		else if (s->fields[i].where == TORON_IN_CLIENT)
			clients[n_clients++] = field;
	}
	if (cookies.ptr != NULL)
		headers[n++] = (struct lookup_field){ STR("cookie"), cookies };
	*out = (struct lookup_request){
		.listener = s->listener,
		.method = s->method,
		.scheme = s->scheme,
		.host = s->host,
		.path = s->path,
		.query = query_of(a, s),
		.headers = headers,
		.n_headers = n,
		.clients = clients,
		.n_clients = n_clients,
		.sni = s->sni,
	};
	memcpy(out->source, s->source, sizeof(out->source));
}

bool sample_is_possible(const struct plan *p, const struct sample *s)
{
	const struct plan_listener *l = &p->listeners[s->listener];

	for (uint32_t i = 0; i < s->n_fields; i++)
		if (s->fields[i].where == TORON_IN_CLIENT && !plan_asks_clients(l))
			return false;
	return plan_takes_scheme(l, str_eq(s->scheme, STR("https"))) && (s->sni.ptr == NULL || l->tls != NULL);
}

struct lookup_result sample_lookup(struct arena *a, const struct plan *p, const struct sample *s)
{
	struct lookup_request r;

	sample_request(a, s, &r);
	return lookup_route(p, a, &r);
}

/* ---- as a command ---- */

/* s in single quotes for the shell, without those around it; what cannot be typed as $'\\x80', which bash and its kin know. False on
 * bytes that no request has there. */
static bool add_shell(struct sbuf *out, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
		if (c < 0x20 || c > 0x7e)
			sbuf_printf(out, "'$'\\x%02x''", c);
		else if (c == '\'')
			sbuf_adds(out, "'\\''");
		else
			sbuf_addc(out, (char)c);
	}
	return true;
}

static bool add_header(struct sbuf *out, const struct sample_field *f)
{
	bool ok;

	/* Blanks around a value are lost on the way. */
	if (f->value.len > 0 && str_trim(f->value).len != f->value.len)
		return false;
	sbuf_adds(out, " -H '");
	ok = add_shell(out, f->name);
	/* curl sends an empty field for "name;". */
	sbuf_adds(out, f->value.len == 0 ? ";" : ": ");
	ok &= add_shell(out, f->value);
	sbuf_addc(out, '\'');
	return ok;
}

static bool add_url(struct arena *a, const struct plan *p, const struct sample *s, struct sbuf *out)
{
	unsigned port = (unsigned)p->listeners[s->listener].model->port.value;
	bool is_http = !str_eq(s->scheme, STR("https"));
	struct str host = s->host.len == 0 ? STR("localhost") : s->host;
	bool is_ipv6 = str_find_char(host, ':') < host.len;
	struct str query = query_of(a, s);
	bool ok = true;

	/* curl asks for the URL's host. */
	if (s->sni.ptr != NULL && !str_eq(s->sni, host)) {
		sbuf_adds(out, " -H 'host: ");
		ok = add_shell(out, host);
		sbuf_addc(out, '\'');
		host = s->sni;
		is_ipv6 = false;
	}
	sbuf_printf(out, " '" STR_FMT "://%s", STR_ARG(s->scheme), is_ipv6 ? "[" : "");
	ok &= add_shell(out, host);
	sbuf_adds(out, is_ipv6 ? "]" : "");
	if (port != (is_http ? 80 : 443))
		sbuf_printf(out, ":%u", port);
	ok &= add_shell(out, s->path);
	sbuf_adds(out, query.ptr == NULL ? "" : "?");
	ok &= add_shell(out, query);
	sbuf_addc(out, '\'');
	return ok;
}

struct str sample_curl(struct arena *a, const struct plan *p, const struct sample *s)
{
	struct str cookies = cookies_of(a, s);
	struct sbuf out = { 0 };
	struct str text = STR_NONE;
	bool ok = true;

	/* HEAD by -X would wait for a body. */
	if (str_eq(s->method, STR("HEAD")))
		sbuf_adds(&out, "curl -I");
	else
		sbuf_printf(&out, "curl -X " STR_FMT, STR_ARG(s->method));
	for (uint32_t i = 0; i < s->n_fields; i++)
		if (s->fields[i].where == TORON_IN_HEADER)
			ok &= add_header(&out, &s->fields[i]);
		else if (s->fields[i].where == TORON_IN_CLIENT)
			ok = false; /* who has such a certificate, and its key, is not known here */
	if (cookies.ptr != NULL) {
		sbuf_adds(&out, " -b '");
		ok &= add_shell(&out, cookies);
		sbuf_addc(&out, '\'');
	}
	ok &= add_url(a, p, s, &out);
	if (s->source_text.ptr != NULL)
		sbuf_printf(&out, " # from " STR_FMT, STR_ARG(s->source_text));
	if (ok)
		text = arena_str(a, sbuf_str(&out));
	sbuf_fini(&out);
	return text;
}

/* ---- as a person writes it ---- */

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c <= 0x20 || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL)
			return false;
	}
	return s.len > 0;
}

bool sample_add_header(struct arena *a, struct sample *s, struct str name, struct str value)
{
	struct sample_field *more = ARENA_ARRAY(a, struct sample_field, s->n_fields + 1);
	char *lower = arena_cstr(a, name);

	for (size_t i = 0; i < value.len; i++)
		if (((unsigned char)value.ptr[i] < 0x20 && value.ptr[i] != '\t') ||
			value.ptr[i] == 0x7f)
			return false;
	for (size_t i = 0; i < name.len; i++)
		lower[i] = (char)ascii_lower((unsigned char)lower[i]);
	if (s->n_fields > 0)
		memcpy(more, s->fields, s->n_fields * sizeof(*more));
	more[s->n_fields++] =
		(struct sample_field){ TORON_IN_HEADER, { lower, name.len }, str_trim(value) };
	s->fields = more;
	return is_token(name);
}

static bool fail(struct str *error_out, struct str text)
{
	*error_out = text;
	return false;
}

/* The listener on this port (0: any) that takes the scheme: as its own, or at least from a trusted proxy. PLAN_NONE: none. */
static uint32_t listener_for(const struct plan *p, uint16_t port, bool is_https, bool is_own)
{
	for (uint32_t i = 0; i < p->n_listeners; i++) {
		const struct plan_listener *l = &p->listeners[i];
		bool takes = is_own ? (l->tls != NULL) == is_https : plan_takes_scheme(l, is_https);

		if (takes && (port == 0 || l->model->port.value == port))
			return i;
	}
	return PLAN_NONE;
}

static bool find_listener(struct arena *a, const struct plan *p, const struct uri *u,
	struct sample *out, struct str *error_out)
{
	bool is_https = str_eq(u->scheme, STR("https"));
	uint32_t found = listener_for(p, u->at.port, is_https, true);

	if (found == PLAN_NONE)
		found = listener_for(p, u->at.port, is_https, false);
	if (found != PLAN_NONE && (is_https || str_eq(u->scheme, STR("http")))) {
		out->listener = found;
		return true;
	}
	if (u->at.port != 0)
		return fail(error_out, arena_printf(a, "no listener takes " STR_FMT " on port %u",
			STR_ARG(u->scheme), u->at.port));
	return fail(error_out, arena_printf(a, "no listener takes " STR_FMT, STR_ARG(u->scheme)));
}

bool sample_parse(struct arena *a, const struct plan *p, struct str text, struct sample *out,
	struct str *error_out)
{
	struct str rest = str_trim(text);
	size_t space = str_find_char(rest, ' ');
	struct str target;
	enum uri_error e;
	struct uri u;
	uint8_t address[4];

	*out = (struct sample){ .method = STR("GET") };
	inet_pton(AF_INET6, "::ffff:127.0.0.1", out->source);
	if (space < rest.len) {
		out->method = str_slice(rest, 0, space);
		rest = str_trim(str_slice(rest, space, rest.len));
	}
	if (!is_token(out->method))
		return fail(error_out, arena_printf(a, "'" STR_FMT "' is no method", STR_ARG(out->method)));
	e = uri_parse(a, rest, &u);
	if (e != URI_OK)
		return fail(error_out, arena_printf(a, "'" STR_FMT "' is no URL such as http://host/path: %s",
			STR_ARG(rest), uri_error_text(e)));
	out->scheme = u.scheme;
	if (!find_listener(a, p, &u, out, error_out))
		return false;
	uri_host_normalise(a, &u.at, &out->host);
	if (out->host.len == 0)
		return fail(error_out, STR("the URL has no host"));
	/* A client asks for the host of its URL; addresses are not asked for (RFC 6066 section 3). */
	if (p->listeners[out->listener].tls != NULL && !u.at.is_ipv6 && inet_pton(AF_INET, arena_cstr(a, out->host), address) != 1)
		out->sni = out->host;
	target = arena_printf(a, "%s" STR_FMT "%s" STR_FMT, u.path.len == 0 ? "/" : "", STR_ARG(u.path),
		u.query.ptr == NULL ? "" : "?", STR_ARG(u.query));
	e = uri_normalise(a, target, p->uri_policy, &out->path, &out->query);
	if (e != URI_OK)
		out->refused = uri_error_text(e);
	return true;
}
