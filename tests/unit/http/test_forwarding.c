/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>

#include "http/forwarding.h"
#include "http/semantics.h"
#include "unit/http/hand_made.h"

/* 192.0.2.0/24, where the peer is, and 2001:db8:1::/48. */
static const struct toron_cidr trusted[] = {
	{ .addr = { [10] = 0xff, 0xff, 192, 0, 2, 0 }, .bits = 120 },
	{ .addr = { 0x20, 0x01, 0x0d, 0xb8, 0, 1 }, .bits = 48 },
};
static const struct str strip[] = { STR_INIT("x-user") };

static struct hand_made h;
static struct exchange *x;
static struct toron_forwarding conf;

static void setup(void)
{
	x = hand_made_init(&h);
	conf = (struct toron_forwarding){
		.send = TORON_FORWARD_FOR | TORON_FORWARD_FORWARDED,
		.trusted = trusted,
		.strip = strip,
		.n_trusted = 2,
		.n_strip = 1,
	};
	h.listener.forwarding = &conf;
}

static void teardown(void)
{
	hand_made_fini(&h);
}

static struct str field(const char *name)
{
	const struct field *f = fields_find(&x->request.head, str_of(name));

	return f == NULL ? STR("") : f->value;
}

/* One request with this field, from the beginning. */
static void with(const char *name, struct str value)
{
	teardown();
	x = hand_made_init(&h);
	h.listener.forwarding = &conf;
	fields_add(&x->request.head, &x->arena, str_of(name), value);
	ck_assert_int_eq(semantics_request(x), FAULT_NONE);
}

START_TEST(a_peer_that_is_not_trusted)
{
	conf.n_trusted = 0;
	with("x-forwarded-for", STR("203.0.113.9"));
	ck_assert(!x->has_client);
	ck_assert_text(field("x-forwarded-for"), "192.0.2.7");
	ck_assert_text(toron_source_ip(x), "192.0.2.7");
	with("x-user", STR("root"));
	ck_assert_text(field("x-user"), "");
	with("x_user", STR("root"));
	ck_assert_text(field("x_user"), "");
	with("x-users", STR("root"));
	ck_assert_text(field("x-users"), "root");
}
END_TEST

START_TEST(a_peer_that_is_trusted)
{
	with("x-forwarded-for", STR("6.6.6.6,203.0.113.9 ,\t192.0.2.1"));
	ck_assert(x->has_client);
	ck_assert_text(toron_source_ip(x), "203.0.113.9");
	ck_assert_text(field("x-forwarded-for"), "6.6.6.6, 203.0.113.9, 192.0.2.1, 192.0.2.7");
	ck_assert_text(x->source_text, "192.0.2.7");
	with("x-user", STR("root"));
	ck_assert_text(field("x-user"), "root");
	ck_assert(!x->has_client);
	with("x-forwarded-for", STR("[2001:db8::1]:80, 2001:db8:1::9"));
	ck_assert_text(toron_source_ip(x), "2001:db8::1");
	ck_assert_uint_eq(x->client.port, 80);
	ck_assert_text(field("forwarded"), "for=\"[2001:db8::1]\", for=\"[2001:db8:1::9]\", for=192.0.2.7;host=\"example.com\";proto=http");
}
END_TEST

START_TEST(without_a_listeners_own)
{
	h.listener.forwarding = NULL;
	ck_assert_int_eq(semantics_request(x), FAULT_NONE);
	ck_assert_text(field("via"), "1.0 toron");
	ck_assert_text(field("x-forwarded-for"), "192.0.2.7");
	ck_assert_text(field("x-forwarded-proto"), "http");
	ck_assert_text(field("x-forwarded-host"), "example.com");
	ck_assert_text(field("forwarded"), "");
}
END_TEST

static uint64_t seed;

static unsigned below(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

static const char *const pieces[] = { ",", ";", "\"", "\\", "[", "]", ":", "=", " ", "\t", "%", ".", "for", "For=", "host=", "proto=https",
	"unknown", "_x", "192.0.2.1", "203.0.113.9", "2001:db8::1", "::", "::ffff:1.2.3.4", "65535", "0", "99999", "a", "\xff", "for=192.0.2.1",
	"for=\"[2001:db8::1]:1\"", ", ", ";;" };

/* The list that was sent on, come back: it names the same client. */
static void read_again(struct str sent)
{
	struct sbuf list = { 0 }, client = { 0 };

	sbuf_add(&list, sent);
	sbuf_add(&client, toron_source_ip(x));
	with("x-forwarded-for", sbuf_str(&list));
	ck_assert_text(toron_source_ip(x), client.ptr);
	sbuf_adds(&list, ", 192.0.2.7");
	ck_assert_text(field("x-forwarded-for"), list.ptr);
	sbuf_fini(&list);
	sbuf_fini(&client);
}

/* Whatever comes, the outcome is an address that stands in it or the peer's, and what goes on can be read again. */
START_TEST(nonsense_is_harmless)
{
	for (int round = 0; round < 20000; round++) {
		struct sbuf b = { 0 };
		struct str sent;

		seed = (uint64_t)round * 2 + 1;
		conf.reads_forwarded = round % 2 == 1;
		for (unsigned n = below(14); n > 0; n--)
			sbuf_adds(&b, pieces[below(ARRAY_LEN(pieces))]);
		if (round % 17 == 0)
			for (int i = 0; i < 60; i++)
				sbuf_adds(&b, conf.reads_forwarded ? ",for=192.0.2.1" : ",192.0.2.1");
		with(conf.reads_forwarded ? "forwarded" : "x-forwarded-for", sbuf_str(&b));
		ck_assert_uint_gt(toron_source_ip(x).len, 0);
		sent = arena_str(&x->arena, field("x-forwarded-for"));
		ck_assert(str_ends(sent, STR("192.0.2.7")));
		if (x->has_client && !conf.reads_forwarded && round % 17 != 0)
			read_again(sent);
		sbuf_fini(&b);
	}
}
END_TEST

Suite *suite_forwarding(void)
{
	Suite *s = suite_create("forwarding");
	TCase *c = tcase_create("forwarding");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, a_peer_that_is_not_trusted);
	tcase_add_test(c, a_peer_that_is_trusted);
	tcase_add_test(c, without_a_listeners_own);
	tcase_add_test(c, nonsense_is_harmless);
	suite_add_tcase(s, c);
	return s;
}
