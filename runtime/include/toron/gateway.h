/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The top of the generated tables: one constant struct toron_gateway describes the whole deployment. */
#pragma once

#include "toron/abi.h"
#include "toron/match.h"
#include "toron/mw.h"

struct toron_front; /* a codec in the front role, named by the listener so that only what is used is linked */
extern const struct toron_front toron_front_http1;
struct toron_back;  /* a codec in the back role */
extern const struct toron_back toron_back_http1;

struct toron_limits {
	uint32_t header_bytes, header_count, uri_bytes;
	uint32_t connections;             /* of this listener over all workers; 0: unlimited */
	uint32_t requests_per_connection; /* 0: unlimited */
	uint64_t body_bytes;              /* 0: unlimited */
};
struct toron_listener {
	const char *name, *origin;
	const char *address;              /* numeric; NULL: all v4 and v6 */
	uint16_t port;
	const struct toron_front *front;
	const struct toron_router *router;
	struct toron_limits limits;
	uint32_t header_ms, body_ms, idle_ms, write_ms; /* time limits */
	unsigned uri_policy;              /* bits of TORON_URI_*: how the path is normalised */
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
toron_balance toron_balance_round_robin, toron_balance_random_two, toron_balance_least_connections;

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
	uint32_t max_pending;             /* exchanges that wait for one, per server and worker */
	bool preserve_host;
};

enum toron_log_level { TORON_LOG_DEBUG, TORON_LOG_INFO, TORON_LOG_WARN, TORON_LOG_ERROR };
struct toron_log {
	enum toron_log_level level;
	bool json;
	bool access;
	const char *access_path;          /* "stdout", "stderr" or a file */
	uint32_t access_sample_ppm;
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
};

/* The whole life of a gateway; the generated main calls it. The exit code: 0 drained, 1 could not start, 2 used wrongly. */
int toron_main(const struct toron_gateway *g, int argc, char **argv);
