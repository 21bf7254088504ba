/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A document as it is laid out: what the tree forgets. Comments, quotes, anchors, and where lines break.
 *
 * Private to the formatter (tree/format.h): layout_yaml.c, layout_json.c and layout_toml.c build it from a text that was read without errors,
 * layout.c and layout_block.c write it. It borrows the text and lives in the compile arena. */
#pragma once

#include "base/str.h"
#include "base/vec.h"
#include "tree/tree.h"

enum layout_kind { LAYOUT_SCALAR, LAYOUT_SEQ, LAYOUT_MAP };
enum layout_style { LAYOUT_PLAIN, LAYOUT_QUOTED, LAYOUT_LITERAL };

/* A comment. */
struct layout_note {
	struct str text;
	bool is_after_blank;   /* an empty line stands in front of it */
	uint32_t column;       /* in bytes, of a comment on a line of its own */
};
struct layout_notes {
	struct layout_note *at;
	size_t n, cap;
};

struct layout {
	enum layout_kind kind;
	enum layout_style style;   /* of a scalar */
	bool is_flow;              /* in brackets */
	bool is_broken;            /* in brackets, with a child a line */
	bool is_after_blank;
	bool is_alias;
	struct str props;          /* "&anchor !tag" */
	struct str text;           /* of a scalar, as written; a block scalar with its header line */
	struct str word;           /* of a quoted scalar: what it says */
	uint32_t column;           /* where a block collection begins */
	struct layout_notes leads;        /* on lines of their own in front */
	struct str opening;        /* behind the bracket, dash or colon that begins it */
	struct str trailing;       /* behind it */
	struct layout_notes foots;        /* behind the last child */
	struct layout_notes tails; /* of the root: behind it */
	struct layout *key;        /* owned, in a map */
	struct layout *parent, *first, *last, *next;
};

struct layout *layout_new(struct arena *a, enum layout_kind kind);
void layout_append(struct layout *parent, struct layout *child);
/* A comment that ends a line: with the blanks in front of it, at least one. `from` is where blanks may begin, `begin` where the comment
 * does. */
struct str layout_trailing(struct arena *a, struct str text, size_t from, size_t begin, size_t end);

/* Where the writing stands. */
struct layout_out {
	struct sbuf out;
	const char *colon;         /* between key and value: ": ", " = " */
	unsigned width;            /* columns beyond which brackets are broken; 0: none */
	size_t n_notes;            /* comments written */
	unsigned n_in_line;        /* brackets around that are being tried in one line */
	bool is_sealed;            /* the last line belongs to a scalar that an empty line would change */
	bool unquotes;             /* quotes that are not needed are left out */
	bool is_verbatim;          /* blanks in a string over lines are content */
};

void layout_indent(struct layout_out *o, unsigned indent);
void layout_blank(struct layout_out *o);
void layout_newline(struct layout_out *o);
/* A comment behind something, or nothing if it is empty. */
void layout_put_trailing(struct layout_out *o, struct str note);
void layout_put_notes(struct layout_out *o, const struct layout_notes *notes, unsigned indent, bool is_first);
/* What stands in brackets, or a scalar; lines after the first are indented deeper than `indent`. */
void layout_put_value(struct layout_out *o, const struct layout *n, unsigned indent);
void layout_put_scalar(struct layout_out *o, const struct layout *n, unsigned indent);
/* A whole document of blocks. */
void layout_put_document(struct layout_out *o, const struct layout *root);

/* Each returns NULL when the text has something that it cannot lay out. *n_notes_out: the comments in the text. */
struct layout *layout_read_yaml(struct arena *a, struct str text, struct layout_notes *head_out, size_t *n_notes_out);
struct layout *layout_read_json(struct arena *a, struct str text, const struct node *root, struct layout_notes *head_out, size_t *n_notes_out);
/* TOML is lines of statements: it is written while it is read. False: as above. */
bool layout_toml(struct arena *a, struct layout_out *o, struct str text, size_t *n_notes_out);
