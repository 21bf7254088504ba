/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tree/yaml_reader.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/str.h"
#include "tree/scalar.h"

#define CORE "tag:yaml.org,2002:"

size_t yaml_byte_of(struct yaml_reader *r, size_t index)
{
	struct str text = r->build.text;

	while (r->mark_index < index && r->mark_byte < text.len) {
		do
			r->mark_byte++;
		while (r->mark_byte < text.len &&
			((unsigned char)text.ptr[r->mark_byte] & 0xc0) == 0x80);
		r->mark_index++;
	}
	while (r->mark_index > index) {
		do
			r->mark_byte--;
		while (((unsigned char)text.ptr[r->mark_byte] & 0xc0) == 0x80);
		r->mark_index--;
	}
	return r->mark_byte;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Over blanks and comments. */
static size_t skip_blank(struct str text, size_t at, size_t end)
{
	while (at < end && (is_blank(text.ptr[at]) || text.ptr[at] == '#')) {
		bool is_comment = text.ptr[at] == '#';

		/* To YAML, a carriage return ends a line, too. */
		do
			at++;
		while (is_comment && at < end && text.ptr[at] != '\n' && text.ptr[at] != '\r');
	}
	return at < end ? at : end;
}

static size_t skip_word(struct str text, size_t at, size_t end)
{
	while (at < end && !is_blank(text.ptr[at]) && !(text.ptr[at] == ',' && at + 1 < end))
		at++;
	return at;
}

/* The event's bytes without its anchor and tag; those of the tag go to *tag_out, if there is one.
 * */
static struct span value_span(
	struct yaml_reader *r, const yaml_event_t *e, bool has_anchor, bool has_tag, struct span *tag_out)
{
	struct str text = r->build.text;
	size_t begin = yaml_byte_of(r, e->start_mark.index),
	       end = yaml_byte_of(r, e->end_mark.index);
	size_t most = e->type == YAML_SCALAR_EVENT ? end : text.len;

	/* One of each at most: behind those of a map stand those of its first key. */
	while (begin < most && ((has_anchor && text.ptr[begin] == '&') || (has_tag && text.ptr[begin] == '!'))) {
		size_t word = begin;

		has_anchor = has_anchor && text.ptr[word] != '&';
		has_tag = has_tag && text.ptr[word] != '!';
		begin = skip_word(text, begin, most);
		if (text.ptr[word] == '!')
			*tag_out = build_span(&r->build, word, begin);
		begin = skip_blank(text, begin, most);
	}
	return build_span(&r->build, begin, end < begin ? begin : end);
}

/* An absent value: libyaml puts it where the next token begins, a reader looks for it behind the
 * key or the dash. */
static struct span empty_span(struct yaml_reader *r, const struct yaml_frame *top, struct span span)
{
	struct str text = r->build.text;
	size_t at = span.begin;

	if (top != NULL && top->has_key) {
		for (at = top->key_span.end; at < span.begin && is_blank(text.ptr[at]);)
			at++;
		at = at < text.len && text.ptr[at] == ':' ? at + 1 : top->key_span.end;
	} else {
		while (at > 0 && is_blank(text.ptr[at - 1]))
			at--;
	}
	return build_span(&r->build, at, at);
}

static struct yaml_frame *top_frame(struct yaml_reader *r)
{
	return r->n_frames == 0 ? NULL : &r->frames[r->n_frames - 1];
}

static bool is_key_next(struct yaml_reader *r)
{
	struct yaml_frame *top = top_frame(r);

	return top != NULL && top->node->kind == NODE_MAP && !top->has_key;
}

static void take_key(
	struct yaml_reader *r, struct yaml_frame *top, const struct node *n, struct span at)
{
	top->has_key = true;
	top->key = n->text;
	top->key_span = at;
	top->is_key_broken = n->kind == NODE_MAP || n->kind == NODE_SEQ;
	top->is_merge =
		!top->is_key_broken && (n->flags & NODE_QUOTED) == 0 && str_eq(n->text, STR("<<"));
	if (top->is_key_broken) {
		top->node->flags |= NODE_PARTIAL;
		diag_report(r->build.diags, DIAG_YAML_KEY, at, "a key must be a string, not %s",
			node_kind_name(n->kind));
	}
	if (!top->is_merge)
		return;
	if (top->merge_at.source != 0) {
		diag_report(r->build.diags, DIAG_DUPLICATE_MEMBER, at,
			"key '<<' is defined twice; write <<: [*a, *b]");
		diag_note(r->build.diags, top->merge_at, "first defined here");
	}
	top->merge_at = at;
}

/* Gives a finished scalar, a copy, or a container that just began, its place. */
static void place(struct yaml_reader *r, struct node *n)
{
	struct yaml_frame *top = top_frame(r);

	if (top == NULL) {
		r->root = n;
	} else if (top->node->kind == NODE_SEQ) {
		build_item(&r->build, top->node, n);
	} else if (!top->has_key) {
		take_key(r, top, n, n->span);
	} else {
		top->has_key = false;
		if (top->is_merge)
			vec_push(r->build.arena, &top->merges, n);
		else if (!top->is_key_broken)
			build_member(&r->build, top->node, top->key, top->key_span, n);
	}
}

static struct str event_str(const yaml_char_t *s)
{
	return str_of((const char *)s);
}

/* ---- scalars ---- */

static void refuse_tag(struct yaml_reader *r, struct node *n, struct span tag_at, struct str tag)
{
	static const char *const known[] = { "str", "int", "float", "bool", "null", "seq", "map" };
	struct str prefix = STR(CORE);
	bool is_core = str_starts(tag, prefix), is_known = false;
	struct str name = is_core ? str_slice(tag, prefix.len, tag.len) : tag;

	for (size_t i = 0; is_core && i < ARRAY_LEN(known); i++)
		is_known |= str_eq(name, str_of(known[i]));
	n->flags |= NODE_POISONED;
	diag_report(r->build.diags, DIAG_YAML_TAG, tag_at.source != 0 ? tag_at : n->span,
		"tag '%s" STR_FMT "' %s", is_core ? "!!" : "", STR_ARG(name),
		is_known ? "does not fit this value" : "is not known");
}

/* True if the tag, one of the core schema, holds for the text; the node then has that kind. */
static bool apply_tag(struct node *n, struct str tag)
{
	struct str text = n->text;

	if (str_eq(tag, STR(CORE "str")) || str_eq(tag, STR("!"))) {
		n->kind = NODE_STRING;
		n->flags |= NODE_QUOTED;
		return true;
	}
	if (scalar_resolve(n, text) == SCALAR_TOO_LARGE)
		return false;
	if (str_eq(tag, STR(CORE "float")) && n->kind == NODE_INT) {
		n->kind = NODE_FLOAT;
		n->real = (double)n->integer;
	}
	return (n->kind == NODE_INT && str_eq(tag, STR(CORE "int"))) ||
	       (n->kind == NODE_FLOAT && str_eq(tag, STR(CORE "float"))) ||
	       (n->kind == NODE_BOOL && str_eq(tag, STR(CORE "bool"))) ||
	       (n->kind == NODE_NULL && str_eq(tag, STR(CORE "null")));
}

/* What readers of YAML 1.1 would take for something else; keys are strings for all. */
static void remark_on(struct yaml_reader *r, struct node *n, enum scalar_remark remark)
{
	struct diags *d = r->build.diags;

	if (remark == SCALAR_TOO_LARGE)
		n->flags |= NODE_POISONED;
	if (remark == SCALAR_TOO_LARGE)
		diag_report(d, DIAG_NUMBER_RANGE, n->span, "number '" STR_FMT "' is too large",
			STR_ARG(n->text));
	else if (remark == SCALAR_BOOLEAN_WORD)
		diag_report(d, DIAG_YAML_BOOLEAN, n->span,
			"'" STR_FMT "' is a string here, but a boolean to other YAML readers; "
				    "write true, false or quotes",
			STR_ARG(n->text));
	else if (remark == SCALAR_LEADING_ZERO)
		diag_report(d, DIAG_YAML_OCTAL, n->span,
			"'" STR_FMT
			"' is the decimal number %lld here, but octal to other YAML readers",
			STR_ARG(n->text), (long long)n->integer);
}

static struct span trim_block_scalar(struct yaml_reader *r, struct span s)
{
	while (s.end > s.begin + 1 && is_blank(r->build.text.ptr[s.end - 1]))
		s.end--;
	return s;
}

static struct node *new_scalar(struct yaml_reader *r, struct span span, bool has_anchor)
{
	if (has_anchor || !is_key_next(r))
		return build_node(&r->build, NODE_STRING, span);
	r->key = (struct node){ .kind = NODE_STRING, .span = span };
	return &r->key;
}

static void on_scalar(struct yaml_reader *r, const yaml_event_t *e)
{
	struct str tag = event_str(e->data.scalar.tag);
	struct span tag_at = SPAN_NONE;
	struct span span =
		value_span(r, e, true, true, &tag_at); /* no scalar itself begins with "&" or "!" */
	yaml_scalar_style_t style = e->data.scalar.style;
	struct str text = { (const char *)e->data.scalar.value, e->data.scalar.length };
	struct node *n;

	if (style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE)
		span = trim_block_scalar(r, span);
	else if (span.begin == span.end && tag_at.source == 0)
		span = empty_span(r, top_frame(r), span);
	n = new_scalar(r, span, e->data.scalar.anchor != NULL);
	if (n == NULL)
		return;
	n->text = arena_str(r->build.arena, text);
	if (style != YAML_PLAIN_SCALAR_STYLE)
		n->flags |= NODE_QUOTED;
	if (tag.ptr != NULL) {
		if (!apply_tag(n, tag))
			refuse_tag(r, n, tag_at, tag);
	} else if (tag_at.source != 0) {
		n->flags |= NODE_QUOTED; /* "!": not to be resolved; libyaml does not tell */
	} else if (style == YAML_PLAIN_SCALAR_STYLE) {
		enum scalar_remark remark = scalar_resolve(n, n->text);

		if (!is_key_next(r))
			remark_on(r, n, remark);
	}
	if (e->data.scalar.anchor != NULL)
		yaml_anchor_set(r, event_str(e->data.scalar.anchor), n);
	place(r, n);
}

static void on_alias(struct yaml_reader *r, const yaml_event_t *e)
{
	struct span none, at = value_span(r, e, false, false, &none);
	struct node *target = yaml_anchor_get(r, event_str(e->data.alias.anchor), at);
	struct yaml_frame *top = top_frame(r);
	struct node *n;

	if (target != NULL && top != NULL && top->has_key && top->is_merge) {
		top->has_key = false;
		vec_push(r->build.arena, &top->merges,
			target); /* its members are copied when the map ends */
		return;
	}
	n = target != NULL ? yaml_copy(r, target, r->n_frames)
			   : build_node(&r->build, NODE_NULL, at);
	if (n == NULL)
		return;
	n->span = at;
	n->flags |= NODE_EXPANDED | (target == NULL ? NODE_POISONED : 0);
	n->key = STR_NONE;
	n->key_span = SPAN_NONE;
	place(r, n);
}

/* ---- lists and maps ---- */

static void on_open(struct yaml_reader *r, const yaml_event_t *e)
{
	bool is_map = e->type == YAML_MAPPING_START_EVENT;
	struct str tag = event_str(is_map ? e->data.mapping_start.tag : e->data.sequence_start.tag);
	struct str anchor =
		event_str(is_map ? e->data.mapping_start.anchor : e->data.sequence_start.anchor);
	struct span tag_at = SPAN_NONE;
	struct span span = value_span(r, e, anchor.ptr != NULL, tag.ptr != NULL, &tag_at);
	struct yaml_frame frame = { .is_key = is_key_next(r) };
	struct node *n;

	frame.is_block = is_map ? e->data.mapping_start.style != YAML_FLOW_MAPPING_STYLE
				: e->data.sequence_start.style != YAML_FLOW_SEQUENCE_STYLE;
	n = build_node(&r->build, is_map ? NODE_MAP : NODE_SEQ, span);
	if (n == NULL || !build_depth(&r->build, r->n_frames + 1,
				 build_span(&r->build, span.begin, span.begin + 1)))
		return;
	if (tag.ptr != NULL && !str_eq(tag, STR("!")) &&
		!str_eq(tag, is_map ? STR(CORE "map") : STR(CORE "seq")))
		refuse_tag(r, n, tag_at, tag);
	if (anchor.ptr != NULL)
		yaml_anchor_set(r, anchor, n);
	if (!frame.is_key)
		place(r, n);
	frame.node = n;
	r->frames[r->n_frames++] = frame;
}

static void on_close(struct yaml_reader *r, const yaml_event_t *e)
{
	struct yaml_frame *top = top_frame(r);
	struct node *n = top->node;

	/* A block ends, for libyaml, where the next token begins; here it ends with its last value.
	 * */
	if (!top->is_block)
		n->span.end = (uint32_t)yaml_byte_of(r, e->end_mark.index);
	else if (n->last != NULL)
		n->span.end = n->last->span.end > n->last->key_span.end ? n->last->span.end
									: n->last->key_span.end;
	yaml_merge(r, top);
	r->n_frames--;
	if (top->is_key)
		take_key(r, top_frame(r), n, n->span);
}

static void on_event(struct yaml_reader *r, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (r->root != NULL) {
			size_t at = yaml_byte_of(r, e->start_mark.index);

			build_stop(&r->build, DIAG_YAML_DOCUMENTS,
				build_span(&r->build, at, at + 3),
				"a second document begins here; a configuration is one document");
		}
		break;
	case YAML_SCALAR_EVENT:
		on_scalar(r, e);
		break;
	case YAML_ALIAS_EVENT:
		on_alias(r, e);
		break;
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		on_open(r, e);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		on_close(r, e);
		break;
	default:
		break;
	}
}

