/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One request: a witness of a proof, or what a person asks about. It can be looked up in a plan,
 * and written as a line for the shell. */
#pragma once

#include "plan/lookup.h"

struct sample_field {
	enum toron_where where;
	struct str name, value;
};
struct sample {
	uint32_t listener; /* of the plan */
	struct str method, scheme;
	struct str host, path; /* normalised; host empty: none */
	struct str query;      /* as given; ptr NULL: made of the fields */
	struct sample_field *fields;
	uint32_t n_fields;
	struct str sni;        /* ptr NULL: none */
	uint8_t source[16];
	struct str source_text; /* ptr NULL: any */
	const char *refused;    /* why the gateway answers 400 before it routes; NULL: it does not */
};

/* A copy that outlives the arena of the original's host, path, method, source, server name and values. */
void sample_copy(struct arena *a, const struct sample *from, struct sample *to);
/* Fills *out for lookup_route; it lives in `a` and borrows from the sample. */
void sample_request(struct arena *a, const struct sample *s, struct lookup_request *out);
/* Whether it can come in at its listener: by its scheme, and with a server name only where there is TLS. */
bool sample_is_possible(const struct plan *p, const struct sample *s);
/* What the plan does with it. */
struct lookup_result sample_lookup(struct arena *a, const struct plan *p, const struct sample *s);
/* "curl -X GET -H 'x-a: 1' 'http://localhost:8080/users/a'"; STR_NONE when it has bytes that
 * cannot be sent like this. What curl cannot say (the source address) stands behind a "#". */
struct str sample_curl(struct arena *a, const struct plan *p, const struct sample *s);

/* A method's name by its bit. */
struct str sample_method(const struct plan *p, uint32_t bit);
/* A request as a person writes it: "GET http://host/path?query" (no method: GET). The listener is
 * the first on that port, or without a port the first of that scheme. False: *error_out says what
 * is wrong. */
bool sample_parse(struct arena *a, const struct plan *p, struct str text, struct sample *out,
	struct str *error_out);
/* Adds a header field; false if the name or the value cannot be one. */
bool sample_add_header(struct arena *a, struct sample *s, struct str name, struct str value);
