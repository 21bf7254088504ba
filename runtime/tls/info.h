/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a handshake with a client has told: kept with the connection, and with each exchange on it, which may outlive it. Counted;
 * belongs to one worker. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "toron/str.h"

struct tls_info {
	uint32_t refs;
	struct str version, cipher;  /* static */
	struct str sni;              /* owned, lower case; ptr NULL: none was sent */
	bool has_client;             /* the client showed a certificate, and it is good: */
	struct str subject, fingerprint, spiffe; /* ptr NULL: none */
	struct str san;              /* all of them, joined with ", " */
	struct str *sans;            /* owned; each with its kind before it */
	uint32_t n_sans;
	char *bytes;                 /* owned; what the texts point into */
};

/* One reference, everything empty; NULL: out of memory. */
struct tls_info *tls_info_new(void);
static inline struct tls_info *tls_info_ref(struct tls_info *i)
{
	if (i != NULL)
		i->refs++;
	return i;
}
/* Drops one reference and clears the pointer; NULL is fine. */
void tls_info_release(struct tls_info **i);
