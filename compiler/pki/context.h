/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the files of pki/ share. */
#pragma once

#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#include "base/arena.h"
#include "base/map.h"
#include "pki/pki.h"

/* A chain as it stands in its file, the leaf first. */
struct chain {
	const struct m_certificate *model;
	gnutls_x509_crt_t *at;  /* owned by the library until pki_check ends */
	unsigned n;             /* 0: it could not be read */
	bool is_unsorted;       /* the names of issuers say so */
};

struct pki {
	struct arena *arena;
	struct diags *diags;
	const struct model *model;
	const struct pki_source *source;
	struct chain *chains;   /* by certificate of the model */
	struct map by_name;     /* certificate to its chain */
};

/* Reads a file that `member` of n names; false: it was reported. */
bool pki_read(struct pki *p, const struct node *n, const char *member, struct span at, struct str path, struct str *bytes_out);
void pki_report(struct pki *p, const struct node *n, const char *member, struct span at, enum diag_id id, const char *format, ...)
	__attribute__((format(printf, 6, 7)));
/* What a certificate says, as a copy; bytes that are no UTF-8 become '?'. */
struct str pki_text(struct pki *p, const gnutls_datum_t *from);
/* "CN=a,O=b", or the names that the certificate is for. */
struct str pki_subject(struct pki *p, gnutls_x509_crt_t crt);

/* chain.c: a certificate with its key and OCSP response. */
void pki_check_certificate(struct pki *p, struct chain *c);
/* names.c: whether listeners' certificates do for their routes. */
void pki_check_listener(struct pki *p, const struct m_listener *l);
