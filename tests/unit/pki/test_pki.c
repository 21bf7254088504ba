/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What `--with-files` finds in certificates that are made for the test; nothing is read from a disk. How files are read is drive's
 * (the last tests). */
#include "pki/pki.h"

#include <check.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/str.h"
#include "drive/file.h"
#include "schema/schema.h"
#include "toron/tls.h"
#include "tree/tree.h"

#define DAY 86400
#define NOW 1700000000

/* ---- certificates ---- */

/* What a certificate is like, beside the ordinary. */
struct kind {
	const char *dn, *san;        /* san: "*.example" */
	const char *organisation;    /* in the subject, as it is */
	gnutls_pk_algorithm_t key;   /* 0: ECDSA with P-256 */
	unsigned bits;
	int from_days, to_days;      /* both 0: -1 to 90 */
	gnutls_digest_algorithm_t hash; /* 0: SHA-256 */
	bool is_ca;
	bool has_ids;                /* its key and its issuer's are named */
	const char *where;           /* the issuer's certificate is */
};

struct entity {
	gnutls_x509_crt_t crt;
	gnutls_x509_privkey_t key;
	struct str pem, key_pem;
};

static struct arena arena;
static struct entity root, middle, leaf;

static struct str kept(gnutls_datum_t *text)
{
	struct str s = arena_str(&arena, (struct str){ (const char *)text->data, text->size });

	gnutls_free(text->data);
	return s;
}

static void set_key_id(gnutls_x509_crt_t crt, gnutls_x509_crt_t of, int (*set)(gnutls_x509_crt_t, const void *, size_t))
{
	unsigned char id[64];
	size_t len = sizeof(id);

	ck_assert_int_eq(gnutls_x509_crt_get_key_id(of, 0, id, &len), 0);
	ck_assert_int_eq(set(crt, id, len), 0);
}

static struct entity make(struct kind k, const struct entity *issuer)
{
	static unsigned char serial;
	struct entity e;
	gnutls_datum_t text;
	bool is_default = k.from_days == 0 && k.to_days == 0;

	ck_assert_int_eq(gnutls_x509_privkey_init(&e.key), 0);
	ck_assert_int_eq(gnutls_x509_privkey_generate(e.key, k.key != 0 ? k.key : GNUTLS_PK_ECDSA,
		k.bits != 0 ? k.bits : GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0), 0);
	ck_assert_int_eq(gnutls_x509_crt_init(&e.crt), 0);
	gnutls_x509_crt_set_version(e.crt, 3);
	serial++;
	gnutls_x509_crt_set_serial(e.crt, &serial, 1);
	gnutls_x509_crt_set_activation_time(e.crt, NOW + (is_default ? -1 : k.from_days) * DAY);
	gnutls_x509_crt_set_expiration_time(e.crt, NOW + (is_default ? 90 : k.to_days) * DAY);
	gnutls_x509_crt_set_dn(e.crt, k.dn != NULL ? k.dn : "CN=a.example", NULL);
	if (k.organisation != NULL)
		gnutls_x509_crt_set_dn_by_oid(e.crt, GNUTLS_OID_X520_ORGANIZATION_NAME, 0, k.organisation, (unsigned)strlen(k.organisation));
	if (!k.is_ca)
		gnutls_x509_crt_set_subject_alt_name(e.crt, GNUTLS_SAN_DNSNAME, k.san != NULL ? k.san : "a.example",
			(unsigned)strlen(k.san != NULL ? k.san : "a.example"), GNUTLS_FSAN_SET);
	gnutls_x509_crt_set_basic_constraints(e.crt, k.is_ca, -1);
	if (k.where != NULL)
		gnutls_x509_crt_set_authority_info_access(e.crt, GNUTLS_IA_CAISSUERS_URI,
			&(gnutls_datum_t){ (unsigned char *)(uintptr_t)k.where, (unsigned)strlen(k.where) });
	gnutls_x509_crt_set_key(e.crt, e.key);
	if (k.has_ids) {
		set_key_id(e.crt, e.crt, gnutls_x509_crt_set_subject_key_id);
		set_key_id(e.crt, issuer->crt, gnutls_x509_crt_set_authority_key_id);
	}
	ck_assert_int_eq(gnutls_x509_crt_sign2(e.crt, issuer != NULL ? issuer->crt : e.crt, issuer != NULL ? issuer->key : e.key,
		k.hash != 0 ? k.hash : GNUTLS_DIG_SHA256, 0), 0);
	ck_assert_int_eq(gnutls_x509_crt_export2(e.crt, GNUTLS_X509_FMT_PEM, &text), 0);
	e.pem = kept(&text);
	/* GnuTLS writes an Ed25519 key that nobody reads, itself neither, unless it is told to write PKCS#8. */
	ck_assert_int_eq(k.key == GNUTLS_PK_EDDSA_ED25519 ?
		gnutls_x509_privkey_export2_pkcs8(e.key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &text) :
		gnutls_x509_privkey_export2(e.key, GNUTLS_X509_FMT_PEM, &text), 0);
	e.key_pem = kept(&text);
	return e;
}

