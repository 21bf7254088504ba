/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The inside of emit_files: its state and its parts, one emit_*.c each. Everybody else uses
 * emit/emit.h.
 *
 * gateway.c is written from top to bottom, so that each part finds declared what it needs; parts
 * run in the order below. */
#pragma once

#include "base/map.h"
#include "base/vec.h"
#include "emit/cwriter.h"
#include "emit/emit.h"
#include "plan/plan.h"

/* How one matcher is emitted. */
struct emit_choice {
	bool is_table;
	const char *function; /* its name in C */
};

struct emitter {
	struct arena *arena;
	const struct plan *plan;
	const struct emit_options *options;
	struct emit_files *files;
	struct cwriter c;      /* gateway.c */
	struct cwriter blobs;  /* the assembler file */
	struct cwriter re;     /* the current re2c file */
	uint32_t n_re;         /* re2c files so far */
	uint32_t re_states;    /* of the DFAs in the current one */
	uint32_t re_total;     /* and in all of them */
	struct map taken;      /* identifiers */
	const char *file_name; /* of the main config */
	const char **sites; /* by route; NULL: not of files */
	const char **backends, **mws, **chains, **whens, **certificates,
		**confs; /* identifiers by index; NULL: none */
	/* The function that checks a path alone, by path; NULL: not needed so far. */
	const char **patterns;
	VEC(const char *) tls_clients; /* by index */
	struct emit_choice *matchers, *hosts; /* by matcher, by router */
};

/* emit_matcher.c: one matcher as a function `name`, declared in gateway.c. `what` says what it
 * is of. */
struct emit_choice emit_matcher(
	struct emitter *e, const struct plan_matcher *m, const char *name, const char *what);
/* All matchers of paths and hosts, and the path checks that lists need. */
void emit_matchers(struct emitter *e);
/* Ends the current re2c file, if there is one. */
void emit_re_end(struct emitter *e);

/* emit_re2c.c, emit_table.c: the two emitters behind emit_matcher. */
void emit_re2c(struct emitter *e, const struct plan_matcher *m, const char *name, const char *what);
void emit_table(
	struct emitter *e, const struct plan_matcher *m, const char *name, const char *what);
/* A function that tells whether one path alone takes the string. */
void emit_re2c_pattern(struct emitter *e, const struct plan_path *path, const char *name);

/* emit_blob.c: a data file and its place in the object file; declares the symbol in gateway.c. */
void emit_blob(struct emitter *e, const char *symbol, struct str file, struct str bytes);
/* The config's text with literal secrets blotted out. */
void emit_config(struct emitter *e);

/* emit_backend.c, emit_mw.c, emit_when.c, emit_route.c, emit_router.c */
void emit_backends(struct emitter *e);
/* emit_tls.c: certificates, and before each listener and backend its side of TLS; both return its name, or NULL for clear text. */
void emit_certificates(struct emitter *e);
const char *emit_tls(struct emitter *e, const struct plan_listener *l);
const char *emit_tls_client(struct emitter *e, const struct plan_backend *b);
/* The list of all clients' sides, where there are any. */
void emit_tls_clients(struct emitter *e);
/* emit_site.c: what the action files is told, before the setups that check it. */
void emit_sites(struct emitter *e);
void emit_mws(struct emitter *e);
void emit_chains(struct emitter *e);
void emit_whens(struct emitter *e);
void emit_routes(struct emitter *e);
void emit_routers(struct emitter *e);
void emit_listeners(struct emitter *e);
/* emit_admin.c: what the gateway serves itself. It is a route like others, behind all of them, with a router and a listener of its own,
 * so that a gateway's own listener is one like others. Each does nothing where nothing is served. */
void emit_admin(struct emitter *e);
bool emit_has_admin_setup(const struct emitter *e);
void emit_admin_route(struct emitter *e);
void emit_admin_router(struct emitter *e);

/* emit_policy.c: the same things in several sections. */
/* The files of error pages, as blobs. */
void emit_pages(struct emitter *e);
/* ".errors = { ... }," with nothing for the default. */
void emit_errors_members(struct emitter *e, const struct m_errors *errors);
/* ".errors = &(...){...},", ".retry = ..." and ".forwarding = ...", each only where it is set. */
void emit_route_errors(struct emitter *e, const struct m_errors *errors);
void emit_retry(struct emitter *e, const struct m_retry *retry);
void emit_websocket(struct emitter *e, const struct m_websocket *websocket);
void emit_forwarding(struct emitter *e, const struct m_listener *l);
const char *emit_log_field(unsigned field);
void emit_secret(struct emitter *e, const char *field, const struct m_secret *s);
/* Bits of enum toron_method, joined by "|". */
const char *emit_methods(struct emitter *e, uint32_t methods);

/* Small things that all parts use. */

/* An element of an array of struct toron_cidr; in emit_when.c. */
void emit_cidr(struct emitter *e, const struct m_cidr *cidr);

/* "gateway.yaml:12:3", quoted; NULL without a place. */
const char *emit_origin(struct emitter *e, struct span at);
/* The comment before an object: its place, its path in the config, its name. node may be NULL. */
void emit_comment(struct emitter *e, struct cwriter *w, const struct node *node, struct str name);
/* ".field = STR_INIT("...")," and nothing for an absent string. */
void emit_str(struct emitter *e, const char *field, struct str s);
/* ".field = "..."," and nothing for NULL. */
void emit_cstr(struct emitter *e, const char *field, const char *quoted);
/* ".field = value," and nothing for 0. */
void emit_u64(struct emitter *e, const char *field, uint64_t value);
/* A struct toron_pace of that name; nothing where there is no rate. */
void emit_pace(struct emitter *e, const char *field, struct m_u64 rate, struct m_u64 over);
/* ".field = { .parts = ..., .n = ... }," and nothing for an empty template. */
void emit_template(struct emitter *e, const char *field, const struct plan_template *t);
struct emit_file *emit_add_file(
	struct emitter *e, struct str name, enum emit_kind kind, struct str text);
