/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "automata/automata.h"
#include "automata/table.h"
#include "base/check.h"
#include "base/str.h"
#include "route/walk.h"
#include "toron/table.h"
#include "unit/automata/random_re.h"

Suite *suite_table(void);

#define PATTERNS 4
#define HOST_ORDER (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? TABLE_LITTLE_ENDIAN : TABLE_BIG_ENDIAN)
#define OTHER_ORDER (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? TABLE_BIG_ENDIAN : TABLE_LITTLE_ENDIAN)

static struct arena arena;

static void setup(void)
{
	arena_init_unbounded(&arena);
}

static void teardown(void)
{
	arena_fini(&arena);
}

static struct dfa build(struct re **patterns, uint32_t n)
{
	struct dfa d;
	uint32_t culprit;

	ck_assert_int_eq(dfa_build(&arena, patterns, n, 300000, &d, &culprit), DFA_OK);
	return d;
}

/* A block of exactly the table's size, so that a sanitizer sees what is read beside it. */
static unsigned char *write_table(const struct dfa *d, enum table_order order, size_t *len_out)
{
	struct sbuf out = { 0 };
	unsigned char *blob;

	ck_assert(table_write(&out, d, order));
	blob = malloc(out.len);
	memcpy(blob, out.ptr, out.len);
	*len_out = out.len;
	sbuf_fini(&out);
	return blob;
}

static void check_sets(const struct dfa *d, const unsigned char *blob)
{
	for (uint32_t s = 0; s < d->n_sets; s++) {
		uint32_t n;
		const uint32_t *members = route_walk_set(blob, s, &n);

		ck_assert_uint_eq(n, d->sets[s].n);
		if (n > 0)
			ck_assert_mem_eq(members, d->sets[s].patterns, n * sizeof(*members));
	}
}

START_TEST(test_random)
{
	struct dice dice = { 0xdeadbeefcafeu };
	char buffer[32];

	for (int round = 0; round < 300; round++) {
		struct re *patterns[PATTERNS];
		struct dfa d;
		unsigned char *blob;
		size_t len;

		for (int p = 0; p < PATTERNS; p++) {
			struct specimen s;

			specimen_make(&dice, &s);
			patterns[p] = specimen_parse(&s, &arena);
		}
		if (round % 3 == 0) /* wide steps beside the narrow ones */
			patterns[0] = re_cat(&arena, patterns[0], re_any_string(&arena));
		d = build(patterns, PATTERNS);
		blob = write_table(&d, HOST_ORDER, &len);
		ck_assert_int_eq(route_walk_check(blob, len), WALK_OK);
		for (unsigned i = 0; i < n_strings(6); i++) {
			struct str text = nth_string(i, buffer);

			ck_assert_uint_eq(route_walk(blob, text.ptr, text.len), dfa_match(&d, text));
			buffer[i % 7] = (char)i;
			ck_assert_uint_eq(route_walk(blob, text.ptr, text.len), dfa_match(&d, text));
		}
		check_sets(&d, blob);
		free(blob);
		arena_reset(&arena);
	}
}
END_TEST

static const char *const paths[] = {
	"/", "/users", "/users/[^/]+", "/users/[^/]+/posts", "/users/me(/.*)?", "/users/search", "/static(/.*)?",
	"(?i)/Admin/[a-z]+", "/v[0-9]+/items/[^/]+/(get|put|patch|post|head|list)", "/files/[^/]+\\.json", "/a{3}b?",
	"/literal/with/a/long/tail/that/becomes/one/chain", "/x[acegikmoqsuwy]",
};

