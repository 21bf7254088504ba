/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/str.h"
#include "model/build.h"

const struct node *value_node(struct builder *b, const struct node *map, struct str key)
{
	const struct node *n = map == NULL ? NULL : node_get(map, key);

	if (n == NULL)
		return NULL;
	if (node_is_whole(n))
		return n;
	b->poisoned = true;
	/* Of a map, what is good can still be read. A list may be poisoned for its length, on which loops rely. */
	return n->kind == NODE_MAP || (n->kind == NODE_SEQ && (n->flags & NODE_POISONED) == 0) ? n : NULL;
}

struct m_str node_str(const struct node *n)
{
	return (struct m_str){ n->text.ptr == NULL ? STR("") : n->text, n->span };
}

struct m_str node_key(const struct node *n)
{
	return (struct m_str){ n->key, n->key_span };
}

static struct span place_of(const struct node *map)
{
	return map == NULL ? SPAN_NONE : map->span;
}

struct m_str value_str(struct builder *b, const struct node *map, struct str key)
{
	const struct node *n = value_node(b, map, key);

	return n == NULL || n->kind == NODE_MAP || n->kind == NODE_SEQ
		       ? (struct m_str){ STR_NONE, place_of(map) }
		       : node_str(n);
}

struct m_bool value_bool(struct builder *b, const struct node *map, struct str key)
{
	const struct node *n = value_node(b, map, key);

	if (n == NULL || n->kind != NODE_BOOL)
		return (struct m_bool){ false, place_of(map) };
	return (struct m_bool){ n->boolean, n->span };
}

struct m_i64 value_int(struct builder *b, const struct node *map, struct str key)
{
	const struct node *n = value_node(b, map, key);

	if (n != NULL && n->kind == NODE_INT)
		return (struct m_i64){ n->integer, n->span };
	/* A whole float is an integer to the schema: 80.0. */
	if (n != NULL && n->kind == NODE_FLOAT && n->real > -0x1p53 && n->real < 0x1p53)
		return (struct m_i64){ (int64_t)n->real, n->span };
	return (struct m_i64){ 0, n == NULL ? place_of(map) : n->span };
}

struct m_u64 value_count(struct builder *b, const struct node *map, struct str key)
{
	struct m_i64 value = value_int(b, map, key);

	return (struct m_u64){ value.value < 0 ? 0 : (uint64_t)value.value, value.at };
}

struct m_u64 value_ms(struct builder *b, const struct node *map, struct str key)
{
	struct m_str text = value_str(b, map, key);
	struct m_u64 value = { 0, text.at };

	if (!duration_parse(text.value, &value.value))
		value.value = 0;
	return value;
}

struct m_u64 value_bytes(struct builder *b, const struct node *map, struct str key)
{
	struct m_str text = value_str(b, map, key);
	struct m_u64 value = { 0, text.at };

	if (!size_parse(text.value, &value.value))
		value.value = 0;
	return value;
}

struct m_min_rate value_min_rate(struct builder *b, const struct node *limits)
{
	const struct node *n = value_node(b, limits, STR("min_rate"));

	if (n == NULL)
		return (struct m_min_rate){ 0 };
	return (struct m_min_rate){
		.request = value_bytes(b, n, STR("request")),
		.response = value_bytes(b, n, STR("response")),
		.over = value_ms(b, n, STR("over")),
	};
}

struct m_u64 value_ppm(struct builder *b, const struct node *map, struct str key)
{
	struct m_str text = value_str(b, map, key);
	uint32_t ppm = 0;

	if (!percent_parse(text.value, &ppm))
		ppm = 0;
	return (struct m_u64){ ppm, text.at };
}

/* n, or the next of its siblings that is not poisoned. */
static const struct node *skip_poisoned(struct builder *b, const struct node *n)
{
	for (; n != NULL && !node_is_whole(n) && n->kind != NODE_MAP; n = n->next)
		b->poisoned = true;
	if (n != NULL && !node_is_whole(n))
		b->poisoned = true;
	return n;
}

const struct node *value_first(struct builder *b, const struct node *n)
{
	if (n == NULL || n->kind != NODE_SEQ)
		return n;
	return skip_poisoned(b, n->first);
}

const struct node *value_next(struct builder *b, const struct node *of, const struct node *at)
{
	return of->kind == NODE_SEQ ? skip_poisoned(b, at->next) : NULL;
}

struct m_strs value_strs(struct builder *b, const struct node *map, struct str key)
{
	const struct node *n = value_node(b, map, key);
	struct m_strs list = { NULL, 0 };

	if (n == NULL)
		return list;
	list.at = ARENA_ARRAY(b->arena, struct m_str, n->kind == NODE_SEQ ? n->n_children : 1);
	for (const struct node *item = value_first(b, n); item != NULL;
		item = value_next(b, n, item)) {
		/* Maps come through, poisoned or not. */
		if (item->kind != NODE_MAP && item->kind != NODE_SEQ)
			list.at[list.n++] = node_str(item);
	}
	return list;
}

struct str build_lower(struct arena *a, struct str s)
{
	char *out = arena_bytes(a, s.len + 1);

	for (size_t i = 0; i < s.len; i++)
		out[i] = (char)ascii_lower((unsigned char)s.ptr[i]);
	return (struct str){ out, s.len };
}

struct m_file_name value_file(struct builder *b, const struct node *map, struct str key)
{
	struct m_file_name file = { .text = value_str(b, map, key) };

	file.path = build_file_name(b, &file.text);
	return file;
}

struct m_secret build_secret(struct builder *b, const struct node *map, struct str key)
{
	const struct node *n = value_node(b, map, key);
	const struct node *from;

	if (n == NULL)
		return (struct m_secret){ .kind = M_SECRET_NONE };
	if (n->kind != NODE_MAP)
		return (struct m_secret){ M_SECRET_LITERAL, n->text, n->span };
	from = value_node(b, n, STR("env"));
	if (from != NULL)
		return (struct m_secret){ M_SECRET_ENV, from->text, from->span };
	from = value_node(b, n, STR("file"));
	if (from != NULL)
		return (struct m_secret){ M_SECRET_FILE, from->text, from->span };
	b->poisoned = true;
	return (struct m_secret){ .kind = M_SECRET_NONE, .at = n->span };
}
