/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fuzzes the regex parser, the DFA construction and the table. The input is a regex, a NUL or a
 * newline, and a text to match. What was parsed must build within its bounds, DFA and table must
 * agree, and witnesses must be accepted as promised. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "automata/automata.h"
#include "automata/table.h"
#include "base/check.h"
#include "base/str.h"
#include "route/walk.h"

#define BUDGET 2000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_table(const struct dfa *d, struct str text)
{
	struct sbuf blob = { 0 };
	uint16_t one = 1;
	bool is_little = *(unsigned char *)&one == 1;

	CHECK(table_write(&blob, d, is_little ? TABLE_LITTLE_ENDIAN : TABLE_BIG_ENDIAN));
	CHECK(route_walk_check(blob.ptr, blob.len) == WALK_OK);
	CHECK(route_walk(blob.ptr, text.ptr, text.len) == dfa_match(d, text));
	sbuf_fini(&blob);
}

static void check_witnesses(const struct dfa *d, struct arena *a)
{
	struct str *witnesses = dfa_witnesses(d, a);

	for (uint32_t s = 0; s < d->n_sets; s++)
		if (witnesses[s].ptr != NULL)
			CHECK(dfa_match(d, witnesses[s]) == s);
}

/* x, and x with something else in front of it, so that sets hold more than one pattern. */
static void check_build(struct arena *a, struct re *x, struct str text)
{
	struct re *patterns[] = { x, re_any_string(a), re_alt(a, re_literal(a, STR("/a"), true), x) };
	struct sbuf out = { 0 };
	uint32_t culprit;
	struct dfa d;

	re_to_re2c(&out, x);
	CHECK(out.len > 0);
	sbuf_fini(&out);
	re_is_unanchored(x);
	if (dfa_build(a, patterns, ARRAY_LEN(patterns), BUDGET, &d, &culprit) != DFA_OK) {
		CHECK(culprit < ARRAY_LEN(patterns));
		return;
	}
	CHECK(dfa_relate(&d, 0, 1) == DFA_DISJOINT || dfa_relate(&d, 1, 0) == DFA_CONTAINS
		|| dfa_relate(&d, 1, 0) == DFA_EQUAL);
	check_witnesses(&d, a);
	check_table(&d, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str all = { size == 0 ? "" : (const char *)data, size };
	size_t len = str_find_char(all, '\n') < str_find_char(all, '\0') ? str_find_char(all, '\n')
		: str_find_char(all, '\0');
	struct str text = str_slice(all, len + 1, SIZE_MAX);
	struct re_error error;
	struct arena a;
	struct re *x;

	arena_init_unbounded(&a);
	x = re_parse(&a, str_slice(all, 0, len), &error);
	if (x != NULL)
		check_build(&a, x, text);
	else
		CHECK(error.what != NULL && error.at <= len && error.len <= len - error.at);
	arena_fini(&a);
	return 0;
}
