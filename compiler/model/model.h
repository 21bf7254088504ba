/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The typed config: what the tree says, with every default filled in and every unit parsed.
 *
 * Built by model_build from a tree that went through the schema (and was completed with the schema's defaults, so that no default is
 * written here). Names are still names; plan/ resolves them. Every field keeps its span. Lives in the compile arena, constant
 * once built. A part that could not be built is marked `poisoned` (already reported), and later passes skip it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/duration.h"
#include "base/uri.h"
#include "diag/diag.h"
#include "model/basic.h"
#include "model/tls.h"
#include "tree/tree.h"

/* A templated string of the running gateway: literal text and ${...} references, in order. */
enum m_part_kind {
	M_PART_LITERAL,
	M_PART_REQUEST_PATH, M_PART_REQUEST_QUERY, M_PART_REQUEST_HOST, M_PART_REQUEST_METHOD, M_PART_REQUEST_SCHEME,
	M_PART_REQUEST_ID,
	M_PART_REQUEST_HEADER, /* arg: the field name, lower case */
	M_PART_SOURCE_IP,
	M_PART_PATH,           /* arg: the path parameter's name */
	M_PART_CLAIM,          /* arg: the JWT claim's name, dots for members */
	M_PART_TLS,            /* arg: the name behind "tls."; field: an enum toron_tls_field */
	/* Only in the target of a rewrite by a regex: */
	M_PART_CAPTURE,        /* field: the group's number, 0: the whole */
	/* Only in the access log: */
	M_PART_LOG,            /* arg: the name; field: an enum toron_log_field */
	M_PART_RESPONSE_HEADER,/* arg: the field name, lower case */
};
struct m_part { enum m_part_kind kind; struct str arg; struct span at; unsigned field; };
struct m_template { struct m_part *parts; size_t n; struct span at; bool is_literal; /* no part but literals */ };

struct m_cidr { uint8_t addr[16]; /* v4 as ::ffff:0:0/96 */ uint8_t bits; /* of 128 */ struct m_str text; };

/* ---- what several sections have ---- */
/* How servers learn whom a request comes from. A listener's is complete: what it does not say is the gateway's. */
struct m_forwarding {
	unsigned send;                  /* bits of TORON_FORWARD_* */
	bool reads_forwarded;
	struct m_strs strip;            /* lower case */
};
struct m_error_page {
	const struct node *node;
	uint16_t from, to;              /* statuses */
	struct m_str content_type;
	struct m_str body;              /* of a file: filled in by the driver, since passes read no files */
	struct m_str file;              /* as written; absent: body was given */
	struct str path;                /* where the file is */
};
/* A route's is complete, too: its own pages come before the gateway's. */
struct m_errors {
	bool is_set;                    /* a route has one of its own */
	unsigned format;                /* enum toron_error_format */
	struct m_error_page **pages; size_t n_pages; /* in the order in which they are tried */
};
struct m_retry {
	bool is_set;
	struct span at;
	unsigned on;                    /* bits of TORON_RETRY_* */
	uint16_t *statuses; size_t n_statuses;
	uint32_t methods;               /* bits of enum toron_method; 0: the idempotent ones */
	uint32_t grpc;                  /* bits of gRPC's status codes */
	struct m_u64 attempts, per_try_timeout, backoff /* ms */, budget_ppm, body_bytes;
};
struct m_websocket {
	bool is_set;
	struct span at;
	struct m_u64 idle_timeout, total_timeout, ping_interval, close_timeout; /* ms; 0: none, but for close_timeout */
	struct m_u64 message_bytes, frame_bytes; /* 0: unlimited */
};

enum m_health_kind { M_HEALTH_HTTP, M_HEALTH_GRPC, M_HEALTH_TCP };
struct m_health {                       /* active checks */
	bool is_set;
	struct span at;
	enum m_health_kind kind;
	struct m_str path;              /* http */
	struct m_str service;           /* grpc; empty: the server as a whole */
	struct m_str host;              /* empty: the server's own */
	struct m_u64 port;              /* 0: the server's own */
	uint16_t *statuses; size_t n_statuses; /* http */
	struct m_u64 interval, timeout; /* ms; timeout is at most interval */
	struct m_u64 healthy_after, unhealthy_after;
};

/* ---- listeners ---- */
enum m_protocol { M_HTTP, M_HTTPS /* tcp tls udp follow with their codecs */ };

enum m_http_version { M_HTTP_1 = 1, M_HTTP_2 = 2 }; /* bits */

