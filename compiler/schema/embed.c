/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The schemas, as bytes in the program: schemas/ is read when toronc is built
 * (-DSCHEMA_DIR="..."), never when it runs. */
#include "base/check.h"
#include "base/map.h"
#include "base/str.h"
#include "schema/schema.h"

#define EMBED(symbol, file) \
	__asm__(".pushsection .rodata\n" \
		".balign 16\n" \
		"embedded_" #symbol ":\n" \
		".incbin \"" SCHEMA_DIR "/" file "\"\n" \
		"embedded_" #symbol "_end:\n" \
		".byte 0\n" \
		".popsection\n"); \
	extern const char symbol##_begin[] __asm__("embedded_" #symbol); \
	extern const char symbol##_end[] __asm__("embedded_" #symbol "_end")

#define EMBEDDED_FILES(X) \
	X(gateway, "gateway.json") \
	X(common, "common.json") X(listener, "listener.json") X(route, "route.json") \
		X(match, "match.json") X(backend, "backend.json") X(middleware, "middleware.json") \
			X(runtime, "runtime.json") X(operations, "operations.json") \
				X(certificate, "certificate.json") X(plugin, "plugin.json") \
					X(l4, "l4.json") X(proof, "proof.json") \
						X(json_schema, "json-schema.json")

#define EMBED_ONE(symbol, file) EMBED(symbol, file);
EMBEDDED_FILES(EMBED_ONE)

static const struct {
	struct str name;
	const char *begin, *end;
} files[] = {
#define EMBED_ROW(symbol, file) { STR_INIT(file), symbol##_begin, symbol##_end },
	EMBEDDED_FILES(EMBED_ROW)
};

struct str schema_embedded(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		if (str_eq(files[i].name, name))
			return (struct str){ files[i].begin,
				(size_t)(files[i].end - files[i].begin) };
	}
	return STR_NONE;
}

/* The documents read so far, by name. */
struct reader {
	struct arena *arena;
	struct diags *diags;
	struct map documents;
};

static const struct node *read_embedded(void *ctx, struct str uri)
{
	struct reader *r = ctx;
	struct str name = str_starts(uri, STR("toron:/")) ? str_slice(uri, 7, uri.len) : uri;
	struct str text = schema_embedded(name);
	struct node *root;
	uint32_t source;

	if (text.ptr == NULL)
		return NULL;
	root = map_get(&r->documents, name);
	if (root != NULL)
		return root;
	source = diag_add_source(
		r->diags, arena_printf(r->arena, "schemas/" STR_FMT, STR_ARG(name)), text);
	root = tree_read_json(r->arena, r->diags, source, false);
	if (root != NULL)
		map_add(&r->documents, arena_str(r->arena, name), root);
	return root;
}

struct schema *schema_gateway(struct arena *a, struct diags *d)
{
	struct reader r = { .arena = a, .diags = d };
	const struct node *root;

	map_init(&r.documents, a);
	root = read_embedded(&r, STR("gateway.json"));
	return root == NULL ? NULL : schema_compile(a, d, root, read_embedded, &r);
}