static struct str locked(const struct entity *e, unsigned flags)
{
	gnutls_datum_t text;

	ck_assert_int_eq(gnutls_x509_privkey_export2_pkcs8(e->key, GNUTLS_X509_FMT_PEM, "open sesame", flags, &text), 0);
	return kept(&text);
}

static struct str crl_of(const struct entity *ca, int next_days)
{
	gnutls_x509_crl_t crl;
	gnutls_datum_t text;

	ck_assert_int_eq(gnutls_x509_crl_init(&crl), 0);
	gnutls_x509_crl_set_version(crl, 2);
	gnutls_x509_crl_set_this_update(crl, NOW - 9 * DAY);
	gnutls_x509_crl_set_next_update(crl, NOW + next_days * DAY);
	gnutls_x509_crl_set_number(crl, "\1", 1);
	ck_assert_int_eq(gnutls_x509_crl_sign2(crl, ca->crt, ca->key, GNUTLS_DIG_SHA256, 0), 0);
	ck_assert_int_eq(gnutls_x509_crl_export2(crl, GNUTLS_X509_FMT_PEM, &text), 0);
	gnutls_x509_crl_deinit(crl);
	return kept(&text);
}

static void forget(struct entity *e)
{
	gnutls_x509_crt_deinit(e->crt);
	gnutls_x509_privkey_deinit(e->key);
}

static void set_up(void)
{
	arena_init_unbounded(&arena);
	root = make((struct kind){ .dn = "O=Root", .is_ca = true }, NULL);
	middle = make((struct kind){ .dn = "O=Middle", .is_ca = true }, &root);
	leaf = make((struct kind){ 0 }, &middle);
}

static void tear_down(void)
{
	forget(&root);
	forget(&middle);
	forget(&leaf);
	arena_fini(&arena);
}

/* ---- files, and what is said of them ---- */

struct files {
	struct str cert, key, phrase, ocsp, ca, crl, backend_ca;
};

static bool read_file(void *ctx, struct str path, struct str *bytes_out, struct str *why_out)
{
	const struct files *f = ctx;
	const struct { const char *name; struct str bytes; } all[] = { { "cert", f->cert }, { "key", f->key }, { "phrase", f->phrase },
		{ "ocsp", f->ocsp }, { "ca", f->ca }, { "crl", f->crl }, { "backend", f->backend_ca } };

	*why_out = STR("it is not there");
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (!str_eq(path, str_of(all[i].name)))
			continue;
		*bytes_out = all[i].bytes;
		return all[i].bytes.len != SIZE_MAX;
	}
	return false;
}

static const char *config_for(const struct files *f, const char *host)
{
	return arena_cstr(&arena, arena_printf(&arena,
		"certificates: {c: {cert: cert, key: {file: key}%s%s}}\n"
		"listeners: [{name: web, protocol: https, port: 443, tls: {certificates: [c]%s%s%s}}]\n"
		"backends: {b: {url: \"https://b.example\"%s}}\n"
		"routes: [{match: {host: \"%s\"}, backend: b}]\n",
		f->phrase.ptr != NULL ? ", passphrase: {file: phrase}" : "", f->ocsp.ptr != NULL ? ", ocsp: ocsp" : "",
		f->ca.ptr != NULL ? ", client_auth: {mode: require, ca: ca" : "", f->crl.ptr != NULL ? ", crl: crl" : "",
		f->ca.ptr != NULL ? "}" : "", f->backend_ca.ptr != NULL ? ", tls: {ca: backend}" : "", host));
}

