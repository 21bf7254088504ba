/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the subcommands share: one run of toronc. Only the files of this folder print and decide the exit status. */
#pragma once

#include "cli/args.h"
#include "drive/drive.h"

struct cli {
	struct arena arena;
	struct diags diags;
	struct args args;
	struct drive_options options;
	struct drive drive;
	enum tree_format format_in;
	bool has_format_in;
	bool is_misused;       /* cli_usage_error was called */
};

/* One function a subcommand, in a file of that name. The diagnostics are shown by main, afterwards. */
enum drive_status cli_build(struct cli *c);
enum drive_status cli_check(struct cli *c);
enum drive_status cli_explain(struct cli *c);
enum drive_status cli_diff(struct cli *c);
enum drive_status cli_dump(struct cli *c);
enum drive_status cli_fmt(struct cli *c);
enum drive_status cli_convert(struct cli *c);
enum drive_status cli_init(struct cli *c);
enum drive_status cli_validate(struct cli *c);
enum drive_status cli_features(struct cli *c);
enum drive_status cli_schema(struct cli *c);
enum drive_status cli_help(struct cli *c);
enum drive_status cli_version(struct cli *c);

/* `help config PATH`; path NULL: the whole configuration. */
enum drive_status cli_help_config(struct cli *c, const char *path);

/* Sets c->options from the arguments, and reads the variables. */
enum drive_status cli_prepare(struct cli *c);
/* The format given by --format-in, or NULL. */
const enum tree_format *cli_format_in(const struct cli *c);

/* "toronc: error: ..." on standard error, and where help is. Returns DRIVE_USER_ERROR. */
enum drive_status cli_usage_error(struct cli *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes text to standard output. */
void cli_print(struct str text);
/* Shows the collected diagnostics in the form that was asked for. */
void cli_show(struct cli *c);
/* The embedded schemas as documents, "gateway.json" first. */
struct schema_document {
	struct str name;
	struct node *root;
};
struct schema_document *cli_schema_documents(struct cli *c, size_t *n_out);
