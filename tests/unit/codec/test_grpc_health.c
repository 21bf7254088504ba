/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "codec/grpc/health.h"

START_TEST(request_for_the_server)
{
	uint8_t bytes[GRPC_HEALTH_REQUEST_SIZE(0)];

	ck_assert_uint_eq(grpc_health_request(bytes, STR("")), 5);
	ck_assert_mem_eq(bytes, "\0\0\0\0\0", 5);
}
END_TEST

START_TEST(request_for_a_service)
{
	uint8_t bytes[GRPC_HEALTH_REQUEST_SIZE(300)];
	char name[300];

	ck_assert_uint_eq(grpc_health_request(bytes, STR("users")), 12);
	ck_assert_mem_eq(bytes, "\0\0\0\0\7\12\5users", 12);
	memset(name, 'n', sizeof(name));
	ck_assert_uint_eq(grpc_health_request(bytes, (struct str){ name, sizeof(name) }), 5 + 3 + 300);
	ck_assert_mem_eq(bytes, "\0\0\0\1\x2f\12\xac\2nnn", 11);
}
END_TEST

/* In memory of just that size, so that a sanitizer sees who reads on. */
static enum grpc_health read_as(const char *bytes, size_t n)
{
	uint8_t *copy = malloc(n + (n == 0));
	enum grpc_health status;

	memcpy(copy, bytes, n);
	status = grpc_health_answer(copy, n);
	free(copy);
	return status;
}

static const struct {
	const char *bytes;
	size_t n;
	enum grpc_health status;
} answers[] = {
#define ANSWER(bytes, status) { bytes, sizeof(bytes) - 1, GRPC_HEALTH_##status }
	ANSWER("\0\0\0\0\0", UNKNOWN),
	ANSWER("\0\0\0\0\2\10\0", UNKNOWN),
	ANSWER("\0\0\0\0\2\10\1", SERVING),
	ANSWER("\0\0\0\0\2\10\2", NOT_SERVING),
	ANSWER("\0\0\0\0\2\10\3", SERVICE_UNKNOWN),
	ANSWER("\0\0\0\0\2\10\4", OTHER),
	ANSWER("\0\0\0\0\3\10\x81\0", SERVING), /* longer than it needs to be */
	ANSWER("\0\0\0\0\3\10\x81\1", OTHER),
	ANSWER("\0\0\0\0\13\10\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", OTHER),
	/* the last one counts */
	ANSWER("\0\0\0\0\4\10\1\10\2", NOT_SERVING),
	ANSWER("\0\0\0\0\4\10\2\10\1", SERVING),
	/* unknown fields of each wire type, and the known number with another one */
	ANSWER("\0\0\0\0\5\20\xff\1\10\1", SERVING),
	ANSWER("\0\0\0\0\13\21abcdefgh\10\1", SERVING),
	ANSWER("\0\0\0\0\7\22\3abc\10\1", SERVING),
	ANSWER("\0\0\0\0\7\25abcd\10\1", SERVING),
	ANSWER("\0\0\0\0\5\12\1a\10\1", SERVING),
	ANSWER("\0\0\0\0\3\12\1a", UNKNOWN),
	/* frames that are none, are compressed, cut off, or not alone */
	ANSWER("", BROKEN),
	ANSWER("\0\0\0\0", BROKEN),
	ANSWER("\1\0\0\0\2\10\1", BROKEN),
	ANSWER("\x80\0\0\0\2\10\1", BROKEN),
	ANSWER("\0\0\0\0\3\10\1", BROKEN),
	ANSWER("\0\0\0\0\1\10\1", BROKEN),
	ANSWER("\0\xff\xff\xff\xff\10\1", BROKEN),
	ANSWER("\0\0\0\0\2\10\1\0\0\0\0\2\10\1", BROKEN),
	/* messages that are none */
	ANSWER("\0\0\0\0\1\10", BROKEN),
	ANSWER("\0\0\0\0\1\xff", BROKEN),
	ANSWER("\0\0\0\0\2\10\x81", BROKEN),
	ANSWER("\0\0\0\0\2\0\1", BROKEN),
	ANSWER("\0\0\0\0\13\10\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", BROKEN),
	ANSWER("\0\0\0\0\3\22\2a", BROKEN),
	ANSWER("\0\0\0\0\14\22\xff\xff\xff\xff\xff\xff\xff\xff\xff\1a", BROKEN),
	ANSWER("\0\0\0\0\4\25abc", BROKEN),
	ANSWER("\0\0\0\0\3\21ab", BROKEN),
	ANSWER("\0\0\0\0\1\23", BROKEN), /* a group */
	ANSWER("\0\0\0\0\1\26", BROKEN),
};

START_TEST(answers_are_read)
{
	enum grpc_health status = read_as(answers[_i].bytes, answers[_i].n);

	ck_assert_msg(status == answers[_i].status, "answer %d: %s", _i, grpc_health_text(status));
}
END_TEST

START_TEST(texts_for_all)
{
	for (unsigned i = 0; i <= GRPC_HEALTH_BROKEN; i++)
		ck_assert_uint_gt(strlen(grpc_health_text((enum grpc_health)i)), 4);
}
END_TEST

Suite *suite_grpc_health(void)
{
	Suite *s = suite_create("grpc_health");
	TCase *t = tcase_create("messages");

	tcase_add_test(t, request_for_the_server);
	tcase_add_test(t, request_for_a_service);
	tcase_add_loop_test(t, answers_are_read, 0, ARRAY_LEN(answers));
	tcase_add_test(t, texts_for_all);
	suite_add_tcase(s, t);
	return s;
}
