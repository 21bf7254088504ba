/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "drive/compile.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/str.h"
#include "drive/cache.h"
#include "drive/depfile.h"
#include "drive/failure.h"
#include "drive/file.h"
#include "drive/run.h"
#include "drive/toolchain.h"
#include "drive/unit.h"
#include "drive/version.h"

#define OUTPUT_NAME "gateway" /* in the private folder, whatever the user calls it: names must not reach the bytes */
#define BINARY_MAX ((size_t)512 << 20)

/* Everything that a build holds. */
struct build {
	struct arena *arena;
	struct diags *diags;
	const struct drive_options *options;
	const struct emit_files *files;
	struct toolchain tools;
	struct cache cache;
	bool is_static;
	const char *folder;       /* the private one; NULL until made */
	const char *const *envp;
	struct unit *units;
	size_t n_units;
	bool keep_folder;
};

static const char *path_in(const struct build *b, const char *name)
{
	return arena_printf(b->arena, "%s/%s", b->folder, name).ptr;
}

static void write_failed(struct build *b, const char *path, struct str why)
{
	diag_report(b->diags, DIAG_WRITE_FAILED, SPAN_NONE, "cannot write '%s': " STR_FMT, path, STR_ARG(why));
}

static void add_all(struct arena *a, struct words *to, const struct words *from)
{
	for (size_t i = 0; i < from->n; i++)
		words_add(a, to, from->at[i]);
}

static void add_list(struct arena *a, struct words *to, const char *const *from)
{
	for (; *from != NULL; from++)
		words_add(a, to, *from);
}

/* ---- command lines ---- */

static bool has_word(const struct words *w, const char *word)
{
	for (size_t i = 0; i < w->n; i++) {
		if (strcmp(w->at[i], word) == 0)
			return true;
	}
	return false;
}

/* What all compilations share, without what belongs to this run's folder. */
static struct words cc_words(const struct build *b)
{
	static const char *const ours[] = { "-O1", "-pipe", "-std=gnu17", "-ffunction-sections", "-fdata-sections", NULL };
	struct arena *a = b->arena;
	struct words w = { 0 };

	add_all(a, &w, &b->tools.cc);
	add_list(a, &w, ours);
	add_all(a, &w, &b->tools.cflags);
	words_add(a, &w, "-I");
	words_add(a, &w, b->tools.includedir);
	/* __FILE__ in a header, and debug information where it is wanted. */
	words_add(a, &w, arena_printf(a, "-ffile-prefix-map=%s=include", b->tools.includedir).ptr);
	return w;
}

static struct words link_words(const struct build *b)
{
	static const char *const ours[] = { "-Wl,--gc-sections", "-Wl,--build-id=none", "-Wl,--dependency-file=" OUTPUT_NAME ".d",
		"-o", OUTPUT_NAME, NULL };
	struct arena *a = b->arena;
	struct words w = { 0 };

	add_all(a, &w, &b->tools.cc);
	add_all(a, &w, &b->tools.cflags);
	if (b->is_static)
		words_add(a, &w, "-static");
	/* Instrumented builds keep what their reports are made of. */
	if (!has_word(&b->tools.cflags, "-g"))
		words_add(a, &w, "-s");
	for (size_t i = 0; i < b->tools.ldflags.n; i++) {
		/* configure found it on its machine; here it may be gone, and another linker does. */
		if (b->tools.has_lld || strcmp(b->tools.ldflags.at[i], "-fuse-ld=lld") != 0)
			words_add(a, &w, b->tools.ldflags.at[i]);
	}
	add_list(a, &w, ours);
	for (size_t i = 0; i < b->n_units; i++)
		words_add(a, &w, b->units[i].object_name);
	words_add(a, &w, b->tools.archive);
	words_add(a, &w, arena_printf(a, "-L%s", b->tools.libdir).ptr);
	add_all(a, &w, b->is_static ? &b->tools.libs_static : &b->tools.libs_dynamic);
	return w;
}

static void add_words(struct sha256 *h, const struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		sha256_add_field(h, str_of(w->at[i]));
	sha256_add_field(h, STR(""));
}

/* The environment of all programs: nothing that could change what they make (CPATH, LIBRARY_PATH, GCC_*, a locale). */
static const char *const *make_environment(struct build *b)
{
	static const char *const kept[] = { "PATH", "HOME" };
	struct words w = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		const char *value = getenv(kept[i]);

		if (value != NULL)
			words_add(b->arena, &w, arena_printf(b->arena, "%s=%s", kept[i], value).ptr);
	}
	words_add(b->arena, &w, "LC_ALL=C");
	words_add(b->arena, &w, "SOURCE_DATE_EPOCH=0");
	/* What a killed compiler leaves behind goes with the folder. */
	words_add(b->arena, &w, arena_printf(b->arena, "TMPDIR=%s", b->folder).ptr);
	words_add(b->arena, &w, NULL);
	return w.at;
}

