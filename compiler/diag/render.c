/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "diag/render.h"

#include <stdlib.h>

#include "base/check.h"

bool render_format_of(struct str name, enum render_format *format_out)
{
	static const char *const names[] = { "text", "json", "sarif", "github" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_eq(name, str_of(names[i]))) {
			*format_out = (enum render_format)i;
			return true;
		}
	}
	return false;
}

/* ---- the list ---- */

static int order_u32(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

static int by_place(const void *x, const void *y)
{
	const struct diag *a = *(const struct diag *const *)x, *b = *(const struct diag *const *)y;
	int order = order_u32(a->at.source, b->at.source);

	if (order == 0)
		order = order_u32(a->at.begin, b->at.begin);
	return order == 0 ? order_u32(a->order, b->order) : order;
}

static bool is_same(const struct diag *a, const struct diag *b)
{
	return a->id == b->id && a->at.source == b->at.source && a->at.begin == b->at.begin &&
	       a->at.end == b->at.end && str_eq(a->text, b->text);
}

/* Duplicates share a place, so they stand in one run of the sorted list. */
static bool is_repeated(const struct render_list *list, const struct diag *d)
{
	for (size_t i = list->n; i > 0; i--) {
		const struct diag *before = list->at[i - 1];

		if (before->at.source != d->at.source || before->at.begin != d->at.begin)
			return false;
		if (is_same(before, d))
			return true;
	}
	return false;
}

struct render_list render_sorted(const struct diags *d)
{
	struct render_list list = { 0 };
	const struct diag **all;

	if (d->n == 0)
		return list;
	all = ARENA_ARRAY(d->arena, const struct diag *, d->n);
	list.at = ARENA_ARRAY(d->arena, const struct diag *, d->n);
	CHECK(all != NULL && list.at != NULL);
	for (size_t i = 0; i < d->n; i++)
		all[i] = &d->at[i];
	qsort(all, d->n, sizeof(*all), by_place);
	for (size_t i = 0; i < d->n; i++) {
		if (is_repeated(&list, all[i]))
			continue;
		list.n_errors += all[i]->severity == DIAG_ERROR;
		list.n_warnings += all[i]->severity == DIAG_WARNING;
		list.at[list.n++] = all[i];
	}
	list.n_hidden = d->n_dropped;
	if (list.n > DIAG_MOST_SHOWN) {
		list.n_hidden += list.n - DIAG_MOST_SHOWN;
		list.n = DIAG_MOST_SHOWN;
	}
	return list;
}

/* ---- characters ---- */

struct glyph {
	struct str bytes; /* what to print */
	size_t n_source;  /* bytes of the source */
	unsigned width;   /* columns of a terminal */
};

static uint32_t decode(const unsigned char *p, size_t len)
{
	uint32_t c = len == 2 ? p[0] & 0x1fu : len == 3 ? p[0] & 0x0fu : p[0] & 0x07u;

	for (size_t i = 1; i < len; i++)
		c = c << 6 | (p[i] & 0x3fu);
	return c;
}

/* Enough of Unicode's East_Asian_Width and combining marks to put carets under the right text. */
static unsigned width_of(uint32_t c)
{
	static const struct {
		uint32_t first, last;
		unsigned width;
	} ranges[] = {
		{ 0x0300, 0x036f, 0 },
		{ 0x1100, 0x115f, 2 },
		{ 0x200b, 0x200f, 0 },
		{ 0x20d0, 0x20ff, 0 },
		{ 0x2e80, 0x303e, 2 },
		{ 0x3041, 0xa4cf, 2 },
		{ 0xac00, 0xd7a3, 2 },
		{ 0xf900, 0xfaff, 2 },
		{ 0xfe00, 0xfe0f, 0 },
		{ 0xfe30, 0xfe6f, 2 },
		{ 0xff00, 0xff60, 2 },
		{ 0xffe0, 0xffe6, 2 },
		{ 0x1f300, 0x1f64f, 2 },
		{ 0x1f680, 0x1faff, 2 },
		{ 0x20000, 0x3fffd, 2 },
	};

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
		if (c >= ranges[i].first && c <= ranges[i].last)
			return ranges[i].width;
	}
	return 1;
}

/* Controls of C1 and of bidirectional text, which would show a line other than it is. */
static bool is_treacherous(uint32_t c)
{
	return (c >= 0x80 && c < 0xa0) || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0x2028 || c == 0x2029 || c == 0x200e ||
	       c == 0x200f;
}

