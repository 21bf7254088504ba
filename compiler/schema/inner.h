/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Places inside a string value: from offsets in the unescaped text back to bytes of the file. */
#pragma once

#include "tree/tree.h"

/* The bytes that n->text[at .. at + len) was written with. The whole value where that cannot be
 * told: after a substitution, in a block scalar, in a default. */
struct span node_inner_span(const struct diags *d, const struct node *n, size_t at, size_t len);
/* diag_report at such a place, with the node's path. */
void node_inner_report(struct diags *d, const struct node *n, size_t at, size_t len,
	enum diag_id id, const char *format, ...) __attribute__((format(printf, 6, 7)));
