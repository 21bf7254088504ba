/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "auth/base64url.h"

#include <check.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

struct good {
	const char *in, *out;
};

/* RFC 4648 section 10, without padding, and the two letters that are not base64's. */
static const struct good good[] = {
	{ "", "" },
	{ "Zg", "f" },
	{ "Zm8", "fo" },
	{ "Zm9v", "foo" },
	{ "Zm9vYg", "foob" },
	{ "Zm9vYmE", "fooba" },
	{ "Zm9vYmFy", "foobar" },
	{ "-_-_", "\xfb\xff\xbf" },
};

START_TEST(decodes)
{
	const struct good *g = &good[_i];
	unsigned char out[16];
	size_t len = strlen(g->out);

	ck_assert_int_eq(base64url_decode(str_of(g->in), out, sizeof(out)), (ptrdiff_t)len);
	ck_assert_mem_eq(out, g->out, len);
	ck_assert_int_eq(base64url_decode(str_of(g->in), out, len), (ptrdiff_t)len);
	if (len > 0)
		ck_assert_int_eq(base64url_decode(str_of(g->in), out, len - 1), ERR_LIMIT);
	ck_assert_uint_ge(BASE64URL_DECODED(strlen(g->in)), len);
}
END_TEST

/* Impossible lengths, padding, other alphabets, white space, unused bits that are set. */
static const char *const bad[] = {
	"Z",
	"Zm9vY",
	"Zg==",
	"Zm8=",
	"Zm9v=",
	"+/+/",
	"Zm 9",
	" Zg",
	"Zg\n",
	"Zm.v",
	"Zh",
	"Zm9",
	"Zm9vYh",
	"AB",
	"_x",
	"\xc3\xa9",
	"?A",
};

START_TEST(refuses)
{
	unsigned char out[16];

	ck_assert_int_eq(base64url_decode(str_of(bad[_i]), out, sizeof(out)), ERR_INVALID);
}
END_TEST

START_TEST(nul_inside)
{
	unsigned char out[16];

	ck_assert_int_eq(base64url_decode(STR("Zm\0v"), out, sizeof(out)), ERR_INVALID);
}
END_TEST

/* Every byte value comes back, at each of the three places. */
START_TEST(all_bytes)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	for (unsigned v = 0; v < 1u << 12; v++) {
		char text[] = { alphabet[v >> 6], alphabet[v & 63], alphabet[v & 63],
			alphabet[v >> 6] };
		uint32_t bits = (v >> 6) << 18 | (v & 63) << 12 | (v & 63) << 6 | v >> 6;
		unsigned char out[3];

		ck_assert_int_eq(base64url_decode((struct str){ text, 4 }, out, 3), 3);
		ck_assert_uint_eq((unsigned)(out[0] << 16 | out[1] << 8 | out[2]), bits);
	}
}
END_TEST

Suite *suite_base64url(void);

Suite *suite_base64url(void)
{
	Suite *s = suite_create("base64url");
	TCase *t = tcase_create("base64url");

	tcase_add_loop_test(t, decodes, 0, (int)(sizeof(good) / sizeof(good[0])));
	tcase_add_loop_test(t, refuses, 0, (int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_test(t, nul_inside);
	tcase_add_test(t, all_bytes);
	suite_add_tcase(s, t);
	return s;
}