/* The first character of s (not empty): itself, or U+FFFD for what must not reach a terminal. */
static struct glyph next_glyph(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.ptr;
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	uint32_t c;

	if (p[0] < 0x80 && p[0] >= 0x20 && p[0] != 0x7f)
		return (struct glyph){ .bytes = { s.ptr, 1 }, .n_source = 1, .width = 1 };
	if (p[0] < 0x80 || len > s.len || str_utf8_valid((struct str){ s.ptr, len }) != len)
		return (struct glyph){ .bytes = STR("\xef\xbf\xbd"), .n_source = 1, .width = 1 };
	c = decode(p, len);
	if (is_treacherous(c))
		return (struct glyph){ .bytes = STR("\xef\xbf\xbd"), .n_source = len, .width = 1 };
	return (struct glyph){ .bytes = { s.ptr, len }, .n_source = len, .width = width_of(c) };
}

static void put_clean(struct sbuf *out, struct str s)
{
	while (s.len > 0) {
		struct glyph g = next_glyph(s);

		if (s.ptr[0] == '\n' || s.ptr[0] == '\t')
			sbuf_addc(out, ' ');
		else
			sbuf_add(out, g.bytes);
		s = str_slice(s, g.n_source, s.len);
	}
}

/* ---- text ---- */

struct palette {
	const char *place, *error, *warning, *note, *caret, *off;
};

static const struct palette plain = { "", "", "", "", "", "" };
static const struct palette coloured = {
	"\x1b[1m", "\x1b[1;31m", "\x1b[1;35m", "\x1b[1;36m", "\x1b[1;32m", "\x1b[0m",
};

#define WINDOW_MOST 120  /* columns of a source line that are shown */
#define WINDOW_BEFORE 40 /* of these in front of the span, when the line is longer */

/* The part of a line that is shown, and the bytes of it that are underlined. */
struct excerpt {
	struct str line;
	size_t from, to;          /* shown */
	size_t mark, mark_end;    /* underlined; mark_end > mark unless at the line's end */
};

/* Counted up to one more than `most`: a line may be as long as the file. */
static size_t columns(struct str s, size_t most)
{
	size_t n = 0;

	while (s.len > 0 && n <= most) {
		struct glyph g = next_glyph(s);

		n += s.ptr[0] == '\t' ? 8 : g.width;
		s = str_slice(s, g.n_source, s.len);
	}
	return n;
}

/* The byte to which `wanted` columns lead from byte `at`. */
static size_t advance(struct str line, size_t at, size_t wanted)
{
	size_t n = 0;

	while (at < line.len) {
		struct glyph g = next_glyph(str_slice(line, at, line.len));

		n += line.ptr[at] == '\t' ? 8 : g.width;
		if (n > wanted)
			break;
		at += g.n_source;
	}
	return at;
}

static size_t back(struct str line, size_t at, size_t wanted)
{
	while (at > 0 && wanted-- > 0) {
		do
			at--;
		while (at > 0 && ((unsigned char)line.ptr[at] & 0xc0) == 0x80);
	}
	return at;
}

static struct excerpt excerpt_of(const struct source *s, struct span at)
{
	struct excerpt x = { .line = diag_line(s, at.begin < s->text.len ? at.begin : (uint32_t)s->text.len) };
	uint32_t begin = (uint32_t)(x.line.ptr - s->text.ptr);

	if (x.line.len > 0 && x.line.ptr[x.line.len - 1] == '\r')
		x.line.len--;
	x.mark = at.begin - begin < x.line.len ? at.begin - begin : x.line.len;
	x.mark_end = at.end <= at.begin ? x.mark : at.end - begin;
	if (x.mark_end >
		x.line.len) /* the span goes on in later lines: trailing blanks do not matter */
		for (x.mark_end = x.line.len;
			x.mark_end > x.mark + 1 && x.line.ptr[x.mark_end - 1] == ' ';)
			x.mark_end--;
	x.to = x.line.len;
	if (x.line.len <= WINDOW_MOST / 8 || columns(x.line, WINDOW_MOST) <= WINDOW_MOST)
		return x;
	x.from = columns(str_slice(x.line, 0, x.mark), WINDOW_BEFORE) <= WINDOW_BEFORE
			 ? 0
			 : back(x.line, x.mark, WINDOW_BEFORE);
	x.to = advance(x.line, x.from, WINDOW_MOST);
	if (x.mark_end > x.to)
		x.mark_end = x.to;
	return x;
}

