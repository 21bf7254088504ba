/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The lexer of JSON. The text ends in a NUL behind it and has none inside (build_init), so that NUL
 * means the end. */
#include "tree/json_reader.h"

#include "base/str.h"
#include "tree/json_parse.h"

/*!re2c
	re2c:define:YYCTYPE = "unsigned char";
	re2c:define:YYCURSOR = r->cursor;
	re2c:define:YYMARKER = marker;
	re2c:yyfill:enable = 0;

	plain = [^\x00-\x1f"\\];
	int = "-"? ("0" | [1-9][0-9]*);
	fraction = "." [0-9]+;
	exponent = [eE] [-+]? [0-9]+;
	hex = [0-9a-fA-F];
	escape = "\\u" hex{4};
*/

static struct span span_from(const struct json_reader *r, const unsigned char *begin)
{
	return build_span(&r->build, (size_t)(begin - r->base), (size_t)(r->cursor - r->base));
}

static int fail(struct json_reader *r, const unsigned char *begin, const char *message)
{
	build_stop(&r->build, DIAG_JSON_SYNTAX, span_from(r, begin), "%s", message);
	return -1;
}

static uint32_t hex4(const unsigned char *p)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++) {
		unsigned char c = ascii_lower(p[i]);

		value = value << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return value;
}

/* Where a string without its closing quote ends: at its line's end. */
static int fail_open_string(struct json_reader *r, const unsigned char *begin, const char *message)
{
	while (r->cursor < r->limit && *r->cursor != '\n' && *r->cursor != '\r')
		r->cursor++;
	return fail(r, begin, message);
}

/* The escape \uXXXX at `begin`, with its other half if there is one, as UTF-8 at out; false for
 * half a surrogate pair. */
static bool put_unicode(struct json_reader *r, const unsigned char *begin, char *out, size_t *len)
{
	uint32_t code = hex4(begin + 2);
	const unsigned char *low = r->cursor;

	if (code >= 0xd800 && code < 0xdc00 && r->limit - low >= 6 && low[0] == '\\' && low[1] == 'u' &&
		ascii_lower(low[2]) == 'd' && strchr("cdefCDEF", low[3]) != NULL && low[3] != '\0' &&
		strspn((const char *)low + 2, "0123456789abcdefABCDEF") >= 4) {
		code = 0x10000 + ((code - 0xd800) << 10) + (hex4(low + 2) - 0xdc00);
		r->cursor += 6;
	}
	return build_utf8(code, out, len);
}

static char short_escape(unsigned char letter)
{
	switch (letter) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return (char)letter;
	}
}

/* A string with escapes or errors; the cursor is behind the opening quote at `begin`. */
static int lex_string(struct json_reader *r, const unsigned char *begin, struct build_token *t)
{
	/* No escape is shorter than what it stands for, so that the rest of the string's bytes are
	 * room enough. */
	const unsigned char *end = r->cursor;
	char *out;
	size_t len = 0;

	while (end < r->limit && *end != '"')
		end += end[0] == '\\' && end + 1 < r->limit ? 2 : 1;
	out = arena_bytes(r->build.arena, (size_t)(end - r->cursor) + 1);
	for (;;) {
		const unsigned char *at = r->cursor, *marker = at;
/*!re2c
		["] {
			t->text = (struct str){ out, len };
			return JSON_STRING;
		}
		plain+ {
			memcpy(out + len, at, (size_t)(r->cursor - at));
			len += (size_t)(r->cursor - at);
			continue;
		}
		"\\" ["\\/bfnrt] {
			out[len++] = short_escape(at[1]);
			continue;
		}
		escape {
			if (!put_unicode(r, at, out, &len))
				return fail(r, at, "half of a surrogate pair is no character");
			continue;
		}
		"\\u" { return fail(r, at, "\\u needs four hexadecimal digits"); }
		"\\" {
			r->cursor += r->cursor < r->limit;
			return fail(r, at,
				"there is no such escape; a backslash itself is written \\\\");
		}
		"\t" { return fail(r, at, "a tab in a string is written \\t"); }
		[\x00\r\n] {
			r->cursor = at;
			return fail_open_string(r, begin,
				"this string has no closing quote in its line");
		}
		* { return fail(r, at, "a control character in a string must be escaped"); }
*/
	}
}

