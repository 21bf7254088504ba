/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "drive/unit.h"

#include "base/map.h"
#include "base/str.h"
#include "drive/cache.h"

#define NAME_MOST 256

static bool is_comment_line(struct str line)
{
	line = str_trim(line);
	/* Not the blocks of re2c, which begin with "/" "*!". */
	return line.len >= 4 && str_starts(line, STR("/*")) && line.ptr[2] != '!' &&
	       str_find(str_slice(line, 2, line.len), STR("*/")) == (ptrdiff_t)line.len - 4;
}

struct str unit_essence(struct arena *a, struct str text)
{
	struct str rest = text, line;
	char *bytes;
	size_t n = 0;

	if (str_find(text, STR("__LINE__")) >= 0)
		return text;
	bytes = arena_bytes(a, text.len + 1);
	while (str_split(&rest, '\n', &line)) {
		if (is_comment_line(line))
			continue;
		memcpy(bytes + n, line.ptr, line.len);
		n += line.len;
		bytes[n++] = '\n';
	}
	return (struct str){ bytes, n };
}

/* What is known of all files at once. */
struct known {
	struct arena *arena;
	const struct emit_files *files;
	struct map by_name;      /* to struct emit_file */
	struct str *essences;    /* by file */
	bool *is_in;             /* by file: goes into the unit at hand */
	uint32_t *queue;         /* of file numbers, each at most once */
};

static void know(struct known *k, struct arena *a, const struct emit_files *files)
{
	*k = (struct known){ .arena = a, .files = files, .essences = ARENA_ARRAY(a, struct str, files->n),
		.is_in = ARENA_ARRAY(a, bool, files->n), .queue = ARENA_ARRAY(a, uint32_t, files->n) };
	map_init(&k->by_name, a);
	for (size_t i = 0; i < files->n; i++) {
		const struct emit_file *f = &files->at[i];

		k->essences[i] = f->kind == EMIT_DATA ? f->text : unit_essence(a, f->text);
		map_add(&k->by_name, f->name, &files->at[i]);
	}
}

/* Queues the files that file number `i` names in quotes, as #include and .incbin do (in a string of C: \"name\"). */
static void queue_mentioned(struct known *k, uint32_t i, size_t *n_queued)
{
	struct str rest = k->essences[i], part;

	if (k->files->at[i].kind == EMIT_DATA)
		return;
	while (str_split(&rest, '"', &part)) {
		const struct emit_file *f;

		if (part.len > 0 && part.ptr[part.len - 1] == '\\')
			part.len--;
		f = part.len > 0 && part.len < NAME_MOST ? map_get(&k->by_name, part) : NULL;
		if (f == NULL || k->is_in[f - k->files->at])
			continue;
		k->is_in[f - k->files->at] = true;
		k->queue[(*n_queued)++] = (uint32_t)(f - k->files->at);
	}
}

/* Adds the file and all that it mentions, directly or not, in the order of files. */
static void add_files(struct known *k, struct sha256 *h, const struct emit_file *file)
{
	size_t n_queued = 0;

	memset(k->is_in, 0, k->files->n * sizeof(*k->is_in));
	k->is_in[file - k->files->at] = true;
	k->queue[n_queued++] = (uint32_t)(file - k->files->at);
	for (size_t i = 0; i < n_queued; i++)
		queue_mentioned(k, k->queue[i], &n_queued);
	for (size_t i = 0; i < k->files->n; i++) {
		if (!k->is_in[i])
			continue;
		sha256_add_field(h, k->files->at[i].name);
		sha256_add_field(h, k->essences[i]);
	}
}

static const char *kind_name(enum emit_kind kind)
{
	return kind == EMIT_C ? "c" : kind == EMIT_RE2C ? "re2c" : "assembler";
}

static struct unit make_unit(struct known *k, const struct emit_file *file, const struct sha256 *base)
{
	struct arena *a = k->arena;
	struct sha256 h = *base;
	struct unit u = {
		.file = file,
		.c_name = arena_printf(a, STR_FMT "%s", STR_ARG(file->name), file->kind == EMIT_RE2C ? ".c" : "").ptr,
		.object_name = arena_printf(a, STR_FMT ".o", STR_ARG(file->name)).ptr,
		.dep_name = arena_printf(a, STR_FMT ".d", STR_ARG(file->name)).ptr,
	};

	sha256_add_field(&h, str_of(kind_name(file->kind)));
	sha256_add_field(&h, file->name);
	add_files(k, &h, file);
	u.cache_name = cache_name(a, &h, "o");
	return u;
}

struct unit *unit_list(struct arena *a, const struct emit_files *files, const struct sha256 *base, size_t *n_out)
{
	struct unit *units = ARENA_ARRAY(a, struct unit, files->n);
	struct known k;
	size_t n = 0;

	know(&k, a, files);
	for (size_t i = 0; i < files->n; i++) {
		if (files->at[i].kind != EMIT_DATA && !str_ends(files->at[i].name, STR(".h")))
			units[n++] = make_unit(&k, &files->at[i], base);
	}
	*n_out = n;
	return units;
}