/* The shown part of the line; tabs stay tabs, so that the line of carets can repeat them. */
static void put_line(struct sbuf *out, const struct excerpt *x)
{
	if (x->from > 0)
		sbuf_adds(out, "...");
	for (size_t i = x->from; i < x->to;) {
		struct glyph g = next_glyph(str_slice(x->line, i, x->line.len));

		sbuf_add(out, x->line.ptr[i] == '\t' ? STR("\t") : g.bytes);
		i += g.n_source;
	}
	if (x->to < x->line.len)
		sbuf_adds(out, "...");
}

static void put_carets(struct sbuf *out, const struct excerpt *x, const struct palette *c)
{
	size_t n = 0;

	if (x->from > 0)
		sbuf_adds(out, "   ");
	for (size_t i = x->from; i < x->mark;) {
		struct glyph g = next_glyph(str_slice(x->line, i, x->line.len));

		for (unsigned w = 0; w < g.width; w++)
			sbuf_addc(out, x->line.ptr[i] == '\t' ? '\t' : ' ');
		i += g.n_source;
	}
	sbuf_adds(out, c->caret);
	for (size_t i = x->mark; i < x->mark_end;) {
		struct glyph g = next_glyph(str_slice(x->line, i, x->line.len));

		for (unsigned w = 0; w < g.width; w++, n++)
			sbuf_addc(out, '^');
		i += g.n_source;
	}
	if (n == 0)
		sbuf_addc(out, '^');
	sbuf_adds(out, c->off);
}

static void put_head(struct sbuf *out, const struct diags *d, struct span at,
	enum diag_severity severity, const struct palette *c)
{
	const char *colour = severity == DIAG_ERROR  ? c->error
			     : severity == DIAG_NOTE ? c->note
						     : c->warning;
	uint32_t line, column;

	sbuf_adds(out, c->place);
	if (at.source == 0) {
		sbuf_adds(out, "toronc: ");
	} else {
		diag_place(d, at, &line, &column);
		put_clean(out, d->sources[at.source].name);
		sbuf_printf(out, ":%u:%u: ", line, column);
	}
	sbuf_printf(out, "%s%s%s:%s ", c->off, colour, diag_severity_name(severity), c->off);
}

static void put_source(
	struct sbuf *out, const struct diags *d, const struct diag *g, const struct palette *c)
{
	const struct source *s = &d->sources[g->at.source];
	struct excerpt x;
	uint32_t line, column;

	diag_place(d, g->at, &line, &column);
	x = excerpt_of(s, g->at);
	sbuf_printf(out, "%5u | ", line);
	put_line(out, &x);
	sbuf_adds(out, "\n      | ");
	put_carets(out, &x, c);
	if (g->where.len > 0) {
		sbuf_adds(out, " at ");
		put_clean(out, g->where);
	}
	sbuf_addc(out, '\n');
}

static void render_text(
	struct sbuf *out, const struct diags *d, const struct render_list *list, bool colour)
{
	const struct palette *c = colour ? &coloured : &plain;

	for (size_t i = 0; i < list->n; i++) {
		const struct diag *g = list->at[i];

		put_head(out, d, g->at, g->severity, c);
		put_clean(out, g->text);
		if (g->at.source == 0 && g->where.len > 0) {
			sbuf_adds(out, " at ");
			put_clean(out, g->where);
		}
		sbuf_printf(out, " [%s]\n", diag_kind(g->id)->code);
		if (g->at.source != 0)
			put_source(out, d, g, c);
		for (size_t n = 0; n < g->n_notes; n++) {
			put_head(out, d, g->notes[n].at.source == 0 ? g->at : g->notes[n].at,
				DIAG_NOTE, c);
			put_clean(out, g->notes[n].text);
			sbuf_addc(out, '\n');
		}
	}
	if (list->n_hidden > 0)
		sbuf_printf(out, "%zu more not shown\n", list->n_hidden);
}

void render_diags(struct sbuf *out, const struct diags *d, const struct render_options *options)
{
	struct render_list list = render_sorted(d);

	switch (options->format) {
	case RENDER_TEXT:
		render_text(out, d, &list, options->colour);
		break;
	case RENDER_JSON:
		render_json(out, d, &list);
		break;
	case RENDER_SARIF:
		render_sarif(out, d, &list, options->version);
		break;
	case RENDER_GITHUB:
		render_github(out, d, &list);
		break;
	}
}
