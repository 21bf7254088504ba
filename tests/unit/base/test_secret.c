/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/secret.h"

#include <check.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

static char path[] = "/tmp/toron-secret-XXXXXX";
static char why[SECRET_WHY_MAX];
static struct secret secret;

static void write_file(const char *text, size_t len)
{
	char name[] = "/tmp/toron-secret-XXXXXX";
	int fd = mkstemp(name);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	close(fd);
	memcpy(path, name, sizeof(path));
}

static struct toron_secret at_path(void)
{
	return (struct toron_secret){ TORON_SECRET_FILE, str_of(path), "g.yaml:2:3" };
}

static void read_gives(const char *text, size_t len, const char *want)
{
	struct toron_secret from;

	write_file(text, len);
	from = at_path();
	ck_assert_int_eq(secret_read(&from, 100, &secret, why), 0);
	ck_assert_str_eq(secret.ptr, want);
	ck_assert_uint_eq(secret.len, strlen(want));
	secret_free(&secret);
	ck_assert_ptr_null(secret.ptr);
	secret_free(&secret);
	unlink(path);
}

START_TEST(files)
{
	read_gives("abc", 3, "abc");
	read_gives("abc\n", 4, "abc");
	read_gives("abc\r\n", 5, "abc");
	read_gives("abc\n\n", 5, "abc\n");
	read_gives(" a b ", 5, " a b ");
}
END_TEST

static void read_fails(struct toron_secret from, const char *want)
{
	ck_assert_int_lt(secret_read(&from, 5, &secret, why), 0);
	ck_assert_ptr_null(secret.ptr);
	ck_assert_msg(strstr(why, want) != NULL, "got \"%s\", want \"%s\"", why, want);
	ck_assert_msg(strncmp(why, "g.yaml:2:3: ", 12) == 0, "got \"%s\"", why);
}

START_TEST(bad_files)
{
	write_file("123456", 6);
	read_fails(at_path(), "too long");
	unlink(path);
	read_fails(at_path(), "cannot open");
	write_file("\n", 1);
	read_fails(at_path(), "empty");
	unlink(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	read_fails(at_path(), "not a regular file");
	unlink(path);
	read_fails((struct toron_secret){ TORON_SECRET_FILE, STR_INIT("/"), "g.yaml:2:3" },
		"not a regular file");
}
END_TEST

START_TEST(environment)
{
	struct toron_secret from = { TORON_SECRET_ENV, STR_INIT("TORON_TEST_SECRET"),
		"g.yaml:2:3" };

	unsetenv("TORON_TEST_SECRET");
	read_fails(from, "the environment has no TORON_TEST_SECRET");
	setenv("TORON_TEST_SECRET", "", 1);
	read_fails(from, "is empty");
	setenv("TORON_TEST_SECRET", "123456", 1);
	read_fails(from, "too long");
	setenv("TORON_TEST_SECRET", "12345", 1);
	ck_assert_int_eq(secret_read(&from, 5, &secret, why), 0);
	ck_assert_str_eq(secret.ptr, "12345");
	secret_free(&secret);
}
END_TEST

START_TEST(literals)
{
	struct toron_secret from = { TORON_SECRET_LITERAL, STR_INIT("abc"), "g.yaml:2:3" };

	ck_assert_int_eq(secret_read(&from, 5, &secret, why), 0);
	ck_assert_str_eq(secret.ptr, "abc");
	secret_free(&secret);
	from.value = STR("");
	read_fails(from, "empty");
	from.value = STR("abcdef");
	read_fails(from, "too long");
	from.kind = TORON_SECRET_NONE;
	read_fails(from, "no secret");
}
END_TEST

Suite *suite_secret(void);

Suite *suite_secret(void)
{
	Suite *s = suite_create("secret");
	TCase *t = tcase_create("secret");

	tcase_add_test(t, files);
	tcase_add_test(t, bad_files);
	tcase_add_test(t, environment);
	tcase_add_test(t, literals);
	suite_add_tcase(s, t);
	return s;
}