static const char *const requests[] = {
	"", "/", "/users", "/users/", "/users/7", "/users/me", "/users/mex", "/users/me/", "/users/me/posts",
	"/users/7/posts", "/users/7/post", "/users/search", "/users/searching/posts", "/static", "/static/", "/staticx",
	"/static/a/b\xff", "/ADMIN/x", "/admin/X", "/admin/", "/v1/items/9/get", "/v1/items//get", "/v12/items/9/lis",
	"/v12/items/get/list", "/files/a.json", "/files/a.jsonx", "/files/.json.json", "/aaa", "/aaab", "/aaaa",
	"/literal/with/a/long/tail/that/becomes/one/chain", "/literal/with/a/long/tail/that/becomes/one/chai",
	"/literal/with/a/long/tail/that/becomes/one/chainx", "/literal/with/a/lung/tail/that/becomes/one/chain",
	"/xa", "/xb", "/xy", "/xaa", "/p/1/q", "/p/1", "/p/1/", "/p//q", "/p/\xff/q", "/p/q/q/q",
	"/p/0123456789abcdef0123456789abcdef/q", "/p/0123456789abcdef0123456789abcdef", "/p/0123456/q", "/p/01234567", "/n/.js", "/n/a.js",
	"/n/abcdefghijkl.js", "/n/abcdefghijkl/index", "/n/a/b.js", "/n/a..js", "/n/a", "/xcc", "/literal/w", "/literal/with/a/lo",
};

/* The paths, one with a parameter as templates have it, and one with two ways out of a loop. */
static struct dfa build_paths(void)
{
	struct re *patterns[ARRAY_LEN(paths) + 2], *param, *name;
	struct re_error error;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		patterns[i] = re_parse(&arena, str_of(paths[i]), &error);
		ck_assert_ptr_nonnull(patterns[i]);
	}
	param = re_repeat(&arena, re_not_bytes(&arena, STR("/")), 1, -1);
	param = re_cat(&arena, re_literal(&arena, STR("/p/"), false), param);
	patterns[ARRAY_LEN(paths)] = re_cat(&arena, param, re_literal(&arena, STR("/q"), false));
	name = re_cat(&arena, re_literal(&arena, STR("/n/"), false), re_repeat(&arena, re_not_bytes(&arena, STR("/.")), 0, -1));
	patterns[ARRAY_LEN(paths) + 1] = re_cat(&arena, name, re_alt(&arena, re_literal(&arena, STR(".js"), false),
		re_literal(&arena, STR("/index"), false)));
	return build(patterns, ARRAY_LEN(patterns));
}

static size_t record_size(unsigned kind, uint32_t n, uint32_t n_classes)
{
	size_t size = TORON_TABLE_FEW_SIZE;

	if (kind == TORON_TABLE_CHAIN)
		size = TORON_TABLE_CHAIN_BYTES + n;
	else if (kind == TORON_TABLE_MANY)
		size = TORON_TABLE_MANY_REFS + 4 * (size_t)n + n_classes;
	else if (kind == TORON_TABLE_SHORT)
		size = TORON_TABLE_SHORT_SIZE;
	else if (kind == TORON_TABLE_SKIP)
		size = TORON_TABLE_SKIP_SIZE;
	return (size + 7) / 8 * 8;
}

static unsigned kinds_of(const unsigned char *blob)
{
	uint32_t at = TORON_TABLE_AT_RECORDS, end, n_classes;
	unsigned kinds = 0;

	memcpy(&end, blob + TORON_TABLE_AT_SETS, 4);
	memcpy(&n_classes, blob + TORON_TABLE_AT_N_CLASSES, 4);
	while (at < end) {
		uint32_t n = blob[at + 2] | (uint32_t)blob[at + 3] << 8;

		if (HOST_ORDER == TABLE_BIG_ENDIAN)
			n = blob[at + 3] | (uint32_t)blob[at + 2] << 8;
		kinds |= 1u << blob[at];
		at += (uint32_t)record_size(blob[at], n, n_classes);
	}
	return kinds;
}

START_TEST(test_paths)
{
	struct dfa d = build_paths();
	size_t len;
	unsigned char *blob = write_table(&d, HOST_ORDER, &len);
	unsigned n_taken = 0;

	ck_assert_int_eq(route_walk_check(blob, len), WALK_OK);
	ck_assert_uint_eq(kinds_of(blob),
		1u << TORON_TABLE_CHAIN | 1u << TORON_TABLE_SHORT | 1u << TORON_TABLE_SKIP | 1u << TORON_TABLE_FEW | 1u << TORON_TABLE_RUN | 1u << TORON_TABLE_MANY);
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		uint32_t set = route_walk(blob, requests[i], strlen(requests[i]));

		ck_assert_uint_eq(set, dfa_match(&d, str_of(requests[i])));
		n_taken += set != 0;
	}
	ck_assert_uint_gt(n_taken, 15);
	ck_assert_uint_eq(route_walk(blob, "/static/\0", 9), 0);
	ck_assert_uint_eq(route_walk(blob, "/static/\0x", 10), 0);
	ck_assert_uint_eq(route_walk(blob, "/users/\0", 8), 0);
	ck_assert_uint_eq(route_walk(blob, NULL, 0), 0);
	check_sets(&d, blob);
	free(blob);
}
END_TEST

