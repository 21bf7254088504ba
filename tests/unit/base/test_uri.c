/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/uri.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/str.h"


static struct arena arena;

static void setup(void)
{
	arena_init(&arena, NULL, 0, 1 << 20);
}

static void teardown(void)
{
	arena_fini(&arena);
}

struct path_case {
	const char *in;
	unsigned policy;
	const char *out; /* NULL: refused with `error` */
	enum uri_error error;
};

static const struct path_case path_cases[] = {
	/* Already normal. */
	{ "/", 0, "/", 0 },
	{ "/a/b.c/~d_e-f", 0, "/a/b.c/~d_e-f", 0 },
	{ "/a:b@c!$&'()*+,;=d", 0, "/a:b@c!$&'()*+,;=d", 0 },
	{ "/.well-known/...x/..a/.b/...", 0, "/.well-known/...x/..a/.b/...", 0 },
	{ "/a;p=1/b%20c%E4%BD%A0", 0, "/a;p=1/b%20c%E4%BD%A0", 0 },
	{ "/x%3By", 0, "/x%3By", 0 },
	{ "/a//b/", URI_KEEP_SLASHES, "/a//b/", 0 },
	/* Spelling. */
	{ "/%61%7e%2D%5F%2e", 0, "/a~-_.", 0 },
	{ "/%c3%a9/%2a", 0, "/%C3%A9/%2A", 0 },
	{ "/[id]|^", 0, "/%5Bid%5D%7C%5E", 0 },
	{ "/%5bid%5d", 0, "/%5Bid%5D", 0 },
	/* Slashes. */
	{ "//", 0, "/", 0 },
	{ "//evil.example/x", 0, "/evil.example/x", 0 },
	{ "/a///b////c", 0, "/a/b/c", 0 },
	{ "/a//", 0, "/a/", 0 },
	{ "//a", URI_KEEP_SLASHES, "//a", 0 },
	/* Dot segments. */
	{ "/.", 0, "/", 0 },
	{ "/./", 0, "/", 0 },
	{ "/a/./b", 0, "/a/b", 0 },
	{ "/a/.", 0, "/a/", 0 },
	{ "/a/..", 0, "/", 0 },
	{ "/a/../", 0, "/", 0 },
	{ "/a/b/..", 0, "/a/", 0 },
	{ "/a/b/../../c", 0, "/c", 0 },
	{ "/a//../b", 0, "/b", 0 },
	{ "/a//../b", URI_KEEP_SLASHES, "/a/b", 0 },
	{ "/a/%2e%2e/b", 0, "/b", 0 },
	{ "/a/%2E./b", 0, "/b", 0 },
	{ "/a/.%2e/b", 0, "/b", 0 },
	{ "/a/%2e/b", 0, "/a/b", 0 },
	{ "/a/%2e%2e", 0, "/", 0 },
	{ "/..", 0, NULL, URI_ABOVE_ROOT },
	{ "/../a", 0, NULL, URI_ABOVE_ROOT },
	{ "/a/../../b", 0, NULL, URI_ABOVE_ROOT },
	{ "//..", 0, NULL, URI_ABOVE_ROOT },
	{ "/%2e%2e/etc", 0, NULL, URI_ABOVE_ROOT },
	{ "/a/./../../b", 0, NULL, URI_ABOVE_ROOT },
	/* Dot segments that only some backends see. */
	{ "/pub/..;/admin", 0, NULL, URI_DOT_PARAMETERS },
	{ "/pub/..;x=1/admin", 0, NULL, URI_DOT_PARAMETERS },
	{ "/pub/.;/admin", 0, NULL, URI_DOT_PARAMETERS },
	{ "/pub/..;", 0, NULL, URI_DOT_PARAMETERS },
	{ "/pub/%2e%2e;/admin", 0, NULL, URI_DOT_PARAMETERS },
	{ "/pub/..%3b/admin", 0, NULL, URI_DOT_PARAMETERS },
	{ "/pub/..%3B/admin", 0, NULL, URI_DOT_PARAMETERS },
	{ "/pub/a..;/x", 0, "/pub/a..;/x", 0 },
	{ "/pub/..%2fadmin", URI_ALLOW_ENCODED_SLASH, NULL, URI_ENCODED_SLASH },
	{ "/pub/x%2F..%2Fadmin", URI_ALLOW_ENCODED_SLASH, NULL, URI_ENCODED_SLASH },
	{ "/pub/x%2F..", URI_ALLOW_ENCODED_SLASH, NULL, URI_ENCODED_SLASH },
	{ "/pub/x%2F%2e%2e/y", URI_ALLOW_ENCODED_SLASH, NULL, URI_ENCODED_SLASH },
	{ "/pub/x%2F..;a", URI_ALLOW_ENCODED_SLASH, NULL, URI_DOT_PARAMETERS },
	{ "/pub/..\\admin", URI_ALLOW_BACKSLASH, NULL, URI_BACKSLASH },
	{ "/pub/x\\..", URI_ALLOW_BACKSLASH, NULL, URI_BACKSLASH },
	{ "/pub/x;a%2F..", URI_ALLOW_ENCODED_SLASH, NULL, URI_ENCODED_SLASH },
	/* Encoded slash, backslash, NUL. */
	{ "/a%2fb", 0, NULL, URI_ENCODED_SLASH },
	{ "/a%2Fb", 0, NULL, URI_ENCODED_SLASH },
	{ "/a%2fb", URI_ALLOW_ENCODED_SLASH, "/a%2Fb", 0 },
	{ "/a\\b", 0, NULL, URI_BACKSLASH },
	{ "/a%5cb", 0, NULL, URI_BACKSLASH },
	{ "/a\\b%5cc", URI_ALLOW_BACKSLASH, "/a%5Cb%5Cc", 0 },
	{ "/a%00b", 0, NULL, URI_ENCODED_NUL },
	{ "/a%00", URI_ALLOW_ENCODED_SLASH | URI_ALLOW_BACKSLASH, NULL, URI_ENCODED_NUL },
	/* Double encoding stays what it is. */
	{ "/%252e%252e/x", 0, "/%252e%252e/x", 0 },
	{ "/a%252fb", 0, "/a%252fb", 0 },
	{ "/%25%32%65", 0, "/%252e", 0 },
	/* Overlong UTF-8. */
	{ "/%c0%ae%c0%ae/x", 0, NULL, URI_BAD_ESCAPE },
	{ "/%C0%AFx", 0, NULL, URI_BAD_ESCAPE },
	{ "/%C1%9Cx", 0, NULL, URI_BAD_ESCAPE },
	{ "/%E0%80%AFx", 0, NULL, URI_BAD_ESCAPE },
	{ "/%F0%80%80%AFx", 0, NULL, URI_BAD_ESCAPE },
	{ "/%E9t%E9", 0, "/%E9t%E9", 0 },
	/* Not paths at all. */
	{ "", 0, NULL, URI_NOT_ABSOLUTE },
	{ "a", 0, NULL, URI_NOT_ABSOLUTE },
	{ "*", 0, NULL, URI_NOT_ABSOLUTE },
	{ "?q", 0, NULL, URI_NOT_ABSOLUTE },
	{ "%2Fa", 0, NULL, URI_NOT_ABSOLUTE },
	{ "/a b", 0, NULL, URI_BAD_CHARACTER },
	{ "/a\tb", 0, NULL, URI_BAD_CHARACTER },
	{ "/a\x7f", 0, NULL, URI_BAD_CHARACTER },
	{ "/a\r\nx", 0, NULL, URI_BAD_CHARACTER },
	{ "/\xc3\xa9", 0, NULL, URI_BAD_CHARACTER },
	{ "/a#b", 0, NULL, URI_BAD_CHARACTER },
	{ "/a\"b", 0, NULL, URI_BAD_CHARACTER },
	{ "/{id}", 0, NULL, URI_BAD_CHARACTER },
	{ "/a%", 0, NULL, URI_BAD_ESCAPE },
	{ "/a%4", 0, NULL, URI_BAD_ESCAPE },
	{ "/a%zz", 0, NULL, URI_BAD_ESCAPE },
	{ "/a%u002e", 0, NULL, URI_BAD_ESCAPE },
};

