/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What templates and rewrites come to for one request, as far as the plan alone can tell: claims, request ids and the like only the
 * running gateway knows. */
#pragma once

#include "prove/sample.h"

/* The template's text for a request that entry `rank` takes. groups: of a rewrite's regex, or NULL. False if only the running gateway
 * knows. */
bool resolve_template(struct arena *a, const struct plan *p, const struct sample *s, uint32_t rank,
	const struct plan_template *t, const struct str *groups, struct str *text_out);

enum resolve_status {
	RESOLVE_OK,
	RESOLVE_UNKNOWN, /* only the running gateway knows */
	RESOLVE_REFUSED, /* the gateway answers 400: what comes out is no path or host */
};
/* What a backend is sent in place of the sample's path, query and host by the route of entry `rank`; the sample's own without a
 * rewrite. The query's ptr is NULL for none. */
enum resolve_status resolve_rewrite(struct arena *a, const struct plan *p, const struct sample *s, uint32_t rank,
	struct str *path_out, struct str *query_out, struct str *host_out);
