/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "prove/space.h"

#include <string.h>

#include "base/check.h"
#include "base/str.h"
#include "prove/atoms.h"

#define STANDARD_METHODS 9u

/* ---- bits ---- */

static void set_bit(uint64_t *words, uint32_t i)
{
	words[i >> 6] |= (uint64_t)1 << (i & 63);
}

static bool is_zero(const uint64_t *words, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (words[i] != 0)
			return false;
	return true;
}

static uint32_t first_bit(const uint64_t *words)
{
	uint32_t i = 0;

	while (words[i] == 0)
		i++;
	return 64 * i + (uint32_t)__builtin_ctzll(words[i]);
}

/* ---- dimensions ---- */

static uint32_t find_method(const struct space *s, struct str name)
{
	for (uint32_t i = 0; i < s->n_methods; i++)
		if (str_eq(s->methods[i], name))
			return i;
	return PLAN_NONE;
}

static void collect_methods(struct space *s, const struct plan *p)
{
	struct str *all = ARENA_ARRAY(s->arena, struct str, s->n_methods + p->n_extra_methods);

	if (s->n_methods > 0)
		memcpy(all, s->methods, s->n_methods * sizeof(*all));
	s->methods = all;
	for (uint32_t i = 0; i < p->n_extra_methods; i++)
		if (find_method(s, p->extra_methods[i]) == PLAN_NONE)
			all[s->n_methods++] = p->extra_methods[i];
}

static struct space_dim *add_dim(struct space *s, enum space_kind kind, uint32_t n_atoms)
{
	struct space_dim *d = &s->dims[s->n_dims++];

	*d = (struct space_dim){ .kind = kind, .n_atoms = n_atoms };
	return d;
}

/* Room in the boxes, and atoms that are all alive unless the dimension knows better. */
static void place_dim(struct space *s, struct space_dim *d)
{
	uint64_t *live;

	d->first_word = s->n_words;
	d->n_words = (d->n_atoms + 63) / 64;
	s->n_words += d->n_words;
	if (d->live != NULL)
		return;
	live = ARENA_ARRAY(s->arena, uint64_t, d->n_words);
	for (uint32_t i = 0; i < d->n_atoms; i++)
		set_bit(live, i);
	d->live = live;
}

static void keep_only(struct space *s, struct space_dim *d, uint64_t first_word)
{
	uint64_t *live = ARENA_ARRAY(s->arena, uint64_t, d->n_words);

	live[0] = d->live[0] & first_word;
	d->live = live;
}

static bool is_new_field(const struct space *s, const struct plan_field *f)
{
	for (uint32_t i = 0; i < s->n_dims; i++)
		if (s->dims[i].kind == SPACE_FIELD && s->dims[i].where == f->where &&
			str_eq(s->dims[i].name, f->name))
			return false;
	return true;
}

static void add_fields(struct space *s, const struct space_member *members, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct plan_when *w = &members[i].route->when;

		for (uint32_t k = 0; k < w->n_fields; k++) {
			struct space_dim *d;

			if (!is_new_field(s, &w->fields[k]))
				continue;
			d = add_dim(s, SPACE_FIELD, 0);
			d->where = w->fields[k].where;
			d->name = w->fields[k].name;
			s->undecided |= !atoms_of_field(s->arena, d, members, n);
			place_dim(s, d);
			/* Atom 0 is absence. */
			if (d->where == TORON_IN_HEADER && lookup_is_hop_by_hop(d->name))
				keep_only(s, d, 1);
		}
	}
}

void space_init(struct space *s, struct arena *a, const struct space_member *members, uint32_t n)
{
	uint32_t most = 3;
	bool has_sources = false;

	*s = (struct space){ .arena = a };
	for (uint32_t i = 0; i < n; i++) {
		most += members[i].route->when.n_fields;
		has_sources |= members[i].route->when.n_sources > 0;
		if (i == 0 || members[i].plan != members[i - 1].plan)
			collect_methods(s, members[i].plan);
	}
	s->dims = ARENA_ARRAY(a, struct space_dim, most);
	place_dim(s, add_dim(s, SPACE_METHOD, STANDARD_METHODS + s->n_methods + 1));
	/* Extra methods of a plan are few, so that all are in the first word; CONNECT is answered before routes are asked. */
	keep_only(s, &s->dims[0], ~(uint64_t)TORON_CONNECT);
	place_dim(s, add_dim(s, SPACE_SCHEME, 2));
	if (has_sources) {
		struct space_dim *d = add_dim(s, SPACE_SOURCE, 0);

		atoms_of_sources(a, d, members, n);
		place_dim(s, d);
	}
	add_fields(s, members, n);
}

