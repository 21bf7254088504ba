/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Opens what a name means below a root, and nothing outside of it, whatever symbolic links say and however the tree changes
 * meanwhile: openat2 where the kernel has it, a walk over the components elsewhere. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct files_opened {
	int fd;                 /* open for reading; -1 for a directory */
	bool is_folder;
	uint64_t length;
	int64_t modified_s;
	uint32_t modified_ns;
};

/* `name` has no empty and no dot segments; "" is the root. Links are followed while they are relative and stay inside, or not at all
 * (no_links). 0 and *out, or an errno: ENOENT for whatever is not there, is neither file nor directory, or would lead outside. */
int files_open(const char *root, const char *name, bool no_links, struct files_opened *out);
/* The same, always by the walk; for tests. */
int files_open_walk(const char *root, const char *name, bool no_links, struct files_opened *out);
