/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "base/str.h"
#include "net/resolver.h"

static struct worker w;
static struct resolver *r;

/* A name server on the same loop. It knows "ok.test" (and counts who asks), answers everything else with NXDOMAIN, "broken.test"
 * with SERVFAIL, and with `fails` set everything with SERVFAIL. */
static struct {
	int fd;
	struct loop_io io;
	bool fails;
	uint32_t ttl;
	int n_ok, n_gone; /* questions for A: one a lookup */
} server;

/* The dotted name of the question; the byte behind it. */
static const unsigned char *read_name(const unsigned char *at, const unsigned char *end, char *name, size_t room)
{
	size_t n = 0;

	while (at < end && *at != 0) {
		size_t len = *at++;

		ck_assert(at + len < end && n + len + 2 < room);
		memcpy(name + n, at, len);
		n += len;
		name[n++] = '.';
		at += len;
	}
	name[n] = '\0';
	return at + 1;
}

static size_t put_address(unsigned char *out, unsigned type)
{
	static const unsigned char v4[4] = { 192, 0, 2, 7 };
	static const unsigned char v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 9 };
	size_t len = type == 1 ? 4 : 16;
	const unsigned char head[12] = { 0xc0, 12, 0, (unsigned char)type, 0, 1, (unsigned char)(server.ttl >> 24),
		(unsigned char)(server.ttl >> 16), (unsigned char)(server.ttl >> 8), (unsigned char)server.ttl, 0,
		(unsigned char)len };

	memcpy(out, head, sizeof(head));
	memcpy(out + sizeof(head), type == 1 ? v4 : v6, len);
	return sizeof(head) + len;
}

static void on_question(struct loop_io *io, unsigned ready)
{
	unsigned char m[512];
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	ssize_t len = recvfrom(server.fd, m, sizeof(m) - 64, 0, (struct sockaddr *)&from, &from_len);
	char name[256];
	const unsigned char *end;
	unsigned type, rcode = 3;

	(void)io;
	(void)ready;
	ck_assert_int_gt(len, 16);
	end = read_name(m + 12, m + len, name, sizeof(name));
	type = end[1];
	len = end + 4 - m;
	m[2] = 0x81;
	m[7] = m[9] = m[11] = 0;
	if (strcmp(name, "ok.test.") == 0) {
		server.n_ok += type == 1;
		rcode = 0;
		m[7] = !server.fails;
		len += server.fails ? 0 : (ssize_t)put_address(m + len, type);
	} else if (strcmp(name, "gone.test.") == 0) {
		server.n_gone += type == 1;
	}
	if (server.fails || strcmp(name, "broken.test.") == 0)
		rcode = 2;
	m[3] = (unsigned char)(0x80 | rcode);
	ck_assert_int_eq(sendto(server.fd, m, (size_t)len, 0, (struct sockaddr *)&from, from_len), len);
}

static void start_server(char where[32])
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);

	memset(&server, 0, sizeof(server));
	server.ttl = 60;
	server.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(server.fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(getsockname(server.fd, (struct sockaddr *)&a, &len), 0);
	snprintf(where, 32, "127.0.0.1:%u", (unsigned)ntohs(a.sin_port));
	loop_io_init(&server.io, w.loop, server.fd, on_question);
	loop_io_want(&server.io, LOOP_READ);
}

