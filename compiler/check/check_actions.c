/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a route does: backends, fixed responses, redirects. */
#include <string.h>

#include "base/str.h"
#include "base/uri.h"
#include "check/context.h"

static void check_target(
	struct checker *c, const struct m_route *r, const char *member, const struct m_str *name)
{
	map_add(&c->used, arena_printf(c->arena, "b:" STR_FMT, STR_ARG(name->value)), c);
	if (name->value.ptr == NULL || c->model->lacks_backends || map_get(&c->backends, name->value) != NULL)
		return;
	c->misses_backend = true;
	check_report(c, r->node, member, name->at, DIAG_UNKNOWN_BACKEND,
		"unknown backend '" STR_FMT "'", STR_ARG(name->value));
	check_suggest(c, &c->backends, name->value, "backends");
}

static void check_grpc_web(struct checker *c, const struct node *use, const struct m_str *name)
{
	const struct m_backend *b = name->value.ptr == NULL ? NULL : map_get(&c->backends, name->value);

	if (b == NULL || b->poisoned || check_may_speak_h2(b))
		return;
	node_report(c->diags, use, DIAG_GRPC_WEB_BACKEND,
		"this makes calls of gRPC, which need HTTP/2, and the servers of this route's backend are spoken to by HTTP/1.1");
	diag_note(c->diags, b->name.at, "the backend is here; 'protocol: h2' speaks HTTP/2 to its servers");
}

static void check_calls(struct checker *c, const struct m_route *r)
{
	const struct m_action *a = &r->action;

	for (size_t i = 0; i < r->n_uses; i++) {
		const struct m_middleware *m = map_get(&c->middlewares, r->uses[i].name.value);

		if (m == NULL || m->poisoned || m->kind != M_MW_GRPC_WEB)
			continue;
		if (a->kind == M_ACTION_BACKEND)
			check_grpc_web(c, r->uses[i].node, &a->backend);
		for (size_t k = 0; a->kind == M_ACTION_SPLIT && k < a->n_split; k++)
			check_grpc_web(c, r->uses[i].node, &a->split[k].backend);
	}
}

static void check_split(struct checker *c, const struct m_route *r)
{
	const struct m_action *a = &r->action;
	uint64_t sum = 0;

	for (size_t i = 0; i < a->n_split; i++) {
		struct str member = arena_printf(c->arena, "split[%zu].backend", i);

		check_target(c, r, member.ptr, &a->split[i].backend);
		sum += a->split[i].weight.value;
	}
	if (sum == 0 && !r->poisoned)
		check_report(c, r->node, "split", a->at, DIAG_SPLIT_WITHOUT_WEIGHT,
			"all weights of this split are 0: no backend is ever chosen");
}

bool check_is_connection_field(struct str name)
{
	static const struct str names[] = {
		STR_INIT("connection"),
		STR_INIT("keep-alive"),
		STR_INIT("proxy-connection"),
		STR_INIT("te"),
		STR_INIT("trailer"),
		STR_INIT("transfer-encoding"),
		STR_INIT("upgrade"),
		STR_INIT("content-length"),
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (str_eq(names[i], name))
			return true;
	}
	return false;
}

bool check_header_value(
	struct checker *c, const struct node *n, const char *member, const struct m_template *value)
{
	for (size_t i = 0; i < value->n; i++) {
		const struct m_part *part = &value->parts[i];

		for (size_t k = 0; part->kind == M_PART_LITERAL && k < part->arg.len; k++) {
			unsigned char byte = (unsigned char)part->arg.ptr[k];

			if ((byte >= 0x20 && byte != 0x7f) || byte == '\t')
				continue;
			check_report(c, n, member, value->at, DIAG_BAD_HEADER_VALUE,
				"a header value must not contain %s",
				byte == '\n' || byte == '\r' ? "a line end" : "control characters");
			if (byte == '\n')
				diag_note(c->diags, SPAN_NONE,
					"a YAML block scalar ends with a line end unless it begins "
					"with |- or >-");
			return false;
		}
	}
	return true;
}

static void check_respond(struct checker *c, const struct m_route *r)
{
	const struct m_action *a = &r->action;
	bool has_no_content =
		a->status.value == 204 || a->status.value == 205 || a->status.value == 304;

	if (has_no_content && a->body.n > 0)
		check_report(c, r->node, "respond.body", a->body.at, DIAG_STATUS_WITHOUT_BODY,
			"a response with status %llu has no body",
			(unsigned long long)a->status.value);
	for (size_t i = 0; i < a->n_headers; i++) {
		if (check_is_connection_field(a->headers[i].name.value))
			check_report(c, r->node, "respond.headers", a->headers[i].name.at,
				DIAG_RESPOND_HEADER, "the gateway writes '" STR_FMT "' itself",
				STR_ARG(a->headers[i].name.value));
		check_header_value(c, r->node, "respond.headers", &a->headers[i].value);
	}
}

