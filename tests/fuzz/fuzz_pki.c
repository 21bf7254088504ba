/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fuzzes the files of certificates, as `toronc check --with-files` reads them and as a gateway that runs loads them anew. The first byte
 * says which file the rest is:
 *
 *   p   a certificate's chain        k   its key             e   a key with a passphrase
 *   o   an OCSP response             r   a revocation list   t   whom clients' certificates are trusted by
 *   b   whom a backend is trusted by
 *   K   a key in the clear, which is made at the start: the next byte says which
 *   i   no file: the chain that a client has shown
 *
 * What the gateway refuses, --with-files has reported; the old ones stay in use, and good files are taken again afterwards. */
#include <gnutls/x509.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "der_mutate.h"
#include "diag/render.h"
#include "model/model.h"
#include "pki/pki.h"
#include "schema/schema.h"
#include "tls/identity.h"
#include "tls/tls.h"
#include "tree/tree.h"

#define PHRASE "open sesame"
#define KEYS 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
const gnutls_datum_t *__wrap_gnutls_certificate_get_peers(gnutls_session_t session, unsigned *n);

/* ---- good files ---- */

enum file { FILE_CHAIN, FILE_KEY, FILE_LOCKED, FILE_PHRASE, FILE_OCSP, FILE_CRL, FILE_CLIENT_CA, FILE_CA, FILES };
static const char roles[FILES + 1] = "pke_ortb";

static char folder[] = "/tmp/toron-fuzz-XXXXXX";
static char paths[FILES][64];
static gnutls_datum_t good[FILES], keys[KEYS];

/* The key of RFC 6979, A.2.5: what is signed with it, and files of it in the corpus, stay good. */
static const unsigned char known[3][32] = {
	{ 0x60, 0xfe, 0xd4, 0xba, 0x25, 0x5a, 0x9d, 0x31, 0xc9, 0x61, 0xeb, 0x74, 0xc6, 0x35, 0x6d, 0x68, 0xc0, 0x49, 0xb8, 0x92, 0x3b, 0x61,
		0xfa, 0x6c, 0xe6, 0x69, 0x62, 0x2e, 0x60, 0xf2, 0x9f, 0xb6 },
	{ 0x79, 0x03, 0xfe, 0x10, 0x08, 0xb8, 0xbc, 0x99, 0xa4, 0x1a, 0xe9, 0xe9, 0x56, 0x28, 0xbc, 0x64, 0xf2, 0xf1, 0xb2, 0x0c, 0x2d, 0x7e,
		0x9f, 0x51, 0x77, 0xa3, 0xc2, 0x94, 0xd4, 0x46, 0x22, 0x99 },
	{ 0xc9, 0xaf, 0xa9, 0xd8, 0x45, 0xba, 0x75, 0x16, 0x6b, 0x5c, 0x21, 0x57, 0x67, 0xb1, 0xd6, 0x93, 0x4e, 0x50, 0xc3, 0xdb, 0x36, 0xe8,
		0x9b, 0x12, 0x7b, 0x8a, 0x62, 0x2b, 0x12, 0x0f, 0x67, 0x21 },
};

/* The same, with the passphrase hashed once: GnuTLS would do it so often that it fills a second. */
static const char locked_key[] =
	"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
	"MIHrMFYGCSqGSIb3DQEFDTBJMCgGCSqGSIb3DQEFDDAbBAjg5A1kL+Ol0wIBATAM\n"
	"BggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQqMAVd3NTApnGocGNMCULLwSBkDy8\n"
	"+A40oY0hbtsF40ZG5U+6NP+rniWrHqqnazjvnSbx2ehGC6uov/15HfUAKWg8aiXz\n"
	"4Qur9HezN940mnaFYqrg2ZbNaaiMS2gq5Jq0mwIyqX6UixMARCUEGbYIvwA/sNr+\n"
	"Fhq3cq7BAktl+biNn4ppBsfeMAxXsTZJFa34zi4Meauz8/+4STJPSxBIKAkRhQ==\n"
	"-----END ENCRYPTED PRIVATE KEY-----\n";

static void write_file(enum file f, const void *bytes, size_t len)
{
	FILE *to = fopen(paths[f], "w");

	CHECK(to != NULL && (len == 0 || fwrite(bytes, 1, len, to) == len) && fclose(to) == 0);
}

static void remove_files(void)
{
	for (int i = 0; i < FILES; i++)
		unlink(paths[i]);
	rmdir(folder);
}

