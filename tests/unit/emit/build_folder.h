/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A temporary folder in which tests compile what was emitted. TORON_SRCDIR says where
 * runtime/include is; CC and RE2C may name other programs. */
#pragma once

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "emit/emit.h"

struct build_folder {
	char path[64];
	char include[4096]; /* absolute */
	const char *cc, *re2c;
};

static inline const char *build_folder_program(const char *variable, const char *otherwise)
{
	const char *value = getenv(variable);

	return value == NULL || value[0] == '\0' ? otherwise : value;
}

/* Runs a command line in the folder; its exit status. */
static inline int build_folder_run(const struct build_folder *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static inline int build_folder_run(const struct build_folder *f, const char *format, ...)
{
	struct sbuf line = { 0 };
	va_list args;
	int status;

	sbuf_printf(&line, "cd '%s' && ", f->path);
	va_start(args, format);
	sbuf_vprintf(&line, format, args);
	va_end(args);
	status = system(line.ptr);
	sbuf_fini(&line);
	return status;
}

/* False, with a word about it, where there is no compiler, no re2c or no source tree. */
static inline bool build_folder_open(struct build_folder *f)
{
	char *found;
	int n;

	*f = (struct build_folder){
		.path = "/tmp/toron-unit-XXXXXX",
		.cc = build_folder_program("CC", "cc"),
		.re2c = build_folder_program("RE2C", "re2c"),
	};
	found = realpath(build_folder_program("TORON_SRCDIR", "."), NULL);
	n = snprintf(
		f->include, sizeof(f->include), "%s/runtime/include", found == NULL ? "." : found);
	free(found);
	ck_assert_int_lt(n, (int)sizeof(f->include));
	ck_assert_ptr_nonnull(mkdtemp(f->path));
	if (access(f->include, R_OK) == 0 &&
		build_folder_run(f, "%s --version >/dev/null 2>&1 && %s --version >/dev/null 2>&1",
			f->cc, f->re2c) == 0)
		return true;
	fprintf(stderr, "skipped: no compiler, no re2c, or TORON_SRCDIR is not the source tree\n");
	rmdir(f->path);
	return false;
}

static inline void build_folder_close(struct build_folder *f)
{
	ck_assert_int_eq(build_folder_run(f, "rm -rf '%s'", f->path), 0);
}

static inline void build_folder_write(
	const struct build_folder *f, struct str name, struct str text)
{
	char path[256];
	FILE *out;

	snprintf(path, sizeof(path), "%s/" STR_FMT, f->path, STR_ARG(name));
	out = fopen(path, "wb");
	ck_assert_ptr_nonnull(out);
	ck_assert_uint_eq(fwrite(text.ptr, 1, text.len, out), text.len);
	ck_assert_int_eq(fclose(out), 0);
}

/* To an object file, NAME.o. A warning of re2c or the compiler fails the test. */
static inline void build_folder_compile(const struct build_folder *f, const struct emit_file *file)
{
	const char *c = file->kind == EMIT_RE2C ? ".c" : "";
	int n = (int)file->name.len;

	if (file->kind == EMIT_DATA)
		return;
	if (file->kind == EMIT_RE2C) {
		ck_assert_int_eq(build_folder_run(f,
					 "%s -W -Werror -i -s --no-version --no-generation-date -o "
					 "'%.*s.c' '%.*s'",
					 f->re2c, n, file->name.ptr, n, file->name.ptr),
			0);
	}
	ck_assert_int_eq(
		build_folder_run(f,
			"%s -std=gnu17 -Wall -Wextra -Werror -Wmissing-prototypes -O1 -fPIC -I'%s' "
			"-c '%.*s%s' -o '%.*s.o'",
			f->cc, f->include, n, file->name.ptr, c, n, file->name.ptr),
		0);
}
