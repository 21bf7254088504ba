/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "cli/cli.h"

#include <stdio.h>

#include "base/str.h"

static void put_options(unsigned commands)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		const struct option_row *row = &option_rows[i];
		char left[64];

		if ((row->commands & commands) == 0)
			continue;
		snprintf(left, sizeof(left), "%c%c%c --%s%s%s", row->letter == 0 ? ' ' : '-', row->letter == 0 ? ' ' : row->letter,
			row->letter == 0 ? ' ' : ',', row->name, row->argument == NULL ? "" : " ",
			row->choices != NULL ? row->choices : row->argument == NULL ? "" : row->argument);
		if (strlen(left) < 30)
			printf("  %-30s %s\n", left, row->help);
		else
			printf("  %s\n  %30s %s\n", left, "", row->help);
	}
}

static void put_command(enum command command)
{
	const struct command_row *row = &command_rows[command];

	printf("usage: %s\n\n%c%s.\n", row->usage, row->title[0] - 'a' + 'A', row->title + 1);
	if (row->help[0] != '\0')
		printf("%s\n", row->help);
	printf("\noptions:\n");
	put_options(1u << command);
}

static void put_overview(void)
{
	printf("toronc compiles a gateway configuration into one static binary.\n\n"
	       "usage: toronc CONFIG -o OUT\n       toronc COMMAND [OPTION]... [FILE]...\n\ncommands:\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		printf("  %-10s %s\n", command_rows[i].name, command_rows[i].title);
	printf("\noptions of 'toronc CONFIG -o OUT' ('toronc help COMMAND' lists those of others):\n");
	put_options(1u << COMMAND_BUILD);
	printf("\nexit status: 0 all is well, 1 the input is wrong, 2 toron or the toolchain is wrong\n");
}

/* The codes are near each other, so only a change of letters and length is worth a hint. */
static enum drive_status unknown_topic(struct cli *c, const char *topic)
{
	struct str names[N_COMMANDS], nearest;

	for (size_t i = 0; i < N_COMMANDS; i++)
		names[i] = str_of(command_rows[i].name);
	nearest = diag_nearest(str_of(topic), names, N_COMMANDS);
	if (nearest.ptr != NULL)
		return cli_usage_error(c, "there is no help on '%s', did you mean '" STR_FMT "'?", topic, STR_ARG(nearest));
	return cli_usage_error(c, "there is no help on '%s': it is neither a command, nor the code of a diagnostic, nor 'config'", topic);
}

enum drive_status cli_help(struct cli *c)
{
	const char *topic = c->args.operands.n == 0 ? NULL : c->args.operands.at[0];
	const struct diag_kind *kind;

	if (topic != NULL && strcmp(topic, "config") == 0)
		return cli_help_config(c, c->args.operands.n > 1 ? c->args.operands.at[1] : NULL);
	if (c->args.operands.n > 1)
		return cli_usage_error(c, "'%s' is one too many: only 'help config' takes a path", c->args.operands.at[1]);
	if (c->args.given[OPTION_KEYS])
		return cli_usage_error(c, "--keys goes with 'help config'");
	if (topic == NULL) {
		put_overview();
		return DRIVE_OK;
	}
	if (args_command_of(topic) < N_COMMANDS) {
		put_command(args_command_of(topic));
		return DRIVE_OK;
	}
	kind = diag_kind_by_code(str_of(topic));
	if (kind == NULL)
		return unknown_topic(c, topic);
	printf("%s (%s): %s\n\n%s\n", kind->code, diag_severity_name(kind->severity), kind->title, kind->help);
	return DRIVE_OK;
}
