/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Turns collected diagnostics into text: for people, for programs, for code hosts.
 *
 * Called once by the cli, at the end. All forms show the same list: sorted by place, exact
 * duplicates dropped, at most DIAG_MOST_SHOWN; the rest is counted. Nothing here prints. What
 * users wrote (messages, names, source lines) is shown without control characters, so that a
 * document cannot drive a terminal or a log. */
#pragma once

#include "base/str.h"
#include "diag/diag.h"

enum render_format {
	RENDER_TEXT,   /* the GNU form with the source line and a caret underline */
	RENDER_JSON,   /* one object: {"diagnostics": [...], "errors": n, "warnings": n, "not_shown": n} */
	RENDER_SARIF,  /* SARIF 2.1.0 (OASIS), columns in code points */
	RENDER_GITHUB, /* workflow commands: "::error file=...,line=...::message" */
};

/* "text", "json", "sarif", "github"; false if none of these. */
bool render_format_of(struct str name, enum render_format *format_out);

struct render_options {
	enum render_format format;
	bool colour;             /* ANSI colours, text only; the caller knows about terminals and NO_COLOR */
	const char *version;     /* of toronc, for SARIF; NULL: left out */
};

void render_diags(struct sbuf *out, const struct diags *d, const struct render_options *options);

/* The list that all forms show. */
struct render_list {
	const struct diag **at;
	size_t n;
	size_t n_hidden;             /* beyond the cap */
	size_t n_errors, n_warnings; /* without duplicates, hidden ones included */
};

struct render_list render_sorted(const struct diags *d);

/* The forms for programs (diag/render_data.c). */
void render_json(struct sbuf *out, const struct diags *d, const struct render_list *list);
void render_sarif(struct sbuf *out, const struct diags *d, const struct render_list *list, const char *version);
void render_github(struct sbuf *out, const struct diags *d, const struct render_list *list);
