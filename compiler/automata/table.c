/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Lays out the records depth-first, so that the states of one path lie near each other, then
 * writes them. */
#include "automata/table.h"

#include <string.h>

#include "base/str.h"
#include "base/vec.h"
#include "toron/table.h"

#define SIZE_LIMIT ((uint64_t)1 << 31)

struct layout {
	const struct dfa *d;
	struct arena scratch; /* owned */
	enum table_order order;
	uint16_t class_size[256]; /* bytes in each class */
	uint8_t class_one[256];   /* the byte, where that is 1 */
	uint32_t *n_ways_in;      /* [state]: exits that lead there */
	uint32_t *offset;         /* [state]: of its record; 0: none yet */
	VEC(uint32_t) records;    /* states with a record, in order */
	VEC(uint32_t) todo;
	uint64_t size;
	unsigned char *bytes;
};

static uint32_t n_exits(const struct dfa *d, uint32_t state)
{
	return d->rows[state + 1].first - d->rows[state].first;
}

static const struct dfa_exit *exits(const struct dfa *d, uint32_t state)
{
	return d->exits + d->rows[state].first;
}

static bool is_leaf(const struct dfa *d, uint32_t state)
{
	return n_exits(d, state) == 0 && d->rows[state].other == 0;
}

/* Stays here over every byte but NUL. Automata of few classes have it the other way round: `other` is the dead state, and all classes
 * but one are exits. */
static bool is_tail(const struct layout *l, uint32_t state)
{
	const struct dfa_exit *x = exits(l->d, state);
	uint32_t nul = l->d->class_of[0], n = n_exits(l->d, state);

	if (l->class_size[nul] != 1)
		return false;
	if (l->d->rows[state].other == state)
		return n == 1 && x->target == 0 && x->class == nul;
	if (l->d->rows[state].other != 0 || n != l->d->n_classes - 1)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (x[i].target != state || x[i].class == nul)
			return false;
	return true;
}

/* Reads one certain byte or fails. */
static bool is_link(const struct layout *l, uint32_t state)
{
	return n_exits(l->d, state) == 1 && l->d->rows[state].other == 0
		&& l->class_size[exits(l->d, state)->class] == 1;
}

/* The chain that begins at link `state`: its bytes go to `bytes` unless that is NULL. Returns the
 * length. */
static uint32_t follow_chain(const struct layout *l, uint32_t state, unsigned char *bytes, uint32_t *end_out)
{
	uint32_t len = 0;

	do {
		const struct dfa_exit *x = exits(l->d, state);

		if (bytes != NULL)
			bytes[len] = l->class_one[x->class];
		len++;
		state = x->target;
	} while (len < TORON_TABLE_CHAIN_MOST && is_link(l, state) && l->d->accept[state] == 0
		&& l->n_ways_in[state] == 1);
	*end_out = state;
	return len;
}

/* The states that a MANY record refers to, each once: `other` if some class goes there, then in
 * class order. */
static uint32_t many_targets(const struct layout *l, uint32_t state, uint32_t targets[256], uint8_t row[256])
{
	const struct dfa_exit *x = exits(l->d, state);
	uint32_t n = n_exits(l->d, state), n_targets = 0;

	memset(row, 0, 256);
	if (n < l->d->n_classes)
		targets[n_targets++] = l->d->rows[state].other;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t j = 0;

		while (j < n_targets && targets[j] != x[i].target)
			j++;
		if (j == n_targets)
			targets[n_targets++] = x[i].target;
		row[x[i].class] = (uint8_t)j;
	}
	return n_targets;
}

