/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "codec/back.h"

#include "base/err.h"
#include "net/conn.h"
#include "tls/engine.h"

int back_connect(struct conn *c, struct worker *w, const struct addr *to, struct tls_target *tls, const struct conn_user *user)
{
	int rc = conn_connect(c, w, to, user);

	if (rc != 0 || tls == NULL)
		return rc;
	rc = w->gateway->tls->target_secure(tls, c);
	if (rc != 0)
		conn_close(c);
	return rc;
}

enum fault back_connect_fault(int err)
{
	switch (err) {
	case ERR_TIMEOUT: return FAULT_CONNECT_TIMEOUT;
	case ERR_UNTRUSTED:
	case ERR_PROTOCOL: return FAULT_BACK_TLS;
	default: return FAULT_CONNECT;
	}
}
