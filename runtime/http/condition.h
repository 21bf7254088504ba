/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Conditional requests (RFC 9110 section 13), for whoever has the selected representation's validators at hand. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "http/field.h"

struct condition_validators {
	struct str etag;       /* with its quotes, and W/ in front when it is weak; ptr NULL: none */
	bool has_modified;
	int64_t modified_s;    /* since the epoch */
};

enum condition_verdict {
	CONDITION_GO,           /* as if there were no condition */
	CONDITION_NOT_MODIFIED, /* 304 */
	CONDITION_FAILED,       /* 412 */
};

/* In the order of section 13.2.2: If-Match or If-Unmodified-Since, then If-None-Match or If-Modified-Since. For GET and HEAD, and a
 * representation that exists. Dates that are none count as absent. */
enum condition_verdict condition_check(const struct fields *f, const struct condition_validators *v, int64_t now_s);
/* Whether a Range field may be honoured (section 13.1.5): there is no If-Range, or it names exactly this representation. */
bool condition_range_holds(const struct fields *f, const struct condition_validators *v, int64_t now_s);
/* Whether an If-Match or If-None-Match value ("*", or a list of entity tags) has the tag. A strong comparison takes no weak tag on
 * either side. What follows a malformed member is not read. */
bool condition_list_has(struct str list, struct str etag, bool is_strong);
