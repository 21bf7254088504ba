/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The hosts file, read once when a worker starts (no file is read after boot), and the loopback
 * names that hold without one (RFC 6761 section 6.3). Called by the resolver. A file that is
 * absent is an empty one; lines that make no sense are passed over; of an oversized file the
 * first 1 MiB counts, and the log says so. Immutable once made. */
#pragma once

#include <stddef.h>

#include "net/addr.h"

struct hosts;

/* NULL: out of memory. */
struct hosts *hosts_new(const char *path);
void hosts_free(struct hosts **h);
/* Addresses of a lower-case name (port 0), in the file's order; how many, at most `room`. */
size_t hosts_find(const struct hosts *h, struct str name, struct addr *out, size_t room);
