/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "prove/atoms.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/str.h"
#include "prove/dims.h"

static void set_bit(uint64_t *words, uint32_t i)
{
	words[i >> 6] |= (uint64_t)1 << (i & 63);
}

/* ---- sources: ranges that lie in each other, or apart ---- */

static bool in_range(const uint8_t addr[16], const struct m_cidr *c)
{
	unsigned whole = c->bits / 8, rest = c->bits % 8;

	if (memcmp(addr, c->addr, whole) != 0)
		return false;
	return rest == 0 || (addr[whole] ^ c->addr[whole]) >> (8 - rest) == 0;
}

static bool lies_in(const struct m_cidr *x, const struct m_cidr *y)
{
	return x->bits >= y->bits && in_range(x->addr, y);
}

static void add_range(struct space_dim *d, const struct m_cidr *c)
{
	for (uint32_t i = 0; i < d->n_atoms; i++)
		if (d->ranges[i].bits == c->bits && lies_in(c, &d->ranges[i]))
			return;
	d->ranges[d->n_atoms++] = *c;
}

/* The part of range i, in units of 2^-62, that smaller ranges directly below it take. Parts that
 * are too small to be told are left out, so that a full range is known and no other is taken for
 * one. */
static uint64_t taken_of(const struct space_dim *d, uint32_t i)
{
	uint64_t taken = 0;

	for (uint32_t k = 0; k < d->n_atoms; k++) {
		unsigned below = (unsigned)d->ranges[k].bits - d->ranges[i].bits;
		bool is_direct = k != i && lies_in(&d->ranges[k], &d->ranges[i]);

		for (uint32_t j = 0; j < d->n_atoms && is_direct; j++)
			is_direct = j == i || j == k || !lies_in(&d->ranges[k], &d->ranges[j]) ||
				    !lies_in(&d->ranges[j], &d->ranges[i]);
		if (is_direct && below <= 62)
			taken += (uint64_t)1 << (62 - below);
	}
	return taken;
}

void atoms_of_sources(
	struct arena *a, struct space_dim *d, const struct space_member *members, uint32_t n)
{
	uint32_t most = 1;
	uint64_t *live;

	for (uint32_t i = 0; i < n; i++)
		most += members[i].route->when.n_sources;
	d->ranges = ARENA_ARRAY(a, struct m_cidr, most);
	d->n_atoms = 1; /* [0]: everything */
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < members[i].route->when.n_sources; k++)
			add_range(d, &members[i].route->when.sources[k]);
	live = ARENA_ARRAY(a, uint64_t, (d->n_atoms + 63) / 64);
	for (uint32_t i = 0; i < d->n_atoms; i++)
		if (taken_of(d, i) < (uint64_t)1 << 62)
			set_bit(live, i);
	d->live = live;
}

void atoms_box_source(const struct space_dim *d, const struct plan_when *w, uint64_t *words)
{
	uint64_t *taken = words;

	if (w->n_sources == 0)
		return;
	for (uint32_t i = 0; i < d->n_atoms; i++) {
		bool in = false;

		for (uint32_t k = 0; k < w->n_sources && !in; k++)
			in = lies_in(&d->ranges[i], &w->sources[k]);
		if (!in)
			taken[i >> 6] &= ~((uint64_t)1 << (i & 63));
	}
}

/* The address behind the last one of the range; false if there is none. */
static bool behind(const struct m_cidr *c, uint8_t addr[16])
{
	memcpy(addr, c->addr, 16);
	for (unsigned bit = c->bits; bit < 128; bit++)
		addr[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
	for (int i = 15; i >= 0; i--)
		if (++addr[i] != 0)
			return true;
	return false;
}

/* The smaller range of the dimension that has the address, or PLAN_NONE. */
static uint32_t smaller(const struct space_dim *d, uint32_t atom, const uint8_t addr[16])
{
	for (uint32_t i = 0; i < d->n_atoms; i++)
		if (i != atom && lies_in(&d->ranges[i], &d->ranges[atom]) &&
			in_range(addr, &d->ranges[i]))
			return i;
	return PLAN_NONE;
}

static struct str address_text(struct arena *a, const uint8_t addr[16])
{
	static const uint8_t v4[12] = { [10] = 0xff, [11] = 0xff };
	char text[INET6_ADDRSTRLEN];
	bool is_v4 = memcmp(addr, v4, sizeof(v4)) == 0;

	inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? addr + 12 : addr, text, sizeof(text));
	return arena_str(a, str_of(text));
}