START_TEST(test_same_bytes)
{
	struct dfa d = build_paths(), e = build_paths();
	size_t len_d, len_e;
	unsigned char *x = write_table(&d, TABLE_LITTLE_ENDIAN, &len_d), *y = write_table(&e, TABLE_LITTLE_ENDIAN, &len_e);

	ck_assert_uint_eq(len_d, len_e);
	ck_assert_mem_eq(x, y, len_d);
	free(x);
	free(y);
}
END_TEST

/* A literal longer than one chain, and a column for every byte. */
START_TEST(test_extremes)
{
	struct sbuf text = { 0 };
	struct re *patterns[256];
	struct dfa d;
	unsigned char *blob;
	size_t len;

	for (int i = 0; i < 70000; i++)
		sbuf_addc(&text, (char)('a' + i % 7));
	patterns[255] = re_literal(&arena, sbuf_str(&text), false);
	for (unsigned byte = 1; byte < 256; byte++) {
		char pair[2] = { (char)byte, (char)(256 - byte) };

		patterns[byte - 1] = re_literal(&arena, (struct str){ pair, 2 }, false);
	}
	d = build(patterns, 256);
	blob = write_table(&d, HOST_ORDER, &len);
	ck_assert_int_eq(route_walk_check(blob, len), WALK_OK);
	ck_assert_uint_eq(route_walk(blob, text.ptr, text.len), dfa_match(&d, sbuf_str(&text)));
	ck_assert_uint_ne(route_walk(blob, text.ptr, text.len), 0);
	ck_assert_uint_eq(route_walk(blob, text.ptr, text.len - 1), 0);
	ck_assert_uint_eq(route_walk(blob, text.ptr, 65536), 0);
	for (unsigned i = 0; i < 65536; i++) {
		char pair[2] = { (char)(i >> 8), (char)i };

		ck_assert_uint_eq(route_walk(blob, pair, 2), dfa_match(&d, (struct str){ pair, 2 }));
	}
	free(blob);
	sbuf_fini(&text);
}
END_TEST

/* 256 classes that lead to 256 places: the widest record. */
START_TEST(test_widest_record)
{
	struct re *patterns[256];
	struct dfa d;
	unsigned char *blob;
	size_t len;

	for (unsigned byte = 1; byte < 256; byte++) {
		char one = (char)byte;

		patterns[byte - 1] = re_literal(&arena, (struct str){ &one, 1 }, false);
	}
	patterns[255] = re_cat(&arena, re_not_bytes(&arena, STR("x")), re_any_string(&arena));
	d = build(patterns, 256);
	blob = write_table(&d, HOST_ORDER, &len);
	ck_assert_int_eq(route_walk_check(blob, len), WALK_OK);
	for (unsigned byte = 0; byte < 256; byte++) {
		char two[2] = { (char)byte, 'q' };

		for (size_t n = 1; n <= 2; n++)
			ck_assert_uint_eq(route_walk(blob, two, n), dfa_match(&d, (struct str){ two, n }));
	}
	free(blob);
}
END_TEST

START_TEST(test_trivial)
{
	struct re *patterns[] = { re_empty(&arena), re_any_string(&arena) };
	struct dfa d = build(NULL, 0);
	size_t len;
	unsigned char *blob = write_table(&d, HOST_ORDER, &len);

	ck_assert_int_eq(route_walk_check(blob, len), WALK_OK);
	ck_assert_uint_eq(route_walk(blob, "", 0), 0);
	ck_assert_uint_eq(route_walk(blob, "x", 1), 0);
	free(blob);
	d = build(patterns, 2);
	blob = write_table(&d, HOST_ORDER, &len);
	ck_assert_int_eq(route_walk_check(blob, len), WALK_OK);
	ck_assert_uint_eq(route_walk(blob, "", 0), dfa_match(&d, STR("")));
	ck_assert_uint_eq(route_walk(blob, "x", 1), dfa_match(&d, STR("x")));
	ck_assert_uint_eq(route_walk(blob, "x\0", 2), 0);
	free(blob);
}
END_TEST

