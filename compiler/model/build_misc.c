/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* log, runtime, routing. */
#include "base/str.h"
#include "model/build.h"

void build_log(struct builder *b, const struct node *map)
{
	struct m_log *out = &b->model->log;
	const struct node *access = value_node(b, map, STR("access"));

	out->level = value_str(b, map, STR("level"));
	out->format = value_str(b, map, STR("format"));
	out->access.enabled = value_bool(b, access, STR("enabled"));
	out->access.path = value_str(b, access, STR("path"));
	out->access.sample_ppm = value_ppm(b, access, STR("sample"));
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
