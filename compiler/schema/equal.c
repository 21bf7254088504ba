/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* JSON values as values: types, equality, order of numbers, hashes. */
#include <math.h>

#include "base/str.h"
#include "schema/eval.h"

/* Beyond 2^53 every double is whole. */
static bool is_whole(double x)
{
	if (isnan(x))
		return false;
	return x >= 0x1p53 || x <= -0x1p53 ? x - x == 0 : x == (double)(int64_t)x;
}

unsigned node_type_bits(const struct node *n)
{
	switch (n->kind) {
	case NODE_NULL:
		return TYPE_NULL;
	case NODE_BOOL:
		return TYPE_BOOL;
	case NODE_INT:
		return TYPE_INTEGER | TYPE_NUMBER;
	case NODE_FLOAT:
		return is_whole(n->real) ? TYPE_INTEGER | TYPE_NUMBER : TYPE_NUMBER;
	case NODE_STRING:
		return TYPE_STRING;
	case NODE_DATETIME:
		return TYPE_STRING;
	case NODE_SEQ:
		return TYPE_ARRAY;
	case NODE_MAP:
		return TYPE_OBJECT;
	}
	return 0;
}

static bool is_number(const struct node *n)
{
	return n->kind == NODE_INT || n->kind == NODE_FLOAT;
}

static int compare_doubles(double a, double b)
{
	return a < b ? -1 : a > b;
}

/* An integer against a double, without losing digits of the integer. */
static int compare_mixed(int64_t a, double b)
{
	/* What is no number is above all limits. */
	if (b >= 0x1p63 || isnan(b))
		return -1;
	if (b < -0x1p63)
		return 1;

	int64_t whole = (int64_t)b;

	if (a != whole)
		return a < whole ? -1 : 1;
	return compare_doubles(0, b - (double)whole);
}

int node_compare_numbers(const struct node *a, const struct node *b)
{
	if (a->kind == NODE_INT && b->kind == NODE_INT)
		return a->integer < b->integer ? -1 : a->integer > b->integer;
	if (a->kind == NODE_INT)
		return compare_mixed(a->integer, b->real);
	if (b->kind == NODE_INT)
		return -compare_mixed(b->integer, a->real);
	return compare_doubles(a->real, b->real);
}

static bool maps_equal(const struct node *a, const struct node *b)
{
	if (a->n_children != b->n_children)
		return false;
	for (const struct node *member = a->first; member != NULL; member = member->next) {
		const struct node *other = node_get(b, member->key);

		if (other == NULL || !node_equal(member, other))
			return false;
	}
	return true;
}

static bool lists_equal(const struct node *a, const struct node *b)
{
	const struct node *x = a->first, *y = b->first;

	while (x != NULL && y != NULL && node_equal(x, y)) {
		x = x->next;
		y = y->next;
	}
	return x == NULL && y == NULL;
}

bool node_equal(const struct node *a, const struct node *b)
{
	if (is_number(a) && is_number(b))
		return node_compare_numbers(a, b) == 0;
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case NODE_NULL:
		return true;
	case NODE_BOOL:
		return a->boolean == b->boolean;
	case NODE_SEQ:
		return lists_equal(a, b);
	case NODE_MAP:
		return maps_equal(a, b);
	default:
		return str_eq(a->text, b->text);
	}
}

static uint64_t mix(uint64_t h, uint64_t value)
{
	h = (h ^ value) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

uint64_t node_hash(const struct node *n)
{
	uint64_t h = is_number(n) ? NODE_FLOAT : n->kind;

	if (is_number(n)) {
		double value = n->kind == NODE_INT ? (double)n->integer : n->real;
		uint64_t bits;

		value = value == 0 ? 0 : value; /* -0.0 equals 0 */
		memcpy(&bits, &value, sizeof(bits));
		return mix(h, bits);
	}
	if (n->kind == NODE_BOOL)
		return mix(h, n->boolean);
	if (n->kind != NODE_SEQ && n->kind != NODE_MAP)
		return mix(h, str_hash(n->text));
	for (const struct node *child = n->first; child != NULL; child = child->next) {
		if (n->kind == NODE_SEQ)
			h = mix(h, node_hash(child));
		else
			h += mix(str_hash(child->key),
				node_hash(child)); /* the order of members means nothing */
	}
	return h;
}
