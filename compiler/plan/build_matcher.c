/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/check.h"
#include "base/str.h"
#include "plan/build.h"

/* A pattern that needs too many states is told how many, up to this. */
#define STATES_COUNTED 500000u

/* The number of the path among the matcher's patterns, which are in order of their best rank. */
static uint32_t pattern_of(
	struct builder *b, struct map *seen, struct rank_vec *paths, const uint32_t *path)
{
	struct str key = { (const char *)path, sizeof(*path) };
	uint32_t i = index_get(seen, key);

	if (i != PLAN_NONE)
		return i;
	i = (uint32_t)paths->n;
	vec_push(b->arena, paths, *path);
	CHECK(map_add(seen, key, index_value(i)));
	return i;
}

/* The matcher of these paths; PLAN_NONE when it needs too many states, and then *culprit_out is
 * the worst of them. */
static uint32_t intern_matcher(
	struct builder *b, const struct rank_vec *paths, uint32_t budget, uint32_t *culprit_out)
{
	struct str key = { (const char *)paths->at, paths->n * sizeof(*paths->at) };
	uint32_t id = index_get(&b->matcher_ids, key);
	struct plan_matcher m = { .paths = paths->at, .n = (uint32_t)paths->n };
	struct re **patterns;
	struct str *names;

	if (id != PLAN_NONE)
		return id;
	patterns = ARENA_ARRAY(b->arena, struct re *, paths->n);
	names = ARENA_ARRAY(b->arena, struct str, paths->n);
	for (size_t i = 0; i < paths->n; i++) {
		patterns[i] = b->paths.at[paths->at[i]].re;
		names[i] = b->paths.at[paths->at[i]].key;
	}
	m.patterns = patterns;
	m.names = names;
	if (dfa_build(b->arena, patterns, m.n, budget, &m.dfa, culprit_out) != DFA_OK)
		return PLAN_NONE;
	id = (uint32_t)b->matchers.n;
	vec_push(b->arena, &b->matchers, m);
	CHECK(map_add(&b->matcher_ids, key, index_value(id)));
	return id;
}

/* Two groups are one if the same entries stand behind the same matcher. */
static uint32_t intern_group(struct builder *b, const struct plan_group *group)
{
	uint32_t *words = ARENA_ARRAY(b->arena, uint32_t, (size_t)group->n_slots + 1);
	struct str key = { (const char *)words, ((size_t)group->n_slots + 1) * sizeof(*words) };
	uint32_t id;

	words[0] = group->matcher;
	for (uint32_t i = 0; i < group->n_slots; i++)
		words[i + 1] = group->slots[i].entry;
	id = index_get(&b->group_ids, key);
	if (id != PLAN_NONE)
		return id;
	id = (uint32_t)b->groups.n;
	vec_push(b->arena, &b->groups, *group);
	CHECK(map_add(&b->group_ids, key, index_value(id)));
	return id;
}

/* The index from patterns to entries. Counted two places on and summed up, first[i + 1] is where
 * pattern i's next entry goes: in the end, where i + 1 begins. */
static void index_patterns(struct builder *b, struct plan_group *g, uint32_t n_patterns)
{
	uint32_t *first = ARENA_ARRAY(b->arena, uint32_t, (size_t)n_patterns + 2);
	uint32_t *behind = ARENA_ARRAY(b->arena, uint32_t, g->n_slots);

	for (uint32_t i = 0; i < g->n_slots; i++)
		first[g->slots[i].pattern + 2]++;
	for (uint32_t i = 2; i < n_patterns + 2; i++)
		first[i] += first[i - 1];
	for (uint32_t i = 0; i < g->n_slots; i++)
		behind[first[g->slots[i].pattern + 1]++] = g->slots[i].entry;
	g->behind_first = first;
	g->behind = behind;
}

