/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The state of the YAML reader, for its parts: yaml.c (events to nodes), yaml_alias.c (anchors,
 * merges), yaml_error.c. */
#pragma once

#include <yaml.h>

#include "base/map.h"
#include "base/vec.h"
#include "tree/build.h"

struct yaml_anchor {
	struct node *node;
};

/* An open list or map. */
struct yaml_frame {
	struct node *node;
	bool is_block;
	bool is_key;           /* a (refused) key of the frame below, not a value */
	bool has_key;          /* a map: the next node is the value of this key */
	bool is_key_broken;    /* and the value is dropped */
	bool is_merge;         /* the key is << */
	struct str key;
	struct span key_span;
	struct span merge_at;  /* of the first << of this map; source 0: none */
	VEC(struct node *) merges;
};

struct yaml_reader {
	struct build build;
	yaml_parser_t parser;
	struct map anchors;    /* name to struct yaml_anchor */
	struct node *root;
	struct node key;       /* the last one without an anchor; in the tree, keys are no nodes */
	size_t n_expanded;
	size_t mark_index;     /* libyaml counts code points; this one is at byte mark_byte */
	size_t mark_byte;
	size_t n_frames;
	struct yaml_frame frames[TREE_MAX_DEPTH + 1];
};

/* The byte of code point number `index`. */
size_t yaml_byte_of(struct yaml_reader *r, size_t index);
/* Reports what libyaml found wrong. */
void yaml_report_error(struct yaml_reader *r);

/* Remembers the node under the name; a later anchor of the same name replaces it. */
void yaml_anchor_set(struct yaml_reader *r, struct str name, struct node *n);
/* What the alias refers to; NULL (reported) if nothing, or if it is still open. */
struct node *yaml_anchor_get(struct yaml_reader *r, struct str name, struct span at);
/* A copy flagged NODE_EXPANDED for a place `depth` deep; NULL (reported) beyond the limits. */
struct node *yaml_copy(struct yaml_reader *r, const struct node *n, size_t depth);
/* Adds the members of the maps in frame->merges that the map does not define itself. */
void yaml_merge(struct yaml_reader *r, struct yaml_frame *frame);