/* The codes and texts, in order: "T0623 the certificate of ...;". Files that f does not have are good, or not named. */
static const char *said(struct files f, const char *host)
{
	struct pki_source source = { .read = read_file, .ctx = &f, .now = NOW };
	struct sbuf out = { 0 };
	struct diags d;
	struct node *config;
	struct model *m;
	struct schema *s;
	const char *text;

	if (f.cert.ptr == NULL)
		f.cert = arena_printf(&arena, STR_FMT STR_FMT, STR_ARG(leaf.pem), STR_ARG(middle.pem));
	if (f.key.ptr == NULL)
		f.key = leaf.key_pem;
	diag_init(&d, &arena);
	s = schema_gateway(&arena, &d);
	config = tree_read_yaml(&arena, &d, diag_add_source(&d, STR("g.yaml"), str_of(config_for(&f, host))));
	schema_validate(&arena, &d, s, config);
	schema_complete(&arena, &d, s, config);
	m = model_build(&arena, &d, config);
	ck_assert_uint_eq(d.n, 0);
	ck_assert(m->is_whole);
	pki_check(&arena, &d, m, &source);
	for (size_t i = 0; i < d.n; i++)
		sbuf_printf(&out, "%s " STR_FMT ";", diag_kind(d.at[i].id)->code, STR_ARG(d.at[i].text));
	text = arena_cstr(&arena, sbuf_str(&out));
	sbuf_fini(&out);
	return text;
}

static const char *said_of(struct entity e)
{
	const char *text = said((struct files){ .cert = e.pem, .key = e.key_pem }, "a.example");

	forget(&e);
	return text;
}

static void tells(const char *text, const char *what)
{
	ck_assert_msg(strstr(text, what) != NULL, "\"%s\" is not in \"%s\"", what, text);
}

static struct str joined(struct str a, struct str b, struct str c)
{
	return arena_printf(&arena, STR_FMT STR_FMT STR_FMT, STR_ARG(a), STR_ARG(b), STR_ARG(c));
}

/* ---- chains ---- */

START_TEST(good_files_are_passed_over_in_silence)
{
	struct files all = { .ca = root.pem, .crl = crl_of(&root, 9), .backend_ca = joined(root.pem, middle.pem, STR("")) };

	ck_assert_str_eq(said((struct files){ 0 }, "a.example"), "");
	ck_assert_str_eq(said(all, "a.example"), "");
	ck_assert_str_eq(said((struct files){ .cert = joined(leaf.pem, middle.pem, root.pem) }, "a.example"), "");
}
END_TEST

START_TEST(the_order_of_a_chain_matters)
{
	struct entity one = make((struct kind){ .dn = "O=Middle", .is_ca = true, .has_ids = true }, &root);
	struct entity two = make((struct kind){ .dn = "O=Middle", .is_ca = true, .has_ids = true }, &root);
	struct entity site = make((struct kind){ .has_ids = true }, &one);

	tells(said((struct files){ .cert = joined(leaf.pem, root.pem, middle.pem) }, "a.example"),
		"T0629 number 2 of the chain, 'O=Root', has not signed the one before it;");
	tells(said((struct files){ .cert = joined(leaf.pem, middle.pem, leaf.pem) }, "a.example"), "T0629 number 3");
	/* Of the right name, but with another key: the gateway starts with it, and nobody trusts it. */
	tells(said((struct files){ .cert = joined(site.pem, two.pem, STR("")), .key = site.key_pem }, "a.example"), "T0625 number 2");
	ck_assert_str_eq(said((struct files){ .cert = joined(site.pem, one.pem, STR("")), .key = site.key_pem }, "a.example"), "");
	forget(&one);
	forget(&two);
	forget(&site);
	/* Its own key is asked for the first one. */
	tells(said((struct files){ .cert = joined(middle.pem, leaf.pem, STR("")) }, "a.example"), "T0622");
}
END_TEST

START_TEST(an_authority_that_could_be_fetched_is_missed)
{
	tells(said_of(make((struct kind){ .where = "http://ca.example/m.der" }, &middle)),
		"T0625 the chain of 'CN=a.example' lacks the authority that signed it;");
	ck_assert_str_eq(said_of(make((struct kind){ 0 }, &middle)), "");
	ck_assert_str_eq(said_of(make((struct kind){ .where = "http://ca.example/m.der" }, NULL)), "");
}
END_TEST

START_TEST(what_is_no_utf_8_is_not_passed_on)
{
	tells(said_of(make((struct kind){ .organisation = "\xff.\xc3(\xc3\xa4", .from_days = -30, .to_days = -1 }, NULL)),
		"T0628 the certificate of 'O=?.?(\xc3\xa4,CN=a.example' has expired;");
}
END_TEST

