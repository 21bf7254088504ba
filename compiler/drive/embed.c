/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "drive/embed.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "base/vec.h"
#include "drive/file.h"
#include "drive/sha256.h"

#define ETAG_DIGITS 32
#define MOST_SKIPPED 10 /* warnings for one root */

/* A directory on the way down. */
struct folder {
	const struct folder *parent; /* NULL: the root */
	struct str path;             /* below the root, "" for it */
	dev_t device;
	ino_t inode;
	unsigned depth;
};

struct embedder {
	struct drive *drive;
	const struct m_route *route;
	struct m_files *files;
	const char *root;            /* without links, for comparing */
	VEC(struct m_file) found;
	uint64_t bytes;
	size_t n_links, n_skipped;   /* n_links: links to folders that were followed */
	bool failed;
};

static void report(struct embedder *e, struct span at, const char *member, enum diag_id id, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
static void report(struct embedder *e, struct span at, const char *member, enum diag_id id, const char *format, ...)
{
	struct arena *a = e->drive->arena;
	va_list args;

	va_start(args, format);
	diag_vreport(e->drive->diags, id, at, format, args);
	va_end(args);
	diag_where(e->drive->diags,
		arena_printf(a, STR_FMT ".files.%s", STR_ARG(node_path(a, e->route->node)), member));
}

static void fail(struct embedder *e, struct str path, struct str why)
{
	e->failed = true;
	report(e, e->files->root.at, "root", DIAG_FILES_UNREADABLE, "cannot read '" STR_FMT "%s" STR_FMT "': " STR_FMT,
		STR_ARG(e->files->folder), path.len == 0 ? "" : "/", STR_ARG(path), STR_ARG(why));
}

static void skip(struct embedder *e, struct str path, const char *why)
{
	if (e->n_skipped++ < MOST_SKIPPED)
		report(e, e->files->root.at, "root", DIAG_FILES_SKIPPED, "'" STR_FMT "' is not embedded: %s", STR_ARG(path),
			why);
}

static const char *path_of(struct embedder *e, struct str path)
{
	return arena_printf(e->drive->arena, STR_FMT "/" STR_FMT, STR_ARG(e->files->folder), STR_ARG(path)).ptr;
}

/* ---- what is there ---- */

/* Whether the link at `path` passes above the root on its way, though it may come back: from disk it would not be followed. */
static bool climbs_out(struct str path, struct str target)
{
	struct str segment;
	ptrdiff_t depth = 0;

	for (size_t i = 0; i < path.len; i++)
		depth += path.ptr[i] == '/';
	while (depth >= 0 && str_split(&target, '/', &segment)) {
		if (str_eq(segment, STR("..")))
			depth--;
		else if (segment.len != 0 && !str_eq(segment, STR(".")))
			depth++;
	}
	return depth < 0;
}

/* Whether a link may be followed; *st_out is what it leads to. */
static bool resolve_link(struct embedder *e, struct str path, struct stat *st_out)
{
	const char *name = path_of(e, path);
	size_t root_len = strlen(e->root);
	char target[PATH_MAX], *whole;
	ssize_t target_len;
	bool is_inside;

	if (e->files->no_links)
		return false;
	target_len = readlink(name, target, sizeof(target));
	if (target_len < 1 || target[0] == '/') {
		skip(e, path, "it is an absolute symbolic link");
		return false;
	}
	whole = realpath(name, NULL);
	if (whole == NULL || stat(whole, st_out) != 0) {
		free(whole);
		skip(e, path, "it is a symbolic link that leads nowhere");
		return false;
	}
	is_inside = strncmp(whole, e->root, root_len) == 0 &&
		    (whole[root_len] == '/' || whole[root_len] == '\0' || root_len == 1) &&
		    !climbs_out(path, (struct str){ target, (size_t)target_len });
	free(whole);
	if (!is_inside)
		skip(e, path, "it is a symbolic link that leads out of the root");
	return is_inside;
}

static void add_file(struct embedder *e, struct str path, uint64_t size)
{
	uint64_t limit = e->files->embed_limit.value;

	if (e->found.n == EMBED_MOST_FILES) {
		e->failed = true;
		report(e, e->files->root.at, "root", DIAG_FILES_TOO_LARGE, "'" STR_FMT "' has more than %u files",
			STR_ARG(e->files->folder), EMBED_MOST_FILES);
		return;
	}
	if (size > limit - e->bytes) {
		e->failed = true;
		report(e, e->files->root.at, "root", DIAG_FILES_TOO_LARGE,
			"the files of '" STR_FMT "' have more than the %llu bytes of embed_limit", STR_ARG(e->files->folder),
			(unsigned long long)limit);
		return;
	}
	e->bytes += size;
	vec_push(e->drive->arena, &e->found, (struct m_file){ .path = path, .size = size });
}

static void read_folder(struct embedder *e, const struct folder *at);

static void enter_folder(struct embedder *e, const struct folder *parent, struct str path, const struct stat *st)
{
	struct folder inner = { parent, path, st->st_dev, st->st_ino, parent->depth + 1 };

	for (const struct folder *f = parent; f != NULL; f = f->parent) {
		if (f->device == st->st_dev && f->inode == st->st_ino) {
			skip(e, path, "it is a symbolic link to a folder above it");
			return;
		}
	}
	if (inner.depth > EMBED_MOST_DEPTH)
		skip(e, path, "it is nested too deeply");
	else
		read_folder(e, &inner);
}

/* A few folders with links to each other are a great many. */
static bool count_link(struct embedder *e)
{
	if (e->n_links++ < EMBED_MOST_LINKS)
		return true;
	e->failed = true;
	report(e, e->files->root.at, "root", DIAG_FILES_TOO_LARGE, "'" STR_FMT "' has more than %u links to directories",
		STR_ARG(e->files->folder), EMBED_MOST_LINKS);
	diag_note(e->drive->diags, SPAN_NONE, "they count in each place where other links lead to them");
	return false;
}

static void look_at(struct embedder *e, const struct folder *folder, struct str path)
{
	struct stat st;
	bool is_link;

	if (lstat(path_of(e, path), &st) != 0) {
		fail(e, path, file_errno(e->drive->arena, errno));
		return;
	}
	is_link = S_ISLNK(st.st_mode);
	if (is_link && !resolve_link(e, path, &st))
		return;
	if (is_link && S_ISDIR(st.st_mode) && !count_link(e))
		return;
	if (S_ISDIR(st.st_mode))
		enter_folder(e, folder, path, &st);
	else if (S_ISREG(st.st_mode))
		add_file(e, path, (uint64_t)st.st_size);
	else
		skip(e, path, "it is neither a file nor a directory");
}

static bool is_hidden(const struct embedder *e, const struct folder *folder, const char *name)
{
	return !e->files->hidden.value && name[0] == '.' && !(folder->depth == 0 && strcmp(name, ".well-known") == 0);
}

static void read_folder(struct embedder *e, const struct folder *at)
{
	struct arena *a = e->drive->arena;
	DIR *dir = opendir(path_of(e, at->path));
	const struct dirent *entry;

	if (dir == NULL) {
		fail(e, at->path, file_errno(a, errno));
		return;
	}
	while (!e->failed && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || is_hidden(e, at, entry->d_name))
			continue;
		look_at(e, at, arena_printf(a, STR_FMT "%s%s", STR_ARG(at->path), at->path.len == 0 ? "" : "/",
				       entry->d_name));
	}
	closedir(dir);
}

