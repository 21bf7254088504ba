/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "cli/cli.h"

#include <stdio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/str.h"
#include "drive/compile.h"
#include "drive/input.h"

#define JOBS_MAX 64u

static void print_trace(void *ctx, struct str text)
{
	(void)ctx;
	fprintf(stderr, "toronc: " STR_FMT "\n", STR_ARG(text));
}

static bool read_jobs(struct cli *c)
{
	const char *value = args_value(&c->args, OPTION_JOBS);
	uint64_t jobs = JOBS_MAX;
	long n;

	/* Asking reads a file below /sys, which only a build may. */
	if (c->args.command == COMMAND_BUILD && value == NULL && (n = sysconf(_SC_NPROCESSORS_ONLN)) < (long)jobs)
		jobs = n < 1 ? 1 : (uint64_t)n;
	if (value != NULL && (!str_to_u64(str_of(value), 10000, &jobs) || jobs == 0))
		return false;
	c->options.jobs = jobs > JOBS_MAX ? JOBS_MAX : (unsigned)jobs;
	return true;
}

static enum drive_status read_vars(struct cli *c)
{
	struct input_vars from = {
		.defines = c->args.values[OPTION_DEFINE].at, .n_defines = c->args.values[OPTION_DEFINE].n,
		.env_files = c->args.values[OPTION_ENV_FILE].at, .n_env_files = c->args.values[OPTION_ENV_FILE].n,
		.environment = c->args.given[OPTION_ALLOW_ENV] ? environ : NULL,
	};

	for (size_t i = 0; i < from.n_defines; i++) {
		if (!input_define_is_valid(from.defines[i]))
			return cli_usage_error(c, "-D takes NAME=value with an upper-case name, not '%s'", from.defines[i]);
	}
	return input_vars_read(&c->arena, &c->diags, &from, &c->options.vars) ? DRIVE_OK : DRIVE_USER_ERROR;
}

enum drive_status cli_prepare(struct cli *c)
{
	static const enum tree_format formats[] = { TREE_YAML, TREE_JSON, TREE_JSONC, TREE_TOML };
	static const enum emit_matcher matchers[] = { EMIT_MATCHER_AUTO, EMIT_MATCHER_RE2C, EMIT_MATCHER_TABLE };
	int format = args_choice(&c->args, OPTION_FORMAT_IN, -1);

	c->has_format_in = format >= 0;
	if (c->has_format_in)
		c->format_in = formats[format];
	c->diags.strict = c->args.given[OPTION_STRICT];
	c->diags.warnings_as_errors = c->args.given[OPTION_WARNINGS_AS_ERRORS];
	c->options.matcher = matchers[args_choice(&c->args, OPTION_MATCHER, 0)];
	c->options.is_dynamic = c->args.given[OPTION_DYNAMIC];
	c->options.with_files = c->args.given[OPTION_WITH_FILES];
	c->options.no_cache = c->args.given[OPTION_NO_CACHE];
	c->options.cache_dir = args_value(&c->args, OPTION_CACHE_DIR);
	c->options.limit_ms = COMPILE_LIMIT_MS;
	if (c->args.given[OPTION_VERBOSE])
		c->options.trace.line = print_trace;
	c->drive = (struct drive){ .arena = &c->arena, .diags = &c->diags, .options = &c->options };
	if (!read_jobs(c))
		return cli_usage_error(c, "-j takes a number from 1 on, not '%s'", args_value(&c->args, OPTION_JOBS));
	return read_vars(c);
}

const enum tree_format *cli_format_in(const struct cli *c)
{
	return c->has_format_in ? &c->format_in : NULL;
}
