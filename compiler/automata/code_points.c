/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "automata/code_points.h"

#include <stdlib.h>

/* A sequence of byte ranges. */
struct utf8_run {
	uint8_t low[4], high[4];
	size_t len;
};

struct runs {
	struct utf8_run *at;
	size_t n, cap;
};

bool cp_set_add(struct arena *a, struct cp_set *s, uint32_t low, uint32_t high)
{
	return vec_push(a, s, (struct cp_range){ low, high });
}

bool cp_set_add_all(struct arena *a, struct cp_set *s, const struct cp_set *other)
{
	for (size_t i = 0; i < other->n; i++)
		if (!cp_set_add(a, s, other->at[i].low, other->at[i].high))
			return false;
	return true;
}

bool cp_set_has(const struct cp_set *s, uint32_t cp)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->at[i].low <= cp && cp <= s->at[i].high)
			return true;
	return false;
}

bool cp_set_fold_ascii(struct arena *a, struct cp_set *s)
{
	for (uint32_t upper = 'A'; upper <= 'Z'; upper++) {
		uint32_t lower = upper | 0x20;

		if (cp_set_has(s, upper) == cp_set_has(s, lower))
			continue;
		if (!cp_set_add(a, s, upper, upper) || !cp_set_add(a, s, lower, lower))
			return false;
	}
	return true;
}

static int compare_ranges(const void *x, const void *y)
{
	const struct cp_range *a = x, *b = y;

	return (a->low > b->low) - (a->low < b->low);
}

/* Sorts the ranges and joins those that touch. */
static void normalise(struct cp_set *s)
{
	size_t kept = 0;

	if (s->n == 0)
		return;
	qsort(s->at, s->n, sizeof(*s->at), compare_ranges);
	for (size_t i = 1; i < s->n; i++) {
		if (s->at[i].low > s->at[kept].high + 1)
			s->at[++kept] = s->at[i];
		else if (s->at[i].high > s->at[kept].high)
			s->at[kept].high = s->at[i].high;
	}
	s->n = kept + 1;
}

bool cp_set_negate(struct arena *a, struct cp_set *s)
{
	struct cp_set out = { 0 };
	uint32_t from = 0;

	normalise(s);
	for (size_t i = 0; i < s->n; i++) {
		if (s->at[i].low > from && !cp_set_add(a, &out, from, s->at[i].low - 1))
			return false;
		from = s->at[i].high + 1;
	}
	if (from <= CODE_POINT_MAX && !cp_set_add(a, &out, from, CODE_POINT_MAX))
		return false;
	*s = out;
	return true;
}

size_t cp_encode(uint32_t cp, char out[4])
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xc0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xe0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		out[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	out[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

/* Adds the run of low to high, of which every position is an independent range of bytes. */
static void add_run(struct arena *a, struct runs *runs, uint32_t low, uint32_t high)
{
	struct utf8_run r = { 0 };

	r.len = cp_encode(low, (char *)r.low);
	cp_encode(high, (char *)r.high);
	vec_push(a, runs, r);
}

/* Cuts low to high, all of one encoded length, where continuation bytes do not take their whole
 * range. */
static void cut_range(struct arena *a, struct runs *runs, uint32_t low, uint32_t high)
{
	for (unsigned shift = 6; shift <= 18 && low >= 0x80; shift += 6) {
		uint32_t mask = (1u << shift) - 1;

		if ((low & ~mask) == (high & ~mask))
			break;
		if ((low & mask) != 0) {
			cut_range(a, runs, low, low | mask);
			cut_range(a, runs, (low | mask) + 1, high);
			return;
		}
		if ((high & mask) != mask) {
			cut_range(a, runs, low, (high & ~mask) - 1);
			cut_range(a, runs, high & ~mask, high);
			return;
		}
	}
	add_run(a, runs, low, high);
}

static void cut_lengths(struct arena *a, struct runs *runs, struct cp_range r)
{
	/* What has one encoded length, without NUL and the surrogates. */
	static const struct cp_range spans[] = {
		{ 1, 0x7f }, { 0x80, 0x7ff }, { 0x800, 0xd7ff }, { 0xe000, 0xffff }, { 0x10000, CODE_POINT_MAX },
	};

	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		uint32_t low = r.low > spans[i].low ? r.low : spans[i].low;
		uint32_t high = r.high < spans[i].high ? r.high : spans[i].high;

		if (low <= high)
			cut_range(a, runs, low, high);
	}
}

static bool same_end(const struct utf8_run *x, const struct utf8_run *y)
{
	if (x->len == 1 || y->len == 1)
		return x->len == y->len;
	return x->low[x->len - 1] == y->low[y->len - 1] && x->high[x->len - 1] == y->high[y->len - 1];
}

/* Moves the runs that end as the first does to the front. Returns how many there are. */
static size_t group_by_end(struct utf8_run *runs, size_t n)
{
	size_t end = 1;

	for (size_t i = 1; i < n; i++) {
		struct utf8_run r = runs[i];

		if (!same_end(&runs[0], &r))
			continue;
		runs[i] = runs[end];
		runs[end++] = r;
	}
	return end;
}

static void add_bytes(uint8_t bitmap[32], unsigned low, unsigned high)
{
	for (; low <= high; low++)
		re_set_add(bitmap, low);
}

/* An alternation of the runs in which equal tails occur once: "." is 7 states that way, not 16. */
static struct re *runs_to_re(struct arena *a, struct utf8_run *runs, size_t n)
{
	struct re *x = NULL;

	for (size_t n_group; n > 0; runs += n_group, n -= n_group) {
		size_t last = runs[0].len - 1;
		uint8_t bitmap[32] = { 0 };
		struct re *y;

		n_group = group_by_end(runs, n);
		if (last == 0) {
			for (size_t i = 0; i < n_group; i++)
				add_bytes(bitmap, runs[i].low[0], runs[i].high[0]);
			y = re_set(a, bitmap);
		} else {
			add_bytes(bitmap, runs[0].low[last], runs[0].high[last]);
			for (size_t i = 0; i < n_group; i++)
				runs[i].len--;
			y = re_cat(a, runs_to_re(a, runs, n_group), re_set(a, bitmap));
		}
		x = x == NULL ? y : re_alt(a, x, y);
	}
	return x;
}

struct re *cp_set_to_re(struct arena *a, struct cp_set *s)
{
	struct runs runs = { 0 };

	normalise(s);
	for (size_t i = 0; i < s->n; i++)
		cut_lengths(a, &runs, s->at[i]);
	return runs_to_re(a, runs.at, runs.n);
}
