/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fuzzes TLS with what strangers send; what stands in files is for fuzz_pki.c. The first byte of the input chooses:
 *
 *   s   bytes of a client to the server's role     c   bytes of a server to the client's role
 *   m   both roles, and somebody between them: the next byte says how they speak (MIDDLE_*), each four that follow what happens
 *       to a byte that is passed on
 *
 * A connection is a socket pair. In s and c its bytes come in two pieces, and nobody answers. */
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "net/buf.h"
#include "tls/engine.h"
#include "tls/server.h"

#define TURNS 6
#define ROUNDS 8          /* of passing on; a handshake has at most five flights */
#define MIDDLE_1_2 1u     /* TLS 1.2, where most of the handshake is in the clear */
#define MIDDLE_SHOWN 2u   /* the client shows a certificate */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/toron-fuzz-XXXXXX";
static char cert_path[64], key_path[64];

static struct toron_certificate good = { .name = "c", .origin = "fuzz", .cert = cert_path,
	.key = { .kind = TORON_SECRET_FILE, .origin = "fuzz" } };
static const struct toron_certificate *const certificates[] = { &good };
static const struct toron_tls tls = { .origin = "fuzz", .certificates = certificates, .n_certificates = 1, .priority = "NORMAL",
	.client_auth = TORON_CLIENT_OPTIONAL, .client_ca = cert_path, .client_depth = 5, .handshake_ms = 1000, .tickets = true };
static const char newest[] = "NORMAL", older[] = "NORMAL:-VERS-ALL:+VERS-TLS1.2";
static const struct toron_tls_client client = { .origin = "fuzz", .ca = cert_path, .priority = newest, .verify = true };
/* By MIDDLE_*. */
static const struct toron_tls_client middle[] = {
	{ .origin = "fuzz", .index = 1, .ca = cert_path, .priority = newest, .verify = true },
	{ .origin = "fuzz", .index = 2, .ca = cert_path, .priority = older, .verify = true },
	{ .origin = "fuzz", .index = 3, .ca = cert_path, .priority = newest, .verify = true, .certificate = &good },
	{ .origin = "fuzz", .index = 4, .ca = cert_path, .priority = older, .verify = true, .certificate = &good },
};
static const struct toron_tls_client *const clients[] = { &client, &middle[0], &middle[1], &middle[2], &middle[3] };
static const struct toron_listener listeners[] = { { .name = "web", .origin = "fuzz", .tls = &tls } };
static const struct toron_server server = { .origin = "fuzz", .host = STR_INIT("a.example"), .authority = STR_INIT("a.example") };
static const struct toron_gateway gateway = { .listeners = listeners, .n_listeners = 1, .certificates = certificates,
	.n_certificates = 1, .tls_clients = clients, .n_tls_clients = ARRAY_LEN(clients), .tls = &toron_tls_engine_gnutls };
static struct worker worker;
static struct tls *all;

static void write_file(const char *path, const void *bytes, size_t len)
{
	FILE *f = fopen(path, "w");

	CHECK(f != NULL && fwrite(bytes, 1, len, f) == len && fclose(f) == 0);
}

static void remove_files(void)
{
	unlink(cert_path);
	unlink(key_path);
	rmdir(folder);
}

static void make_files(void)
{
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	gnutls_datum_t text;

	CHECK(mkdtemp(folder) != NULL);
	snprintf(cert_path, sizeof(cert_path), "%s/c", folder);
	snprintf(key_path, sizeof(key_path), "%s/k", folder);
	atexit(remove_files);
	CHECK(gnutls_x509_privkey_init(&key) == 0 && gnutls_x509_crt_init(&crt) == 0);
	CHECK(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0) == 0);
	gnutls_x509_crt_set_version(crt, 3);
	gnutls_x509_crt_set_serial(crt, "\1", 1);
	gnutls_x509_crt_set_activation_time(crt, time(NULL) - 3600);
	gnutls_x509_crt_set_expiration_time(crt, time(NULL) + 30 * 86400);
	gnutls_x509_crt_set_dn(crt, "CN=a.example", NULL);
	gnutls_x509_crt_set_basic_constraints(crt, 1, -1);
	gnutls_x509_crt_set_key(crt, key);
	CHECK(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0) == 0);
	CHECK(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &text) == 0);
	write_file(cert_path, text.data, text.size);
	gnutls_free(text.data);
	CHECK(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &text) == 0);
	write_file(key_path, text.data, text.size);
	gnutls_free(text.data);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
	good.key.value = str_of(key_path);
}

static void set_up(void)
{
	if (all != NULL)
		return;
	log_setup(LOG_ERROR + 1, LOG_TEXT);
	make_files();
	worker.loop = loop_new();
	list_init(&worker.fronts);
	worker.gateway = &gateway;
	worker.bufs = buf_pool_new(worker.loop, 1 << 22);
	all = gateway.tls->start(&gateway);
	CHECK(worker.loop != NULL && worker.bufs != NULL && all != NULL);
	worker.tls = gateway.tls->worker_new(&worker, all);
	CHECK(worker.tls != NULL);
}

/* ---- connections ---- */

static void on_connected(struct conn *c, int err)
{
	(void)c;
	(void)err;
}

