/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>

#include "observe/access_line.h"
#include "unit/http/hand_made.h"

static struct hand_made h;
static struct exchange *x;
static struct toron_log conf;
static char out[ACCESS_LINE_MOST];

static void setup(void)
{
	x = hand_made_init(&h);
	conf = (struct toron_log){ .access = true };
	x->request.version_minor = 1;
	x->response.status = 204;
}

static void teardown(void)
{
	hand_made_fini(&h);
}

static struct str line(uint64_t dropped)
{
	struct access_line l = { .conf = &conf, .stamp = STR("2024-02-29T23:59:58.001Z"), .dropped = dropped };

	return (struct str){ out, (size_t)(access_line_write(&l, x, out) - out) };
}

START_TEST(fields_in_the_order_of_the_config)
{
	static const enum toron_log_field fields[] = { TORON_LOG_STATUS, TORON_LOG_TIME, TORON_LOG_PEER, TORON_LOG_USER, TORON_LOG_REFERER };

	conf.access_fields = fields;
	conf.n_access_fields = 5;
	ck_assert_text(line(0), "{\"status\":204,\"time\":\"2024-02-29T23:59:58.001Z\",\"peer\":\"192.0.2.7:4711\"}\n");
	ck_assert_text(line(7), "{\"status\":204,\"time\":\"2024-02-29T23:59:58.001Z\",\"peer\":\"192.0.2.7:4711\",\"dropped\":7}\n");
}
END_TEST

START_TEST(the_peer_where_it_is_not_the_client)
{
	ck_assert_int_lt(str_find(line(0), STR("\"peer\"")), 0);
	x->has_client = true;
	addr_parse(STR("203.0.113.9"), 0, &x->client);
	ck_assert_int_ge(str_find(line(0), STR("\"client\":\"203.0.113.9\",\"peer\":\"192.0.2.7:4711\",")), 0);
}
END_TEST

START_TEST(templates)
{
	static const struct toron_part parts[] = {
		{ .kind = TORON_PART_LOG, .index = TORON_LOG_COMMON_TIME },
		{ .kind = TORON_PART_LITERAL, .text = STR_INIT(" \"") },
		{ .kind = TORON_PART_HEADER, .text = STR_INIT("x-a") },
		{ .kind = TORON_PART_LITERAL, .text = STR_INIT("\" ") },
		{ .kind = TORON_PART_LOG, .index = TORON_LOG_USER },
		{ .kind = TORON_PART_RESPONSE_HEADER, .text = STR_INIT("server") },
		{ .kind = TORON_PART_LOG, .index = TORON_LOG_STATUS },
	};

	conf.access_template = (struct toron_template){ parts, 7 };
	hand_made_field(&h, "x-a", "q\" \\ \n\t\xc3\xa9");
	ck_assert_text(line(3), "29/Feb/2024:23:59:58 +0000 \"q\\x22 \\x5c \\x0a\\x09\\xc3\\xa9\" --204\n");
}
END_TEST

START_TEST(a_line_has_a_limit)
{
	static struct toron_part parts[64];
	static char value[8000];

	memset(value, '"', sizeof(value) - 1);
	hand_made_field(&h, "x-a", value);
	for (size_t i = 0; i < 64; i++)
		parts[i] = (struct toron_part){ .kind = TORON_PART_HEADER, .text = STR_INIT("x-a") };
	conf.access_template = (struct toron_template){ parts, 64 };
	ck_assert_uint_le(line(0).len, ACCESS_LINE_MOST);
	ck_assert_uint_gt(line(0).len, ACCESS_LINE_MOST - 8);
	ck_assert_int_eq(out[line(0).len - 1], '\n');
	ck_assert_int_eq(str_find(line(0), STR("\n")), (int)line(0).len - 1);
}
END_TEST

Suite *suite_access_line(void)
{
	Suite *s = suite_create("access_line");
	TCase *c = tcase_create("access_line");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, fields_in_the_order_of_the_config);
	tcase_add_test(c, the_peer_where_it_is_not_the_client);
	tcase_add_test(c, templates);
	tcase_add_test(c, a_line_has_a_limit);
	suite_add_tcase(s, c);
	return s;
}
