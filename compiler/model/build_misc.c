/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* runtime, routing, paths of files. */
#include "base/str.h"
#include "model/build.h"

/* A relative path begins where the file is that it was written in. */
struct str build_file_name(struct builder *b, const struct m_str *name)
{
	struct str folder = STR(""), rest = name->value;

	if (rest.ptr == NULL || str_starts(rest, STR("/")))
		return rest;
	if (name->at.source > 0 && name->at.source < b->diags->n_sources)
		folder = b->diags->sources[name->at.source].name;
	while (folder.len > 0 && folder.ptr[folder.len - 1] != '/')
		folder.len--;
	while (str_starts(rest, STR("./")) && rest.len > 2)
		rest = str_slice(rest, 2, rest.len);
	return arena_printf(b->arena, STR_FMT STR_FMT, STR_ARG(folder), STR_ARG(rest));
}

void build_runtime(struct builder *b, const struct node *map)
{
	struct m_runtime *out = &b->model->runtime;

	out->workers = value_count(b, map, STR("workers")); /* "auto" is no number, so 0 */
	out->drain_timeout = value_ms(b, map, STR("drain_timeout"));
	out->user = value_str(b, map, STR("user"));
	out->memory = value_bytes(b, map, STR("memory"));
}

void build_routing(struct builder *b, const struct node *map)
{
	struct m_routing *out = &b->model->routing;

	out->ties_file_order = str_eq(value_str(b, map, STR("ties")).value, STR("file-order"));
	out->merge_slashes = value_bool(b, map, STR("merge_slashes")).value;
	out->allow_encoded_slashes =
		str_eq(value_str(b, map, STR("encoded_slashes")).value, STR("keep"));
}
