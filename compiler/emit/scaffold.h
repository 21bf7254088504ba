/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The scaffolds of templates/, which are built into toronc: fixed text with @NAME@ places. */
#pragma once

#include "base/str.h"

enum scaffold {
	SCAFFOLD_GATEWAY, /* gateway.c: the head with the ABI's guards, and main */
	SCAFFOLD_MATCHER, /* a file of re2c matchers */
	SCAFFOLD_VALUES,  /* helpers of predicates */
};

struct scaffold_value {
	const char *name; /* without the @ signs */
	struct str value;
};

/* Appends the scaffold with every @NAME@ filled in; each must have a value. */
void scaffold_write(
	struct sbuf *out, enum scaffold s, const struct scaffold_value *values, size_t n_values);
