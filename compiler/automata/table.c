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
	uint32_t widest;          /* the class with the most bytes */
	uint8_t *kind;            /* [state]: of its record */
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

/* What a SKIP record says. */
struct skip {
	uint32_t accept, target, least;
	uint8_t stop;
};

/* Whether all bytes lead from `state` to `loop` but NUL and one other, `stop`, which leads to `target`. */
static bool has_stop(const struct layout *l, uint32_t state, uint32_t loop, struct skip *out)
{
	uint32_t nul = l->d->class_of[0], n_stops = 0;

	if ((n_exits(l->d, state) > 2 && l->d->n_classes > 3) || l->class_size[nul] != 1)
		return false;
	for (uint32_t class = 0; class < l->d->n_classes; class ++) {
		uint32_t target = dfa_next(l->d, state, class);

		if (class == nul || target == loop)
			continue;
		n_stops += l->class_size[class];
		out->stop = l->class_one[class];
		out->target = target;
	}
	return n_stops == 1;
}

/* A state that loops up to a certain byte; or one that must read another byte first ("{id}"), with the loop behind it. */
static bool is_skip(const struct layout *l, uint32_t state, struct skip *out)
{
	uint32_t loop = dfa_next(l->d, state, l->widest);
	struct skip first;

	if (loop == 0 || !has_stop(l, loop, loop, out))
		return false;
	out->accept = l->d->accept[loop];
	out->least = loop != state;
	if (loop == state)
		return true;
	return l->d->accept[state] == 0 && has_stop(l, state, loop, &first) && first.target == 0 && first.stop == out->stop;
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
	return (n + 7) & ~(size_t)7;
}

static void visit_later(struct layout *l, uint32_t state)
{
	if (l->offset[state] == 0 && !is_leaf(l->d, state) && !is_tail(l, state))
		vec_push(&l->scratch, &l->todo, state);
}

static size_t many_size(const struct layout *l, uint32_t state)
{
	uint32_t targets[256];
	uint8_t row[256];

	return TORON_TABLE_MANY_REFS + 4 * (size_t)many_targets(l, state, targets, row) + l->d->n_classes;
}

/* What record the state becomes, and how large that is. */
static uint8_t choose_kind(const struct layout *l, uint32_t state, size_t *size_out)
{
	struct skip skip;
	uint32_t end;

	if (is_link(l, state)) {
		uint32_t len = follow_chain(l, state, NULL, &end);

		*size_out = len <= TORON_TABLE_SHORT_MOST ? TORON_TABLE_SHORT_SIZE : TORON_TABLE_CHAIN_BYTES + (size_t)len;
		return len <= TORON_TABLE_SHORT_MOST ? TORON_TABLE_SHORT : TORON_TABLE_CHAIN;
	}
	*size_out = TORON_TABLE_SKIP_SIZE;
	if (is_skip(l, state, &skip))
		return TORON_TABLE_SKIP;
	*size_out = TORON_TABLE_FEW_SIZE;
	if (n_exits(l->d, state) <= TORON_TABLE_FEW_MOST)
		return l->d->rows[state].other == state ? TORON_TABLE_RUN : TORON_TABLE_FEW;
	*size_out = many_size(l, state);
	return TORON_TABLE_MANY;
}

/* Gives `state` the place of the next record and notes what it leads to. */
static void place(struct layout *l, uint32_t state)
{
	struct skip skip;
	uint32_t end;
	size_t size;

	l->offset[state] = (uint32_t)l->size;
	l->kind[state] = choose_kind(l, state, &size);
	l->size += round_up(size);
	vec_push(&l->scratch, &l->records, state);
	if (is_link(l, state)) {
		follow_chain(l, state, NULL, &end);
		visit_later(l, end);
	} else if (is_skip(l, state, &skip)) {
		visit_later(l, skip.target);
	} else {
		/* The stack turns the order around: low classes come first. */
		for (uint32_t i = n_exits(l->d, state); i > 0; i--)
			visit_later(l, exits(l->d, state)[i - 1].target);
		visit_later(l, l->d->rows[state].other);
	}
}

static void put(const struct layout *l, size_t at, uint32_t value)
{
	for (size_t i = 0; i < 4; i++) {
		size_t shift = l->order == TABLE_LITTLE_ENDIAN ? 8 * i : 24 - 8 * i;

		l->bytes[at + i] = (unsigned char)(value >> shift);
	}
}