/* ---- the private folder ---- */

static bool make_folder(struct build *b)
{
	const char *base = getenv("TMPDIR");
	char *path, *whole;

	if (base == NULL || base[0] == '\0')
		base = "/tmp";
	path = (char *)arena_printf(b->arena, "%s/toronc-XXXXXX", base).ptr;
	if (mkdtemp(path) == NULL) {
		write_failed(b, base, file_errno(b->arena, errno));
		return false;
	}
	/* Programs run inside it, where a relative $TMPDIR would mean another place. */
	whole = realpath(path, NULL);
	CHECK(whole != NULL);
	b->folder = arena_cstr(b->arena, str_of(whole));
	free(whole);
	b->envp = make_environment(b);
	return true;
}

static bool write_files(struct build *b)
{
	struct str why;

	for (size_t i = 0; i < b->files->n; i++) {
		const char *path = path_in(b, arena_cstr(b->arena, b->files->at[i].name));

		if (!file_create(b->arena, path, b->files->at[i].text, &why)) {
			write_failed(b, path, why);
			return false;
		}
	}
	return true;
}

/* ---- running ---- */

/* The command line as one could type it, for --verbose. */
static void trace_job(const struct build *b, const struct run_job *job)
{
	struct sbuf line = { 0 };

	if (b->options->trace.line == NULL || job->result == RUN_PENDING)
		return;
	sbuf_printf(&line, "%5u ms ", job->took_ms);
	for (const char *const *word = job->argv; *word != NULL; word++)
		sbuf_printf(&line, " %s", *word);
	b->options->trace.line(b->options->trace.ctx, sbuf_str(&line));
	sbuf_fini(&line);
}

static struct run_job make_job(const struct build *b, struct words *argv)
{
	words_add(b->arena, argv, NULL);
	return (struct run_job){ .argv = argv->at, .envp = b->envp, .folder = b->folder, .limit_ms = b->options->limit_ms };
}

/* Runs jobs of one step; names[i] is what job i works on. Frees their output. */
static enum drive_status run_step(struct build *b, struct run_job *jobs, const char *const *names, size_t n,
	enum failure_step step)
{
	enum drive_status status = DRIVE_OK;
	bool ok = run_jobs(jobs, n, b->options->jobs);

	for (size_t i = 0; i < n; i++)
		trace_job(b, &jobs[i]);
	if (run_interrupted() != 0)
		status = DRIVE_INTERRUPTED;
	else if (!ok)
		status = DRIVE_FAULT;
	for (size_t i = 0; i < n; i++) {
		if (status == DRIVE_FAULT && jobs[i].result != RUN_PENDING && !run_ok(&jobs[i]) && !b->keep_folder) {
			b->keep_folder = failure_report(b->diags, &jobs[i], step, names[i]);
			if (b->keep_folder)
				diag_note(b->diags, SPAN_NONE, "the emitted files are kept in '%s'", b->folder);
		}
		run_fini(&jobs[i]);
	}
	return status;
}

static enum drive_status run_re2c(struct build *b)
{
	static const char *const flags[] = { "-W", "-i", "-s", "--no-version", "--no-generation-date", "-o", NULL };
	struct run_job *jobs = ARENA_ARRAY(b->arena, struct run_job, b->n_units);
	const char **names = ARENA_ARRAY(b->arena, const char *, b->n_units);
	size_t n = 0;

	for (size_t i = 0; i < b->n_units; i++) {
		const struct unit *u = &b->units[i];
		struct words argv = { 0 };

		if (u->is_cached || u->file->kind != EMIT_RE2C)
			continue;
		if (b->tools.re2c.n == 0) {
			diag_report(b->diags, DIAG_RE2C_MISSING, SPAN_NONE, "re2c is not in $PATH, and this gateway's matchers need it");
			diag_note(b->diags, SPAN_NONE, "on Debian: apt-get install re2c");
			diag_note(b->diags, SPAN_NONE, "or use --matcher table, which does without");
			return DRIVE_FAULT;
		}
		add_all(b->arena, &argv, &b->tools.re2c);
		add_list(b->arena, &argv, flags);
		words_add(b->arena, &argv, u->c_name);
		names[n] = arena_cstr(b->arena, u->file->name);
		words_add(b->arena, &argv, names[n]);
		jobs[n++] = make_job(b, &argv);
	}
	return run_step(b, jobs, names, n, FAILURE_RE2C);
}

