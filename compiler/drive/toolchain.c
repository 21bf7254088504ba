/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "drive/toolchain.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/str.h"
#include "base/vec.h"
#include "drive/file.h"
#include "drive/run.h"

#define CONF_MAX ((size_t)64 << 10)
#define PATH_MOST 4096

/* Where toolchain.conf may be, from the folder of the running program. */
static const char *const places[] = { "", "../", "../lib/toron/" };

const char *toolchain_package_of(struct str library)
{
	static const struct {
		const char *library, *package;
	} packages[] = {
		{ "gnutls", "libgnutls28-dev" }, { "nettle", "nettle-dev" }, { "hogweed", "nettle-dev" },
		{ "gmp", "libgmp-dev" }, { "tasn1", "libtasn1-6-dev" }, { "idn2", "libidn2-dev" },
		{ "unistring", "libunistring-dev" }, { "ev", "libev-dev" }, { "jansson", "libjansson-dev" },
		{ "yaml", "libyaml-dev" }, { "cares", "libc-ares-dev" }, { "z", "zlib1g-dev" },
		{ "zstd", "libzstd-dev" }, { "brotlienc", "libbrotli-dev" }, { "brotlidec", "libbrotli-dev" },
		{ "brotlicommon", "libbrotli-dev" }, { "nghttp2", "libnghttp2-dev" }, { "nghttp3", "libnghttp3-dev" },
		{ "ngtcp2", "libngtcp2-dev" }, { "ngtcp2_crypto_gnutls", "libngtcp2-crypto-gnutls-dev" },
		{ "hiredis", "libhiredis-dev" }, { "maxminddb", "libmaxminddb-dev" },
		{ "c", "libc6-dev" }, { "m", "libc6-dev" }, { "pthread", "libc6-dev" }, { "gcc", "gcc" },
	};

	for (size_t i = 0; i < ARRAY_LEN(packages); i++) {
		if (str_eq(library, str_of(packages[i].library)))
			return packages[i].package;
	}
	return NULL;
}

void words_add(struct arena *a, struct words *w, const char *word)
{
	CHECK(vec_push(a, w, word));
}

bool words_split(struct arena *a, struct str value, struct words *out)
{
	char *word = arena_bytes(a, value.len + 1);
	bool in_word = false, in_quotes = false;
	size_t n = 0;

	for (size_t i = 0; i <= value.len; i++) {
		char c = i < value.len ? value.ptr[i] : ' ';

		if (c == '"' && i < value.len) {
			in_quotes = !in_quotes;
			in_word = true;
		} else if (in_quotes || (c != ' ' && c != '\t')) {
			word[n++] = c;
			in_word = true;
		} else if (in_word) {
			words_add(a, out, arena_cstr(a, (struct str){ word, n }));
			in_word = false;
			n = 0;
		}
	}
	return !in_quotes;
}

/* What is being read; fields of `t` are filled as their lines come. */
struct reader {
	struct arena *arena;
	struct diags *diags;
	uint32_t source;
	struct str text, folder;
	struct toolchain *t;
	bool ok;
};

static void bad_line(struct reader *r, struct str part, const char *what)
{
	uint32_t begin = (uint32_t)(part.ptr - r->text.ptr);

	diag_report(r->diags, DIAG_TOOLCHAIN_CONF, (struct span){ r->source, begin, begin + (uint32_t)part.len }, "%s",
		what);
	r->ok = false;
}

static void read_words(struct reader *r, struct str value, struct words *out)
{
	*out = (struct words){ 0 };
	if (!words_split(r->arena, value, out))
		bad_line(r, value, "a quote is not closed");
}

static const char *read_path(struct reader *r, struct str value)
{
	if (value.len > 0 && value.ptr[0] == '/')
		return arena_cstr(r->arena, value);
	return arena_printf(r->arena, STR_FMT "/" STR_FMT, STR_ARG(r->folder), STR_ARG(value)).ptr;
}

static void read_pair(struct reader *r, struct str key, struct str value)
{
	struct toolchain *t = r->t;
	const struct {
		const char *key;
		struct words *words;
		const char **path;
	} keys[] = {
		{ "cc", &t->cc, NULL }, { "re2c", &t->re2c, NULL }, { "cflags", &t->cflags, NULL },
		{ "ldflags", &t->ldflags, NULL }, { "libs_static", &t->libs_static, NULL },
		{ "libs_dynamic", &t->libs_dynamic, NULL }, { "includedir", NULL, &t->includedir },
		{ "libdir", NULL, &t->libdir },
	};

	if (str_eq(key, STR("static"))) {
		t->is_static = str_eq(value, STR("yes"));
		if (!t->is_static && !str_eq(value, STR("no")))
			bad_line(r, value, "'static' is yes or no");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (!str_eq(key, str_of(keys[i].key)))
			continue;
		if (keys[i].words != NULL)
			read_words(r, value, keys[i].words);
		else
			*keys[i].path = read_path(r, value);
		return;
	}
	bad_line(r, key, "unknown key in toolchain.conf");
}

