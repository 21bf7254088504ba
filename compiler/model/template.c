/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Templated strings: literal text and ${...}, for requests and for lines of the access log. Whether a route has the parameter or the claim is
 * for check/ to say, since a middleware may serve many routes. */
#include "base/check.h"
#include "base/str.h"
#include "model/build.h"
#include "schema/inner.h"
#include "toron/gateway.h"

/* References in all; more are refused, so that one string cannot make a response of any length. */
#define MAX_PARTS 64

static const struct {
	struct str name;
	enum m_part_kind kind;
} plain[] = {
	{ STR_INIT("request.path"), M_PART_REQUEST_PATH },
	{ STR_INIT("request.query"), M_PART_REQUEST_QUERY },
	{ STR_INIT("request.host"), M_PART_REQUEST_HOST },
	{ STR_INIT("request.method"), M_PART_REQUEST_METHOD },
	{ STR_INIT("request.scheme"), M_PART_REQUEST_SCHEME },
	{ STR_INIT("request.id"), M_PART_REQUEST_ID },
	{ STR_INIT("source.ip"), M_PART_SOURCE_IP },
};

/* Empty where the client came in clear text. */
static const struct {
	struct str name;
	enum toron_tls_field field;
} of_tls[] = {
	{ STR_INIT("tls.sni"), TORON_TLS_SNI },
	{ STR_INIT("tls.version"), TORON_TLS_VERSION },
	{ STR_INIT("tls.cipher"), TORON_TLS_CIPHER },
	{ STR_INIT("tls.client.subject"), TORON_TLS_CLIENT_SUBJECT },
	{ STR_INIT("tls.client.fingerprint"), TORON_TLS_CLIENT_FINGERPRINT },
	{ STR_INIT("tls.client.san"), TORON_TLS_CLIENT_SAN },
	{ STR_INIT("tls.client.spiffe"), TORON_TLS_CLIENT_SPIFFE },
	{ STR_INIT("tls.client.verified"), TORON_TLS_CLIENT_VERIFIED },
};

/* What a line of the access log knows besides; paths, parameters and claims are not among it. */
static const struct {
	struct str name;
	enum toron_log_field field;
} logged[] = {
	{ STR_INIT("time"), TORON_LOG_TIME },
	{ STR_INIT("time.common"), TORON_LOG_COMMON_TIME },
	{ STR_INIT("listener"), TORON_LOG_LISTENER },
	{ STR_INIT("client"), TORON_LOG_CLIENT },
	{ STR_INIT("peer"), TORON_LOG_PEER },
	{ STR_INIT("user"), TORON_LOG_USER },
	{ STR_INIT("request.target"), TORON_LOG_PATH },
	{ STR_INIT("request.protocol"), TORON_LOG_PROTOCOL },
	{ STR_INIT("request.bytes"), TORON_LOG_REQUEST_BYTES },
	{ STR_INIT("response.status"), TORON_LOG_STATUS },
	{ STR_INIT("response.bytes"), TORON_LOG_RESPONSE_BYTES },
	{ STR_INIT("route"), TORON_LOG_ROUTE },
	{ STR_INIT("backend"), TORON_LOG_BACKEND },
	{ STR_INIT("server"), TORON_LOG_SERVER },
	{ STR_INIT("tries"), TORON_LOG_TRIES },
	{ STR_INIT("fault"), TORON_LOG_FAULT },
	{ STR_INIT("duration_ms"), TORON_LOG_DURATION },
	{ STR_INIT("connect_ms"), TORON_LOG_CONNECT },
	{ STR_INIT("first_byte_ms"), TORON_LOG_FIRST_BYTE },
};

struct parser {
	struct builder *b;
	bool is_log;
	bool has_captures;
	const struct node *node;
	VEC(struct m_part) parts;
	bool failed;
};

static void fail(
	struct parser *p, enum diag_id id, size_t at, size_t len, const char *text, struct str arg)
{
	node_inner_report(p->b->diags, p->node, at, len, id, "%s '" STR_FMT "'", text,
		STR_ARG(arg));
	p->failed = true;
}