static int lex_number(struct json_reader *r, const unsigned char *begin, struct build_token *t, bool is_int)
{
	t->text = (struct str){ (const char *)begin, (size_t)(r->cursor - begin) };
	if (is_int && build_parse_int(t->text, 10, &t->integer))
		return JSON_INTEGER;
	if (build_parse_float(t->text, &t->real))
		return JSON_NUMBER;
	build_stop(&r->build, DIAG_NUMBER_RANGE, span_from(r, begin), "number '" STR_FMT "' is too large",
		STR_ARG(t->text));
	return -1;
}

static int fail_number(struct json_reader *r, const unsigned char *begin)
{
	size_t sign = *begin == '-' || *begin == '+';

	if (*begin == '+')
		return fail(r, begin, "a JSON number has no plus sign");
	if (begin[sign] == '0' && begin[sign + 1] >= '0' && begin[sign + 1] <= '9')
		return fail(r, begin, "a JSON number has no leading zeros");
	if (begin[sign] == '.')
		return fail(r, begin, "a JSON number has a digit before its point");
	return fail(r, begin,
		"not a JSON number; a name or a number with a unit goes into double quotes");
}

static int fail_word(struct json_reader *r, const unsigned char *begin)
{
	struct str word = { (const char *)begin, (size_t)(r->cursor - begin) };
	const char *hint = "a string or key goes into double quotes";

	if (str_eq_nocase(word, STR("true")) || str_eq_nocase(word, STR("false")) || str_eq_nocase(word, STR("null")))
		hint = "true, false and null are written in lower case";
	else if (str_eq(word, STR("None")) || str_eq(word, STR("undefined")) || str_eq(word, STR("nil")))
		hint = "write null";
	else if (str_eq(word, STR("NaN")) || str_eq(word, STR("Infinity")))
		hint = "JSON has no such number";
	build_stop(&r->build, DIAG_JSON_SYNTAX, span_from(r, begin), "unexpected word '" STR_FMT "'; %s", STR_ARG(word),
		hint);
	return -1;
}

/* The cursor is behind the comment. Refused comments are reported once, and reading goes on. */
static void take_comment(struct json_reader *r, const unsigned char *begin)
{
	if (r->comments)
		return;
	diag_report(r->build.diags, DIAG_JSON_SYNTAX, span_from(r, begin),
		"JSON has no comments; name the file .jsonc to have them");
	r->comments = true;
}

static int emit(const struct json_reader *r, struct build_token *t, const unsigned char *begin, int token)
{
	t->span = span_from(r, begin);
	return token;
}

static int emit_word(const struct json_reader *r, struct build_token *t, const unsigned char *begin, int token)
{
	t->text = (struct str){ (const char *)begin, (size_t)(r->cursor - begin) };
	return emit(r, t, begin, token);
}

int json_lex(struct json_reader *r, struct build_token *t)
{
	for (;;) {
		const unsigned char *begin = r->cursor, *marker = begin;
/*!re2c
		[ \t\r\n]+ { continue; }
		"//" [^\x00\n]* {
			take_comment(r, begin);
			continue;
		}
		"/*" ([^\x00*] | "*"+ [^\x00*/])* "*"+ "/" {
			take_comment(r, begin);
			continue;
		}
		"/*" { return fail(r, begin, "this comment has no end"); }
		"{" { return emit(r, t, begin, JSON_MAP_BEGIN); }
		"}" { return emit(r, t, begin, JSON_MAP_END); }
		"[" { return emit(r, t, begin, JSON_SEQ_BEGIN); }
		"]" { return emit(r, t, begin, JSON_SEQ_END); }
		"," { return emit(r, t, begin, JSON_COMMA); }
		":" { return emit(r, t, begin, JSON_COLON); }
		"true" | "false" { return emit_word(r, t, begin, JSON_BOOLEAN); }
		"null" { return emit_word(r, t, begin, JSON_NULL); }
		int { return emit(r, t, begin, lex_number(r, begin, t, true)); }
		int fraction? exponent? { return emit(r, t, begin, lex_number(r, begin, t, false)); }
		[-+.0-9] [-+.0-9A-Za-z_]* { return fail_number(r, begin); }
		["] plain* ["] {
			t->text = (struct str){ (const char *)begin + 1, (size_t)(r->cursor - begin) - 2 };
			return emit(r, t, begin, JSON_STRING);
		}
		["] { return emit(r, t, begin, lex_string(r, begin, t)); }
		"'" { return fail_open_string(r, begin, "strings and keys go into double quotes"); }
		[A-Za-z_$] [A-Za-z0-9_$]* { return fail_word(r, begin); }
		"\x00" {
			r->cursor = r->limit;
			return emit(r, t, begin, 0);
		}
		* { return fail(r, begin, "unexpected character"); }
*/
	}
}
