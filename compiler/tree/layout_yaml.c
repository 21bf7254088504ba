/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The layout of a YAML text, from libyaml's events: what stands between two of them is blanks, comments and indicators. */
#include <yaml.h>

#include "base/check.h"
#include "tree/layout.h"

enum before { BEFORE_NOTHING, BEFORE_KEY, BEFORE_OPENING, BEFORE_VALUE };

struct yaml_layout {
	struct arena *arena;
	struct str text;
	yaml_parser_t parser;
	size_t mark_index, mark_byte; /* libyaml counts code points */
	size_t at;                    /* all in front of it is taken */
	enum before before;           /* what ends at `at` */
	struct layout *last;          /* that value or opening, or the key */
	struct layout_notes notes;    /* met, and not in their place yet */
	struct str opening;
	bool is_blank;                /* an empty line stands in front of what comes next */
	bool is_new_line;             /* a line began since what ends the last value */
	size_t n_notes;
	struct layout *root, *top;    /* top: the open collection */
	struct layout *key;           /* its value comes next */
	struct layout_notes *head;    /* comments in front of "---" */
};

static size_t byte_of(struct yaml_layout *y, size_t index)
{
	while (y->mark_index < index && y->mark_byte < y->text.len) {
		do
			y->mark_byte++;
		while (y->mark_byte < y->text.len && ((unsigned char)y->text.ptr[y->mark_byte] & 0xc0) == 0x80);
		y->mark_index++;
	}
	while (y->mark_index > index) {
		do
			y->mark_byte--;
		while (((unsigned char)y->text.ptr[y->mark_byte] & 0xc0) == 0x80);
		y->mark_index--;
	}
	return y->mark_byte;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static size_t line_begin(struct str text, size_t at)
{
	while (at > 0 && text.ptr[at - 1] != '\n')
		at--;
	return at;
}

static struct str comment_at(const struct yaml_layout *y, size_t at)
{
	struct str rest = str_slice(y->text, at, y->text.len);
	struct str line = str_slice(rest, 0, str_find_char(rest, '\n'));

	while (line.len > 0 && is_blank(line.ptr[line.len - 1]))
		line.len--;
	return line;
}

/* A comment in the line of something else: its place follows from what that is. */
static void take_beside(struct yaml_layout *y, size_t from, size_t at, bool is_first_line, bool has_dash)
{
	struct str comment = comment_at(y, at);
	struct str note = layout_trailing(y->arena, y->text, from, at, at + comment.len);

	y->n_notes++;
	if (is_first_line && y->before == BEFORE_OPENING && !has_dash)
		y->last->opening = note;
	else if (is_first_line && y->before == BEFORE_VALUE && !has_dash)
		y->last->trailing = note;
	else
		y->opening = note;
}

static void take_alone(struct yaml_layout *y, size_t at, bool is_after_blank)
{
	struct layout_note note = {
		.text = comment_at(y, at), .is_after_blank = is_after_blank, .column = (uint32_t)(at - line_begin(y->text, at))
	};

	y->n_notes++;
	vec_push(y->arena, &y->notes, note);
}

/* Takes what stands in front of `end`. */
static void take_gap(struct yaml_layout *y, size_t end)
{
	bool is_first_line = !y->is_new_line && y->at > 0 && y->text.ptr[y->at - 1] != '\n';
	bool is_empty = !is_first_line, has_dash = false, was_blank = y->is_blank;
	size_t at = y->at;

	if (end < at)
		return;
	while (at < end) {
		char c = y->text.ptr[at];

		if (c == '\n') {
			was_blank = was_blank || (is_empty && at + 1 <= end);
			is_empty = true;
			is_first_line = has_dash = false;
		} else if (c == '#' && (at == 0 || is_blank(y->text.ptr[at - 1]) || y->text.ptr[at - 1] == '\n')) {
			if (is_empty)
				take_alone(y, at, was_blank);
			else
				take_beside(y, y->at, at, is_first_line, has_dash);
			was_blank = was_blank && !is_empty;
			is_empty = false;
			at += comment_at(y, at).len;
			continue;
		} else if (!is_blank(c)) {
			has_dash = has_dash || c == '-';
			is_empty = false;
		}
		at++;
	}
	y->is_new_line = !is_first_line;
	y->is_blank = was_blank;
	y->at = end;
}

/* What was met in front of a node goes to it. */
static void dress(struct yaml_layout *y, struct layout *n)
{
	n->leads = y->notes;
	n->opening = y->opening;
	n->is_after_blank = y->is_blank;
	if (n->is_flow && n->opening.len > 0)
		n->is_broken = true;
	y->notes = (struct layout_notes){ 0 };
	y->opening = STR("");
	y->is_blank = false;
}

static void place(struct yaml_layout *y, struct layout *n)
{
	if (y->top == NULL) {
		y->root = n;
	} else if (y->top->kind == LAYOUT_SEQ) {
		layout_append(y->top, n);
	} else {
		n->key = y->key;
		y->key = NULL;
		layout_append(y->top, n);
	}
}

/* "&anchor !tag" in front of a value, as one text; *at moves behind it. */
static struct str take_props(struct yaml_layout *y, bool has_anchor, bool has_tag, size_t end, size_t *at)
{
	struct str props = STR("");

	/* One of each at most: behind those of a map stand those of its first key. */
	while (*at < end && ((has_anchor && y->text.ptr[*at] == '&') || (has_tag && y->text.ptr[*at] == '!'))) {
		size_t begin = *at, word;

		has_anchor = has_anchor && y->text.ptr[begin] != '&';
		has_tag = has_tag && y->text.ptr[begin] != '!';
		while (*at < end && !is_blank(y->text.ptr[*at]) && y->text.ptr[*at] != '\n')
			(*at)++;
		word = *at;
		props = arena_printf(y->arena, STR_FMT "%s" STR_FMT, STR_ARG(props), props.len > 0 ? " " : "",
			STR_ARG(str_slice(y->text, begin, word - begin)));
		/* A comment may stand behind: taken as one of the gap in front of the value. */
		y->at = word;
		y->is_new_line = false;
		y->before = BEFORE_KEY;
		while (*at < end && (is_blank(y->text.ptr[*at]) || y->text.ptr[*at] == '\n' || y->text.ptr[*at] == '#'))
			*at += y->text.ptr[*at] == '#' ? comment_at(y, *at).len : 1;
		if (*at >= end)
			*at = word;
	}
	return props;
}

static void finish_value(struct yaml_layout *y, struct layout *n, size_t end, bool is_key)
{
	y->at = end;
	y->is_new_line = false;
	y->last = n;
	y->before = is_key ? BEFORE_KEY : BEFORE_VALUE;
	if (is_key)
		y->key = n;
	else
		place(y, n);
}

static bool is_key_next(const struct yaml_layout *y)
{
	return y->top != NULL && y->top->kind == LAYOUT_MAP && y->key == NULL;
}

/* The columns of a block scalar's content, if its header has an indicator. */
static uint32_t literal_column(const struct yaml_layout *y, struct str text)
{
	struct str header = str_slice(text, 0, str_find_char(text, '\n'));

	header = str_slice(header, 0, str_find_char(header, '#'));
	for (size_t i = 0; i < header.len; i++) {
		if (header.ptr[i] >= '1' && header.ptr[i] <= '9')
			return (uint32_t)(header.ptr[i] - '0') + (y->top != NULL ? y->top->column : 0);
	}
	return 0;
}

static void on_scalar(struct yaml_layout *y, const yaml_event_t *e)
{
	size_t begin = byte_of(y, e->start_mark.index), end = byte_of(y, e->end_mark.index), from;
	struct layout *n = layout_new(y->arena, LAYOUT_SCALAR);
	bool is_key = is_key_next(y);
	struct str opening;

	take_gap(y, begin);
	dress(y, n);
	from = begin;
	n->props = take_props(y, true, true, end, &from);
	if (n->props.len > 0 && from > begin) {
		take_gap(y, from > y->at ? from : y->at);
		opening = y->opening;
		y->opening = STR("");
		if (opening.len > 0)
			n->opening = opening;
	}
	n->text = str_slice(y->text, from, end > from ? end - from : 0);
	if (e->data.scalar.style == YAML_LITERAL_SCALAR_STYLE || e->data.scalar.style == YAML_FOLDED_SCALAR_STYLE) {
		struct str header = str_slice(n->text, 0, str_find_char(n->text, '\n'));

		n->style = LAYOUT_LITERAL;
		n->column = literal_column(y, n->text);
		y->n_notes += str_find_char(header, '#') < header.len;
	} else if (e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
		n->style = LAYOUT_QUOTED;
		n->word = arena_str(y->arena, (struct str){ (const char *)e->data.scalar.value, e->data.scalar.length });
	}
	finish_value(y, n, end, is_key);
	/* An empty line at its end is a part of the token, and separates all the same. */
	if (n->style == LAYOUT_LITERAL && str_ends(n->text, STR("\n\n")))
		y->is_blank = true;
}

static void on_alias(struct yaml_layout *y, const yaml_event_t *e)
{
	size_t begin = byte_of(y, e->start_mark.index), end = byte_of(y, e->end_mark.index);
	struct layout *n = layout_new(y->arena, LAYOUT_SCALAR);
	bool is_key = is_key_next(y);

	take_gap(y, begin);
	dress(y, n);
	n->is_alias = true;
	n->text = str_slice(y->text, begin, end - begin);
	finish_value(y, n, end, is_key);
}

static void on_open(struct yaml_layout *y, const yaml_event_t *e)
{
	bool is_map = e->type == YAML_MAPPING_START_EVENT;
	bool has_anchor = is_map ? e->data.mapping_start.anchor != NULL : e->data.sequence_start.anchor != NULL;
	bool has_tag = is_map ? e->data.mapping_start.tag != NULL : e->data.sequence_start.tag != NULL;
	bool has_props = has_anchor || has_tag;
	size_t begin = byte_of(y, e->start_mark.index);
	struct layout *n = layout_new(y->arena, is_map ? LAYOUT_MAP : LAYOUT_SEQ);

	n->is_flow = is_map ? e->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
			    : e->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
	take_gap(y, begin);
	dress(y, n);
	y->last = n;
	y->before = BEFORE_OPENING;
	if (has_props) {
		n->props = take_props(y, has_anchor, has_tag, y->text.len, &begin);
		y->before = BEFORE_OPENING;
	}
	if (n->is_flow || has_props)
		y->is_new_line = false;
	/* Of blocks only: the line of a list in brackets may be as long as the text. */
	if (!n->is_flow)
		n->column = (uint32_t)(begin - line_begin(y->text, begin));
	/* A pair in a list, [a: 1], is a map without brackets. */
	if (n->is_flow && begin < y->text.len && (y->text.ptr[begin] == '{' || y->text.ptr[begin] == '['))
		begin++;
	if (n->is_flow || !has_props)
		y->at = begin;
	place(y, n);
	n->parent = y->top;
	y->top = n;
}

/* Comments that are indented deeper than what comes next belong to the end of what closes. */
static void take_foots(struct yaml_layout *y, struct layout *n, size_t next)
{
	uint32_t next_column;
	bool is_end;
	size_t taken = 0;

	if (y->notes.n == 0)
		return;
	next_column = (uint32_t)(next - line_begin(y->text, next));
	is_end = str_trim(str_slice(y->text, next, y->text.len)).len == 0;
	while (taken < y->notes.n && (n->is_flow || (y->notes.at[taken].column >= n->column &&
							    (is_end || y->notes.at[taken].column > next_column))))
		vec_push(y->arena, &n->foots, y->notes.at[taken++]);
	if (taken == 0)
		return;
	y->notes.at += taken;
	y->notes.n -= taken;
	y->notes.cap -= taken;
}

static void on_close(struct yaml_layout *y, const yaml_event_t *e)
{
	size_t begin = byte_of(y, e->start_mark.index), end = byte_of(y, e->end_mark.index);
	struct layout *n = y->top;

	take_gap(y, begin);
	take_foots(y, n, begin);
	if (n->is_flow) {
		n->is_broken = n->is_broken || n->foots.n > 0 || n->opening.len > 0;
		y->at = end > y->at ? end : y->at;
		y->is_new_line = false;
		y->last = n;
		y->before = BEFORE_VALUE;
		y->is_blank = false;
	}
	y->top = n->parent;
}

/* A bracket that goes over lines stays so. */
static void mark_broken(struct yaml_layout *y, const yaml_event_t *e, const size_t *begins, size_t depth)
{
	size_t end = byte_of(y, e->end_mark.index), begin = begins[depth];

	if (y->top->is_flow && str_find_char(str_slice(y->text, begin, end - begin), '\n') < end - begin)
		y->top->is_broken = true;
}

/* False: there is something that has no layout here. */
static bool take_event(struct yaml_layout *y, const yaml_event_t *e, size_t *begins, size_t *depth)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		/* "---" and directives say nothing that is needed. */
		take_gap(y, byte_of(y, e->start_mark.index));
		y->at = byte_of(y, e->end_mark.index);
		y->is_new_line = e->data.document_start.implicit != 0;
		if (e->data.document_start.version_directive != NULL ||
			e->data.document_start.tag_directives.start != e->data.document_start.tag_directives.end)
			return false;
		if (!e->data.document_start.implicit) {
			*y->head = y->notes;
			y->notes = (struct layout_notes){ 0 };
		}
		return true;
	case YAML_SCALAR_EVENT:
		on_scalar(y, e);
		return true;
	case YAML_ALIAS_EVENT:
		on_alias(y, e);
		return true;
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		if (*depth > TREE_MAX_DEPTH || is_key_next(y))
			return false;
		on_open(y, e);
		begins[(*depth)++] = byte_of(y, e->start_mark.index);
		return true;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		mark_broken(y, e, begins, --*depth);
		on_close(y, e);
		return true;
	default:
		return true;
	}
}

