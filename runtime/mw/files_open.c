/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "mw/files_open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef SYS_openat2
#include <linux/openat2.h>
#endif

#define LINKS_MOST   16 /* symbolic links followed for one name */
#define RETRIES_MOST 8  /* when the tree changes below openat2 */
#define OPEN_FLAGS   (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
#define FOLDER_FLAGS (O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)

/* What the errors of opening mean to somebody who asked for a file. */
static int plain_error(int error)
{
	switch (error) {
	case ELOOP: case EXDEV: case ENOTDIR: case ENAMETOOLONG: case ENXIO: case ENODEV:
		return ENOENT;
	default:
		return error;
	}
}

/* ---- the walk ---- */

/* A name on its way: the components up to `done` are real directories below the root, the others are still to be looked at. */
struct walk {
	int root, at;             /* at: the directory behind `done` (the root itself when that is empty) */
	char done[PATH_MAX], todo[PATH_MAX];
	bool no_links;
	unsigned links;
};

static void leave(struct walk *w)
{
	if (w->at != w->root)
		close(w->at);
	w->at = w->root;
}

/* Goes to `name` in w->at, which must be a directory and no link. */
static int enter(struct walk *w, const char *name)
{
	int fd = openat(w->at, name, FOLDER_FLAGS);

	if (fd < 0)
		return errno;
	leave(w);
	w->at = fd;
	return 0;
}

/* Goes to w->done from the root. */
static int enter_done(struct walk *w)
{
	char *rest = w->done, *slash;
	int error = 0;

	leave(w);
	while (error == 0 && *rest != '\0') {
		slash = strchr(rest, '/');
		if (slash != NULL)
			*slash = '\0';
		error = enter(w, rest);
		rest += strlen(rest);
		if (slash != NULL)
			*rest++ = '/';
	}
	return error;
}

static int step_up(struct walk *w)
{
	char *slash = strrchr(w->done, '/');

	if (w->done[0] == '\0')
		return ENOENT; /* above the root */
	*(slash == NULL ? w->done : slash) = '\0';
	return enter_done(w);
}

/* Puts the target of the link `name` in front of what is still to be done. */
static int follow(struct walk *w, const char *name)
{
	char target[PATH_MAX];
	ssize_t len = readlinkat(w->at, name, target, sizeof(target));
	size_t rest = strlen(w->todo);

	if (len < 0)
		return errno;
	if (w->no_links || ++w->links > LINKS_MOST || len == 0 || target[0] == '/' ||
	    (size_t)len + 1 + rest >= sizeof(w->todo))
		return ENOENT;
	memmove(w->todo + len + 1, w->todo, rest + 1);
	memcpy(w->todo, target, (size_t)len);
	w->todo[len] = '/';
	return 0;
}

static int step_down(struct walk *w, const char *name)
{
	size_t len = strlen(w->done), more = strlen(name);
	int error = enter(w, name);

	if (error != 0)
		return error;
	if (len + 1 + more >= sizeof(w->done))
		return ENOENT;
	if (len > 0)
		w->done[len++] = '/';
	memcpy(w->done + len, name, more + 1);
	return 0;
}

/* Takes the first component off w->todo; false at the end. */
static bool next_component(struct walk *w, char name[NAME_MAX + 1], int *error_out)
{
	size_t skip = strspn(w->todo, "/"), len = strcspn(w->todo + skip, "/");

	*error_out = len > NAME_MAX ? ENOENT : 0;
	if (len == 0 || len > NAME_MAX)
		return false;
	memcpy(name, w->todo + skip, len);
	name[len] = '\0';
	memmove(w->todo, w->todo + skip + len, strlen(w->todo + skip + len) + 1);
	return true;
}