void space_confine(struct space *s, const struct plan_listener *const *listeners, uint32_t n)
{
	bool http = false, https = false, tls = false, client = false;

	for (uint32_t i = 0; i < n; i++) {
		http |= plan_takes_scheme(listeners[i], false);
		https |= plan_takes_scheme(listeners[i], true);
		tls |= listeners[i]->tls != NULL;
		client |= plan_asks_clients(listeners[i]);
	}
	for (uint32_t i = 0; i < s->n_dims; i++) {
		struct space_dim *d = &s->dims[i];

		if (d->kind == SPACE_SCHEME)
			keep_only(s, d, (http ? 1u : 0u) | (https ? 2u : 0u));
		/* Atom 0 is absence. */
		if (d->kind == SPACE_FIELD && d->where == TORON_IN_SNI && !tls)
			keep_only(s, d, 1);
		if (d->kind == SPACE_FIELD && d->where == TORON_IN_CLIENT && !client)
			keep_only(s, d, 1);
	}
}

/* ---- boxes ---- */

uint64_t *space_all(struct space *s)
{
	uint64_t *box = ARENA_ARRAY(s->arena, uint64_t, s->n_words);

	for (uint32_t i = 0; i < s->n_dims; i++)
		memcpy(box + s->dims[i].first_word, s->dims[i].live,
			s->dims[i].n_words * sizeof(*box));
	return box;
}

static bool has_extra_method(const struct plan *p, struct str name)
{
	for (uint32_t i = 0; i < p->n_extra_methods; i++)
		if (str_eq(p->extra_methods[i], name))
			return true;
	return false;
}

static void box_methods(const struct space *s, const struct space_member *m, uint64_t *words)
{
	uint32_t bits = plan_taken_methods(m->route);

	for (uint32_t i = 0; i < STANDARD_METHODS; i++)
		if ((bits & 1u << i) != 0)
			set_bit(words, i);
	for (uint32_t i = 0; i < m->plan->n_extra_methods; i++)
		if ((bits & (uint32_t)TORON_METHOD_EXTRA << i) != 0)
			set_bit(words, STANDARD_METHODS +
					       find_method(s, m->plan->extra_methods[i]));
	/* What this plan has no name for is not told from the methods that nobody names. */
	for (uint32_t i = 0; i <= s->n_methods && (bits & TORON_METHOD_OTHER) != 0; i++)
		if (i == s->n_methods || !has_extra_method(m->plan, s->methods[i]))
			set_bit(words, STANDARD_METHODS + i);
}

uint64_t *space_box(struct space *s, const struct space_member *m)
{
	uint64_t *box = space_all(s);
	const struct plan_when *w = &m->route->when;

	for (uint32_t i = 0; i < s->n_dims; i++) {
		struct space_dim *d = &s->dims[i];
		uint64_t *words = box + d->first_word;

		switch (d->kind) {
		case SPACE_METHOD:
			memset(words, 0, d->n_words * sizeof(*words));
			box_methods(s, m, words);
			words[0] &= d->live[0];
			break;
		case SPACE_SCHEME:
			words[0] &= (w->http ? 1u : 0u) | (w->https ? 2u : 0u);
			break;
		case SPACE_SOURCE:
			atoms_box_source(d, w, words);
			break;
		case SPACE_FIELD:
			atoms_box_field(d, w, words);
			break;
		}
	}
	return box;
}

static bool is_disjoint(const struct space *s, const uint64_t *x, const uint64_t *y)
{
	for (uint32_t i = 0; i < s->n_dims; i++) {
		const struct space_dim *d = &s->dims[i];
		uint64_t common = 0;

		for (uint32_t k = d->first_word; k < d->first_word + d->n_words; k++)
			common |= x[k] & y[k];
		if (common == 0)
			return true;
	}
	return false;
}

