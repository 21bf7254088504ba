/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "emit/cwriter.h"

#include <ctype.h>

#include "base/check.h"

/* Literals are broken behind a line end, and when they reach this many columns. */
#define QUOTE_COLUMNS 80
/* Identifiers beyond this say no more to a reader. */
#define IDENT_MOST 60

void cwriter_init(struct cwriter *w, struct arena *a)
{
	*w = (struct cwriter){ .arena = a };
}

void cwriter_fini(struct cwriter *w)
{
	sbuf_fini(&w->out);
}

static void line(struct cwriter *w, const char *format, va_list args)
{
	for (unsigned i = 0; i < w->indent; i++)
		sbuf_addc(&w->out, '\t');
	sbuf_vprintf(&w->out, format, args);
	sbuf_addc(&w->out, '\n');
}

void cwriter_line(struct cwriter *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	line(w, format, args);
	va_end(args);
}

void cwriter_blank(struct cwriter *w)
{
	sbuf_addc(&w->out, '\n');
}

void cwriter_open(struct cwriter *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	line(w, format, args);
	va_end(args);
	w->indent++;
}

void cwriter_close(struct cwriter *w, const char *text)
{
	CHECK(w->indent > 0);
	w->indent--;
	cwriter_line(w, "%s", text);
}

void cwriter_comment(struct cwriter *w, const char *format, ...)
{
	struct sbuf text = { 0 };
	va_list args;

	va_start(args, format);
	sbuf_vprintf(&text, format, args);
	va_end(args);
	cwriter_line(w, "/* %s */", cwriter_plain(w->arena, sbuf_str(&text)));
	sbuf_fini(&text);
}

/* Octal escapes always have three digits, so that a digit behind them is not taken for a fourth.
 * A "?" behind a "?" is escaped because of trigraphs. */
static void quote_byte(struct sbuf *out, unsigned char c, unsigned char before)
{
	if (c == '\n')
		sbuf_adds(out, "\\n");
	else if (c == '\t')
		sbuf_adds(out, "\\t");
	else if (c == '"' || c == '\\' || (c == '?' && before == '?'))
		sbuf_printf(out, "\\%c", c);
	else if (c < 0x20 || c >= 0x7f)
		sbuf_printf(out, "\\%03o", c);
	else
		sbuf_addc(out, (char)c);
}

const char *cwriter_quote(struct arena *a, struct str s)
{
	struct sbuf out = { 0 };
	size_t line_start = 0;
	const char *copy;

	sbuf_addc(&out, '"');
	for (size_t i = 0; i < s.len; i++) {
		quote_byte(&out, (unsigned char)s.ptr[i], i == 0 ? 0 : (unsigned char)s.ptr[i - 1]);
		if (i + 1 < s.len && (s.ptr[i] == '\n' || out.len - line_start >= QUOTE_COLUMNS)) {
			sbuf_adds(&out, "\"\n\t\t\"");
			line_start = out.len;
		}
	}
	sbuf_addc(&out, '"');
	copy = arena_cstr(a, sbuf_str(&out));
	sbuf_fini(&out);
	return copy;
}

/* What begins or ends a comment, or begins a block of re2c. */
static bool is_delimiter(unsigned char c, unsigned char next)
{
	return (c == '*' && next == '/') || (c == '/' && (next == '*' || next == '/')) ||
	       (c == '%' && next == '{');
}

const char *cwriter_plain(struct arena *a, struct str s)
{
	struct sbuf out = { 0 };
	const char *copy;

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c < 0x20 || c == 0x7f || c == '\\')
			c = c == '\\' ? '|' : ' ';
		sbuf_addc(&out, (char)c);
		if (i + 1 < s.len && is_delimiter(c, (unsigned char)s.ptr[i + 1]))
			sbuf_addc(&out, ' ');
	}
	copy = arena_cstr(a, out.len == 0 ? STR("") : sbuf_str(&out));
	sbuf_fini(&out);
	return copy;
}

const char *cwriter_ident(struct map *taken, const char *prefix, struct str name)
{
	struct sbuf base = { 0 };
	struct str unique;

	sbuf_adds(&base, prefix);
	for (size_t i = 0; i < name.len && base.len < IDENT_MOST; i++) {
		unsigned char c = (unsigned char)name.ptr[i];

		if (c < 0x80 && isalnum(c))
			sbuf_addc(&base, (char)c);
		else if (base.len > 0 && base.ptr[base.len - 1] != '_')
			sbuf_addc(&base, '_');
	}
	while (base.len > strlen(prefix) && base.ptr[base.len - 1] == '_')
		base.ptr[--base.len] = '\0';
	unique = arena_str(taken->arena, sbuf_str(&base));
	for (unsigned i = 2; !map_add(taken, unique, taken); i++)
		unique = arena_printf(taken->arena, STR_FMT "_%u", STR_ARG(sbuf_str(&base)), i);
	sbuf_fini(&base);
	return unique.ptr;
}