/* A group for these ranks, or PLAN_NONE and the worst path when it needs too many states. */
static uint32_t try_group(struct builder *b, struct str hosts, const uint32_t *ranks, uint32_t n,
	uint32_t budget, uint32_t *culprit_out)
{
	struct plan_group g = {
		.hosts = hosts, .slots = ARENA_ARRAY(b->arena, struct plan_slot, n), .n_slots = n
	};
	struct rank_vec paths = { 0 };
	struct map seen;
	uint32_t worst = 0;

	map_init(&seen, b->arena);
	for (uint32_t i = 0; i < n; i++) {
		const struct plan_entry *e = &b->plan->entries[ranks[i]];

		g.slots[i] = (struct plan_slot){ .entry = ranks[i],
			.pattern = pattern_of(b, &seen, &paths, &e->path) };
	}
	g.matcher = intern_matcher(b, &paths, budget, &worst);
	if (g.matcher == PLAN_NONE) {
		*culprit_out = paths.at[worst];
		return PLAN_NONE;
	}
	index_patterns(b, &g, (uint32_t)paths.n);
	return intern_group(b, &g);
}

void plan_build_too_many_states(struct builder *b, struct span at, struct str what, struct re *re, uint32_t budget)
{
	struct arena scratch;
	struct dfa alone;
	uint32_t culprit;

	diag_report(b->diags, DIAG_TOO_MANY_STATES, at, STR_FMT " needs too many states (more than %u)", STR_ARG(what), budget);
	arena_init_unbounded(&scratch);
	if (dfa_build(&scratch, &re, 1, STATES_COUNTED, &alone, &culprit) == DFA_OK)
		diag_note(b->diags, SPAN_NONE, "by itself it needs %u", alone.n_states);
	else
		diag_note(b->diags, SPAN_NONE, "by itself it needs more than %u", STATES_COUNTED);
	arena_fini(&scratch);
}

static void report_path(struct builder *b, uint32_t path, uint32_t budget)
{
	const struct plan_path *p = &b->paths.at[path];

	plan_build_too_many_states(b, p->at, arena_printf(b->arena, "'" STR_FMT "'", STR_ARG(p->key)), p->re, budget);
}

/* Splits what needs too many states into halves until each has few enough; one alone that has
 * not is reported. */
static void add_groups(struct builder *b, struct str hosts, const uint32_t *ranks, uint32_t n,
	uint32_t budget, struct rank_vec *out)
{
	struct part {
		uint32_t from, n;
	} todo[64]; /* halves of halves: as deep as n has bits */
	uint32_t n_todo = 0, culprit = 0;

	if (n > 0)
		todo[n_todo++] = (struct part){ 0, n };
	while (n_todo > 0) {
		struct part part = todo[--n_todo];
		uint32_t id = try_group(b, hosts, ranks + part.from, part.n, budget, &culprit);

		if (id != PLAN_NONE) {
			vec_push(b->arena, out, id);
		} else if (part.n == 1 || budget == PLAN_STATES_PATHS) {
			report_path(b, culprit, budget);
		} else {
			todo[n_todo++] =
				(struct part){ part.from + part.n / 2, part.n - part.n / 2 };
			todo[n_todo++] = (struct part){ part.from, part.n / 2 };
		}
	}
}

void plan_build_groups(struct builder *b, struct str hosts, const struct rank_vec *ranks,
	struct rank_vec *groups_out)
{
	struct rank_vec plain = { 0 }, anchored = { 0 }, unanchored = { 0 };

	for (size_t i = 0; i < ranks->n; i++) {
		const struct plan_path *path = &b->paths.at[b->plan->entries[ranks->at[i]].path];
		struct rank_vec *to = !path->is_regex              ? &plain
				      : re_is_unanchored(path->re) ? &unanchored
								   : &anchored;

		vec_push(b->arena, to, ranks->at[i]);
	}
	add_groups(b, hosts, plain.at, (uint32_t)plain.n, PLAN_STATES_PATHS, groups_out);
	add_groups(b, hosts, anchored.at, (uint32_t)anchored.n, PLAN_STATES_REGEX, groups_out);
	add_groups(b, hosts, unanchored.at, (uint32_t)unanchored.n, PLAN_STATES_REGEX, groups_out);
}
