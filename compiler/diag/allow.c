/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "diag/allow.h"

#include "base/check.h"
#include "base/str.h"
#include "base/vec.h"

void allow_begin(struct diags *d)
{
	d->n_allowed = 0;
	d->first = d->n;
}

bool allow_is_possible(enum diag_id id)
{
	return diag_kind(id)->severity == DIAG_WARNING || diag_kind(id)->severity == DIAG_STRICT;
}

bool allow_holds(struct diags *d, enum diag_id id)
{
	for (size_t i = 0; i < d->n_allowed; i++) {
		if (d->allowed[i].id != id)
			continue;
		d->allowed[i].is_used = true;
		return !d->strict || diag_kind(id)->severity != DIAG_STRICT;
	}
	return false;
}

/* What was reported before the entries were known. */
static void take_back(struct diags *d)
{
	size_t n = d->first;

	for (size_t i = d->first; i < d->n; i++) {
		if (!allow_holds(d, d->at[i].id)) {
			d->at[n++] = d->at[i];
			continue;
		}
		d->n_errors -= d->at[i].severity == DIAG_ERROR;
		d->n_warnings -= d->at[i].severity == DIAG_WARNING;
	}
	d->n = n;
}

void allow_add(struct diags *d, enum diag_id id, struct span at, struct str where)
{
	if (d->n_allowed == d->cap_allowed)
		CHECK(vec_grow(d->arena, (void **)&d->allowed, d->n_allowed, &d->cap_allowed, sizeof(*d->allowed)));
	d->allowed[d->n_allowed++] = (struct diag_allowed){ .id = id, .at = at, .where = where };
	/* With diagnostics beyond the bound their counts could not be told apart: all stay. */
	if (d->n_dropped == 0)
		take_back(d);
}

void allow_report_unused(struct diags *d)
{
	for (size_t i = 0; i < d->n_allowed; i++) {
		const struct diag_allowed *allowed = &d->allowed[i];
		const char *code = diag_kind(allowed->id)->code;

		/* T09xx comes from the toolchain, after all passes, on some machines. */
		if (allowed->is_used || str_starts(str_of(code), STR("T09")))
			continue;
		diag_report(d, DIAG_ALLOW_UNUSED, allowed->at, "nothing here gives the warning %s, so that it need not be allowed", code);
		diag_where(d, allowed->where);
	}
}
