/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fuzzes matchers. The input is lines: patterns (a regex behind "~", a path with parameters as routes have it behind ":", else a
 * literal), an empty line, then strings. The DFA of all patterns, its table as the gateway walks it, each pattern's own DFA
 * and the product of both must say the same of every string. Each string is also a way through the DFA, from exit to exit, so that
 * states are reached that no string would find by chance. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "automata/automata.h"
#include "automata/product.h"
#include "automata/table.h"
#include "base/check.h"
#include "base/str.h"
#include "route/walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST   12
#define BUDGET 3000u
#define DEEP   300u /* bytes of a way */

struct matchers {
	struct arena arena;
	struct re *patterns[MOST];
	struct dfa alone[MOST];
	uint32_t n;
	struct dfa all;
	struct sbuf table;
};

/* "/a/{}/b" as plan/build_path.c has it; a "*" at the end takes the rest. */
static struct re *path_of(struct arena *a, struct str text)
{
	struct re *all = re_empty(a);

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '{' && i + 1 < text.len && text.ptr[i + 1] == '}') {
			all = re_cat(a, all, re_repeat(a, re_not_bytes(a, STR("/")), 1, -1));
			i++;
		} else if (text.ptr[i] == '*' && i + 1 == text.len) {
			all = re_cat(a, all, re_any_string(a));
		} else {
			all = re_cat(a, all, re_literal(a, str_slice(text, i, i + 1), false));
		}
	}
	return all;
}

static struct re *parse(struct arena *a, struct str line)
{
	struct re_error error;

	if (line.ptr[0] == '~')
		return re_parse(a, str_slice(line, 1, line.len), &error);
	return line.ptr[0] == ':' ? path_of(a, str_slice(line, 1, line.len)) : re_literal(a, line, false);
}

static void add_pattern(struct matchers *m, struct str line)
{
	struct re *re;
	uint32_t culprit;

	if (m->n == MOST)
		return;
	re = parse(&m->arena, line);
	if (re == NULL ||
		dfa_build(&m->arena, &re, 1, BUDGET, &m->alone[m->n], &culprit) != DFA_OK)
		return;
	m->patterns[m->n++] = re;
}

static bool set_has(const uint32_t *set, uint32_t n, uint32_t pattern)
{
	for (uint32_t i = 0; i < n; i++)
		if (set[i] == pattern)
			return true;
	return false;
}

/* A block of exactly its size, so that a sanitizer sees what is read beside it. */
static uint32_t walk(const struct matchers *m, struct str s)
{
	char *copy = malloc(s.len);
	uint32_t set;

	if (s.len > 0)
		memcpy(copy, s.ptr, s.len);
	set = route_walk(m->table.ptr, copy, s.len);
	free(copy);
	return set;
}

static void check_string(const struct matchers *m, struct str s)
{
	const struct dfa_accepts *set = &m->all.sets[dfa_match(&m->all, s)];
	uint32_t n;
	const uint32_t *walked = route_walk_set(m->table.ptr, walk(m, s), &n);

	CHECK(n == set->n);
	for (uint32_t i = 0; i < m->n; i++) {
		bool takes = dfa_match(&m->alone[i], s) != 0;

		CHECK(set_has(set->patterns, set->n, i) == takes);
		CHECK(set_has(walked, n, i) == takes);
	}
}

/* The class of the exit that `choice` chooses among those that lead on. */
static uint32_t choose_class(const struct dfa *d, uint32_t state, uint8_t choice)
{
	uint32_t classes[256], n = 0;

	for (uint32_t class = 0; class < d->n_classes; class ++)
		if (dfa_next(d, state, class) != 0)
			classes[n++] = class;
	return n == 0 ? 0 : classes[choice % n];
}

/* From exit to exit, as the bytes of `choices` say, over and over. Loops make ways of any length, so that the table's steps meet ends
 * at every distance. */
static void check_way(const struct matchers *m, struct str choices)
{
	char way[DEEP];
	uint32_t state = 1;
	size_t len = 0, most = choices.len * 4;

	while (state != 0 && len < DEEP && len < most) {
		uint32_t class = choose_class(&m->all, state, (uint8_t)choices.ptr[len % choices.len]);

		way[len++] = (char)m->all.class_byte[class];
		state = dfa_next(&m->all, state, class);
		if (m->all.accept[state] != 0)
			CHECK(walk(m, (struct str){ way, len }) == m->all.accept[state]);
	}
	check_string(m, (struct str){ way, len });
}

/* Each combination's string does what the combination says. */
static void check_product(struct matchers *m)
{
	const struct dfa *factors[3] = { &m->all, &m->alone[0], &m->alone[m->n - 1] };
	uint32_t budget = 20000;
	struct product p;

	if (!product_walk(&m->arena, factors, 3, &budget, &p))
		return;
	for (uint32_t i = 0; i < p.n; i++) {
		for (uint32_t k = 0; k < 3; k++)
			CHECK(dfa_match(factors[k], p.strings[i]) == p.sets[3 * (size_t)i + k]);
		check_string(m, p.strings[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct matchers m = { .n = 0 };
	struct str rest = { (const char *)data, size }, line;
	uint32_t culprit;

	if (size > 2000)
		return 0;
	arena_init_unbounded(&m.arena);
	while (str_split(&rest, '\n', &line) && line.len > 0)
		add_pattern(&m, line);
	if (m.n > 0 &&
		dfa_build(&m.arena, m.patterns, m.n, BUDGET, &m.all, &culprit) == DFA_OK) {
		CHECK(table_write(&m.table, &m.all, TABLE_LITTLE_ENDIAN));
		CHECK(route_walk_check(m.table.ptr, m.table.len) == WALK_OK);
		while (str_split(&rest, '\n', &line)) {
			check_string(&m, line);
			check_way(&m, line);
		}
		check_product(&m);
	}
	sbuf_fini(&m.table);
	arena_fini(&m.arena);
	return 0;
}
