/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What other gateways call the keys of the configuration language. */
#pragma once

#include "schema/compiled.h"

/* The key of the map `s` that does what `key` does elsewhere, or STR_NONE. */
struct str foreign_name(const struct sub *s, struct str key);
