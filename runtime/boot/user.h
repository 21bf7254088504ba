/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Becoming the user that the config names, for good. /etc/passwd and /etc/group are read here
 * and not through the C library, whose name service modules a static binary must not load.
 * Called by toron_main once, before there are threads. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#define USER_MAX_GROUPS 256

struct user {
	uid_t uid;
	gid_t gid;
	gid_t groups[USER_MAX_GROUPS]; /* gid is among them */
	size_t n_groups;
};

/* By name, or by number when no such name is there. False: not found, or a file could not be
 * read (errno), logged. */
bool user_find(const char *name, const char *passwd_path, const char *group_path, struct user *out);
/* Takes groups, group and user, and makes sure of it. Without root's rights nothing happens
 * unless the user is another one, of which the log warns. False: could not, logged. */
bool user_become(const char *name);
