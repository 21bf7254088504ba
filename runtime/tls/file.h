/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Files that are read at start and again when they change. Main thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "base/secret.h"

/* What a file looked like; all zeros: it was not there, or nobody has looked. */
struct file_stamp {
	struct timespec changed, modified;
	off_t size;
	ino_t inode;
};

/* Looks, and tells whether it looks otherwise than before. path NULL: never. */
bool file_stamp_changed(struct file_stamp *s, const char *path);
/* Likewise for a secret that stands in a file; other kinds never change. */
bool file_stamp_secret_changed(struct file_stamp *s, const struct toron_secret *secret);
/* Reads a file that is not a token's URL. 0, or ERR_*, and `why` says what failed. */
int tls_file_read(const char *path, const char *origin, struct secret *out, char why[SECRET_WHY_MAX]);
