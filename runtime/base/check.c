/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *file, int line, const char *expression)
{
	fprintf(stderr, "%s:%d: internal error: check failed: %s\n", file, line, expression);
	fflush(stderr);
	abort();
}

_Noreturn void check_out_of_memory(void)
{
	fputs("fatal: out of memory\n", stderr);
	exit(2);
}
