/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The action files: its settings, and for embedded sites a sorted table over one blob of all contents. */
#include "base/check.h"
#include "base/mime.h"
#include "emit/emitter.h"

static const struct {
	const char *coding;
	struct str ending;
} codings[] = {
	[M_CODING_BR] = { "TORON_CODING_BR", STR_INIT(".br") },
	[M_CODING_GZIP] = { "TORON_CODING_GZIP", STR_INIT(".gz") },
	[M_CODING_ZSTD] = { "TORON_CODING_ZSTD", STR_INIT(".zst") },
};

/* Where each file's bytes begin in the blob; equal contents are there once. */
struct layout {
	size_t *offsets;
	struct sbuf bytes;
};

static struct layout lay_out(struct emitter *e, const struct m_files *f)
{
	struct layout l = { .offsets = ARENA_ARRAY(e->arena, size_t, f->n) };
	struct map by_etag;

	map_init(&by_etag, e->arena);
	for (size_t i = 0; i < f->n; i++) {
		const struct m_file *file = &f->at[i], *same = map_get(&by_etag, file->etag);

		if (same != NULL) {
			l.offsets[i] = l.offsets[same - f->at];
			continue;
		}
		CHECK(map_add(&by_etag, file->etag, (void *)(uintptr_t)file));
		l.offsets[i] = l.bytes.len;
		sbuf_add(&l.bytes, file->bytes);
	}
	return l;
}

static struct str type_of(const struct m_files *f, struct str path)
{
	struct str ending = mime_ending(path);

	for (size_t i = 0; ending.ptr != NULL && i < f->n_types; i++)
		if (ending.len == f->types[i].ending.value.len &&
			str_eq_nocase(ending, f->types[i].ending.value))
			return f->types[i].type.value;
	return mime_of(path);
}

static const struct m_file *find_file(const struct m_files *f, struct str path)
{
	size_t from = 0, to = f->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int order = str_cmp(f->at[middle].path, path);

		if (order == 0)
			return &f->at[middle];
		if (order < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

static void emit_content(
	struct emitter *e, const struct m_files *f, const struct m_file *file, const struct layout *l, const char *id)
{
	cwriter_line(&e->c, ".bytes = { %s_data + %zu, %zu },", id, l->offsets[file - f->at], file->bytes.len);
	emit_str(e, "etag", file->etag);
}

static void emit_variants(struct emitter *e, const struct m_files *f, const struct m_file *file,
	const struct layout *l, const char *id)
{
	const struct m_file *found[ARRAY_LEN(codings)];
	uint32_t n = 0;

	for (size_t i = 0; i < f->n_codings; i++) {
		found[i] = find_file(f, arena_printf(e->arena, STR_FMT STR_FMT, STR_ARG(file->path),
						STR_ARG(codings[f->codings[i]].ending)));
		n += found[i] != NULL;
	}
	if (n == 0)
		return;
	cwriter_open(&e->c, ".variants = (const struct toron_file_variant[]){");
	for (size_t i = 0; i < f->n_codings; i++) {
		if (found[i] == NULL)
			continue;
		cwriter_open(&e->c, "{");
		cwriter_line(&e->c, ".coding = %s,", codings[f->codings[i]].coding);
		emit_content(e, f, found[i], l, id);
		cwriter_close(&e->c, "},");
	}
	cwriter_close(&e->c, "},");
	emit_u64(e, "n_variants", n);
}

static void emit_table_of_files(struct emitter *e, const struct m_files *f, const struct layout *l, const char *id)
{
	cwriter_open(&e->c, ".at = (const struct toron_file[]){");
	for (size_t i = 0; i < f->n; i++) {
		cwriter_open(&e->c, "{");
		emit_str(e, "path", f->at[i].path);
		emit_str(e, "type", type_of(f, f->at[i].path));
		emit_content(e, f, &f->at[i], l, id);
		emit_variants(e, f, &f->at[i], l, id);
		cwriter_close(&e->c, "},");
	}
	cwriter_close(&e->c, "},");
	emit_u64(e, "n_at", f->n);
}

static void emit_types(struct emitter *e, const struct m_files *f)
{
	if (f->n_types == 0)
		return;
	cwriter_open(&e->c, ".types = (const struct toron_file_type[]){");
	for (size_t i = 0; i < f->n_types; i++) {
		cwriter_open(&e->c, "{");
		emit_str(e, "ending", f->types[i].ending.value);
		emit_str(e, "type", f->types[i].type.value);
		cwriter_close(&e->c, "},");
	}
	cwriter_close(&e->c, "},");
	emit_u64(e, "n_types", f->n_types);
}

static void emit_lists(struct emitter *e, const struct m_files *f)
{
	if (f->indexes.n > 0) {
		cwriter_open(&e->c, ".indexes = (const struct str[]){");
		for (size_t i = 0; i < f->indexes.n; i++)
			cwriter_line(&e->c, "STR_INIT(%s),",
				cwriter_quote(e->arena, f->indexes.at[i].value));
		cwriter_close(&e->c, "},");
		emit_u64(e, "n_indexes", f->indexes.n);
	}
	if (f->n_codings > 0) {
		cwriter_open(&e->c, ".codings = (const enum toron_coding[]){");
		for (size_t i = 0; i < f->n_codings; i++)
			cwriter_line(&e->c, "%s,", codings[f->codings[i]].coding);
		cwriter_close(&e->c, "},");
		emit_u64(e, "n_codings", f->n_codings);
	}
}

static void emit_site(struct emitter *e, const struct plan_route *r, const char *id)
{
	const struct m_files *f = r->action.files;
	struct layout l = lay_out(e, f);
	struct cwriter *c = &e->c;

	if (f->n > 0) {
		const char *symbol = arena_printf(e->arena, "%s_data", id).ptr;

		emit_blob(e, symbol, arena_printf(e->arena, "%s.bin", id), sbuf_str(&l.bytes));
		cwriter_line(c, "extern const char %s[];", symbol);
	}
	cwriter_open(c, "static const struct toron_files %s = {", id);
	emit_cstr(e, "origin", emit_origin(e, f->root.at));
	if (!f->embed.value)
		emit_cstr(e, "root", cwriter_quote(e->arena, f->folder));
	else if (f->n > 0)
		emit_table_of_files(e, f, &l, id);
	emit_lists(e, f);
	if (!f->embed.value)
		emit_types(e, f);
	emit_str(e, "fallback", f->fallback.value);
	emit_str(e, "cache_control", f->cache_control.value);
	if (f->hidden.value)
		cwriter_line(c, ".hidden = true,");
	if (f->no_links)
		cwriter_line(c, ".no_links = true,");
	cwriter_close(c, "};");
	cwriter_blank(c);
	sbuf_fini(&l.bytes);
}

void emit_sites(struct emitter *e)
{
	const struct plan *p = e->plan;

	e->sites = ARENA_ARRAY(e->arena, const char *, p->n_routes);
	for (uint32_t i = 0; i < p->n_routes; i++) {
		const struct plan_route *r = &p->routes[i];

		if (r->action.kind != PLAN_ACTION_FILES)
			continue;
		emit_comment(e, &e->c, r->model->node, r->name);
		e->sites[i] = cwriter_ident(&e->taken, "files_", r->name);
		emit_site(e, r, e->sites[i]);
	}
}
