/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The regex parser at work, shared by re_parse.c (structure) and re_class.c (escapes and
 * classes). Every parse function returns false or NULL once something failed; the first failure
 * is kept in `error`. */
#pragma once

#include "automata/code_points.h"

#define NO_ANCHOR SIZE_MAX

struct re_parser {
	struct arena *arena; /* borrowed */
	struct str text;     /* valid UTF-8 */
	size_t at;
	bool nocase, dot_all, lazy; /* (?i), (?s), (?U) */
	bool groups;         /* groups become marks */
	unsigned n_groups;   /* that were opened so far */
	unsigned depth;      /* of open groups */
	size_t end_anchor;   /* where the $ stands behind which nothing may come, or NO_ANCHOR */
	size_t n_anchors;
	bool failed;
	struct re_error error;
};

/* What an escape stands for. */
struct re_escape {
	bool is_set;
	uint32_t code_point;
	struct cp_set set;
};

/* Records the failure of bytes [from, to); returns NULL. */
void *re_parser_fail(struct re_parser *p, size_t from, size_t to, const char *what);
/* Reads the escape at p->at, a backslash. Anchors (\A, \z) and \Q are not for here. */
bool re_parser_escape(struct re_parser *p, bool in_class, struct re_escape *out);
/* Reads the class at p->at, a "[". */
struct re *re_parser_class(struct re_parser *p);
/* Takes one code point. */
uint32_t re_parser_take(struct re_parser *p);

/* The byte `ahead` of p->at, or 0 at the end. */
static inline char re_parser_peek(const struct re_parser *p, size_t ahead)
{
	return p->text.len - p->at > ahead ? p->text.ptr[p->at + ahead] : '\0';
}

static inline bool re_parser_at_end(const struct re_parser *p)
{
	return p->at == p->text.len;
}

static inline bool re_parser_sees(const struct re_parser *p, struct str prefix)
{
	return p->text.len - p->at >= prefix.len
		&& __builtin_memcmp(p->text.ptr + p->at, prefix.ptr, prefix.len) == 0;
}