void atoms_sample_source(
	struct arena *a, const struct space_dim *d, uint32_t atom, struct sample *out)
{
	uint8_t addr[16];
	uint32_t i;

	/* The loopback address that is there already, if that is outside all ranges. */
	if (atom == 0 && smaller(d, 0, out->source) == PLAN_NONE)
		return;
	memcpy(addr, d->ranges[atom].addr, sizeof(addr));
	if (atom == 0)
		memcpy(addr, (const uint8_t[]){ [10] = 0xff, [11] = 0xff, [12] = 1, [15] = 0 }, 16);
	if (d->ranges[atom].bits < 128)
		addr[15] |= 1;
	/* Each turn leaves a range behind for good. */
	while ((i = smaller(d, atom, addr)) != PLAN_NONE && behind(&d->ranges[i], addr))
		;
	memcpy(out->source, addr, sizeof(addr));
	out->source_text = address_text(a, addr);
}

/* ---- fields ---- */

static struct str field_key(const struct plan_field *const *f)
{
	return (struct str){ (const char *)f, sizeof(*f) };
}

/* The members' matches of this field, in `a`. */
static const struct plan_field **fields_of(struct arena *a, const struct space_dim *d,
	const struct space_member *members, uint32_t n, uint32_t *n_out)
{
	const struct plan_field like = { .where = d->where, .name = d->name };
	const struct plan_field **list = ARENA_ARRAY(a, const struct plan_field *, n);

	*n_out = 0;
	for (uint32_t i = 0; i < n; i++) {
		const struct plan_field *f = dims_field(&members[i].route->when, &like);

		if (f != NULL && (*n_out == 0 || list[*n_out - 1] != f))
			list[(*n_out)++] = f;
	}
	return list;
}

static bool is_exact(const struct plan_field *f)
{
	for (uint32_t i = 0; i < f->n; i++)
		if (f->values[i].kind != M_VALUE_EXACT)
			return false;
	return true;
}

/* A value that no match names. */
static struct str other_value(struct arena *a, const struct map *exact)
{
	struct str value = STR("other");

	for (unsigned i = 0; map_get(exact, value) != NULL; i++)
		value = arena_printf(a, "other%u", i);
	return value;
}

/* Atom 0: absent; then each value; last, all other values. */
static void exact_atoms(
	struct arena *a, struct space_dim *d, const struct plan_field **list, uint32_t n)
{
	uint32_t most = 2;

	for (uint32_t i = 0; i < n; i++)
		most += list[i]->n;
	d->is_exact = true;
	d->values = ARENA_ARRAY(a, struct str, most);
	d->n_atoms = 1;
	map_init(&d->exact, a);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < list[i]->n; k++) {
			struct str value = list[i]->values[k].text.value;

			if (!map_add(&d->exact, value, (void *)(uintptr_t)d->n_atoms))
				continue;
			d->values[d->n_atoms++] = value;
		}
	d->values[d->n_atoms++] = other_value(a, &d->exact);
}

static struct re *sni_byte(struct arena *a)
{
	uint8_t bytes[32] = { 0 };

	for (const char *at = PLAN_SNI_BYTES; *at != '\0'; at++)
		bytes[*at >> 3] |= (uint8_t)(1u << (*at & 7));
	return re_set(a, bytes);
}

/* What comes out of a header field: no control bytes but the tab, and no blanks around it. A cookie's ends at a semicolon, and may
 * have blanks around it, inside the quotes that are taken off. */
static struct re *field_value(struct arena *a, enum toron_where where)
{
	char barred[40] = "\x7f";
	size_t n = 1;
	struct re *inner, *outer, *ends;

	for (char c = 1; c < 0x20; c++)
		if (c != '\t')
			barred[n++] = c;
	if (where == TORON_IN_COOKIE)
		barred[n++] = ';';
	inner = re_not_bytes(a, (struct str){ barred, n });
	if (where == TORON_IN_COOKIE)
		return re_repeat(a, inner, 0, -1);
	barred[n++] = '\t';
	barred[n++] = ' ';
	outer = re_not_bytes(a, (struct str){ barred, n });
	ends = re_cat(a, re_repeat(a, inner, 0, -1), outer);
	return re_repeat(a, re_cat(a, outer, re_repeat(a, ends, 0, 1)), 0, 1);
}

