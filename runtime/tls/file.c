/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tls/file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/str.h"
#include "toron/tls.h"

static bool is_same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool file_stamp_changed(struct file_stamp *s, const char *path)
{
	struct file_stamp now = { 0 };
	struct stat st;
	bool same;

	if (path == NULL)
		return false;
	if (stat(path, &st) == 0)
		now = (struct file_stamp){ st.st_ctim, st.st_mtim, st.st_size, st.st_ino };
	same = is_same_time(s->changed, now.changed) && is_same_time(s->modified, now.modified) && s->size == now.size &&
	       s->inode == now.inode;
	*s = now;
	return !same;
}

bool file_stamp_secret_changed(struct file_stamp *s, const struct toron_secret *secret)
{
	char path[4096];

	if (secret->kind != TORON_SECRET_FILE || secret->value.len >= sizeof(path))
		return false;
	memcpy(path, secret->value.ptr, secret->value.len);
	path[secret->value.len] = '\0';
	return file_stamp_changed(s, path);
}

int tls_file_read(const char *path, const char *origin, struct secret *out, char why[SECRET_WHY_MAX])
{
	*out = (struct secret){ 0 };
	if (strncmp(path, "pkcs11:", 7) == 0) {
		snprintf(why, SECRET_WHY_MAX, "%s: %.200s: certificates and keys are files here; PKCS #11 tokens are not supported",
			origin, path);
		return ERR_INVALID;
	}
	return secret_read_file(path, origin, TORON_TLS_FILE_MOST, out, why);
}