/* ---- what is in it ---- */

static void read_contents(struct embedder *e)
{
	struct arena *a = e->drive->arena;
	uint64_t left = e->files->embed_limit.value;

	for (size_t i = 0; i < e->found.n && !e->failed; i++) {
		struct m_file *f = &e->found.at[i];
		uint8_t digest[SHA256_BYTES];
		char hex[SHA256_HEX + 1];
		struct sha256 hash;
		struct str why;

		if (!file_read(a, path_of(e, f->path), (size_t)left, &f->bytes, &why)) {
			fail(e, f->path, why);
			return;
		}
		left -= f->bytes.len;
		f->size = f->bytes.len;
		sha256_init(&hash);
		sha256_add(&hash, f->bytes);
		sha256_final(&hash, digest);
		sha256_hex(digest, hex);
		f->etag = arena_printf(a, "\"%.*s\"", ETAG_DIGITS, hex);
	}
}

static int compare_files(const void *a, const void *b)
{
	return str_cmp(((const struct m_file *)a)->path, ((const struct m_file *)b)->path);
}

static void check_fallback(struct embedder *e)
{
	const struct m_str *fallback = &e->files->fallback;
	struct m_file key = { .path = fallback->value };

	if (fallback->value.ptr == NULL ||
	    (e->found.n > 0 && bsearch(&key, e->found.at, e->found.n, sizeof(key), compare_files) != NULL))
		return;
	report(e, fallback->at, "fallback", DIAG_FILES_NAME, "there is no '" STR_FMT "' below '" STR_FMT "'",
		STR_ARG(fallback->value), STR_ARG(e->files->folder));
}

static void embed_route(struct embedder *e, bool contents)
{
	struct folder root = { .path = STR("") };
	char *whole = realpath(arena_cstr(e->drive->arena, e->files->folder), NULL);
	struct stat st;

	if (whole == NULL || stat(whole, &st) != 0) {
		fail(e, STR(""), file_errno(e->drive->arena, errno));
		free(whole);
		return;
	}
	e->root = arena_cstr(e->drive->arena, str_of(whole));
	free(whole);
	root.device = st.st_dev;
	root.inode = st.st_ino;
	read_folder(e, &root);
	if (e->found.n > 0)
		qsort(e->found.at, e->found.n, sizeof(*e->found.at), compare_files);
	if (e->failed)
		return;
	check_fallback(e);
	if (contents)
		read_contents(e);
	e->files->at = e->found.at;
	e->files->n = e->found.n;
}

void embed_read(struct drive *v, struct model *m, bool contents)
{
	for (size_t i = 0; i < m->n_routes; i++) {
		const struct m_route *r = &m->routes[i];
		struct embedder e = { .drive = v, .route = r, .files = r->action.files };

		if (!r->poisoned && r->action.kind == M_ACTION_FILES && r->action.files->embed.value)
			embed_route(&e, contents);
	}
}
