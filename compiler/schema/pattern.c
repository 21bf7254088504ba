/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* automata/ matches whole strings. A search is `anything pattern anything`, less the side on
 * which an alternative is anchored; alternatives at the top are taken apart here, since each has
 * anchors of its own. */
#include "schema/pattern.h"

#include "base/str.h"

#define STATE_BUDGET 20000

struct pattern {
	struct arena *arena;
	struct re *re;
	struct dfa dfa;
	enum { PATTERN_FRESH, PATTERN_READY, PATTERN_TOO_LARGE } state;
};

/* The length of the alternative that `s` begins with: up to a '|' outside groups and classes. */
static size_t alternative_len(struct str s)
{
	unsigned depth = 0;
	bool in_class = false;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (c == '\\')
			i++;
		else if (in_class)
			in_class = c != ']';
		else if (c == '[')
			in_class = true;
		else if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (c == '|' && depth == 0)
			return i;
	}
	return s.len;
}

static bool ends_unescaped(struct str s)
{
	size_t slashes = 0;

	while (slashes < s.len && s.ptr[s.len - 1 - slashes] == '\\')
		slashes++;
	return slashes % 2 == 0;
}

static struct re *parse_alternative(
	struct arena *a, struct str s, size_t offset, struct re_error *error_out)
{
	bool at_start = s.len > 0 && s.ptr[0] == '^';
	bool at_end;
	struct re *re;

	if (at_start) {
		s = str_slice(s, 1, s.len);
		offset++;
	}
	at_end = s.len > 0 && s.ptr[s.len - 1] == '$' && ends_unescaped(str_slice(s, 0, s.len - 1));
	if (at_end)
		s.len--;
	re = s.len == 0 ? re_empty(a) : re_parse(a, s, error_out);
	if (re == NULL) {
		error_out->at += (uint32_t)offset;
		return NULL;
	}
	if (!at_start)
		re = re_cat(a, re_any_string(a), re);
	return at_end ? re : re_cat(a, re, re_any_string(a));
}

struct pattern *pattern_new(struct arena *a, struct str text, struct re_error *error_out)
{
	struct re *whole = NULL;
	size_t at = 0;

	for (;;) {
		struct str rest = str_slice(text, at, text.len);
		size_t len = alternative_len(rest);
		struct re *re = parse_alternative(a, str_slice(rest, 0, len), at, error_out);

		if (re == NULL)
			return NULL;
		whole = whole == NULL ? re : re_alt(a, whole, re);
		at += len;
		if (at >= text.len)
			break;
		at++;
	}

	struct pattern *p = ARENA_NEW(a, struct pattern);

	p->arena = a;
	p->re = whole;
	return p;
}

bool pattern_matches(struct pattern *p, struct str s)
{
	uint32_t culprit;

	if (p->state == PATTERN_FRESH) {
		enum dfa_status status =
			dfa_build(p->arena, &p->re, 1, STATE_BUDGET, &p->dfa, &culprit);

		p->state = status == DFA_OK ? PATTERN_READY : PATTERN_TOO_LARGE;
	}
	return p->state == PATTERN_TOO_LARGE || dfa_match(&p->dfa, s) != 0;
}
