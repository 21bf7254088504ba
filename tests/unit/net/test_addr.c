/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>
#include <string.h>

#include "base/str.h"
#include "net/addr.h"

static void expect_text(const struct addr *a, const char *with_port)
{
	char text[ADDR_TEXT_MAX];
	struct str got = { text, addr_format(a, text) };

	ck_assert_msg(str_eq(got, str_of(with_port)), "%.*s, not %s", (int)got.len, got.ptr, with_port);
}

static const struct {
	const char *in, *out;
	bool is_v4;
} good[] = {
	{ "10.0.0.1", "10.0.0.1:80", true },
	{ "255.255.255.255", "255.255.255.255:80", true },
	{ "0.0.0.0", "0.0.0.0:80", true },
	{ "::", "[::]:80", false },
	{ "::1", "[::1]:80", false },
	{ "2001:DB8:0:0:0:0:0:1", "[2001:db8::1]:80", false },
	{ "::ffff:192.0.2.7", "192.0.2.7:80", true },
	{ "fe80::1%2", "[fe80::1%2]:80", false },
	{ "1111:2222:3333:4444:5555:6666:7777:8888%4294967295",
		"[1111:2222:3333:4444:5555:6666:7777:8888%4294967295]:80", false },
};

START_TEST(numeric_addresses_are_read_and_written)
{
	struct addr a, again;
	struct sockaddr_storage sa;
	socklen_t len;

	ck_assert(addr_parse(str_of(good[_i].in), 80, &a));
	ck_assert_int_eq(a.is_v4, good[_i].is_v4);
	expect_text(&a, good[_i].out);
	len = addr_to_sockaddr(&a, &sa);
	ck_assert_uint_gt(len, 0);
	addr_from_sockaddr((const struct sockaddr *)&sa, &again);
	ck_assert_mem_eq(again.ip, a.ip, sizeof(a.ip));
	ck_assert_uint_eq(again.port, 80);
	ck_assert_uint_eq(again.scope, a.scope);
	ck_assert_int_eq(again.is_v4, a.is_v4);
}
END_TEST

static const struct str bad[] = {
	STR_INIT(""), STR_INIT("localhost"), STR_INIT("10.0.0"), STR_INIT("10.0.0.256"), STR_INIT("10.0.0.1 "),
	STR_INIT("010.0.0.1"), STR_INIT("1:2"), STR_INIT("[::1]"), STR_INIT("10.0.0.1%1"), STR_INIT("fe80::1%"),
	STR_INIT("fe80::1%eth0"), STR_INIT("fe80::1%4294967296"), STR_INIT("::1\0"), STR_INIT("10.0.0.1\0x"),
	STR_INIT(":::"), STR_INIT("::ffff:1.2.3.4.5"), STR_INIT("%1"),
	STR_INIT("1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc"),
};

START_TEST(anything_else_is_refused)
{
	struct addr a;

	ck_assert(!addr_parse(bad[_i], 80, &a));
}
END_TEST

START_TEST(absent_text_is_refused)
{
	struct addr a;

	ck_assert(!addr_parse(STR_NONE, 80, &a));
}
END_TEST

START_TEST(the_ip_alone_has_no_port)
{
	char text[ADDR_TEXT_MAX];
	struct addr a;

	ck_assert(addr_parse(STR("fe80::2%7"), 443, &a));
	ck_assert_uint_eq(addr_format_ip(&a, text), 9);
	ck_assert_mem_eq(text, "fe80::2%7", 9);
}
END_TEST

Suite *suite_addr(void)
{
	Suite *s = suite_create("addr");
	TCase *c = tcase_create("addr");

	tcase_add_loop_test(c, numeric_addresses_are_read_and_written, 0, (int)(sizeof(good) / sizeof(good[0])));
	tcase_add_loop_test(c, anything_else_is_refused, 0, (int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_test(c, absent_text_is_refused);
	tcase_add_test(c, the_ip_alone_has_no_port);
	suite_add_tcase(s, c);
	return s;
}
