/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Escapes and classes of the regex syntax. \d \w \s and [[:alpha:]] are ASCII, as in RE2. */
#include <string.h>

#include "automata/re_parser.h"
#include "base/check.h"
#include "base/str.h"

#define CLASS_RANGES 4

struct named_class {
	const char *name;
	struct cp_range ranges[CLASS_RANGES];
	size_t n;
};

static const struct named_class posix_classes[] = {
	{ "alnum", { { '0', '9' }, { 'A', 'Z' }, { 'a', 'z' } }, 3 },
	{ "alpha", { { 'A', 'Z' }, { 'a', 'z' } }, 2 },
	{ "ascii", { { 0, 0x7f } }, 1 },
	{ "blank", { { '\t', '\t' }, { ' ', ' ' } }, 2 },
	{ "cntrl", { { 0, 0x1f }, { 0x7f, 0x7f } }, 2 },
	{ "digit", { { '0', '9' } }, 1 },
	{ "graph", { { '!', '~' } }, 1 },
	{ "lower", { { 'a', 'z' } }, 1 },
	{ "print", { { ' ', '~' } }, 1 },
	{ "punct", { { '!', '/' }, { ':', '@' }, { '[', '`' }, { '{', '~' } }, 4 },
	{ "space", { { '\t', '\r' }, { ' ', ' ' } }, 2 },
	{ "upper", { { 'A', 'Z' } }, 1 },
	{ "word", { { '0', '9' }, { 'A', 'Z' }, { '_', '_' }, { 'a', 'z' } }, 4 },
	{ "xdigit", { { '0', '9' }, { 'A', 'F' }, { 'a', 'f' } }, 3 },
};

static const struct named_class perl_classes[] = {
	{ "d", { { '0', '9' } }, 1 },
	{ "s", { { '\t', '\n' }, { '\f', '\r' }, { ' ', ' ' } }, 3 },
	{ "w", { { '0', '9' }, { 'A', 'Z' }, { '_', '_' }, { 'a', 'z' } }, 4 },
};

/* Escapes that are no regular language, or that this syntax leaves out, each with its reason. */
static const struct { char letter; const char *what; } refused_escapes[] = {
	{ 'b', "a word boundary \\b is not supported" },
	{ 'B', "a non-boundary \\B is not supported" },
	{ 'G', "\\G has no meaning in a pattern for a whole string" },
	{ 'K', "\\K has no meaning in a pattern for a whole string" },
	{ 'Z', "\\Z is not supported; a pattern takes the whole string anyway" },
	{ 'A', "the start anchor is allowed at the start only" },
	{ 'z', "the end anchor is allowed at the end only" },
	{ 'k', "a back-reference is not regular" },
	{ 'g', "a back-reference is not regular" },
	{ 'p', "Unicode properties are not supported" },
	{ 'P', "Unicode properties are not supported" },
	{ 'X', "\\X is not supported" },
	{ 'R', "\\R is not supported" },
	{ 'C', "\\C is not supported" },
	{ 'N', "\\N is not supported" },
	{ 'Q', "\\Q is not allowed in a class" },
	{ 'E', "\\E without \\Q" },
};

static const char control_escapes[] = "a\af\fn\nr\rt\tv\v";

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

uint32_t re_parser_take(struct re_parser *p)
{
	const unsigned char *s = (const unsigned char *)p->text.ptr + p->at;
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	uint32_t cp = len == 1 ? s[0] : s[0] & (0xffu >> (len + 1));

	for (size_t i = 1; i < len; i++)
		cp = cp << 6 | (s[i] & 0x3f);
	p->at += len;
	return cp;
}

/* \xHH or \x{H...}, with p->at behind the x. */
static bool take_hex(struct re_parser *p, size_t from, uint32_t *cp_out)
{
	bool braced = re_parser_peek(p, 0) == '{';
	uint32_t cp = 0;
	int n = 0;

	p->at += braced;
	for (int digit; (braced || n < 2) && (digit = hex_digit(re_parser_peek(p, 0))) >= 0; n++) {
		cp = cp << 4 | (uint32_t)digit;
		p->at++;
		if (cp > CODE_POINT_MAX)
			return re_parser_fail(p, from, p->at, "a code point above 10FFFF");
	}
	if (n == 0 || (braced ? re_parser_peek(p, 0) != '}' : n != 2))
		return re_parser_fail(p, from, p->at, "a hexadecimal escape is written \\xHH or \\x{H...}");
	p->at += braced;
	if (cp >= 0xd800 && cp <= 0xdfff)
		return re_parser_fail(p, from, p->at, "a surrogate is not a character");
	*cp_out = cp;
	return true;
}

/* \0, \012 and \123; p->at is at the first digit. */
static bool take_octal(struct re_parser *p, size_t from, uint32_t *cp_out)
{
	char first = re_parser_peek(p, 0), second = re_parser_peek(p, 1);
	uint32_t cp = 0;

	if (first != '0' && (first > '7' || second < '0' || second > '7'))
		return re_parser_fail(p, from, p->at + 1, "a back-reference is not regular");
	for (int n = 0; n < 3 && re_parser_peek(p, 0) >= '0' && re_parser_peek(p, 0) <= '7'; n++)
		cp = cp * 8 + (uint32_t)(p->text.ptr[p->at++] - '0');
	*cp_out = cp;
	return true;
}

