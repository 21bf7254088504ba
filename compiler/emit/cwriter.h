/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Writes C: lines with indentation, strings that cannot break out of their quotes, comments that
 * cannot break out of theirs, and identifiers made of users' names. Whatever reaches emitted
 * code from a config goes through here. */
#pragma once

#include "base/arena.h"
#include "base/map.h"
#include "base/str.h"

struct cwriter {
	struct arena *arena; /* borrowed: of quoted strings and names */
	struct sbuf out;     /* owned until cwriter_fini */
	unsigned indent;
};

void cwriter_init(struct cwriter *w, struct arena *a);
void cwriter_fini(struct cwriter *w);

/* A line at the current indentation, and an empty one. */
void cwriter_line(struct cwriter *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cwriter_blank(struct cwriter *w);
/* A line that opens a block ("static const struct x y = {"), and one that closes it ("};"). */
void cwriter_open(struct cwriter *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cwriter_close(struct cwriter *w, const char *line);
/* A comment on lines of its own. */
void cwriter_comment(struct cwriter *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* s as a C string literal with its quotes, safe for any bytes; long ones go over several lines. */
const char *cwriter_quote(struct arena *a, struct str s);
/* s as it can stand in a comment of C or re2c: on one line, with no delimiter of either in it. */
const char *cwriter_plain(struct arena *a, struct str s);

/* prefix + what is left of a user's name as an identifier, made unique among `taken` by a
 * number. */
const char *cwriter_ident(struct map *taken, const char *prefix, struct str name);