START_TEST(test_paths)
{
	const struct path_case *c = &path_cases[_i];
	struct str path = STR_NONE, query;
	enum uri_error e = uri_normalise(&arena, str_of(c->in), c->policy, &path, &query);

	ck_assert_msg((e == URI_OK) == (c->out != NULL), "%s: error %d", c->in, e);
	ck_assert_ptr_null(query.ptr);
	if (c->out == NULL) {
		ck_assert_msg(e == c->error, "%s: error %d, not %d", c->in, e, c->error);
		return;
	}
	ck_assert_msg(str_eq(path, str_of(c->out)), "%s became " STR_FMT, c->in, STR_ARG(path));
	/* Idempotent, and without memory the second time but for the rare allowed %2F and %5C. */
	size_t used = arena.used;
	struct str again;

	ck_assert_int_eq(uri_normalise(&arena, path, c->policy, &again, &query), URI_OK);
	ck_assert(str_eq(again, path));
	if (str_find(path, STR("%2F")) < 0 && str_find(path, STR("%5C")) < 0) {
		ck_assert_ptr_eq(again.ptr, path.ptr);
		ck_assert_uint_eq(arena.used, used);
	}
}
END_TEST

START_TEST(test_nul_byte)
{
	struct str path, query, s = { "/a\0b", 4 };

	ck_assert_int_eq(uri_normalise(&arena, s, 0, &path, &query), URI_BAD_CHARACTER);
}
END_TEST

