/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "drive/options.h"

#include <stdarg.h>

#include "base/str.h"

void drive_tracef(const struct drive_trace *t, const char *format, ...)
{
	struct sbuf line = { 0 };
	va_list args;

	if (t->line == NULL)
		return;
	va_start(args, format);
	sbuf_vprintf(&line, format, args);
	va_end(args);
	t->line(t->ctx, sbuf_str(&line));
	sbuf_fini(&line);
}
