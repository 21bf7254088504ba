/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "automata/nfa.h"

#include <string.h>

#include "base/check.h"
#include "base/str.h"

/* Over budget is sticky: functions go on with some node, their loops look at `over`, and
 * nfa_build throws all away. */
static uint32_t new_node(struct nfa *f)
{
	const struct nfa_node fresh = { NFA_NONE, NFA_NONE, NFA_NONE, NFA_NONE, f->owner };

	if (f->nodes.n >= f->budget || !vec_push(f->scratch, &f->nodes, fresh)) {
		f->over = true;
		return NFA_ROOT;
	}
	return (uint32_t)(f->nodes.n - 1);
}

static void add_edge(struct nfa *f, uint32_t *list, uint32_t label, uint32_t target)
{
	const struct nfa_edge e = { label, target, *list };

	if (vec_push(f->scratch, &f->edges, e))
		*list = (uint32_t)(f->edges.n - 1);
	else
		f->over = true;
}

static void add_empty(struct nfa *f, uint32_t from, uint32_t to)
{
	if (from != to)
		add_edge(f, &f->nodes.at[from].empties, 0, to);
}

/* The label of an edge over `bitmap`. */
static uint32_t set_label(struct nfa *f, const uint8_t bitmap[32])
{
	struct nfa_set s;
	uint32_t words[8], hash, id;

	memcpy(words, bitmap, sizeof(words));
	memcpy(s.bitmap, bitmap, sizeof(s.bitmap));
	hash = hash_words(words, ARRAY_LEN(words));
	for (size_t at = 0; (id = hash_index_next(&f->set_index, hash, &at)) != HASH_NONE;)
		if (memcmp(f->sets.at[id].bitmap, bitmap, sizeof(s.bitmap)) == 0)
			return 256 + id;
	id = (uint32_t)f->sets.n;
	if (!vec_push(f->scratch, &f->sets, s) || !hash_index_add(&f->set_index, hash, id))
		f->over = true;
	return 256 + id;
}

/* The one byte of the set, or -1. */
static int only_byte(const uint8_t bitmap[32])
{
	int found = -1;

	for (unsigned byte = 0; byte < 256; byte++) {
		if (!re_set_has(bitmap, byte))
			continue;
		if (found >= 0)
			return -1;
		found = (int)byte;
	}
	return found;
}

static uint32_t step_label(struct nfa *f, const struct re *literal, size_t i)
{
	unsigned byte = (unsigned char)literal->literal.ptr[i];
	unsigned lower = ascii_lower((unsigned char)byte);
	uint8_t both[32] = { 0 };

	if (!literal->nocase || lower < 'a' || lower > 'z')
		return byte;
	re_set_add(both, lower);
	re_set_add(both, lower - 0x20);
	return set_label(f, both);
}

static uint32_t fragment(struct nfa *f, uint32_t from, const struct re *x);

static uint32_t fresh_step(struct nfa *f, uint32_t from, uint32_t label)
{
	uint32_t to = new_node(f);

	add_edge(f, &f->nodes.at[from].edges, label, to);
	return to;
}

static uint32_t chain_fragment(struct nfa *f, uint32_t from, const struct re *x)
{
	struct re_vec parts = { 0 };

	if (!re_operands(f->scratch, x, RE_CAT, &parts))
		f->over = true;
	for (size_t i = 0; i < parts.n && !f->over; i++)
		from = fragment(f, from, parts.at[i]);
	return from;
}

static uint32_t choice_fragment(struct nfa *f, uint32_t from, const struct re *x)
{
	struct re_vec parts = { 0 };
	uint32_t to = new_node(f);

	if (!re_operands(f->scratch, x, RE_ALT, &parts))
		f->over = true;
	for (size_t i = 0; i < parts.n && !f->over; i++)
		add_empty(f, fragment(f, from, parts.at[i]), to);
	return to;
}

/* x* or x+ (min 0 or 1). The loop is at the fragment's own nodes, never at one that other
 * patterns go on from. */
static uint32_t loop_fragment(struct nfa *f, uint32_t from, const struct re *body, unsigned min)
{
	uint32_t start, end;

	if (body->kind == RE_SET && min == 1) { /* as "[^/]+" is: without empty steps */
		end = fresh_step(f, from, set_label(f, body->set));
		add_edge(f, &f->nodes.at[end].edges, set_label(f, body->set), end);
		return end;
	}
	start = new_node(f);
	add_empty(f, from, start);
	if (body->kind == RE_SET) {
		add_edge(f, &f->nodes.at[start].edges, set_label(f, body->set), start);
		return start;
	}
	end = fragment(f, start, body);
	add_empty(f, end, start);
	return min == 0 ? start : end;
}

