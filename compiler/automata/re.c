/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "automata/re.h"

#include <string.h>

#include "base/str.h"

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 29;
}

static uint32_t add_sat(uint32_t a, uint32_t b)
{
	uint32_t sum;

	return __builtin_add_overflow(a, b, &sum) ? RE_SIZE_MAX : sum;
}

static uint32_t mul_sat(uint32_t a, uint32_t b)
{
	uint32_t product;

	return __builtin_mul_overflow(a, b, &product) ? RE_SIZE_MAX : product;
}

static struct re *new_re(struct arena *a, enum re_kind kind)
{
	struct re *x = ARENA_NEW(a, struct re);

	if (x != NULL) {
		x->kind = kind;
		x->hash = mix(0x746f726f6eu, kind);
	}
	return x;
}

struct re *re_empty(struct arena *a)
{
	return new_re(a, RE_EMPTY);
}

struct re *re_literal(struct arena *a, struct str bytes, bool nocase)
{
	struct re *x;
	char *copy;

	if (bytes.len == 0)
		return re_empty(a);
	if (memchr(bytes.ptr, 0, bytes.len) != NULL) /* no input holds NUL, so nothing matches */
		return re_set(a, (const uint8_t[32]){ 0 });
	x = new_re(a, RE_LITERAL);
	copy = arena_bytes(a, bytes.len);
	if (x == NULL || copy == NULL)
		return NULL;
	x->literal = (struct str){ memcpy(copy, bytes.ptr, bytes.len), bytes.len };
	x->nocase = nocase;
	x->size = x->min_len = bytes.len > RE_SIZE_MAX ? RE_SIZE_MAX : (uint32_t)bytes.len;
	x->hash = mix(x->hash, str_hash(bytes) + nocase);
	return x;
}

struct re *re_set(struct arena *a, const uint8_t bitmap[32])
{
	struct re *x = new_re(a, RE_SET);
	uint64_t words[4];

	if (x == NULL)
		return NULL;
	memcpy(x->set, bitmap, sizeof(x->set));
	x->set[0] &= 0xfe;
	x->size = x->min_len = 1;
	memcpy(words, x->set, sizeof(words));
	for (int i = 0; i < 4; i++)
		x->hash = mix(x->hash, words[i]);
	return x;
}

struct re *re_not_bytes(struct arena *a, struct str excluded)
{
	uint8_t bitmap[32];

	memset(bitmap, 0xff, sizeof(bitmap));
	for (size_t i = 0; i < excluded.len; i++) {
		unsigned byte = (unsigned char)excluded.ptr[i];

		bitmap[byte >> 3] &= (uint8_t)~(1u << (byte & 7));
	}
	return re_set(a, bitmap);
}

struct re *re_any_string(struct arena *a)
{
	return re_repeat(a, re_not_bytes(a, STR_NONE), 0, -1);
}

struct re *re_mark(struct arena *a, unsigned mark)
{
	struct re *x = new_re(a, RE_MARK);

	if (x == NULL)
		return NULL;
	x->mark = mark;
	x->hash = mix(x->hash, mark);
	return x;
}

struct re *re_cat(struct arena *a, struct re *left, struct re *right)
{
	struct re *x;

	if (left == NULL || right == NULL)
		return NULL;
	if (left->kind == RE_EMPTY)
		return right;
	if (right->kind == RE_EMPTY)
		return left;
	x = new_re(a, RE_CAT);
	if (x == NULL)
		return NULL;
	x->left = left;
	x->right = right;
	x->size = add_sat(left->size, right->size);
	x->min_len = add_sat(left->min_len, right->min_len);
	x->hash = mix(mix(x->hash, left->hash), right->hash);
	return x;
}

struct re *re_alt(struct arena *a, struct re *left, struct re *right)
{
	struct re *x;

	if (left == NULL || right == NULL)
		return NULL;
	x = new_re(a, RE_ALT);
	if (x == NULL)
		return NULL;
	x->left = left;
	x->right = right;
	x->size = add_sat(add_sat(left->size, right->size), 1);
	x->min_len = left->min_len < right->min_len ? left->min_len : right->min_len;
	x->hash = mix(mix(x->hash, left->hash), right->hash);
	return x;
}