static void add_literal(struct parser *p, size_t from, size_t to)
{
	struct m_part *last = p->parts.n == 0 ? NULL : &p->parts.at[p->parts.n - 1];
	struct str text = str_slice(p->node->text, from, to - from);

	if (text.len == 0)
		return;
	if (last != NULL && last->kind == M_PART_LITERAL) {
		last->arg = arena_printf(
			p->b->arena, STR_FMT STR_FMT, STR_ARG(last->arg), STR_ARG(text));
		return;
	}
	vec_push(p->b->arena, &p->parts,
		(struct m_part){ M_PART_LITERAL, text,
			node_inner_span(p->b->diags, p->node, from, to - from), 0 });
}

static bool is_name(struct str s, bool dots)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = ascii_lower((unsigned char)s.ptr[i]);
		bool is_word =
			(c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';

		if (!is_word && !(dots && c == '.' && i > 0 && i + 1 < s.len))
			return false;
	}
	return s.len > 0;
}

/* request.headers["name"], or request.headers.name; `prefix` is "request.headers". */
static bool header_name(struct str s, struct str prefix, struct str *name_out)
{
	if (!str_starts(s, prefix))
		return false;
	s = str_slice(s, prefix.len, s.len);
	if (str_starts(s, STR("."))) {
		*name_out = str_slice(s, 1, s.len);
		return is_name(*name_out, false);
	}
	if (!str_starts(s, STR("[")) || s.len < sizeof("['']"))
		return false;
	s = str_slice(s, 1, s.len);
	if (s.ptr[s.len - 1] != ']' || (s.ptr[0] != '"' && s.ptr[0] != '\'') ||
		s.ptr[s.len - 2] != s.ptr[0])
		return false;
	*name_out = str_slice(s, 1, s.len - 3);
	return is_name(*name_out, false);
}

static void suggest_logged(struct parser *p, struct str name)
{
	struct str names[ARRAY_LEN(logged) + ARRAY_LEN(plain) + ARRAY_LEN(of_tls)], nearest;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(logged); i++)
		names[n++] = logged[i].name;
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		names[n++] = plain[i].name;
	for (size_t i = 0; i < ARRAY_LEN(of_tls); i++)
		names[n++] = of_tls[i].name;
	nearest = diag_nearest(name, names, n);
	if (nearest.ptr != NULL)
		diag_note(p->b->diags, SPAN_NONE, "did you mean '" STR_FMT "'?", STR_ARG(nearest));
	else
		diag_note(p->b->diags, SPAN_NONE,
			"the access log knows request.method, request.target, response.status, "
			"response.headers[\"name\"], duration_ms and others: see `toronc help T0309`");
}

static void suggest(struct parser *p, struct str name)
{
	static const struct str names[] = {
		STR_INIT("request.path"),
		STR_INIT("request.query"),
		STR_INIT("request.host"),
		STR_INIT("request.method"),
		STR_INIT("request.scheme"),
		STR_INIT("request.id"),
		STR_INIT("source.ip"),
		STR_INIT("tls.sni"),
		STR_INIT("tls.version"),
		STR_INIT("tls.cipher"),
		STR_INIT("tls.client.subject"),
		STR_INIT("tls.client.fingerprint"),
		STR_INIT("tls.client.san"),
		STR_INIT("tls.client.spiffe"),
		STR_INIT("tls.client.verified"),
	};
	/* What other gateways call these. */
	static const struct {
		struct str written, meant;
	} synonyms[] = {
		{ STR_INIT("request.uri"), STR_INIT("request.path") },
		{ STR_INIT("request.url"), STR_INIT("request.path") },
		{ STR_INIT("uri"), STR_INIT("request.path") },
		{ STR_INIT("request_uri"), STR_INIT("request.path") },
		{ STR_INIT("host"), STR_INIT("request.host") },
		{ STR_INIT("request.authority"), STR_INIT("request.host") },
		{ STR_INIT("request.ip"), STR_INIT("source.ip") },
		{ STR_INIT("client.ip"), STR_INIT("source.ip") },
		{ STR_INIT("remote_addr"), STR_INIT("source.ip") },
		{ STR_INIT("source"), STR_INIT("source.ip") },
		{ STR_INIT("request.args"), STR_INIT("request.query") },
		{ STR_INIT("request_id"), STR_INIT("request.id") },
	};
	size_t dot = str_find_char(name, '.');
	struct str root = str_slice(name, 0, dot);
	struct str nearest = diag_nearest(name, names, ARRAY_LEN(names));

	for (size_t i = 0; i < ARRAY_LEN(synonyms); i++) {
		if (str_eq(synonyms[i].written, name))
			nearest = synonyms[i].meant;
	}
	if (str_eq(root, STR("claim")) || str_eq(root, STR("jwt")))
		diag_note(p->b->diags, SPAN_NONE, "claims of the token are ${claims.<name>}");
	else if (str_eq(root, STR("param")) || str_eq(root, STR("params")))
		diag_note(p->b->diags, SPAN_NONE, "parameters of the path are ${path.<name>}");
	else if (str_eq(root, STR("header")) || str_eq(root, STR("headers")) ||
		 str_starts(name, STR("request.header")))
		diag_note(p->b->diags, SPAN_NONE, "header fields are ${request.headers[\"name\"]}");
	else if (nearest.ptr != NULL)
		diag_note(p->b->diags, SPAN_NONE, "did you mean '" STR_FMT "'?", STR_ARG(nearest));
	else
		diag_note(p->b->diags, SPAN_NONE,
			"known are request.path, request.query, request.host, request.method, "
			"request.scheme, "
			"request.id, request.headers[\"name\"], source.ip, tls.sni and the like, "
			"path.<parameter> and claims.<name>");
}

