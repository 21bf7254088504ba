/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "cli/cli.h"

#include "base/str.h"
#include "prove/reach.h"

static void put_files(struct sbuf *out, const struct emit_files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		const struct emit_file *f = &files->at[i];

		sbuf_printf(out, "%s==== " STR_FMT " ====\n", i == 0 ? "" : "\n", STR_ARG(f->name));
		/* Tables are bytes: nothing to look at. */
		if (f->kind == EMIT_DATA)
			sbuf_printf(out, "(%zu bytes)\n", f->text.len);
		else
			sbuf_add(out, f->text);
	}
}

enum drive_status cli_dump(struct cli *c)
{
	static const enum drive_stage stages[] = { DRIVE_TREE, DRIVE_MODEL, DRIVE_PLAN, DRIVE_PLAN, DRIVE_FILES };
	enum { WITNESSES = 3 };
	int choice = args_choice(&c->args, OPTION_STAGE, -1);
	bool has_origins = !c->args.given[OPTION_NO_ORIGINS];
	struct sbuf out = { 0 };
	struct drive_config config;
	enum drive_status status;

	if (choice < 0)
		return cli_usage_error(c, "which stage? Give --stage tree, model, plan, witnesses or c");
	if (stages[choice] != DRIVE_TREE && (c->args.given[OPTION_TO] || c->args.given[OPTION_TAGGED]))
		return cli_usage_error(c, "--to and --tagged go with --stage tree");
	if (c->args.given[OPTION_TO] && strcmp(args_value(&c->args, OPTION_TO), "json") != 0)
		return cli_usage_error(c, "dump writes a tree as json; 'toronc convert' writes yaml and toml");
	status = drive_config(&c->drive, c->args.operands.at[0], cli_format_in(c), stages[choice], &config);
	if (status != DRIVE_OK)
		return status;
	if (stages[choice] == DRIVE_TREE)
		tree_to_json(&out, config.root, c->args.given[OPTION_TAGGED]);
	else if (stages[choice] == DRIVE_MODEL)
		model_dump(&out, &c->diags, config.model, has_origins);
	else if (choice == WITNESSES)
		reach_dump(&out, &c->arena, config.plan);
	else if (stages[choice] == DRIVE_PLAN)
		plan_dump(&out, config.plan, has_origins);
	else
		put_files(&out, &config.files);
	if (out.len > 0 && out.ptr[out.len - 1] != '\n')
		sbuf_addc(&out, '\n');
	cli_print(sbuf_str(&out));
	sbuf_fini(&out);
	return DRIVE_OK;
}