struct m_h2_limits {
	struct m_u64 period /* ms */, resets, settings, pings, priorities, empty_frames, window_updates, continuations;
	struct m_u64 window /* bytes */;
};
/* Bytes a second, over so many ms; 0: none. */
struct m_min_rate { struct m_u64 request, response, over; };
struct m_limits {
	struct m_u64 header_bytes, header_count, body_bytes /* 0: unlimited */, uri_bytes, unread_body;
	struct m_u64 connections, requests_per_connection /* 0: unlimited */, streams;
	struct m_h2_limits h2;
	struct m_u64 handshakes; /* TLS, per worker */
	struct m_min_rate min_rate;
};
struct m_listener_timeouts { /* ms */
	struct m_u64 header, body, idle, write, linger, linger_idle, handshake;
};
struct m_listener {
	const struct node *node;
	bool poisoned;
	struct m_str name;              /* defaulted: <protocol>-<port> */
	enum m_protocol protocol;
	unsigned versions;              /* bits of enum m_http_version */
	struct m_str address;           /* numeric; absent: all v4 and v6 */
	struct m_u64 port;
	struct m_limits limits;
	struct m_listener_timeouts timeouts;
	struct m_cidr *trusted; size_t n_trusted; /* proxies */
	struct m_forwarding forwarding;
	struct m_tls tls;               /* HTTPS only */
	struct m_https_redirect to_https;
	struct m_hsts hsts;
};

/* ---- routes ---- */
enum m_path_kind { M_PATH_ANY, M_PATH_PREFIX, M_PATH_EXACT, M_PATH_TEMPLATE, M_PATH_REGEX };
struct m_segment { bool is_param; struct str text; /* the literal, normalised, or the parameter's name */ struct span at; };
struct m_path {
	enum m_path_kind kind;
	struct m_str text;              /* as written */
	struct m_segment *segments;     /* prefix, exact, template: "/a/{b}" has 2; "/a/" has "a" and "" ; "/" has 1 empty (exact) or 0 (prefix) */
	size_t n_segments;
};
enum m_host_kind { M_HOST_EXACT, M_HOST_WILDCARD };
struct m_host { enum m_host_kind kind; struct m_str text; /* lower case, no trailing dot; wildcard without its "*", so ".example.com" */ };

enum m_value_kind { M_VALUE_EXACT, M_VALUE_PREFIX, M_VALUE_SUFFIX, M_VALUE_REGEX, M_VALUE_PRESENT, M_VALUE_ABSENT };
struct m_value_match { enum m_value_kind kind; struct m_str text; };
/* One header, query parameter or cookie: the name, and any of these values. */
struct m_field_match { struct m_str name; struct m_value_match *any_of; size_t n; };

struct m_match {
	struct m_host *hosts; size_t n_hosts;      /* none: any */
	struct m_path *paths; size_t n_paths;      /* none: any */
	struct m_str *methods; size_t n_methods;   /* upper case; none: any */
	struct m_field_match *headers; size_t n_headers;  /* all must hold */
	struct m_field_match *queries; size_t n_queries;
	struct m_field_match *cookies; size_t n_cookies;
	struct m_field_match *clients; size_t n_clients;  /* of the client's certificate */
	struct m_str *schemes; size_t n_schemes;
	struct m_cidr *sources; size_t n_sources;
	struct m_host *snis; size_t n_snis;
	struct span at;
};

