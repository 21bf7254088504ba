/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "drive/unit.h"

#include <check.h>

#include "base/str.h"
#include "drive/depfile.h"
#include "drive/toolchain.h"

Suite *suite_unit(void);

static struct arena arena;

static void begin(void)
{
	arena_init_unbounded(&arena);
}

static void end(void)
{
	arena_fini(&arena);
}

#define N_FILES 5

/* The cache names of the units of a small gateway, after one text was replaced. */
static void names_with(size_t changed, struct str text, const char *names_out[3])
{
	struct emit_file at[N_FILES] = {
		{ STR("gateway.c"), EMIT_C, STR("#include \"gateway.h\"\n/* gateway.yaml:1:1 */\nint x;\n") },
		{ STR("gateway.h"), EMIT_C, STR("#include \"types.h\"\n") },
		{ STR("types.h"), EMIT_C, STR("struct t;\n") },
		{ STR("match_0.re"), EMIT_RE2C, STR("/*!re2c x */\nint y;\n") },
		{ STR("table.s"), EMIT_ASM, STR(".incbin \"table.bin\"\n") },
	};
	struct emit_file all[N_FILES + 1];
	struct emit_files files = { .at = all, .n = N_FILES + 1 };
	struct unit *units;
	struct sha256 base;
	size_t n;

	memcpy(all, at, sizeof(at));
	all[N_FILES] = (struct emit_file){ STR("table.bin"), EMIT_DATA, STR("/* data */\n") };
	if (changed < files.n)
		all[changed].text = text;
	sha256_init(&base);
	units = unit_list(&arena, &files, &base, &n);
	ck_assert_uint_eq(n, 3);
	ck_assert_str_eq(units[0].object_name, "gateway.c.o");
	ck_assert_str_eq(units[1].c_name, "match_0.re.c");
	for (size_t i = 0; i < 3; i++)
		names_out[i] = units[i].cache_name;
}

START_TEST(test_what_changes)
{
	static const struct {
		size_t file;
		struct str text;
		bool changes[3]; /* gateway.c, match_0.re, table.s */
	} cases[] = {
		{ 99, STR_INIT(""), { false, false, false } },
		{ 0, STR_INIT("#include \"gateway.h\"\n/* gateway.yaml:77:1 */\nint x;\n"), { false, false, false } },
		{ 0, STR_INIT("#include \"gateway.h\"\nint z;\n"), { true, false, false } },
		{ 1, STR_INIT("#include \"types.h\"\nint more;\n"), { true, false, false } },
		{ 2, STR_INIT("struct u;\n"), { true, false, false } },
		{ 3, STR_INIT("/*!re2c z */\nint y;\n"), { false, true, false } },
		{ 4, STR_INIT(".incbin \"table.bin\"\n.byte 0\n"), { false, false, true } },
		{ 5, STR_INIT("/* other */\n"), { false, false, true } },
	};
	const char *before[3], *after[3];

	begin();
	names_with(99, STR(""), before);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		names_with(cases[i].file, cases[i].text, after);
		for (size_t j = 0; j < 3; j++)
			ck_assert_msg((strcmp(before[j], after[j]) != 0) == cases[i].changes[j], "case %zu, unit %zu", i, j);
	}
	end();
}
END_TEST

START_TEST(test_essence)
{
	static const struct {
		struct str text, essence;
	} cases[] = {
		{ STR_INIT("a\n/* x */\n\t/* y */ \nb\n"), STR_INIT("a\nb\n\n") },
		{ STR_INIT("/* x */ int a;\n"), STR_INIT("/* x */ int a;\n\n") },
		{ STR_INIT("/* x */ int a; /* y */\n"), STR_INIT("/* x */ int a; /* y */\n\n") },
		{ STR_INIT("/*! re2c */\n/*\n*/\n"), STR_INIT("/*! re2c */\n/*\n*/\n\n") },
		{ STR_INIT("/* x */\n__LINE__\n"), STR_INIT("/* x */\n__LINE__\n") },
		{ STR_INIT("/*/\n/**/\n"), STR_INIT("/*/\n\n") },
	};

	begin();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(str_eq(unit_essence(&arena, cases[i].text), cases[i].essence), "case %zu", i);
	end();
}
END_TEST

START_TEST(test_depfile)
{
	struct words deps = { 0 };

	begin();
	depfile_read(&arena, STR("a.o: a.c \\\n /usr/include/x.h /with\\ blank/y.h\\\n\t/cash$$.h /a\\#b.h rel.h /usr/include/x.h\n"), &deps);
	ck_assert_uint_eq(deps.n, 4);
	ck_assert_str_eq(deps.at[0], "/usr/include/x.h");
	ck_assert_str_eq(deps.at[1], "/with blank/y.h");
	ck_assert_str_eq(deps.at[2], "/cash$.h");
	ck_assert_str_eq(deps.at[3], "/a#b.h");
	depfile_read(&arena, STR(""), &deps);
	depfile_read(&arena, STR("/abs/target.o:\n"), &deps);
	depfile_read(&arena, STR("x: \\"), &deps);
	ck_assert_uint_eq(deps.n, 4);
	end();
}
END_TEST

START_TEST(test_words)
{
	struct words w = { 0 };

	begin();
	ck_assert(words_split(&arena, STR("  gcc -m64\t\"-I/a b\" x\"y z\"w \"\" "), &w));
	ck_assert_uint_eq(w.n, 5);
	ck_assert_str_eq(w.at[0], "gcc");
	ck_assert_str_eq(w.at[2], "-I/a b");
	ck_assert_str_eq(w.at[3], "xy zw");
	ck_assert_str_eq(w.at[4], "");
	ck_assert(!words_split(&arena, STR("a \"b"), &w));
	w.n = 0;
	ck_assert(words_split(&arena, STR(""), &w));
	ck_assert_uint_eq(w.n, 0);
	end();
}
END_TEST

Suite *suite_unit(void)
{
	Suite *s = suite_create("unit");
	TCase *t = tcase_create("unit");

	tcase_add_test(t, test_what_changes);
	tcase_add_test(t, test_essence);
	tcase_add_test(t, test_depfile);
	tcase_add_test(t, test_words);
	suite_add_tcase(s, t);
	return s;
}
