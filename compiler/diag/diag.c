/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "diag/diag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/str.h"
#include "base/vec.h"
#include "diag/allow.h"

static const struct diag_kind kinds[] = {
#define DIAG(name, level, number, headline, text) \
	[DIAG_##name] = { \
		.id = #name, .code = number, .title = headline, .help = text, .severity = level \
	},
#include "diag/diag.def"
#undef DIAG
};

const struct diag_kind *diag_kind(enum diag_id id)
{
	CHECK(id < DIAG_COUNT);
	return &kinds[id];
}

const struct diag_kind *diag_kind_by_code(struct str code)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (str_eq_nocase(code, str_of(kinds[i].code)))
			return &kinds[i];
	}
	return NULL;
}

enum diag_id diag_id_of(const struct diag_kind *kind)
{
	return (enum diag_id)(kind - kinds);
}

const char *diag_severity_name(enum diag_severity s)
{
	static const char *const names[] = { "error", "warning", "note", "warning" };

	return names[s];
}

void diag_init(struct diags *d, struct arena *a)
{
	*d = (struct diags){ .arena = a };
	CHECK(vec_grow(a, (void **)&d->sources, 0, &d->cap_sources, sizeof(*d->sources)));
	d->sources[0] = (struct source){ 0 };
	d->n_sources = 1;
}

#define MARKS_EVERY 1024

static bool begins_point(char byte)
{
	return ((unsigned char)byte & 0xc0) != 0x80;
}

static void count_on(struct source_mark *m, char byte)
{
	m->points += begins_point(byte);
	m->lines += byte == '\n';
}

static void set_marks(struct arena *a, struct source *s)
{
	struct source_mark now = { 0 };

	s->marks = ARENA_ARRAY(a, struct source_mark, s->text.len / MARKS_EVERY + 1);
	CHECK(s->marks != NULL);
	for (size_t i = 0; i < s->text.len; i++) {
		if (i % MARKS_EVERY == 0)
			s->marks[i / MARKS_EVERY] = now;
		count_on(&now, s->text.ptr[i]);
	}
	if (s->text.len % MARKS_EVERY == 0)
		s->marks[s->text.len / MARKS_EVERY] = now;
}

/* What comes before byte `at`. */
static struct source_mark mark_at(const struct source *s, uint32_t at)
{
	struct source_mark m = s->marks[at / MARKS_EVERY];

	for (uint32_t i = at - at % MARKS_EVERY; i < at; i++)
		count_on(&m, s->text.ptr[i]);
	return m;
}

struct str diag_line(const struct source *s, uint32_t at)
{
	struct str line = str_slice(s->text, 0, at);
	const char *before = at == 0 ? NULL : memrchr(line.ptr, '\n', at);

	line = str_slice(s->text, before == NULL ? 0 : (size_t)(before + 1 - s->text.ptr), s->text.len);
	line.len = str_find_char(line, '\n');
	return line;
}

uint32_t diag_add_source(struct diags *d, struct str name, struct str text)
{
	struct source s = { .name = name, .text = text };

	if (str_starts(text, STR("\xef\xbb\xbf")))
		s.text = str_slice(text, 3, text.len);
	CHECK(s.text.len < UINT32_MAX && d->n_sources < UINT32_MAX);
	set_marks(d->arena, &s);
	if (d->n_sources == d->cap_sources)
		CHECK(vec_grow(
			d->arena, (void **)&d->sources, d->n_sources, &d->cap_sources, sizeof(s)));
	d->sources[d->n_sources] = s;
	return (uint32_t)d->n_sources++;
}

void diag_place(const struct diags *d, struct span s, uint32_t *line_out, uint32_t *column_out)
{
	struct source_mark here, line;
	const struct source *source;
	uint32_t at;

	*line_out = *column_out = 0;
	if (s.source == 0)
		return;
	CHECK(s.source < d->n_sources);
	source = &d->sources[s.source];
	at = s.begin < source->text.len ? s.begin : (uint32_t)source->text.len;
	here = mark_at(source, at);
	line = mark_at(source, (uint32_t)(diag_line(source, at).ptr - source->text.ptr));
	*line_out = here.lines + 1;
	*column_out = here.points - line.points + 1;
}

struct str diag_place_str(const struct diags *d, struct arena *a, struct span s)
{
	uint32_t line, column;

	if (s.source == 0)
		return STR("");
	diag_place(d, s, &line, &column);
	return arena_printf(a, STR_FMT ":%u:%u", STR_ARG(d->sources[s.source].name), line, column);
}

#define TEXT_MOST 1000 /* bytes; names in a config may be as long as the file */

/* A text that is too long loses its middle: at its end it often says what is wrong with the name at its beginning. */
static struct str cut(struct arena *a, struct str s)
{
	struct str head = str_utf8_cut(s, TEXT_MOST / 2), tail = str_slice(s, s.len - TEXT_MOST / 2, s.len);

	while (tail.len > 0 && !begins_point(tail.ptr[0]))
		tail = str_slice(tail, 1, tail.len);
	return arena_printf(a, STR_FMT "..." STR_FMT, STR_ARG(head), STR_ARG(tail));
}

