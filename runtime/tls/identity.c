/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tls/identity.h"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define NAMES_MOST 64u
#define NAMES_SEEN_MOST 256u    /* of all kinds; GnuTLS reads all of them again for each one */
#define NAME_MOST 1024u
#define TEXT_MOST 16384u        /* of all that is kept */
#define FINGERPRINT_LEN 32u

static const char hex[] = "0123456789abcdef";

/* Texts one behind the other; their places are known only when the last one is there. */
struct notes {
	char *bytes;
	size_t len;
	size_t san_at[NAMES_MOST + 1]; /* where each begins; the last: where they end */
	uint32_t n_sans;
};

static bool note(struct notes *n, const void *text, size_t len)
{
	if (len > TEXT_MOST - n->len)
		return false;
	memcpy(n->bytes + n->len, text, len);
	n->len += len;
	return true;
}

/* A distinguished name is text, as far as its issuer kept to that; other bytes and control characters become pairs of hex digits
 * (RFC 4514, section 2.4). */
static bool note_subject(struct notes *n, struct str dn)
{
	size_t text_end = 0;

	for (size_t i = 0; i < dn.len; i++) {
		unsigned char c = (unsigned char)dn.ptr[i];
		char pair[3] = { '\\', hex[c >> 4], hex[c & 15] };
		bool is_text;

		if (i >= text_end)
			text_end = i + str_utf8_valid(str_slice(dn, i, dn.len));
		is_text = i < text_end && c >= ' ' && c != 0x7f;
		if (!note(n, is_text ? &dn.ptr[i] : pair, is_text ? 1 : sizeof(pair)))
			return false;
	}
	return true;
}

/* What is not plain ASCII in a name means nothing good, least of all to who compares names. */
static bool is_plain(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] > '~')
			return false;
	return len != 0;
}

static bool note_name(struct notes *n, int type, const char *name, size_t len)
{
	char address[INET6_ADDRSTRLEN];
	struct str kind;

	switch (type) {
	case GNUTLS_SAN_DNSNAME: kind = STR("DNS:"); break;
	case GNUTLS_SAN_URI: kind = STR("URI:"); break;
	case GNUTLS_SAN_RFC822NAME: kind = STR("email:"); break;
	case GNUTLS_SAN_IPADDRESS:
		kind = STR("IP:");
		if ((len != 4 && len != 16) || inet_ntop(len == 4 ? AF_INET : AF_INET6, name, address, sizeof(address)) == NULL)
			return true;
		name = address;
		len = strlen(address);
		break;
	default: return true;
	}
	if (!is_plain(name, len))
		return true;
	n->san_at[n->n_sans] = n->len;
	if (!note(n, kind.ptr, kind.len) || !note(n, name, len) || !note(n, ", ", 2))
		return false;
	n->san_at[++n->n_sans] = n->len;
	return true;
}

static bool note_names(struct notes *n, gnutls_x509_crt_t crt)
{
	char name[NAME_MOST];

	/* In an extension that is broken there is no last one. */
	for (unsigned i = 0; i < NAMES_SEEN_MOST && n->n_sans < NAMES_MOST; i++) {
		size_t len = sizeof(name);
		int rc = gnutls_x509_crt_get_subject_alt_name(crt, i, name, &len, NULL);

		if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		/* One that is too long, or of a kind that we do not know, is passed over. */
		if (rc >= 0 && !note_name(n, rc, name, len))
			return false;
	}
	return true;
}

static bool note_fingerprint(struct notes *n, const gnutls_datum_t *der)
{
	unsigned char digest[FINGERPRINT_LEN];

	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, der->data, der->size, digest) != 0)
		return false;
	for (size_t i = 0; i < FINGERPRINT_LEN; i++) {
		char two[2] = { hex[digest[i] >> 4], hex[digest[i] & 15] };

		if (!note(n, two, 2))
			return false;
	}
	return true;
}

/* A SPIFFE certificate has exactly one URI, and that is its identity (the X.509-SVID standard, section 2). */
static struct str spiffe_of(const struct tls_info *i)
{
	struct str found = STR_NONE;
	unsigned n = 0;

	for (uint32_t k = 0; k < i->n_sans; k++) {
		if (!str_starts(i->sans[k], STR("URI:")))
			continue;
		found = str_slice(i->sans[k], 4, i->sans[k].len);
		n++;
	}
	return n == 1 && str_starts(found, STR("spiffe://")) ? found : STR_NONE;
}

static bool keep(struct notes *n, struct tls_info *into, size_t subject_len, size_t fingerprint_at)
{
	char *exact = realloc(n->bytes, n->len + 1);
	const char *bytes = exact != NULL ? exact : n->bytes;

	into->bytes = (char *)(uintptr_t)bytes;
	n->bytes = NULL;
	into->sans = calloc(n->n_sans + 1u, sizeof(*into->sans));
	if (into->sans == NULL)
		return false;
	into->subject = (struct str){ bytes, subject_len };
	into->fingerprint = (struct str){ bytes + fingerprint_at, (size_t)2 * FINGERPRINT_LEN };
	for (uint32_t i = 0; i < n->n_sans; i++)
		into->sans[i] = (struct str){ bytes + n->san_at[i], n->san_at[i + 1] - n->san_at[i] - 2 };
	into->n_sans = n->n_sans;
	if (n->n_sans != 0)
		into->san = (struct str){ bytes + n->san_at[0], n->san_at[n->n_sans] - n->san_at[0] - 2 };
	into->spiffe = spiffe_of(into);
	into->has_client = true;
	return true;
}

static bool read_into(gnutls_x509_crt_t crt, const gnutls_datum_t *der, struct notes *n, struct tls_info *into)
{
	gnutls_datum_t subject = { NULL, 0 };
	size_t subject_len, fingerprint_at;
	bool ok;

	if (gnutls_x509_crt_import(crt, der, GNUTLS_X509_FMT_DER) != 0)
		return false;
	/* An empty subject is not an error: newer certificates have only alternative names. */
	if (gnutls_x509_crt_get_dn3(crt, &subject, 0) != 0)
		subject.size = 0;
	ok = note_subject(n, (struct str){ (const char *)subject.data, subject.size });
	gnutls_free(subject.data);
	subject_len = fingerprint_at = n->len;
	return ok && note_fingerprint(n, der) && note_names(n, crt) && keep(n, into, subject_len, fingerprint_at);
}

bool identity_read(gnutls_session_t from, struct tls_info *into)
{
	struct notes n = { 0 };
	gnutls_x509_crt_t crt;
	unsigned count;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(from, &count);
	bool ok;

	if (chain == NULL || count == 0)
		return true;
	n.bytes = malloc(TEXT_MOST);
	if (n.bytes == NULL || gnutls_x509_crt_init(&crt) != 0) {
		free(n.bytes);
		return false;
	}
	ok = read_into(crt, &chain[0], &n, into);
	gnutls_x509_crt_deinit(crt);
	free(n.bytes);
	return ok;
}