static enum drive_status run_cc(struct build *b)
{
	struct run_job *jobs = ARENA_ARRAY(b->arena, struct run_job, b->n_units);
	const char **names = ARENA_ARRAY(b->arena, const char *, b->n_units);
	struct words base = cc_words(b);
	size_t n = 0;

	words_add(b->arena, &base, arena_printf(b->arena, "-ffile-prefix-map=%s=.", b->folder).ptr);
	for (size_t i = 0; i < b->n_units; i++) {
		const struct unit *u = &b->units[i];
		const char *const own[] = { "-MD", "-MF", u->dep_name, "-c", "-o", u->object_name, u->c_name, NULL };
		struct words argv = { 0 };

		if (u->is_cached)
			continue;
		add_all(b->arena, &argv, &base);
		/* Plain assembler is not preprocessed: there is nothing to depend on. */
		add_list(b->arena, &argv, u->file->kind == EMIT_ASM ? own + 3 : own);
		names[n] = u->c_name;
		jobs[n++] = make_job(b, &argv);
	}
	return run_step(b, jobs, names, n, FAILURE_CC);
}

static enum drive_status run_link(struct build *b)
{
	struct words argv = link_words(b);
	struct run_job job = make_job(b, &argv);
	const char *name = OUTPUT_NAME;

	return run_step(b, &job, &name, 1, FAILURE_LINK);
}

/* ---- the cache ---- */

static void open_cache(struct build *b)
{
	const char *folder = b->options->cache_dir;
	struct str why;

	b->cache = (struct cache){ .arena = b->arena };
	if (b->options->no_cache)
		return;
	if (folder == NULL)
		folder = cache_default_folder(b->arena);
	if (folder == NULL) {
		drive_tracef(&b->options->trace, "no build cache: neither XDG_CACHE_HOME nor HOME is set");
	} else if (!cache_open(&b->cache, b->arena, folder, CACHE_MAX_BYTES, &why)) {
		/* A folder that was asked for is worth a warning; the default one is a convenience. */
		if (b->options->cache_dir != NULL)
			diag_report(b->diags, DIAG_CACHE_UNUSABLE, SPAN_NONE, "the build cache '%s' is not used: " STR_FMT, folder,
				STR_ARG(why));
		else
			drive_tracef(&b->options->trace, "the build cache '%s' is not used: " STR_FMT, folder, STR_ARG(why));
	}
}

static void start_key(struct sha256 *h, const char *kind)
{
	sha256_init(h);
	sha256_add_field(h, str_of(kind));
	sha256_add_field(h, STR(DRIVE_VERSION));
}

/* The name of the gateway as a whole: all files to the byte, all command lines. */
static const char *gateway_key(const struct build *b)
{
	struct words cc = cc_words(b), link = link_words(b);
	struct sha256 h;

	start_key(&h, "gateway 1");
	add_words(&h, &cc);
	add_words(&h, &link);
	add_words(&h, &b->tools.re2c);
	for (size_t i = 0; i < b->files->n; i++) {
		sha256_add_field(&h, b->files->at[i].name);
		sha256_add_field(&h, b->files->at[i].text);
	}
	return cache_name(b->arena, &h, "gateway");
}

static void make_units(struct build *b)
{
	struct words cc = cc_words(b);
	struct sha256 h;

	start_key(&h, "object 1");
	add_words(&h, &cc);
	add_words(&h, &b->tools.re2c);
	b->units = unit_list(b->arena, b->files, &h, &b->n_units);
}

/* Puts the objects that the cache has into the folder. */
static bool fetch_objects(struct build *b)
{
	struct str object, why;
	size_t n = 0;

	for (size_t i = 0; i < b->n_units; i++) {
		struct unit *u = &b->units[i];
		const char *path = path_in(b, u->object_name);

		if (!cache_get(&b->cache, u->cache_name, &object, &u->deps))
			continue;
		if (!file_create(b->arena, path, object, &why)) {
			write_failed(b, path, why);
			return false;
		}
		u->is_cached = true;
		n++;
	}
	drive_tracef(&b->options->trace, "%zu of %zu object files are in the build cache", n, b->n_units);
	return true;
}

/* Adds the files from elsewhere that a step read: what its rule says, and the program itself. */
static void read_deps(const struct build *b, const char *rule, const char *program, struct words *deps)
{
	struct str text, why;

	depfile_add(b->arena, deps, program);
	if (file_read(b->arena, path_in(b, rule), BINARY_MAX, &text, &why))
		depfile_read(b->arena, text, deps);
}