/* In the arena, which is not freed before the end, nothing is left of what is cut. */
static struct str format_text(struct arena *a, const char *format, va_list args)
{
	char small[TEXT_MOST + 1], *whole;
	struct str text;
	va_list again;
	int n;

	va_copy(again, args);
	n = vsnprintf(small, sizeof(small), format, args);
	CHECK(n >= 0);
	if (n <= TEXT_MOST) {
		text = arena_str(a, (struct str){ small, (size_t)n });
	} else {
		whole = malloc((size_t)n + 1);
		if (whole == NULL)
			check_out_of_memory();
		vsnprintf(whole, (size_t)n + 1, format, again);
		text = cut(a, (struct str){ whole, (size_t)n });
		free(whole);
	}
	va_end(again);
	return text;
}

static enum diag_severity severity_of(const struct diags *d, enum diag_id id)
{
	enum diag_severity s = diag_kind(id)->severity;

	if (s == DIAG_STRICT)
		s = d->strict ? DIAG_ERROR : DIAG_WARNING;
	return s == DIAG_WARNING && d->warnings_as_errors ? DIAG_ERROR : s;
}

void diag_vreport(
	struct diags *d, enum diag_id id, struct span at, const char *format, va_list args)
{
	struct diag new = {
		.id = id, .severity = severity_of(d, id), .at = at, .order = (uint32_t)d->n
	};

	CHECK(at.source < d->n_sources);
	d->is_muted = allow_holds(d, id);
	if (d->is_muted)
		return;
	d->n_errors += new.severity == DIAG_ERROR;
	d->n_warnings += new.severity == DIAG_WARNING;
	if (d->n == DIAG_MOST_KEPT) {
		d->n_dropped++;
		return;
	}
	new.text = format_text(d->arena, format, args);
	if (d->n == d->cap)
		CHECK(vec_grow(d->arena, (void **)&d->at, d->n, &d->cap, sizeof(new)));
	d->at[d->n++] = new;
}

void diag_report(struct diags *d, enum diag_id id, struct span at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	diag_vreport(d, id, at, format, args);
	va_end(args);
}

/* The diagnostic that was reported last, or NULL if there is none or it was not kept. */
static struct diag *last_reported(struct diags *d)
{
	return d->n == 0 || d->n_dropped > 0 || d->is_muted ? NULL : &d->at[d->n - 1];
}

void diag_note(struct diags *d, struct span at, const char *format, ...)
{
	struct diag *last = last_reported(d);
	va_list args;

	if (last == NULL)
		return;
	CHECK(at.source < d->n_sources);
	if (last->n_notes == last->cap_notes)
		CHECK(vec_grow(d->arena, (void **)&last->notes, last->n_notes, &last->cap_notes,
			sizeof(*last->notes)));
	va_start(args, format);
	last->notes[last->n_notes++] =
		(struct diag_message){ .at = at, .text = format_text(d->arena, format, args) };
	va_end(args);
}

void diag_where(struct diags *d, struct str path)
{
	struct diag *last = last_reported(d);

	if (last != NULL)
		last->where = path.len <= TEXT_MOST ? path : cut(d->arena, path);
}

bool diag_wants_notes(const struct diags *d)
{
	return d->n <= (size_t)DIAG_MOST_SHOWN * 4;
}

bool diag_failed(const struct diags *d)
{
	return d->n_errors > 0;
}

#define NAME_MOST 64 /* bytes; longer names are compared as they are */

/* With "_" as "-": people mix them up, and it is not a spelling mistake. */
static struct str plain_name(struct str s, char buffer[NAME_MOST])
{
	if (s.len > NAME_MOST)
		return s;
	for (size_t i = 0; i < s.len; i++)
		buffer[i] = s.ptr[i] == '_' ? '-' : (char)ascii_lower((unsigned char)s.ptr[i]);
	return (struct str){ buffer, s.len };
}

/* 0: the same but for case, "-" and "_". Halves, so that a shared beginning ranks behind one slip
 * of a key. */
static unsigned name_distance(struct str name, struct str candidate, unsigned worst)
{
	char buffers[2][NAME_MOST];
	struct str a = plain_name(name, buffers[0]), b = plain_name(candidate, buffers[1]);
	size_t longest = a.len > b.len ? a.len : b.len;
	unsigned cap = (unsigned)(longest / 3);
	unsigned distance;

	if (cap > 4)
		cap = 4;
	distance = str_distance(a, b, cap);
	if (distance <= cap)
		return distance * 2;
	if (a.len >= 3 && b.len >= 3 && (str_starts(a, b) || str_starts(b, a)))
		return 5;
	return worst;
}

struct str diag_nearest(struct str name, const struct str *names, size_t n_names)
{
	const unsigned worst = 100;
	unsigned least = worst;
	struct str nearest = STR_NONE;

	for (size_t i = 0; i < n_names; i++) {
		unsigned distance =
			str_eq(name, names[i]) ? worst : name_distance(name, names[i], worst);

		if (distance < least) {
			least = distance;
			nearest = names[i];
		}
	}
	return nearest;
}
