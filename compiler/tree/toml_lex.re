/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The lexer of TOML 1.0. It knows whether a key or a value comes next: after "=", and in an
 * array, it is a value. The text ends in a NUL behind it and has none inside (build_init), so
 * that NUL means the end; CR occurs before LF only. */
#include "tree/toml_reader.h"

#include <math.h>

#include "base/str.h"
#include "tree/toml_parse.h"

/*!re2c
	re2c:define:YYCTYPE = "unsigned char";
	re2c:define:YYCURSOR = r->cursor;
	re2c:define:YYMARKER = marker;
	re2c:yyfill:enable = 0;

	blank = [ \t]+;
	newline = "\n" | "\r\n";
	comment = "#" [^\x00\r\n]*;
	plain = [^\x00-\x08\x0a-\x1f"\\\x7f];
	literal = [^\x00-\x08\x0a-\x1f'\x7f];
	digit = [0-9];
	hex = [0-9a-fA-F];
	digits = digit ("_"? digit)*;
	decimal = [-+]? ("0" | [1-9] ("_"? digit)*);
	exponent = [eE] [-+]? digits;
	date = digit{4} "-" digit{2} "-" digit{2};
	time = digit{2} ":" digit{2} ":" digit{2} ("." digit+)?;
	offset = [Zz] | [-+] digit{2} ":" digit{2};
*/

static struct span span_from(const struct toml_reader *r, const unsigned char *begin)
{
	return build_span(&r->build, (size_t)(begin - r->base), (size_t)(r->cursor - r->base));
}

static struct str text_from(const struct toml_reader *r, const unsigned char *begin)
{
	return (struct str){ (const char *)begin, (size_t)(r->cursor - begin) };
}

static int fail(struct toml_reader *r, const unsigned char *begin, const char *message)
{
	build_stop(&r->build, DIAG_TOML_SYNTAX, span_from(r, begin), "%s", message);
	return -1;
}

static int fail_line(struct toml_reader *r, const unsigned char *begin, const char *message)
{
	r->cursor = begin;
	while (r->cursor < r->limit && *r->cursor != '\n' && *r->cursor != '\r')
		r->cursor++;
	return fail(r, begin, message);
}

static int emit(const struct toml_reader *r, struct build_token *t, const unsigned char *begin, int token)
{
	t->span = span_from(r, begin);
	return token;
}

/* A value ended: in an array other values follow, elsewhere keys or the line's end. */
static int emit_value(struct toml_reader *r, struct build_token *t, const unsigned char *begin, int token)
{
	r->is_value_next = r->n_open > 0 && r->open[r->n_open - 1] == '[';
	return token < 0 ? token : emit(r, t, begin, token);
}

static int emit_open(struct toml_reader *r, struct build_token *t, const unsigned char *begin, int token)
{
	t->span = span_from(r, begin);
	if (!build_depth(&r->build, r->n_open + 1, t->span))
		return -1;
	r->open_at[r->n_open] = t->span;
	r->open[r->n_open++] = (char)*begin;
	r->is_value_next = *begin == '[';
	return token;
}

static int emit_close(struct toml_reader *r, struct build_token *t, const unsigned char *begin, int token)
{
	if (r->n_open > 0 && r->open[r->n_open - 1] == (*begin == ']' ? '[' : '{'))
		r->n_open--;
	return emit_value(r, t, begin, token);
}

/* ---- strings ---- */

/* The bytes up to the end of a basic string, at least: what it stands for is no longer. */
static size_t room_for(const struct toml_reader *r, bool multi)
{
	const unsigned char *p = r->cursor;

	while (p < r->limit) {
		if (*p == '\\' && p + 1 < r->limit)
			p++;
		else if (*p == '"' && (!multi || (p[1] == '"' && p[2] == '"')))
			break;
		else if (!multi && *p == '\n')
			break;
		p++;
	}
	return (size_t)(p - r->cursor) + 3;
}

