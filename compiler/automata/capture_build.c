/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Programs are built from their end: each expression is put before the step that goes on behind it, so that every target is known
 * when it is written. */
#include "automata/capture_build.h"

#include <string.h>

#include "automata/re.h"
#include "base/str.h"

#define DEAD UINT16_MAX /* what matches nothing, and whatever has to go through it */

struct maker {
	struct arena *arena, scratch; /* owned: scratch */
	struct toron_step *steps;
	uint8_t (*sets)[16];
	uint32_t n_steps, n_sets;
	bool over;
};

static uint16_t put(struct maker *m, const struct re *x, uint16_t next);

static uint16_t put_step(struct maker *m, enum toron_step_kind kind, unsigned value, uint16_t next, uint16_t other)
{
	if (next == DEAD)
		return DEAD;
	if (m->n_steps == TORON_CAPTURE_STEPS) {
		m->over = true;
		return DEAD;
	}
	m->steps[m->n_steps] = (struct toron_step){ (uint8_t)kind, (uint8_t)value, next, other };
	return (uint16_t)m->n_steps++;
}

static uint16_t put_fork(struct maker *m, uint16_t preferred, uint16_t other)
{
	if (preferred == DEAD || other == DEAD)
		return preferred == DEAD ? other : preferred;
	return put_step(m, TORON_STEP_FORK, 0, preferred, other);
}

/* Sets are few, and there are no more of them than steps. */
static uint16_t put_set(struct maker *m, const uint8_t set[16], uint16_t next)
{
	static const uint8_t none[16];
	uint32_t i = 0;

	if (next == DEAD || memcmp(set, none, sizeof(none)) == 0)
		return DEAD;
	while (i < m->n_sets && memcmp(m->sets[i], set, sizeof(none)) != 0)
		i++;
	if (i == TORON_CAPTURE_STEPS)
		m->over = true;
	if (m->over)
		return DEAD;
	memcpy(m->sets[i], set, sizeof(none));
	m->n_sets += i == m->n_sets;
	return put_step(m, TORON_STEP_SET, i, next, 0);
}

static uint16_t put_byte(struct maker *m, unsigned char byte, bool nocase, uint16_t next)
{
	unsigned char lower = ascii_lower(byte);
	uint8_t set[16] = { 0 };

	if (next == DEAD || byte >= 0x80)
		return DEAD;
	if (!nocase || lower < 'a' || lower > 'z')
		return put_step(m, TORON_STEP_BYTE, byte, next, 0);
	set[lower >> 3] |= (uint8_t)(1u << (lower & 7));
	set[(lower - 32) >> 3] |= (uint8_t)(1u << (lower & 7));
	return put_set(m, set, next);
}

static uint16_t put_chain(struct maker *m, const struct re *x, uint16_t next)
{
	struct re_vec parts = { 0 };

	re_operands(&m->scratch, x, RE_CAT, &parts);
	for (size_t i = parts.n; i > 0; i--)
		next = put(m, parts.at[i - 1], next);
	return next;
}

static uint16_t put_choice(struct maker *m, const struct re *x, uint16_t next)
{
	struct re_vec parts = { 0 };
	uint16_t entry = DEAD;

	re_operands(&m->scratch, x, RE_ALT, &parts);
	for (size_t i = parts.n; i > 0 && !m->over; i--)
		entry = put_fork(m, put(m, parts.at[i - 1], next), entry);
	return entry;
}

/* The body, or what comes next. */
static uint16_t put_turn(struct maker *m, const struct re *x, uint16_t body, uint16_t next)
{
	return x->lazy ? put_fork(m, next, body) : put_fork(m, body, next);
}

/* Any number of turns: each leads back to the fork before it. */
static uint16_t put_loop(struct maker *m, const struct re *x, uint16_t next)
{
	uint16_t fork = put_step(m, TORON_STEP_FORK, 0, next, next), body;

	if (fork == DEAD)
		return DEAD;
	body = put(m, x->body, fork);
	if (body != DEAD) {
		m->steps[fork].next = x->lazy ? next : body;
		m->steps[fork].other = x->lazy ? body : next;
	}
	return fork;
}

static uint16_t put_repeat(struct maker *m, const struct re *x, uint16_t next)
{
	uint16_t entry = x->max < 0 ? put_loop(m, x, next) : next;

	for (int i = (int)x->min; i < x->max && !m->over; i++)
		entry = put_turn(m, x, put(m, x->body, entry), next);
	for (unsigned i = 0; i < x->min && !m->over; i++)
		entry = put(m, x->body, entry);
	return entry;
}

/* Puts x before `next` and returns where it begins; DEAD if there is no way through. */
static uint16_t put(struct maker *m, const struct re *x, uint16_t next)
{
	if (m->over || next == DEAD)
		return DEAD;
	switch (x->kind) {
	case RE_EMPTY:
		return next;
	case RE_LITERAL:
		for (size_t i = x->literal.len; i > 0; i--)
			next = put_byte(m, (unsigned char)x->literal.ptr[i - 1], x->nocase, next);
		return next;
	case RE_SET:
		return put_set(m, x->set, next);
	case RE_CAT:
		return put_chain(m, x, next);
	case RE_ALT:
		return put_choice(m, x, next);
	case RE_REPEAT:
		return put_repeat(m, x, next);
	case RE_MARK:
		return put_step(m, TORON_STEP_MARK, x->mark, next, 0);
	}
	return DEAD;
}

enum capture_status capture_build(struct arena *a, struct str regex, struct toron_capture *out, struct re_error *error_out)
{
	struct maker m = { .arena = a };
	unsigned n_groups;
	struct re *x = re_parse_groups(a, regex, &n_groups, error_out);
	uint16_t start;

	if (x == NULL)
		return CAPTURE_BAD_REGEX;
	if (n_groups > TORON_CAPTURE_GROUPS)
		return CAPTURE_TOO_MANY_GROUPS;
	arena_init_unbounded(&m.scratch);
	m.steps = ARENA_ARRAY(a, struct toron_step, TORON_CAPTURE_STEPS);
	m.sets = arena_zalloc(a, TORON_CAPTURE_STEPS, sizeof(*m.sets));
	start = put(&m, x, put_step(&m, TORON_STEP_END, 0, 0, 0));
	arena_fini(&m.scratch);
	if (m.over)
		return CAPTURE_TOO_MANY_STEPS;
	/* A regex that matches nothing waits for a byte that never comes. */
	if (start == DEAD)
		start = put_step(&m, TORON_STEP_BYTE, 0, 0, 0);
	*out = (struct toron_capture){
		.steps = m.steps,
		.sets = (const uint8_t(*)[16])m.sets,
		.n_steps = (uint16_t)m.n_steps,
		.n_sets = (uint16_t)m.n_sets,
		.start = start,
		.n_groups = (uint16_t)n_groups,
	};
	return CAPTURE_OK;
}