static void read_lines(struct reader *r)
{
	struct str rest = r->text, line;

	while (str_split(&rest, '\n', &line)) {
		size_t at;

		line = str_trim(line);
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		at = str_find_char(line, '=');
		if (at == line.len)
			bad_line(r, line, "a line of toolchain.conf is 'key = value'");
		else
			read_pair(r, str_trim(str_slice(line, 0, at)), str_trim(str_slice(line, at + 1, line.len)));
	}
}

/* The folder of the running program, or "" if it cannot be told. */
static struct str program_folder(struct arena *a)
{
	char path[PATH_MOST];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path));

	while (n > 0 && path[n - 1] != '/')
		n--;
	return n <= 1 ? STR("") : arena_str(a, (struct str){ path, (size_t)n - 1 });
}

/* The first place where there is one; the places that were tried are added to *tried. */
static const char *find_conf(struct arena *a, struct str *tried)
{
	struct str folder = program_folder(a);

	for (size_t i = 0; i < ARRAY_LEN(places) && folder.len > 0; i++) {
		struct str path = arena_printf(a, STR_FMT "/%stoolchain.conf", STR_ARG(folder), places[i]);

		if (access(path.ptr, F_OK) == 0)
			return path.ptr;
		*tried = arena_printf(a, STR_FMT "%s'" STR_FMT "'", STR_ARG(*tried), tried->len > 0 ? ", " : "",
			STR_ARG(path));
	}
	return NULL;
}

static bool read_conf(struct arena *a, struct diags *d, struct toolchain *t)
{
	struct reader r = { .arena = a, .diags = d, .t = t, .ok = true };
	const char *path = getenv("TORON_TOOLCHAIN");
	struct str tried = STR(""), why;
	size_t n;

	if (path == NULL || path[0] == '\0')
		path = find_conf(a, &tried);
	if (path == NULL) {
		diag_report(d, DIAG_TOOLCHAIN_CONF, SPAN_NONE, "toolchain.conf is missing");
		diag_note(d, SPAN_NONE, "it belongs to toron's installation; looked for " STR_FMT, STR_ARG(tried));
		return false;
	}
	t->path = arena_str(a, str_of(path));
	if (!file_read(a, path, CONF_MAX, &r.text, &why)) {
		diag_report(d, DIAG_TOOLCHAIN_CONF, SPAN_NONE, "cannot read '%s': " STR_FMT, path, STR_ARG(why));
		return false;
	}
	for (n = t->path.len; n > 0 && path[n - 1] != '/'; n--)
		;
	r.folder = n == 0 ? STR(".") : arena_str(a, (struct str){ path, n == 1 ? 1 : n - 1 });
	r.source = diag_add_source(d, t->path, r.text);
	t->text = r.text;
	read_lines(&r);
	return r.ok;
}

/* Replaces the first word by the path of the program; when it is not there, by the first of `others` that is. */
static bool find_program(struct arena *a, struct words *w, const char *const *others)
{
	const char *path = w->n > 0 ? run_find(a, str_of(w->at[0])) : NULL;

	for (; path == NULL && *others != NULL; others++) {
		path = run_find(a, str_of(*others));
		/* The arguments were meant for another program. */
		w->n = 0;
	}
	if (path == NULL) {
		w->n = 0;
		return false;
	}
	if (w->n == 0)
		words_add(a, w, path);
	w->at[0] = path;
	return true;
}

/* re2c is asked for only when something needs it (compile.c). */
static void find_programs(struct arena *a, struct toolchain *t)
{
	static const char *const compilers[] = { "gcc", "cc", "clang", NULL };
	static const char *const generators[] = { "re2c", NULL };

	find_program(a, &t->cc, compilers);
	find_program(a, &t->re2c, generators);
	t->has_lld = run_find(a, STR("ld.lld")) != NULL;
}

static bool check_files(struct arena *a, struct diags *d, struct toolchain *t)
{
	const char *header;

	if (t->includedir == NULL || t->libdir == NULL) {
		diag_report(d, DIAG_TOOLCHAIN_CONF, SPAN_NONE, "'" STR_FMT "' does not set '%s'", STR_ARG(t->path),
			t->libdir == NULL ? "libdir" : "includedir");
		return false;
	}
	t->archive = arena_printf(a, "%s/libtoron.a", t->libdir).ptr;
	header = arena_printf(a, "%s/toron/abi.h", t->includedir).ptr;
	if (access(t->archive, R_OK) == 0 && access(header, R_OK) == 0)
		return true;
	diag_report(d, DIAG_TOOLCHAIN_PART_MISSING, SPAN_NONE, "'%s' is missing",
		access(t->archive, R_OK) == 0 ? header : t->archive);
	diag_note(d, SPAN_NONE, "'" STR_FMT "' says that it is there; install toron anew", STR_ARG(t->path));
	return false;
}

bool toolchain_load(struct arena *a, struct diags *d, struct toolchain *out)
{
	*out = (struct toolchain){ .is_static = true };
	if (!read_conf(a, d, out))
		return false;
	find_programs(a, out);
	if (out->cc.n == 0) {
		diag_report(d, DIAG_CC_MISSING, SPAN_NONE, "no C compiler: toron makes gateways with gcc or clang, and neither is in $PATH");
		diag_note(d, SPAN_NONE, "on Debian: apt-get install gcc libc6-dev");
		return false;
	}
	return check_files(a, d, out);
}
