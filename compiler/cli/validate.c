/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "cli/cli.h"

#include "base/map.h"
#include "base/str.h"
#include "drive/input.h"

/* The schemas that --ref names, read when they are referred to. */
struct library {
	struct cli *cli;
	struct map documents;
};

/* The file behind a URI, by the longest prefix that a --ref gives; NULL if there is none. */
static const char *file_of(const struct library *l, struct str uri)
{
	const struct words *refs = &l->cli->args.values[OPTION_REF];
	struct str path = STR_NONE, rest = STR_NONE;
	size_t longest = 0;

	for (size_t i = 0; i < refs->n; i++) {
		struct str ref = str_of(refs->at[i]), prefix = str_slice(ref, 0, str_find_char(ref, '='));

		if (prefix.len < longest || !str_starts(uri, prefix))
			continue;
		longest = prefix.len;
		path = str_slice(ref, prefix.len + 1, ref.len);
		rest = str_slice(uri, prefix.len, uri.len);
	}
	/* A URI does not climb out of the folder that was given for it. */
	if (path.ptr == NULL || str_find(rest, STR("..")) >= 0)
		return NULL;
	return arena_printf(&l->cli->arena, STR_FMT STR_FMT, STR_ARG(path), STR_ARG(rest)).ptr;
}

static const struct node *look_up(void *ctx, struct str uri)
{
	struct library *l = ctx;
	struct str key = arena_str(&l->cli->arena, uri);
	const char *path = file_of(l, key);
	struct node *root = path == NULL ? NULL : map_get(&l->documents, key);

	if (path == NULL || root != NULL)
		return root;
	if (drive_read(&l->cli->drive, path, NULL, &root) != DRIVE_OK)
		return NULL;
	map_add(&l->documents, key, root);
	return root;
}

enum drive_status cli_validate(struct cli *c)
{
	const char *schema_path = args_value(&c->args, OPTION_SCHEMA);
	struct library library = { .cli = c };
	struct node *schema_root, *root;
	struct schema *schema;

	if (schema_path == NULL)
		return cli_usage_error(c, "which schema? Give --schema FILE");
	for (size_t i = 0; i < c->args.values[OPTION_REF].n; i++) {
		if (strchr(c->args.values[OPTION_REF].at[i], '=') == NULL)
			return cli_usage_error(c, "--ref takes URI=PATH, not '%s'", c->args.values[OPTION_REF].at[i]);
	}
	map_init(&library.documents, &c->arena);
	if (drive_read(&c->drive, schema_path, NULL, &schema_root) != DRIVE_OK)
		return DRIVE_USER_ERROR;
	schema = schema_compile(&c->arena, &c->diags, schema_root, look_up, &library);
	if (schema == NULL)
		return DRIVE_USER_ERROR;
	if (c->args.given[OPTION_ASSERT_FORMATS])
		schema_assert_formats(schema);
	if (drive_read(&c->drive, c->args.operands.at[0], cli_format_in(c), &root) != DRIVE_OK)
		return DRIVE_USER_ERROR;
	return schema_validate(&c->arena, &c->diags, schema, root) ? DRIVE_OK : DRIVE_USER_ERROR;
}
