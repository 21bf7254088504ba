/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Sources, spans and collected diagnostics.
 *
 * A pass reports and goes on; nothing here prints or exits. The driver asks diag_failed() between passes and the cli renders
 * once at the end (diag/render.h). Diagnostics are sorted by place, exact duplicates are dropped, and 50 are shown. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "toron/str.h"

/* Bytes [begin, end) of source number `source`; source 0 means "no place". */
struct span {
	uint32_t source;
	uint32_t begin, end;
};

#define SPAN_NONE ((struct span){ 0, 0, 0 })

enum diag_severity {
	DIAG_ERROR,
	DIAG_WARNING,
	DIAG_NOTE,
	DIAG_STRICT, /* in diag.def only: a warning, and an error with --strict; a reported diagnostic never has it */
};
const char *diag_severity_name(enum diag_severity s); /* "error", "warning", "note" */

enum diag_id {
#define DIAG(id, severity, code, title, help) DIAG_##id,
#include "diag/diag.def"
#undef DIAG
	DIAG_COUNT
};

/* The table row behind an id, from diag.def. */
struct diag_kind {
	const char *id, *code, *title, *help;
	enum diag_severity severity;
};
const struct diag_kind *diag_kind(enum diag_id id);
/* By code ("T0207") or NULL. */
const struct diag_kind *diag_kind_by_code(struct str code);
enum diag_id diag_id_of(const struct diag_kind *kind);

/* What comes before some byte of a text. */
struct source_mark {
	uint32_t points;          /* code points */
	uint32_t lines;           /* line ends */
};

struct source {
	struct str name;          /* as the user wrote it */
	struct str text;          /* without a BOM */
	struct source_mark *marks; /* [i]: of byte i * 1024, since lines may be as many, or as long, as the file has bytes */
};

struct diag_message {
	struct span at;
	struct str text;
};

struct diag {
	enum diag_id id;
	enum diag_severity severity;
	struct span at;
	struct str text;          /* one sentence, no full stop, names in 'single quotes' */
	struct str where;         /* "routes[2].backend", or empty */
	struct diag_message *notes;
	size_t n_notes, cap_notes;
	uint32_t order;           /* of being reported */
};

/* A code whose warnings the configuration does not want to see (diag/allow.h). */
struct diag_allowed {
	enum diag_id id;
	struct span at;
	struct str where;
	bool is_used;
};

#define DIAG_MOST_SHOWN 50
#define DIAG_MOST_KEPT 10000 /* a bound on memory, not on what is counted */

struct diags {
	struct arena *arena;      /* borrowed */
	struct source *sources;   /* [0] is unused */
	size_t n_sources, cap_sources;
	struct diag *at;
	size_t n, cap;
	size_t n_errors, n_warnings;
	size_t n_dropped;         /* counted above but not kept: beyond DIAG_MOST_KEPT */
	struct diag_allowed *allowed;
	size_t n_allowed, cap_allowed;
	size_t first;             /* the first diagnostic of the configuration at hand */
	bool is_muted;            /* the last report was an allowed warning: its notes go nowhere, too */
	bool warnings_as_errors;  /* set by the cli before the first pass */
	bool strict;              /* --strict: some warnings are errors, see diag.def */
};

void diag_init(struct diags *d, struct arena *a);
/* Registers a text; returns its number, > 0. The text is borrowed for the arena's life; a UTF-8 BOM in front is left out. */
uint32_t diag_add_source(struct diags *d, struct str name, struct str text);
/* 1-based line and column (columns count UTF-8 code points, a tab is one). */
void diag_place(const struct diags *d, struct span s, uint32_t *line_out, uint32_t *column_out);
/* The line that byte `at` (at most the text's length) is in, without its end. */
struct str diag_line(const struct source *s, uint32_t at);
/* "gateway.yaml:14:13", or "" for no place. */
struct str diag_place_str(const struct diags *d, struct arena *a, struct span s);

/* Reports with the severity of the id. The where line is empty. */
void diag_report(struct diags *d, enum diag_id id, struct span at, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void diag_vreport(struct diags *d, enum diag_id id, struct span at, const char *format, va_list args)
	__attribute__((format(printf, 4, 0)));
/* Both belong to the diagnostic that was reported last. */
void diag_note(struct diags *d, struct span at, const char *format, ...) __attribute__((format(printf, 3, 4)));
void diag_where(struct diags *d, struct str path);
/* False when more has been reported than is shown by far: what was meant need not be looked for then, among ten thousand names. */
bool diag_wants_notes(const struct diags *d);

bool diag_failed(const struct diags *d);

/* "did you mean": of `names`, the nearest to `name` if it is near enough, or STR_NONE. */
struct str diag_nearest(struct str name, const struct str *names, size_t n_names);
