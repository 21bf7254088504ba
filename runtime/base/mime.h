/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Media types of files, by the ending of their name (base/mime.def). Shared by toronc, which writes them into embedded sites, and
 * the gateway, which asks for files on disk. Everything returned is constant. */
#pragma once

#include "toron/str.h"

/* What a file is when nothing says so. */
#define MIME_UNKNOWN "application/octet-stream"

/* The ending of a file's name, without the dot: "gz" of "a/b.tar.gz"; ptr NULL if it has none (".profile" has none). */
struct str mime_ending(struct str path);
/* The type for a path; ASCII case is ignored. MIME_UNKNOWN when the ending is not known. */
struct str mime_of(struct str path);
