/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/arena.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/vec.h"

Suite *suite_arena(void);

START_TEST(test_first_block)
{
	_Alignas(max_align_t) char first[64];
	struct arena a;
	char *p;

	arena_init(&a, first, sizeof(first), 1000);
	p = arena_alloc(&a, 16);
	ck_assert_ptr_eq(p, first);
	ck_assert_ptr_eq(arena_alloc(&a, 48), first + 16);
	ck_assert_ptr_null(a.chunks);
	p = arena_alloc(&a, 1);
	ck_assert(p != NULL && a.chunks != NULL);
	arena_reset(&a);
	ck_assert_ptr_null(a.chunks);
	ck_assert_ptr_eq(arena_alloc(&a, 16), first);
	arena_fini(&a);
}
END_TEST

START_TEST(test_budget)
{
	struct arena a;

	arena_init(&a, NULL, 0, 100);
	ck_assert_ptr_nonnull(arena_alloc(&a, 60));
	ck_assert(!a.overflow);
	ck_assert_ptr_null(arena_alloc(&a, 60));
	ck_assert(a.overflow);
	ck_assert_ptr_null(arena_zalloc(&a, SIZE_MAX / 2, 3));
	ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX));
	ck_assert_ptr_null(arena_str(&a, (struct str){ "x", 50 }).ptr);
	arena_reset(&a);
	ck_assert(!a.overflow);
	ck_assert_ptr_nonnull(arena_alloc(&a, 100));
	ck_assert_ptr_null(arena_bytes(&a, 1));
	arena_fini(&a);
}
END_TEST

/* One-byte objects are padded; the budget bounds the memory, not the sum of what was asked for. */
START_TEST(test_padding_counts)
{
	struct arena a;
	unsigned n = 0;

	arena_init(&a, NULL, 0, 16 << 10);
	while (arena_alloc(&a, 1) != NULL)
		n++;
	ck_assert_uint_le(n, 1100);
	arena_fini(&a);
}
END_TEST

START_TEST(test_alignment)
{
	struct arena a;

	arena_init_unbounded(&a);
	for (int i = 1; i < 3000; i++) {
		char *bytes = arena_bytes(&a, (size_t)i % 7);
		uint64_t *p = ARENA_NEW(&a, uint64_t);

		memset(bytes, 0xff, (size_t)i % 7);
		ck_assert_uint_eq((uintptr_t)p % _Alignof(max_align_t), 0);
		ck_assert_uint_eq(*p, 0);
		*p = UINT64_MAX;
	}
	ck_assert_ptr_nonnull(arena_alloc(&a, 0));
	ck_assert_ptr_nonnull(arena_alloc(&a, 10 << 20));
	arena_fini(&a);
}
END_TEST

START_TEST(test_text)
{
	struct arena a;
	struct str s;

	arena_init_unbounded(&a);
	s = arena_str(&a, STR("abc"));
	ck_assert_str_eq(s.ptr, "abc");
	ck_assert_str_eq(arena_cstr(&a, STR_NONE), "");
	s = arena_printf(&a, "%s-%d", "x", 12);
	ck_assert(str_eq(s, STR("x-12")) && s.ptr[s.len] == '\0');
	arena_fini(&a);
}
END_TEST

START_TEST(test_vec)
{
	struct arena a;
	VEC(int) v = { 0 };
	int next = 0;

	arena_init(&a, NULL, 0, 1000);
	while (vec_push(&a, &v, next))
		ck_assert_int_lt(++next, 1000);
	ck_assert(a.overflow);
	ck_assert_uint_ge(v.n, 64);
	for (size_t i = 0; i < v.n; i++)
		ck_assert_int_eq(v.at[i], (int)i);
	arena_fini(&a);
}
END_TEST

Suite *suite_arena(void)
{
	Suite *s = suite_create("arena");
	TCase *t = tcase_create("arena");

	tcase_add_test(t, test_first_block);
	tcase_add_test(t, test_budget);
	tcase_add_test(t, test_padding_counts);
	tcase_add_test(t, test_alignment);
	tcase_add_test(t, test_text);
	tcase_add_test(t, test_vec);
	suite_add_tcase(s, t);
	return s;
}
