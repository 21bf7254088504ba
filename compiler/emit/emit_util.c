/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/vec.h"
#include "emit/emitter.h"

const char *emit_origin(struct emitter *e, struct span at)
{
	struct str place = plan_place(e->plan, e->arena, at);

	return place.len == 0 ? NULL : cwriter_quote(e->arena, place);
}

void emit_comment(struct emitter *e, struct cwriter *w, const struct node *node, struct str name)
{
	bool in_file = node != NULL && (node->flags & NODE_DEFAULTED) == 0;
	struct str place = in_file ? plan_place(e->plan, e->arena, node->span) : STR("");
	struct str path = in_file ? node_path(e->arena, node) : STR("built in");

	cwriter_comment(w, STR_FMT "%s" STR_FMT " \"" STR_FMT "\"", STR_ARG(place),
		place.len > 0 ? " " : "", STR_ARG(path), STR_ARG(name));
}

void emit_str(struct emitter *e, const char *field, struct str s)
{
	if (s.ptr != NULL)
		cwriter_line(&e->c, ".%s = STR_INIT(%s),", field, cwriter_quote(e->arena, s));
}

void emit_cstr(struct emitter *e, const char *field, const char *quoted)
{
	if (quoted != NULL)
		cwriter_line(&e->c, ".%s = %s,", field, quoted);
}

void emit_u64(struct emitter *e, const char *field, uint64_t value)
{
	if (value != 0)
		cwriter_line(&e->c, ".%s = %llu%s,", field, (unsigned long long)value,
			value > UINT32_MAX ? "ull" : "u");
}

void emit_pace(struct emitter *e, const char *field, struct m_u64 rate, struct m_u64 over)
{
	uint64_t bytes = rate.value * over.value / 1000;

	if (rate.value == 0)
		return;
	/* A second is the shortest span, and a byte the slowest rate. */
	cwriter_line(&e->c, ".%s = { .bytes = %llu%s, .over_ms = %llu },", field, (unsigned long long)bytes,
		bytes > UINT32_MAX ? "ull" : "u", (unsigned long long)over.value);
}

static const char *part_kind(enum toron_part_kind kind)
{
	static const char *const names[] = {
		[TORON_PART_LITERAL] = "TORON_PART_LITERAL",
		[TORON_PART_PATH] = "TORON_PART_PATH",
		[TORON_PART_QUERY] = "TORON_PART_QUERY",
		[TORON_PART_HOST] = "TORON_PART_HOST",
		[TORON_PART_METHOD] = "TORON_PART_METHOD",
		[TORON_PART_SCHEME] = "TORON_PART_SCHEME",
		[TORON_PART_REQUEST_ID] = "TORON_PART_REQUEST_ID",
		[TORON_PART_HEADER] = "TORON_PART_HEADER",
		[TORON_PART_SOURCE_IP] = "TORON_PART_SOURCE_IP",
		[TORON_PART_PARAM] = "TORON_PART_PARAM",
		[TORON_PART_CLAIM] = "TORON_PART_CLAIM",
		[TORON_PART_LOG] = "TORON_PART_LOG",
		[TORON_PART_RESPONSE_HEADER] = "TORON_PART_RESPONSE_HEADER",
		[TORON_PART_CAPTURE] = "TORON_PART_CAPTURE",
		[TORON_PART_TLS] = "TORON_PART_TLS",
	};

	return names[kind];
}

static const char *tls_field(uint32_t field)
{
	static const char *const names[] = {
		[TORON_TLS_SNI] = "TORON_TLS_SNI",
		[TORON_TLS_VERSION] = "TORON_TLS_VERSION",
		[TORON_TLS_CIPHER] = "TORON_TLS_CIPHER",
		[TORON_TLS_CLIENT_SUBJECT] = "TORON_TLS_CLIENT_SUBJECT",
		[TORON_TLS_CLIENT_FINGERPRINT] = "TORON_TLS_CLIENT_FINGERPRINT",
		[TORON_TLS_CLIENT_SAN] = "TORON_TLS_CLIENT_SAN",
		[TORON_TLS_CLIENT_SPIFFE] = "TORON_TLS_CLIENT_SPIFFE",
		[TORON_TLS_CLIENT_VERIFIED] = "TORON_TLS_CLIENT_VERIFIED",
	};

	return names[field];
}

static void emit_part(struct emitter *e, const struct plan_part *part)
{
	const char *kind = part_kind(part->kind);

	if (part->kind == TORON_PART_LOG)
		cwriter_line(&e->c, "{ .kind = %s, .index = %s },", kind, emit_log_field(part->index));
	else if (part->kind == TORON_PART_TLS)
		cwriter_line(&e->c, "{ .kind = %s, .index = %s },", kind, tls_field(part->index));
	else if (part->kind == TORON_PART_PARAM || part->kind == TORON_PART_CAPTURE)
		cwriter_line(&e->c, "{ .kind = %s, .index = %u },", kind, part->index);
	else if (part->text.ptr == NULL)
		cwriter_line(&e->c, "{ .kind = %s },", kind);
	else
		cwriter_line(&e->c, "{ .kind = %s, .text = STR_INIT(%s) },", kind,
			cwriter_quote(e->arena, part->text));
}

void emit_template(struct emitter *e, const char *field, const struct plan_template *t)
{
	if (t->n == 0)
		return;
	cwriter_open(&e->c, ".%s = {", field);
	cwriter_open(&e->c, ".parts = (const struct toron_part[]){");
	for (uint32_t i = 0; i < t->n; i++)
		emit_part(e, &t->parts[i]);
	cwriter_close(&e->c, "},");
	cwriter_line(&e->c, ".n = %u,", t->n);
	cwriter_close(&e->c, "},");
}

struct emit_file *emit_add_file(
	struct emitter *e, struct str name, enum emit_kind kind, struct str text)
{
	vec_push(e->arena, e->files,
		(struct emit_file){
			.name = name,
			.kind = kind,
			.text = text.len == 0 ? STR("") : arena_str(e->arena, text),
		});
	return &e->files->at[e->files->n - 1];
}
