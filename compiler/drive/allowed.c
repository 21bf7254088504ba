/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "drive/allowed.h"

#include "base/map.h"
#include "base/str.h"
#include "diag/allow.h"

static struct str *warning_codes(struct arena *a, size_t *n_out)
{
	struct str *codes = ARENA_ARRAY(a, struct str, DIAG_COUNT);

	*n_out = 0;
	for (int id = 0; id < DIAG_COUNT; id++) {
		if (allow_is_possible((enum diag_id)id))
			codes[(*n_out)++] = str_of(diag_kind((enum diag_id)id)->code);
	}
	return codes;
}

static void allow_one(struct drive *v, struct node *code, struct map *seen)
{
	const struct diag_kind *kind = diag_kind_by_code(code->text);
	const struct node *first;
	struct str *codes, nearest;
	size_t n;

	if (kind == NULL) {
		code->flags |= NODE_POISONED;
		codes = warning_codes(v->arena, &n);
		nearest = diag_nearest(code->text, codes, n);
		node_report(v->diags, code, DIAG_ALLOW_UNKNOWN, "there is no diagnostic '" STR_FMT "'", STR_ARG(code->text));
		if (nearest.ptr != NULL)
			diag_note(v->diags, SPAN_NONE, "a warning is '" STR_FMT "': %s", STR_ARG(nearest), diag_kind_by_code(nearest)->title);
		return;
	}
	if (!allow_is_possible(diag_id_of(kind))) {
		node_report(v->diags, code, DIAG_ALLOW_UNKNOWN, "%s is an error (%s); only warnings can be allowed", kind->code, kind->title);
		return;
	}
	if (!map_add(seen, str_of(kind->code), (void *)(uintptr_t)code)) {
		first = map_get(seen, str_of(kind->code));
		node_report(v->diags, code, DIAG_ALLOW_UNKNOWN, "%s is allowed twice", kind->code);
		diag_note(v->diags, first->span, "it is allowed here already");
		return;
	}
	allow_add(v->diags, diag_id_of(kind), code->span, node_path(v->arena, code));
}

void allowed_read(struct drive *v, const struct node *root)
{
	const struct node *list = node_get(root, STR("allow"));
	struct map seen;

	map_init(&seen, v->arena);
	for (const struct node *item = list == NULL ? NULL : list->first; item != NULL; item = item->next) {
		struct node *code = node_get(item, STR("code"));

		if (code != NULL && code->kind == NODE_STRING && ((item->flags | code->flags) & NODE_POISONED) == 0)
			allow_one(v, code, &seen);
	}
}