static bool find_logged(struct parser *p, struct str name, struct m_part *out)
{
	for (size_t i = 0; i < ARRAY_LEN(logged); i++) {
		if (str_eq(logged[i].name, name)) {
			*out = (struct m_part){ M_PART_LOG, name, out->at, logged[i].field };
			return true;
		}
	}
	if (!header_name(name, STR("response.headers"), &out->arg))
		return false;
	out->kind = M_PART_RESPONSE_HEADER;
	out->arg = build_lower(p->b->arena, out->arg);
	return true;
}

static bool find_reference(struct parser *p, struct str name, struct m_part *out)
{
	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		if (str_eq(plain[i].name, name)) {
			out->kind = plain[i].kind;
			return true;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(of_tls); i++) {
		if (str_eq(of_tls[i].name, name)) {
			*out = (struct m_part){ M_PART_TLS, str_slice(name, sizeof("tls.") - 1, name.len), out->at,
				of_tls[i].field };
			return true;
		}
	}
	if (header_name(name, STR("request.headers"), &out->arg)) {
		out->kind = M_PART_REQUEST_HEADER;
		out->arg = build_lower(p->b->arena, out->arg);
		return true;
	}
	if (p->is_log)
		return find_logged(p, name, out);
	out->kind = str_starts(name, STR("path.")) ? M_PART_PATH : M_PART_CLAIM;
	if (out->kind != M_PART_PATH && !str_starts(name, STR("claims.")))
		return false;
	out->arg = str_slice(name, str_find_char(name, '.') + 1, name.len);
	return is_name(out->arg, out->kind == M_PART_CLAIM);
}

/* Variables of nginx, and what is meant by them. */
static const struct {
	struct str theirs, ours;
} foreign[] = {
	{ STR_INIT("$host"), STR_INIT("${request.host}") },
	{ STR_INIT("$http_host"), STR_INIT("${request.host}") },
	{ STR_INIT("$server_name"), STR_INIT("${request.host}") },
	{ STR_INIT("$request_uri"), STR_INIT("${request.path}") },
	{ STR_INIT("$document_uri"), STR_INIT("${request.path}") },
	{ STR_INIT("$uri"), STR_INIT("${request.path}") },
	{ STR_INIT("$args"), STR_INIT("${request.query}") },
	{ STR_INIT("$query_string"), STR_INIT("${request.query}") },
	{ STR_INIT("$request_method"), STR_INIT("${request.method}") },
	{ STR_INIT("$scheme"), STR_INIT("${request.scheme}") },
	{ STR_INIT("$request_id"), STR_INIT("${request.id}") },
	{ STR_INIT("$remote_addr"), STR_INIT("${source.ip}") },
};

static void warn_foreign(struct parser *p, size_t at)
{
	struct str s = str_slice(p->node->text, at, p->node->text.len);
	size_t len = 1;

	while (len < s.len && ((s.ptr[len] >= 'a' && s.ptr[len] <= 'z') || s.ptr[len] == '_'))
		len++;
	s.len = len;
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
		if (!str_eq(s, foreign[i].theirs))
			continue;
		node_inner_report(p->b->diags, p->node, at, len, DIAG_FOREIGN_VARIABLE,
			"'" STR_FMT "' is only text here", STR_ARG(s));
		diag_note(p->b->diags, SPAN_NONE, "write " STR_FMT, STR_ARG(foreign[i].ours));
		return;
	}
}