static uint32_t repeat_fragment(struct nfa *f, uint32_t from, const struct re *x)
{
	unsigned n_copies = x->max < 0 && x->min > 0 ? x->min - 1 : x->min;
	uint32_t to;

	for (unsigned i = 0; i < n_copies && !f->over; i++)
		from = fragment(f, from, x->body);
	if (x->max < 0)
		return loop_fragment(f, from, x->body, x->min > 0);
	if (x->max == (int)x->min)
		return from;
	to = new_node(f);
	add_empty(f, from, to);
	for (int i = (int)x->min; i < x->max && !f->over; i++) {
		from = fragment(f, from, x->body);
		add_empty(f, from, to);
	}
	return to;
}

/* Nodes and edges of x, none shared, from `from` to the node that is returned: one of its own
 * unless x is RE_EMPTY. */
static uint32_t fragment(struct nfa *f, uint32_t from, const struct re *x)
{
	switch (x->kind) {
	case RE_EMPTY:
	case RE_MARK:
		return from;
	case RE_LITERAL:
		for (size_t i = 0; i < x->literal.len && !f->over; i++)
			from = fresh_step(f, from, step_label(f, x, i));
		return from;
	case RE_SET:
		return fresh_step(f, from, set_label(f, x->set));
	case RE_CAT:
		return chain_fragment(f, from, x);
	case RE_ALT:
		return choice_fragment(f, from, x);
	case RE_REPEAT:
		return repeat_fragment(f, from, x);
	}
	return from;
}

static uint32_t shared_byte(struct nfa *f, uint32_t from, uint32_t byte)
{
	uint32_t to;

	for (uint32_t e = f->nodes.at[from].kids; e != NFA_NONE; e = f->edges.at[e].next)
		if (f->edges.at[e].label == byte)
			return f->edges.at[e].target;
	to = new_node(f);
	add_edge(f, &f->nodes.at[from].kids, byte, to);
	return to;
}

static uint32_t shared_part(struct nfa *f, uint32_t from, const struct re *x)
{
	const uint32_t key[3] = { from, (uint32_t)x->hash, (uint32_t)(x->hash >> 32) };
	uint32_t hash = hash_words(key, ARRAY_LEN(key)), id;
	struct nfa_part part = { x, from, 0 };

	for (size_t at = 0; (id = hash_index_next(&f->part_index, hash, &at)) != HASH_NONE;)
		if (f->parts.at[id].from == from && re_same(f->parts.at[id].x, x))
			return f->parts.at[id].to;
	part.to = fragment(f, from, x);
	if (!vec_push(f->scratch, &f->parts, part)
	    || !hash_index_add(&f->part_index, hash, (uint32_t)(f->parts.n - 1)))
		f->over = true;
	return part.to;
}

static uint32_t shared_item(struct nfa *f, uint32_t from, const struct re *x)
{
	int byte = x->kind == RE_SET ? only_byte(x->set) : -1;

	if (byte >= 0)
		return shared_byte(f, from, (uint32_t)byte);
	if (x->kind != RE_LITERAL || x->nocase)
		return shared_part(f, from, x);
	for (size_t i = 0; i < x->literal.len && !f->over; i++)
		from = shared_byte(f, from, (unsigned char)x->literal.ptr[i]);
	return from;
}

static void add_pattern(struct nfa *f, const struct re *x, struct re_vec *parts)
{
	uint32_t at = NFA_ROOT;
	struct nfa_accept end;

	if (!re_operands(f->scratch, x, RE_CAT, parts))
		f->over = true;
	for (size_t i = 0; i < parts->n && !f->over; i++)
		if (parts->at[i]->kind != RE_EMPTY)
			at = shared_item(f, at, parts->at[i]);
	end = (struct nfa_accept){ f->owner, f->nodes.at[at].accepts };
	if (vec_push(f->scratch, &f->accepts, end))
		f->nodes.at[at].accepts = (uint32_t)(f->accepts.n - 1);
	else
		f->over = true;
}

bool nfa_build(struct nfa *f, struct arena *scratch, struct re *const *patterns, uint32_t n,
	uint32_t budget, uint32_t *culprit_out)
{
	struct re_vec parts = { 0 };
	size_t most = 0;

	*f = (struct nfa){ .scratch = scratch, .budget = budget > 0 ? budget : 1 };
	hash_index_init(&f->set_index, scratch);
	hash_index_init(&f->part_index, scratch);
	*culprit_out = 0;
	new_node(f);
	for (uint32_t i = 0; i < n && !f->over; i++) {
		size_t before = f->nodes.n;

		f->owner = i;
		add_pattern(f, patterns[i], &parts);
		if (f->nodes.n - before > most || (f->over && f->nodes.n - before == most)) {
			most = f->nodes.n - before;
			*culprit_out = i;
		}
	}
	return !f->over;
}
