/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the check_*.c files share: the model's names as maps, and reports with a path. */
#pragma once

#include "base/map.h"
#include "check/check.h"

struct checker {
	struct arena *arena;
	struct diags *diags;
	const struct model *model;
	/* What can be named: name -> struct m_listener, m_backend, m_middleware, m_certificate. */
	struct map listeners, backends, middlewares, certificates;
	struct map used; /* names of backends ("b:"), middlewares ("m:") and certificates ("c:") that something uses */
	/* A route could not be built or is missing, so that what seems unused may be used in it. */
	bool is_partial;
	/* Some route names one that is not there: it may be one that seems unused. */
	bool misses_backend, misses_middleware, misses_certificate;
};

/* Reports at `at`; the path is that of `n` and, behind a dot, `member` (may be NULL). */
void check_report(struct checker *c, const struct node *n, const char *member, struct span at,
	enum diag_id id, const char *format, ...) __attribute__((format(printf, 6, 7)));
/* "did you mean" with the place of the definition, or the list of what there is. `what` is the
 * plural. */
void check_suggest(struct checker *c, const struct map *names, struct str name, const char *what);

void check_listeners(struct checker *c);
void check_routes(struct checker *c);
void check_route_names(struct checker *c);
void check_actions(struct checker *c, const struct m_route *r);
void check_files(struct checker *c, const struct m_route *r);
/* The references of a route's templated strings, its own and those of its middlewares. */
void check_templates(struct checker *c, const struct m_route *r);
void check_backends(struct checker *c);
/* Whether HTTP/2, which gRPC needs, may be spoken to the servers. */
bool check_may_speak_h2(const struct m_backend *b);
void check_websocket_limits(struct checker *c, const struct node *owner, const struct m_websocket *w);
void check_middlewares(struct checker *c);
/* One listener's side of TLS, one backend's; then the certificates, as these may have used them. */
void check_tls(struct checker *c, const struct m_listener *l);
void check_https_redirect(struct checker *c, const struct m_listener *l);
void check_hsts(struct checker *c, const struct m_listener *l);
void check_tls_client(struct checker *c, const struct m_backend *b);
void check_certificates(struct checker *c);
void check_operations(struct checker *c);

/* Fields that belong to one connection (RFC 9110 section 7.6.1) or say where a message ends.
 * `name` is in lower case. */
bool check_is_connection_field(struct str name);
/* Reports control characters in the literal parts of a header value or redirect target; false if there are some. */
bool check_header_value(struct checker *c, const struct node *n, const char *member,
	const struct m_template *value);
