/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Chooses between re2c code and tables, and deals re2c matchers out to files, which are compiled
 * in parallel. */
#include "base/check.h"
#include "emit/emitter.h"
#include "emit/scaffold.h"

/* What is worth compiling as code: gcc takes 0.6 s for 100 paths, and far more than ten times
 * that for 1000. */
#define RE2C_PATTERNS     100u
#define RE2C_STATES       1500u /* of one matcher */
#define RE2C_STATES_TOTAL 4000u /* of all matchers */
#define RE2C_STATES_FILE  800u  /* of a file before the next begins */

static bool wants_table(const struct emitter *e, const struct plan_matcher *m)
{
	switch (e->options->matcher) {
	case EMIT_MATCHER_RE2C:
		return false;
	case EMIT_MATCHER_TABLE:
		return true;
	case EMIT_MATCHER_AUTO:
		break;
	}
	return m->n > RE2C_PATTERNS || m->dfa.n_states > RE2C_STATES ||
	       e->re_total + m->dfa.n_states > RE2C_STATES_TOTAL;
}

void emit_re_end(struct emitter *e)
{
	const struct plan *p = e->plan;
	struct scaffold_value values[] = {
		{ "NAME", str_of(cwriter_plain(e->arena, p->model->name.value)) },
		{ "CONFIG", str_of(cwriter_plain(e->arena, str_of(e->file_name))) },
		{ "BODY", sbuf_str(&e->re.out) },
	};
	struct sbuf text = { 0 };

	if (e->re_states == 0)
		return;
	scaffold_write(&text, SCAFFOLD_MATCHER, values, ARRAY_LEN(values));
	emit_add_file(
		e, arena_printf(e->arena, "match_%u.re", e->n_re++), EMIT_RE2C, sbuf_str(&text));
	sbuf_fini(&text);
	sbuf_clear(&e->re.out);
	e->re_states = 0;
}

static void count_states(struct emitter *e, uint32_t n_states)
{
	e->re_total += n_states;
	e->re_states += n_states;
	if (e->re_states > RE2C_STATES_FILE)
		emit_re_end(e);
}

struct emit_choice emit_matcher(
	struct emitter *e, const struct plan_matcher *m, const char *name, const char *what)
{
	struct emit_choice choice = { .is_table = wants_table(e, m), .function = name };

	if (choice.is_table) {
		emit_table(e, m, name, what);
	} else {
		emit_re2c(e, m, name, what);
		count_states(e, m->dfa.n_states);
	}
	return choice;
}

/* Lists of a group that is matched by re2c may hold routes whose path the first match has not
 * proved. */
static void emit_checks(struct emitter *e, const struct plan_group *g)
{
	const struct plan_matcher *m = &e->plan->matchers[g->matcher];
	const struct plan_accepts *lists;

	if (e->matchers[g->matcher].is_table)
		return;
	lists = plan_accepts_by_first(e->plan, e->arena, g);
	for (uint32_t i = 0; i <= m->n; i++)
		for (uint32_t k = 0; k < lists[i].n; k++) {
			uint32_t also = lists[i].at[k].also;
			uint32_t path = also == PLAN_NONE ? PLAN_NONE : m->paths[also];

			if (path == PLAN_NONE || e->patterns[path] != NULL)
				continue;
			e->patterns[path] =
				cwriter_ident(&e->taken, "gateway_path_", e->plan->paths[path].key);
			emit_re2c_pattern(e, &e->plan->paths[path], e->patterns[path]);
			count_states(e, 1);
		}
}

static void emit_hosts(struct emitter *e, uint32_t i)
{
	const char *name =
		cwriter_ident(&e->taken, "gateway_hosts_", arena_printf(e->arena, "%u", i));

	if (e->plan->routers[i].n_atoms > 0)
		e->hosts[i] = emit_matcher(e, &e->plan->routers[i].hosts, name, "hosts");
}

void emit_matchers(struct emitter *e)
{
	const struct plan *p = e->plan;

	e->matchers = ARENA_ARRAY(e->arena, struct emit_choice, p->n_matchers);
	e->hosts = ARENA_ARRAY(e->arena, struct emit_choice, p->n_routers);
	e->patterns = ARENA_ARRAY(e->arena, const char *, p->n_paths);
	for (uint32_t i = 0; i < p->n_routers; i++)
		emit_hosts(e, i);
	for (uint32_t i = 0; i < p->n_groups; i++) {
		uint32_t m = p->groups[i].matcher;

		if (e->matchers[m].function == NULL) {
			const char *name =
				cwriter_ident(&e->taken, "gateway_paths_", p->groups[i].hosts);

			e->matchers[m] = emit_matcher(e, &p->matchers[m], name,
				arena_printf(
					e->arena, "paths of " STR_FMT, STR_ARG(p->groups[i].hosts))
					.ptr);
		}
		emit_checks(e, &p->groups[i]);
	}
	cwriter_blank(&e->c);
}