/* A cheap generator: the point is odd neighbours, not chance. */
static unsigned next_random(unsigned *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 16;
}

/* Whatever passes is normal, stays as it is, and hides no dot segment. */
START_TEST(test_random_paths)
{
	static const char *const parts[] = { "/", "/", ".", "..", "%2e", "%2E", "%2f", "%5c", "\\",
		";", "%3b", "a", "%61", "%", "%25", "2e", "%C0", "%AF", "[", "//", "?", "%20" };
	unsigned state = (unsigned)_i + 1;

	for (int round = 0; round < 20000; round++) {
		char text[64] = "/";
		size_t len = 1;
		unsigned policy = next_random(&state) % 8;
		struct str path, query, again;

		for (unsigned n = next_random(&state) % 9; n > 0; n--) {
			struct str part = str_of(parts[next_random(&state) % ARRAY_LEN(parts)]);

			memcpy(text + len, part.ptr, part.len);
			len += part.len;
		}
		arena_reset(&arena);
		if (uri_normalise(&arena, (struct str){ text, len }, policy, &path, &query) !=
			URI_OK)
			continue;
		ck_assert_int_eq(uri_normalise(&arena, path, policy, &again, &query), URI_OK);
		ck_assert(str_eq(again, path));
		ck_assert(str_find(path, STR("/../")) < 0 && str_find(path, STR("/./")) < 0);
		ck_assert(!str_ends(path, STR("/..")) && !str_ends(path, STR("/.")));
		ck_assert(str_find(path, STR("..;")) < 0 || str_find(path, STR("/..;")) < 0);
		ck_assert(str_find(path, STR("%2e")) < 0 || str_find(path, STR("%252e")) >= 0);
		ck_assert(str_find(path, STR("\\")) < 0);
		ck_assert((policy & URI_KEEP_SLASHES) != 0 || str_find(path, STR("//")) < 0);
		ck_assert(
			(policy & URI_ALLOW_ENCODED_SLASH) != 0 || str_find(path, STR("%2F")) < 0);
	}
}
END_TEST

START_TEST(test_query)
{
	struct str path, query, s = STR("/a?x=1&y[]={%20}|^`\\/?");

	ck_assert_int_eq(uri_normalise(&arena, s, 0, &path, &query), URI_OK);
	ck_assert(str_eq(path, STR("/a")));
	ck_assert(str_eq(query, STR("x=1&y[]={%20}|^`\\/?")));
	ck_assert_uint_eq(arena.used, 0);
	ck_assert_int_eq(uri_normalise(&arena, STR("/a?"), 0, &path, &query), URI_OK);
	ck_assert(query.ptr != NULL && query.len == 0);
	ck_assert_int_eq(uri_normalise(&arena, STR("/a/../b?../c"), 0, &path, &query), URI_OK);
	ck_assert(str_eq(path, STR("/b")) && str_eq(query, STR("../c")));
	ck_assert_int_eq(uri_normalise(&arena, STR("/a?x#y"), 0, &path, &query), URI_BAD_CHARACTER);
	ck_assert_int_eq(uri_normalise(&arena, STR("/a?x y"), 0, &path, &query), URI_BAD_CHARACTER);
	ck_assert_int_eq(
		uri_normalise(&arena, STR("/a?x\r\ny"), 0, &path, &query), URI_BAD_CHARACTER);
	ck_assert_int_eq(uri_normalise(&arena, STR("/a?%4"), 0, &path, &query), URI_BAD_ESCAPE);
}
END_TEST

