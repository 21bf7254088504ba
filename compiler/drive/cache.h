/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The build cache: finished gateways and object files, found by what they were made of.
 *
 * An entry's name is a hash over everything that toronc itself put in (emitted files, flags, versions). Besides, an entry lists the
 * files from elsewhere that went in (headers, libraries, the compiler) with their size and time, and is taken only while
 * they are unchanged. An entry carries a hash of itself: a damaged one is removed and treated as absent. Entries appear by rename, so that any
 * number of toroncs may share a folder. The folder is bounded: what was not used for longest goes first. No call here
 * reports: a cache that does not work is only slower. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "drive/sha256.h"
#include "drive/toolchain.h"

#define CACHE_MAX_BYTES ((size_t)512 << 20)
#define CACHE_ENTRY_MAX ((size_t)128 << 20)

struct cache {
	struct arena *arena; /* borrowed */
	const char *folder;  /* NULL: there is no cache, and all calls do nothing */
	size_t max_bytes;
	unsigned n_hits, n_misses, n_stored;
};

/* The user's cache folder for toron: ${XDG_CACHE_HOME:-$HOME/.cache}/toron; NULL if neither is set to an absolute path. */
const char *cache_default_folder(struct arena *a);
/* Makes the folder if need be. False, and the cache is off, when it cannot be used or others could write into it; *why_out says why. */
bool cache_open(struct cache *c, struct arena *a, const char *folder, size_t max_bytes, struct str *why_out);

/* An entry: its bytes, and the outside files that it depends on are added to *deps. */
bool cache_get(struct cache *c, const char *name, struct str *bytes_out, struct words *deps);
/* Stores an entry. Nothing happens if a file of `deps` cannot be looked at. */
void cache_put(struct cache *c, const char *name, struct str bytes, const struct words *deps);
/* Removes the entries that were not used for longest until the folder is within its bound. */
void cache_trim(struct cache *c);
/* "<hash>.<kind>" for the fields that were added to `h`, which is used up. */
const char *cache_name(struct arena *a, struct sha256 *h, const char *kind);