static void write_hosts(char path[64])
{
	static const char text[] =
		"# comment\n"
		"10.1.2.3\tFile.Test alias.test # more\n"
		"nonsense here\n"
		"\n"
		"::9 file.test\r\n"
		"10.9.9.9";
	int fd;

	snprintf(path, 64, "%s", "/tmp/toron-test-hosts-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, sizeof(text) - 1), (ssize_t)sizeof(text) - 1);
	close(fd);
}

static void setup(void)
{
	char where[32], hosts[64];
	struct resolver_sources from = { .servers = where, .hosts_path = hosts };

	memset(&w, 0, sizeof(w));
	w.loop = loop_new();
	start_server(where);
	write_hosts(hosts);
	r = resolver_new_from(&w, &from);
	unlink(hosts);
	ck_assert_ptr_nonnull(r);
}

static void teardown(void)
{
	loop_io_want(&server.io, 0);
	close(server.fd);
	resolver_free(&r);
	loop_free(&w.loop);
}

struct ask {
	struct resolver_query q;
	int n_told, err;
	size_t n;
	struct addr addrs[RESOLVER_MAX_ADDRS];
	struct resolver_query *cancels; /* when told */
};

static int n_open;

static void on_answer(struct resolver_query *q, int err, const struct addr *addrs, size_t n)
{
	struct ask *a = CONTAINER_OF(q, struct ask, q);

	a->n_told++;
	a->err = err;
	a->n = n;
	for (size_t i = 0; i < n; i++)
		a->addrs[i] = addrs[i];
	if (a->cancels != NULL)
		resolver_cancel(a->cancels);
	if (--n_open <= 0)
		loop_stop(w.loop);
}

/* How many addresses are there at once; otherwise the question waits. */
static size_t ask(struct ask *a, const char *name)
{
	memset(a, 0, sizeof(*a));
	list_init(&a->q.link);
	a->q.fn = on_answer;
	a->n = resolver_lookup(r, str_of(name), a->addrs, &a->q);
	if (a->n == 0) {
		ck_assert_int_eq(a->n_told, 0);
		n_open++;
	}
	return a->n;
}

static void on_end(struct loop_timer *t)
{
	loop_stop(t->loop);
}

static void run_for(uint64_t ms)
{
	struct loop_timer end;

	loop_timer_init(&end, w.loop, on_end);
	loop_timer_set(&end, ms);
	loop_run(w.loop);
	loop_timer_fini(&end);
}

static bool has(const struct ask *a, const char *ip)
{
	for (size_t i = 0; i < a->n; i++) {
		char text[ADDR_TEXT_MAX];
		struct str got = { text, addr_format_ip(&a->addrs[i], text) };

		if (str_eq(got, str_of(ip)))
			return a->addrs[i].port == 0;
	}
	return false;
}

START_TEST(numbers_need_no_question)
{
	struct ask a;

	ck_assert_uint_eq(ask(&a, "192.0.2.1"), 1);
	ck_assert(has(&a, "192.0.2.1"));
	ck_assert_uint_eq(ask(&a, "2001:db8::1"), 1);
	ck_assert(has(&a, "2001:db8::1"));
}
END_TEST

START_TEST(localhost_and_the_hosts_file_answer_at_once)
{
	struct ask a;

	server.fails = true;
	ck_assert_uint_eq(ask(&a, "localhost"), 2);
	ck_assert(has(&a, "127.0.0.1") && has(&a, "::1"));
	ck_assert_uint_eq(ask(&a, "www.LocalHost."), 2);
	ck_assert_uint_eq(ask(&a, "file.test"), 2);
	ck_assert(has(&a, "10.1.2.3") && has(&a, "::9"));
	ck_assert_uint_eq(ask(&a, "ALIAS.test."), 1);
	ck_assert(has(&a, "10.1.2.3"));
}
END_TEST

START_TEST(names_are_asked_for_once_and_kept)
{
	struct ask a, b, c, gone;

	ck_assert_uint_eq(ask(&a, "ok.test."), 0);
	ck_assert_uint_eq(ask(&b, "OK.test."), 0);
	ck_assert_uint_eq(ask(&gone, "ok.test."), 0);
	resolver_cancel(&gone.q);
	resolver_cancel(&gone.q);
	n_open--;
	loop_run(w.loop);
	ck_assert_int_eq(a.n_told + b.n_told, 2);
	ck_assert_int_eq(gone.n_told, 0);
	ck_assert_int_eq(a.err, 0);
	ck_assert_uint_eq(a.n, 2);
	ck_assert(has(&b, "192.0.2.7") && has(&b, "2001:db8::9"));
	ck_assert_int_eq(server.n_ok, 1);
	ck_assert_uint_eq(ask(&c, "ok.test."), 2);
	run_for(20);
	ck_assert_int_eq(server.n_ok, 1);
}
END_TEST

START_TEST(failures_are_kept_for_two_seconds)
{
	struct ask a, b;

	ask(&a, "gone.test.");
	loop_run(w.loop);
	ck_assert_int_eq(a.n_told, 1);
	ck_assert_int_eq(a.err, ERR_NOT_FOUND);
	ck_assert_uint_eq(a.n, 0);
	/* From the cache, but later all the same. */
	ask(&b, "gone.test.");
	loop_run(w.loop);
	ck_assert_int_eq(b.err, ERR_NOT_FOUND);
	ck_assert_int_eq(server.n_gone, 1);
	run_for(2100);
	ask(&b, "gone.test.");
	loop_run(w.loop);
	ck_assert_int_eq(server.n_gone, 2);
	ask(&a, "broken.test.");
	loop_run(w.loop);
	ck_assert_int_eq(a.n_told, 1);
	ck_assert_int_lt(a.err, 0);
}
END_TEST

START_TEST(stale_answers_serve_while_new_ones_are_sought)
{
	struct ask a;

	server.ttl = 0; /* a second all the same */
	ask(&a, "ok.test.");
	loop_run(w.loop);
	ck_assert_uint_eq(ask(&a, "ok.test."), 2);
	run_for(1100);
	ck_assert_int_eq(server.n_ok, 1);
	ck_assert_uint_eq(ask(&a, "ok.test."), 2);
	run_for(50);
	ck_assert_int_eq(server.n_ok, 2);
	server.fails = true;
	run_for(1100);
	ck_assert_uint_eq(ask(&a, "ok.test."), 2);
	run_for(50);
	ck_assert_int_gt(server.n_ok, 2);
	ck_assert_uint_eq(ask(&a, "ok.test."), 2);
}
END_TEST

START_TEST(bad_names_are_refused_later)
{
	static const char *const bad[] = { "", ".", "a..b", ".a", "a b", "a/b", "a\n", "ok.test:80", "[::1]", "\xc3\xa9.test" };
	char text[300];
	struct ask a;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert_uint_eq(ask(&a, bad[i]), 0);
		loop_run(w.loop);
		ck_assert_int_eq(a.err, ERR_INVALID);
	}
	memset(text, 'a', sizeof(text));
	text[64] = '\0';
	ask(&a, text);
	loop_run(w.loop);
	ck_assert_int_eq(a.err, ERR_INVALID);
	text[64] = 'a';
	for (size_t i = 40; i < sizeof(text); i += 40)
		text[i] = '.';
	text[299] = '\0';
	ask(&a, text);
	loop_run(w.loop);
	ck_assert_int_eq(a.err, ERR_INVALID);
}
END_TEST