START_TEST(test_no_memory)
{
	struct arena small;
	struct str path, query;

	arena_init(&small, NULL, 0, 4);
	ck_assert_int_eq(
		uri_normalise(&small, STR("/a/./b/c/d/e"), 0, &path, &query), URI_NO_MEMORY);
	ck_assert(small.overflow);
	arena_fini(&small);
}
END_TEST

static const struct authority_case {
	const char *in;
	enum uri_error error;
	const char *host;
	unsigned port;
	bool is_ipv6;
} authority_cases[] = {
	{ "example.com", 0, "example.com", 0, false },
	{ "example.com.", 0, "example.com.", 0, false },
	{ "Example.com:8080", 0, "Example.com", 8080, false },
	{ "my_service:1", 0, "my_service", 1, false },
	{ "h:", 0, "h", 0, false },
	{ "10.0.0.1:65535", 0, "10.0.0.1", 65535, false },
	{ "[::1]", 0, "::1", 0, true },
	{ "[2001:db8::1]:443", 0, "2001:db8::1", 443, true },
	{ "a1.2b", 0, "a1.2b", 0, false },
	{ "", URI_BAD_HOST, NULL, 0, false },
	{ ":80", URI_BAD_HOST, NULL, 0, false },
	{ "user@host", URI_BAD_HOST, NULL, 0, false },
	{ "a,b", URI_BAD_HOST, NULL, 0, false },
	{ "a%2eb", URI_BAD_HOST, NULL, 0, false },
	{ "a b", URI_BAD_HOST, NULL, 0, false },
	{ "a/b", URI_BAD_HOST, NULL, 0, false },
	{ ".", URI_BAD_HOST, NULL, 0, false },
	{ "a..b", URI_BAD_HOST, NULL, 0, false },
	{ ".a", URI_BAD_HOST, NULL, 0, false },
	{ "127.1", URI_BAD_HOST, NULL, 0, false },
	{ "2130706433", URI_BAD_HOST, NULL, 0, false },
	{ "0x7f000001", URI_BAD_HOST, NULL, 0, false },
	{ "256.0.0.1", URI_BAD_HOST, NULL, 0, false },
	{ "1.2.3.4.5", URI_BAD_HOST, NULL, 0, false },
	{ "[::1", URI_BAD_HOST, NULL, 0, false },
	{ "[]", URI_BAD_HOST, NULL, 0, false },
	{ "[::g]", URI_BAD_HOST, NULL, 0, false },
	{ "[::1%25eth0]", URI_BAD_HOST, NULL, 0, false },
	{ "[::1]x", URI_BAD_HOST, NULL, 0, false },
	{ "::1", URI_BAD_HOST, NULL, 0, false },
	{ "h:0", URI_BAD_PORT, NULL, 0, false },
	{ "h:65536", URI_BAD_PORT, NULL, 0, false },
	{ "h:000080", URI_BAD_PORT, NULL, 0, false },
	{ "h:80x", URI_BAD_PORT, NULL, 0, false },
	{ "h:1:2", URI_BAD_PORT, NULL, 0, false },
	{ "h:+80", URI_BAD_PORT, NULL, 0, false },
};

START_TEST(test_authorities)
{
	const struct authority_case *c = &authority_cases[_i];
	struct uri_authority at;
	enum uri_error e = uri_authority_parse(str_of(c->in), &at);

	ck_assert_msg(e == c->error, "%s: error %d", c->in, e);
	if (e != URI_OK)
		return;
	ck_assert(str_eq(at.host, str_of(c->host)));
	ck_assert_uint_eq(at.port, c->port);
	ck_assert(at.is_ipv6 == c->is_ipv6);
}
END_TEST

