/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "http/accept.h"

#define WEIGHT_FULL 1000

/* "0.25" in thousandths; false if it is no qvalue: 0 to 1 with at most three decimals. */
static bool parse_weight(struct str s, unsigned *out)
{
	unsigned value = 0, scale = 100;

	if (s.len == 0 || s.len > 5 || (s.ptr[0] != '0' && s.ptr[0] != '1') || (s.len > 1 && s.ptr[1] != '.'))
		return false;
	value = s.ptr[0] == '1' ? WEIGHT_FULL : 0;
	for (size_t i = 2; i < s.len; i++, scale /= 10) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
		value += (unsigned)(s.ptr[i] - '0') * scale;
	}
	*out = value;
	return value <= WEIGHT_FULL;
}

/* "gzip;q=0.5"; false if it is malformed, and says nothing. */
static bool parse_member(struct str member, struct str *coding_out, unsigned *weight_out)
{
	size_t semicolon = str_find_char(member, ';');
	struct str parameter = str_trim(str_slice(member, semicolon + 1, member.len));

	*coding_out = str_trim(str_slice(member, 0, semicolon));
	*weight_out = WEIGHT_FULL;
	if (semicolon == member.len)
		return true;
	return parameter.len > 2 && (parameter.ptr[0] | 0x20) == 'q' && parameter.ptr[1] == '=' &&
	       parse_weight(str_slice(parameter, 2, parameter.len), weight_out);
}

static bool names(struct str written, struct str coding)
{
	return str_eq_nocase(written, coding) || (str_eq(coding, STR("gzip")) && str_eq_nocase(written, STR("x-gzip")));
}

unsigned accept_encoding_weight(const struct fields *f, struct str coding)
{
	bool is_identity = str_eq(coding, STR("identity")), star_refuses = false;
	unsigned star = 0;

	for (unsigned i = 0; i < f->n; i++) {
		struct str rest = f->at[i].value, member, written;
		unsigned weight;

		if (!str_eq(f->at[i].name, STR("accept-encoding")))
			continue;
		while (field_next_member(&rest, &member)) {
			if (!parse_member(member, &written, &weight))
				continue;
			if (names(written, coding))
				return weight;
			if (!str_eq(written, STR("*")))
				continue;
			star = weight;
			star_refuses = weight == 0;
		}
	}
	if (is_identity)
		return star_refuses ? 0 : 1;
	return star;
}
