/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Questions about a compiled schema that do not depend on an instance. */
#include "base/str.h"
#include "schema/compiled.h"

/* Chains of references may be circular in a wrong schema. */
#define MAX_HOPS 32

struct sub *sub_property(const struct sub *s, struct str key)
{
	struct named_sub *named = map_get(&s->properties, key);

	return named == NULL ? NULL : named->sub;
}

const struct sub *sub_follow(const struct sub *s)
{
	for (unsigned hops = 0; hops < MAX_HOPS && s->ref != NULL; hops++) {
		if (s->types != 0 || s->has_properties || s->any_of.n > 0 || s->one_of.n > 0)
			break;
		s = s->ref;
	}
	return s;
}

static unsigned list_types(const struct sub_list *list)
{
	unsigned types = 0;

	for (size_t i = 0; i < list->n; i++) {
		const struct sub *branch = sub_follow(list->at[i]);

		if (branch->types == 0)
			return 0;
		types |= branch->types;
	}
	return types;
}

unsigned sub_types(const struct sub *s)
{
	s = sub_follow(s);
	if (s->types != 0)
		return s->types;
	return list_types(s->any_of.n > 0 ? &s->any_of : &s->one_of);
}

#define THROUGH_REFS(function, field) \
	struct str function(const struct sub *s) \
	{ \
		for (unsigned hops = 0; hops < MAX_HOPS && s->field.ptr == NULL && s->ref != NULL; \
			hops++) \
			s = s->ref; \
		return s->field; \
	}
THROUGH_REFS(sub_title, title)
THROUGH_REFS(sub_format, format)
THROUGH_REFS(sub_unit, unit)
