/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Who a client is, as its certificate says. Internal to tls/. */
#pragma once

#include <gnutls/gnutls.h>
#include <stdbool.h>

#include "tls/info.h"

/* Fills in has_client, subject, fingerprint and alternative names from the certificate that the peer showed, if any. False: out of
 * memory, or a certificate beyond understanding. */
bool identity_read(gnutls_session_t from, struct tls_info *into);
