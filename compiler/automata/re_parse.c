/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The regex parser: RE2's syntax, as a language of whole strings. Recursive descent over
 *
 *   choice = chain { "|" chain }      chain = { item [ repetition ] }
 *   item   = character | "." | class | escape | group
 *
 * Greed and groups do not change a language: only re_parse_groups, which is for capture.c, keeps
 * them. */
#include <string.h>

#include "automata/re_parser.h"
#include "base/check.h"
#include "base/str.h"

#define TEXT_MAX 16384
#define DEPTH_MAX 200
#define COUNT_MAX 1000
#define SIZE_LIMIT 100000 /* NFA nodes of the whole pattern */

static const struct { struct str start; const char *what; } refused_groups[] = {
	{ STR_INIT("(?="), "look-ahead is not supported" },
	{ STR_INIT("(?!"), "look-ahead is not supported" },
	{ STR_INIT("(?<="), "look-behind is not supported" },
	{ STR_INIT("(?<!"), "look-behind is not supported" },
	{ STR_INIT("(?>"), "an atomic group is not supported" },
	{ STR_INIT("(?P="), "a back-reference is not regular" },
	{ STR_INIT("(?P>"), "recursion is not regular" },
	{ STR_INIT("(?R"), "recursion is not regular" },
	{ STR_INIT("(?&"), "recursion is not regular" },
	{ STR_INIT("(?("), "a conditional group is not supported" },
	{ STR_INIT("(?#"), "a comment group is not supported" },
	{ STR_INIT("(?|"), "a branch-reset group is not supported" },
	{ STR_INIT("(*"), "a verb such as (*SKIP) is not supported" },
};

void *re_parser_fail(struct re_parser *p, size_t from, size_t to, const char *what)
{
	if (!p->failed)
		p->error = (struct re_error){ what, (uint32_t)from, (uint32_t)(to - from) };
	p->failed = true;
	return NULL;
}

static struct re *parse_choice(struct re_parser *p, bool at_start);

static struct re *literal_of(struct re_parser *p, size_t from, uint32_t cp)
{
	char bytes[4];
	size_t len = cp_encode(cp, bytes);

	if (cp == 0)
		return re_parser_fail(p, from, p->at, "a NUL never occurs in what is matched");
	if (p->nocase && cp >= 0x80)
		return re_parser_fail(p, from, p->at, "(?i) covers ASCII letters only");
	return re_literal(p->arena, (struct str){ bytes, len }, p->nocase);
}

static struct re *parse_dot(struct re_parser *p)
{
	struct cp_set set = { 0 };

	p->at++;
	cp_set_add(p->arena, &set, 0, CODE_POINT_MAX);
	if (!p->dot_all) {
		set.n = 0;
		cp_set_add(p->arena, &set, '\n', '\n');
		cp_set_negate(p->arena, &set);
	}
	return cp_set_to_re(p->arena, &set);
}

static struct re *parse_escape(struct re_parser *p)
{
	size_t from = p->at;
	struct re_escape e;

	if (!re_parser_escape(p, false, &e))
		return NULL;
	return e.is_set ? cp_set_to_re(p->arena, &e.set) : literal_of(p, from, e.code_point);
}

/* The name of (?P<name> or (?<name>; p->at is at its "<". */
static bool parse_group_name(struct re_parser *p, size_t from)
{
	size_t first = ++p->at;
	char c = re_parser_peek(p, 0);

	while ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'
	       || (c >= '0' && c <= '9' && p->at > first)) {
		p->at++;
		c = re_parser_peek(p, 0);
	}
	if (c != '>' || p->at == first)
		return re_parser_fail(p, from, p->at, "a group name is letters, digits and '_', and ends in '>'");
	p->at++;
	return true;
}

