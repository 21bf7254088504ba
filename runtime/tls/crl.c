/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tls/crl.h"

#include <gnutls/x509.h>

#include "base/log.h"

static gnutls_datum_t datum(const struct secret *pem)
{
	return (gnutls_datum_t){ (unsigned char *)pem->ptr, (unsigned)pem->len };
}

int crl_add(gnutls_certificate_credentials_t to, const struct secret *pem)
{
	gnutls_datum_t data = datum(pem);
	int rc;

	if (pem->len == 0)
		return 0;
	rc = gnutls_certificate_set_x509_crl_mem(to, &data, GNUTLS_X509_FMT_PEM);
	if (rc == 0)
		return GNUTLS_E_NO_CERTIFICATE_FOUND;
	return rc < 0 ? rc : 0;
}

time_t crl_until(const struct secret *pem)
{
	gnutls_x509_crl_t *list = NULL;
	gnutls_datum_t data = datum(pem);
	unsigned n = 0;
	time_t first = 0;

	if (pem->len == 0 || gnutls_x509_crl_list_import2(&list, &n, &data, GNUTLS_X509_FMT_PEM, 0) < 0)
		return 0;
	for (unsigned i = 0; i < n; i++) {
		time_t next = gnutls_x509_crl_get_next_update(list[i]);

		if (next != (time_t)-1 && (first == 0 || next < first))
			first = next;
		gnutls_x509_crl_deinit(list[i]);
	}
	gnutls_free(list);
	return first;
}

bool crl_is_due(time_t at)
{
	return at != 0 && time(NULL) >= at;
}

void crl_due_look(struct crl_due *d, const char *origin, const char *path)
{
	if (d->told || !crl_is_due(d->at))
		return;
	d->told = true;
	log_event(LOG_ERROR, "crl-expired", "%s: %s: the revocation list is out of date; certificates of its issuer are refused until there is a new one",
		origin, path);
}
