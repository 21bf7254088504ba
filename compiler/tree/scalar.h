/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The YAML 1.2 core schema (section 10.3.2): what a plain scalar is.
 *
 * Called by the YAML reader, and by the substitution of variables for scalars that they make up. */
#pragma once

#include "tree/tree.h"

enum scalar_remark {
	SCALAR_OK,
	SCALAR_TOO_LARGE,     /* a number beyond the range of a double; the node is a string */
	SCALAR_BOOLEAN_WORD,  /* yes, no, on, Off, ...: a boolean for readers of YAML 1.1; "off" is not remarked */
	SCALAR_LEADING_ZERO,  /* a decimal integer with leading zeros: octal for readers of YAML 1.1 */
};

/* Sets kind, text and value of the node. Integers beyond int64_t become NODE_FLOAT. */
enum scalar_remark scalar_resolve(struct node *n, struct str text);