static void on_event(struct conn *c)
{
	char bytes[4096];
	ptrdiff_t n = conn_read(c, bytes, sizeof(bytes));

	if (n <= 0 && n != ERR_AGAIN)
		conn_close(c);
}

static const struct conn_user user = { on_connected, on_event, on_event, on_event };

static void on_stop(struct loop *l, struct loop_mail *m)
{
	(void)m;
	loop_stop(l);
}

static void turns(void)
{
	struct loop_mail stop = { .fn = on_stop };

	for (int i = 0; i < TURNS; i++) {
		loop_post(worker.loop, &stop);
		loop_run(worker.loop);
	}
}

static void talk(const uint8_t *data, size_t size, bool as_server)
{
	static const struct addr nobody;
	struct tls_target *target = gateway.tls->target_new(&worker, &client, &server);
	struct conn c;
	int fds[2];

	CHECK(target != NULL && socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	conn_init(&c, &worker, fds[0], &nobody, &user);
	if ((as_server ? tls_server_secure(&c, &listeners[0]) : gateway.tls->target_secure(target, &c)) == 0) {
		size_t half = size / 2;

		/* What does not fit the socket is left out. */
		if (half != 0 && send(fds[1], data, half, MSG_NOSIGNAL) > 0)
			turns();
		if (send(fds[1], data + half, size - half, MSG_NOSIGNAL) > 0)
			turns();
		turns();
	}
	conn_close(&c);
	close(fds[1]);
	turns();
	gateway.tls->target_free(&target);
	CHECK(buf_pool_lent(worker.bufs) == 0);
}

/* ---- somebody between ---- */

/* One thing that is done to what is passed on. */
struct deed {
	uint8_t what;      /* its lowest bit: to what the server says; the next two: DEED_* */
	uint8_t at[2];     /* the byte that it happens to, from the start of the connection */
	uint8_t value;
};
enum { DEED_CHANGE, DEED_DROP, DEED_REPEAT, DEED_INSERT };

struct way {
	int from, to;
	size_t passed;     /* bytes so far */
	bool is_server;
	const struct deed *deeds;
	size_t n_deeds;
};

static size_t spoil(const struct deed *d, uint8_t byte, uint8_t into[64])
{
	switch (d->what >> 1 & 3) {
	case DEED_CHANGE: into[0] = byte ^ d->value; return 1;
	case DEED_DROP: return 0;
	case DEED_REPEAT: memset(into, byte, 1u + d->value % 64u); return 1u + d->value % 64u;
	default: into[0] = byte; into[1] = d->value; return 2;
	}
}

static const struct deed *deed_at(const struct way *w, size_t at)
{
	for (size_t i = 0; i < w->n_deeds; i++)
		if ((w->deeds[i].what & 1) == w->is_server && ((size_t)w->deeds[i].at[0] << 8 | w->deeds[i].at[1]) == at)
			return &w->deeds[i];
	return NULL;
}

static void pass_on(struct way *w)
{
	static uint8_t in[8192], out[sizeof(in) * 64];
	ssize_t n = recv(w->from, in, sizeof(in), 0);
	size_t len = 0;

	for (ssize_t i = 0; i < n; i++, w->passed++) {
		const struct deed *d = deed_at(w, w->passed);

		if (d != NULL)
			len += spoil(d, in[i], out + len);
		else
			out[len++] = in[i];
	}
	/* What does not fit the socket is left out. */
	if (len != 0 && send(w->to, out, len, MSG_NOSIGNAL) < 0)
		return;
}

static void on_shaken(struct conn *c, int err)
{
	static const struct iovec text = { (void *)(uintptr_t)"hello", 5 };

	if (err == 0)
		conn_writev(c, &text, 1);
}

static const struct conn_user speaker = { on_shaken, on_event, on_event, on_event };

static void meddle(const uint8_t *data, size_t size)
{
	static const struct addr nobody;
	struct tls_target *target = gateway.tls->target_new(&worker, &middle[data[0] & (MIDDLE_1_2 | MIDDLE_SHOWN)], &server);
	struct conn front, back;
	int one[2], other[2];

	CHECK(target != NULL && socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, one) == 0 &&
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, other) == 0);
	conn_init(&front, &worker, one[0], &nobody, &speaker);
	conn_init(&back, &worker, other[0], &nobody, &speaker);
	if (tls_server_secure(&front, &listeners[0]) == 0 && gateway.tls->target_secure(target, &back) == 0) {
		struct way ways[] = { { other[1], one[1], 0, false, (const struct deed *)(data + 1), (size - 1) / sizeof(struct deed) },
			{ one[1], other[1], 0, true, (const struct deed *)(data + 1), (size - 1) / sizeof(struct deed) } };

		for (int i = 0; i < ROUNDS; i++) {
			turns();
			pass_on(&ways[i & 1]);
		}
		turns();
	}
	conn_close(&front);
	conn_close(&back);
	close(one[1]);
	close(other[1]);
	turns();
	gateway.tls->target_free(&target);
	CHECK(buf_pool_lent(worker.bufs) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	set_up();
	if (size < 2)
		return 0;
	switch (data[0]) {
	case 's':
	case 'c': talk(data + 1, size - 1, data[0] == 's'); break;
	case 'm': meddle(data + 1, size - 1); break;
	}
	return 0;
}