static void swap(unsigned char *at, size_t size)
{
	for (size_t i = 0; i < size / 2; i++) {
		unsigned char c = at[i];

		at[i] = at[size - 1 - i];
		at[size - 1 - i] = c;
	}
}

static uint32_t word_at(const unsigned char *blob, size_t at)
{
	uint32_t w;

	memcpy(&w, blob + at, 4);
	return w;
}

/* Turns the words of a table of the other byte order around, record by record. */
static void swap_table(unsigned char *blob, size_t len)
{
	size_t at, sets;

	for (at = 0; at <= TORON_TABLE_AT_FIRST; at += 4)
		swap(blob + at, 4);
	sets = word_at(blob, TORON_TABLE_AT_SETS);
	for (at = TORON_TABLE_AT_RECORDS; at < sets;) {
		size_t n_words = 6;
		uint16_t n;

		swap(blob + at + 2, 2);
		memcpy(&n, blob + at + 2, 2);
		if (blob[at] == TORON_TABLE_MANY)
			n_words = n;
		else if (blob[at] != TORON_TABLE_FEW && blob[at] != TORON_TABLE_RUN)
			n_words = 1;
		for (size_t i = 0; i <= n_words; i++)
			swap(blob + at + 4 + 4 * i, 4);
		at += record_size(blob[at], n, word_at(blob, TORON_TABLE_AT_N_CLASSES));
	}
	for (; at < len; at += 4)
		swap(blob + at, 4);
}

START_TEST(test_other_byte_order)
{
	struct dfa d = build_paths();
	size_t len, len_other;
	unsigned char *host = write_table(&d, HOST_ORDER, &len), *other = write_table(&d, OTHER_ORDER, &len_other);

	ck_assert_uint_eq(len, len_other);
	ck_assert_int_eq(route_walk_check(other, len), WALK_BAD_HEADER);
	swap_table(other, len);
	ck_assert_mem_eq(host, other, len);
	free(host);
	free(other);
}
END_TEST

/* Whatever one byte is changed to: the check refuses the table, or walks stay inside it and
 * answer with sets that exist. */
START_TEST(test_damage)
{
	struct dfa d = build_paths();
	size_t len, n_refused = 0;
	unsigned char *blob = write_table(&d, HOST_ORDER, &len);
	static const unsigned char flips[] = { 1, 2, 4, 0x80, 0xff };

	ck_assert_int_eq(route_walk_check(blob, len - 4), WALK_BAD_HEADER);
	ck_assert_int_eq(route_walk_check(blob, 0), WALK_BAD_HEADER);
	for (size_t i = 0; i < len * ARRAY_LEN(flips); i++) {
		blob[i / ARRAY_LEN(flips)] ^= flips[i % ARRAY_LEN(flips)];
		if (route_walk_check(blob, len) != WALK_OK) {
			n_refused++;
		} else {
			for (size_t r = 0; r < ARRAY_LEN(requests); r++) {
				uint32_t set = route_walk(blob, requests[r], strlen(requests[r])), n;
				const uint32_t *members = route_walk_set(blob, set, &n);

				ck_assert_uint_lt(set, d.n_sets);
				for (uint32_t k = 0; k < n; k++)
					ck_assert_uint_lt(members[k], word_at(blob, TORON_TABLE_AT_N_PATTERNS));
			}
		}
		blob[i / ARRAY_LEN(flips)] ^= flips[i % ARRAY_LEN(flips)];
	}
	ck_assert_uint_gt(n_refused, len);
	ck_assert_int_eq(route_walk_check(blob, len), WALK_OK);
	free(blob);
}
END_TEST

Suite *suite_table(void)
{
	Suite *s = suite_create("table");
	TCase *t = tcase_create("table");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_random);
	tcase_add_test(t, test_paths);
	tcase_add_test(t, test_same_bytes);
	tcase_add_test(t, test_extremes);
	tcase_add_test(t, test_widest_record);
	tcase_add_test(t, test_trivial);
	tcase_add_test(t, test_other_byte_order);
	tcase_add_test(t, test_damage);
	suite_add_tcase(s, t);
	return s;
}