uint64_t *space_common(struct space *s, const uint64_t *x, const uint64_t *y)
{
	uint64_t *box;

	if (is_disjoint(s, x, y))
		return NULL;
	box = ARENA_ARRAY(s->arena, uint64_t, s->n_words);
	for (uint32_t i = 0; i < s->n_words; i++)
		box[i] = x[i] & y[i];
	return box;
}

/* What of `piece` is outside `box`: one disjoint piece a dimension at most. `piece` is spent. */
static void cut(struct space *s, uint64_t *piece, const uint64_t *box, struct boxes *out)
{
	for (uint32_t i = 0; i < s->n_dims; i++) {
		const struct space_dim *d = &s->dims[i];
		uint64_t *outside = ARENA_ARRAY(s->arena, uint64_t, s->n_words);

		memcpy(outside, piece, s->n_words * sizeof(*outside));
		for (uint32_t k = d->first_word; k < d->first_word + d->n_words; k++) {
			outside[k] &= ~box[k];
			piece[k] &= box[k];
		}
		if (is_zero(outside + d->first_word, d->n_words))
			continue;
		vec_push(s->arena, out, outside);
		s->n_pieces++;
	}
}

void space_subtract(struct space *s, struct boxes *from, const uint64_t *box)
{
	struct boxes rest = { 0 };

	for (size_t i = 0; i < from->n; i++) {
		if (s->n_pieces > SPACE_PIECES) {
			s->undecided = true;
			return;
		}
		if (is_disjoint(s, from->at[i], box))
			vec_push(s->arena, &rest, from->at[i]);
		else
			cut(s, from->at[i], box, &rest);
	}
	*from = rest;
}

uint64_t *space_meets(struct space *s, const struct boxes *list, const uint64_t *box)
{
	for (size_t i = 0; i < list->n; i++) {
		uint64_t *common = space_common(s, list->at[i], box);

		if (common != NULL)
			return common;
	}
	return NULL;
}

/* ---- samples ---- */

static struct str method_of(const struct space *s, uint32_t atom)
{
	static const struct plan no_methods = { 0 };

	if (atom < STANDARD_METHODS)
		return sample_method(&no_methods, 1u << atom);
	if (atom - STANDARD_METHODS < s->n_methods)
		return s->methods[atom - STANDARD_METHODS];
	/* Extra methods of a plan are few: one of these is none of them. */
	for (unsigned i = 0;; i++) {
		struct str name = i == 0 ? STR("BREW") : arena_printf(s->arena, "BREW%u", i);

		if (find_method(s, name) == PLAN_NONE)
			return name;
	}
}

/* Of the atoms that are set, that of the host, or else the first. */
static uint32_t sni_atom(const struct space_dim *d, const uint64_t *words, struct str host)
{
	uint32_t atom = d->n_atoms;

	for (uint32_t i = 1; i < d->n_atoms; i++)
		if (str_eq(d->values[i], host))
			atom = i;
	return atom < d->n_atoms && (words[atom >> 6] & (uint64_t)1 << (atom & 63)) != 0 ? atom : first_bit(words);
}

void space_sample(const struct space *s, const uint64_t *box, struct sample *out)
{
	out->fields = ARENA_ARRAY(s->arena, struct sample_field, s->n_dims);
	out->n_fields = 0;
	out->sni = STR_NONE;
	memcpy(out->source, (const uint8_t[]){ [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 }, 16);
	out->source_text = STR_NONE;
	for (uint32_t i = 0; i < s->n_dims; i++) {
		const struct space_dim *d = &s->dims[i];
		uint32_t atom = first_bit(box + d->first_word);

		/* Clients ask for the host that they want. */
		if (d->kind == SPACE_FIELD && d->where == TORON_IN_SNI)
			atom = sni_atom(d, box + d->first_word, out->host);

		switch (d->kind) {
		case SPACE_METHOD:
			out->method = method_of(s, atom);
			break;
		case SPACE_SCHEME:
			out->scheme = atom == 0 ? STR("http") : STR("https");
			break;
		case SPACE_SOURCE:
			atoms_sample_source(s->arena, d, atom, out);
			break;
		case SPACE_FIELD:
			if (atom > 0 && d->where == TORON_IN_SNI)
				out->sni = d->values[atom];
			else if (atom > 0)
				out->fields[out->n_fields++] =
					(struct sample_field){ d->where, d->name, d->values[atom] };
			break;
		}
	}
}
