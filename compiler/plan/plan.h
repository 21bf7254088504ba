/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The plan: the deployment resolved and ordered, with no names left to look up. What prove/
 * reasons about, what emit/ writes down and what plan/lookup.h interprets is this one structure,
 * so that proof, explanation and binary cannot disagree.
 *
 * Built by plan_build from a model that passed the checks; constant afterwards. It lives in the
 * compile arena and borrows from the model, the tree and the diagnostics, which must live as
 * long. Numbers are indexes into the arrays of struct plan.
 *
 * Routing. A model route with several hosts and paths becomes several *entries* (one per host
 * form and path form), each of which has its own place in the order of routes (plan/order.h); an
 * entry's index is its rank. A *path* is a path form seen as a language; equal languages spelt
 * with other parameter names are one path. A *matcher* is a list of paths with their DFA; hosts
 * that serve the same paths share it. A *group* is a matcher with the entries behind each of its
 * paths. A *router* leads from a host to a list of groups, most specific host form first. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "automata/automata.h"
#include "base/arena.h"
#include "base/map.h"
#include "diag/diag.h"
#include "model/model.h"
#include "toron/capture.h"
#include "toron/exchange.h"

/* An index that stands for "none". */
#define PLAN_NONE UINT32_MAX
/* A path parameter that a path form does not have (struct toron_candidate). */
#define PLAN_NO_SEGMENT 255

struct plan_part {
	enum toron_part_kind kind;
	uint32_t index;  /* PARAM: in the route's params; LOG: enum toron_log_field; CAPTURE: group */
	struct str text; /* LITERAL, HEADER, CLAIM */
};
struct plan_template {
	struct plan_part *parts;
	uint32_t n;
};

/* Of which names in TLS handshakes consist. */
#define PLAN_SNI_BYTES "abcdefghijklmnopqrstuvwxyz0123456789-_."

/* ---- languages ---- */
struct plan_path {
	struct str key; /* equal for equal languages: "prefix /users/{}" */
	struct re *re;
	bool is_regex;
	struct span at; /* where it was first written */
};
struct plan_matcher {
	const uint32_t *paths;   /* NULL: not of paths (hosts, values) */
	const struct str *names; /* of the patterns, for people */
	struct re *const *patterns;
	uint32_t n;
	struct dfa dfa;
};

/* ---- routes ---- */
enum plan_host_kind { PLAN_HOST_EXACT, PLAN_HOST_WILDCARD, PLAN_HOST_ANY };
/* The hosts of an entry: all exact ones of its route together, or all wildcards of one length,
 * or any. */
struct plan_hosts {
	enum plan_host_kind kind;
	const struct str *at; /* sorted, no duplicates; wildcards as ".example.com" */
	uint32_t n;
};
/* One header, query parameter, cookie, server name or part of the client's certificate that must be there: any of the alternatives. */
struct plan_field {
	enum toron_where where;
	struct str name;
	bool present, absent;               /* takes any value; takes its absence */
	const struct m_value_match *values; /* exact, prefix, suffix and regex alternatives */
	uint32_t n;
	struct re *language;        /* of all values together; NULL: none */
	struct plan_matcher *regex; /* of the regex alternatives together; NULL: none */
};
struct plan_when {
	struct plan_field *fields; /* headers, query parameters, cookies, the client's certificate, the server name (sni), in this order */
	uint32_t n_fields, n_headers, n_queries, n_cookies, n_clients;
	bool http, https;             /* the schemes that are taken; both: any */
	const struct m_cidr *sources; /* none: any */
	uint32_t n_sources;
};
enum plan_action_kind {
	PLAN_ACTION_BACKEND,
	PLAN_ACTION_SPLIT,
	PLAN_ACTION_RESPOND,
	PLAN_ACTION_REDIRECT,
	PLAN_ACTION_ECHO,
	PLAN_ACTION_FILES,
};
struct plan_leg {
	uint32_t backend, weight; /* weight > 0 */
};
struct plan_line {
	struct str name; /* lower case */
	struct plan_template value;
};
struct plan_action {
	enum plan_action_kind kind;
	uint32_t backend;
	struct plan_leg *legs;
	uint32_t n_legs;
	uint16_t status;
	struct plan_line *headers;
	uint32_t n_headers;
	struct plan_template text; /* RESPOND: the body; REDIRECT: the location */
	uint16_t https_port;       /* REDIRECT: of the same URL with https; 0: to the text */
	const struct m_files *files;
};
struct plan_rewrite {
	struct str strip_prefix, prefix;  /* empty: none */
	struct plan_template path, host;  /* n 0: none */
	struct str regex_text;
	struct re *regex;                 /* the paths that are replaced; NULL: there is no regex */
	const struct toron_capture *capture; /* with regex, as are the rest */
	struct plan_template to;
};
struct plan_route {
	const struct m_route *model;
	uint32_t index; /* in the file */
	struct str name;
	struct span at;
	int64_t priority;
	uint32_t methods; /* bits of enum toron_method, HEAD wherever GET is; 0: any */
	struct plan_when when;
	struct plan_action action;
	uint32_t chain;     /* PLAN_NONE: no middleware */
	struct str *params; /* the path parameters' canonical order */
	uint32_t n_params;
	uint32_t *listeners; /* ascending */
	uint32_t n_listeners;
	uint32_t total_ms, first_byte_ms;
	const struct plan_rewrite *rewrite; /* NULL: none */
};
struct plan_entry {
	uint32_t route;
	uint32_t path;
	struct plan_hosts hosts;
	const struct m_path *form; /* NULL: no path was given */
	const uint8_t *params; /* [route's n_params] segment numbers; NULL: the route has none */
	uint32_t strip; /* FILES: segments of the path that are not part of a file's name */
};