static bool put_unicode(const unsigned char *begin, size_t n_digits, char *out, size_t *len)
{
	uint32_t code = 0;

	for (size_t i = 0; i < n_digits; i++) {
		unsigned char c = ascii_lower(begin[2 + i]);

		code = code << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return build_utf8(code, out, len);
}

static char short_escape(unsigned char letter)
{
	static const char from[] = "btnfr", to[] = "\b\t\n\f\r";
	const char *p = strchr(from, letter);

	return p == NULL ? (char)letter : to[p - from];
}

/* A basic string with escapes, or of several lines; the cursor is behind the opening quotes at
 * `begin`. */
static int lex_basic(struct toml_reader *r, const unsigned char *begin, struct build_token *t, bool multi)
{
	char *out = arena_bytes(r->build.arena, room_for(r, multi));
	size_t len = 0;

	for (;;) {
		const unsigned char *at = r->cursor, *marker = at;
/*!re2c
		plain+ {
			memcpy(out + len, at, (size_t)(r->cursor - at));
			len += (size_t)(r->cursor - at);
			continue;
		}
		["]{1,5} {
			size_t n = (size_t)(r->cursor - at), n_close = multi ? 3 : 1;

			if (!multi)
				r->cursor = at + 1;
			for (size_t i = 0; i < (n < n_close ? n : multi ? n - 3 : 0); i++)
				out[len++] = '"';
			if (n < n_close)
				continue;
			t->text = (struct str){ out, len };
			return multi ? TOML_TEXT : TOML_STRING;
		}
		newline {
			if (!multi)
				return fail_line(r, begin,
					"this string has no closing quote in its line; several lines go into three quotes");
			out[len++] = '\n';
			continue;
		}
		"\\" ["\\bfnrt] {
			out[len++] = short_escape(at[1]);
			continue;
		}
		"\\u" hex{4} | "\\U" hex{8} {
			if (!put_unicode(at, at[1] == 'u' ? 4 : 8, out, &len))
				return fail(r, at, "this escape is no Unicode character");
			continue;
		}
		"\\u" { return fail(r, at, "\\u needs four hexadecimal digits"); }
		"\\U" { return fail(r, at, "\\U needs eight hexadecimal digits"); }
		"\\" [ \t]* newline ([ \t] | newline)* {
			if (!multi)
				return fail_line(r, begin,
					"this string has no closing quote in its line");
			continue;
		}
		"\\" {
			r->cursor += r->cursor < r->limit;
			return fail(r, at,
				"there is no such escape; a backslash itself is written \\\\, or use single quotes");
		}
		"\x00" {
			r->cursor = begin + (multi ? 3 : 1);
			return fail(r, begin, "this string has no closing quotes");
		}
		* { return fail(r, at, "a control character in a string must be escaped"); }
*/
	}
}

/* Copies the literal from `first` to the cursor without the three closing quotes, lines ending in
 * LF. */
static int finish_literal(struct toml_reader *r, const unsigned char *first, struct build_token *t)
{
	char *out = arena_bytes(r->build.arena, (size_t)(r->cursor - first));
	size_t len = 0;

	for (const unsigned char *p = first; p < r->cursor - 3; p++) {
		if (*p != '\r')
			out[len++] = (char)*p;
	}
	t->text = (struct str){ out, len };
	return TOML_TEXT;
}

/* A literal string of several lines; the cursor is behind the opening quotes at `begin`. */
static int lex_literal(struct toml_reader *r, const unsigned char *begin, struct build_token *t)
{
	const unsigned char *first = r->cursor;

	for (;;) {
		const unsigned char *at = r->cursor;
/*!re2c
		literal+ | [\r\n] | [']{1,2} { continue; }
		[']{3,5} { return finish_literal(r, first, t); }
		"\x00" {
			r->cursor = begin + 3;
			return fail(r, begin, "this string has no closing quotes");
		}
		* {
			return fail(r, at,
				"a control character cannot stand in a string in single quotes");
		}
*/
	}
}

/* ---- numbers ---- */

static struct str without_underscores(struct toml_reader *r, struct str s)
{
	char *out = arena_bytes(r->build.arena, s.len);
	size_t len = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] != '_')
			out[len++] = s.ptr[i];
	}
	return (struct str){ out, len };
}

static int fail_range(struct toml_reader *r, const unsigned char *begin)
{
	build_stop(&r->build, DIAG_NUMBER_RANGE, span_from(r, begin), "number '" STR_FMT "' does not fit %s",
		STR_ARG(text_from(r, begin)), "64 bits");
	return -1;
}