static size_t round_up(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static void visit_later(struct layout *l, uint32_t state)
{
	if (l->offset[state] == 0 && !is_leaf(l->d, state) && !is_tail(l, state))
		vec_push(&l->scratch, &l->todo, state);
}

/* Gives `state` the place of the next record and notes what it leads to. */
static void place(struct layout *l, uint32_t state)
{
	uint32_t n = n_exits(l->d, state), targets[256], end;
	uint8_t row[256];
	size_t size = TORON_TABLE_FEW_SIZE;

	l->offset[state] = (uint32_t)l->size;
	vec_push(&l->scratch, &l->records, state);
	if (is_link(l, state)) {
		l->size += round_up(TORON_TABLE_CHAIN_BYTES + follow_chain(l, state, NULL, &end));
		visit_later(l, end);
		return;
	}
	if (n > TORON_TABLE_FEW_MOST)
		size = round_up(TORON_TABLE_MANY_REFS + 4 * (size_t)many_targets(l, state, targets, row)
			+ l->d->n_classes);
	l->size += size;
	for (uint32_t i = n; i > 0; i--) /* the stack turns the order around: low classes come first */
		visit_later(l, exits(l->d, state)[i - 1].target);
	visit_later(l, l->d->rows[state].other);
}

static void put(const struct layout *l, size_t at, uint32_t value)
{
	for (size_t i = 0; i < 4; i++) {
		size_t shift = l->order == TABLE_LITTLE_ENDIAN ? 8 * i : 24 - 8 * i;

		l->bytes[at + i] = (unsigned char)(value >> shift);
	}
}

/* A kind in the first byte and a half word in the last two. */
static void put_head(const struct layout *l, size_t at, unsigned kind, uint32_t half)
{
	bool little = l->order == TABLE_LITTLE_ENDIAN;

	l->bytes[at] = (unsigned char)kind;
	l->bytes[at + 2] = (unsigned char)(little ? half : half >> 8);
	l->bytes[at + 3] = (unsigned char)(little ? half >> 8 : half);
}

static uint32_t reference(const struct layout *l, uint32_t state)
{
	if (is_leaf(l->d, state))
		return l->d->accept[state] << 2 | TORON_TABLE_LEAF;
	if (is_tail(l, state))
		return l->d->accept[state] << 2 | TORON_TABLE_TAIL;
	return l->offset[state];
}

static void write_few(const struct layout *l, uint32_t state, size_t at)
{
	const struct dfa_exit *x = exits(l->d, state);
	uint32_t n = n_exits(l->d, state), other = l->d->rows[state].other, classes = 0;
	bool is_run = other == state;

	put_head(l, at, is_run ? TORON_TABLE_RUN : TORON_TABLE_FEW, 0);
	put(l, at + 8, is_run ? 0 : reference(l, other));
	for (uint32_t i = 0; i < TORON_TABLE_FEW_MOST; i++) {
		const struct dfa_exit *e = &x[i < n ? i : 0];

		classes |= e->class << 8 * i;
		put(l, at + TORON_TABLE_FEW_REFS + 4 * (size_t)i, reference(l, e->target));
	}
	put(l, at + TORON_TABLE_FEW_CLASSES, classes);
}

static void write_record(const struct layout *l, uint32_t state)
{
	size_t at = l->offset[state];
	uint32_t n = n_exits(l->d, state), targets[256], end;
	uint8_t row[256];

	put(l, at + 4, l->d->accept[state]);
	if (is_link(l, state)) {
		uint32_t len = follow_chain(l, state, l->bytes + at + TORON_TABLE_CHAIN_BYTES, &end);

		put_head(l, at, TORON_TABLE_CHAIN, len);
		put(l, at + 8, reference(l, end));
		return;
	}
	if (n <= TORON_TABLE_FEW_MOST) {
		write_few(l, state, at);
		return;
	}
	n = many_targets(l, state, targets, row);
	put_head(l, at, TORON_TABLE_MANY, n);
	for (uint32_t i = 0; i < n; i++)
		put(l, at + TORON_TABLE_MANY_REFS + 4 * (size_t)i, reference(l, targets[i]));
	memcpy(l->bytes + at + TORON_TABLE_MANY_REFS + 4 * (size_t)n, row, l->d->n_classes);
}

static void write_header(const struct layout *l, size_t sets_at)
{
	put(l, TORON_TABLE_AT_MAGIC, TORON_TABLE_MAGIC);
	put(l, TORON_TABLE_AT_VERSION, TORON_TABLE_VERSION);
	put(l, TORON_TABLE_AT_SIZE, (uint32_t)l->size);
	put(l, TORON_TABLE_AT_START, reference(l, 1));
	put(l, TORON_TABLE_AT_N_CLASSES, l->d->n_classes);
	put(l, TORON_TABLE_AT_N_SETS, l->d->n_sets);
	put(l, TORON_TABLE_AT_N_PATTERNS, l->d->n_patterns);
	put(l, TORON_TABLE_AT_SETS, (uint32_t)sets_at);
	memcpy(l->bytes + TORON_TABLE_AT_CLASSES, l->d->class_of, 256);
}

static void write_sets(const struct layout *l, size_t at)
{
	size_t member = at + 4 * ((size_t)l->d->n_sets + 1);
	uint32_t first = 0;

	for (uint32_t s = 0; s < l->d->n_sets; s++, at += 4) {
		put(l, at, first);
		first += l->d->sets[s].n;
		for (uint32_t i = 0; i < l->d->sets[s].n; i++, member += 4)
			put(l, member, l->d->sets[s].patterns[i]);
	}
	put(l, at, first);
}

static void prepare(struct layout *l)
{
	const struct dfa *d = l->d;

	for (unsigned byte = 0; byte < 256; byte++) {
		l->class_size[d->class_of[byte]]++;
		l->class_one[d->class_of[byte]] = (uint8_t)byte;
	}
	l->n_ways_in = ARENA_ARRAY(&l->scratch, uint32_t, d->n_states);
	l->offset = ARENA_ARRAY(&l->scratch, uint32_t, d->n_states);
	l->n_ways_in[1] = 1; /* from outside */
	for (uint32_t s = 0; s < d->n_states; s++) {
		l->n_ways_in[d->rows[s].other]++;
		for (uint32_t i = 0; i < n_exits(d, s); i++)
			l->n_ways_in[exits(d, s)[i].target]++;
	}
}

bool table_write(struct sbuf *out, const struct dfa *d, enum table_order order)
{
	struct layout l = { .d = d, .order = order, .size = TORON_TABLE_AT_RECORDS };
	uint64_t sets_at;
	bool fits;

	arena_init_unbounded(&l.scratch);
	prepare(&l);
	visit_later(&l, 1);
	while (l.todo.n > 0 && l.size < SIZE_LIMIT) {
		uint32_t state = l.todo.at[--l.todo.n];

		if (l.offset[state] == 0)
			place(&l, state);
	}
	sets_at = l.size;
	l.size += 4 * ((uint64_t)d->n_sets + 1 + d->holder_first[d->n_patterns]);
	fits = l.size < SIZE_LIMIT;
	if (fits) {
		l.bytes = ARENA_ARRAY(&l.scratch, unsigned char, l.size);
		write_header(&l, sets_at);
		for (size_t i = 0; i < l.records.n; i++)
			write_record(&l, l.records.at[i]);
		write_sets(&l, sets_at);
		sbuf_add(out, (struct str){ (const char *)l.bytes, l.size });
	}
	arena_fini(&l.scratch);
	return fits;
}