/* (?flags) or (?flags: with p->at at the flags; leaves p->at behind the ")" or ":". */
static bool parse_flags(struct re_parser *p, size_t from, bool *is_group_out)
{
	bool on = true;
	size_t n = 0;

	for (;; n++) {
		char c = re_parser_peek(p, 0);

		if (n > 0 && (c == ')' || c == ':'))
			break;
		p->at += !re_parser_at_end(p) && (unsigned char)c < 0x80;
		if (c == '-' && on) {
			on = false;
			continue;
		}
		if (c == 'm' && on)
			return re_parser_fail(p, from, p->at, "(?m) has no meaning in a pattern for a whole string");
		if (c == 'x' && on)
			return re_parser_fail(p, from, p->at, "(?x) is not supported");
		if (c == '\0' || strchr("imsUx", c) == NULL)
			return re_parser_fail(p, from, p->at, "an unknown kind of group or flag");
		if (c == 'i')
			p->nocase = on;
		if (c == 's')
			p->dot_all = on;
		if (c == 'U')
			p->lazy = on;
	}
	*is_group_out = re_parser_peek(p, 0) == ':';
	p->at++;
	return true;
}

/* What stands behind "(": a name, flags, nothing. *is_group_out: a choice and ")" follow; *has_number_out: what it takes counts. */
static bool parse_group_head(struct re_parser *p, bool *is_group_out, bool *has_number_out)
{
	size_t from = p->at;
	char c;

	*is_group_out = *has_number_out = true;
	for (size_t i = 0; i < ARRAY_LEN(refused_groups); i++)
		if (re_parser_sees(p, refused_groups[i].start))
			return re_parser_fail(p, from, from + refused_groups[i].start.len, refused_groups[i].what);
	p->at++;
	if (re_parser_peek(p, 0) != '?')
		return true;
	p->at++;
	c = re_parser_peek(p, 0);
	if ((c >= '0' && c <= '9') || c == '+')
		return re_parser_fail(p, from, p->at + 1, "recursion is not regular");
	if (c == '<')
		return parse_group_name(p, from);
	if (re_parser_sees(p, STR("P<"))) {
		p->at++;
		return parse_group_name(p, from);
	}
	*has_number_out = false;
	if (c == ':') {
		p->at++;
		return true;
	}
	return parse_flags(p, from, is_group_out);
}

/* Also (?flags), which holds until the group around it ends; then *is_group_out is false. */
static struct re *parse_group(struct re_parser *p, bool at_start, bool *is_group_out)
{
	size_t from = p->at;
	bool nocase = p->nocase, dot_all = p->dot_all, lazy = p->lazy, has_number;
	unsigned number;
	struct re *x;

	if (!parse_group_head(p, is_group_out, &has_number))
		return NULL;
	if (!*is_group_out)
		return re_empty(p->arena);
	if (++p->depth > DEPTH_MAX)
		return re_parser_fail(p, from, p->at, "groups are nested too deep");
	number = p->n_groups += has_number;
	x = parse_choice(p, at_start);
	if (x == NULL)
		return NULL;
	if (re_parser_at_end(p))
		return re_parser_fail(p, from, from + 1, "a group without its ')'");
	p->at++;
	p->depth--;
	p->nocase = nocase;
	p->dot_all = dot_all;
	p->lazy = lazy;
	if (p->groups && has_number)
		x = re_cat(p->arena, re_cat(p->arena, re_mark(p->arena, 2 * number), x),
			re_mark(p->arena, 2 * number + 1));
	return x;
}

static bool take_count(struct re_parser *p, unsigned *n_out)
{
	size_t from = p->at;

	*n_out = 0;
	for (; re_parser_peek(p, 0) >= '0' && re_parser_peek(p, 0) <= '9'; p->at++)
		if (*n_out <= COUNT_MAX)
			*n_out = *n_out * 10 + (unsigned)(re_parser_peek(p, 0) - '0');
	return p->at > from;
}

/* {n} {n,} {n,m} */
static bool parse_counts(struct re_parser *p, unsigned *min_out, int *max_out)
{
	size_t from = p->at++;
	unsigned max;
	bool ok = take_count(p, min_out);

	max = *min_out;
	*max_out = 0;
	if (ok && re_parser_peek(p, 0) == ',') {
		p->at++;
		if (!take_count(p, &max))
			*max_out = -1;
	}
	if (!ok || re_parser_peek(p, 0) != '}')
		return re_parser_fail(p, from, p->at, "a repeat count is {n}, {n,} or {n,m}; a brace itself is \\{");
	p->at++;
	if (*min_out > COUNT_MAX || (*max_out == 0 && max > COUNT_MAX))
		return re_parser_fail(p, from, p->at, "a repeat count above 1000");
	if (*max_out == 0) {
		if (max < *min_out)
			return re_parser_fail(p, from, p->at, "a repeat count whose ends are in the wrong order");
		*max_out = (int)max;
	}
	return true;
}