START_TEST(a_told_query_may_cancel_another)
{
	struct ask a, b;

	ask(&a, "ok.test.");
	ask(&b, "ok.test.");
	a.cancels = &b.q;
	n_open--;
	loop_run(w.loop);
	run_for(20);
	ck_assert_int_eq(a.n_told, 1);
	ck_assert_int_eq(b.n_told, 0);
}
END_TEST

static void ask_number(struct ask *a, int number)
{
	char name[32];

	snprintf(name, sizeof(name), "n%d.test.", number);
	ask(a, name);
}

START_TEST(the_number_of_open_names_is_bounded)
{
	struct ask *asks = calloc(1100, sizeof(*asks));

	loop_io_want(&server.io, 0); /* nobody answers */
	for (int i = 0; i < 1100; i++)
		ask_number(&asks[i], i);
	run_for(50);
	for (int i = 0; i < 1100; i++) {
		ck_assert_int_eq(asks[i].n_told, i >= 1024);
		ck_assert_int_eq(asks[i].err, i >= 1024 ? ERR_LIMIT : 0);
	}
	resolver_free(&r);
	free(asks);
}
END_TEST

START_TEST(old_names_make_room)
{
	struct ask asks[20], a;

	ask(&a, "gone.test.");
	loop_run(w.loop);
	for (int i = 0; i < 1100; i += 20) {
		for (int k = 0; k < 20; k++)
			ask_number(&asks[k], i + k);
		loop_run(w.loop);
		for (int k = 0; k < 20; k++)
			ck_assert_int_eq(asks[k].err, ERR_NOT_FOUND);
	}
	ck_assert_int_eq(server.n_gone, 1);
	ask(&a, "gone.test.");
	loop_run(w.loop);
	ck_assert_int_eq(server.n_gone, 2);
}
END_TEST

START_TEST(questions_may_be_open_at_the_end)
{
	struct ask a;

	ask(&a, "ok.test.");
	resolver_free(&r);
	ck_assert_ptr_null(r);
	ck_assert(list_empty(&a.q.link));
	ck_assert_int_eq(a.n_told, 0);
}
END_TEST

Suite *suite_resolver(void)
{
	Suite *s = suite_create("resolver");
	TCase *c = tcase_create("resolver");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, numbers_need_no_question);
	tcase_add_test(c, localhost_and_the_hosts_file_answer_at_once);
	tcase_add_test(c, names_are_asked_for_once_and_kept);
	tcase_add_test(c, failures_are_kept_for_two_seconds);
	tcase_add_test(c, stale_answers_serve_while_new_ones_are_sought);
	tcase_add_test(c, bad_names_are_refused_later);
	tcase_add_test(c, a_told_query_may_cancel_another);
	tcase_add_test(c, the_number_of_open_names_is_bounded);
	tcase_add_test(c, old_names_make_room);
	tcase_add_test(c, questions_may_be_open_at_the_end);
	suite_add_tcase(s, c);
	return s;
}