static bool take_perl_class(struct re_parser *p, char letter, struct cp_set *out)
{
	for (size_t i = 0; i < ARRAY_LEN(perl_classes); i++) {
		const struct named_class *c = &perl_classes[i];

		if (c->name[0] != (letter | 0x20))
			continue;
		for (size_t j = 0; j < c->n; j++)
			cp_set_add(p->arena, out, c->ranges[j].low, c->ranges[j].high);
		if (letter < 'a')
			cp_set_negate(p->arena, out);
		return true;
	}
	return false;
}

static bool fail_escape(struct re_parser *p, size_t from, char letter)
{
	for (size_t i = 0; i < ARRAY_LEN(refused_escapes); i++)
		if (refused_escapes[i].letter == letter)
			return re_parser_fail(p, from, p->at, refused_escapes[i].what);
	return re_parser_fail(p, from, p->at, "an unknown escape");
}

bool re_parser_escape(struct re_parser *p, bool in_class, struct re_escape *out)
{
	size_t from = p->at++;
	const char *control;
	char c;

	*out = (struct re_escape){ 0 };
	if (re_parser_at_end(p))
		return re_parser_fail(p, from, p->at, "a backslash at the end of the pattern");
	c = re_parser_peek(p, 0);
	if (c >= '0' && c <= '9')
		return take_octal(p, from, &out->code_point);
	out->code_point = re_parser_take(p);
	if (out->code_point >= 0x80)
		return re_parser_fail(p, from, p->at, "an unknown escape");
	if (in_class && c == 'b')
		return re_parser_fail(p, from, p->at, "\\b is not allowed in a class");
	if (c == 'x')
		return take_hex(p, from, &out->code_point);
	for (control = control_escapes; *control != '\0'; control += 2)
		if (*control == c) {
			out->code_point = (unsigned char)control[1];
			return true;
		}
	if (hex_digit(c) < 0 && !(c >= 'g' && c <= 'z') && !(c >= 'G' && c <= 'Z'))
		return true; /* punctuation stands for itself */
	out->is_set = take_perl_class(p, c, &out->set);
	return out->is_set ? true : fail_escape(p, from, c);
}

/* [:name:] or [:^name:]; p->at is at its "[". */
static bool take_posix_class(struct re_parser *p, struct cp_set *out)
{
	size_t from = p->at;
	bool negated = re_parser_peek(p, 2) == '^';
	struct str rest = str_slice(p->text, from + 2 + negated, SIZE_MAX);
	struct cp_set named = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(posix_classes); i++) {
		const struct named_class *c = &posix_classes[i];
		size_t len = strlen(c->name);

		if (!str_starts(rest, str_of(c->name)) || !str_starts(str_slice(rest, len, 2), STR(":]")))
			continue;
		for (size_t j = 0; j < c->n; j++)
			cp_set_add(p->arena, &named, c->ranges[j].low, c->ranges[j].high);
		if (negated)
			cp_set_negate(p->arena, &named);
		p->at += 2 + negated + len + 2;
		return cp_set_add_all(p->arena, out, &named);
	}
	while (!re_parser_at_end(p) && re_parser_peek(p, 0) != ']')
		p->at++;
	return re_parser_fail(p, from, p->at + !re_parser_at_end(p), "an unknown class name");
}

/* One end of a range, or a whole escaped class. */
static bool take_member(struct re_parser *p, struct re_escape *out)
{
	*out = (struct re_escape){ 0 };
	if (re_parser_peek(p, 0) == '\\')
		return re_parser_escape(p, true, out);
	out->code_point = re_parser_take(p);
	return true;
}

static bool take_range(struct re_parser *p, struct cp_set *set)
{
	size_t from = p->at;
	struct re_escape low, high;

	if (!take_member(p, &low))
		return false;
	if (low.is_set)
		return cp_set_add_all(p->arena, set, &low.set);
	high = low;
	if (re_parser_peek(p, 0) == '-' && re_parser_peek(p, 1) != ']' && p->text.len - p->at > 1) {
		p->at++;
		if (!take_member(p, &high))
			return false;
		if (high.is_set)
			return re_parser_fail(p, from, p->at, "a range cannot end in a class");
	}
	if (high.code_point < low.code_point)
		return re_parser_fail(p, from, p->at, "a range whose ends are in the wrong order");
	if (p->nocase && high.code_point >= 0x80 && high.code_point != CODE_POINT_MAX)
		return re_parser_fail(p, from, p->at, "(?i) covers ASCII letters only");
	return cp_set_add(p->arena, set, low.code_point, high.code_point);
}

struct re *re_parser_class(struct re_parser *p)
{
	size_t from = p->at++, first;
	bool negated = re_parser_peek(p, 0) == '^';
	struct cp_set set = { 0 };
	struct re *x;

	p->at += negated;
	for (first = p->at; re_parser_peek(p, 0) != ']' || p->at == first;) {
		bool ok;

		if (re_parser_at_end(p))
			return re_parser_fail(p, from, p->at, "a class without its ]");
		if (re_parser_sees(p, STR("[:")))
			ok = take_posix_class(p, &set);
		else
			ok = take_range(p, &set);
		if (!ok)
			return NULL;
	}
	p->at++;
	if (p->nocase)
		cp_set_fold_ascii(p->arena, &set);
	if (negated)
		cp_set_negate(p->arena, &set);
	x = cp_set_to_re(p->arena, &set);
	return x != NULL ? x : re_parser_fail(p, from, p->at, "a class that nothing is in");
}
