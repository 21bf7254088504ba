/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the gateway's own answers to errors look like. */
#include "base/str.h"
#include "model/build.h"
#include "toron/gateway.h"

static unsigned format_named(struct str name)
{
	if (str_eq(name, STR("html")))
		return TORON_ERRORS_HTML;
	if (str_eq(name, STR("json")))
		return TORON_ERRORS_JSON;
	return str_eq(name, STR("auto")) ? TORON_ERRORS_AUTO : TORON_ERRORS_TEXT;
}

/* "404" or "4xx": the schema has seen that it is one of them. */
static struct m_error_page *build_page(struct builder *b, const struct node *n)
{
	struct m_error_page *page = ARENA_NEW(b->arena, struct m_error_page);
	uint16_t hundred = (uint16_t)((n->key.ptr[0] - '0') * 100);
	uint64_t status = 0;

	page->node = n;
	page->from = hundred;
	page->to = (uint16_t)(hundred + 99);
	if (str_to_u64(n->key, 999, &status))
		page->from = page->to = (uint16_t)status;
	page->content_type = value_str(b, n, STR("content_type"));
	page->body = value_str(b, n, STR("body"));
	page->file = value_str(b, n, STR("file"));
	if (page->file.value.ptr != NULL)
		page->path = build_file_name(b, &page->file);
	return page;
}

/* Statuses before classes, otherwise as written. */
static void build_pages(struct builder *b, const struct node *map, struct m_errors *out)
{
	for (int classes = 0; classes < 2; classes++) {
		for (const struct node *n = map->first; n != NULL; n = n->next) {
			bool is_class = n->key.len == 3 && n->key.ptr[1] == 'x';

			if (n->kind != NODE_MAP || n->key.len != 3 || is_class != (classes == 1))
				continue;
			out->pages[out->n_pages] = build_page(b, n);
			vec_push(b->arena, &b->pages, out->pages[out->n_pages]);
			out->n_pages++;
		}
	}
}

void build_errors(
	struct builder *b, const struct node *map, const struct m_errors *base, struct m_errors *out)
{
	const struct node *pages = value_node(b, map, STR("pages"));
	struct m_str format = value_str(b, map, STR("format"));
	size_t n_base = base == NULL ? 0 : base->n_pages;
	size_t n = pages == NULL || pages->kind != NODE_MAP ? 0 : pages->n_children;

	*out = (struct m_errors){ .is_set = map != NULL, .format = base == NULL ? 0 : base->format };
	if (map == NULL)
		return;
	if (format.value.ptr != NULL)
		out->format = format_named(format.value);
	out->pages = ARENA_ARRAY(b->arena, struct m_error_page *, n + n_base);
	if (n > 0)
		build_pages(b, pages, out);
	for (size_t i = 0; i < n_base; i++)
		out->pages[out->n_pages++] = base->pages[i];
}
