/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "drive/certificates.h"

#include <time.h>

#include "base/str.h"
#include "drive/file.h"
#include "pki/pki.h"
#include "toron/tls.h"

static bool read_file(void *ctx, struct str path, struct str *bytes_out, struct str *why_out)
{
	struct drive *v = ctx;

	return file_read(v->arena, arena_cstr(v->arena, path), TORON_TLS_FILE_MOST, bytes_out, why_out);
}

void certificates_check(struct drive *v, const struct model *m)
{
	struct pki_source source = { .read = read_file, .ctx = v, .now = (int64_t)time(NULL) };

	pki_check(v->arena, v->diags, m, &source);
}
