/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "pki/pki.h"

#include <gnutls/gnutls.h>
#include <stdarg.h>

#include "base/str.h"
#include "pki/context.h"

void pki_report(struct pki *p, const struct node *n, const char *member, struct span at, enum diag_id id, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	diag_vreport(p->diags, id, at, format, args);
	va_end(args);
	diag_where(p->diags, arena_printf(p->arena, STR_FMT ".%s", STR_ARG(node_path(p->arena, n)), member));
}

bool pki_read(struct pki *p, const struct node *n, const char *member, struct span at, struct str path, struct str *bytes_out)
{
	struct str why;

	if (p->source->read(p->source->ctx, path, bytes_out, &why))
		return true;
	pki_report(p, n, member, at, DIAG_PKI_UNREADABLE, "cannot read '" STR_FMT "': " STR_FMT, STR_ARG(path), STR_ARG(why));
	return false;
}

struct str pki_text(struct pki *p, const gnutls_datum_t *from)
{
	struct str text = arena_str(p->arena, (struct str){ (const char *)from->data, from->size });
	char *bytes = (char *)(uintptr_t)text.ptr;

	for (size_t at = 0; (at += str_utf8_valid(str_slice(text, at, text.len))) < text.len;)
		bytes[at] = '?';
	return text;
}

struct str pki_subject(struct pki *p, gnutls_x509_crt_t crt)
{
	gnutls_datum_t dn = { NULL, 0 };
	struct str text = STR("a certificate without a subject");

	if (gnutls_x509_crt_get_dn3(crt, &dn, 0) == 0 && dn.size > 0)
		text = pki_text(p, &dn);
	gnutls_free(dn.data);
	return text;
}

/* ---- authorities and lists of revoked certificates ---- */

static void check_authorities(struct pki *p, const struct node *n, const char *member, const struct m_file_name *file)
{
	gnutls_x509_crt_t *list = NULL;
	unsigned count = 0;
	struct str bytes;
	gnutls_datum_t data;
	int rc;

	if (file->path.ptr == NULL || !pki_read(p, n, member, file->text.at, file->path, &bytes))
		return;
	data = (gnutls_datum_t){ (unsigned char *)(uintptr_t)bytes.ptr, (unsigned)bytes.len };
	rc = gnutls_x509_crt_list_import2(&list, &count, &data, GNUTLS_X509_FMT_PEM, 0);
	if (rc < 0) {
		pki_report(p, n, member, file->text.at, DIAG_PKI_BROKEN, "'" STR_FMT "' has no certificates in PEM: %s",
			STR_ARG(file->path), gnutls_strerror(rc));
		return;
	}
	for (unsigned i = 0; i < count; i++)
		gnutls_x509_crt_deinit(list[i]);
	gnutls_free(list);
}

static void check_crl(struct pki *p, const struct node *n, const char *member, const struct m_file_name *file)
{
	gnutls_x509_crl_t *list = NULL;
	unsigned count = 0;
	struct str bytes;
	gnutls_datum_t data;
	int rc;

	if (file->path.ptr == NULL || !pki_read(p, n, member, file->text.at, file->path, &bytes))
		return;
	data = (gnutls_datum_t){ (unsigned char *)(uintptr_t)bytes.ptr, (unsigned)bytes.len };
	rc = gnutls_x509_crl_list_import2(&list, &count, &data, GNUTLS_X509_FMT_PEM, 0);
	if (rc < 0) {
		pki_report(p, n, member, file->text.at, DIAG_PKI_BROKEN,
			"'" STR_FMT "' has no list of revoked certificates in PEM: %s", STR_ARG(file->path), gnutls_strerror(rc));
		return;
	}
	for (unsigned i = 0; i < count; i++) {
		time_t next = gnutls_x509_crl_get_next_update(list[i]);

		if (next != (time_t)-1 && next < p->source->now)
			pki_report(p, n, member, file->text.at, DIAG_PKI_EXPIRED,
				"this list of revoked certificates is out of date: a new one was due");
		gnutls_x509_crl_deinit(list[i]);
	}
	gnutls_free(list);
}

/* ---- all ---- */

static void check_all(struct pki *p)
{
	const struct model *m = p->model;

	for (size_t i = 0; i < m->n_certificates; i++) {
		struct chain *c = &p->chains[i];

		c->model = &m->certificates[i];
		if (!c->model->poisoned)
			pki_check_certificate(p, c);
		map_add(&p->by_name, c->model->name.value, c);
	}
	for (size_t i = 0; i < m->n_listeners; i++) {
		const struct m_listener *l = &m->listeners[i];

		if (l->poisoned || l->protocol != M_HTTPS)
			continue;
		check_authorities(p, l->node, "tls.client_auth.ca", &l->tls.client_ca);
		check_crl(p, l->node, "tls.client_auth.crl", &l->tls.client_crl);
		pki_check_listener(p, l);
	}
	for (size_t i = 0; i < m->n_backends; i++) {
		const struct m_backend *b = &m->backends[i];

		if (b->poisoned)
			continue;
		check_authorities(p, b->node, "tls.ca", &b->tls.ca);
		check_crl(p, b->node, "tls.crl", &b->tls.crl);
	}
}

void pki_check(struct arena *a, struct diags *d, const struct model *m, const struct pki_source *source)
{
	struct pki p = {
		.arena = a, .diags = d, .model = m, .source = source,
		.chains = ARENA_ARRAY(a, struct chain, m->n_certificates),
	};

	if (gnutls_global_init() < 0)
		return;
	map_init(&p.by_name, a);
	check_all(&p);
	for (size_t i = 0; i < m->n_certificates; i++) {
		for (unsigned k = 0; k < p.chains[i].n; k++)
			gnutls_x509_crt_deinit(p.chains[i].at[k]);
		gnutls_free(p.chains[i].at);
	}
	gnutls_global_deinit();
}
