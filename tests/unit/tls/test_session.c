/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <check.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "base/str.h"
#include "net/buf.h"
#include "net/conn.h"
#include "tls/engine.h"
#include "tls/info.h"
#include "tls/server.h"
#include "tls/worker.h"

/* ---- a certificate, made for the test ---- */

static char folder[] = "/tmp/toron-tls-XXXXXX";
static char cert_path[64], key_path[64];

static void write_file(const char *path, const gnutls_datum_t *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text->data, 1, text->size, f), text->size);
	fclose(f);
}

static void make_certificate(void)
{
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	gnutls_datum_t text;
	time_t now = time(NULL);

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(cert_path, sizeof(cert_path), "%s/c.pem", folder);
	snprintf(key_path, sizeof(key_path), "%s/k.pem", folder);
	ck_assert_int_eq(gnutls_x509_privkey_init(&key), 0);
	ck_assert_int_eq(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0), 0);
	ck_assert_int_eq(gnutls_x509_crt_init(&crt), 0);
	gnutls_x509_crt_set_version(crt, 3);
	gnutls_x509_crt_set_serial(crt, "\1", 1);
	gnutls_x509_crt_set_activation_time(crt, now - 3600);
	gnutls_x509_crt_set_expiration_time(crt, now + 3600);
	gnutls_x509_crt_set_dn(crt, "CN=server.example", NULL);
	gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, "server.example", 14, GNUTLS_FSAN_SET);
	gnutls_x509_crt_set_basic_constraints(crt, 1, -1);
	gnutls_x509_crt_set_key(crt, key);
	ck_assert_int_eq(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0), 0);
	ck_assert_int_eq(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &text), 0);
	write_file(cert_path, &text);
	gnutls_free(text.data);
	ck_assert_int_eq(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &text), 0);
	write_file(key_path, &text);
	gnutls_free(text.data);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
}

/* ---- both ends in one worker ---- */

struct end {
	struct conn c;
	bool is_open;
	int err;               /* of the handshake, or of reading */
	const char *send;      /* left to send */
	size_t send_len, send_most; /* send_most: bytes in one call */
	char *got;             /* everything that came */
	size_t got_len;
	bool has_ended;
	ptrdiff_t end;         /* what the last read returned */
	bool closes, aborts;   /* when all is sent */
};

static struct {
	struct worker w;
	struct toron_gateway g;
	struct toron_listener l;
	struct toron_tls tls;
	struct toron_tls_client client;
	struct toron_certificate cert;
	const struct toron_certificate *certs[1];
	const struct toron_tls_client *clients[1];
	struct toron_server server;
	struct tls *all;
	struct tls_target *target;
	struct end a, b; /* client, server */
} t;

static void maybe_stop(void)
{
	bool a_through = t.a.has_ended || t.a.err != 0, b_through = t.b.has_ended || t.b.err != 0;

	if (a_through && b_through)
		loop_stop(t.w.loop);
}

static void send_on(struct end *e)
{
	while (e->send_len != 0 && e->c.state == CONN_OPEN) {
		size_t n = e->send_len < e->send_most ? e->send_len : e->send_most, half = n / 3;
		struct iovec iov[3] = { { (char *)(uintptr_t)e->send, half }, { NULL, 0 }, { (char *)(uintptr_t)e->send + half, n - half } };
		ptrdiff_t taken = conn_writev(&e->c, iov, 3);

		if (taken == ERR_AGAIN)
			return;
		ck_assert_int_ge(taken, 0);
		e->send += taken;
		e->send_len -= (size_t)taken;
		if ((size_t)taken < n)
			return;
	}
	if (e->send_len == 0 && e->aborts)
		conn_abort(&e->c);
	else if (e->send_len == 0 && e->closes)
		conn_shutdown(&e->c);
	if (e->aborts)
		e->has_ended = true;
}

static struct end *end_of(struct conn *c)
{
	return CONTAINER_OF(c, struct end, c);
}

static void on_connected(struct conn *c, int err)
{
	struct end *e = end_of(c);

	e->is_open = err == 0;
	e->err = err;
	if (err == 0)
		send_on(e);
	maybe_stop();
}