static int lex_integer(struct toml_reader *r, const unsigned char *begin, struct build_token *t, unsigned base)
{
	struct str digits = without_underscores(r, text_from(r, begin));

	t->text = text_from(r, begin);
	if (!build_parse_int(base == 10 ? digits : str_slice(digits, 2, digits.len), base, &t->integer))
		return fail_range(r, begin);
	return TOML_INTEGER;
}

static int lex_float(struct toml_reader *r, const unsigned char *begin, struct build_token *t)
{
	t->text = text_from(r, begin);
	return build_parse_float(without_underscores(r, t->text), &t->real) ? TOML_FLOAT : fail_range(r, begin);
}

static int lex_special(struct toml_reader *r, const unsigned char *begin, struct build_token *t)
{
	t->text = text_from(r, begin);
	t->real = str_ends(t->text, STR("nan")) ? (double)NAN : (double)INFINITY;
	if (*begin == '-')
		t->real = -t->real;
	return TOML_FLOAT;
}

static int lex_time(struct toml_reader *r, const unsigned char *begin, struct build_token *t)
{
	const char *problem;

	t->text = text_from(r, begin);
	problem = toml_check_time(t->text);
	if (problem != NULL)
		build_stop(&r->build, DIAG_TOML_DATETIME, span_from(r, begin), "'" STR_FMT "': %s", STR_ARG(t->text), problem);
	return problem == NULL ? TOML_TIME : -1;
}

static int lex_boolean(struct toml_reader *r, const unsigned char *begin, struct build_token *t)
{
	t->text = text_from(r, begin);
	return TOML_BOOLEAN;
}

static int fail_word(struct toml_reader *r, const unsigned char *begin)
{
	struct str word = text_from(r, begin);
	size_t sign = *begin == '-' || *begin == '+';
	const char *hint = "a string goes into quotes";

	if (str_eq_nocase(word, STR("true")) || str_eq_nocase(word, STR("false")))
		hint = "true and false are written in lower case";
	else if (begin[sign] == '0' && begin[sign + 1] >= '0' && begin[sign + 1] <= '9')
		hint = "a number has no leading zeros";
	else if (begin[sign] >= '0' && begin[sign] <= '9')
		hint = "not a number, date or time; a value with a unit goes into quotes";
	build_stop(&r->build, DIAG_TOML_SYNTAX, span_from(r, begin), "unexpected '" STR_FMT "'; %s", STR_ARG(word), hint);
	return -1;
}

/* ---- tokens ---- */

static int lex_end(struct toml_reader *r, struct build_token *t, const unsigned char *begin)
{
	r->cursor = r->limit;
	return emit(r, t, begin, 0);
}

static int lex_newline(struct toml_reader *r, struct build_token *t, const unsigned char *begin)
{
	r->is_value_next = false;
	return emit(r, t, begin, TOML_NEWLINE);
}

static int lex_value(struct toml_reader *r, struct build_token *t)
{
	for (;;) {
		const unsigned char *begin = r->cursor, *marker = begin;
/*!re2c
		blank | comment { continue; }
		newline {
			if (r->n_open > 0)
				continue;
			return lex_newline(r, t, begin);
		}
		"[" { return emit_open(r, t, begin, TOML_ARRAY_BEGIN); }
		"]" { return emit_close(r, t, begin, TOML_ARRAY_END); }
		"{" { return emit_open(r, t, begin, TOML_INLINE_BEGIN); }
		"}" { return emit_close(r, t, begin, TOML_INLINE_END); }
		"," { return emit(r, t, begin, TOML_COMMA); }
		"=" { return emit(r, t, begin, TOML_EQUALS); }
		["] plain* ["] {
			t->text = (struct str){ (const char *)begin + 1, (size_t)(r->cursor - begin) - 2 };
			return emit_value(r, t, begin, TOML_STRING);
		}
		['] literal* ['] {
			t->text = (struct str){ (const char *)begin + 1, (size_t)(r->cursor - begin) - 2 };
			return emit_value(r, t, begin, TOML_STRING);
		}
		["] { return emit_value(r, t, begin, lex_basic(r, begin, t, false)); }
		["]{3} newline? { return emit_value(r, t, begin, lex_basic(r, begin, t, true)); }
		[']{3} newline? { return emit_value(r, t, begin, lex_literal(r, begin, t)); }
		['] {
			return fail_line(r, begin,
				"this string has no closing quote in its line; several lines go into three quotes");
		}
		"true" | "false" { return emit_value(r, t, begin, lex_boolean(r, begin, t)); }
		decimal { return emit_value(r, t, begin, lex_integer(r, begin, t, 10)); }
		"0x" hex ("_"? hex)* { return emit_value(r, t, begin, lex_integer(r, begin, t, 16)); }
		"0o" [0-7] ("_"? [0-7])* { return emit_value(r, t, begin, lex_integer(r, begin, t, 8)); }
		"0b" [01] ("_"? [01])* { return emit_value(r, t, begin, lex_integer(r, begin, t, 2)); }
		decimal ("." digits exponent? | exponent) { return emit_value(r, t, begin, lex_float(r, begin, t)); }
		[-+]? ("inf" | "nan") { return emit_value(r, t, begin, lex_special(r, begin, t)); }
		date ([Tt ] time offset?)? | time { return emit_value(r, t, begin, lex_time(r, begin, t)); }
		[-+.:0-9A-Za-z_]+ { return fail_word(r, begin); }
		"\x00" { return lex_end(r, t, begin); }
		* { return fail(r, begin, "expected a value; a string goes into quotes"); }
*/
	}
}