/* ---- routers ---- */
struct plan_slot {
	uint32_t entry;   /* its rank */
	uint32_t pattern; /* in the group's matcher */
};
struct plan_group {
	uint32_t matcher;
	struct plan_slot *slots; /* ascending by rank */
	uint32_t n_slots;
	/* The entries behind pattern i: behind[behind_first[i] .. behind_first[i + 1]), ascending. */
	const uint32_t *behind_first, *behind;
	struct str hosts; /* for people: "api.example.com", "*.example.com", "any host" */
};
struct plan_list {
	uint32_t *groups; /* in plan.groups */
	uint32_t n;
};
struct plan_router {
	uint32_t *routes; /* in plan.routes, ascending */
	uint32_t n_routes;
	/* Host patterns (n is 1): exact ones sorted, then wildcards from long to short. */
	struct plan_hosts *atoms;
	uint32_t n_atoms;
	struct plan_matcher hosts; /* pattern i is atom i */
	struct plan_list *lists;   /* distinct; [0]: what serves hosts that no atom takes */
	uint32_t n_lists;
	uint32_t *list_of_atom; /* the list of the first atom that takes a host decides */
	uint32_t *groups;       /* in plan.groups: all that its lists name, in order of first use */
	uint32_t n_groups;
};

/* ---- chains ---- */
struct plan_edit {
	enum m_header_op op;
	struct str name; /* lower case */
	struct plan_template value;
};
/* A middleware in use. One whose templates name path parameters stands here once per way in
 * which routes number them. */
struct plan_mw {
	const struct m_middleware *model;
	struct str name;
	struct plan_edit *request, *response; /* headers */
	uint32_t n_request, n_response;
	bool has_response, has_setup;
};
struct plan_chain {
	uint32_t *mws;
	uint32_t n;
	uint32_t route; /* the first that uses it */
	bool has_response;
};

/* ---- the rest ---- */
struct plan_server {
	const struct m_server *model;
	struct str authority; /* "host:port", without the scheme's port, IPv6 in brackets */
};
/* TLS towards the servers of a backend. */
struct plan_tls_client {
	const struct m_tls_client *model;
	uint32_t index;       /* among all of them */
	uint32_t certificate; /* in plan.certificates; PLAN_NONE: none is shown */
	struct str priority;
};
struct plan_backend {
	const struct m_backend *model;
	const struct plan_tls_client *tls; /* NULL: clear text */
	struct plan_server *servers; /* without those of weight 0 */
	uint32_t n_servers;
};
/* TLS of a listener. */
struct plan_tls {
	const struct m_tls *model;
	uint32_t *certificates; /* in plan.certificates; the first is the default */
	uint32_t n_certificates;
	struct str priority; /* for the TLS library, see plan/priority.h */
	bool has_1_2;
	struct str *alpn;
	uint32_t n_alpn;
};
struct plan_listener {
	const struct m_listener *model;
	const struct plan_tls *tls; /* NULL: clear text */
	uint32_t router;
};