static bool sees_repetition(const struct re_parser *p)
{
	char c = re_parser_peek(p, 0);

	return c == '*' || c == '+' || c == '?' || c == '{';
}

/* x with the repetition that follows it, if one does. */
static struct re *parse_repetition(struct re_parser *p, struct re *x, bool has_anchor)
{
	size_t from = p->at;
	char c = re_parser_peek(p, 0);
	unsigned min = c == '+';
	int max = c == '?' ? 1 : -1;
	bool lazy = p->lazy;
	struct re *body = x;

	if (x == NULL || !sees_repetition(p))
		return x;
	if (c != '{')
		p->at++;
	else if (!parse_counts(p, &min, &max))
		return NULL;
	if (has_anchor)
		return re_parser_fail(p, from, p->at, "what is repeated cannot hold an anchor");
	if (re_parser_peek(p, 0) == '+')
		return re_parser_fail(p, from, p->at + 1, "a possessive repetition is not supported");
	if (re_parser_peek(p, 0) == '?') {
		p->at++;
		lazy = !lazy;
	}
	if (sees_repetition(p))
		return re_parser_fail(p, from, p->at + 1, "a repetition of a repetition; put the inner one in (?:...)");
	x = re_repeat(p->arena, body, min, max);
	if (x != NULL && x != body && x->kind == RE_REPEAT)
		x->lazy = lazy;
	if (x != NULL && x->size > SIZE_LIMIT)
		return re_parser_fail(p, from, p->at, "the repetitions make the pattern too large");
	return x;
}

static struct re *parse_item(struct re_parser *p, bool at_start, bool *is_item_out)
{
	size_t from = p->at;

	*is_item_out = true;
	switch (re_parser_peek(p, 0)) {
	case '*':
	case '+':
	case '?':
		return re_parser_fail(p, from, from + 1, "a repetition of nothing");
	case '{':
		return re_parser_fail(p, from, from + 1, "a brace that repeats nothing; a brace itself is \\{");
	case '(':
		return parse_group(p, at_start, is_item_out);
	case '[':
		return re_parser_class(p);
	case '.':
		return parse_dot(p);
	case '\\':
		return parse_escape(p);
	default:
		return literal_of(p, from, re_parser_take(p));
	}
}

/* Takes an anchor if one is here. False if none is; a misplaced one also fails the parse. */
static bool take_anchor(struct re_parser *p, bool may_start)
{
	bool escaped = re_parser_peek(p, 0) == '\\';
	char c = re_parser_peek(p, escaped);
	size_t from = p->at;

	if (escaped ? c != 'A' && c != 'z' : c != '^' && c != '$')
		return false;
	p->at += 1u + escaped;
	p->n_anchors++;
	if (c == '$' || c == 'z')
		p->end_anchor = from;
	else if (!may_start)
		re_parser_fail(p, from, p->at, "the start anchor is allowed at the start only");
	return true;
}

/* A chain being built. Neighbouring characters are gathered, so that they become one literal. */
struct chain {
	struct re *x;
	bool nocase;
	char *at;
	size_t n, cap;
};

static void flush_literal(struct re_parser *p, struct chain *c)
{
	if (c->n > 0)
		c->x = re_cat(p->arena, c->x, re_literal(p->arena, (struct str){ c->at, c->n }, c->nocase));
	c->n = 0;
}

static void add_to_chain(struct re_parser *p, struct chain *c, struct re *x)
{
	bool is_literal = x != NULL && x->kind == RE_LITERAL;

	if (!is_literal || x->nocase != c->nocase)
		flush_literal(p, c);
	if (!is_literal) {
		c->x = re_cat(p->arena, c->x, x);
		return;
	}
	c->nocase = x->nocase;
	for (size_t i = 0; i < x->literal.len; i++)
		vec_push(p->arena, c, x->literal.ptr[i]);
}

