/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Files as the driver needs them: read whole with a bound, written whole or not at all.
 *
 * Reading takes regular files only and never blocks on a FIFO or a device. Each call that fails gives a short reason without a full
 * stop ("permission denied"), a literal or a text of the arena. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/arena.h"
#include "toron/str.h"

/* The whole file, at most `max` bytes; a NUL stands behind it. False: *why_out says why. */
bool file_read(struct arena *a, const char *path, size_t max, struct str *text_out, struct str *why_out);
/* The rest of an open descriptor (standard input), at most `max` bytes. */
bool file_read_fd(struct arena *a, int fd, size_t max, struct str *text_out, struct str *why_out);

/* Writes beside `path` and renames, so that `path` is the old file or the new one, never a part. The mode is set as given. */
bool file_write(struct arena *a, const char *path, struct str bytes, mode_t mode, struct str *why_out);
/* Writes a new file in a folder of ours; the file must not exist. */
bool file_create(struct arena *a, const char *path, struct str bytes, struct str *why_out);

/* Makes the folder with `mode` and its parents with 0777, both minus the umask. True if it is there now. */
bool file_make_dir(struct arena *a, const char *path, mode_t mode, struct str *why_out);
/* Removes a folder and all that is in it; what cannot be removed stays. Does not follow links. */
void file_remove_tree(const char *path);
/* What errno says, in the style of diagnostics. */
struct str file_errno(struct arena *a, int error);