static void read_events(struct yaml_reader *r)
{
	bool ended = false;

	while (!ended && !r->build.stopped) {
		yaml_event_t e;

		if (yaml_parser_parse(&r->parser, &e) == 0) {
			yaml_report_error(r);
			return;
		}
		ended = e.type == YAML_STREAM_END_EVENT;
		on_event(r, &e);
		yaml_event_delete(&e);
	}
}

static struct node *read_document(struct yaml_reader *r)
{
	if (yaml_parser_initialize(&r->parser) == 0)
		check_out_of_memory();
	yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
		&r->parser, (const unsigned char *)build_terminated(&r->build), r->build.text.len);
	read_events(r);
	yaml_parser_delete(&r->parser);
	if (r->root == NULL) /* an empty file is an empty document */
		r->root = build_node(&r->build, NODE_NULL, build_span(&r->build, 0, 0));
	return build_finish(&r->build, r->root);
}

struct node *tree_read_yaml(struct arena *a, struct diags *d, uint32_t source)
{
	/* Not of the arena: it is large, and there may be 10,000 small files. */
	struct yaml_reader *r = calloc(1, sizeof(*r));
	struct node *root;

	if (r == NULL)
		check_out_of_memory();
	map_init(&r->anchors, a);
	root = build_init(&r->build, a, d, source) ? read_document(r) : NULL;
	free(r);
	return root;
}