struct re *re_repeat(struct arena *a, struct re *body, unsigned min, int max)
{
	struct re *x;
	uint32_t copies = max < 0 ? add_sat(min, 1) : (uint32_t)max;

	if (body == NULL)
		return NULL;
	if (max == 0 || body->kind == RE_EMPTY)
		return re_empty(a);
	if (min == 1 && max == 1)
		return body;
	x = new_re(a, RE_REPEAT);
	if (x == NULL)
		return NULL;
	x->body = body;
	x->min = min;
	x->max = max;
	x->size = add_sat(mul_sat(body->size, copies), 1);
	x->min_len = mul_sat(body->min_len, min);
	x->hash = mix(mix(mix(x->hash, body->hash), min), (uint64_t)(int64_t)max);
	return x;
}

bool re_operands(struct arena *scratch, const struct re *x, enum re_kind kind, struct re_vec *out)
{
	struct re_vec stack = { 0 };

	out->n = 0;
	for (;;) {
		while (x->kind == kind) {
			if (!vec_push(scratch, &stack, x->right))
				return false;
			x = x->left;
		}
		if (!vec_push(scratch, out, x))
			return false;
		if (stack.n == 0)
			return true;
		x = stack.at[--stack.n];
	}
}

bool re_same(const struct re *x, const struct re *y)
{
	for (;;) {
		if (x == y)
			return true;
		if (x->kind != y->kind || x->hash != y->hash || x->size != y->size)
			return false;
		switch (x->kind) {
		case RE_EMPTY:
			return true;
		case RE_MARK:
			return x->mark == y->mark;
		case RE_LITERAL:
			return x->nocase == y->nocase && str_eq(x->literal, y->literal);
		case RE_SET:
			return memcmp(x->set, y->set, sizeof(x->set)) == 0;
		case RE_REPEAT:
			if (x->min != y->min || x->max != y->max)
				return false;
			x = x->body;
			y = y->body;
			break;
		default: /* chains lean to the left, so that is where the loop goes on */
			if (!re_same(x->right, y->right))
				return false;
			x = x->left;
			y = y->left;
		}
	}
}

/* Takes every printable ASCII byte, as ".", "[^\n]" and re_any_string's byte do, but not "[^/]". */
static bool takes_any(const struct re *x)
{
	for (; x->kind == RE_ALT; x = x->left) /* a code point class is an alternation that begins with ASCII */
		if (takes_any(x->right))
			return true;
	if (x->kind == RE_REPEAT)
		return x->min <= 1 && takes_any(x->body);
	if (x->kind != RE_SET)
		return false;
	for (unsigned byte = 0x21; byte < 0x7f; byte++)
		if (!re_set_has(x->set, byte))
			return false;
	return true;
}

/* An any-loop within the first bytes of x (`budget` may come before it), with something behind it
 * if `followed` is false. */
static bool loops_early(struct arena *scratch, const struct re *x, unsigned budget, bool followed)
{
	struct re_vec parts = { 0 };
	uint32_t before = 0;

	if (x->kind == RE_REPEAT) {
		if (x->max < 0 && takes_any(x->body))
			return followed;
		return loops_early(scratch, x->body, budget, followed || x->max != 1);
	}
	if (x->kind == RE_ALT) {
		re_operands(scratch, x, RE_ALT, &parts);
		for (size_t i = 0; i < parts.n; i++)
			if (loops_early(scratch, parts.at[i], budget, followed))
				return true;
		return false;
	}
	if (x->kind != RE_CAT)
		return false;
	re_operands(scratch, x, RE_CAT, &parts);
	for (size_t i = 0; i < parts.n && before <= budget; i++) {
		if (loops_early(scratch, parts.at[i], budget - before, followed || i + 1 < parts.n))
			return true;
		before = add_sat(before, parts.at[i]->min_len);
	}
	return false;
}

bool re_is_unanchored(const struct re *x)
{
	struct arena scratch;
	bool unanchored;

	arena_init_unbounded(&scratch);
	unanchored = loops_early(&scratch, x, 1, false);
	arena_fini(&scratch);
	return unanchored;
}
