/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A state's edges are few: single bytes (the trie's literals) and sets, of which those that cover
 * many classes ("[^/]", any byte) come in few combinations. So a row is built from the
 * combination's blocks (a target for each, the widest becomes `other`) and from the classes that
 * some narrow edge touches, never class by class. */
#include "automata/subset.h"

#include <stdlib.h>
#include <string.h>

#define WIDE_CLASSES 4      /* a set of more classes is treated as a block */
#define INSERTION_MOST 24
#define WORK_PER_STATE 256u /* steps of the construction that a budgeted state may cost on average ... */
#define WORK_FREE 4000000u  /* ... beyond these */
#define NODES_PER_STATE 64u /* likewise its NFA nodes */

static int compare_words(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	return (a > b) - (a < b);
}

static void sort_words(uint32_t *at, size_t n)
{
	if (n > INSERTION_MOST) {
		qsort(at, n, sizeof(*at), compare_words);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		uint32_t x = at[i];
		size_t j = i;

		for (; j > 0 && at[j - 1] > x; j--)
			at[j] = at[j - 1];
		at[j] = x;
	}
}

static size_t drop_repeats(uint32_t *at, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (kept == 0 || at[kept - 1] != at[i])
			at[kept++] = at[i];
	return kept;
}

static bool same_words(const uint32_t *x, const uint32_t *y, size_t n)
{
	return memcmp(x, y, n * sizeof(*x)) == 0;
}

static void note_work(struct subsets *b)
{
	if (++b->work > b->work_limit)
		b->over = true;
}

static void gather_start(struct subsets *b)
{
	b->found.n = 0;
	b->stamp++;
}

static void visit(struct subsets *b, uint32_t node)
{
	note_work(b);
	if (b->mark[node] == b->stamp)
		return;
	b->mark[node] = b->stamp;
	if (nfa_is_busy(&b->nfa.nodes.at[node]))
		vec_push(&b->scratch, &b->found, node);
	if (b->nfa.nodes.at[node].empties != NFA_NONE)
		vec_push(&b->scratch, &b->todo, node);
}

/* Adds the node and what empty steps reach from it to `found`. */
static void gather(struct subsets *b, uint32_t node)
{
	visit(b, node);
	while (b->todo.n > 0 && !b->over) {
		uint32_t e = b->nfa.nodes.at[b->todo.at[--b->todo.n]].empties;

		for (; e != NFA_NONE; e = b->nfa.edges.at[e].next)
			visit(b, b->nfa.edges.at[e].target);
	}
}

static uint32_t intern_accepts(struct subsets *b)
{
	uint32_t hash, id;
	size_t n;

	if (b->list.n == 0)
		return 0;
	sort_words(b->list.at, b->list.n);
	n = drop_repeats(b->list.at, b->list.n);
	hash = hash_words(b->list.at, n);
	for (size_t at = 0; (id = hash_index_next(&b->set_index, hash, &at)) != HASH_NONE;)
		if (b->sets.at[id].n == n
		    && same_words(&b->set_pool.at[b->sets.at[id].first], b->list.at, n))
			return id;
	id = (uint32_t)b->sets.n;
	vec_push(&b->scratch, &b->sets, (struct subset){ (uint32_t)b->set_pool.n, (uint32_t)n });
	for (size_t i = 0; i < n; i++)
		vec_push(&b->scratch, &b->set_pool, b->list.at[i]);
	hash_index_add(&b->set_index, hash, id);
	return id;
}

/* A new state of the nodes in `found`, sorted. */
static uint32_t new_state(struct subsets *b)
{
	const struct subset s = { (uint32_t)b->pool.n, (uint32_t)b->found.n };

	if (b->states.n >= b->budget
	    || b->pool.n + b->set_pool.n + s.n > NODES_PER_STATE * (uint64_t)b->budget + WORK_FREE) {
		b->over = true;
		return 0;
	}
	vec_push(&b->scratch, &b->states, s);
	b->list.n = 0;
	for (uint32_t i = 0; i < s.n; i++) {
		uint32_t node = b->found.at[i], at = b->nfa.nodes.at[node].accepts;

		vec_push(&b->scratch, &b->pool, node);
		for (; at != NFA_NONE; at = b->nfa.accepts.at[at].next)
			vec_push(&b->scratch, &b->list, b->nfa.accepts.at[at].pattern);
	}
	vec_push(&b->scratch, &b->accept, intern_accepts(b));
	return (uint32_t)(b->states.n - 1);
}