/* `at` is the "$" of "${"; returns the offset behind the "}". */
static size_t add_reference(struct parser *p, size_t at)
{
	struct str rest = str_slice(p->node->text, at + 2, p->node->text.len);
	size_t len = str_find_char(rest, '}');
	struct str name = str_slice(rest, 0, len);
	struct m_part part = { .at = node_inner_span(p->b->diags, p->node, at, len + 3) };

	if (len == rest.len) {
		fail(p, DIAG_BAD_TEMPLATE, at, rest.len + 2, "there is no '}' for", STR("${"));
		diag_note(p->b->diags, SPAN_NONE, "a literal ${ is written $${");
		return p->node->text.len;
	}
	if (find_reference(p, name, &part)) {
		vec_push(p->b->arena, &p->parts, part);
		return at + len + 3;
	}
	if (str_eq(str_trim(name), name) && name.len > 0) {
		fail(p, DIAG_UNKNOWN_REFERENCE, at + 2, len, "unknown reference", name);
		if (p->is_log)
			suggest_logged(p, name);
		else
			suggest(p, name);
	} else {
		fail(p, DIAG_BAD_TEMPLATE, at, len + 3,
			"this is not a reference:", str_slice(p->node->text, at, len + 3));
		diag_note(p->b->diags, SPAN_NONE, "a reference has no spaces: ${request.path}");
	}
	return at + len + 3;
}

/* `at` is a "$" without "{"; returns the offset behind it. */
static size_t add_capture(struct parser *p, size_t at)
{
	char c = at + 1 < p->node->text.len ? p->node->text.ptr[at + 1] : '\0';
	struct m_part part = { .kind = M_PART_CAPTURE };

	if (c == '$') {
		add_literal(p, at, at + 1);
		return at + 2;
	}
	if (c < '0' || c > '9') {
		fail(p, DIAG_BAD_TEMPLATE, at, 1, "there is no number of a group behind", STR("$"));
		diag_note(p->b->diags, SPAN_NONE, "groups are $1 to $9, $0 is the whole path, and $$ is a $ itself");
		return at + 1;
	}
	part.at = node_inner_span(p->b->diags, p->node, at, 2);
	part.field = (unsigned)(c - '0');
	vec_push(p->b->arena, &p->parts, part);
	return at + 2;
}

static void parse(struct parser *p)
{
	struct str s = p->node->text;
	size_t from = 0, at = 0;

	while (at + !p->has_captures < s.len) {
		if (!p->has_captures && str_starts(str_slice(s, at, 3), STR("$${"))) {
			add_literal(p, from, at);
			from = at + 1;
			at += 3;
		} else if (str_starts(str_slice(s, at, s.len), STR("${"))) {
			add_literal(p, from, at);
			from = at = add_reference(p, at);
		} else if (p->has_captures && s.ptr[at] == '$') {
			add_literal(p, from, at);
			from = at = add_capture(p, at);
		} else {
			if (s.ptr[at] == '$')
				warn_foreign(p, at);
			at++;
		}
	}
	add_literal(p, from, s.len);
}

static void build(struct parser *p, struct m_template *out)
{
	struct builder *b = p->b;

	out->at = p->node->span;
	parse(p);
	if (p->parts.n > MAX_PARTS) {
		node_report(b->diags, p->node, DIAG_BAD_TEMPLATE,
			"'" STR_FMT "' has %zu parts; at most %d are allowed", STR_ARG(p->node->key),
			p->parts.n, MAX_PARTS);
		p->failed = true;
	}
	if (p->failed)
		b->poisoned = true;
	out->parts = p->parts.at;
	out->n = p->parts.n;
	out->is_literal =
		p->parts.n == 0 || (p->parts.n == 1 && p->parts.at[0].kind == M_PART_LITERAL);
}

void build_template(struct builder *b, const struct node *n, struct m_template *out)
{
	struct parser p = { .b = b, .node = n };

	build(&p, out);
}

void build_target_template(struct builder *b, const struct node *n, struct m_template *out)
{
	struct parser p = { .b = b, .has_captures = true, .node = n };

	build(&p, out);
}

void build_log_template(
	struct builder *b, const struct node *n, struct str text, struct m_template *out)
{
	struct node as = *n;
	struct parser p = { .b = b, .is_log = true, .node = &as };

	as.text = text;
	build(&p, out);
}
