/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Requests to one host and path as a space of finite dimensions: method, scheme, source, and each
 * header field, query parameter and cookie that some route asks for. Every dimension is cut into
 * atoms that no route tells apart; a route is a box (a set of atoms in each dimension).
 *
 * Exactness. A field is taken to have one value, which proves as much as all: what a route takes
 * only grows with more values, so a request with several is taken wherever one of its values is.
 * Dimensions are taken to be independent (the header "cookie" and cookies are not), and an atom
 * may turn out to hold nothing that can be sent: the space is at most too large. An empty rest
 * therefore is a proof; a piece that is left is one only once its sample was looked up. */
#pragma once

#include "base/map.h"
#include "base/vec.h"
#include "plan/plan.h"
#include "prove/sample.h"

/* Pieces that one question may cut its space into, in all. */
#define SPACE_PIECES 20000u

enum space_kind { SPACE_METHOD, SPACE_SCHEME, SPACE_SOURCE, SPACE_FIELD };

struct space_dim {
	enum space_kind kind;
	uint32_t first_word, n_words, n_atoms;
	const uint64_t *live; /* atoms that hold something */
	/* FIELD: atom 0 is absence. */
	enum toron_where where;
	struct str name;
	struct str *values;    /* [n_atoms]: one of each */
	struct map exact;      /* atoms by value, when all values are exact; the last is the rest */
	bool is_exact;
	struct dfa dfa;        /* else: atom i + 1 is accept set i, pattern numbers as in fields */
	struct map fields;     /* plan_field (by address) to its pattern */
	/* SOURCE: atom i is what is in range i and in no smaller one. */
	struct m_cidr *ranges;
};

struct space {
	struct arena *arena; /* borrowed: for the space and its pieces */
	struct space_dim *dims;
	uint32_t n_dims, n_words;
	struct str *methods; /* besides the standard ones: atoms 9, 10, ...; then all others */
	uint32_t n_methods;
	uint32_t n_pieces; /* cut so far */
	bool undecided;    /* a limit was met */
};

/* A route of one of the plans that the question is about. */
struct space_member {
	const struct plan *plan;
	const struct plan_route *route;
};

/* The space of these routes, in `a`. */
void space_init(struct space *s, struct arena *a, const struct space_member *members, uint32_t n);

/* A list of disjoint boxes. */
struct boxes {
	uint64_t **at;
	size_t n, cap;
};

/* Leaves only what can come in at one of these listeners. Before the first box is made. */
void space_confine(struct space *s, const struct plan_listener *const *listeners, uint32_t n);
/* The box of a member, and the whole space. */
uint64_t *space_box(struct space *s, const struct space_member *m);
uint64_t *space_all(struct space *s);
/* x and y; NULL if they have nothing in common. */
uint64_t *space_common(struct space *s, const uint64_t *x, const uint64_t *y);
/* Takes `box` off all boxes of the list. */
void space_subtract(struct space *s, struct boxes *from, const uint64_t *box);
/* The first box of the list that has something in common with `box`: what they have; else NULL. */
uint64_t *space_meets(struct space *s, const struct boxes *list, const uint64_t *box);
/* One request of a box: fills method, scheme, source and fields of *out. */
void space_sample(const struct space *s, const uint64_t *box, struct sample *out);
