/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The top of the generated tables: one constant struct toron_gateway describes the whole deployment. */
#pragma once

#include "toron/abi.h"
#include "toron/match.h"
#include "toron/mw.h"
#include "toron/tls.h"

struct toron_front; /* a codec in the front role, named by the listener so that only what is used is linked */
extern const struct toron_front toron_front_http1, toron_front_http2;
extern const struct toron_front toron_front_tls; /* the handshake, in front of the others */
struct toron_back;  /* a codec in the back role */
extern const struct toron_back toron_back_http1, toron_back_http2, toron_back_auto;

/* What one HTTP/2 connection may make the gateway do for nothing. Counts are for each period; more ends the connection. */
struct toron_h2_limits {
	uint32_t period_ms;
	uint32_t resets;                  /* streams that the client resets, or that end in an error of its making */
	uint32_t settings, pings, priorities, empty_frames; /* frames */
	uint32_t window_updates;          /* beyond four for each DATA frame that was sent */
	uint32_t continuations;           /* of one head */
	uint32_t window;                  /* bytes of bodies that all streams of the connection may have under way to us */
};
/* The least that a peer must get on while it alone is waited for: so many bytes in each span of time. */
struct toron_pace {
	uint64_t bytes;                   /* 0: it may be as slow as it likes */
	uint32_t over_ms;
};
struct toron_limits {
	uint32_t header_bytes, header_count, uri_bytes;
	uint32_t connections;             /* of this listener over all workers; 0: unlimited */
	uint32_t requests_per_connection; /* 0: unlimited */
	uint64_t body_bytes;              /* 0: unlimited */
	uint64_t unread_body;             /* of a body that may be known to follow an answer that keeps the connection */
	uint32_t streams;                 /* at a time on one HTTP/2 connection; 0: 128 */
	const struct toron_h2_limits *h2; /* NULL: the usual ones */
	struct toron_pace request, response; /* clients that send a body, and that take one */
};
/* The fields by which a server learns whom a request comes from: which are sent, and whose are believed. */
#define TORON_FORWARD_FOR 1u       /* x-forwarded-for, and so on */
#define TORON_FORWARD_PROTO 2u
#define TORON_FORWARD_HOST 4u
#define TORON_FORWARD_PORT 8u
#define TORON_FORWARD_REAL_IP 16u  /* x-real-ip */
#define TORON_FORWARD_FORWARDED 32u
#define TORON_FORWARD_VIA 64u
struct toron_forwarding {
	unsigned send;                    /* bits of TORON_FORWARD_* */
	bool reads_forwarded;             /* trusted proxies are believed in Forwarded, not in X-Forwarded-* */
	const struct toron_cidr *trusted; /* proxies */
	const struct str *strip;          /* lower case: more fields that only trusted proxies may send */
	uint32_t n_trusted, n_strip;
};

struct toron_listener {
	const char *name, *origin;
	const char *address;              /* numeric; NULL: all v4 and v6 */
	uint16_t port;
	const struct toron_front *front;
	const struct toron_router *router;
	struct toron_limits limits;
	uint32_t header_ms, body_ms, idle_ms, write_ms; /* time limits */
	uint32_t linger_ms, linger_idle_ms; /* for what comes while a connection ends: of a body in all, without a byte */
	unsigned uri_policy;              /* bits of TORON_URI_*: how the path is normalised */
	_Atomic uint32_t *open;           /* connections open now, over all workers: the generated file's slot */
	const struct toron_forwarding *forwarding; /* NULL: nobody is trusted; via, x-forwarded-for, -proto and -host are sent */
	const struct toron_tls *tls;      /* NULL: clear text. `front` is then the handshake, which hands over by ALPN: */
	const struct toron_front *http1, *http2; /* what this listener speaks; NULL: not that. In clear text, http1 hands over to http2
	                                          * when it meets its preface */
	struct str hsts;                  /* Strict-Transport-Security in answers to https requests; len 0: none */
};
#define TORON_URI_KEEP_SLASHES 1u
#define TORON_URI_ALLOW_ENCODED_SLASH 2u