START_TEST(chains_are_bounded)
{
	struct sbuf many = { 0 };

	for (unsigned i = 0; i <= TORON_TLS_CHAIN_MOST; i++)
		sbuf_add(&many, i == 0 ? leaf.pem : root.pem);
	tells(said((struct files){ .cert = sbuf_str(&many) }, "a.example"), "T0621 'cert' has 17 certificates, and 16 are the most;");
	sbuf_fini(&many);
}
END_TEST

START_TEST(dates_are_told)
{
	tells(said_of(make((struct kind){ .from_days = -30, .to_days = -1 }, NULL)), "T0628 the certificate of 'CN=a.example' has expired;");
	tells(said_of(make((struct kind){ .from_days = 1, .to_days = 30 }, NULL)), "T0628 the certificate of 'CN=a.example' is not valid yet;");
	tells(said_of(make((struct kind){ .from_days = -30, .to_days = 13 }, NULL)), "T0623 the certificate of 'CN=a.example' expires within 14 days;");
	ck_assert_str_eq(said_of(make((struct kind){ .from_days = -30, .to_days = 15 }, NULL)), "");
	/* An authority's are as important to clients, though not to the gateway's start. */
	forget(&middle);
	middle = make((struct kind){ .dn = "O=Middle", .is_ca = true, .from_days = -30, .to_days = 3 }, &root);
	tells(said((struct files){ 0 }, "a.example"), "T0623 the certificate of 'O=Middle' expires within 14 days;");
	forget(&middle);
	middle = make((struct kind){ .dn = "O=Middle", .is_ca = true, .from_days = -30, .to_days = -1 }, &root);
	tells(said((struct files){ 0 }, "a.example"), "T0623 the certificate of 'O=Middle' has expired;");
}
END_TEST

START_TEST(what_is_weak_is_told)
{
	const char *text = said_of(make((struct kind){ .key = GNUTLS_PK_RSA, .bits = 1024 }, NULL));

	tells(text, "T0624 the RSA key of 'CN=a.example' has 1024 bits: clients ask for 2048;");
	tells(text, "T0626 all certificates of the listener 'web' have RSA keys");
	ck_assert_str_eq(said_of(make((struct kind){ .key = GNUTLS_PK_EDDSA_ED25519, .bits = GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED25519),
		.hash = GNUTLS_DIG_SHA512 }, NULL)), "");
	tells(said_of(make((struct kind){ .hash = GNUTLS_DIG_SHA1 }, &root)), "T0624 the certificate of 'CN=a.example' is signed with SHA1");
	/* Of a root, nobody looks at it. */
	ck_assert_str_eq(said_of(make((struct kind){ .hash = GNUTLS_DIG_SHA1 }, NULL)), "");
}
END_TEST

START_TEST(names_are_compared_with_the_hosts_of_routes)
{
	struct entity wide = make((struct kind){ .san = "*.b.example" }, NULL);
	struct files f = { .cert = wide.pem, .key = wide.key_pem };

	ck_assert_str_eq(said(f, "x.b.example"), "");
	ck_assert_str_eq(said(f, "*.b.example"), "");
	tells(said(f, "b.example"), "T0627 no certificate of the listener 'web' is for 'b.example': clients will refuse it;");
	tells(said(f, "x.y.b.example"), "T0627");
	tells(said((struct files){ 0 }, "*.a.example"), "T0627 no certificate of the listener 'web' is for '*.a.example'");
	forget(&wide);
}
END_TEST

/* ---- keys ---- */

START_TEST(keys_belong_to_their_certificate)
{
	tells(said((struct files){ .key = middle.key_pem }, "a.example"),
		"T0622 this is not the key of the certificate of 'CN=a.example';");
	tells(said((struct files){ .key = leaf.pem }, "a.example"), "T0621 the key cannot be read");
	tells(said((struct files){ .key = STR("") }, "a.example"), "T0621 the key cannot be read");
}
END_TEST

START_TEST(keys_come_in_several_forms)
{
	static const unsigned forms[] = { GNUTLS_PKCS_PBES2_AES_256, GNUTLS_PKCS_PBES2_3DES, GNUTLS_PKCS_PKCS12_3DES };
	gnutls_datum_t text;

	ck_assert_int_eq(gnutls_x509_privkey_export2_pkcs8(leaf.key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &text), 0);
	ck_assert_str_eq(said((struct files){ .key = kept(&text) }, "a.example"), "");
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct str key = locked(&leaf, forms[i]);

		ck_assert_str_eq(said((struct files){ .key = key, .phrase = STR("open sesame\n") }, "a.example"), "");
		tells(said((struct files){ .key = key, .phrase = STR("shut") }, "a.example"), "T0621 the key cannot be read");
		tells(said((struct files){ .key = key }, "a.example"), "T0621 the key is encrypted, and the certificate has no passphrase;");
	}
}
END_TEST

