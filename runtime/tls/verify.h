/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What GnuTLS found wrong with a peer's certificate, in words and as an alert. Internal to tls/. */
#pragma once

#include <stdbool.h>
#include <time.h>

#include "tls/session.h"

/* Verifies the peer's chain for `purpose` (GNUTLS_KP_*), and for a name or an address where `name` is not NULL; from `crl_due` on (0: never)
 * none is good. False: refused. */
bool verify_peer(struct session *s, const char *purpose, const char *name, bool is_numeric, time_t crl_due);