static bool is_line_start(const struct toml_reader *r)
{
	return r->n_open == 0 && (r->previous == 0 || r->previous == TOML_NEWLINE);
}

static int lex_bracket(struct toml_reader *r, struct build_token *t, const unsigned char *begin)
{
	if (!is_line_start(r)) {
		r->cursor = begin + 1;
		return fail(r, begin, "'[' cannot stand here; a table header begins a line");
	}
	r->n_header = (unsigned)(r->cursor - begin);
	return emit(r, t, begin, r->n_header == 1 ? TOML_TABLE_BEGIN : TOML_TABLES_BEGIN);
}

/* "]]" is one token only where "[[" was: in "[a]]" the second one is too many. */
static int lex_closing(struct toml_reader *r, struct build_token *t, const unsigned char *begin)
{
	unsigned n = (unsigned)(r->cursor - begin);

	if (n > r->n_header && n == 2)
		r->cursor = begin + 1;
	return emit(r, t, begin, n == 2 && r->n_header == 2 ? TOML_TABLES_END : TOML_TABLE_END);
}

static int lex_key(struct toml_reader *r, struct build_token *t)
{
	for (;;) {
		const unsigned char *begin = r->cursor, *marker = begin;
/*!re2c
		blank | comment { continue; }
		newline {
			if (r->n_open > 0)
				return fail(r, r->cursor - 1,
					"an inline table ends in the line where it begins; use a [table] for several lines");
			return lex_newline(r, t, begin);
		}
		[A-Za-z0-9_-]+ {
			t->text = text_from(r, begin);
			return emit(r, t, begin, TOML_BARE);
		}
		["] plain* ["] | ['] literal* ['] {
			t->text = (struct str){ (const char *)begin + 1, (size_t)(r->cursor - begin) - 2 };
			return emit(r, t, begin, TOML_STRING);
		}
		["] {
			int token = lex_basic(r, begin, t, false);

			return token < 0 ? token : emit(r, t, begin, token);
		}
		["]{3} | [']{3} {
			return fail(r, begin,
				"a key cannot be a string of several lines");
		}
		['] { return fail_line(r, begin, "this key has no closing quote in its line"); }
		"." { return emit(r, t, begin, TOML_DOT); }
		"=" {
			r->is_value_next = true;
			return emit(r, t, begin, TOML_EQUALS);
		}
		"," { return emit(r, t, begin, TOML_COMMA); }
		"}" { return emit_close(r, t, begin, TOML_INLINE_END); }
		"[" | "[[" { return lex_bracket(r, t, begin); }
		"]" | "]]" { return lex_closing(r, t, begin); }
		":" { return fail(r, begin, "TOML has '=' between key and value"); }
		"\x00" { return lex_end(r, t, begin); }
		* {
			return fail(r, begin,
				"a key with other characters than letters, digits, '_' and '-' goes into quotes");
		}
*/
	}
}

int toml_lex(struct toml_reader *r, struct build_token *t)
{
	if (r->previous == TOML_NEWLINE)
		r->n_header = 0;
	return r->is_value_next ? lex_value(r, t) : lex_key(r, t);
}
