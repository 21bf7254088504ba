/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A document in another format: the same values in the same order, without comments; aliases are written out. */
#pragma once

#include "base/str.h"
#include "tree/tree.h"

/* Appends the document to *out. False (reported, *out is of no use): it has a value that the format cannot say. */
bool tree_convert(struct diags *d, const struct node *root, enum tree_format to, struct sbuf *out);

/* The writers; tree_convert has looked whether they can. TOML's root is a map. */
void tree_to_yaml(struct sbuf *out, const struct node *root);
void tree_to_toml(struct sbuf *out, const struct node *root);
/* A string in double quotes as YAML and TOML read it alike. */
void tree_put_string(struct sbuf *out, struct str s);
/* The shortest spelling that gives the same double back; with a point or an exponent. Finite. */
void tree_put_real(struct sbuf *out, double v);
/* Booleans and numbers, with the format's words for what is none. False (nothing written) for other kinds. */
bool tree_put_plain(struct sbuf *out, const struct node *n, const char *infinity, const char *nan);
/* "${NAME}" without quotes: in YAML it gets the type of its value, whatever is needed. */
bool tree_is_typed_variable(const struct node *n);