static bool read_events(struct yaml_layout *y)
{
	size_t begins[TREE_MAX_DEPTH + 2], depth = 0;
	bool ended = false;

	while (!ended) {
		yaml_event_t e;
		bool ok;

		if (yaml_parser_parse(&y->parser, &e) == 0)
			return false;
		ended = e.type == YAML_STREAM_END_EVENT;
		ok = take_event(y, &e, begins, &depth);
		yaml_event_delete(&e);
		if (!ok)
			return false;
	}
	return true;
}

struct layout *layout_read_yaml(struct arena *a, struct str text, struct layout_notes *head_out, size_t *n_notes_out)
{
	struct yaml_layout y = { .arena = a, .text = text, .opening = STR_INIT(""), .head = head_out };
	bool ok;

	if (yaml_parser_initialize(&y.parser) == 0)
		check_out_of_memory();
	yaml_parser_set_encoding(&y.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&y.parser, (const unsigned char *)text.ptr, text.len);
	ok = read_events(&y);
	yaml_parser_delete(&y.parser);
	if (!ok)
		return NULL;
	if (y.root == NULL)
		y.root = layout_new(a, LAYOUT_SCALAR);
	take_gap(&y, text.len);
	y.root->tails = y.notes;
	*n_notes_out = y.n_notes;
	return y.root;
}
