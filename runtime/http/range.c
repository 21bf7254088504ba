/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "http/range.h"

/* A number of digits; one beyond 64 bits is as good as the greatest. False: no digit, or something else. */
static bool parse_number(struct str s, uint64_t *value_out)
{
	uint64_t value = 0;

	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned char)s.ptr[i] - (unsigned)'0';

		if (digit > 9)
			return false;
		value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
	}
	*value_out = value;
	return s.len != 0;
}

/* "first-", "first-last" or "-suffix". False: malformed. *is_there_out: it covers some of the bytes. */
static bool parse_spec(struct str spec, uint64_t length, struct range *out, bool *is_there_out)
{
	size_t dash = str_find_char(spec, '-');
	struct str first = str_slice(spec, 0, dash), last = str_slice(spec, dash + 1, spec.len);
	uint64_t n;

	if (dash == spec.len)
		return false;
	if (first.len == 0) {
		if (!parse_number(last, &n))
			return false;
		*is_there_out = n != 0 && length != 0;
		*out = (struct range){ n < length ? length - n : 0, length - 1 };
		return true;
	}
	if (!parse_number(first, &out->first))
		return false;
	out->last = UINT64_MAX;
	if (last.len != 0 && (!parse_number(last, &out->last) || out->last < out->first))
		return false;
	*is_there_out = out->first < length;
	if (*is_there_out && out->last >= length)
		out->last = length - 1;
	return true;
}

/* What stands behind "bytes=", or ptr NULL. */
static struct str bytes_set(struct str value)
{
	size_t equals = str_find_char(value, '=');

	if (equals == value.len || !str_eq_nocase(str_slice(value, 0, equals), STR("bytes")))
		return STR_NONE;
	return str_slice(value, equals + 1, value.len);
}

enum range_verdict range_parse(struct str value, uint64_t length, struct range at[RANGE_MOST], size_t *n_out)
{
	struct str rest = bytes_set(value), spec;
	size_t n_specs = 0, n = 0;
	uint64_t total = 0;

	*n_out = 0;
	while (field_next_member(&rest, &spec)) {
		bool is_there = false;
		struct range r;

		if (++n_specs > RANGE_MOST || !parse_spec(spec, length, &r, &is_there))
			return RANGE_WHOLE;
		if (!is_there)
			continue;
		at[n++] = r;
		/* Each is at most the length, and there are few. */
		total += r.last - r.first + 1;
	}
	if (n_specs == 0 || (n > 1 && total > length))
		return RANGE_WHOLE;
	*n_out = n;
	return n == 0 ? RANGE_UNSATISFIABLE : RANGE_PARTS;
}

enum range_verdict range_of_request(const struct fields *f, uint64_t length, struct range at[RANGE_MOST], size_t *n_out)
{
	const struct field *only = NULL;

	*n_out = 0;
	for (unsigned i = 0; i < f->n; i++) {
		if (!str_eq(f->at[i].name, STR("range")))
			continue;
		if (only != NULL)
			return RANGE_WHOLE;
		only = &f->at[i];
	}
	return only == NULL ? RANGE_WHOLE : range_parse(only->value, length, at, n_out);
}
