/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/map.h"

#include <check.h>
#include <stdlib.h>

#include "base/intern.h"
#include "base/str.h"

Suite *suite_map(void);

START_TEST(test_many)
{
	struct arena a;
	struct map m;
	int values[2] = { 1, 2 };

	arena_init_unbounded(&a);
	map_init(&m, &a);
	ck_assert_ptr_null(map_get(&m, STR("x")));
	for (int i = 0; i < 10000; i++)
		ck_assert(map_add(&m, arena_printf(&a, "key-%d", i), &values[i % 2]));
	ck_assert(!map_add(&m, STR("key-77"), &values[0]));
	ck_assert_uint_eq(m.n, 10000);
	for (int i = 0; i < 10000; i++) {
		struct str key = arena_printf(&a, "key-%d", i);

		ck_assert_ptr_eq(map_get(&m, key), &values[i % 2]);
		ck_assert(str_eq(m.entries[i].key, key));
	}
	ck_assert_ptr_null(map_get(&m, STR("key-10000")));
	ck_assert_ptr_null(map_get(&m, STR("")));
	ck_assert(map_add(&m, STR(""), &values[0]));
	ck_assert_ptr_eq(map_get(&m, STR_NONE), &values[0]);
	arena_fini(&a);
}
END_TEST

START_TEST(test_interns)
{
	struct arena a;
	struct interner in;
	char text[] = "backend";
	struct str first, second;

	arena_init_unbounded(&a);
	intern_init(&in, &a);
	first = intern_str(&in, str_of(text));
	ck_assert_ptr_ne(first.ptr, text);
	text[0] = 'x';
	ck_assert_str_eq(first.ptr, "backend");
	second = intern_str(&in, STR("backend"));
	ck_assert_ptr_eq(first.ptr, second.ptr);
	ck_assert_ptr_ne(intern_str(&in, STR("backen")).ptr, first.ptr);
	ck_assert_uint_eq(intern_str(&in, STR("")).len, 0);
	ck_assert_ptr_eq(intern_str(&in, STR_NONE).ptr, intern_str(&in, STR("")).ptr);
	arena_fini(&a);
}
END_TEST

Suite *suite_map(void)
{
	Suite *s = suite_create("map");
	TCase *t = tcase_create("map");

	tcase_add_test(t, test_many);
	tcase_add_test(t, test_interns);
	suite_add_tcase(s, t);
	return s;
}