enum m_action_kind { M_ACTION_BACKEND, M_ACTION_SPLIT, M_ACTION_RESPOND, M_ACTION_REDIRECT, M_ACTION_ECHO, M_ACTION_FILES };
struct m_header_line { struct m_str name; struct m_template value; };
struct m_split { struct m_str backend; struct m_u64 weight; };
enum m_coding { M_CODING_BR, M_CODING_GZIP, M_CODING_ZSTD };
struct m_file_type { struct m_str ending /* lower case, without the dot */, type; };
struct m_file { struct str path; uint64_t size; struct str bytes; /* ptr NULL until it was read */ struct str etag; };
struct m_files {
	struct m_str root;                 /* as written */
	struct str folder;                 /* where that is: relative to the folder of the file it is written in */
	struct m_bool embed, strip, hidden;
	bool no_links;
	struct m_u64 embed_limit;          /* bytes */
	struct m_strs indexes;
	struct m_str fallback;             /* without its leading slash; absent: none */
	enum m_coding *codings; size_t n_codings;
	struct m_str cache_control;        /* absent: none */
	struct m_file_type *types; size_t n_types;
	struct m_file *at; size_t n;       /* with embed, sorted by path; filled in by the driver, since passes read no files */
};
struct m_action {
	enum m_action_kind kind;
	struct span at;
	/* backend: the name of a backend, absent if the action could not be built; an inline `{url: ...}` became a backend of its own, see m_backend.is_inline */
	struct m_str backend;
	struct m_split *split; size_t n_split;
	/* respond */
	struct m_u64 status;
	struct m_header_line *headers; size_t n_headers;
	struct m_template body;
	/* redirect (status above) */
	struct m_template to;
	const struct m_listener *to_https; /* the same URL with https, at the port of this listener's redirect_to_https; `to` is empty */
	struct m_files *files;
};
/* What a backend is sent in place of path and host. */
struct m_rewrite {
	struct span at;                    /* source 0: there is none */
	struct m_str strip_prefix, prefix; /* normalised, without a trailing slash; absent: none */
	struct m_template path, host;      /* n 0: none */
	struct m_str regex;                /* absent: none */
	struct m_template to;              /* with regex */
};
struct m_route_timeouts { struct m_u64 total, first_byte; /* ms; 0: none / the backend's */ };

struct m_route {
	const struct node *node;        /* of an implied one: what implies it */
	bool poisoned, is_implied;
	struct m_str name;                 /* absent: the plan calls it route-<index> */
	struct m_i64 priority;
	struct m_strs listeners;           /* none: all */
	struct m_match match;
	struct m_use { struct m_str name; const struct node *node; } *uses; /* middlewares in order; an inline one has a made-up name */
	size_t n_uses;
	struct m_action action;
	struct m_route_timeouts timeouts;
	struct m_u64 body_bytes;           /* 0: the listener's limit alone */
	struct m_retry retry;              /* not set: the backend's */
	struct m_websocket websocket;      /* likewise */
	struct m_errors errors;            /* not set: the gateway's */
	struct m_rewrite rewrite;
};

/* ---- backends ---- */
enum m_balance { M_BALANCE_ROUND_ROBIN, M_BALANCE_RANDOM_TWO, M_BALANCE_LEAST_CONNECTIONS, M_BALANCE_IP_HASH };
struct m_server {
	const struct node *node;
	struct m_str host;              /* a name or numeric address, no brackets */
	struct m_u64 port;
	struct m_str base_path;         /* of the url, normalised, without a trailing slash; empty: none */
	struct m_u64 weight;
	bool is_numeric;
	bool is_tls;                    /* an https URL, or an address in a backend with a tls section */
};
enum m_backend_protocol { M_BACKEND_HTTP1, M_BACKEND_H2, M_BACKEND_AUTO };
struct m_backend {
	const struct node *node;
	bool poisoned, is_inline;
	struct m_str name;              /* an inline one: "routes[2].backend" */
	struct m_server *servers; size_t n_servers;
	enum m_balance balance;
	struct { struct m_u64 connect, first_byte, idle; } timeouts;           /* ms */
	enum m_backend_protocol protocol;
	struct { struct m_u64 idle_connections, idle_timeout /* ms */, streams; } pool; /* per server and worker */
	struct { struct m_u64 connections, pending; } limits;                  /* per server (all workers); 0: unlimited */
	struct m_min_rate min_rate;     /* response only */
	struct { struct m_u64 request, response; } buffering;                  /* bytes; 0: none, the usual */
	struct m_bool preserve_host;    /* send the client's Host (default) or the server's */
	struct m_retry retry;
	struct m_tls_client tls;
	struct m_websocket websocket;
	struct m_health health;
};

/* ---- middlewares ---- */
enum m_mw_kind { M_MW_HEADERS, M_MW_RATE_LIMIT, M_MW_JWT, M_MW_REQUEST_ID, M_MW_GRPC_WEB };
enum m_header_op { M_HEADER_SET, M_HEADER_ADD, M_HEADER_REMOVE };
struct m_header_edit { enum m_header_op op; struct m_str name; struct m_template value; };
enum m_rate_key { M_KEY_SOURCE, M_KEY_HEADER, M_KEY_CLAIM, M_KEY_ROUTE };
struct m_middleware {
	const struct node *node;        /* NULL for a built-in used by its own name without a definition */
	bool poisoned;
	enum m_mw_kind kind;
	struct m_str name;              /* the user's, the built-in's, or "routes[2].middlewares[0]" */
	struct { struct m_header_edit *request, *response; size_t n_request, n_response; } headers;
	struct { struct rate rate; struct m_u64 burst; enum m_rate_key key; struct m_str key_arg; struct m_u64 max_keys; struct span at; } rate_limit;
	struct {
		struct m_secret secret;     /* HS*; from the definition */
		struct m_secret jwks;       /* a JWK Set (text), from {env} or {file} */
		bool from_environment;      /* neither given: TORON_JWT_SECRET or TORON_JWT_JWKS at start */
		struct m_strs algorithms;   /* none: all that the keys allow */
		struct m_str issuer;
		struct m_strs audience;
		struct m_u64 leeway;        /* ms */
		struct m_bool require_exp;
		struct m_str header;        /* where the token is: default "authorization" (Bearer) */
	} jwt;
	struct { struct m_str header; struct m_bool trust_incoming; } request_id;
};

