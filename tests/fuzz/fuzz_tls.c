/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fuzzes TLS with what strangers send, and with what stands in files. The first byte of the input chooses:
 *
 *   s   bytes of a client to the server's role     c   bytes of a server to the client's role
 *   p   a certificate's PEM file                   k   a key's
 *   o   an OCSP response                           r   a revocation list
 *   t   trusted certificates
 *
 * A connection is a socket pair; its bytes come in two pieces, and nobody answers. */
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
#include "tls/offer.h"
#include "tls/pair.h"
#include "tls/server.h"

#define TURNS 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/toron-fuzz-XXXXXX";
static char cert_path[64], key_path[64], bad_path[64];

static struct toron_certificate good = { .name = "c", .origin = "fuzz", .cert = cert_path,
	.key = { .kind = TORON_SECRET_FILE, .origin = "fuzz" } };
static const struct toron_certificate *const certificates[] = { &good };
static const struct toron_tls tls = { .origin = "fuzz", .certificates = certificates, .n_certificates = 1, .priority = "NORMAL",
	.client_auth = TORON_CLIENT_OPTIONAL, .client_ca = cert_path, .client_depth = 5, .handshake_ms = 1000, .tickets = true };
static const struct toron_tls_client client = { .origin = "fuzz", .ca = cert_path, .priority = "NORMAL", .verify = true };
static const struct toron_tls_client *const clients[] = { &client };
static const struct toron_listener listeners[] = { { .name = "web", .origin = "fuzz", .tls = &tls } };
static const struct toron_server server = { .origin = "fuzz", .host = STR_INIT("a.example"), .authority = STR_INIT("a.example") };
static const struct toron_gateway gateway = { .listeners = listeners, .n_listeners = 1, .certificates = certificates,
	.n_certificates = 1, .tls_clients = clients, .n_tls_clients = 1, .tls = &toron_tls_engine_gnutls };
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
	unlink(bad_path);
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
	snprintf(bad_path, sizeof(bad_path), "%s/b", folder);
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

/* ---- files ---- */

static void load(const uint8_t *data, size_t size, char kind)
{
	struct toron_certificate conf = good;
	char why[SECRET_WHY_MAX];
	struct pair *p;

	write_file(bad_path, data, size);
	if (kind == 'p')
		conf.cert = bad_path;
	else if (kind == 'k')
		conf.key.value = str_of(bad_path);
	else
		conf.ocsp = bad_path;
	if (pair_load(&conf, &p, why) != 0)
		CHECK(p == NULL && why[0] != '\0');
	pair_free(&p);
}

static void offer(const uint8_t *data, size_t size, bool is_crl)
{
	static const unsigned char key[OFFER_TICKET_KEY];
	struct secret text = { (char *)(uintptr_t)data, size }, none = { 0 };
	char why[SECRET_WHY_MAX];
	struct pair *p;
	struct offer *o;

	CHECK(pair_load(&good, &p, why) == 0);
	o = offer_new(&tls, &p, is_crl ? &none : &text, is_crl ? &text : &none, key, why);
	if (o != NULL)
		offer_choose(o, STR("a.example"));
	offer_release(&o);
	pair_free(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	set_up();
	if (size < 2)
		return 0;
	switch (data[0]) {
	case 's':
	case 'c': talk(data + 1, size - 1, data[0] == 's'); break;
	case 'p':
	case 'k':
	case 'o': load(data + 1, size - 1, (char)data[0]); break;
	case 'r':
	case 't': offer(data + 1, size - 1, data[0] == 'r'); break;
	}
	return 0;
}
