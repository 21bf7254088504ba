/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a listener offers to clients at one time: certificates by name, whom it trusts, the key of its tickets. Immutable once made and
 * counted from any thread, so that new connections get a new one while old ones keep theirs. */
#pragma once

#include <gnutls/gnutls.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "base/secret.h"
#include "toron/str.h"
#include "toron/tls.h"
#include "tls/pair.h"

#define OFFER_TICKET_KEY 64u /* bytes, from which GnuTLS derives keys that change with time */

struct offer_name {
	char *name;          /* owned */
	uint32_t set;
};

struct offer {
	atomic_uint refs;
	gnutls_certificate_credentials_t *sets; /* certificates that stand for the same names; [0] is the default */
	uint32_t n_sets;
	struct offer_name *names; /* sorted */
	uint32_t n_names;
	unsigned char ticket_key[OFFER_TICKET_KEY];
	time_t crl_due;           /* when the list of revoked certificates is out of date; 0: never */
};

/* `pairs` by the index of the config's certificates; ca and crl are PEM texts, len 0: none. NULL, and `why` says what is wrong. */
struct offer *offer_new(const struct toron_tls *conf, struct pair *const *pairs, const struct secret *ca, const struct secret *crl,
	const unsigned char ticket_key[OFFER_TICKET_KEY], char why[SECRET_WHY_MAX]);
struct offer *offer_ref(struct offer *o);
void offer_release(struct offer **o);
/* The credentials for a name in lower case (len 0: none was sent): exactly that name, else a wildcard for its first label, else the
 * default. */
gnutls_certificate_credentials_t offer_choose(const struct offer *o, struct str name);
