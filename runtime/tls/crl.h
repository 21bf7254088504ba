/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Lists of revoked certificates, and until when they hold. Main thread only. */
#pragma once

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <time.h>

#include "base/secret.h"

/* When a new list is due, and whether that has been logged; all zeros: never. */
struct crl_due {
	time_t at;
	bool told;
};

/* Adds the lists of a PEM text (len 0: none) to those by which the other side is verified: 0, or GnuTLS's error. */
int crl_add(gnutls_certificate_credentials_t to, const struct secret *pem);
/* When the first of them is out of date; 0: never. */
time_t crl_until(const struct secret *pem);
/* Whether that time has come. */
bool crl_is_due(time_t at);
/* Logs once that the time has come. From then on, certificates of its issuer are refused. */
void crl_due_look(struct crl_due *d, const char *origin, const char *path);