/* The state of the nodes in `found`. */
static uint32_t intern_state(struct subsets *b)
{
	size_t n = b->found.n;
	uint32_t hash, id;

	if (n == 0 || b->over)
		return 0;
	if (n == 1) {
		uint32_t *one = &b->state_of_node[b->found.at[0]];

		return *one != 0 ? *one : (*one = new_state(b));
	}
	sort_words(b->found.at, n);
	hash = hash_words(b->found.at, n);
	for (size_t at = 0; (id = hash_index_next(&b->state_index, hash, &at)) != HASH_NONE;)
		if (b->states.at[id].n == n
		    && same_words(&b->pool.at[b->states.at[id].first], b->found.at, n))
			return id;
	id = new_state(b);
	if (id != 0)
		hash_index_add(&b->state_index, hash, id);
	return id;
}

static void add_narrow(struct subsets *b, uint32_t class, uint32_t target)
{
	const struct subset_step s = {
		0, target, class_bits_has(&b->touched, class) ? b->bucket[class] : NFA_NONE
	};

	note_work(b);
	class_bits_add(&b->touched, class);
	b->bucket[class] = (uint32_t)b->narrow.n;
	vec_push(&b->scratch, &b->narrow, s);
}

static void add_edges(struct subsets *b, uint32_t e)
{
	for (; e != NFA_NONE; e = b->nfa.edges.at[e].next) {
		uint32_t label = b->nfa.edges.at[e].label, target = b->nfa.edges.at[e].target;

		if (label < 256) {
			add_narrow(b, b->out->class_of[label], target);
			continue;
		}
		label -= 256;
		if (b->set_is_wide[label]) {
			note_work(b);
			vec_push(&b->scratch, &b->wide, (struct subset_step){ label, target, 0 });
			continue;
		}
		for (uint32_t c = 0; c < b->out->n_classes; c++)
			if (class_bits_has(&b->set_bits[label], c))
				add_narrow(b, c, target);
	}
}

static void split_blocks(struct partition *p, const struct class_bits *bits, uint32_t n_classes)
{
	uint32_t all[256] = { 0 }, inside[256] = { 0 }, moved[256] = { 0 };

	for (uint32_t c = 0; c < n_classes; c++) {
		all[p->block_of[c]]++;
		inside[p->block_of[c]] += class_bits_has(bits, c);
	}
	for (uint32_t c = 0; c < n_classes; c++) {
		uint32_t block = p->block_of[c];

		if (!class_bits_has(bits, c) || inside[block] == all[block])
			continue;
		if (moved[block] == 0)
			moved[block] = p->n_blocks++;
		p->block_of[c] = (uint8_t)moved[block];
	}
}

static void fill_partition(struct subsets *b, struct partition *p)
{
	uint32_t n_classes = b->out->n_classes, size[256] = { 0 };

	p->n_blocks = 1;
	memset(p->block_of, 0, sizeof(p->block_of));
	for (uint32_t i = 0; i < p->n; i++)
		split_blocks(p, &b->set_bits[b->wide_ids.at[p->first + i]], n_classes);
	p->widest = p->block_of[0];
	for (uint32_t c = 0; c < n_classes; c++) {
		uint32_t block = p->block_of[c];

		p->class_in[block] = (uint8_t)c;
		if (++size[block] > size[p->widest])
			p->widest = block;
	}
	p->rest = (struct class_bits){ 0 };
	for (uint32_t c = 0; c < n_classes; c++)
		if (p->block_of[c] != p->widest)
			class_bits_add(&p->rest, c);
}

/* The partition by the sets of the wide steps; the pointer is good until the next call. */
static const struct partition *find_partition(struct subsets *b)
{
	struct partition p = { .first = (uint32_t)b->wide_ids.n };
	uint32_t hash, id;
	size_t n;

	b->list.n = 0;
	for (size_t i = 0; i < b->wide.n; i++)
		vec_push(&b->scratch, &b->list, b->wide.at[i].key);
	sort_words(b->list.at, b->list.n);
	n = drop_repeats(b->list.at, b->list.n);
	hash = hash_words(b->list.at, n);
	for (size_t at = 0; (id = hash_index_next(&b->partition_index, hash, &at)) != HASH_NONE;) {
		const struct partition *old = &b->partitions.at[id];

		if (old->n == n && (n == 0 || same_words(&b->wide_ids.at[old->first], b->list.at, n)))
			return old;
	}
	for (size_t i = 0; i < n; i++)
		vec_push(&b->scratch, &b->wide_ids, b->list.at[i]);
	p.n = (uint32_t)n;
	fill_partition(b, &p);
	id = (uint32_t)b->partitions.n;
	vec_push(&b->scratch, &b->partitions, p);
	hash_index_add(&b->partition_index, hash, id);
	return &b->partitions.at[id];
}

