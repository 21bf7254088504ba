/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "cli/cli.h"

#include "base/str.h"
#include "tree/convert.h"

enum drive_status cli_convert(struct cli *c)
{
	static const enum tree_format formats[] = { TREE_YAML, TREE_JSON, TREE_TOML };
	const char *to = args_value(&c->args, OPTION_TO);
	enum drive_status status;
	struct sbuf out = { 0 };
	struct node *root;
	size_t choice = 0;

	if (to == NULL)
		return cli_usage_error(c, "to which format? Give --to yaml, json or toml");
	for (const char *const *name = (const char *const[]){ "yaml", "json", "toml", NULL }; *name != NULL && strcmp(*name, to) != 0; name++)
		choice++;
	status = drive_read(&c->drive, c->args.operands.at[0], cli_format_in(c), &root);
	if (status != DRIVE_OK)
		return status;
	if (!tree_convert(&c->diags, root, formats[choice], &out))
		status = DRIVE_USER_ERROR;
	else
		cli_print(sbuf_str(&out));
	sbuf_fini(&out);
	return status;
}
