/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "automata/table.h"

#include "base/check.h"
#include "emit/emitter.h"

void emit_table(struct emitter *e, const struct plan_matcher *m, const char *name, const char *what)
{
	const char *symbol = cwriter_ident(&e->taken, name, STR(" table"));
	struct sbuf blob = { 0 };
	struct cwriter *c = &e->c;

	/* The plan's budget of states keeps it far below what a table can hold. The gateway runs
	 * where toronc does, for now. */
	CHECK(table_write(&blob, &m->dfa,
		__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? TABLE_BIG_ENDIAN : TABLE_LITTLE_ENDIAN));
	emit_blob(e, symbol, arena_printf(e->arena, "%s.blob", symbol), sbuf_str(&blob));
	sbuf_fini(&blob);
	cwriter_comment(c, "%s", what);
	cwriter_line(c, "extern const unsigned char %s[];", symbol);
	cwriter_line(c, "static uint32_t %s(const char *ptr, size_t len)", name);
	cwriter_open(c, "{");
	cwriter_line(c, "return route_walk(%s, ptr, len);", symbol);
	cwriter_close(c, "}");
	cwriter_blank(c);
}
