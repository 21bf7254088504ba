/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Claims of a verified token as text, for templates and keys: "${claims.realm.roles}". */
#pragma once

#include "toron/exchange.h"

#define CLAIMS_PATH_MOST 256

/* A toron_claim_reader over a Jansson object. The path's names are joined by dots; a name may hold
 * dots itself, and the whole rest of the path is tried as a name first. Strings are given as they
 * are, numbers and true and false as JSON writes them, arrays and objects as compact JSON in ASCII.
 * null and what is not there are STR_NONE. */
struct str claims_read(struct exchange *x, void *claims, struct str path);
/* What toron_claims_set takes to free them. */
void claims_free(void *claims);