static void make_keys(gnutls_x509_privkey_t key)
{
	gnutls_x509_privkey_t rsa;

	CHECK(gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &keys[0]) == 0);
	CHECK(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &keys[1]) == 0 && gnutls_x509_privkey_init(&rsa) == 0);
	CHECK(gnutls_x509_privkey_generate(rsa, GNUTLS_PK_RSA, 2048, 0) == 0);
	CHECK(gnutls_x509_privkey_export2(rsa, GNUTLS_X509_FMT_PEM, &keys[2]) == 0);
	gnutls_x509_privkey_deinit(rsa);
	good[FILE_KEY] = keys[1];
	good[FILE_LOCKED] = (gnutls_datum_t){ (unsigned char *)(uintptr_t)locked_key, sizeof(locked_key) - 1 };
}

static void make_crl(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
	gnutls_x509_crl_t crl;

	CHECK(gnutls_x509_crl_init(&crl) == 0);
	gnutls_x509_crl_set_version(crl, 2);
	gnutls_x509_crl_set_this_update(crl, time(NULL) - 3600);
	gnutls_x509_crl_set_next_update(crl, time(NULL) + 365 * 86400);
	gnutls_x509_crl_set_number(crl, "\1", 1);
	CHECK(gnutls_x509_crl_sign2(crl, crt, key, GNUTLS_DIG_SHA256, 0) == 0);
	CHECK(gnutls_x509_crl_export2(crl, GNUTLS_X509_FMT_PEM, &good[FILE_CRL]) == 0);
	gnutls_x509_crl_deinit(crl);
}

static void make_files(void)
{
	gnutls_datum_t x = { (unsigned char *)(uintptr_t)known[0], 32 }, y = { (unsigned char *)(uintptr_t)known[1], 32 };
	gnutls_datum_t k = { (unsigned char *)(uintptr_t)known[2], 32 };
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;

	CHECK(mkdtemp(folder) != NULL);
	atexit(remove_files);
	CHECK(gnutls_x509_privkey_init(&key) == 0 && gnutls_x509_crt_init(&crt) == 0);
	CHECK(gnutls_x509_privkey_import_ecc_raw(key, GNUTLS_ECC_CURVE_SECP256R1, &x, &y, &k) == 0);
	gnutls_x509_crt_set_version(crt, 3);
	gnutls_x509_crt_set_serial(crt, "\1", 1);
	gnutls_x509_crt_set_activation_time(crt, time(NULL) - 3600);
	gnutls_x509_crt_set_expiration_time(crt, time(NULL) + 365 * 86400);
	gnutls_x509_crt_set_dn(crt, "CN=a.example", NULL);
	gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, "a.example", 9, GNUTLS_FSAN_SET);
	gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, "*.b.example", 11, GNUTLS_FSAN_APPEND);
	gnutls_x509_crt_set_basic_constraints(crt, 1, -1);
	gnutls_x509_crt_set_key(crt, key);
	CHECK(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0) == 0);
	CHECK(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &good[FILE_CHAIN]) == 0);
	make_keys(key);
	make_crl(crt, key);
	good[FILE_PHRASE] = (gnutls_datum_t){ (unsigned char *)(uintptr_t)PHRASE, sizeof(PHRASE) - 1 };
	good[FILE_CLIENT_CA] = good[FILE_CA] = good[FILE_CHAIN];
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
	for (int i = 0; i < FILES; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/%d", folder, i);
		write_file((enum file)i, good[i].data, good[i].size);
	}
}

/* ---- a gateway that has them ---- */

static struct toron_certificate plain = { .name = "c", .origin = "fuzz", .cert = paths[FILE_CHAIN],
	.key = { .kind = TORON_SECRET_FILE, .origin = "fuzz" } };
static struct toron_certificate locked = { .name = "d", .origin = "fuzz", .cert = paths[FILE_CHAIN], .index = 1,
	.key = { .kind = TORON_SECRET_FILE, .origin = "fuzz" }, .passphrase = { .kind = TORON_SECRET_FILE, .origin = "fuzz" } };
static const struct toron_certificate *const certificates[] = { &plain, &locked };
static const struct toron_tls tls = { .origin = "fuzz", .certificates = certificates, .n_certificates = 2, .priority = "NORMAL",
	.client_auth = TORON_CLIENT_OPTIONAL, .client_ca = paths[FILE_CLIENT_CA], .client_crl = paths[FILE_CRL], .client_depth = 5 };
