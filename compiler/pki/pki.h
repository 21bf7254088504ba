/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* model + files -> diagnostics: what is wrong with the certificates, keys and lists that the config names. Only on demand
 * (--with-files), since it looks at files and at the clock; everything else about TLS is checked without.
 *
 * Reads no file itself: the driver hands in how. Reports at the key of the config that names the file. */
#pragma once

#include "model/model.h"

struct pki_source {
	/* The whole file; false: *why_out says why, without a full stop. */
	bool (*read)(void *ctx, struct str path, struct str *bytes_out, struct str *why_out);
	void *ctx;
	int64_t now; /* seconds since 1970 */
};

void pki_check(struct arena *a, struct diags *d, const struct model *m, const struct pki_source *source);
