/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "cli/cli.h"

#include <string.h>

enum drive_status cli_check(struct cli *c)
{
	enum drive_status worst = DRIVE_OK;
	bool stdin_is_read = false;

	for (size_t i = 0; i < c->args.operands.n; i++) {
		const char *path = c->args.operands.at[i];
		bool is_stdin = strcmp(path, "-") == 0;
		struct drive_config config;
		enum drive_status status;

		if (is_stdin && stdin_is_read)
			return cli_usage_error(c, "standard input can be read once only");
		stdin_is_read = stdin_is_read || is_stdin;
		status = drive_config(&c->drive, path, cli_format_in(c), DRIVE_PLAN, &config);
		worst = status > worst ? status : worst;
	}
	return worst;
}
