/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tls/info.h"

#include <stdlib.h>

#include "base/check.h"

struct tls_info *tls_info_new(void)
{
	struct tls_info *i = calloc(1, sizeof(*i));

	if (i != NULL)
		i->refs = 1;
	return i;
}

void tls_info_release(struct tls_info **info)
{
	struct tls_info *i = *info;

	*info = NULL;
	if (i == NULL)
		return;
	CHECK(i->refs > 0);
	if (--i->refs > 0)
		return;
	free((char *)(uintptr_t)i->sni.ptr);
	free(i->sans);
	free(i->bytes);
	free(i);
}