/* ---- tests and invariants ---- */
struct m_test {
	const struct node *node;
	bool poisoned;
	struct m_str name, request, source, listener; /* name, source, listener: may be absent */
	struct m_field { struct m_str name, value; } *headers; size_t n_headers;
	struct m_str route, backend;    /* expected; absent: anything */
	struct m_u64 status;            /* 0: anything */
	struct m_strs middlewares; bool has_middlewares;
};
struct m_invariant {
	const struct node *node;
	bool poisoned;
	struct m_str name;
	struct m_match match;           /* `for` */
	struct m_strs middlewares;      /* all of these in the chain */
	struct m_str action;            /* absent: any */
};

/* ---- the rest ---- */
struct m_log {
	struct m_str level, format;     /* debug|info|warn|error; text|json */
	struct {
		struct m_bool enabled;
		struct m_str path;      /* stdout, stderr or a file */
		struct m_u64 sample_ppm;
		struct m_u64 flush;     /* ms */
		unsigned *fields; size_t n_fields; /* enum toron_log_field; none: the usual ones */
		struct m_template line; /* n > 0: in place of JSON */
	} access;
};
/* The gateway's own listener, and what it serves. */
struct m_admin {
	const struct node *node;        /* may be one that the schema put there */
	bool is_written, is_open;       /* it stands in the config; it has something to serve */
	struct m_listener listener;     /* clear text; among no routes' listeners. Its address and port are written as one */
	struct m_secret token;
	struct m_str metrics_path;      /* normalised; absent: no metrics */
};
struct m_runtime {
	struct m_u64 workers;           /* 0: auto, one a core */
	struct m_u64 drain_timeout;     /* ms */
	struct m_str user;              /* absent: stay as started */
	struct m_u64 memory;            /* bytes for buffers and exchanges of the process; 0: unlimited */
};
struct m_routing { bool ties_file_order; bool merge_slashes; bool allow_encoded_slashes; };

struct model {
	const struct node *root;
	/* Of these sections something was left out (reported): a name that is not there may have been meant to be. */
	bool lacks_listeners, lacks_routes, lacks_backends, lacks_middlewares, lacks_certificates, lacks_routing;
	bool is_whole;                                         /* nothing is poisoned that has to do with where requests go */
	struct m_str name;
	struct m_listener *listeners; size_t n_listeners;
	struct m_route *routes; size_t n_routes;               /* file order */
	struct m_backend *backends; size_t n_backends;         /* named in file order, then inline ones */
	struct m_certificate *certificates; size_t n_certificates; /* file order */
	struct m_middleware *middlewares; size_t n_middlewares;/* named in file order, then built-ins and inline ones as used */
	struct m_forwarding forwarding;
	struct m_errors errors;
	struct m_error_page **pages; size_t n_pages;           /* all, those of routes as well */
	struct m_log log;
	struct m_admin admin;
	struct m_runtime runtime;
	struct m_routing routing;
	struct m_test *tests; size_t n_tests;
	struct m_invariant *invariants; size_t n_invariants;
};

/* Builds the model, also of a tree that has mistakes; reports what the schema could not see. Never NULL. */
struct model *model_build(struct arena *a, struct diags *d, const struct node *root);
/* Where an http listener redirects to: the port that it says, or that of the https listener, 443 if there are several. 0: nobody can tell. */
uint16_t model_https_port(const struct model *m, const struct m_listener *l);
/* What the language calls a status of gRPC. */
const char *model_grpc_name(unsigned code);
/* The model as text, for `toronc dump --stage model` and golden tests. origins: with places. */
struct sbuf;
void model_dump(struct sbuf *out, const struct diags *d, const struct model *m, bool origins);
