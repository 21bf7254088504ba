/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Evaluating an instance against a compiled schema. Private to schema/.
 *
 * An evaluation is loud (each violation is reported and its node poisoned) or quiet (only the
 * answer counts, and the first violation ends it). Alternatives are tried quietly; if none
 * holds, the nearest one is evaluated again, loudly, so that the user is told what is wrong with
 * what was most likely meant. */
#pragma once

#include "schema/compiled.h"

/* Which members or items have been evaluated (Core section 11): one bit a child. bits NULL: not
 * tracked. */
struct marks {
	uint64_t *bits;
};

/* The dynamic scope: resources entered, innermost first. */
struct scope {
	const struct resource *resource;
	const struct scope *outer;
};

/* The maps around the current instance, innermost first, for "this key belongs elsewhere". */
struct frame {
	const struct sub *sub;
	const struct node *node;
	const struct frame *outer;
};

struct eval {
	struct arena *arena;
	struct diags *diags;
	const struct schema *schema;
	const struct scope *scope;
	const struct frame *frame;
	unsigned quiet; /* > 0: do not report */
	unsigned depth;
	uint64_t steps;
	bool is_key;  /* the instance is the key of a map */
	bool gave_up; /* a limit was hit, and reported */
	size_t n_reported;
	const struct node *hinted; /* whose value was just reported, so that x-hint may be added */
};

/* True if n is valid; its marks are added to *out (may be NULL). */
bool eval_sub(struct eval *e, const struct sub *s, struct node *n, struct marks *out);
bool eval_quietly(struct eval *e, const struct sub *s, struct node *n, struct marks *out);

/* The keyword groups. Each returns false on a violation. */
bool eval_value(struct eval *e, const struct sub *s, struct node *n);
bool eval_members(struct eval *e, const struct sub *s, struct node *n, struct marks *here);
bool eval_items(struct eval *e, const struct sub *s, struct node *n, struct marks *here);
bool eval_logic(struct eval *e, const struct sub *s, struct node *n, struct marks *here);
bool eval_unevaluated(struct eval *e, const struct sub *s, struct node *n, struct marks *here);

struct marks marks_new(struct eval *e, const struct node *n);
void marks_add(struct marks *m, const struct node *child);
bool marks_has(const struct marks *m, const struct node *child);
void marks_merge(struct marks *into, const struct marks *from, const struct node *n);

/* Of the alternatives, the one that n was most likely meant for, or NULL if none takes its type. */
const struct sub *eval_nearest(const struct sub_list *list, const struct node *n);

/* Reports (when loud, and once a node), poisons n, and returns false. */
bool eval_fail(struct eval *e, struct node *n, enum diag_id id, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* A number where a unit is needed. */
bool eval_fail_unit(struct eval *e, struct node *n, struct str unit);
bool eval_fail_type(struct eval *e, const struct sub *s, struct node *n, unsigned types);
/* True if a report was just made, so that a note may follow. */
bool eval_is_loud(const struct eval *e);

/* What an instance is, in the schema's eyes. A whole float is an integer, too. */
unsigned node_type_bits(const struct node *n);
/* Equal as JSON values (numbers by value). */
bool node_equal(const struct node *a, const struct node *b);
uint64_t node_hash(const struct node *n);
/* <0, 0, >0 for two numbers. */
int node_compare_numbers(const struct node *a, const struct node *b);

/* Notes for the report that was just made. */
void suggest_key(
	struct eval *e, const struct sub *s, const struct node *map, const struct node *member);
/* What the unknown keys of a map were probably meant to be; found out when it is first asked for. */
struct misspelt {
	struct map meant; /* its keys count */
	bool is_known;
};
/* True if `map` has an unknown key that was probably meant to be `name`: then it need not be
 * reported missing as well. */
bool suggest_is_misspelt(struct eval *e, const struct sub *s, const struct node *map,
	struct misspelt *keys, struct str name);
/* True for {word} in YAML, which is a map with one key, and hardly ever meant. */
bool suggest_is_braced_word(const struct eval *e, const struct node *n);
void suggest_choice(struct eval *e, const struct sub *s, const struct node *n);
void suggest_type(struct eval *e, const struct sub *s, const struct node *n, unsigned types);

/* Phrases: "'port'" or "an item of 'hosts'"; "a string \"80a\""; "a number or a string". */
struct str describe_subject(struct arena *a, const struct node *n);
struct str describe_value(struct arena *a, const struct node *n);
struct str describe_types(struct arena *a, unsigned types);
struct str describe_count(struct arena *a, uint64_t n, const char *noun);
/* "a listener", or "this map". */
struct str describe_map(const struct sub *s);
