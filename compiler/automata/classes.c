/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "automata/classes.h"

#include <string.h>

#include "base/check.h"

unsigned classes_byte_rank(unsigned byte)
{
	static const char *const tiers[] = {
		"abcdefghijklmnopqrstuvwxyz",
		"0123456789",
		"-_.~",
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
		"/!$&'()*+,;=:@%?#[]{}|<>^`\"\\",
	};
	unsigned rank = 0;

	for (size_t i = 0; i < ARRAY_LEN(tiers); i++) {
		const char *found = byte == 0 ? NULL : strchr(tiers[i], (int)byte);

		if (found != NULL)
			return rank + (unsigned)(found - tiers[i]);
		rank += (unsigned)strlen(tiers[i]);
	}
	return rank + byte; /* beyond all tiers: space, controls, non-ASCII */
}

/* Splits the classes of `of` along the set. Returns the new number of classes. */
static uint32_t split(uint8_t of[256], uint32_t n, const uint8_t bitmap[32])
{
	uint32_t inside[256], seen_out[256] = { 0 };

	memset(inside, 0xff, sizeof(inside));
	for (unsigned byte = 0; byte < 256; byte++)
		if (!re_set_has(bitmap, byte))
			seen_out[of[byte]] = 1;
	for (unsigned byte = 0; byte < 256; byte++) {
		uint32_t class = of[byte];

		if (!re_set_has(bitmap, byte))
			continue;
		if (inside[class] == UINT32_MAX)
			inside[class] = seen_out[class] ? n++ : class;
		of[byte] = (uint8_t)inside[class];
	}
	return n;
}

static uint32_t split_single_bytes(const struct nfa *f, uint8_t of[256], uint32_t n)
{
	uint8_t used[32] = { 0 };

	for (size_t i = 0; i < f->edges.n; i++)
		if (f->edges.at[i].label < 256)
			re_set_add(used, f->edges.at[i].label);
	for (unsigned byte = 1; byte < 256; byte++) { /* label 0 is an empty step */
		uint8_t one[32] = { 0 };

		if (!re_set_has(used, byte))
			continue;
		re_set_add(one, byte);
		n = split(of, n, one);
	}
	return n;
}

void classes_find(const struct nfa *f, struct dfa *out)
{
	uint8_t of[256] = { 0 };
	uint32_t number[256], n = split_single_bytes(f, of, 1);

	for (size_t i = 0; i < f->sets.n && n < 256; i++)
		n = split(of, n, f->sets.at[i].bitmap);
	memset(number, 0xff, sizeof(number));
	out->n_classes = 0;
	for (unsigned byte = 0; byte < 256; byte++) {
		uint32_t *class = &number[of[byte]];
		uint8_t *best;

		if (*class == UINT32_MAX) {
			*class = out->n_classes++;
			out->class_byte[*class] = (uint8_t)byte;
		}
		best = &out->class_byte[*class];
		if (classes_byte_rank(byte) < classes_byte_rank(*best))
			*best = (uint8_t)byte;
		out->class_of[byte] = (uint8_t)*class;
	}
}

uint32_t classes_of_set(const struct dfa *d, const struct nfa_set *s, struct class_bits *bits_out)
{
	uint32_t n = 0;

	*bits_out = (struct class_bits){ 0 };
	for (unsigned byte = 0; byte < 256; byte++) {
		uint32_t class = d->class_of[byte];

		if (!re_set_has(s->bitmap, byte) || class_bits_has(bits_out, class))
			continue;
		class_bits_add(bits_out, class);
		n++;
	}
	return n;
}
