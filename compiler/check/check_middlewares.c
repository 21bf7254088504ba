/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Middlewares: header edits that would break messages, keys of tokens, names that mislead. */
#include "base/str.h"
#include "check/context.h"

/* ---- headers ---- */

static void check_edit(struct checker *c, const struct m_middleware *m,
	const struct m_header_edit *e, bool is_request)
{
	if (is_request && str_eq(e->name.value, STR("host"))) {
		check_report(c, m->node, NULL, e->name.at, DIAG_HEADER_REFUSED,
			"'host' cannot be edited: it says whom the request is for");
		diag_note(c->diags, SPAN_NONE,
			"preserve_host: false in the backend sends the server's own name");
	} else if (check_is_connection_field(e->name.value)) {
		check_report(c, m->node, NULL, e->name.at, DIAG_HEADER_REFUSED,
			"'" STR_FMT "' cannot be edited: the gateway keeps it for each connection",
			STR_ARG(e->name.value));
	}
	if (e->op != M_HEADER_REMOVE)
		check_header_value(c, m->node, NULL, &e->value);
}

/* set and add together make two fields, which may be meant; anything else of one name makes one
 * of the edits pointless. */
static bool are_pointless(const struct m_header_edit *x, const struct m_header_edit *y)
{
	if (!str_eq(x->name.value, y->name.value))
		return false;
	return x->op == y->op ? x->op != M_HEADER_ADD
			      : x->op == M_HEADER_REMOVE || y->op == M_HEADER_REMOVE;
}

static void check_edits(struct checker *c, const struct m_middleware *m,
	const struct m_header_edit *edits, size_t n, bool is_request)
{
	for (size_t i = 0; i < n; i++) {
		check_edit(c, m, &edits[i], is_request);
		for (size_t k = 0; k < i; k++) {
			if (!are_pointless(&edits[k], &edits[i]))
				continue;
			check_report(c, m->node, NULL, edits[i].name.at, DIAG_HEADER_TWICE,
				"'" STR_FMT "' is edited twice", STR_ARG(edits[i].name.value));
			diag_note(c->diags, edits[k].name.at,
				"the other edit is here; the order is remove, set, add");
			break;
		}
	}
}

/* ---- jwt ---- */

static void check_algorithms(struct checker *c, const struct m_middleware *m)
{
	bool has_secret = m->jwt.secret.kind != M_SECRET_NONE,
	     has_jwks = m->jwt.jwks.kind != M_SECRET_NONE;
	const struct m_strs *list = &m->jwt.algorithms;

	for (size_t i = 0; i < list->n; i++) {
		bool is_hmac = str_starts(list->at[i].value, STR("HS"));

		if (has_secret && !is_hmac)
			check_report(c, m->node, "jwt.algorithms", list->at[i].at,
				DIAG_JWT_ALGORITHM,
				"'" STR_FMT
				"' needs a key from a JWK Set, and this middleware has a secret",
				STR_ARG(list->at[i].value));
		else if (has_jwks && is_hmac)
			check_report(c, m->node, "jwt.algorithms", list->at[i].at,
				DIAG_JWT_ALGORITHM,
				"'" STR_FMT "' needs a secret, and this middleware has a JWK Set",
				STR_ARG(list->at[i].value));
	}
}

/* "$NAME", as shells and other gateways write it. */
static bool is_shell_variable(struct str s)
{
	for (size_t i = 1; i < s.len; i++) {
		char c = s.ptr[i];

		if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_')
			return false;
	}
	return s.len > 1 && s.ptr[0] == '$';
}

