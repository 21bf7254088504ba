/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "diag/render.h"
#include "drive/version.h"

void cli_print(struct str text)
{
	/* A write that fails shows in ferror, which main asks for. */
	if (text.len > 0)
		(void)!fwrite(text.ptr, 1, text.len, stdout);
}

enum drive_status cli_usage_error(struct cli *c, const char *format, ...)
{
	va_list args;

	c->is_misused = true;
	fputs("toronc: error: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\ntoronc: 'toronc help %s' tells more\n", command_rows[c->args.command].name);
	return DRIVE_USER_ERROR;
}

/* Colours by --color; otherwise on a terminal that has them, unless https://no-color.org/ asks for none. */
static bool has_colour(const struct cli *c)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	int when = args_choice(&c->args, OPTION_COLOR, 0);

	if (when != 0)
		return when == 1;
	if (no_color != NULL && no_color[0] != '\0')
		return false;
	return isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
}

void cli_show(struct cli *c)
{
	struct render_options options = { .format = RENDER_TEXT, .version = DRIVE_VERSION };
	struct sbuf out = { 0 };
	FILE *to = stderr;

	options.format = (enum render_format)args_choice(&c->args, OPTION_FORMAT, RENDER_TEXT);
	options.colour = has_colour(c);
	/* Forms for programs are the product of the run; what dump shows on standard output is not to be mixed with them. */
	if (options.format != RENDER_TEXT && c->args.command != COMMAND_DUMP && c->args.command != COMMAND_CONVERT)
		to = stdout;
	render_diags(&out, &c->diags, &options);
	if (out.len > 0)
		(void)!fwrite(out.ptr, 1, out.len, to);
	sbuf_fini(&out);
}
