/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Compiling works off a list of subs whose keywords are still to be read, so that neither cycles
 * nor long chains of references cost stack. Documents are scanned for $id and anchors when they
 * are first seen. */
#include <stdarg.h>

#include "base/str.h"
#include "schema/compiler.h"
#include "schema/uri_ref.h"

void compiler_fail(struct compiler *c, const struct node *n, const char *format, ...)
{
	va_list args;

	c->failed = true;
	va_start(args, format);
	diag_vreport(c->diags, DIAG_SCHEMA_INVALID, n->span, format, args);
	va_end(args);
	node_where(c->diags, n);
}

#define META_SCHEMA "https://json-schema.org/draft/2020-12/"

/* Maps from nodes are keyed by the bytes of their address. */
static struct str address_key(struct arena *a, const struct node *n)
{
	const struct node **key = arena_alloc(a, sizeof(n));

	*key = n;
	return (struct str){ (const char *)key, sizeof(n) };
}

static void *find_by_address(const struct map *m, const struct node *n)
{
	return map_get(m, (struct str){ (const char *)&n, sizeof(n) });
}

static struct resource *resource_new(struct compiler *c, const struct node *root, struct str base)
{
	struct resource *r = ARENA_NEW(c->arena, struct resource);

	r->base = base;
	r->root = root;
	map_init(&r->anchors, c->arena);
	map_init(&r->dynamic, c->arena);
	map_add(&c->resource_roots, address_key(c->arena, root), r);
	map_add(&c->resources, base, r);
	return r;
}

/* The resource that a node belongs to: that of its nearest ancestor that is a resource's root. */
static struct resource *resource_around(
	const struct compiler *c, const struct node *n, struct resource *otherwise)
{
	for (; n != NULL; n = n->parent) {
		struct resource *r = find_by_address(&c->resource_roots, n);

		if (r != NULL)
			return r;
	}
	return otherwise;
}

struct sub *compiler_sub(struct compiler *c, const struct node *n, struct resource *resource)
{
	struct sub *s = find_by_address(&c->subs, n);

	if (s != NULL)
		return s;
	s = ARENA_NEW(c->arena, struct sub);
	s->node = n;
	s->resource = resource_around(c, n, resource);
	map_add(&c->subs, address_key(c->arena, n), s);
	vec_push(c->arena, &c->pending, s);
	return s;
}

static struct resource *find_resource(struct compiler *c, struct str uri);

/* What the meta-schema named by $schema leaves out or asks for (Core section 8.1.2). An unknown
 * one is taken for the standard's. */
static void read_dialect(struct compiler *c, struct resource *r)
{
	const struct node *name = node_get(r->root, STR("$schema"));
	struct resource *meta = NULL;
	const struct node *vocabularies;

	if (name == NULL || name->kind != NODE_STRING ||
		str_starts(name->text, STR("https://json-schema.org/")))
		return;
	if (!str_eq(name->text, r->base))
		meta = find_resource(c, name->text);
	vocabularies = meta == NULL ? NULL : node_get(meta->root, STR("$vocabulary"));
	if (vocabularies == NULL || vocabularies->kind != NODE_MAP)
		return;
	r->skips_validation = true;
	for (const struct node *v = vocabularies->first; v != NULL; v = v->next) {
		if (str_ends(v->key, STR("/vocab/validation")))
			r->skips_validation = false;
		if (str_ends(v->key, STR("/vocab/format-assertion")))
			r->asserts_format = true;
	}
}

static struct resource *scan_identity(struct compiler *c, const struct node *n, struct resource *r)
{
	const struct node *id = node_get(n, STR("$id"));
	const struct node *anchor = node_get(n, STR("$anchor"));
	const struct node *dynamic = node_get(n, STR("$dynamicAnchor"));

	if (id != NULL && id->kind == NODE_STRING) {
		struct str fragment, base = uri_ref_resolve(c->arena, r->base, id->text, &fragment);

		if (r->root == n) {
			map_add(&c->resources, base, r);
			r->base = base;
		} else {
			r = resource_new(c, n, base);
		}
	}
	if (r->root == n)
		read_dialect(c, r);
	if (anchor != NULL && anchor->kind == NODE_STRING)
		map_add(&r->anchors, anchor->text, (void *)(uintptr_t)n);
	if (dynamic != NULL && dynamic->kind == NODE_STRING) {
		map_add(&r->anchors, dynamic->text, (void *)(uintptr_t)n);
		map_add(&r->dynamic, dynamic->text, compiler_sub(c, n, r));
	}
	return r;
}

