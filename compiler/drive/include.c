/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "drive/include.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/map.h"
#include "base/str.h"
#include "drive/file.h"
#include "drive/input.h"
#include "tree/merge.h"

#define PATTERN_MOST 4096

/* A file that is part of the configuration. */
struct part {
	struct str name;
	struct span at;            /* what includes it; source 0: the first file */
	const struct part *parent; /* in which that stands */
};

struct includer {
	struct drive *drive;
	struct tree_merge merge;
	struct map parts;          /* "device inode" to struct part */
	size_t n_files, n_bytes;
	size_t used_before;        /* bytes of the arena, when the first part was read */
	bool stopped;              /* a limit was reported */
	bool failed;
};

static const struct str shared[] = { STR_INIT("version") };

static void fail(struct includer *in, const struct node *at, enum diag_id id, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
static void fail(struct includer *in, const struct node *at, enum diag_id id, const char *format, ...)
{
	va_list args;

	in->failed = true;
	va_start(args, format);
	diag_vreport(in->drive->diags, id, at->span, format, args);
	va_end(args);
	node_where(in->drive->diags, at);
}

static void stop(struct includer *in, const struct node *at, const char *what, unsigned most)
{
	if (!in->stopped)
		fail(in, at, DIAG_INCLUDE_LIMIT, "all included files together have more than %u %s", most, what);
	in->stopped = in->failed = true;
}

/* Adds the file to those that are read; NULL (reported) if it is one of them already. */
static const struct part *add_part(struct includer *in, const struct node *at, const char *path, const struct part *parent)
{
	struct arena *a = in->drive->arena;
	struct part *new = ARENA_NEW(a, struct part);
	const struct part *first;
	struct stat st;
	struct str key;

	*new = (struct part){ .name = str_of(path), .at = at == NULL ? SPAN_NONE : at->span, .parent = parent };
	/* What is not there gets its message when it is read. */
	if (stat(path, &st) != 0)
		return new;
	key = arena_printf(a, "%ju %ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	if (map_add(&in->parts, key, new))
		return new;
	first = map_get(&in->parts, key);
	for (const struct part *p = parent; p != NULL; p = p->parent) {
		if (p != first)
			continue;
		fail(in, at, DIAG_INCLUDE_CYCLE, "'" STR_FMT "' includes itself", STR_ARG(first->name));
		for (p = parent; p != first; p = p->parent)
			diag_note(in->drive->diags, p->at, "through '" STR_FMT "', which is included here", STR_ARG(p->name));
		return NULL;
	}
	fail(in, at, DIAG_INCLUDE_CYCLE, "'%s' is included twice", path);
	diag_note(in->drive->diags, first->at, "it is included here already");
	return NULL;
}

/* NULL: reported, or a limit was reached. */
static struct node *read_part(struct includer *in, const struct node *at, const char *path)
{
	struct diags *d = in->drive->diags;
	enum tree_format format;
	struct node *root;
	uint32_t source;

	if (++in->n_files > INCLUDE_MOST_FILES) {
		stop(in, at, "files", INCLUDE_MOST_FILES);
		return NULL;
	}
	if (!input_format(d, path, at->span, &format))
		return NULL;
	source = input_read(in->drive->arena, d, path, at->span);
	if (source == 0) {
		node_where(d, at);
		return NULL;
	}
	in->n_bytes += d->sources[source].text.len;
	if (in->n_bytes > TREE_MAX_BYTES) {
		stop(in, at, "MiB", TREE_MAX_BYTES >> 20);
		return NULL;
	}
	root = tree_read(in->drive->arena, d, source, format);
	if (root == NULL)
		return NULL;
	if (in->drive->arena->used - in->used_before > TREE_MAX_MEMORY) {
		stop(in, at, "MiB of memory", TREE_MAX_MEMORY >> 20);
		return NULL;
	}
	return root;
}

static void expand(struct includer *in, const struct part *part, struct node *root, struct node *into, unsigned depth);

static void include_one(struct includer *in, const struct node *at, const char *path, const struct part *parent, struct node *into,
	unsigned depth)
{
	const struct part *part;
	struct node *root;

	if (in->stopped)
		return;
	if (depth == INCLUDE_MOST_DEPTH) {
		fail(in, at, DIAG_INCLUDE_LIMIT, "files include each other more than %d deep", INCLUDE_MOST_DEPTH);
		return;
	}
	part = add_part(in, at, path, parent);
	if (part == NULL)
		return;
	root = read_part(in, at, path);
	if (root == NULL) {
		in->failed = true;
		return;
	}
	if (root->kind != NODE_MAP) {
		if (root->kind != NODE_NULL)
			fail(in, root, DIAG_INCLUDE_CONFLICT, "an included file is a map of sections such as routes, not %s",
				node_kind_name(root->kind));
		return;
	}
	expand(in, part, root, into, depth);
}

/* The name as seen from where toronc runs. */
static struct str resolve(struct includer *in, const struct part *part, struct str name)
{
	size_t folder = part->name.len;

	if (str_starts(name, STR("/")))
		return arena_str(in->drive->arena, name);
	while (folder > 0 && part->name.ptr[folder - 1] != '/')
		folder--;
	/* "-" would be standard input. */
	if (folder == 0 && str_eq(name, STR("-")))
		return STR("./-");
	return arena_printf(in->drive->arena, STR_FMT STR_FMT, STR_ARG(str_slice(part->name, 0, folder)), STR_ARG(name));
}

/* The folder of the file is taken as it is, whatever characters it has. */
static char *escape_folder(struct arena *a, struct str path, size_t folder)
{
	struct sbuf b = { 0 };
	char *text;

	for (size_t i = 0; i < path.len; i++) {
		if (i < folder && strchr("*?[\\", path.ptr[i]) != NULL)
			sbuf_addc(&b, '\\');
		sbuf_addc(&b, path.ptr[i]);
	}
	text = arena_cstr(a, sbuf_str(&b));
	sbuf_fini(&b);
	return text;
}

static void include_glob(struct includer *in, const struct node *at, const struct part *part, struct node *into, unsigned depth)
{
	struct arena *a = in->drive->arena;
	struct str path = resolve(in, part, at->text);
	char *pattern = escape_folder(a, path, path.len - at->text.len);
	glob_t found = { 0 };
	int status;

	if (str_find(at->text, STR("**")) >= 0) {
		fail(in, at, DIAG_WRONG_FORM, "'**' is not known here: '*' stands for names in one folder");
		return;
	}
	/* Sorted by bytes, since the program never leaves the "C" locale. */
	status = glob(pattern, 0, NULL, &found);
	if (status == GLOB_NOMATCH) {
		diag_report(in->drive->diags, DIAG_INCLUDE_EMPTY, at->span, "no file matches '" STR_FMT "'", STR_ARG(path));
		node_where(in->drive->diags, at);
	} else if (status != 0) {
		fail(in, at, DIAG_READ_FAILED, "cannot look for '" STR_FMT "': " STR_FMT, STR_ARG(path),
			STR_ARG(file_errno(a, status == GLOB_NOSPACE ? ENOMEM : EIO)));
	}
	for (size_t i = 0; status == 0 && i < found.gl_pathc && !in->stopped; i++)
		include_one(in, at, arena_cstr(a, str_of(found.gl_pathv[i])), part, into, depth + 1);
	globfree(&found);
}

static void include_item(struct includer *in, const struct node *at, const struct part *part, struct node *into, unsigned depth)
{
	struct str name = at->text;

	if ((at->flags & NODE_POISONED) != 0) {
		in->failed = true;
		return;
	}
	if (name.len > PATTERN_MOST) {
		fail(in, at, DIAG_READ_FAILED, "the name of this file is longer than %d bytes", PATTERN_MOST);
		return;
	}
	if (str_find_char(name, '*') < name.len || str_find_char(name, '?') < name.len || str_find_char(name, '[') < name.len)
		include_glob(in, at, part, into, depth);
	else
		include_one(in, at, resolve(in, part, name).ptr, part, into, depth + 1);
}

static bool is_name(const struct node *n)
{
	return n->kind == NODE_STRING && n->text.len > 0;
}

/* What else the value may be, the schema refuses. */
static bool is_well_formed(const struct node *n)
{
	if (n->kind != NODE_SEQ)
		return is_name(n);
	for (const struct node *item = n->first; item != NULL; item = item->next) {
		if (!is_name(item))
			return false;
	}
	return n->first != NULL;
}

/* Moves what stands in `root` to `into` (or leaves it there, if they are the same), then all that it includes. */
static void expand(struct includer *in, const struct part *part, struct node *root, struct node *into, unsigned depth)
{
	struct node *include = node_get(root, STR("include"));
	bool expands = include != NULL && is_well_formed(include);

	if (expands) {
		tree_substitute(in->drive->arena, in->drive->diags, include, &in->drive->options->vars);
		tree_detach(include);
	}
	if (root != into)
		tree_merge(&in->merge, into, root);
	if (!expands)
		return;
	/* It has no parent any more, and a path is to be shown. */
	include->parent = root;
	if (include->kind != NODE_SEQ)
		include_item(in, include, part, into, depth);
	for (const struct node *item = include->kind == NODE_SEQ ? include->first : NULL; item != NULL; item = item->next)
		include_item(in, item, part, into, depth);
}

bool include_expand(struct drive *v, const char *path, uint32_t source, struct node *root)
{
	struct includer in = { .drive = v,
		.merge = { .arena = v->arena, .diags = v->diags, .shared = shared, .n_shared = ARRAY_LEN(shared) } };
	const struct part *first;

	if (root->kind != NODE_MAP || node_get(root, STR("include")) == NULL)
		return true;
	map_init(&in.parts, v->arena);
	in.n_files = 1;
	in.n_bytes = v->diags->sources[source].text.len;
	in.used_before = v->arena->used;
	first = add_part(&in, NULL, strcmp(path, "-") == 0 ? "" : path, NULL);
	expand(&in, first, root, root, 0);
	return !in.failed;
}
