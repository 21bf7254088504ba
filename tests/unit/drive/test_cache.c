/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "drive/cache.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "drive/file.h"

Suite *suite_cache(void);

/* A folder of our own, and a cache in it. */
struct world {
	struct arena a;
	char folder[64];
	struct cache cache;
};

static void begin(struct world *w, size_t max_bytes)
{
	struct str why;

	arena_init_unbounded(&w->a);
	snprintf(w->folder, sizeof(w->folder), "/tmp/toron-test-cache-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(w->folder));
	ck_assert(cache_open(&w->cache, &w->a, arena_printf(&w->a, "%s/a/cache", w->folder).ptr, max_bytes, &why));
}

static void end(struct world *w)
{
	file_remove_tree(w->folder);
	ck_assert(access(w->folder, F_OK) != 0);
	arena_fini(&w->a);
}

static const char *name_of(struct world *w, const char *key)
{
	struct sha256 h;

	sha256_init(&h);
	sha256_add_field(&h, str_of(key));
	return cache_name(&w->a, &h, "o");
}

static const char *path_of(struct world *w, const char *key)
{
	return arena_printf(&w->a, "%s/%s", w->cache.folder, name_of(w, key)).ptr;
}

static bool get(struct world *w, const char *key, struct str *bytes_out)
{
	struct words deps = { 0 };

	*bytes_out = STR_NONE;
	return cache_get(&w->cache, name_of(w, key), bytes_out, &deps);
}

static void put(struct world *w, const char *key, struct str bytes)
{
	struct words deps = { 0 };

	cache_put(&w->cache, name_of(w, key), bytes, &deps);
}

static void write_file(struct world *w, const char *path, struct str bytes)
{
	struct str why;

	ck_assert(file_write(&w->a, path, bytes, 0600, &why));
}

START_TEST(test_round_trip)
{
	struct str bytes, odd = STR("with a NUL \0 and\nlines");
	struct world w;

	begin(&w, CACHE_MAX_BYTES);
	ck_assert(!get(&w, "a", &bytes));
	put(&w, "a", odd);
	put(&w, "empty", STR(""));
	ck_assert(get(&w, "a", &bytes));
	ck_assert(str_eq(bytes, odd));
	ck_assert(get(&w, "empty", &bytes));
	ck_assert_uint_eq(bytes.len, 0);
	ck_assert(!get(&w, "b", &bytes));
	put(&w, "a", STR("other"));
	ck_assert(get(&w, "a", &bytes));
	ck_assert(str_eq(bytes, STR("other")));
	ck_assert_uint_eq(w.cache.n_hits, 3);
	ck_assert_uint_eq(w.cache.n_misses, 2);
	ck_assert_uint_eq(w.cache.n_stored, 3);
	end(&w);
}
END_TEST

/* An entry is taken only while the files that went into it are what they were. */
START_TEST(test_deps)
{
	struct words deps = { 0 }, found = { 0 };
	struct str bytes;
	struct world w;
	const char *file;

	begin(&w, CACHE_MAX_BYTES);
	file = arena_printf(&w.a, "%s/a header.h", w.folder).ptr;
	write_file(&w, file, STR("one"));
	words_add(&w.a, &deps, file);
	words_add(&w.a, &deps, "/bin/sh");
	cache_put(&w.cache, name_of(&w, "a"), STR("object"), &deps);
	ck_assert(cache_get(&w.cache, name_of(&w, "a"), &bytes, &found));
	ck_assert_uint_eq(found.n, 2);
	ck_assert_str_eq(found.at[0], file);

	/* The same size, another time. */
	usleep(20000);
	write_file(&w, file, STR("two"));
	ck_assert(!get(&w, "a", &bytes));
	cache_put(&w.cache, name_of(&w, "a"), STR("object 2"), &deps);
	ck_assert(get(&w, "a", &bytes));
	ck_assert(str_eq(bytes, STR("object 2")));
	unlink(file);
	ck_assert(!get(&w, "a", &bytes));

	/* What depends on a file that is not there is not stored. */
	cache_put(&w.cache, name_of(&w, "b"), STR("object"), &deps);
	ck_assert(!get(&w, "b", &bytes));
	end(&w);
}
END_TEST

/* Each bit of an entry counts: a damaged one is absent, and removed. */
START_TEST(test_damage)
{
	struct words deps = { 0 };
	struct str entry, why, bytes;
	struct world w;
	const char *path;

	begin(&w, CACHE_MAX_BYTES);
	words_add(&w.a, &deps, "/bin/sh");
	path = path_of(&w, "a");
	cache_put(&w.cache, name_of(&w, "a"), STR("some object code"), &deps);
	ck_assert(file_read(&w.a, path, 10000, &entry, &why));
	for (size_t i = 0; i < entry.len; i++) {
		char *damaged = arena_cstr(&w.a, entry);

		memcpy(damaged, entry.ptr, entry.len);
		damaged[i] ^= 1;
		write_file(&w, path, (struct str){ damaged, entry.len });
		ck_assert_msg(!get(&w, "a", &bytes), "byte %zu", i);
		ck_assert(access(path, F_OK) != 0);
	}
	for (size_t len = 0; len < entry.len; len++) {
		write_file(&w, path, (struct str){ entry.ptr, len });
		ck_assert_msg(!get(&w, "a", &bytes), "length %zu", len);
	}
	/* The whole one is still good: the damage was what mattered. */
	write_file(&w, path, entry);
	ck_assert(get(&w, "a", &bytes));
	ck_assert(str_eq(bytes, STR("some object code")));
	end(&w);
}
END_TEST

START_TEST(test_oldest_first)
{
	char block[10000] = { 0 };
	struct str bytes, big = { block, sizeof(block) };
	struct world w;

	begin(&w, 100000);
	for (int i = 0; i < 9; i++)
		put(&w, arena_printf(&w.a, "%d", i).ptr, big);
	for (int i = 0; i < 9; i++) {
		struct timespec times[2] = { { 1000 + i, 0 }, { 1000 + i, 0 } };

		ck_assert_int_eq(utimensat(AT_FDCWD, path_of(&w, arena_printf(&w.a, "%d", i).ptr), times, 0), 0);
	}
	cache_trim(&w.cache);
	ck_assert_int_eq(access(path_of(&w, "0"), F_OK), 0);
	/* Used now, so it is not the oldest any more. */
	ck_assert(get(&w, "0", &bytes));
	put(&w, "new", big);
	put(&w, "newer", big);
	write_file(&w, arena_printf(&w.a, "%s/not ours", w.cache.folder).ptr, big);
	cache_trim(&w.cache);
	ck_assert(access(path_of(&w, "1"), F_OK) != 0);
	ck_assert(access(path_of(&w, "2"), F_OK) != 0);
	ck_assert_int_eq(access(path_of(&w, "8"), F_OK), 0);
	ck_assert(get(&w, "0", &bytes));
	ck_assert(get(&w, "new", &bytes));
	ck_assert_int_eq(access(arena_printf(&w.a, "%s/not ours", w.cache.folder).ptr, F_OK), 0);
	end(&w);
}
END_TEST

START_TEST(test_left_over)
{
	struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	const char *stale, *fresh;
	struct world w;

	begin(&w, CACHE_MAX_BYTES);
	stale = arena_printf(&w.a, "%s.AAAAAA", path_of(&w, "a")).ptr;
	fresh = arena_printf(&w.a, "%s.BBBBBB", path_of(&w, "a")).ptr;
	write_file(&w, stale, STR("x"));
	write_file(&w, fresh, STR("x"));
	utimensat(AT_FDCWD, stale, old, 0);
	cache_trim(&w.cache);
	ck_assert(access(stale, F_OK) != 0);
	ck_assert_int_eq(access(fresh, F_OK), 0);
	end(&w);
}
END_TEST

START_TEST(test_unusable)
{
	struct cache c;
	struct str why, bytes;
	struct words deps = { 0 };
	struct world w;
	const char *file;

	begin(&w, CACHE_MAX_BYTES);
	file = arena_printf(&w.a, "%s/file", w.folder).ptr;
	write_file(&w, file, STR("x"));
	ck_assert(!cache_open(&c, &w.a, file, 1000, &why));
	ck_assert(why.len > 0);
	ck_assert(!cache_open(&c, &w.a, arena_printf(&w.a, "%s/below", file).ptr, 1000, &why));
	/* Whoever may write there could slip code into gateways. */
	ck_assert_int_eq(chmod(w.cache.folder, 0777), 0);
	ck_assert(!cache_open(&c, &w.a, w.cache.folder, 1000, &why));
	/* A cache that is off takes and gives nothing. */
	cache_put(&c, name_of(&w, "a"), STR("x"), &deps);
	ck_assert(!cache_get(&c, name_of(&w, "a"), &bytes, &deps));
	cache_trim(&c);
	end(&w);
}
END_TEST

/* Several processes that store and fetch the same entries never see a part of one. */
START_TEST(test_parallel)
{
	struct world w;
	pid_t children[4];

	begin(&w, CACHE_MAX_BYTES);
	for (int child = 0; child < 4; child++) {
		children[child] = fork();
		ck_assert_int_ge(children[child], 0);
		if (children[child] != 0)
			continue;
		for (int i = 0; i < 200; i++) {
			struct str text = arena_printf(&w.a, "%0*d", 1000 + 1000 * child, child), bytes;

			put(&w, "shared", text);
			if (get(&w, "shared", &bytes) && bytes.len % 1000 != 0)
				_exit(1);
		}
		_exit(w.cache.n_hits > 0 ? 0 : 2);
	}
	for (int child = 0; child < 4; child++) {
		int status;

		ck_assert_int_eq(waitpid(children[child], &status, 0), children[child]);
		ck_assert_int_eq(status, 0);
	}
	end(&w);
}
END_TEST

START_TEST(test_default_folder)
{
	struct arena a;

	arena_init_unbounded(&a);
	setenv("HOME", "/home/x", 1);
	setenv("XDG_CACHE_HOME", "/var/y", 1);
	ck_assert_str_eq(cache_default_folder(&a), "/var/y/toron");
	setenv("XDG_CACHE_HOME", "relative", 1);
	ck_assert_str_eq(cache_default_folder(&a), "/home/x/.cache/toron");
	unsetenv("XDG_CACHE_HOME");
	unsetenv("HOME");
	ck_assert_ptr_null(cache_default_folder(&a));
	arena_fini(&a);
}
END_TEST

static void check_hash(struct str text, const char *hex)
{
	uint8_t digest[SHA256_BYTES];
	char got[SHA256_HEX + 1];
	struct sha256 h;

	/* In two parts, at every place. */
	for (size_t i = 0; i <= text.len; i += text.len > 1000 ? 9973 : 1) {
		sha256_init(&h);
		sha256_add(&h, str_slice(text, 0, i));
		sha256_add(&h, str_slice(text, i, text.len));
		sha256_final(&h, digest);
		sha256_hex(digest, got);
		ck_assert_str_eq(got, hex);
	}
}

/* The examples of FIPS 180-2, appendix B. */
START_TEST(test_sha256)
{
	char *million = malloc(1000000);

	check_hash(STR(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	check_hash(STR("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	check_hash(STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	memset(million, 'a', 1000000);
	check_hash((struct str){ million, 1000000 }, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	free(million);
}
END_TEST

Suite *suite_cache(void)
{
	Suite *s = suite_create("cache");
	TCase *t = tcase_create("cache");

	tcase_add_test(t, test_round_trip);
	tcase_add_test(t, test_deps);
	tcase_add_test(t, test_damage);
	tcase_add_test(t, test_oldest_first);
	tcase_add_test(t, test_left_over);
	tcase_add_test(t, test_unusable);
	tcase_add_test(t, test_parallel);
	tcase_add_test(t, test_default_folder);
	tcase_add_test(t, test_sha256);
	suite_add_tcase(s, t);
	return s;
}