/* Registers what can be referred to, in all places where a schema can be. */
static void scan(struct compiler *c, const struct node *n, struct resource *r)
{
	if (n->kind != NODE_MAP)
		return;
	r = scan_identity(c, n, r);
	for (const struct node *member = n->first; member != NULL; member = member->next) {
		enum keyword_shape shape = keyword_shape(member->key);

		if (shape == SHAPE_SCHEMA)
			scan(c, member, r);
		if (shape != SHAPE_LIST && shape != SHAPE_MAP)
			continue;
		for (const struct node *child = member->first; child != NULL; child = child->next)
			scan(c, child, r);
	}
}

/* The meta-schema of 2020-12 is at hand; its vocabularies are resources in it. */
static struct resource *find_in_meta_schema(struct compiler *c, struct str uri)
{
	struct str text = schema_embedded(STR("json-schema.json"));
	struct resource *r;
	const struct node *root;

	if (c->has_meta_schema || !str_starts(uri, STR(META_SCHEMA)))
		return NULL;
	c->has_meta_schema = true;
	root = tree_read_json(c->arena, c->diags,
		diag_add_source(c->diags, STR("schemas/json-schema.json"), text), false);
	if (root == NULL)
		return NULL;
	r = resource_new(c, root, STR(META_SCHEMA "schema"));
	scan(c, root, r);
	return map_get(&c->resources, uri);
}

static struct resource *find_resource(struct compiler *c, struct str uri)
{
	struct resource *r = map_get(&c->resources, uri);
	const struct node *root;

	if (r != NULL)
		return r;
	root = c->lookup == NULL ? NULL : c->lookup(c->lookup_ctx, uri);
	if (root == NULL)
		return find_in_meta_schema(c, uri);
	r = find_by_address(&c->resource_roots, root);
	if (r != NULL) {
		map_add(&c->resources, uri, r);
		return r;
	}
	r = resource_new(c, root, uri);
	scan(c, root, r);
	return r;
}

static const struct node *find_target(
	struct compiler *c, struct resource *r, struct str fragment, struct str *anchor_out)
{
	if (fragment.len == 0)
		return r->root;
	fragment = uri_ref_unescape(c->arena, fragment);
	if (fragment.ptr[0] == '/')
		return json_pointer_find(c->arena, r->root, fragment);
	*anchor_out = fragment;
	return map_get(&r->anchors, fragment);
}

struct sub *compiler_resolve(
	struct compiler *c, const struct node *ref, struct resource *from, struct str *anchor_out)
{
	struct str fragment, uri = uri_ref_resolve(c->arena, from->base, ref->text, &fragment);
	struct resource *r = find_resource(c, uri);
	const struct node *target = NULL;

	*anchor_out = STR_NONE;
	if (r == NULL)
		compiler_fail(c, ref, "'" STR_FMT "' leads to '" STR_FMT "', which is not known",
			STR_ARG(ref->text), STR_ARG(uri));
	else
		target = find_target(c, r, fragment, anchor_out);
	if (r != NULL && target == NULL)
		compiler_fail(c, ref, "'" STR_FMT "' leads nowhere", STR_ARG(ref->text));
	if (target == NULL) {
		struct sub *any = ARENA_NEW(c->arena, struct sub);

		any->node = ref;
		any->resource = from;
		return any;
	}
	return compiler_sub(c, target, r);
}

struct schema *schema_compile(
	struct arena *a, struct diags *d, const struct node *root, schema_lookup *lookup, void *ctx)
{
	struct compiler c = { .arena = a, .diags = d, .lookup = lookup, .lookup_ctx = ctx };
	struct resource *r;

	c.schema = ARENA_NEW(a, struct schema);
	c.schema->arena = a;
	map_init(&c.resources, a);
	map_init(&c.resource_roots, a);
	map_init(&c.subs, a);
	r = resource_new(&c, root, STR(""));
	scan(&c, root, r);
	c.schema->root = compiler_sub(&c, root, r);
	while (c.pending.n > 0)
		keywords_read(&c, c.pending.at[--c.pending.n]);
	return c.failed ? NULL : c.schema;
}

void schema_assert_formats(struct schema *s)
{
	s->asserts_format = true;
}