static void on_readable(struct conn *c)
{
	struct end *e = end_of(c);
	size_t room = 7000;

	e->end = conn_read(c, e->got + e->got_len, room);
	if (e->end > 0) {
		e->got_len += (size_t)e->end;
		return;
	}
	if (e->end == ERR_AGAIN)
		return;
	e->has_ended = true;
	conn_pause(c);
	maybe_stop();
}

static void on_writable(struct conn *c)
{
	send_on(end_of(c));
}

static void on_timeout(struct conn *c)
{
	(void)c;
	ck_abort_msg("too slow");
}

static const struct conn_user user = { on_connected, on_readable, on_writable, on_timeout };

static void start(int send_buffer)
{
	static const struct addr nobody;
	int fds[2];

	t.cert = (struct toron_certificate){ .name = "c", .origin = "test", .cert = cert_path,
		.key = { TORON_SECRET_FILE, { key_path, strlen(key_path) }, "test" } };
	t.certs[0] = &t.cert;
	t.clients[0] = &t.client;
	t.client.origin = t.tls.origin = t.l.origin = "test";
	t.l.name = "web";
	t.l.tls = &t.tls;
	t.tls.certificates = t.certs;
	t.tls.n_certificates = 1;
	t.client.ca = t.client.ca != NULL ? t.client.ca : cert_path;
	t.g = (struct toron_gateway){ .listeners = &t.l, .n_listeners = 1, .certificates = t.certs, .n_certificates = 1,
		.tls_clients = t.clients, .n_tls_clients = 1, .tls = &toron_tls_engine_gnutls };
	t.server = (struct toron_server){ .origin = "test", .host = STR("server.example"), .authority = STR("server.example") };
	t.w.loop = loop_new();
	list_init(&t.w.fronts);
	t.w.gateway = &t.g;
	t.w.bufs = buf_pool_new(t.w.loop, 1 << 20);
	t.all = t.g.tls->start(&t.g);
	ck_assert_ptr_nonnull(t.all);
	t.w.tls = t.g.tls->worker_new(&t.w, t.all);
	t.target = t.g.tls->target_new(&t.w, &t.client, &t.server);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	if (send_buffer != 0)
		for (int i = 0; i < 2; i++)
			ck_assert_int_eq(setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof(send_buffer)), 0);
	conn_init(&t.a.c, &t.w, fds[0], &nobody, &user);
	conn_init(&t.b.c, &t.w, fds[1], &nobody, &user);
	ck_assert_int_eq(t.g.tls->target_secure(t.target, &t.a.c), 0);
	ck_assert_int_eq(tls_server_secure(&t.b.c, &t.l), 0);
	conn_deadline(&t.a.c, 20000);
	ck_assert(!t.a.is_open && !t.b.is_open);
}

static void run(void)
{
	loop_run(t.w.loop);
}

static void finish(void)
{
	conn_close(&t.a.c);
	conn_close(&t.b.c);
	ck_assert_uint_eq(buf_pool_lent(t.w.bufs), 0);
	t.g.tls->target_free(&t.target);
	t.g.tls->worker_free(&t.w.tls);
	t.g.tls->stop(&t.all);
	buf_pool_free(&t.w.bufs);
	loop_free(&t.w.loop);
	free(t.a.got);
	free(t.b.got);
}

static void setup(void)
{
	memset(&t, 0, sizeof(t));
	t.client.verify = true;
	make_certificate();
	t.a.send_most = t.b.send_most = 1 << 20;
	t.a.got = calloc(1, 1 << 21);
	t.b.got = calloc(1, 1 << 21);
}

static void teardown(void)
{
	unlink(cert_path);
	unlink(key_path);
	rmdir(folder);
}

static char *noise(size_t len)
{
	char *bytes = malloc(len);
	uint32_t x = 12345;

	for (size_t i = 0; i < len; i++) {
		x = x * 1664525u + 1013904223u;
		bytes[i] = (char)(x >> 24);
	}
	return bytes;
}

/* However little the socket takes at a time, each byte arrives once. */
static void exchange(int send_buffer, size_t most)
{
	size_t len = 700000;
	char *bytes = noise(len);

	t.a.send = t.b.send = bytes;
	t.a.send_len = t.b.send_len = len;
	t.a.send_most = t.b.send_most = most;
	t.a.closes = t.b.closes = true;
	start(send_buffer);
	run();
	ck_assert_int_eq(t.a.end, 0);
	ck_assert_int_eq(t.b.end, 0);
	ck_assert_uint_eq(t.a.got_len, len);
	ck_assert_uint_eq(t.b.got_len, len);
	ck_assert_mem_eq(t.a.got, bytes, len);
	ck_assert_mem_eq(t.b.got, bytes, len);
	finish();
	free(bytes);
}

