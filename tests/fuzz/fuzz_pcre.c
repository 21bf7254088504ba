/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Holds the regex engine to PCRE2 on the syntax that both have. The input is a regex, a newline, and texts, a line each. Both must
 * agree on what is taken as a whole, and the program for captures on what each group took.
 *
 * Left out, since the two differ on purpose: UTF-8 (texts here are ASCII), and what PCRE2 alone parses, or parses otherwise (see
 * is_common). Groups are not compared where a group is repeated whose body can be empty: PCRE2 takes an empty turn there. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdint.h>
#include <string.h>

#include "automata/capture_build.h"
#include "automata/re.h"
#include "base/capture.h"
#include "base/check.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BUDGET      3000u
#define MATCH_LIMIT 20000u

/* PCRE2's own escapes that this engine refuses would make both refuse; what is listed here is taken by both, with other meanings:
 * anchors and "\Q" inside, "\pX", classes of classes, "\v" (one character here, a class there), quantifiers such as "{,3}" (text in
 * older PCRE2), and octal escapes and names. */
static bool is_common(struct str regex)
{
	for (size_t i = 0; i < regex.len; i++) {
		unsigned char c = (unsigned char)regex.ptr[i], next = i + 1 < regex.len ? (unsigned char)regex.ptr[i + 1] : 0;

		if (c == '\\' && strchr("nrtfdDwWsS.*+?()[]{}|^$-/", next) == NULL)
			return false;
		if (c < 0x20 || c >= 0x7f || (c == '[' && next == ':') || (c == '{' && next == ','))
			return false;
		if (c == '(' && next == '?' && (i + 2 >= regex.len || strchr(":i", regex.ptr[i + 2]) == NULL))
			return false;
		i += c == '\\';
	}
	return true;
}

/* A repetition of what may be empty and holds a group. */
static bool has_group(const struct re *x)
{
	switch (x->kind) {
	case RE_MARK:
		return true;
	case RE_CAT:
	case RE_ALT:
		return has_group(x->left) || has_group(x->right);
	case RE_REPEAT:
		return has_group(x->body);
	default:
		return false;
	}
}

static bool repeats_nothing(const struct re *x)
{
	switch (x->kind) {
	case RE_CAT:
	case RE_ALT:
		return repeats_nothing(x->left) || repeats_nothing(x->right);
	case RE_REPEAT:
		return (x->body->min_len == 0 && has_group(x->body)) || repeats_nothing(x->body);
	default:
		return false;
	}
}

struct both {
	struct arena arena;
	pcre2_code *code;
	pcre2_match_data *found;
	pcre2_match_context *context;
	struct toron_capture program;
	bool has_program, compares_groups;
	struct dfa dfa;
};

static void compare_groups(const struct both *b, const struct str *groups, struct str text)
{
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(b->found);

	for (uint32_t i = 1; i <= b->program.n_groups; i++) {
		if (groups[i].ptr == NULL) {
			CHECK(i >= pcre2_get_ovector_count(b->found) || at[2 * i] == PCRE2_UNSET);
			continue;
		}
		CHECK(at[2 * i] == (PCRE2_SIZE)(groups[i].ptr - text.ptr));
		CHECK(at[2 * i + 1] == at[2 * i] + groups[i].len);
	}
}

static void compare(const struct both *b, struct str text)
{
	struct str groups[TORON_CAPTURE_GROUPS + 1];
	int n;

	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] >= 0x80 || text.ptr[i] == 0)
			return;
	n = pcre2_match(b->code, (PCRE2_SPTR)text.ptr, text.len, 0, 0, b->found, b->context);
	if (n < 0 && n != PCRE2_ERROR_NOMATCH)
		return;
	CHECK((dfa_match(&b->dfa, text) != 0) == (n > 0));
	if (!b->has_program)
		return;
	CHECK(capture_run(&b->program, text, groups) == (n > 0));
	if (n > 0 && b->compares_groups)
		compare_groups(b, groups, text);
}

static bool compile(struct both *b, struct str regex)
{
	struct re_error error;
	unsigned n_groups;
	uint32_t culprit;
	PCRE2_SIZE at;
	int code;
	struct re *x = re_parse(&b->arena, regex, &error);

	if (x == NULL || dfa_build(&b->arena, &x, 1, BUDGET, &b->dfa, &culprit) != DFA_OK)
		return false;
	b->code = pcre2_compile((PCRE2_SPTR)regex.ptr, regex.len, PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY,
		&code, &at, NULL);
	/* Limits of its own aside, it takes what is taken here. */
	if (b->code == NULL)
		return false;
	b->has_program = capture_build(&b->arena, regex, &b->program, &error) == CAPTURE_OK;
	x = re_parse_groups(&b->arena, regex, &n_groups, &error);
	b->compares_groups = !repeats_nothing(x);
	b->found = pcre2_match_data_create_from_pattern(b->code, NULL);
	b->context = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(b->context, MATCH_LIMIT);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size }, line;
	struct both b = { .code = NULL };

	if (size > 500 || !str_split(&rest, '\n', &line) || line.len == 0 || !is_common(line))
		return 0;
	arena_init_unbounded(&b.arena);
	if (compile(&b, line)) {
		while (str_split(&rest, '\n', &line))
			compare(&b, line.len == 0 ? STR("") : line);
		pcre2_match_data_free(b.found);
		pcre2_match_context_free(b.context);
	}
	pcre2_code_free(b.code);
	arena_fini(&b.arena);
	return 0;
}
