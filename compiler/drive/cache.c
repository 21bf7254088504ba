/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "drive/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "base/vec.h"
#include "drive/file.h"

/* An entry is   toron-cache 1 <hash of what follows>\n<number of files> <length>\n{<size> <time> <path>\n}<bytes>   */
#define MAGIC "toron-cache 1 "
#define HEADER_LEN (sizeof(MAGIC) - 1 + SHA256_HEX + 1)
#define DEPS_MAX 10000u
#define STALE_SECONDS 3600 /* a half-written file of that age was left by a toronc that was killed */

const char *cache_default_folder(struct arena *a)
{
	const char *base = getenv("XDG_CACHE_HOME");

	if (base != NULL && base[0] == '/')
		return arena_printf(a, "%s/toron", base).ptr;
	base = getenv("HOME");
	if (base != NULL && base[0] == '/')
		return arena_printf(a, "%s/.cache/toron", base).ptr;
	return NULL;
}

/* Helps programs that make backups (https://bford.info/cachedir/). */
static void write_tag(struct arena *a, const char *folder)
{
	const char *path = arena_printf(a, "%s/CACHEDIR.TAG", folder).ptr;
	struct str why;

	if (access(path, F_OK) != 0)
		file_write(a, path, STR("Signature: 8a477f597d28d172789f06886806bc55\n# Made by toronc; may be removed at any time.\n"),
			0600, &why);
}

bool cache_open(struct cache *c, struct arena *a, const char *folder, size_t max_bytes, struct str *why_out)
{
	struct stat st;

	*c = (struct cache){ .arena = a, .max_bytes = max_bytes };
	if (!file_make_dir(a, folder, 0700, why_out))
		return false;
	if (stat(folder, &st) != 0 || access(folder, W_OK | X_OK) != 0) {
		*why_out = file_errno(a, errno);
		return false;
	}
	/* What lies there is linked into gateways: whoever can write there decides what they do. */
	if (st.st_uid != geteuid() || (st.st_mode & S_IWOTH) != 0) {
		*why_out = st.st_uid != geteuid() ? STR("it belongs to another user") : STR("everyone may write there");
		return false;
	}
	c->folder = folder;
	write_tag(a, folder);
	return true;
}

const char *cache_name(struct arena *a, struct sha256 *h, const char *kind)
{
	uint8_t digest[SHA256_BYTES];
	char hex[SHA256_HEX + 1];

	sha256_final(h, digest);
	sha256_hex(digest, hex);
	return arena_printf(a, "%s.%s", hex, kind).ptr;
}

static void hash_of(struct str bytes, char hex_out[SHA256_HEX + 1])
{
	uint8_t digest[SHA256_BYTES];
	struct sha256 h;

	sha256_init(&h);
	sha256_add(&h, bytes);
	sha256_final(&h, digest);
	sha256_hex(digest, hex_out);
}

/* "<size> <seconds>.<nanoseconds>" of a file as it is now; false if it is not there. */
static bool identify(struct arena *a, const char *path, struct str *identity_out)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return false;
	*identity_out = arena_printf(a, "%jd %jd.%09ld", (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
		st.st_mtim.tv_nsec);
	return true;
}

/* Checks the lines of files; *rest is left at the bytes. False: one has changed, or the entry has no sense. */
static bool check_deps(struct arena *a, struct str *rest, struct words *deps)
{
	struct str line, count;
	uint64_t n, len;

	if (!str_split(rest, '\n', &line) || !str_split(&line, ' ', &count) || !str_to_u64(count, DEPS_MAX, &n) ||
	    !str_to_u64(line, CACHE_ENTRY_MAX, &len))
		return false;
	for (uint64_t i = 0; i < n; i++) {
		struct str size, path, identity;
		const char *file;

		if (!str_split(rest, '\n', &line))
			return false;
		path = line;
		if (!str_split(&path, ' ', &size) || !str_split(&path, ' ', &size) || path.len == 0)
			return false;
		file = arena_cstr(a, path);
		if (!identify(a, file, &identity) ||
		    !str_eq(identity, (struct str){ line.ptr, line.len - path.len - 1 }))
			return false;
		words_add(a, deps, file);
	}
	return rest->len == len;
}

/* Whether the entry is whole: its hash is right. */
static bool is_whole(struct str entry)
{
	char hex[SHA256_HEX + 1];

	if (entry.len < HEADER_LEN || !str_starts(entry, STR(MAGIC)) || entry.ptr[HEADER_LEN - 1] != '\n')
		return false;
	hash_of(str_slice(entry, HEADER_LEN, entry.len), hex);
	return memcmp(entry.ptr + sizeof(MAGIC) - 1, hex, SHA256_HEX) == 0;
}