struct toron_server {
	const char *origin;
	struct str host;                  /* name or numeric address, no brackets */
	struct str authority;             /* what Host says when the server's own is sent: "host:port", no ":80" */
	struct str base_path;             /* put before the path; len 0: none */
	uint16_t port;
	uint16_t weight;                  /* 1..1000 */
	bool is_numeric;
};
struct backend;
/* Picks a server: an index into servers, or -1 when none can take the exchange. One function a policy. */
typedef int toron_balance(struct backend *b, struct exchange *x);
toron_balance toron_balance_round_robin, toron_balance_random_two, toron_balance_least_connections, toron_balance_ip_hash;

/* When a request is sent once more. */
#define TORON_RETRY_CONNECT 1u /* the server could not be reached */
#define TORON_RETRY_RESET 2u   /* it closed the connection before it answered */
#define TORON_RETRY_TIMEOUT 4u /* it did not answer in time */
struct toron_retry {
	unsigned on;                      /* bits of TORON_RETRY_* */
	const uint16_t *statuses;         /* answers that are not passed on while another attempt is left */
	uint32_t n_statuses;
	uint32_t attempts;                /* in all */
	uint32_t methods;                 /* bits of enum toron_method that may be sent twice; 0: the idempotent ones */
	uint32_t per_try_ms;              /* for each attempt; 0: no limit */
	uint32_t backoff_ms;              /* the longest wait before the second attempt; doubles with each, to ten times */
	uint32_t budget_ppm;              /* retries for a million requests, besides a reserve of ten */
	uint32_t body_bytes;              /* of a request body that is kept for another attempt */
	uint32_t grpc;                    /* statuses of gRPC (1 << code) that are treated like those above, whatever the method */
};

/* What a WebSocket may do. Whoever names `begin` links the code that looks into its frames. */
struct toron_websocket {
	void (*begin)(struct exchange *x, const struct toron_websocket *conf); /* toron_websocket_watch */
	uint32_t idle_ms, total_ms;       /* without a message; in all; 0: no limit */
	uint32_t ping_ms;                 /* a side that is silent for so long is sent a ping; 0: none are sent */
	uint32_t close_ms;                /* for the closing handshake */
	uint64_t message_bytes, frame_bytes; /* of payload, as it is sent; 0: no limit */
};
void toron_websocket_watch(struct exchange *x, const struct toron_websocket *conf);

/* How the servers of a backend are asked whether they are fit. What is named as kind is linked. */
struct toron_health_kind;
extern const struct toron_health_kind toron_health_http, toron_health_grpc, toron_health_tcp;
struct toron_health {
	const struct toron_health_kind *kind;
	struct str path;                  /* http: what is asked for */
	struct str service;               /* grpc: of grpc.health.v1; len 0: the server as a whole */
	struct str host;                  /* Host or :authority; len 0: the server's own */
	const uint16_t *statuses;         /* http: good answers */
	uint32_t n_statuses;
	uint16_t port;                    /* 0: the server's own */
	uint32_t interval_ms, timeout_ms;
	uint32_t healthy_after, unhealthy_after; /* probes in a row */
};

struct toron_backend {
	const char *name, *origin;
	uint32_t index;                   /* in toron_gateway.backends */
	const struct toron_back *codec;
	toron_balance *balance;
	const struct toron_server *servers;
	uint32_t n_servers;
	uint32_t connect_ms, first_byte_ms, idle_ms;
	uint32_t pool_idle;               /* idle connections kept, per server and worker */
	uint32_t pool_idle_ms;
	uint32_t max_connections;         /* per server, over all workers; 0: unlimited */
	uint32_t max_pending;             /* exchanges that wait for one, per server, over all workers; 0: unlimited */
	bool preserve_host;
	const struct toron_retry *retry;  /* NULL: other addresses and servers when connecting fails */
	const struct toron_tls_client *tls; /* NULL: clear text */
	uint32_t buffer_request;          /* bytes of a request's body that are gathered before it goes to a server; 0: none */
	uint32_t buffer_response;         /* bytes of a response that may wait for the client; 0: the usual number */
	uint32_t streams;                 /* exchanges at a time on one connection, where its protocol can; 0: 100 */
	const struct toron_websocket *websocket; /* NULL: WebSockets are plain tunnels */
	struct toron_pace response;       /* servers that send a body */
	const struct toron_health *health; /* NULL: servers are not asked whether they are fit */
};

