/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The canonical layout of a document: two columns a level, one blank between things, quotes only where they matter. Comments, anchors, the
 * order of keys, and which lists and maps stand in brackets are kept; formatting twice changes nothing more. */
#pragma once

#include "base/str.h"
#include "tree/tree.h"

/* Appends the formatted text of source number `source` to *out. False (reported): the document cannot be read, or its layout cannot be
 * changed without changing what it says; *out is empty then. */
bool tree_format_text(struct arena *a, struct diags *d, uint32_t source, enum tree_format f, struct sbuf *out);