static void gather_wide(struct subsets *b, uint32_t class)
{
	for (size_t i = 0; i < b->wide.n; i++)
		if (class_bits_has(&b->set_bits[b->wide.at[i].key], class))
			gather(b, b->wide.at[i].target);
}

static uint32_t class_target(struct subsets *b, uint32_t class)
{
	gather_start(b);
	for (uint32_t i = b->bucket[class]; i != NFA_NONE; i = b->narrow.at[i].next)
		gather(b, b->narrow.at[i].target);
	gather_wide(b, class);
	return intern_state(b);
}

static void add_exit(struct subsets *b, uint32_t class, uint32_t target, uint32_t other)
{
	if (target != other)
		vec_push(&b->scratch, &b->exits, (struct dfa_exit){ target, class });
}

static void collect_steps(struct subsets *b, uint32_t state)
{
	const struct subset s = b->states.at[state];

	b->wide.n = b->narrow.n = 0;
	b->touched = (struct class_bits){ 0 };
	for (uint32_t i = 0; i < s.n; i++) {
		const struct nfa_node *node = &b->nfa.nodes.at[b->pool.at[s.first + i]];

		add_edges(b, node->kids);
		add_edges(b, node->edges);
	}
}

/* Adds the row of `state`, and the states that it leads to. */
static void expand(struct subsets *b, uint32_t state)
{
	const struct partition *p;
	uint32_t block_target[256], other;

	collect_steps(b, state);
	p = find_partition(b);
	for (uint32_t i = 0; i < p->n_blocks; i++) {
		gather_start(b);
		gather_wide(b, p->class_in[i]);
		block_target[i] = intern_state(b);
	}
	other = block_target[p->widest];
	vec_push(&b->scratch, &b->rows, (struct dfa_row){ other, (uint32_t)b->exits.n });
	for (uint32_t w = 0; w < 4; w++) {
		uint64_t bits = b->touched.words[w] | p->rest.words[w];

		for (; bits != 0 && !b->over; bits &= bits - 1) {
			uint32_t class = w * 64 + (uint32_t)__builtin_ctzll(bits);

			add_exit(b, class, class_bits_has(&b->touched, class)
				? class_target(b, class) : block_target[p->block_of[class]], other);
		}
	}
}

static void prepare(struct subsets *b)
{
	size_t n_sets = b->nfa.sets.n;

	classes_find(&b->nfa, b->out);
	b->set_bits = ARENA_ARRAY(&b->scratch, struct class_bits, n_sets);
	b->set_is_wide = ARENA_ARRAY(&b->scratch, bool, n_sets);
	for (size_t i = 0; i < n_sets; i++)
		b->set_is_wide[i] = classes_of_set(b->out, &b->nfa.sets.at[i], &b->set_bits[i]) > WIDE_CLASSES;
	b->state_of_node = ARENA_ARRAY(&b->scratch, uint32_t, b->nfa.nodes.n);
	b->mark = ARENA_ARRAY(&b->scratch, uint32_t, b->nfa.nodes.n);
	b->work_limit = (uint64_t)b->budget * WORK_PER_STATE + WORK_FREE;
	hash_index_init(&b->state_index, &b->scratch);
	hash_index_init(&b->set_index, &b->scratch);
	hash_index_init(&b->partition_index, &b->scratch);
	vec_push(&b->scratch, &b->sets, (struct subset){ 0, 0 });
}

bool subset_construct(struct subsets *b)
{
	prepare(b);
	gather_start(b);
	new_state(b); /* dead */
	gather(b, NFA_ROOT);
	sort_words(b->found.at, b->found.n);
	new_state(b); /* start, which is not the dead state even if nothing is busy there */
	for (uint32_t s = 0; s < b->states.n && !b->over; s++)
		expand(b, s);
	vec_push(&b->scratch, &b->rows, (struct dfa_row){ 0, (uint32_t)b->exits.n });
	return !b->over;
}