static void check_secret(struct checker *c, const struct m_middleware *m)
{
	const struct m_secret *s = &m->jwt.secret;

	if (s->kind != M_SECRET_LITERAL)
		return;
	if (is_shell_variable(s->value)) {
		check_report(c, m->node, "jwt.secret", s->at, DIAG_SECRET_LITERAL,
			"'" STR_FMT "' is the secret itself here, not the name of a variable", STR_ARG(s->value));
		diag_note(c->diags, SPAN_NONE, "a secret of the environment is {env: " STR_FMT "}",
			STR_ARG(str_slice(s->value, 1, s->value.len)));
		return;
	}
	check_report(c, m->node, "jwt.secret", s->at, DIAG_SECRET_LITERAL,
		"a secret in the configuration ends up in the binary");
	diag_note(c->diags, SPAN_NONE, "refer to it instead: {env: NAME} or {file: path}");
	if (s->value.len < 32)
		check_report(c, m->node, "jwt.secret", s->at, DIAG_SECRET_SHORT,
			"a secret of %zu bytes can be guessed; HS256 needs 32", s->value.len);
}

/* Public keys are no secret; what has private members is. */
static void check_jwks(struct checker *c, const struct m_middleware *m)
{
	const struct m_secret *s = &m->jwt.jwks;

	if (s->kind != M_SECRET_LITERAL ||
		(str_find(s->value, STR("\"k\"")) < 0 && str_find(s->value, STR("\"d\"")) < 0))
		return;
	check_report(c, m->node, "jwt.jwks", s->at, DIAG_SECRET_LITERAL,
		"this JWK Set has private keys, which end up in the binary");
	diag_note(c->diags, SPAN_NONE, "refer to it instead: {env: NAME} or {file: path}");
}

static void check_jwt(struct checker *c, const struct m_middleware *m)
{
	if (m->jwt.secret.kind != M_SECRET_NONE && m->jwt.jwks.kind != M_SECRET_NONE) {
		check_report(c, m->node, "jwt", m->jwt.jwks.at, DIAG_JWT_TWO_KEYS,
			"a jwt middleware has a secret or a JWK Set, not both");
		diag_note(c->diags, m->jwt.secret.at,
			"the secret is here; two middlewares can serve two kinds of token");
	} else {
		check_algorithms(c, m);
	}
	check_secret(c, m);
	check_jwks(c, m);
}

/* ---- names ---- */

static void check_name(struct checker *c, const struct m_middleware *m)
{
	static const struct {
		struct str name;
		enum m_mw_kind kind;
	} built_ins[] = {
		{ STR_INIT("headers"), M_MW_HEADERS },
		{ STR_INIT("rate-limit"), M_MW_RATE_LIMIT },
		{ STR_INIT("jwt"), M_MW_JWT },
		{ STR_INIT("request-id"), M_MW_REQUEST_ID },
		{ STR_INIT("grpc-web"), M_MW_GRPC_WEB },
	};

	for (size_t i = 0; i < sizeof(built_ins) / sizeof(built_ins[0]); i++) {
		if (str_eq(built_ins[i].name, m->name.value) && built_ins[i].kind != m->kind)
			check_report(c, m->node, NULL, m->name.at, DIAG_SHADOWED_MIDDLEWARE,
				"'" STR_FMT
				"' is the name of a built-in middleware of another kind",
				STR_ARG(m->name.value));
	}
}

static bool is_inline(const struct m_middleware *m)
{
	return m->node != NULL && m->node->key.ptr == NULL;
}

void check_middlewares(struct checker *c)
{
	for (size_t i = 0; i < c->model->n_middlewares; i++) {
		const struct m_middleware *m = &c->model->middlewares[i];
		struct str key = arena_printf(c->arena, "m:" STR_FMT, STR_ARG(m->name.value));

		if (m->node == NULL)
			continue;
		if (!is_inline(m) && !c->is_partial && !c->misses_middleware && map_get(&c->used, key) == NULL)
			check_report(c, m->node, NULL, m->name.at, DIAG_UNUSED_MIDDLEWARE,
				"no route uses the middleware '" STR_FMT "'",
				STR_ARG(m->name.value));
		if (m->poisoned)
			continue;
		check_name(c, m);
		check_edits(c, m, m->headers.request, m->headers.n_request, true);
		check_edits(c, m, m->headers.response, m->headers.n_response, false);
		if (m->kind == M_MW_JWT)
			check_jwt(c, m);
	}
}