START_TEST(test_uris)
{
	struct uri u;

	ck_assert_int_eq(uri_parse(&arena, STR("HTTPS://Example.com:8443/a/b?c=d"), &u), URI_OK);
	ck_assert(str_eq(u.scheme, STR("https")));
	ck_assert(str_eq(u.authority, STR("Example.com:8443")));
	ck_assert(str_eq(u.at.host, STR("Example.com")) && u.at.port == 8443);
	ck_assert(str_eq(u.path, STR("/a/b")) && str_eq(u.query, STR("c=d")));
	ck_assert_int_eq(uri_parse(&arena, STR("http://h"), &u), URI_OK);
	ck_assert(u.path.len == 0 && u.query.ptr == NULL);
	ck_assert_int_eq(uri_parse(&arena, STR("http://h?q"), &u), URI_OK);
	ck_assert(str_eq(u.at.host, STR("h")) && str_eq(u.query, STR("q")));
	ck_assert_int_eq(uri_parse(&arena, STR("unix:/run/x.sock"), &u), URI_OK);
	ck_assert(u.authority.ptr == NULL && str_eq(u.path, STR("/run/x.sock")));
	ck_assert_int_eq(uri_parse(&arena, STR("file:///x"), &u), URI_OK);
	ck_assert(u.authority.ptr != NULL && u.authority.len == 0);
	ck_assert_int_eq(uri_parse(&arena, STR("http:///x"), &u), URI_BAD_HOST);
	ck_assert_int_eq(uri_parse(&arena, STR("http://u:p@h/"), &u), URI_BAD_PORT);
	ck_assert_int_eq(uri_parse(&arena, STR("http://u@h/"), &u), URI_BAD_HOST);
	ck_assert_int_eq(uri_parse(&arena, STR("localhost:9000"), &u), URI_NOT_ABSOLUTE);
	ck_assert_int_eq(uri_parse(&arena, STR("example.com"), &u), URI_BAD_SCHEME);
	ck_assert_int_eq(uri_parse(&arena, STR("://h/"), &u), URI_BAD_SCHEME);
	ck_assert_int_eq(uri_parse(&arena, STR("1http://h/"), &u), URI_BAD_SCHEME);
	ck_assert_int_eq(uri_parse(&arena, STR("http://h/#x"), &u), URI_BAD_CHARACTER);
	ck_assert_int_eq(uri_parse(&arena, STR("http://h/a\\b"), &u), URI_BACKSLASH);
	ck_assert_int_eq(uri_parse(&arena, STR("http://h\\@evil/"), &u), URI_BAD_HOST);
}
END_TEST

static const struct {
	const char *in, *out;
} host_cases[] = {
	{ "a.example", "a.example" },
	{ "A.Example.", "a.example" },
	{ "a.eXAMPLE:80", "a.example" },
	{ "127.0.0.1", "127.0.0.1" },
	{ "[2001:DB8::1]", "2001:db8::1" },
	{ "[2001:db8:0:0:0:0:0:1]:8080", "2001:db8::1" },
	{ "[0:0:0:0:0:0:0:0]", "::" },
	{ "[::FFFF:1.2.3.4]", "::ffff:1.2.3.4" },
};

START_TEST(test_hosts)
{
	struct uri_authority at;
	struct str host;

	ck_assert_int_eq(uri_authority_parse(str_of(host_cases[_i].in), &at), URI_OK);
	ck_assert_int_eq(uri_host_normalise(&arena, &at, &host), URI_OK);
	ck_assert_msg(str_eq(host, str_of(host_cases[_i].out)), "%s became " STR_FMT, host_cases[_i].in, STR_ARG(host));
}
END_TEST

Suite *suite_uri(void);

Suite *suite_uri(void)
{
	Suite *s = suite_create("uri");
	TCase *t = tcase_create("uri");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, test_paths, 0, ARRAY_LEN(path_cases));
	tcase_add_test(t, test_nul_byte);
	tcase_add_loop_test(t, test_random_paths, 0, 4);
	tcase_add_test(t, test_query);
	tcase_add_test(t, test_no_memory);
	tcase_add_loop_test(t, test_authorities, 0, ARRAY_LEN(authority_cases));
	tcase_add_loop_test(t, test_hosts, 0, ARRAY_LEN(host_cases));
	tcase_add_test(t, test_uris);
	suite_add_tcase(s, t);
	return s;
}