bool cache_get(struct cache *c, const char *name, struct str *bytes_out, struct words *deps)
{
	struct words found = { 0 };
	struct str entry, rest, why;
	const char *path;

	if (c->folder == NULL)
		return false;
	c->n_misses++;
	path = arena_printf(c->arena, "%s/%s", c->folder, name).ptr;
	if (!file_read(c->arena, path, CACHE_ENTRY_MAX, &entry, &why))
		return false;
	rest = str_slice(entry, HEADER_LEN, entry.len);
	if (!is_whole(entry)) {
		unlink(path);
		return false;
	}
	if (!check_deps(c->arena, &rest, &found))
		return false;
	for (size_t i = 0; i < found.n; i++)
		words_add(c->arena, deps, found.at[i]);
	*bytes_out = rest;
	/* Now is when it was used last. */
	utimensat(AT_FDCWD, path, NULL, 0);
	c->n_misses--;
	c->n_hits++;
	return true;
}

void cache_put(struct cache *c, const char *name, struct str bytes, const struct words *deps)
{
	struct sbuf body = { 0 }, entry = { 0 };
	char hex[SHA256_HEX + 1];
	struct str why;
	bool ok = true;

	if (c->folder == NULL || bytes.len >= CACHE_ENTRY_MAX / 2 || deps->n > DEPS_MAX)
		return;
	sbuf_printf(&body, "%zu %zu\n", deps->n, bytes.len);
	for (size_t i = 0; i < deps->n && ok; i++) {
		struct str identity;

		ok = strchr(deps->at[i], '\n') == NULL && identify(c->arena, deps->at[i], &identity);
		if (ok)
			sbuf_printf(&body, STR_FMT " %s\n", STR_ARG(identity), deps->at[i]);
	}
	if (ok) {
		sbuf_add(&body, bytes);
		hash_of(sbuf_str(&body), hex);
		sbuf_printf(&entry, MAGIC "%s\n", hex);
		sbuf_add(&entry, sbuf_str(&body));
		if (file_write(c->arena, arena_printf(c->arena, "%s/%s", c->folder, name).ptr, sbuf_str(&entry), 0600, &why))
			c->n_stored++;
	}
	sbuf_fini(&body);
	sbuf_fini(&entry);
}

struct aged {
	struct str name;
	struct timespec used;
	size_t size;
};

static int by_age(const void *left, const void *right)
{
	const struct aged *a = left, *b = right;

	if (a->used.tv_sec != b->used.tv_sec)
		return a->used.tv_sec < b->used.tv_sec ? -1 : 1;
	if (a->used.tv_nsec != b->used.tv_nsec)
		return a->used.tv_nsec < b->used.tv_nsec ? -1 : 1;
	return str_cmp(a->name, b->name);
}

/* Our entries are "<64 hex digits>.<kind>"; while they are written, ".XXXXXX" stands behind. */
static bool is_entry(struct str name, bool *is_temporary_out)
{
	struct str kind = str_slice(name, SHA256_HEX + 1, name.len);

	for (size_t i = 0; i < SHA256_HEX && i < name.len; i++) {
		if (memchr("0123456789abcdef", name.ptr[i], 16) == NULL)
			return false;
	}
	*is_temporary_out = str_find_char(kind, '.') < kind.len;
	return name.len > SHA256_HEX + 1 && name.ptr[SHA256_HEX] == '.';
}

void cache_trim(struct cache *c)
{
	DIR *dir = c->folder == NULL ? NULL : opendir(c->folder);
	VEC(struct aged) entries = { 0 };
	time_t now = time(NULL);
	const struct dirent *e;
	size_t total = 0;

	if (dir == NULL)
		return;
	while ((e = readdir(dir)) != NULL) {
		bool is_temporary;
		struct stat st;

		if (!is_entry(str_of(e->d_name), &is_temporary) || fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (is_temporary && now - st.st_mtime > STALE_SECONDS)
			unlinkat(dirfd(dir), e->d_name, 0);
		if (is_temporary)
			continue;
		total += (size_t)st.st_size;
		vec_push(c->arena, &entries, (struct aged){ arena_str(c->arena, str_of(e->d_name)), st.st_mtim, (size_t)st.st_size });
	}
	/* A tenth more than needed goes, so that not every store has to look for something to remove. */
	if (total > c->max_bytes) {
		qsort(entries.at, entries.n, sizeof(*entries.at), by_age);
		for (size_t i = 0; i < entries.n && total > c->max_bytes / 10 * 9; i++) {
			unlinkat(dirfd(dir), entries.at[i].name.ptr, 0);
			total -= entries.at[i].size;
		}
	}
	closedir(dir);
}