START_TEST(all_bytes_arrive)
{
	exchange(0, 1 << 20);
}
END_TEST

START_TEST(all_bytes_arrive_through_a_narrow_socket)
{
	exchange(4608, 1 << 20);
}
END_TEST

START_TEST(all_bytes_arrive_in_odd_pieces)
{
	exchange(4608, 4999);
}
END_TEST

START_TEST(an_abort_is_no_end)
{
	t.b.send = "half of it";
	t.b.send_len = 10;
	t.b.aborts = true;
	start(0);
	run();
	ck_assert_uint_eq(t.a.got_len, 10);
	ck_assert_int_eq(t.a.end, ERR_RESET);
	finish();
}
END_TEST

START_TEST(the_protocol_and_the_name_are_known)
{
	static const struct str ours[] = { STR_INIT("h2"), STR_INIT("http/1.1") }, theirs[] = { STR_INIT("http/1.1") };

	t.tls.alpn = ours;
	t.tls.n_alpn = 2;
	t.client.alpn = theirs;
	t.client.n_alpn = 1;
	t.a.closes = t.b.closes = true;
	start(0);
	run();
	ck_assert(t.a.is_open && t.b.is_open);
	ck_assert(str_eq(conn_protocol(&t.b.c), STR("http/1.1")));
	ck_assert(str_eq(conn_protocol(&t.a.c), STR("http/1.1")));
	ck_assert_ptr_nonnull(t.b.c.tls);
	ck_assert(str_eq(t.b.c.tls->sni, STR("server.example")));
	ck_assert(str_eq(t.b.c.tls->version, STR("TLSv1.3")));
	ck_assert(!t.b.c.tls->has_client);
	ck_assert_ptr_null(t.a.c.tls);
	finish();
}
END_TEST

START_TEST(another_name_is_refused)
{
	t.client.sni = "other.example";
	start(0);
	run();
	ck_assert_int_eq(t.a.err, ERR_UNTRUSTED);
	ck_assert_int_eq(t.a.c.state, CONN_CLOSED);
	finish();
}
END_TEST

START_TEST(a_connection_moves_with_its_session)
{
	struct end other;

	t.a.send = "hello";
	t.a.send_len = 5;
	t.a.closes = true;
	t.b.closes = true;
	start(0);
	run();
	ck_assert(t.a.is_open && t.b.is_open);
	other = t.b;
	conn_move(&other.c, &t.b.c, &user);
	ck_assert_int_eq(t.b.c.state, CONN_CLOSED);
	ck_assert_ptr_null(t.b.c.tls);
	ck_assert_ptr_nonnull(other.c.tls);
	conn_close(&other.c);
	finish();
}
END_TEST

START_TEST(a_turn_has_room_for_only_so_many_handshakes)
{
	struct tls_worker *k;

	t.a.closes = t.b.closes = true;
	start(0);
	k = t.w.tls;
	ck_assert(tls_worker_may_shake(k));
	tls_worker_shook(k, 10000000);
	ck_assert(!tls_worker_may_shake(k));
	/* The turn ends, and the next one begins anew. */
	run();
	ck_assert(t.a.is_open && t.b.is_open);
	finish();
}
END_TEST

Suite *suite_session(void)
{
	Suite *s = suite_create("session");
	TCase *c = tcase_create("session");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, all_bytes_arrive);
	tcase_add_test(c, all_bytes_arrive_through_a_narrow_socket);
	tcase_add_test(c, all_bytes_arrive_in_odd_pieces);
	tcase_add_test(c, an_abort_is_no_end);
	tcase_add_test(c, the_protocol_and_the_name_are_known);
	tcase_add_test(c, another_name_is_refused);
	tcase_add_test(c, a_connection_moves_with_its_session);
	tcase_add_test(c, a_turn_has_room_for_only_so_many_handshakes);
	suite_add_tcase(s, c);
	return s;
}