struct plan {
	struct arena *arena; /* borrowed, as are the next three */
	const struct diags *diags;
	const struct model *model;
	const struct source *config; /* the main config file */
	struct plan_listener *listeners;
	struct plan_router *routers;
	struct plan_route *routes;  /* in file order, without poisoned ones */
	struct plan_entry *entries; /* in rank order */
	struct plan_path *paths;
	struct plan_matcher *matchers;
	struct plan_group *groups;
	struct plan_chain *chains;
	struct plan_mw *mws;
	struct plan_backend *backends; /* those in use */
	const struct m_certificate **certificates; /* likewise */
	struct str *extra_methods;
	uint32_t n_listeners, n_routers, n_routes, n_entries, n_paths, n_matchers, n_groups,
		n_chains, n_mws, n_backends, n_certificates, n_tls_clients;
	uint32_t n_extra_methods;
	uint32_t uri_policy; /* bits of enum uri_policy */
	struct plan_template log_line; /* of the access log; n is 0: JSON */
};

/* Limits that bound work and memory, each with its own diagnostic. */
#define PLAN_MAX_ENTRIES       500000u
#define PLAN_MAX_GROUPS        65534u /* of a router */
#define PLAN_MAX_EXTRA_METHODS 20u
#define PLAN_STATES_PATHS \
	16000000u /* of a matcher without regexes: about the bytes of all its paths */
#define PLAN_STATES_REGEX 50000u /* of a matcher with regexes */

/* Never NULL. Reports what only it can see; when diag_failed(d) afterwards the plan is not fit
 * for use. */
struct plan *plan_build(struct arena *a, struct diags *d, const struct model *m);

/* What can come in at a listener: its own scheme, the other one where trusted proxies say so, and a server name with TLS. */
static inline bool plan_takes_scheme(const struct plan_listener *l, bool https)
{
	return (l->tls != NULL) == https || l->model->n_trusted > 0;
}

/* Whether clients may show certificates there. */
static inline bool plan_asks_clients(const struct plan_listener *l)
{
	return l->tls != NULL && l->model->tls.client_auth != M_CLIENT_NONE;
}

/* The methods that the route takes, as bits. */
static inline uint32_t plan_taken_methods(const struct plan_route *r)
{
	return r->methods == 0 ? TORON_ANY_METHOD : r->methods;
}

/* Whether the route serves files from disk, so that their root must be there when the gateway starts. */
static inline bool plan_needs_root(const struct plan_route *r)
{
	return r->action.kind == PLAN_ACTION_FILES && !r->action.files->embed.value;
}

/* "gateway.yaml:12:3", the file relative to the main config's folder, or "" for no place: the
 * same wherever the build runs. */
struct str plan_place(const struct plan *p, struct arena *a, struct span at);

/* What a group answers, a list for each number that a matcher returns. */
struct plan_candidate {
	uint32_t entry;
	uint32_t also; /* the pattern that must be checked as well; PLAN_NONE: proved */
};
struct plan_accepts {
	struct plan_candidate *at; /* ascending by rank */
	uint32_t n;
};
/* By accept set of the matcher's DFA ([dfa.n_sets]; 0: nothing accepts). */
struct plan_accepts *plan_accepts_by_set(
	const struct plan *p, struct arena *a, const struct plan_group *g);
/* By the first pattern that takes the path ([n + 1]; number i + 1 stands for pattern i): its
 * entries and those of the later patterns that overlap it, which must be checked unless they
 * contain it. */
struct plan_accepts *plan_accepts_by_first(
	const struct plan *p, struct arena *a, const struct plan_group *g);

/* The plan as text, for `toronc dump --stage plan` and golden tests. origins: with places. */
struct sbuf;
void plan_dump(struct sbuf *out, const struct plan *p, bool origins);
