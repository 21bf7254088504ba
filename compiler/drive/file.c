/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "drive/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

#define READ_STEP ((size_t)64 << 10)
#define REMOVE_DEPTH 16 /* our folders are flat; a tree that is deeper is not ours */

struct str file_errno(struct arena *a, int error)
{
	struct str text = arena_str(a, str_of(strerror(error)));
	char *first = (char *)text.ptr;

	/* "Permission denied" becomes "permission denied"; "RPC ..." stays. */
	if (text.len > 1 && first[1] >= 'a' && first[1] <= 'z')
		first[0] = (char)ascii_lower((unsigned char)first[0]);
	return text;
}

static struct str kind_of(mode_t mode)
{
	if (S_ISDIR(mode))
		return STR("it is a directory");
	if (S_ISFIFO(mode))
		return STR("it is a FIFO; a regular file is needed, or '-' for standard input");
	if (S_ISSOCK(mode))
		return STR("it is a socket; a regular file is needed");
	return STR("it is a device; a regular file is needed, or '-' for standard input");
}

static struct str too_large(struct arena *a, size_t max)
{
	return arena_printf(a, "it is larger than %zu MiB", max >> 20);
}

/* Reads until the end into *b; false when more than max bytes came or an error did. */
static bool read_all(struct arena *a, int fd, size_t max, struct sbuf *b, struct str *why_out)
{
	char *step = malloc(READ_STEP);
	bool ok = step != NULL;

	if (!ok)
		*why_out = file_errno(a, ENOMEM);
	while (ok) {
		ssize_t n = read(fd, step, READ_STEP);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			*why_out = file_errno(a, errno);
		else if ((size_t)n > max - b->len)
			*why_out = too_large(a, max);
		if (n < 0 || (size_t)n > max - b->len)
			ok = false;
		else if (n == 0)
			break;
		else
			sbuf_add(b, (struct str){ step, (size_t)n });
	}
	free(step);
	return ok;
}

bool file_read_fd(struct arena *a, int fd, size_t max, struct str *text_out, struct str *why_out)
{
	struct sbuf b = { 0 };
	bool ok = read_all(a, fd, max, &b, why_out);

	if (ok)
		*text_out = arena_str(a, (struct str){ b.ptr == NULL ? "" : b.ptr, b.len });
	sbuf_fini(&b);
	return ok;
}

bool file_read(struct arena *a, const char *path, size_t max, struct str *text_out, struct str *why_out)
{
	struct stat st;
	int fd = -1, error = 0;
	bool ok;

	/* Looked at before it is opened, since opening a device may already do something; and again behind open, which
	 * does not block, in case that it was changed in between. */
	if (stat(path, &st) != 0)
		error = errno;
	else if (S_ISREG(st.st_mode) &&
		 ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) < 0 || fstat(fd, &st) != 0))
		error = errno;
	if (error != 0) {
		*why_out = file_errno(a, error);
		ok = false;
	} else if (!S_ISREG(st.st_mode)) {
		*why_out = kind_of(st.st_mode);
		ok = false;
	} else if ((uintmax_t)st.st_size > max) {
		*why_out = too_large(a, max);
		ok = false;
	} else {
		ok = file_read_fd(a, fd, max, text_out, why_out);
	}
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool write_all(int fd, struct str bytes)
{
	while (bytes.len > 0) {
		ssize_t n = write(fd, bytes.ptr, bytes.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		bytes.ptr += n;
		bytes.len -= (size_t)n;
	}
	return true;
}

bool file_create(struct arena *a, const char *path, struct str bytes, struct str *why_out)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool ok = fd >= 0 && write_all(fd, bytes);

	if (!ok)
		*why_out = file_errno(a, errno);
	if (fd >= 0 && close(fd) != 0 && ok) {
		*why_out = file_errno(a, errno);
		ok = false;
	}
	return ok;
}

bool file_write(struct arena *a, const char *path, struct str bytes, mode_t mode, struct str *why_out)
{
	struct stat st;
	char *temp = (char *)arena_printf(a, "%s.XXXXXX", path).ptr;
	bool ok;
	int fd;

	/* Renaming over a device or a folder would be a surprise ("-o /dev/null"). */
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		*why_out = S_ISDIR(st.st_mode) ? STR("it is a directory") : STR("it is not a regular file");
		return false;
	}
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0) {
		*why_out = file_errno(a, errno);
		return false;
	}
	ok = write_all(fd, bytes) && fchmod(fd, mode) == 0;
	if (!ok)
		*why_out = file_errno(a, errno);
	if ((close(fd) != 0 || (ok && rename(temp, path) != 0)) && ok) {
		*why_out = file_errno(a, errno);
		ok = false;
	}
	if (!ok)
		unlink(temp);
	return ok;
}

bool file_make_dir(struct arena *a, const char *path, mode_t mode, struct str *why_out)
{
	struct str whole = arena_str(a, str_of(path));
	char *p = (char *)whole.ptr;
	struct stat st;

	for (size_t i = 1; i < whole.len; i++) {
		if (p[i] != '/' || p[i - 1] == '/')
			continue;
		p[i] = '\0';
		/* A failure shows at the last one. */
		(void)!mkdir(p, 0777);
		p[i] = '/';
	}
	if (mkdir(p, mode) == 0)
		return true;
	if (errno == EEXIST && stat(p, &st) == 0 && S_ISDIR(st.st_mode))
		return true;
	*why_out = file_errno(a, errno == EEXIST ? ENOTDIR : errno);
	return false;
}

static void remove_entries(int folder, unsigned depth)
{
	DIR *dir = fdopendir(folder);
	const struct dirent *e;

	if (dir == NULL) {
		close(folder);
		return;
	}
	while ((e = readdir(dir)) != NULL) {
		int inner;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlinkat(dirfd(dir), e->d_name, 0) == 0 || depth == REMOVE_DEPTH)
			continue;
		inner = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (inner < 0)
			continue;
		remove_entries(inner, depth + 1);
		unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR);
	}
	closedir(dir);
}

void file_remove_tree(const char *path)
{
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (folder < 0)
		return;
	remove_entries(folder, 0);
	rmdir(path);
}
