/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tree/build.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/str.h"

struct span build_span(const struct build *b, size_t begin, size_t end)
{
	return (struct span){ b->source, (uint32_t)begin, (uint32_t)end };
}

void build_stop(struct build *b, enum diag_id id, struct span at, const char *format, ...)
{
	va_list args;

	b->stopped = true;
	va_start(args, format);
	diag_vreport(b->diags, id, at, format, args);
	va_end(args);
}

static bool check_utf8(struct build *b)
{
	size_t valid;

	if (str_starts(b->text, STR("\xff\xfe")) || str_starts(b->text, STR("\xfe\xff"))) {
		build_stop(b, DIAG_BAD_ENCODING, build_span(b, 0, 2),
			"the file is UTF-16; save it as UTF-8");
		return false;
	}
	valid = str_utf8_valid(b->text);
	if (valid == b->text.len)
		return true;
	build_stop(b, DIAG_BAD_ENCODING, build_span(b, valid, valid + 1),
		"byte 0x%02X is not valid UTF-8 here", (unsigned char)b->text.ptr[valid]);
	return false;
}

static bool check_controls(struct build *b)
{
	for (size_t i = 0; i < b->text.len; i++) {
		unsigned char c = (unsigned char)b->text.ptr[i];

		if (c >= 0x20 || c == '\t' || c == '\n' || c == '\r')
			continue;
		build_stop(b, DIAG_BAD_ENCODING, build_span(b, i, i + 1),
			c == 0 ? "the file has a NUL byte: it is not a text"
			       : "control character U+%04X is not allowed",
			c);
		return false;
	}
	return true;
}

bool build_init(struct build *b, struct arena *a, struct diags *d, uint32_t source)
{
	CHECK(source > 0 && source < d->n_sources);
	*b = (struct build){ .arena = a, .diags = d, .source = source, .text = d->sources[source].text };
	b->used_before = a->used;
	if (b->text.len > TREE_MAX_BYTES) {
		build_stop(b, DIAG_TOO_LARGE, build_span(b, 0, 0),
			"the file has %zu bytes, more than the limit of %u", b->text.len,
			TREE_MAX_BYTES);
		return false;
	}
	return check_utf8(b) && check_controls(b);
}

struct node *build_node(struct build *b, enum node_kind kind, struct span span)
{
	struct node *n;

	if (b->stopped)
		return NULL;
	if (b->arena->used - b->used_before + b->text.len > TREE_MAX_MEMORY) {
		build_stop(b, DIAG_TOO_LARGE, span, "the document needs more than %zu MiB of memory", TREE_MAX_MEMORY >> 20);
		return NULL;
	}
	n = ARENA_NEW(b->arena, struct node);
	CHECK(n != NULL);
	n->kind = kind;
	n->span = span;
	return n;
}

struct node *build_scalar(struct build *b, enum node_kind kind, const struct build_token *t)
{
	struct node *n = build_node(b, kind, t->span);

	if (n == NULL)
		return NULL;
	n->text = t->text;
	if (kind == NODE_STRING)
		n->flags |= NODE_QUOTED;
	else if (kind == NODE_INT)
		n->integer = t->integer;
	else if (kind == NODE_FLOAT)
		n->real = t->real;
	else if (kind == NODE_BOOL)
		n->boolean = str_eq(t->text, STR("true"));
	return n;
}

bool build_member(
	struct build *b, struct node *map, struct str key, struct span key_span, struct node *value)
{
	struct node *first = node_get(map, key);

	if (first != NULL) {
		first->flags |= NODE_PARTIAL;
		diag_report(b->diags, DIAG_DUPLICATE_MEMBER, key_span,
			"key '" STR_FMT "' is defined twice", STR_ARG(key));
		build_where(b, first);
		diag_note(b->diags, first->key_span, "first defined here");
		return false;
	}
	value->key = key;
	value->key_span = key_span;
	node_append(b->arena, map, value);
	return true;
}

void build_item(struct build *b, struct node *seq, struct node *item)
{
	node_append(b->arena, seq, item);
}

void build_where(struct build *b, const struct node *n)
{
	if (b->diags->n > 0 && b->diags->n_dropped == 0)
		CHECK(vec_push(b->arena, &b->wheres,
			(struct build_where){ .diag = b->diags->n - 1, .node = n }));
}

struct node *build_finish(struct build *b, struct node *root)
{
	for (size_t i = 0; i < b->wheres.n && !b->stopped; i++)
		b->diags->at[b->wheres.at[i].diag].where = node_place(b->arena, b->wheres.at[i].node);
	return b->stopped ? NULL : root;
}

bool build_depth(struct build *b, size_t depth, struct span at)
{
	if (depth <= TREE_MAX_DEPTH)
		return true;
	if (!b->stopped)
		build_stop(b, DIAG_TOO_DEEP, at, "maps and lists are nested more than %d deep",
			TREE_MAX_DEPTH);
	return false;
}

const char *build_terminated(struct build *b)
{
	return arena_cstr(b->arena, b->text);
}

bool build_parse_int(struct str s, unsigned base, int64_t *value_out)
{
	bool negative = s.len > 0 && s.ptr[0] == '-';
	uint64_t most = (uint64_t)INT64_MAX + negative;
	uint64_t value = 0;

	for (size_t i = s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+'); i < s.len; i++) {
		unsigned char c = ascii_lower((unsigned char)s.ptr[i]);
		unsigned digit = c <= '9' ? c - (unsigned)'0' : c - (unsigned)'a' + 10;

		if (__builtin_mul_overflow(value, base, &value) ||
			__builtin_add_overflow(value, digit, &value) || value > most)
			return false;
	}
	*value_out = negative ? (int64_t)(0 - value) : (int64_t)value;
	return true;
}

bool build_parse_float(struct str s, double *value_out)
{
	char small[64];
	char *text = s.len < sizeof(small) ? small : malloc(s.len + 1);

	if (text == NULL)
		check_out_of_memory();
	memcpy(text, s.ptr, s.len);
	text[s.len] = '\0';
	*value_out = strtod(text, NULL); /* the program never leaves the "C" locale */
	if (text != small)
		free(text);
	return isfinite(*value_out);
}

bool build_utf8(uint32_t c, char *out, size_t *len)
{
	if ((c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
		return false;
	if (c < 0x80) {
		out[(*len)++] = (char)c;
		return true;
	}
	if (c < 0x800) {
		out[(*len)++] = (char)(0xc0 | c >> 6);
	} else if (c < 0x10000) {
		out[(*len)++] = (char)(0xe0 | c >> 12);
		out[(*len)++] = (char)(0x80 | (c >> 6 & 0x3f));
	} else {
		out[(*len)++] = (char)(0xf0 | c >> 18);
		out[(*len)++] = (char)(0x80 | (c >> 12 & 0x3f));
		out[(*len)++] = (char)(0x80 | (c >> 6 & 0x3f));
	}
	out[(*len)++] = (char)(0x80 | (c & 0x3f));
	return true;
}
