/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Building the model: the state that the build_*.c files share, and typed access to the members of
 * a map.
 *
 * Accessors return the zero value for a member that is absent or poisoned; a poisoned one sets
 * b->poisoned, which the caller hands to the object that it builds. What the schema guarantees
 * (types, units, ranges) is not checked again. */
#pragma once

#include "base/arena.h"
#include "base/vec.h"
#include "model/model.h"

struct builder {
	struct arena *arena;
	struct diags *diags;
	struct model *model;
	bool poisoned; /* something of the object being built could not be read */
	VEC(struct m_listener) listeners;
	VEC(struct m_route) routes;
	VEC(struct m_backend) backends;
	VEC(struct m_certificate) certificates;
	VEC(struct m_middleware) middlewares;
	VEC(struct m_test) tests;
	VEC(struct m_invariant) invariants;
	VEC(struct m_error_page *) pages;
	/* The map of middlewares: those that the schema put there are built when used. */
	const struct node *built_ins;
};

/* The member, or NULL if it is absent or poisoned. */
const struct node *value_node(struct builder *b, const struct node *map, struct str key);
struct m_str value_str(struct builder *b, const struct node *map, struct str key);
struct m_bool value_bool(struct builder *b, const struct node *map, struct str key);
struct m_u64 value_count(struct builder *b, const struct node *map, struct str key);
struct m_i64 value_int(struct builder *b, const struct node *map, struct str key);
struct m_u64 value_ms(struct builder *b, const struct node *map,
	struct str key); /* 0 may be written without unit */
struct m_u64 value_bytes(struct builder *b, const struct node *map, struct str key);
/* `min_rate` of a map of limits. */
struct m_min_rate value_min_rate(struct builder *b, const struct node *limits);
struct m_u64 value_ppm(struct builder *b, const struct node *map, struct str key);
/* A single value or a list of them, as a list: calls once for each node that is not poisoned. */
const struct node *value_first(struct builder *b, const struct node *n);
const struct node *value_next(struct builder *b, const struct node *of, const struct node *at);
/* A string or a list of strings. */
struct m_strs value_strs(struct builder *b, const struct node *map, struct str key);
/* A node that is itself a string. */
struct m_str node_str(const struct node *n);
struct m_str node_key(const struct node *n);
struct str build_lower(struct arena *a, struct str s);

/* Each section. */
void build_listeners(struct builder *b, const struct node *list);
void build_routes(struct builder *b, const struct node *list);
/* The routes that redirect_to_https implies, behind all others. */
void build_redirects(struct builder *b);
void build_match(struct builder *b, const struct node *map, struct m_match *out);
void build_action(struct builder *b, const struct node *route, struct m_action *out);
void build_files(struct builder *b, const struct node *map, struct m_action *out);
void build_rewrite(struct builder *b, const struct node *map, struct m_rewrite *out);
void build_backends(struct builder *b, const struct node *map);
/* One written in place; returns its name. */
struct m_str build_backend_inline(struct builder *b, const struct node *map);
void build_middlewares(struct builder *b, const struct node *map);
/* A middleware used by a route: a name or a map. */
struct m_use build_use(struct builder *b, const struct node *n);
void build_header_lines(
	struct builder *b, const struct node *map, struct m_header_line **out, size_t *n_out);
/* match.grpc becomes paths, a method and a header. */
void build_match_grpc(struct builder *b, const struct node *n, struct m_match *out);
/* Address ranges: one, or a list. */
void build_cidrs(
	struct builder *b, const struct node *map, struct str key, struct m_cidr **out, size_t *n_out);
/* What `map` does not say is as in `base` (NULL: nothing). */
void build_forwarding(struct builder *b, const struct node *map, const struct m_forwarding *base,
	struct m_forwarding *out);
void build_errors(
	struct builder *b, const struct node *map, const struct m_errors *base, struct m_errors *out);
void build_retry(struct builder *b, const struct node *map, struct m_retry *out);
void build_websocket(struct builder *b, const struct node *map, struct m_websocket *out);
void build_health(struct builder *b, const struct node *map, struct m_health *out);
void build_tests(struct builder *b, const struct node *list);
void build_invariants(struct builder *b, const struct node *list);
void build_log(struct builder *b, const struct node *map);
void build_admin(struct builder *b, const struct node *root);
/* Parts that are written alike in listeners and in `admin`. */
void build_limits(struct builder *b, const struct node *map, struct m_limits *out);
void build_timeouts(struct builder *b, const struct node *map, struct m_listener_timeouts *out);
void build_runtime(struct builder *b, const struct node *map);
void build_routing(struct builder *b, const struct node *map);
/* A templated string. Errors in it are reported. */
void build_template(struct builder *b, const struct node *n, struct m_template *out);
/* The target of a regex, where $1 stands for what a group took and $$ for a $. */
void build_target_template(struct builder *b, const struct node *n, struct m_template *out);
/* A line of the access log, where other things are known. `text` stands in place of the node's own. */
void build_log_template(
	struct builder *b, const struct node *n, struct str text, struct m_template *out);
/* Where a file is that the config names: a relative path begins at the folder of the file that it is written in. */
struct str build_file_name(struct builder *b, const struct m_str *name);
struct m_file_name value_file(struct builder *b, const struct node *map, struct str key);
struct m_secret build_secret(struct builder *b, const struct node *map, struct str key);
void build_certificates(struct builder *b, const struct node *map);
void build_tls(struct builder *b, const struct node *map, struct m_tls *out);
void build_tls_client(struct builder *b, const struct node *map, struct m_tls_client *out);
