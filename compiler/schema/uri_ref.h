/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* URI references (RFC 3986 section 5): resolving $ref and $id against a base, and JSON pointers
 * (RFC 6901). */
#pragma once

#include "base/arena.h"
#include "toron/str.h"
#include "tree/tree.h"

struct uri_ref {
	/* ptr NULL: absent; but the path, which may be empty */
	struct str scheme, authority, path, query, fragment;
};

/* Splits by the regular expression of RFC 3986 appendix B; every string can be split. */
struct uri_ref uri_ref_split(struct str s);
/* The target of `ref` against `base`, without its fragment; the fragment (still escaped) is in
 * *fragment_out, absent if none. */
struct str uri_ref_resolve(struct arena *a, struct str base, struct str ref,
	struct str *fragment_out);
/* Percent-decoding; a "%" that begins no escape stays. */
struct str uri_ref_unescape(struct arena *a, struct str s);
/* The node at a JSON pointer ("/a/0/b~1c", already percent-decoded), or NULL. */
const struct node *json_pointer_find(struct arena *a, const struct node *root, struct str pointer);