/* PBES2 with 100 million rounds of HMAC-SHA256, which would take a minute; GnuTLS does 16 million at most. */
START_TEST(a_key_that_takes_long_to_open_is_refused)
{
	struct str key = STR("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
			     "MIGVMGEGCSqGSIb3DQEFDTBUMDMGCSqGSIb3DQEFDDAmBBABAgMEBQYHCAkKCwwN\n"
			     "Dg8QAgQF9eEAMAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAEqBBAAAQIDBAUGBwgJ\n"
			     "CgsMDQ4PBDAAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYn\n"
			     "KCkqKywtLi8=\n"
			     "-----END ENCRYPTED PRIVATE KEY-----\n");

	tells(said((struct files){ .key = key, .phrase = STR("open sesame") }, "a.example"), "T0621 the key cannot be read: An illegal parameter");
}
END_TEST

START_TEST(keys_are_bounded)
{
	struct sbuf large = { 0 };

	while (large.len <= TORON_TLS_KEY_MOST)
		sbuf_add(&large, leaf.key_pem);
	tells(said((struct files){ .key = sbuf_str(&large) }, "a.example"), "T0621 the key is larger than 64 KiB");
	sbuf_fini(&large);
}
END_TEST

/* ---- PEM ---- */

static struct str replaced(struct str in, const char *what, const char *with)
{
	struct sbuf out = { 0 };
	struct str rest = in, s;
	size_t at;

	while ((at = str_find(rest, str_of(what))) < rest.len) {
		sbuf_add(&out, str_slice(rest, 0, at));
		sbuf_add(&out, str_of(with));
		rest = str_slice(rest, at + strlen(what), rest.len);
	}
	sbuf_add(&out, rest);
	s = arena_str(&arena, sbuf_str(&out));
	sbuf_fini(&out);
	return s;
}

START_TEST(pem_is_read_as_others_read_it)
{
	struct str chain = joined(leaf.pem, middle.pem, STR(""));

	ck_assert_str_eq(said((struct files){ .cert = replaced(chain, "\n", "\r\n") }, "a.example"), "");
	ck_assert_str_eq(said((struct files){ .cert = joined(STR("\xef\xbb\xbf"), chain, STR("")) }, "a.example"), "");
	ck_assert_str_eq(said((struct files){ .cert = joined(STR("subject: CN = a.example\n\n"), chain, STR("\n\nbehind it")) }, "a.example"), "");
	ck_assert_str_eq(said((struct files){ .cert = replaced(chain, "CERTIFICATE", "X509 CERTIFICATE") }, "a.example"), "");
	/* The key may stand in the same file. */
	chain = joined(leaf.key_pem, leaf.pem, middle.pem);
	ck_assert_str_eq(said((struct files){ .cert = chain, .key = chain }, "a.example"), "");
}
END_TEST

static const char *const no_certificates[] = { "", "\n", "nothing", "-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\n",
	"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n",
	"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n" };

START_TEST(what_is_no_certificate_is_told)
{
	tells(said((struct files){ .cert = str_of(no_certificates[_i]) }, "a.example"), "T0621 'cert' has no certificate in PEM");
	tells(said((struct files){ .backend_ca = str_of(no_certificates[_i]) }, "a.example"), "T0621 'backend' has no certificates in PEM");
}
END_TEST

START_TEST(labels_say_what_a_block_is)
{
	struct str wrong = replaced(leaf.pem, "CERTIFICATE", "PRIVATE KEY");

	tells(said((struct files){ .cert = wrong }, "a.example"), "T0621 'cert'");
	tells(said((struct files){ .cert = leaf.key_pem }, "a.example"), "T0621 'cert'");
	tells(said((struct files){ .ca = leaf.key_pem }, "a.example"), "T0621 'ca' has no certificates in PEM");
	tells(said((struct files){ .ca = root.pem, .crl = root.pem }, "a.example"), "T0621 'crl' has no list of revoked certificates in PEM");
}
END_TEST

START_TEST(a_nul_ends_nothing_unseen)
{
	struct str cut = { leaf.pem.ptr, leaf.pem.len / 2 };
	char *bytes;

	bytes = memcpy(arena_alloc(&arena, leaf.pem.len + 1), leaf.pem.ptr, cut.len);
	bytes[cut.len] = '\0';
	memcpy(bytes + cut.len + 1, leaf.pem.ptr + cut.len, leaf.pem.len - cut.len);
	tells(said((struct files){ .cert = { bytes, leaf.pem.len + 1 } }, "a.example"), "T06");
}
END_TEST

