/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "emit/emitter.h"

/* Ends every rule with the NUL that stands for the end of the input, so that all rules that take
 * the input are equally long and their order decides. */
static void rule(struct emitter *e, const struct re *re, const char *what, uint32_t number)
{
	struct sbuf text = { 0 };

	re_to_re2c(&text, re);
	cwriter_line(&e->re, "// %s", what);
	cwriter_line(&e->re, "(%s) \"\\x00\" { TAKE(%u); }", text.ptr, number);
	sbuf_fini(&text);
}

static void begin(struct emitter *e, const char *type, const char *name, const char *what)
{
	struct cwriter *w = &e->re;

	cwriter_comment(w, "%s", what);
	cwriter_line(w, "%s %s(const char *ptr, size_t len);", type, name);
	cwriter_blank(w);
	cwriter_line(w, "%s %s(const char *ptr, size_t len)", type, name);
	cwriter_open(w, "{");
	cwriter_line(w, "size_t at = 0;");
	cwriter_blank(w);
	cwriter_line(w, "/*!re2c");
	cwriter_line(w, "re2c:api = custom;");
	cwriter_line(w, "re2c:yyfill:enable = 0;");
	cwriter_blank(w);
}

static void end(struct emitter *e)
{
	cwriter_line(&e->re, "* { return 0; }");
	cwriter_line(&e->re, "*/");
	cwriter_close(&e->re, "}");
	cwriter_blank(&e->re);
}

/* The patterns that are the first to take some string: re2c warns about rules that never match,
 * so the others get none. */
static bool *first_patterns(struct emitter *e, const struct plan_matcher *m)
{
	bool *is_first = ARENA_ARRAY(e->arena, bool, m->n);

	for (uint32_t i = 1; i < m->dfa.n_sets; i++)
		is_first[m->dfa.sets[i].patterns[0]] = true;
	return is_first;
}

void emit_re2c(struct emitter *e, const struct plan_matcher *m, const char *name, const char *what)
{
	const bool *is_first = first_patterns(e, m);

	begin(e, "uint32_t", name, what);
	for (uint32_t i = 0; i < m->n; i++)
		if (is_first[i])
			rule(e, m->patterns[i], cwriter_plain(e->arena, m->names[i]), i + 1);
	end(e);
	cwriter_line(&e->c, "toron_matcher %s;", name);
}

void emit_re2c_pattern(struct emitter *e, const struct plan_path *path, const char *name)
{
	const char *what = cwriter_plain(e->arena, path->key);

	begin(e, "bool", name, what);
	rule(e, path->re, what, 1);
	end(e);
	cwriter_line(&e->c, "toron_pattern %s;", name);
}
