/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fuzzes matchers. The input is lines: patterns (a regex behind "~", else a literal), an empty line,
 * then strings. The DFA of all patterns, its table as the gateway walks it, each pattern's own DFA
 * and the product of both must say the same of every string. */
#include <stdint.h>

#include "automata/automata.h"
#include "automata/product.h"
#include "automata/table.h"
#include "base/check.h"
#include "base/str.h"
#include "route/walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST   12
#define BUDGET 3000u

struct matchers {
	struct arena arena;
	struct re *patterns[MOST];
	struct dfa alone[MOST];
	uint32_t n;
	struct dfa all;
	struct sbuf table;
};

static void add_pattern(struct matchers *m, struct str line)
{
	struct re_error error;
	struct re *re;
	uint32_t culprit;

	if (m->n == MOST)
		return;
	re = line.ptr[0] == '~' ? re_parse(&m->arena, str_slice(line, 1, line.len), &error)
				: re_literal(&m->arena, line, false);
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

static void check_string(const struct matchers *m, struct str s)
{
	const struct dfa_accepts *set = &m->all.sets[dfa_match(&m->all, s)];
	uint32_t n;
	const uint32_t *walked = route_walk_set(
		m->table.ptr, route_walk(m->table.ptr, s.ptr, s.len), &n);

	CHECK(n == set->n);
	for (uint32_t i = 0; i < m->n; i++) {
		bool takes = dfa_match(&m->alone[i], s) != 0;

		CHECK(set_has(set->patterns, set->n, i) == takes);
		CHECK(set_has(walked, n, i) == takes);
	}
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
		while (str_split(&rest, '\n', &line))
			check_string(&m, line);
		check_product(&m);
	}
	sbuf_fini(&m.table);
	arena_fini(&m.arena);
	return 0;
}