/* What a line of the access log may say. Those up to FAULT are there unless others are chosen; PEER among them only where it is not the
 * client. COMMON_TIME is for templates. */
enum toron_log_field {
	TORON_LOG_TIME, TORON_LOG_LISTENER, TORON_LOG_CLIENT, TORON_LOG_PEER, TORON_LOG_METHOD, TORON_LOG_HOST, TORON_LOG_PATH,
	TORON_LOG_PROTOCOL, TORON_LOG_STATUS, TORON_LOG_ROUTE, TORON_LOG_BACKEND, TORON_LOG_SERVER, TORON_LOG_TRIES,
	TORON_LOG_DURATION, TORON_LOG_FIRST_BYTE, TORON_LOG_REQUEST_BYTES, TORON_LOG_RESPONSE_BYTES, TORON_LOG_REQUEST_ID,
	TORON_LOG_USER_AGENT, TORON_LOG_FAULT,
	TORON_LOG_SCHEME, TORON_LOG_REFERER, TORON_LOG_USER, TORON_LOG_CONNECT, TORON_LOG_COMMON_TIME,
	TORON_LOG_TLS_VERSION, TORON_LOG_TLS_CIPHER, TORON_LOG_TLS_SNI, TORON_LOG_TLS_CLIENT, /* the last one: the subject */
};
enum toron_log_level { TORON_LOG_DEBUG, TORON_LOG_INFO, TORON_LOG_WARN, TORON_LOG_ERROR };
struct toron_log {
	enum toron_log_level level;
	bool json;
	bool access;
	const char *access_path;          /* "stdout", "stderr" or a file */
	uint32_t access_sample_ppm;
	const enum toron_log_field *access_fields; /* JSON; none: the usual ones */
	uint32_t n_access_fields;
	struct toron_template access_template;     /* n > 0: lines of this form instead of JSON */
	uint32_t access_flush_ms;         /* how long lines may wait for others; 0: until the turn ends */
};

/* What the gateway's own answers to errors look like. */
enum toron_error_format { TORON_ERRORS_TEXT, TORON_ERRORS_HTML, TORON_ERRORS_JSON, TORON_ERRORS_AUTO /* as Accept wants */ };
struct toron_error_page {
	uint16_t from, to;                /* statuses */
	struct str content_type, body;
};
struct toron_errors {
	enum toron_error_format format;
	const struct toron_error_page *pages; /* the first that fits */
	uint32_t n_pages;
};

/* Something to set up at boot: a middleware's start function with its table. Nonzero: the gateway does not start (already logged). */
struct toron_setup {
	int (*start)(const void *conf);
	const void *conf;
};

struct toron_gateway {
	uint32_t abi_major, abi_minor;
	const char *name, *toron_version;
	struct str config_name, config_text;
	const struct toron_listener *listeners;
	const struct toron_route *routes;        /* in rank order */
	const struct toron_backend *const *backends;
	const struct toron_setup *setups;
	const struct str *extra_methods;
	uint32_t n_listeners, n_routes, n_backends, n_setups, n_extra_methods;
	struct toron_log log;
	uint32_t workers;                        /* 0: one a core */
	uint32_t drain_ms;
	uint64_t memory;                         /* bytes for buffers and exchanges of the process; 0: unlimited */
	const char *user;                        /* NULL: stay */
	struct toron_errors errors;
	const struct toron_certificate *const *certificates;
	const struct toron_tls_client *const *tls_clients;
	uint32_t n_certificates, n_tls_clients;
	const struct toron_tls_engine *tls;      /* &toron_tls_engine_gnutls if a listener or a backend has TLS; else NULL */
	void (*metrics)(struct exchange *x);     /* toron_metrics_observe; NULL: nothing is counted */
};

/* Called for each exchange that has ended. */
void toron_metrics_observe(struct exchange *x);
/* The whole life of a gateway; the generated main calls it. The exit code: 0 drained, 1 could not start, 2 used wrongly. */
int toron_main(const struct toron_gateway *g, int argc, char **argv);
