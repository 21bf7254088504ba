/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "drive/file.h"
#include "drive/input.h"
#include "tree/format.h"

/* Puts the text in place of the file, with its mode. A link stays one: what it leads to is replaced. */
static enum drive_status replace(struct cli *c, const char *path, struct str text)
{
	struct stat st;
	struct str why;
	char *real = realpath(path, NULL);
	bool ok = real != NULL && stat(real, &st) == 0;

	if (!ok)
		why = file_errno(&c->arena, errno);
	else
		ok = file_write(&c->arena, real, text, st.st_mode & 07777, &why);
	free(real);
	if (ok)
		return DRIVE_OK;
	diag_report(&c->diags, DIAG_WRITE_FAILED, SPAN_NONE, "cannot write '%s': " STR_FMT, path, STR_ARG(why));
	return DRIVE_USER_ERROR;
}

/* The first line that formatting would change. */
static struct span first_difference(const struct diags *d, uint32_t source, struct str formatted)
{
	const struct source *s = &d->sources[source];
	size_t at = 0;

	while (at < s->text.len && at < formatted.len && s->text.ptr[at] == formatted.ptr[at])
		at++;
	return (struct span){ source, (uint32_t)at, (uint32_t)(at < s->text.len ? at + 1 : at) };
}

static enum drive_status format_one(struct cli *c, const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0;
	enum tree_format format = c->format_in;
	enum drive_status status = DRIVE_OK;
	struct sbuf out = { 0 };
	uint32_t source;

	if (!c->has_format_in && !input_format(&c->diags, path, SPAN_NONE, &format))
		return DRIVE_USER_ERROR;
	source = input_read(&c->arena, &c->diags, path, SPAN_NONE);
	if (source == 0 || !tree_format_text(&c->arena, &c->diags, source, format, &out)) {
		sbuf_fini(&out);
		return DRIVE_USER_ERROR;
	}
	if (c->args.given[OPTION_CHECK] && !str_eq(c->diags.sources[source].text, sbuf_str(&out))) {
		diag_report(&c->diags, DIAG_NOT_CANONICAL, first_difference(&c->diags, source, sbuf_str(&out)),
			"the file is not in canonical format from here on");
		diag_note(&c->diags, SPAN_NONE, "'toronc fmt %s' brings it into it", path);
		status = DRIVE_USER_ERROR;
	} else if (!c->args.given[OPTION_CHECK] && is_stdin) {
		cli_print(sbuf_str(&out));
	} else if (!c->args.given[OPTION_CHECK] && !str_eq(c->diags.sources[source].text, sbuf_str(&out))) {
		status = replace(c, path, sbuf_str(&out));
	}
	sbuf_fini(&out);
	return status;
}

enum drive_status cli_fmt(struct cli *c)
{
	enum drive_status worst = DRIVE_OK;
	bool stdin_is_read = false;

	for (size_t i = 0; i < c->args.operands.n; i++) {
		bool is_stdin = strcmp(c->args.operands.at[i], "-") == 0;
		enum drive_status status;

		if (is_stdin && stdin_is_read)
			return cli_usage_error(c, "standard input can be read once only");
		stdin_is_read = stdin_is_read || is_stdin;
		c->diags.n_errors = 0;
		status = format_one(c, c->args.operands.at[i]);
		worst = status > worst ? status : worst;
	}
	return worst;
}