static void fail_redirect(
	struct checker *c, const struct m_route *r, const char *why, const char *advice)
{
	check_report(c, r->node, "redirect.to", r->action.to.at, DIAG_BAD_REDIRECT, "%s", why);
	if (advice != NULL)
		diag_note(c->diags, SPAN_NONE, "%s", advice);
}

static void check_literal_target(struct checker *c, const struct m_route *r, struct str to)
{
	bool is_url = str_starts(to, STR("http://")) || str_starts(to, STR("https://"));

	if (str_starts(to, STR("//")))
		fail_redirect(c, r, "a redirect target that begins with '//' leads to another host",
			"write the scheme: https://...");
	else if (!is_url && to.ptr[0] != '/')
		fail_redirect(c, r,
			"a redirect target is an http or https URL or a path that begins with '/'",
			NULL);
	else if (str_find_char(to, ' ') < to.len)
		fail_redirect(
			c, r, "a redirect target has no spaces", "a space in a URL is written %20");
	else if (is_url && to.len == str_find_char(to, ':') + 3)
		fail_redirect(c, r, "the redirect target has no host", NULL);
}

/* Where a host and its port end. */
static bool ends_host(struct str literal)
{
	for (size_t i = 0; i < literal.len; i++) {
		if (strchr("/?#", literal.ptr[i]) != NULL)
			return true;
	}
	return false;
}

/* Whether the value in front of `next` is only the beginning of a host: ".example.com". */
static bool goes_on_as_domain(const struct m_part *next)
{
	struct str text = next->arg;

	return next->kind == M_PART_LITERAL && text.len > 1 && text.ptr[0] == '.' && strchr("/?#:", text.ptr[1]) == NULL;
}

/* In "https://example.com${path.rest}" the rest may be "@evil.example". */
static void check_redirect_host(struct checker *c, const struct m_route *r, size_t first)
{
	const struct m_template *to = &r->action.to;
	bool has_host = false;

	for (size_t i = first; i < to->n; i++) {
		const struct m_part *part = &to->parts[i];
		struct str text = part->arg;

		switch (part->kind) {
		case M_PART_LITERAL:
			if (i == first)
				text = str_slice(text, str_find_char(text, ':') + 3, text.len);
			if (ends_host(text))
				return;
			has_host = has_host || text.len != 0;
			break;
		case M_PART_REQUEST_PATH:
			if (!has_host)
				fail_redirect(c, r, "the redirect target has no host", NULL);
			return;
		case M_PART_REQUEST_QUERY:
		case M_PART_REQUEST_HEADER:
		case M_PART_PATH:
			if (part->kind == M_PART_PATH && i + 1 < to->n && goes_on_as_domain(part + 1))
				break;
			fail_redirect(c, r, "a redirect target with a value of the request in its host lets a client choose where it leads",
				"end the host with '/' before the value, or let the rest of its domain stand behind it");
			return;
		default:
			has_host = true;
			break;
		}
	}
}

static void check_redirect(struct checker *c, const struct m_route *r)
{
	const struct m_template *to = &r->action.to;

	if (to->n == 0 || !check_header_value(c, r->node, "redirect.to", to))
		return;
	switch (to->parts[0].kind) {
	case M_PART_LITERAL:
		if (to->n == 1 || to->parts[0].arg.ptr[0] != 'h')
			check_literal_target(c, r, to->parts[0].arg);
		else if (!str_starts(to->parts[0].arg, STR("http://")) &&
			 !str_starts(to->parts[0].arg, STR("https://")))
			fail_redirect(c, r,
				"a redirect target is an http or https URL or a path that begins "
				"with '/'",
				NULL);
		else
			check_redirect_host(c, r, 0);
		break;
	case M_PART_REQUEST_PATH:
		break;
	case M_PART_REQUEST_SCHEME:
		if (to->n < 2 || to->parts[1].kind != M_PART_LITERAL ||
			!str_starts(to->parts[1].arg, STR("://")))
			fail_redirect(c, r,
				"behind ${request.scheme} a redirect target goes on with '://'",
				NULL);
		else
			check_redirect_host(c, r, 1);
		break;
	default:
		fail_redirect(c, r,
			"a redirect target that begins with a value of the request lets a client "
			"choose where it leads",
			"begin with a URL or with '/'");
		break;
	}
}

void check_actions(struct checker *c, const struct m_route *r)
{
	if (r->action.kind == M_ACTION_BACKEND)
		check_target(c, r, "backend", &r->action.backend);
	else if (r->action.kind == M_ACTION_SPLIT)
		check_split(c, r);
	else if (r->action.kind == M_ACTION_RESPOND)
		check_respond(c, r);
	else if (r->action.kind == M_ACTION_REDIRECT)
		check_redirect(c, r);
	else if (r->action.kind == M_ACTION_FILES)
		check_files(c, r);
	check_calls(c, r);
}