/* The kind, a byte, and a half word in the last two. */
static void put_head(const struct layout *l, uint32_t state, uint8_t byte, uint32_t half)
{
	bool little = l->order == TABLE_LITTLE_ENDIAN;
	size_t at = l->offset[state];

	l->bytes[at] = l->kind[state];
	l->bytes[at + 1] = byte;
	l->bytes[at + 2] = (unsigned char)(little ? half : half >> 8);
	l->bytes[at + 3] = (unsigned char)(little ? half >> 8 : half);
}

static uint32_t reference(const struct layout *l, uint32_t state)
{
	if (is_leaf(l->d, state))
		return l->d->accept[state] << 3 | TORON_TABLE_LEAF;
	if (is_tail(l, state))
		return l->d->accept[state] << 3 | TORON_TABLE_TAIL;
	return l->offset[state] | l->kind[state];
}

static void write_few(const struct layout *l, uint32_t state, size_t at)
{
	const struct dfa_exit *x = exits(l->d, state);
	uint32_t n = n_exits(l->d, state), other = l->d->rows[state].other, classes = 0;
	bool is_run = l->kind[state] == TORON_TABLE_RUN;

	put_head(l, state, 0, 0);
	put(l, at + 8, is_run ? 0 : reference(l, other));
	for (uint32_t i = 0; i < TORON_TABLE_FEW_MOST; i++) {
		const struct dfa_exit *e = &x[i < n ? i : 0];

		classes |= e->class << 8 * i;
		put(l, at + TORON_TABLE_FEW_REFS + 4 * (size_t)i, reference(l, e->target));
	}
	put(l, at + TORON_TABLE_FEW_CLASSES, classes);
}

static void write_many(const struct layout *l, uint32_t state, size_t at)
{
	uint32_t targets[256], n;
	uint8_t row[256];

	n = many_targets(l, state, targets, row);
	put_head(l, state, 0, n);
	for (uint32_t i = 0; i < n; i++)
		put(l, at + TORON_TABLE_MANY_REFS + 4 * (size_t)i, reference(l, targets[i]));
	memcpy(l->bytes + at + TORON_TABLE_MANY_REFS + 4 * (size_t)n, row, l->d->n_classes);
}

static void write_chain(const struct layout *l, uint32_t state, size_t at)
{
	uint32_t end, len = follow_chain(l, state, l->bytes + at + TORON_TABLE_CHAIN_BYTES, &end);

	put_head(l, state, l->kind[state] == TORON_TABLE_SHORT ? (uint8_t)(64 - 8 * len) : 0, len);
	put(l, at + 8, reference(l, end));
}

static void write_record(const struct layout *l, uint32_t state)
{
	size_t at = l->offset[state];
	struct skip skip;

	put(l, at + 4, l->d->accept[state]);
	switch (l->kind[state]) {
	case TORON_TABLE_CHAIN:
	case TORON_TABLE_SHORT:
		write_chain(l, state, at);
		break;
	case TORON_TABLE_SKIP:
		is_skip(l, state, &skip);
		put_head(l, state, skip.stop, skip.least);
		put(l, at + 4, skip.accept);
		put(l, at + 8, reference(l, skip.target));
		break;
	case TORON_TABLE_MANY:
		write_many(l, state, at);
		break;
	default:
		write_few(l, state, at);
	}
}

/* Behind the byte that everything begins with, if there is one. */
static uint32_t start_state(const struct layout *l)
{
	return is_link(l, 1) && l->d->accept[1] == 0 ? exits(l->d, 1)->target : 1;
}

static void write_header(const struct layout *l, size_t sets_at)
{
	put(l, TORON_TABLE_AT_MAGIC, TORON_TABLE_MAGIC);
	put(l, TORON_TABLE_AT_VERSION, TORON_TABLE_VERSION);
	put(l, TORON_TABLE_AT_SIZE, (uint32_t)l->size);
	put(l, TORON_TABLE_AT_START, reference(l, start_state(l)));
	put(l, TORON_TABLE_AT_FIRST, start_state(l) == 1 ? TORON_TABLE_ANY_FIRST : l->class_one[exits(l->d, 1)->class]);
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
	for (uint32_t class = 1; class < d->n_classes; class ++)
		if (l->class_size[class] > l->class_size[l->widest])
			l->widest = class;
	l->n_ways_in = ARENA_ARRAY(&l->scratch, uint32_t, d->n_states);
	l->offset = ARENA_ARRAY(&l->scratch, uint32_t, d->n_states);
	l->kind = ARENA_ARRAY(&l->scratch, uint8_t, d->n_states);
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
	visit_later(&l, start_state(&l));
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
