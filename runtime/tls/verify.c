/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tls/verify.h"

#include <arpa/inet.h>
#include <gnutls/x509.h>
#include <string.h>

#include "base/check.h"
#include "base/err.h"
#include "tls/crl.h"

static const struct {
	unsigned status;
	gnutls_alert_description_t alert;
	const char *text;
} reasons[] = {
	{ GNUTLS_CERT_REVOKED, GNUTLS_A_CERTIFICATE_REVOKED, "it is revoked" },
	{ GNUTLS_CERT_EXPIRED, GNUTLS_A_CERTIFICATE_EXPIRED, "it has expired" },
	{ GNUTLS_CERT_NOT_ACTIVATED, GNUTLS_A_CERTIFICATE_EXPIRED, "it is not valid yet" },
	{ GNUTLS_CERT_SIGNER_NOT_FOUND, GNUTLS_A_UNKNOWN_CA, "its issuer is not trusted, or a certificate in between is missing" },
	{ GNUTLS_CERT_SIGNER_NOT_CA, GNUTLS_A_UNKNOWN_CA, "its issuer is no certificate authority" },
	{ GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE, GNUTLS_A_BAD_CERTIFICATE, "its issuer may not issue it" },
	{ GNUTLS_CERT_PURPOSE_MISMATCH, GNUTLS_A_UNSUPPORTED_CERTIFICATE, "it is not for this purpose" },
	{ GNUTLS_CERT_UNEXPECTED_OWNER, GNUTLS_A_BAD_CERTIFICATE, "it is not for this name" },
	{ GNUTLS_CERT_INSECURE_ALGORITHM, GNUTLS_A_BAD_CERTIFICATE, "it uses a weak algorithm" },
	{ GNUTLS_CERT_SIGNATURE_FAILURE, GNUTLS_A_BAD_CERTIFICATE, "a signature is wrong" },
	{ GNUTLS_CERT_REVOCATION_DATA_SUPERSEDED, GNUTLS_A_BAD_CERTIFICATE, "its stapled OCSP response is out of date" },
	{ GNUTLS_CERT_REVOCATION_DATA_ISSUED_IN_FUTURE, GNUTLS_A_BAD_CERTIFICATE, "its stapled OCSP response is not valid yet" },
	{ GNUTLS_CERT_INVALID_OCSP_STATUS, GNUTLS_A_BAD_CERTIFICATE, "its stapled OCSP response is invalid" },
	{ GNUTLS_CERT_MISSING_OCSP_STATUS, GNUTLS_A_BAD_CERTIFICATE, "it must have an OCSP response with it, and has none" },
};

static bool refuse(struct session *s, unsigned status)
{
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		if ((status & reasons[i].status) != 0) {
			session_refuse(s, reasons[i].alert, ERR_UNTRUSTED, "the certificate is refused: %s", reasons[i].text);
			return false;
		}
	}
	session_refuse(s, GNUTLS_A_BAD_CERTIFICATE, ERR_UNTRUSTED, "the certificate is refused");
	return false;
}

bool verify_peer(struct session *s, const char *purpose, const char *name, bool is_numeric, time_t crl_due)
{
	gnutls_typed_vdata_st data[2] = { { .type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)(uintptr_t)purpose } };
	unsigned n = 1, status = 0;
	unsigned char address[16];
	int rc;

	if (name != NULL && is_numeric) {
		bool is_v6 = strchr(name, ':') != NULL;

		if (inet_pton(is_v6 ? AF_INET6 : AF_INET, name, address) != 1)
			return refuse(s, GNUTLS_CERT_UNEXPECTED_OWNER);
		data[n++] = (gnutls_typed_vdata_st){ .type = GNUTLS_DT_IP_ADDRESS, .data = address, .size = is_v6 ? 16 : 4 };
	} else if (name != NULL) {
		data[n++] = (gnutls_typed_vdata_st){ .type = GNUTLS_DT_DNS_HOSTNAME, .data = (unsigned char *)(uintptr_t)name };
	}
	rc = gnutls_certificate_verify_peers(s->gnutls, data, n, &status);
	if (rc == GNUTLS_E_NO_CERTIFICATE_FOUND) {
		session_refuse(s,
			gnutls_protocol_get_version(s->gnutls) == GNUTLS_TLS1_3 ? GNUTLS_A_CERTIFICATE_REQUIRED : GNUTLS_A_HANDSHAKE_FAILURE,
			ERR_UNTRUSTED, "no certificate was shown");
		return false;
	}
	if (rc < 0) {
		session_refuse(s, GNUTLS_A_BAD_CERTIFICATE, ERR_UNTRUSTED, "the certificate is refused: %s",
			rc == GNUTLS_E_CONSTRAINT_ERROR ? "its chain is too long" : gnutls_strerror(rc));
		return false;
	}
	if (status != 0)
		return refuse(s, status);
	/* GnuTLS takes a list however old it is; whoever has been revoked since would come in. */
	if (crl_is_due(crl_due)) {
		session_refuse(s, GNUTLS_A_BAD_CERTIFICATE, ERR_UNTRUSTED, "the certificate is refused: the revocation list is out of date");
		return false;
	}
	return true;
}