static const struct toron_tls_client client = { .origin = "fuzz", .ca = paths[FILE_CA], .priority = "NORMAL", .verify = true };
static const struct toron_tls_client *const clients[] = { &client };
static const struct toron_listener listeners[] = { { .name = "web", .origin = "fuzz", .tls = &tls } };
static const struct toron_gateway gateway = { .listeners = listeners, .n_listeners = 1, .certificates = certificates,
	.n_certificates = 2, .tls_clients = clients, .n_tls_clients = 1, .tls = &toron_tls_engine_gnutls };
static struct tls *all;

/* Looks at all of it, whatever the files' times say. True: all was taken. */
static bool load_all(void)
{
	all->certificates[0].n_failed = all->certificates[1].n_failed = 1;
	all->servers[0].n_failed = all->clients[0].n_failed = 1;
	gateway.tls->look(all, NULL);
	return all->certificates[0].n_failed + all->certificates[1].n_failed + all->servers[0].n_failed + all->clients[0].n_failed == 0;
}

static void check_pair(const struct pair *p)
{
	CHECK(p != NULL && p->n_chain > 0 && p->n_chain <= TORON_TLS_CHAIN_MOST && p->key != NULL);
	for (uint32_t i = 0; i < p->n_names; i++)
		for (const char *c = p->names[i]; *c != '\0'; c++)
			CHECK(*c < 'A' || *c > 'Z');
}

/* Whether the gateway takes what is in this file. */
static bool is_taken(enum file f, const uint8_t *data, size_t size)
{
	const struct pair *pairs[2] = { all->pairs[0], all->pairs[1] };
	const struct offer *offer = all->servers[0].offer;
	const struct trust *trust = all->clients[0].trust;
	bool ok;

	write_file(f, data, size);
	ok = load_all();
	for (int i = 0; i < 2; i++) {
		CHECK(all->certificates[i].n_failed == 0 || all->pairs[i] == pairs[i]);
		check_pair(all->pairs[i]);
	}
	CHECK(all->servers[0].n_failed == 0 || (all->servers[0].offer == offer && f != FILE_CHAIN));
	CHECK(all->clients[0].n_failed == 0 || all->clients[0].trust == trust);
	CHECK(offer_choose(all->servers[0].offer, STR("a.example")) != NULL);
	CHECK(offer_choose(all->servers[0].offer, STR("x.b.example")) != NULL);
	write_file(f, good[f].data, good[f].size);
	plain.ocsp = NULL;
	CHECK(load_all());
	return ok;
}

/* ---- the compiler ---- */

static const char config[] =
	"certificates:\n"
	"  c: {cert: \"0\", key: {file: \"1\"}, ocsp: \"4\"}\n"
	"  d: {cert: \"0\", key: {file: \"2\"}, passphrase: {file: \"3\"}}\n"
	"listeners:\n"
	"  - {name: web, protocol: https, port: 443, tls: {certificates: [c, d], client_auth: {mode: optional, ca: \"6\", crl: \"5\"}}}\n"
	"backends: {b: {url: \"https://a.example\", tls: {ca: \"7\"}}}\n"
	"routes: [{match: {host: [a.example, \"*.b.example\"]}, backend: b}]\n";

static struct arena forever;
static struct model *model;
static gnutls_datum_t seen[FILES]; /* what there is to be read */

static bool read_file(void *ctx, struct str path, struct str *bytes_out, struct str *why_out)
{
	unsigned f = (unsigned)(path.ptr[path.len - 1] - '0');

	(void)ctx;
	CHECK(f < FILES);
	*bytes_out = (struct str){ (const char *)seen[f].data, seen[f].size };
	*why_out = STR("it is not there");
	return seen[f].data != NULL;
}

static struct node *read_config(struct arena *a, struct diags *d)
{
	diag_init(d, a);
	return tree_read_yaml(a, d, diag_add_source(d, STR("g.yaml"), str_of(config)));
}

static void make_model(void)
{
	struct schema *s;
	struct node *root;
	struct diags d;

	arena_init_unbounded(&forever);
	root = read_config(&forever, &d);
	s = schema_gateway(&forever, &d);
	schema_validate(&forever, &d, s, root);
	schema_complete(&forever, &d, s, root);
	model = model_build(&forever, &d, root);
	CHECK(model->is_whole && d.n_errors == 0 && model->n_certificates == 2);
}