static void store_objects(struct build *b)
{
	struct str object, why;

	for (size_t i = 0; i < b->n_units && b->cache.folder != NULL; i++) {
		struct unit *u = &b->units[i];

		if (u->is_cached)
			continue;
		if (u->file->kind == EMIT_RE2C)
			depfile_add(b->arena, &u->deps, b->tools.re2c.at[0]);
		read_deps(b, u->dep_name, b->tools.cc.at[0], &u->deps);
		if (file_read(b->arena, path_in(b, u->object_name), BINARY_MAX, &object, &why))
			cache_put(&b->cache, u->cache_name, object, &u->deps);
	}
}

static void store_gateway(struct build *b, const char *key, struct str binary)
{
	struct words deps = { 0 };

	if (b->cache.folder == NULL)
		return;
	for (size_t i = 0; i < b->n_units; i++) {
		for (size_t j = 0; j < b->units[i].deps.n; j++)
			depfile_add(b->arena, &deps, b->units[i].deps.at[j]);
	}
	read_deps(b, OUTPUT_NAME ".d", b->tools.cc.at[0], &deps);
	cache_put(&b->cache, key, binary, &deps);
	cache_trim(&b->cache);
}

/* ---- the whole ---- */

static enum drive_status write_output(struct build *b, struct str binary, const char *out_path)
{
	struct str why;

	if (run_interrupted() != 0)
		return DRIVE_INTERRUPTED;
	if (file_write(b->arena, out_path, binary, 0755, &why))
		return DRIVE_OK;
	write_failed(b, out_path, why);
	return DRIVE_USER_ERROR;
}

/* From emitted files to *binary_out, in the private folder. */
static enum drive_status build_binary(struct build *b, struct str *binary_out)
{
	enum drive_status status;
	struct str why;

	if (!make_folder(b) || !write_files(b) || !fetch_objects(b))
		return DRIVE_USER_ERROR;
	status = run_re2c(b);
	if (status == DRIVE_OK)
		status = run_cc(b);
	if (status != DRIVE_OK)
		return status;
	store_objects(b);
	status = run_link(b);
	if (status == DRIVE_OK && !file_read(b->arena, path_in(b, OUTPUT_NAME), BINARY_MAX, binary_out, &why)) {
		diag_report(b->diags, DIAG_LINK_FAILED, SPAN_NONE, "cannot read what the linker made: " STR_FMT, STR_ARG(why));
		status = DRIVE_FAULT;
	}
	return status;
}

/* How the gateway is linked; says so if that is not what one expects. */
static void choose_link(struct build *b)
{
	b->is_static = !b->options->is_dynamic && b->tools.is_static;
	if (b->is_static || b->options->is_dynamic)
		return;
	diag_report(b->diags, DIAG_NOT_STATIC, SPAN_NONE, "the gateway is linked dynamically, since this toron was configured so");
	diag_note(b->diags, SPAN_NONE, "say --dynamic if that is wanted; '" STR_FMT "' has 'static = no'", STR_ARG(b->tools.path));
}

enum drive_status compile_gateway(struct arena *a, struct diags *d, const struct drive_options *options,
	const struct emit_files *files, const char *out_path)
{
	struct build b = { .arena = a, .diags = d, .options = options, .files = files };
	enum drive_status status;
	struct str binary;
	const char *key;
	struct words unused = { 0 };

	if (!toolchain_load(a, d, &b.tools))
		return DRIVE_FAULT;
	choose_link(&b);
	open_cache(&b);
	/* Warnings that are errors. */
	if (diag_failed(d))
		return DRIVE_USER_ERROR;
	make_units(&b);
	key = gateway_key(&b);
	if (cache_get(&b.cache, key, &binary, &unused)) {
		drive_tracef(&options->trace, "the gateway is in the build cache: %s/%s", b.cache.folder, key);
		return write_output(&b, binary, out_path);
	}
	status = build_binary(&b, &binary);
	if (status == DRIVE_OK)
		status = write_output(&b, binary, out_path);
	if (status == DRIVE_OK)
		store_gateway(&b, key, binary);
	if (b.folder != NULL && !b.keep_folder)
		file_remove_tree(b.folder);
	return status;
}

enum drive_status compile_write_files(struct arena *a, struct diags *d, const struct emit_files *files, const char *folder)
{
	struct build b = { .arena = a, .diags = d, .files = files, .folder = folder };
	struct str why;

	if (!file_make_dir(a, folder, 0777, &why)) {
		write_failed(&b, folder, why);
		return DRIVE_USER_ERROR;
	}
	for (size_t i = 0; i < files->n; i++) {
		const char *path = path_in(&b, arena_cstr(a, files->at[i].name));

		if (!file_write(a, path, files->at[i].text, 0644, &why)) {
			write_failed(&b, path, why);
			return DRIVE_USER_ERROR;
		}
	}
	return DRIVE_OK;
}
