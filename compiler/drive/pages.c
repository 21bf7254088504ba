/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "drive/pages.h"

#include "base/str.h"
#include "drive/file.h"

void pages_read(struct drive *v, struct model *m)
{
	for (size_t i = 0; i < m->n_pages; i++) {
		struct m_error_page *page = m->pages[i];
		struct str bytes, why;

		if (page->file.value.ptr == NULL)
			continue;
		if (file_read(v->arena, arena_cstr(v->arena, page->path), PAGE_MOST_BYTES, &bytes, &why)) {
			page->body = (struct m_str){ bytes, page->file.at };
			continue;
		}
		diag_report(v->diags, DIAG_PAGE_UNREADABLE, page->file.at, "cannot read '" STR_FMT "': " STR_FMT,
			STR_ARG(page->path), STR_ARG(why));
		diag_where(v->diags, arena_printf(v->arena, STR_FMT ".file", STR_ARG(node_path(v->arena, page->node))));
	}
}