/* The number of reports about what is in the files. */
static size_t check_files(void)
{
	struct pki_source source = { .read = read_file, .now = (int64_t)time(NULL) };
	struct str ocsp = model->certificates[0].ocsp.path;
	struct sbuf out = { 0 };
	struct arena a;
	struct diags d;
	size_t n;

	arena_init_unbounded(&a);
	read_config(&a, &d);
	if (seen[FILE_OCSP].data == NULL)
		model->certificates[0].ocsp.path = STR_NONE;
	pki_check(&a, &d, model, &source);
	model->certificates[0].ocsp.path = ocsp;
	for (int f = RENDER_TEXT; f <= RENDER_GITHUB; f++) {
		render_diags(&out, &d, &(struct render_options){ .format = (enum render_format)f });
		CHECK(str_utf8_valid(sbuf_str(&out)) == out.len);
		sbuf_clear(&out);
	}
	sbuf_fini(&out);
	n = d.n;
	arena_fini(&a);
	return n;
}

static void on_both_sides(enum file f, const uint8_t *data, size_t size)
{
	size_t n_reports;

	memcpy(seen, good, sizeof(seen));
	seen[f] = (gnutls_datum_t){ (unsigned char *)(uintptr_t)data, (unsigned)size };
	n_reports = check_files();
	if (f == FILE_OCSP)
		plain.ocsp = paths[FILE_OCSP];
	CHECK(is_taken(f, data, size) || n_reports != 0);
}

/* ---- a client ---- */

static gnutls_datum_t shown;

const gnutls_datum_t *__wrap_gnutls_certificate_get_peers(gnutls_session_t session, unsigned *n)
{
	(void)session;
	*n = shown.size != 0;
	return shown.size != 0 ? &shown : NULL;
}

static bool is_within(struct str s, const char *bytes)
{
	return s.ptr == NULL || (s.ptr >= bytes && str_utf8_valid(s) == s.len);
}

static void show(const uint8_t *data, size_t size)
{
	gnutls_datum_t text = { (unsigned char *)(uintptr_t)data, (unsigned)size };
	struct tls_info *i = tls_info_new();

	CHECK(i != NULL);
	if (gnutls_pem_base64_decode2("CERTIFICATE", &text, &shown) == 0 && identity_read(NULL, i) && i->has_client) {
		CHECK(is_within(i->subject, i->bytes) && is_within(i->san, i->bytes) && i->fingerprint.len == 64);
		for (uint32_t k = 0; k < i->n_sans; k++)
			for (size_t at = 0; at < i->sans[k].len; at++)
				CHECK(i->sans[k].ptr[at] > ' ' && i->sans[k].ptr[at] <= '~');
	}
	gnutls_free(shown.data);
	shown = (gnutls_datum_t){ NULL, 0 };
	tls_info_release(&i);
}

/* ---- all ---- */

static void set_up(void)
{
	if (all != NULL)
		return;
	log_setup(LOG_ERROR + 1, LOG_TEXT);
	make_model();
	make_files();
	plain.key.value = str_of(paths[FILE_KEY]);
	locked.key.value = str_of(paths[FILE_LOCKED]);
	locked.passphrase.value = str_of(paths[FILE_PHRASE]);
	all = gateway.tls->start(&gateway);
	CHECK(all != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *role;

	set_up();
	if (size < 2)
		return 0;
	role = strchr(roles, data[0]);
	if (data[0] == 'i')
		show(data + 1, size - 1);
	else if (data[0] == 'K')
		on_both_sides(data[1] & 4 ? FILE_LOCKED : FILE_KEY, keys[data[1] % KEYS].data, keys[data[1] % KEYS].size);
	else if (role != NULL && *role != '\0')
		on_both_sides((enum file)(role - roles), data + 1, size - 1);
	return 0;
}

/* A key that was made at the start, in its place in the input. */
static size_t unfold_key(uint8_t *data, size_t max)
{
	gnutls_datum_t key = keys[data[1] % KEYS];

	if (key.size >= max)
		return 2;
	data[0] = data[1] & 4 ? 'e' : 'k';
	memcpy(data + 1, key.data, key.size);
	return key.size + 1;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static uint8_t der[DER_MOST];
	size_t n = 0;

	set_up();
	if (size < 2 || seed % 4 == 0)
		return LLVMFuzzerMutate(data, size, max);
	if (data[0] == 'K')
		size = unfold_key(data, max);
	if (data[0] == 'o') {
		n = der_mutate(data + 1, size - 1, der, max - 1 < sizeof(der) ? max - 1 : sizeof(der), seed / 4);
		memcpy(data + 1, der, n);
	} else {
		n = pem_mutate(data + 1, size - 1, max - 1, seed / 4);
	}
	return n != 0 ? n + 1 : 1 + LLVMFuzzerMutate(data + 1, size - 1, max - 1);
}