/* \Q...\E, or up to the end. A repetition behind it takes the last character. */
static void parse_quoted(struct re_parser *p, struct chain *c)
{
	bool closed = false;

	p->at += 2;
	while (!p->failed && !closed && !re_parser_at_end(p)) {
		size_t from = p->at;
		struct re *x = re_empty(p->arena);

		if (!re_parser_sees(p, STR("\\E")))
			x = literal_of(p, from, re_parser_take(p));
		closed = re_parser_sees(p, STR("\\E"));
		if (closed)
			p->at += 2;
		if (closed && x != NULL)
			x = parse_repetition(p, x, false);
		add_to_chain(p, c, x);
	}
}

static bool chain_goes_on(const struct re_parser *p)
{
	return !p->failed && !re_parser_at_end(p)
		&& re_parser_peek(p, 0) != '|' && re_parser_peek(p, 0) != ')';
}

static struct re *parse_chain(struct re_parser *p, bool at_start)
{
	struct chain chain = { .x = re_empty(p->arena) };
	bool is_item = true;

	p->end_anchor = NO_ANCHOR;
	while (chain_goes_on(p)) {
		size_t n_anchors = p->n_anchors;
		struct re *x;

		if (take_anchor(p, at_start))
			continue;
		if (p->end_anchor != NO_ANCHOR)
			return re_parser_fail(p, p->end_anchor, p->end_anchor + 1,
				"the end anchor is allowed at the end only");
		if (re_parser_sees(p, STR("\\Q"))) {
			parse_quoted(p, &chain);
			at_start = false;
			continue;
		}
		x = parse_item(p, at_start, &is_item);
		if (is_item) {
			x = parse_repetition(p, x, p->n_anchors != n_anchors);
			at_start = false;
		}
		add_to_chain(p, &chain, x);
	}
	flush_literal(p, &chain);
	return p->failed ? NULL : chain.x;
}

static struct re *parse_choice(struct re_parser *p, bool at_start)
{
	struct re *choice = NULL;
	size_t end_anchor = NO_ANCHOR;

	for (;;) {
		struct re *x = parse_chain(p, at_start);

		choice = choice == NULL ? x : re_alt(p->arena, choice, x);
		if (p->end_anchor != NO_ANCHOR)
			end_anchor = p->end_anchor;
		if (choice == NULL || re_parser_peek(p, 0) != '|')
			break;
		p->at++;
	}
	p->end_anchor = end_anchor;
	return choice;
}

static struct re *parse(struct re_parser *p, struct re_error *error_out)
{
	struct str text = p->text;
	size_t n_valid = text.len > TEXT_MAX ? 0 : str_utf8_valid(text);
	struct re *x = NULL;

	if (text.len > TEXT_MAX)
		re_parser_fail(p, TEXT_MAX, TEXT_MAX, "a pattern of more than 16384 bytes");
	else if (n_valid < text.len)
		re_parser_fail(p, n_valid, n_valid + 1, "a byte that is not UTF-8");
	else
		x = parse_choice(p, true);
	if (x != NULL && !re_parser_at_end(p))
		x = re_parser_fail(p, p->at, p->at + 1, "a ')' without its '('");
	if (x != NULL && x->size > SIZE_LIMIT)
		x = re_parser_fail(p, 0, text.len, "the pattern is too large");
	if (x == NULL && !p->failed)
		re_parser_fail(p, 0, text.len, "not enough memory for the pattern");
	*error_out = p->error;
	return x;
}

struct re *re_parse(struct arena *a, struct str text, struct re_error *error_out)
{
	struct re_parser p = { .arena = a, .text = text };

	return parse(&p, error_out);
}

struct re *re_parse_groups(struct arena *a, struct str text, unsigned *n_groups_out, struct re_error *error_out)
{
	struct re_parser p = { .arena = a, .text = text, .groups = true };
	struct re *x = parse(&p, error_out);

	*n_groups_out = p.n_groups;
	return x;
}