/* One component: a directory is entered, a link replaced by its target, and a file at the end opened. */
static int step(struct walk *w, const char *name, int *fd_out)
{
	bool is_last = w->todo[strspn(w->todo, "/")] == '\0';
	struct stat st;

	if (strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0)
		return step_up(w);
	if (fstatat(w->at, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno;
	if (S_ISLNK(st.st_mode))
		return follow(w, name);
	if (S_ISDIR(st.st_mode))
		return step_down(w, name);
	if (!is_last || !S_ISREG(st.st_mode))
		return ENOENT;
	*fd_out = openat(w->at, name, OPEN_FLAGS | O_NOFOLLOW);
	return *fd_out < 0 ? errno : 0;
}

static int open_walking(int root, const char *name, bool no_links, int *fd_out)
{
	struct walk w = { .root = root, .at = root, .no_links = no_links };
	char component[NAME_MAX + 1];
	int error = 0;

	*fd_out = -1;
	if (strlen(name) >= sizeof(w.todo))
		return ENOENT;
	memcpy(w.todo, name, strlen(name) + 1);
	while (error == 0 && *fd_out < 0 && next_component(&w, component, &error))
		error = step(&w, component, fd_out);
	/* It ends in a directory. */
	if (error == 0 && *fd_out < 0) {
		*fd_out = openat(w.at, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
		error = *fd_out < 0 ? errno : 0;
	}
	leave(&w);
	return error;
}

/* ---- openat2 ---- */

#ifdef SYS_openat2
static _Atomic bool openat2_missing;

/* An errno; EAGAIN: the tree went on changing. */
static int open_as(int root, const char *name, const struct open_how *how, int *fd_out)
{
	int error = EAGAIN;

	for (unsigned i = 0; i < RETRIES_MOST && error == EAGAIN; i++) {
		*fd_out = (int)syscall(SYS_openat2, root, name, how, sizeof(*how));
		error = *fd_out < 0 ? errno : 0;
	}
	return error;
}

/* ENOSYS: the kernel, or a sandbox, has no openat2. */
static int open_beneath(int root, const char *name, bool no_links, int *fd_out)
{
	struct open_how how = { .flags = OPEN_FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	int error;

	if (no_links)
		how.resolve |= RESOLVE_NO_SYMLINKS;
	if (atomic_load_explicit(&openat2_missing, memory_order_relaxed))
		return ENOSYS;
	if (name[0] == '\0')
		name = ".";
	error = open_as(root, name, &how, fd_out);
	if (error == EACCES) {
		/* A folder whose files may be read need not let itself be listed. */
		how.flags = FOLDER_FLAGS & ~O_NOFOLLOW;
		if (open_as(root, name, &how, fd_out) == 0)
			return 0;
	}
	if (error != ENOSYS && error != EPERM && error != EINVAL)
		return error;
	atomic_store_explicit(&openat2_missing, true, memory_order_relaxed);
	return ENOSYS;
}
#else
static int open_beneath(int root, const char *name, bool no_links, int *fd_out)
{
	(void)root;
	(void)name;
	(void)no_links;
	(void)fd_out;
	return ENOSYS;
}
#endif

static int describe(int fd, struct files_opened *out)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return errno;
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return ENOENT;
	*out = (struct files_opened){
		.fd = fd,
		.is_folder = S_ISDIR(st.st_mode),
		.length = (uint64_t)st.st_size,
		.modified_s = st.st_mtim.tv_sec,
		.modified_ns = (uint32_t)st.st_mtim.tv_nsec,
	};
	return 0;
}

static int open_below(const char *root, const char *name, bool no_links, bool walk, struct files_opened *out)
{
	int folder = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1, error;

	if (folder < 0)
		return plain_error(errno);
	error = walk ? ENOSYS : open_beneath(folder, name, no_links, &fd);
	if (error == ENOSYS)
		error = open_walking(folder, name, no_links, &fd);
	if (error == 0)
		error = describe(fd, out);
	if (fd >= 0 && (error != 0 || out->is_folder)) {
		close(fd);
		out->fd = -1;
	}
	close(folder);
	return plain_error(error);
}

int files_open(const char *root, const char *name, bool no_links, struct files_opened *out)
{
	return open_below(root, name, no_links, false, out);
}

int files_open_walk(const char *root, const char *name, bool no_links, struct files_opened *out)
{
	return open_below(root, name, no_links, true, out);
}
