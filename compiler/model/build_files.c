/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The action files. What is in the directory is not looked at here: passes read no files. */
#include "base/str.h"
#include "model/build.h"

static void build_codings(struct builder *b, const struct node *list, struct m_files *out)
{
	static const struct {
		struct str name;
		enum m_coding coding;
	} codings[] = {
		{ STR_INIT("br"), M_CODING_BR },
		{ STR_INIT("gzip"), M_CODING_GZIP },
		{ STR_INIT("zstd"), M_CODING_ZSTD },
	};

	if (list == NULL || list->kind != NODE_SEQ)
		return;
	out->codings = ARENA_ARRAY(b->arena, enum m_coding, list->n_children);
	for (const struct node *n = value_first(b, list); n != NULL; n = value_next(b, list, n))
		for (size_t i = 0; i < sizeof(codings) / sizeof(codings[0]); i++)
			if (str_eq(n->text, codings[i].name))
				out->codings[out->n_codings++] = codings[i].coding;
}

static void build_types(struct builder *b, const struct node *map, struct m_files *out)
{
	if (map == NULL || map->kind != NODE_MAP)
		return;
	out->types = ARENA_ARRAY(b->arena, struct m_file_type, map->n_children);
	for (const struct node *n = map->first; n != NULL; n = n->next) {
		struct m_str ending = node_key(n);

		if ((n->flags & NODE_POISONED) != 0) {
			b->poisoned = true;
			continue;
		}
		ending.value = build_lower(b->arena, str_slice(ending.value, 1, ending.value.len));
		out->types[out->n_types++] = (struct m_file_type){ ending, node_str(n) };
	}
}

void build_files(struct builder *b, const struct node *map, struct m_action *out)
{
	struct m_files *files = ARENA_NEW(b->arena, struct m_files);

	*files = (struct m_files){
		.root = value_str(b, map, STR("root")),
		.embed = value_bool(b, map, STR("embed")),
		.embed_limit = value_bytes(b, map, STR("embed_limit")),
		.indexes = value_strs(b, map, STR("index")),
		.fallback = value_str(b, map, STR("fallback")),
		.strip = value_bool(b, map, STR("strip")),
		.hidden = value_bool(b, map, STR("hidden")),
		.no_links = str_eq(value_str(b, map, STR("symlinks")).value, STR("never")),
		.cache_control = value_str(b, map, STR("cache_control")),
	};
	files->folder = build_file_name(b, &files->root);
	if (str_starts(files->fallback.value, STR("/")))
		files->fallback.value =
			str_slice(files->fallback.value, 1, files->fallback.value.len);
	build_codings(b, value_node(b, map, STR("precompressed")), files);
	build_types(b, value_node(b, map, STR("mime")), files);
	out->files = files;
}
