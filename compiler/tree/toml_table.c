/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tree/toml_reader.h"

#include "base/check.h"
#include "base/str.h"

struct toml_key *toml_key_part(
	struct toml_reader *r, struct toml_key *key, const struct build_token *t)
{
	struct toml_part *part = ARENA_NEW(&r->keys, struct toml_part);

	if (key == NULL)
		key = ARENA_NEW(&r->keys, struct toml_key);
	CHECK(key != NULL && part != NULL);
	part->name = t->text;
	part->at = t->span;
	if (key->last == NULL)
		key->first = part;
	else
		key->last->next = part;
	key->last = part;
	key->n++;
	return key;
}

struct toml_key *toml_target(struct toml_reader *r, struct toml_key *key)
{
	r->depth += key->n;
	build_depth(&r->build, r->depth, key->first->at);
	return key;
}

static size_t depth_of(const struct node *n)
{
	size_t depth = 1;

	for (; n->parent != NULL; n = n->parent)
		depth++;
	return depth;
}

static struct node *add_table(struct toml_reader *r, struct node *parent,
	const struct toml_part *part, enum toml_mark mark)
{
	struct node *n =
		build_node(&r->build, mark == TOML_MARK_TABLES ? NODE_SEQ : NODE_MAP, part->at);

	if (n == NULL)
		return NULL;
	n->mark = (uint8_t)mark;
	build_member(&r->build, parent, part->name, part->at, n);
	return n;
}

static void refuse(struct toml_reader *r, const struct toml_part *part, struct node *existing,
	const char *message)
{
	existing->flags |= NODE_PARTIAL;
	diag_report(r->build.diags, DIAG_TOML_REDEFINED, part->at, "'" STR_FMT "' %s",
		STR_ARG(part->name), message);
	build_where(&r->build, existing);
	diag_note(r->build.diags,
		existing->key_span.source != 0 ? existing->key_span : existing->span,
		"first defined here");
}

static const char *name_obstacle(const struct node *n)
{
	if (n->kind == NODE_MAP)
		return "is an inline table, complete where it is written";
	if (n->kind == NODE_SEQ)
		return "is an array, complete where it is written";
	return "is a value, not a table";
}

/* The table below `parent` on the way of a header, made if need be; NULL (reported) if the way is
 * barred. */
static struct node *step_of_header(
	struct toml_reader *r, struct node *parent, const struct toml_part *part)
{
	struct node *n = node_get(parent, part->name);

	if (n == NULL)
		return add_table(r, parent, part, TOML_MARK_SUPER);
	if (n->mark == TOML_MARK_TABLES)
		return n->last;
	if (n->kind == NODE_MAP && (n->flags & NODE_INLINE) == 0)
		return n;
	refuse(r, part, n, name_obstacle(n));
	return NULL;
}

static struct node *parent_of_header(struct toml_reader *r, const struct toml_key *key)
{
	struct node *n = r->root;

	for (const struct toml_part *p = key->first; p != key->last && n != NULL; p = p->next)
		n = step_of_header(r, n, p);
	return n;
}

/* What a header opened. After an error the keys below it go to a table that is thrown away. */
static void enter(struct toml_reader *r, struct node *table, struct span header)
{
	r->table = table != NULL ? table : build_node(&r->build, NODE_MAP, header);
	if (r->table == NULL)
		return;
	r->table->span = header;
	r->depth = depth_of(r->table);
	build_depth(&r->build, r->depth, header);
}

static struct span header_span(const struct build_token *begin, const struct build_token *end)
{
	return (struct span){ begin->span.source, begin->span.begin, end->span.end };
}

void toml_open_table(struct toml_reader *r, const struct build_token *begin, struct toml_key *key,
	const struct build_token *end)
{
	struct node *parent, *n = NULL;

	if (!build_depth(&r->build, key->n, key->first->at))
		return;
	parent = parent_of_header(r, key);
	if (parent != NULL)
		n = node_get(parent, key->last->name);
	if (parent != NULL && n == NULL) {
		n = add_table(r, parent, key->last, TOML_MARK_TABLE);
	} else if (n != NULL && n->mark == TOML_MARK_SUPER) {
		n->mark = TOML_MARK_TABLE;
		n->key_span = key->last->at;
	} else if (n != NULL) {
		refuse(r, key->last, n,
			n->mark == TOML_MARK_TABLE ? "is a table that is defined twice"
			: n->mark == TOML_MARK_DOTTED
				? "is a table that dotted keys made; it cannot have a header"
			: n->mark == TOML_MARK_TABLES
				? "is an array of tables; its header is written [[...]]"
				: name_obstacle(n));
		n = NULL;
	}
	enter(r, n, header_span(begin, end));
}

void toml_open_tables(struct toml_reader *r, const struct build_token *begin, struct toml_key *key,
	const struct build_token *end)
{
	struct node *parent, *seq = NULL, *n = NULL;
	struct span header = header_span(begin, end);

	if (!build_depth(&r->build, key->n, key->first->at))
		return;
	parent = parent_of_header(r, key);
	if (parent != NULL)
		seq = node_get(parent, key->last->name);
	if (parent != NULL && seq == NULL) {
		seq = add_table(r, parent, key->last, TOML_MARK_TABLES);
		if (seq != NULL)
			seq->span = header;
	} else if (seq != NULL && seq->mark != TOML_MARK_TABLES) {
		refuse(r, key->last, seq,
			seq->mark != TOML_MARK_NONE ? "is a table, not an array of tables"
						    : name_obstacle(seq));
		seq = NULL;
	}
	if (seq != NULL)
		n = build_node(&r->build, NODE_MAP, header);
	if (n != NULL) {
		n->mark = TOML_MARK_TABLE;
		build_item(&r->build, seq, n);
	}
	enter(r, n, header);
}

/* The table below `parent` on the way of a dotted key. Only what dotted keys of the same table made
 * can be extended. */
static struct node *step_of_key(
	struct toml_reader *r, struct node *parent, const struct toml_part *part)
{
	struct node *n = node_get(parent, part->name);

	if (n == NULL)
		return add_table(r, parent, part, TOML_MARK_DOTTED);
	if (n->mark == TOML_MARK_DOTTED)
		return n;
	refuse(r, part, n,
		n->mark == TOML_MARK_NONE ? name_obstacle(n)
					  : "has a header, so that dotted keys cannot add to it");
	return NULL;
}

void toml_assign(
	struct toml_reader *r, struct node *table, struct toml_key *key, struct node *value)
{
	r->depth -= key->n < r->depth ? key->n : r->depth;
	if (table == NULL)
		table = r->table;
	for (const struct toml_part *p = key->first; p != key->last && table != NULL; p = p->next)
		table = step_of_key(r, table, p);
	if (table != NULL && value != NULL)
		build_member(&r->build, table, key->last->name, key->last->at, value);
}