/* ---- lists and responses ---- */

START_TEST(lists_grow_old)
{
	tells(said((struct files){ .ca = root.pem, .crl = crl_of(&root, -1) }, "a.example"),
		"T0623 this list of revoked certificates is out of date: a new one was due;");
	ck_assert_str_eq(said((struct files){ .ca = root.pem, .crl = joined(crl_of(&root, 1), crl_of(&middle, 1), STR("")) }, "a.example"), "");
}
END_TEST

START_TEST(a_response_is_about_the_certificate)
{
	/* "unauthorized", which has no more to it */
	tells(said((struct files){ .ocsp = (struct str){ "\x30\x03\x0a\x01\x06", 5 } }, "a.example"),
		"T0621 'ocsp' is no OCSP response (DER) about this certificate;");
	tells(said((struct files){ .ocsp = leaf.pem }, "a.example"), "T0621 'ocsp' is no OCSP response");
}
END_TEST

/* ---- files ---- */

START_TEST(only_regular_files_of_some_size_are_read)
{
	char folder[] = "/tmp/toron-pki-XXXXXX";
	struct str bytes, why;
	const char *path;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert(!file_read(&arena, folder, TORON_TLS_FILE_MOST, &bytes, &why));
	ck_assert(str_eq(why, STR("it is a directory")));
	path = arena_cstr(&arena, arena_printf(&arena, "%s/f", folder));
	ck_assert(!file_read(&arena, path, TORON_TLS_FILE_MOST, &bytes, &why));
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert(!file_read(&arena, path, TORON_TLS_FILE_MOST, &bytes, &why));
	tells(arena_cstr(&arena, why), "FIFO");
	unlink(path);
	ck_assert(file_write(&arena, path, STR("x"), 0600, &why));
	ck_assert(file_read(&arena, path, TORON_TLS_FILE_MOST, &bytes, &why));
	ck_assert_int_eq(truncate(path, TORON_TLS_FILE_MOST + 1), 0);
	ck_assert(!file_read(&arena, path, TORON_TLS_FILE_MOST, &bytes, &why));
	tells(arena_cstr(&arena, why), "larger than 1 MiB");
	unlink(path);
	rmdir(folder);
}
END_TEST

START_TEST(files_that_cannot_be_read_are_told)
{
	struct str missing = { "", SIZE_MAX };

	tells(said((struct files){ .cert = missing }, "a.example"), "T0620 cannot read 'cert': it is not there;");
	tells(said((struct files){ .key = missing }, "a.example"), "T0620 cannot read 'key'");
	tells(said((struct files){ .ca = missing, .backend_ca = missing }, "a.example"),
		"T0620 cannot read 'ca': it is not there;T0620 cannot read 'backend'");
}
END_TEST

Suite *suite_pki(void)
{
	Suite *s = suite_create("pki");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, good_files_are_passed_over_in_silence);
	tcase_add_test(t, the_order_of_a_chain_matters);
	tcase_add_test(t, an_authority_that_could_be_fetched_is_missed);
	tcase_add_test(t, what_is_no_utf_8_is_not_passed_on);
	tcase_add_test(t, chains_are_bounded);
	tcase_add_test(t, dates_are_told);
	tcase_add_test(t, what_is_weak_is_told);
	tcase_add_test(t, names_are_compared_with_the_hosts_of_routes);
	tcase_add_test(t, keys_belong_to_their_certificate);
	tcase_add_test(t, keys_come_in_several_forms);
	tcase_add_test(t, a_key_that_takes_long_to_open_is_refused);
	tcase_add_test(t, keys_are_bounded);
	tcase_add_test(t, pem_is_read_as_others_read_it);
	tcase_add_loop_test(t, what_is_no_certificate_is_told, 0, ARRAY_LEN(no_certificates));
	tcase_add_test(t, labels_say_what_a_block_is);
	tcase_add_test(t, a_nul_ends_nothing_unseen);
	tcase_add_test(t, lists_grow_old);
	tcase_add_test(t, a_response_is_about_the_certificate);
	tcase_add_test(t, only_regular_files_of_some_size_are_read);
	tcase_add_test(t, files_that_cannot_be_read_are_told);
	suite_add_tcase(s, t);
	return s;
}
