/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Middlewares and actions: their config as generated tables, their phases as functions that chains call directly.
 * A request phase returns a verdict; a response phase edits the head. A *_start function runs once at boot, before workers. */
#pragma once

#include "toron/exchange.h"
#include "toron/files.h"

/* A secret, read at boot. LITERAL is the value itself. */
enum toron_secret_kind { TORON_SECRET_NONE, TORON_SECRET_LITERAL, TORON_SECRET_ENV, TORON_SECRET_FILE };
struct toron_secret {
	enum toron_secret_kind kind;
	struct str value;
	const char *origin; /* "gateway.yaml:9:14" */
};

/* ---- headers ---- */
enum toron_header_op { TORON_HEADER_SET, TORON_HEADER_ADD, TORON_HEADER_REMOVE };
struct toron_header_edit {
	enum toron_header_op op;
	struct str name; /* lower case */
	struct toron_template value;
};
struct toron_headers {
	const struct toron_header_edit *request, *response;
	uint32_t n_request, n_response;
};
enum toron_verdict toron_headers_request(struct exchange *x, const struct toron_headers *conf);
void toron_headers_response(struct exchange *x, const struct toron_headers *conf);

/* ---- rate-limit: GCRA over a sharded table shared by all workers ---- */
enum toron_rate_key { TORON_KEY_SOURCE, TORON_KEY_HEADER, TORON_KEY_CLAIM, TORON_KEY_ROUTE };
struct rate_store;
struct toron_rate_limit {
	const char *name, *origin;
	uint64_t n, period_ms, burst;
	enum toron_rate_key key;
	struct str key_arg;
	uint32_t max_keys;
	struct rate_store **store; /* the generated file's slot; set by start */
};
int toron_rate_limit_start(const void *conf);
enum toron_verdict toron_rate_limit_request(struct exchange *x, const struct toron_rate_limit *conf);

/* ---- jwt ---- */
struct jwt_keys;
struct toron_jwt {
	const char *name, *origin;
	struct toron_secret secret, jwks;
	bool from_environment;             /* TORON_JWT_SECRET or TORON_JWT_JWKS (a JWK Set or a path to one) */
	const struct str *algorithms;      /* "HS256" ...; none: all that the keys allow */
	uint32_t n_algorithms;
	struct str issuer;                 /* len 0: not checked */
	const struct str *audience;        /* any of; none: not checked */
	uint32_t n_audience;
	uint32_t leeway_s;
	bool require_exp;
	struct str header;                 /* lower case; "authorization" means Bearer */
	struct jwt_keys **keys;            /* the generated file's slot; set by start */
};
int toron_jwt_start(const void *conf);
enum toron_verdict toron_jwt_request(struct exchange *x, const struct toron_jwt *conf);

/* ---- request-id ---- */
struct toron_request_id_conf {
	struct str header; /* lower case */
	bool trust_incoming;
};
enum toron_verdict toron_request_id_request(struct exchange *x, const struct toron_request_id_conf *conf);
void toron_request_id_response(struct exchange *x, const struct toron_request_id_conf *conf);

/* ---- grpc-web ---- */
struct toron_grpc_web {
	const char *name, *origin;
};
enum toron_verdict toron_grpc_web_request(struct exchange *x, const struct toron_grpc_web *conf);
void toron_grpc_web_response(struct exchange *x, const struct toron_grpc_web *conf);

/* ---- actions (struct toron_route: action, conf) ---- */
struct toron_backend;
void toron_action_backend(struct exchange *x, const void *conf); /* const struct toron_backend */
struct toron_split_leg {
	const struct toron_backend *backend;
	uint32_t below; /* the sum of the weights up to and with this one */
};
struct toron_split {
	const struct toron_split_leg *at;
	uint32_t n, total;
};
void toron_action_split(struct exchange *x, const void *conf);   /* const struct toron_split */
struct toron_line {
	struct str name; /* lower case */
	struct toron_template value;
};
struct toron_answer {
	uint16_t status;
	const struct toron_line *headers;
	uint32_t n_headers;
	struct toron_template body;
};
void toron_action_respond(struct exchange *x, const void *conf);  /* const struct toron_answer */
void toron_action_redirect(struct exchange *x, const void *conf); /* const struct toron_answer; body is the location */
struct toron_https {
	uint16_t status, port;
};
/* The same URL with https; const struct toron_https. A request without a host gets 400. */
void toron_action_redirect_https(struct exchange *x, const void *conf);
/* What the gateway tells of itself: const struct toron_admin. */
struct admin_token;
struct toron_admin {
	const char *origin;
	struct toron_secret token;    /* NONE: anybody may ask */
	struct admin_token **slot;    /* the generated file's; set by start, which is needed where there is a token */
};
int toron_admin_start(const void *conf);
void toron_action_metrics(struct exchange *x, const void *conf);  /* const struct toron_admin */
void toron_action_echo(struct exchange *x, const void *conf);     /* NULL */