static bool dfa_atoms(
	struct arena *a, struct space_dim *d, const struct plan_field **list, uint32_t n)
{
	struct re **patterns = ARENA_ARRAY(a, struct re *, n + 1);
	uint32_t n_patterns = 1, culprit;
	bool is_query = d->where == TORON_IN_QUERY || d->where == TORON_IN_CLIENT;
	struct str *witnesses;
	uint64_t *live;

	/* [0]: what can be sent at all. */
	patterns[0] = d->where == TORON_IN_SNI ? re_repeat(a, sni_byte(a), 1, -1)
		: is_query ? re_any_string(a) : field_value(a, d->where);
	map_init(&d->fields, a);
	for (uint32_t i = 0; i < n; i++) {
		const struct plan_field **key = ARENA_ARRAY(a, const struct plan_field *, 1);

		*key = list[i];
		if (list[i]->language == NULL ||
			!map_add(&d->fields, field_key(key), (void *)(uintptr_t)(n_patterns + 1)))
			continue;
		patterns[n_patterns++] = list[i]->language;
	}
	if (dfa_build(a, patterns, n_patterns, DIMS_STATES, &d->dfa, &culprit) != DFA_OK)
		return false;
	witnesses = dfa_witnesses(&d->dfa, a);
	d->n_atoms = d->dfa.n_sets + 1;
	d->values = ARENA_ARRAY(a, struct str, d->n_atoms);
	live = ARENA_ARRAY(a, uint64_t, (d->n_atoms + 63) / 64);
	set_bit(live, 0);
	/* A query may have NUL, which is in no language; so may what authorities write into certificates. */
	for (uint32_t i = 0; i < d->dfa.n_sets; i++) {
		bool is_sent = i == 0 ? is_query : d->dfa.sets[i].patterns[0] == 0;

		d->values[i + 1] = witnesses[i].ptr == NULL ? STR("") : witnesses[i];
		if (is_sent)
			set_bit(live, i + 1);
	}
	d->live = live;
	return true;
}

bool atoms_of_field(
	struct arena *a, struct space_dim *d, const struct space_member *members, uint32_t n)
{
	uint32_t n_fields;
	const struct plan_field **list = fields_of(a, d, members, n, &n_fields);
	bool exact = true;

	for (uint32_t i = 0; i < n_fields; i++)
		exact &= is_exact(list[i]);
	if (!exact && dfa_atoms(a, d, list, n_fields))
		return true;
	/* Something to go on with; the caller knows that it proves nothing. */
	exact_atoms(a, d, list, n_fields);
	return exact;
}

/* The atoms of the values that f takes. */
static void add_values(const struct space_dim *d, const struct plan_field *f, uint64_t *taken)
{
	uintptr_t pattern;

	for (uint32_t i = 0; i < f->n && d->is_exact; i++)
		set_bit(taken, (uint32_t)(uintptr_t)map_get(&d->exact, f->values[i].text.value));
	if (d->is_exact || f->language == NULL)
		return;
	pattern = (uintptr_t)map_get(&d->fields, field_key(&f)) - 1;
	for (uint32_t i = d->dfa.holder_first[pattern]; i < d->dfa.holder_first[pattern + 1]; i++)
		set_bit(taken, d->dfa.holders[i] + 1);
}

void atoms_box_field(const struct space_dim *d, const struct plan_when *w, uint64_t *words)
{
	const struct plan_field like = { .where = d->where, .name = d->name };
	const struct plan_field *f = dims_field(w, &like);

	if (f == NULL)
		return;
	memset(words, 0, d->n_words * sizeof(*words));
	if (f->present)
		memcpy(words, d->live, d->n_words * sizeof(*words));
	words[0] &= ~(uint64_t)1;
	words[0] |= f->absent ? 1 : 0;
	add_values(d, f, words);
	for (uint32_t i = 0; i < d->n_words; i++)
		words[i] &= d->live[i];
}
