/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/cli.h"
#include "drive/run.h"

/* The TLS library would open files whenever toronc runs; so it begins when certificates are looked at (pki/). */
GNUTLS_SKIP_GLOBAL_INIT

static enum drive_status run(struct cli *c, int argc, char **argv)
{
	static enum drive_status (*const commands[N_COMMANDS])(struct cli *c) = {
		[COMMAND_BUILD] = cli_build, [COMMAND_CHECK] = cli_check, [COMMAND_DUMP] = cli_dump,
		[COMMAND_EXPLAIN] = cli_explain, [COMMAND_DIFF] = cli_diff,
		[COMMAND_FMT] = cli_fmt,
		[COMMAND_CONVERT] = cli_convert, [COMMAND_INIT] = cli_init, [COMMAND_VALIDATE] = cli_validate, [COMMAND_FEATURES] = cli_features, [COMMAND_SCHEMA] = cli_schema,
		[COMMAND_HELP] = cli_help, [COMMAND_VERSION] = cli_version,
	};
	enum drive_status status;
	struct str error;

	if (argc < 2) {
		cli_help(c);
		return DRIVE_USER_ERROR;
	}
	if (!args_parse(&c->arena, argc, argv, &c->args, &error))
		return cli_usage_error(c, STR_FMT, STR_ARG(error));
	status = cli_prepare(c);
	if (status == DRIVE_OK)
		status = commands[c->args.command](c);
	/* A usage error has said what is wrong; a document for programs is not to say that all is well. */
	if (!c->is_misused && (option_rows[OPTION_COLOR].commands & 1u << c->args.command) != 0)
		cli_show(c);
	return status == DRIVE_OK && diag_failed(&c->diags) ? DRIVE_USER_ERROR : status;
}

/* A closed descriptor 0, 1 or 2 would be given to the next file that is opened. */
static void open_standard_files(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)!open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY);
	}
}

int main(int argc, char **argv)
{
	struct cli c = { 0 };
	enum drive_status status;

	open_standard_files();
	arena_init_unbounded(&c.arena);
	diag_init(&c.diags, &c.arena);
	status = run(&c, argc, argv);
	arena_fini(&c.arena);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "toronc: error: cannot write standard output: %s\n", strerror(errno));
		status = status == DRIVE_OK ? DRIVE_USER_ERROR : status;
	}
	if (status == DRIVE_INTERRUPTED) {
		/* Everything is cleaned up; whoever waits for us sees that a signal was the end. */
		signal(run_interrupted(), SIG_DFL);
		raise(run_interrupted());
	}
	return (int)status;
}
