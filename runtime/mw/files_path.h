/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* From a request's path to the name of a file below a root. Pure text; what the file system makes of it is mw/files_open.h's. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "toron/str.h"

struct files_path {
	struct str name;   /* decoded: "a/b.html", "" for the root; NUL-terminated; no empty, "." or ".." segment */
	bool is_folder;    /* the path ends in "/" */
};

/* Takes the first `strip` segments off a normalised path and decodes the rest, once. False for what can be no file here: an escaped "/",
 * NUL or control character, a dot segment, an empty segment, a name too long, and, unless `hidden`, a segment that begins with a
 * dot (but for ".well-known" as the first, RFC 8615). Also false when the arena is spent. */
bool files_path_map(struct arena *a, struct str path, unsigned strip, bool hidden, struct files_path *out);
