/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "cli/cli.h"

#include <sys/stat.h>

#include "drive/compile.h"
#include "drive/run.h"

/* Whether the gateway would replace the configuration that it is made of. */
static bool is_same_file(const char *one, const char *two)
{
	struct stat a, b;

	return stat(one, &a) == 0 && stat(two, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

enum drive_status cli_build(struct cli *c)
{
	const char *out = args_value(&c->args, OPTION_OUTPUT), *folder = args_value(&c->args, OPTION_EMIT_ONLY);
	const char *path = c->args.operands.at[0];
	struct drive_config config;
	enum drive_status status;

	if (out != NULL && folder != NULL)
		return cli_usage_error(c, "-o and --emit-only exclude each other");
	if (out == NULL && folder == NULL)
		return cli_usage_error(c, "where to? Give -o FILE for the gateway, or use 'toronc check %s'", path);
	if ((out != NULL && out[0] == '\0') || (folder != NULL && folder[0] == '\0'))
		return cli_usage_error(c, "the name of the output is empty");
	if (out != NULL && is_same_file(path, out))
		return cli_usage_error(c, "'%s' is the configuration itself: the gateway would replace it", out);
	status = drive_config(&c->drive, path, cli_format_in(c), DRIVE_FILES, &config);
	if (status != DRIVE_OK)
		return status;
	for (size_t i = 1; i < c->diags.n_sources && out != NULL; i++) {
		if (is_same_file(arena_cstr(&c->arena, c->diags.sources[i].name), out))
			return cli_usage_error(c, "'%s' is a part of the configuration: the gateway would replace it", out);
	}
	if (folder != NULL)
		return compile_write_files(&c->arena, &c->diags, &config.files, folder);
	run_catch();
	status = drive_gateway(&c->drive, &config, out);
	run_release();
	return status;
}
