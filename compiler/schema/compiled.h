/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A compiled schema: every subschema's keywords looked up once, every reference resolved.
 *
 * Private to schema/. compile.c builds it, eval_*.c and complete.c walk it. It borrows the
 * schema's nodes, lives in the arena it was compiled in and is constant afterwards, but for
 * patterns, which are built when they are first needed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "schema/schema.h"

/* The types of JSON Schema as bits; INTEGER is implied by NUMBER in instances, see type_bits(). */
enum type_bit {
	TYPE_NULL = 1 << 0,
	TYPE_BOOL = 1 << 1,
	TYPE_INTEGER = 1 << 2,
	TYPE_NUMBER = 1 << 3,
	TYPE_STRING = 1 << 4,
	TYPE_ARRAY = 1 << 5,
	TYPE_OBJECT = 1 << 6,
};

#define NO_LIMIT UINT64_MAX

/* A schema resource (JSON Schema Core section 4.3.5): a subtree with a base URI of its own. */
struct resource {
	struct str base;           /* without fragment; empty for an unnamed root */
	const struct node *root;
	struct map anchors;        /* name -> const struct node, $anchor and $dynamicAnchor */
	struct map dynamic;        /* name -> struct sub, $dynamicAnchor only */
	bool skips_validation;     /* its meta-schema lacks the validation vocabulary */
	bool asserts_format;       /* its meta-schema asks for format assertion */
};

struct pattern;

struct named_sub {
	struct str name;
	struct sub *sub;
	struct pattern *pattern;   /* patternProperties only */
};

struct sub_list {
	struct sub **at;
	size_t n;
};

enum sub_kind { SUB_ANY, SUB_NONE, SUB_KEYWORDS };

struct sub {
	const struct node *node;
	struct resource *resource;
	enum sub_kind kind;

	unsigned types;                               /* 0: any */
	const struct node *constant, *choices;        /* const, enum */
	const struct node *minimum, *maximum, *above, *below, *multiple_of;
	uint64_t min_length, max_length;              /* code points */
	uint64_t min_items, max_items, min_contains, max_contains, min_members, max_members;
	bool unique_items;
	struct pattern *pattern;
	struct str format;

	const struct node *required;
	const struct node *dependent_required;
	struct map properties;                        /* key -> struct named_sub */
	bool has_properties;
	struct named_sub *patterns; size_t n_patterns;
	struct named_sub *dependents; size_t n_dependents;
	struct sub *additional, *member_names, *unevaluated_members;
	struct sub_list prefix_items;
	struct sub *items, *contains, *unevaluated_items;

	struct sub *ref;
	struct sub *dynamic_ref;                      /* unless the dynamic scope knows better */
	struct str dynamic_name;                      /* absent: dynamic_ref is as good as a ref */
	struct sub_list all_of, any_of, one_of;
	struct sub *negated, *condition, *consequence, *alternative;

	/* Annotations, the standard's and our own. */
	const struct node *default_value;
	const struct node *planned, *planned_values;  /* x-planned, x-planned-values */
	struct str title, hint, unit;
	struct str least, greatest;                   /* x-minimum, x-maximum */
	bool only_requires;                           /* {"required": ["one"]} and nothing else */
};

struct schema {
	struct arena *arena;
	struct sub *root;
	bool tracks_evaluation; /* some unevaluated* keyword occurs */
	bool asserts_format;
};

/* The sub that properties names `key` to, or NULL. */
struct sub *sub_property(const struct sub *s, struct str key);
/* Through $ref: the first sub with keywords of its own that says what the value is (never NULL). */
const struct sub *sub_follow(const struct sub *s);
/* What the sub accepts, as far as types say (0: any), through $ref and anyOf. */
unsigned sub_types(const struct sub *s);
/* A string annotation or keyword, its own or that of the schema it refers to. */
struct str sub_title(const struct sub *s);
struct str sub_format(const struct sub *s);
struct str sub_unit(const struct sub *s);
