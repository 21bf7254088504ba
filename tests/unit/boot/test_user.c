/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "boot/user.h"

static char passwd[64], group[64];

static void write_file(char path[64], const char *text)
{
	size_t len = strlen(text);
	int fd;

	snprintf(path, 64, "/tmp/toron-test-user-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	close(fd);
}

static void setup(void)
{
	log_setup(LOG_ERROR, LOG_TEXT);
	write_file(passwd,
		"root:x:0:0:root:/root:/bin/sh\n"
		"+::::::\n"
		"broken\n"
		":x:5:5:::\n"
		"toron:x:990:991:a service:/var/empty:/usr/sbin/nologin\n"
		"odd:x:-1:3::/:/bin/sh\n"
		"huge:x:4294967295:3::/:/bin/sh\n"
		"1000:x:77:78::/:/bin/sh\n"
		"someone:x:1000:1001::/:/bin/sh\n"
		"last:x:12:13");
	write_file(group,
		"root:x:0:\n"
		"adm:x:4:syslog,toron\n"
		"toron:x:991:\n"
		"tls:x:44:toron,someone\n"
		"same:x:991:toron\n"
		"similar:x:45:toronto,toro\n"
		"broken:x:zz:toron\n");
}

static void teardown(void)
{
	unlink(passwd);
	unlink(group);
}

START_TEST(a_user_has_an_own_group_and_others)
{
	struct user u;

	ck_assert(user_find("toron", passwd, group, &u));
	ck_assert_uint_eq(u.uid, 990);
	ck_assert_uint_eq(u.gid, 991);
	ck_assert_uint_eq(u.n_groups, 3);
	ck_assert_uint_eq(u.groups[0], 991);
	ck_assert_uint_eq(u.groups[1], 4);
	ck_assert_uint_eq(u.groups[2], 44);
}
END_TEST

START_TEST(a_number_is_a_user_unless_it_is_a_name)
{
	struct user u;

	ck_assert(user_find("990", passwd, group, &u));
	ck_assert_uint_eq(u.uid, 990);
	ck_assert_uint_eq(u.n_groups, 3);
	ck_assert(user_find("1000", passwd, group, &u));
	ck_assert_uint_eq(u.uid, 77);
	ck_assert(user_find("last", passwd, group, &u));
	ck_assert_uint_eq(u.gid, 13);
}
END_TEST

START_TEST(who_is_not_there_is_not_found)
{
	static const char *const names[] = { "nobody", "", "odd", "huge", "broken", "+", "5000", "toron:", "4294967295" };
	struct user u;

	ck_assert(!user_find(names[_i], passwd, group, &u));
}
END_TEST

START_TEST(files_must_be_there)
{
	struct user u;

	ck_assert(!user_find("toron", "/nonexistent/passwd", group, &u));
	ck_assert(!user_find("toron", passwd, "/nonexistent/group", &u));
}
END_TEST

Suite *suite_user(void)
{
	Suite *s = suite_create("user");
	TCase *c = tcase_create("user");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_user_has_an_own_group_and_others);
	tcase_add_test(c, a_number_is_a_user_unless_it_is_a_name);
	tcase_add_loop_test(c, who_is_not_there_is_not_found, 0, 9);
	tcase_add_test(c, files_must_be_there);
	suite_add_tcase(s, c);
	return s;
}
