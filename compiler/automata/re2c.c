/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Expressions in re2c's syntax. Whatever is not plainly harmless inside quotes is a hexadecimal
 * escape, so that no pattern can end a rule or a comment of the generated file. */
#include "automata/re.h"
#include "base/str.h"

/* What an expression stands in, and so what needs parentheses. */
enum place { PLACE_ALONE, PLACE_CHAIN, PLACE_REPEATED };

struct writer {
	struct sbuf *out;
	struct arena *scratch;
};

static void write_re(const struct writer *w, const struct re *x, enum place place);

static void write_literal(const struct writer *w, const struct re *x)
{
	char quote = x->nocase ? '\'' : '"';

	sbuf_addc(w->out, quote);
	for (size_t i = 0; i < x->literal.len; i++) {
		unsigned char c = (unsigned char)x->literal.ptr[i];
		unsigned char lower = ascii_lower(c);

		if ((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'
		    || c == '.' || c == ':' || (c == '/' && (i == 0 || x->literal.ptr[i - 1] != '/')))
			sbuf_addc(w->out, (char)c);
		else
			sbuf_printf(w->out, "\\x%02x", c);
	}
	sbuf_addc(w->out, quote);
}

static void write_set(const struct writer *w, const struct re *x)
{
	bool any = false;

	sbuf_addc(w->out, '[');
	for (unsigned low = 0; low < 256; low++) {
		unsigned high = low;

		if (!re_set_has(x->set, low))
			continue;
		while (high < 255 && re_set_has(x->set, high + 1))
			high++;
		sbuf_printf(w->out, low == high ? "\\x%02x" : "\\x%02x-\\x%02x", low, high);
		low = high;
		any = true;
	}
	if (!any)
		sbuf_adds(w->out, "^\\x00-\\xff");
	sbuf_addc(w->out, ']');
}

static void write_operands(const struct writer *w, const struct re *x, enum place place)
{
	bool is_chain = x->kind == RE_CAT;
	bool parens = is_chain ? place == PLACE_REPEATED : place != PLACE_ALONE;
	struct re_vec parts = { 0 };

	re_operands(w->scratch, x, x->kind, &parts);
	if (parens)
		sbuf_addc(w->out, '(');
	for (size_t i = 0; i < parts.n; i++) {
		if (i > 0)
			sbuf_adds(w->out, is_chain ? " " : " | ");
		write_re(w, parts.at[i], is_chain ? PLACE_CHAIN : PLACE_ALONE);
	}
	if (parens)
		sbuf_addc(w->out, ')');
}

static void write_repeat(const struct writer *w, const struct re *x, enum place place)
{
	if (place == PLACE_REPEATED)
		sbuf_addc(w->out, '(');
	write_re(w, x->body, PLACE_REPEATED);
	if (x->max < 0 && x->min <= 1)
		sbuf_addc(w->out, x->min == 0 ? '*' : '+');
	else if (x->max < 0)
		sbuf_printf(w->out, "{%u,}", x->min);
	else if (x->min == 0 && x->max == 1)
		sbuf_addc(w->out, '?');
	else if ((int)x->min == x->max)
		sbuf_printf(w->out, "{%u}", x->min);
	else
		sbuf_printf(w->out, "{%u,%d}", x->min, x->max);
	if (place == PLACE_REPEATED)
		sbuf_addc(w->out, ')');
}

static void write_re(const struct writer *w, const struct re *x, enum place place)
{
	switch (x->kind) {
	case RE_EMPTY:
	case RE_MARK:
		sbuf_adds(w->out, "\"\"");
		break;
	case RE_LITERAL:
		write_literal(w, x);
		break;
	case RE_SET:
		write_set(w, x);
		break;
	case RE_CAT:
	case RE_ALT:
		write_operands(w, x, place);
		break;
	case RE_REPEAT:
		write_repeat(w, x, place);
		break;
	}
}

void re_to_re2c(struct sbuf *out, const struct re *x)
{
	struct arena scratch;

	arena_init_unbounded(&scratch);
	write_re(&(struct writer){ out, &scratch }, x, PLACE_CHAIN);
	arena_fini(&scratch);
}
