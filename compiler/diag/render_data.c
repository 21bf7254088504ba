/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "diag/render.h"

#include "base/check.h"

/* The place of a span as programs want it: the end is exclusive, columns count code points from 1.
 * */
struct region {
	uint32_t line, column, end_line, end_column;
};

static struct region region_of(const struct diags *d, struct span s)
{
	struct region r;

	diag_place(d, s, &r.line, &r.column);
	diag_place(d, (struct span){ s.source, s.end > s.begin ? s.end : s.begin, 0 }, &r.end_line,
		&r.end_column);
	return r;
}

/* ---- JSON ---- */

static void json_member(struct sbuf *out, const char *key, struct str value)
{
	sbuf_printf(out, "\"%s\": ", key);
	sbuf_json(out, value);
}

static void json_place(struct sbuf *out, const struct diags *d, struct span s)
{
	struct region r = region_of(d, s);

	if (s.source == 0)
		return;
	sbuf_adds(out, ", ");
	json_member(out, "file", d->sources[s.source].name);
	sbuf_printf(out, ", \"line\": %u, \"column\": %u, \"end_line\": %u, \"end_column\": %u",
		r.line, r.column, r.end_line, r.end_column);
	sbuf_printf(out, ", \"offset\": %u, \"length\": %u", s.begin,
		s.end > s.begin ? s.end - s.begin : 0);
}

static void json_diag(struct sbuf *out, const struct diags *d, const struct diag *g)
{
	sbuf_adds(out, "\n    {");
	json_member(out, "code", str_of(diag_kind(g->id)->code));
	sbuf_adds(out, ", ");
	json_member(out, "severity", str_of(diag_severity_name(g->severity)));
	sbuf_adds(out, ", ");
	json_member(out, "message", g->text);
	json_place(out, d, g->at);
	if (g->where.len > 0) {
		sbuf_adds(out, ", ");
		json_member(out, "where", g->where);
	}
	sbuf_adds(out, ", \"notes\": [");
	for (size_t i = 0; i < g->n_notes; i++) {
		sbuf_adds(out, i == 0 ? "{" : ", {");
		json_member(out, "message", g->notes[i].text);
		json_place(out, d, g->notes[i].at);
		sbuf_addc(out, '}');
	}
	sbuf_adds(out, "]}");
}

void render_json(struct sbuf *out, const struct diags *d, const struct render_list *list)
{
	sbuf_adds(out, "{\n  \"diagnostics\": [");
	for (size_t i = 0; i < list->n; i++) {
		if (i > 0)
			sbuf_addc(out, ',');
		json_diag(out, d, list->at[i]);
	}
	sbuf_printf(out,
		"%s],\n  \"errors\": %zu,\n  \"warnings\": %zu,\n  \"not_shown\": %zu\n}\n",
		list->n == 0 ? "" : "\n  ", list->n_errors, list->n_warnings, list->n_hidden);
}

/* ---- SARIF 2.1.0 ---- */

/* A file name as a relative or absolute URI reference (section 3.4.3). */
static void sarif_uri(struct sbuf *out, struct str name)
{
	sbuf_adds(out, "\"uri\": \"");
	if (str_starts(name, STR("/")))
		sbuf_adds(out, "file://");
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.ptr[i];
		bool plain = (c >= '0' && c <= '9') ||
			     (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
			     (c != 0 && strchr("-._~/", c) != NULL);

		if (plain)
			sbuf_addc(out, (char)c);
		else
			sbuf_printf(out, "%%%02X", c);
	}
	sbuf_addc(out, '"');
}

static void sarif_physical(struct sbuf *out, const struct diags *d, struct span s)
{
	struct region r = region_of(d, s);

	sbuf_adds(out, "\"physicalLocation\": {\"artifactLocation\": {");
	sarif_uri(out, d->sources[s.source].name);
	sbuf_printf(out,
		"}, \"region\": {\"startLine\": %u, \"startColumn\": %u, \"endLine\": %u, "
		"\"endColumn\": %u}}",
		r.line, r.column, r.end_line, r.end_column);
}

static void sarif_location(struct sbuf *out, const struct diags *d, const struct diag *g)
{
	if (g->at.source == 0 && g->where.len == 0)
		return;
	sbuf_adds(out, ", \"locations\": [{");
	if (g->at.source != 0)
		sarif_physical(out, d, g->at);
	if (g->where.len > 0) {
		sbuf_printf(out, "%s\"logicalLocations\": [{", g->at.source != 0 ? ", " : "");
		json_member(out, "fullyQualifiedName", g->where);
		sbuf_adds(out, "}]");
	}
	sbuf_adds(out, "}]");
}

static void sarif_related(struct sbuf *out, const struct diags *d, const struct diag *g)
{
	if (g->n_notes == 0)
		return;
	sbuf_adds(out, ", \"relatedLocations\": [");
	for (size_t i = 0; i < g->n_notes; i++) {
		sbuf_printf(out, "%s{\"id\": %zu, \"message\": {", i == 0 ? "" : ", ", i);
		json_member(out, "text", g->notes[i].text);
		sbuf_addc(out, '}');
		if (g->notes[i].at.source != 0) {
			sbuf_adds(out, ", ");
			sarif_physical(out, d, g->notes[i].at);
		}
		sbuf_addc(out, '}');
	}
	sbuf_addc(out, ']');
}

/* The rules that occur, in the order of diag.def; results name them by index. */
static void sarif_rules(struct sbuf *out, const struct render_list *list, int indices[DIAG_COUNT])
{
	int n = 0;

	for (size_t i = 0; i < list->n; i++)
		indices[list->at[i]->id] = 0;
	for (int id = 0; id < DIAG_COUNT; id++) {
		const struct diag_kind *k = diag_kind((enum diag_id)id);

		if (indices[id] < 0)
			continue;
		indices[id] = n++;
		sbuf_adds(out, indices[id] == 0 ? "\n          {" : ",\n          {");
		json_member(out, "id", str_of(k->code));
		sbuf_adds(out, ", ");
		json_member(out, "name", str_of(k->id));
		sbuf_adds(out, ", \"shortDescription\": {");
		json_member(out, "text", str_of(k->title));
		sbuf_adds(out, "}, \"help\": {");
		json_member(out, "text", str_of(k->help));
		sbuf_printf(out, "}, \"defaultConfiguration\": {\"level\": \"%s\"}}",
			diag_severity_name(k->severity));
	}
}

void render_sarif(struct sbuf *out, const struct diags *d, const struct render_list *list,
	const char *version)
{
	int indices[DIAG_COUNT];

	for (int i = 0; i < DIAG_COUNT; i++)
		indices[i] = -1;
	sbuf_adds(out, "{\n  \"version\": \"2.1.0\",\n"
		       "  \"$schema\": \"https://json.schemastore.org/sarif-2.1.0.json\",\n"
		       "  \"runs\": [\n    {\n      \"tool\": {\"driver\": {\"name\": \"toronc\"");
	if (version != NULL) {
		sbuf_adds(out, ", ");
		json_member(out, "version", str_of(version));
	}
	sbuf_adds(out, ", \"rules\": [");
	sarif_rules(out, list, indices);
	sbuf_adds(out, "]}},\n      \"columnKind\": \"unicodeCodePoints\",\n      \"results\": [");
	for (size_t i = 0; i < list->n; i++) {
		const struct diag *g = list->at[i];

		sbuf_adds(out, i == 0 ? "\n        {" : ",\n        {");
		json_member(out, "ruleId", str_of(diag_kind(g->id)->code));
		sbuf_printf(out, ", \"ruleIndex\": %d, \"level\": \"%s\", \"message\": {",
			indices[g->id], diag_severity_name(g->severity));
		json_member(out, "text", g->text);
		sbuf_addc(out, '}');
		sarif_location(out, d, g);
		sarif_related(out, d, g);
		sbuf_addc(out, '}');
	}
	sbuf_adds(out, "]\n    }\n  ]\n}\n");
}

/* ---- workflow commands ---- */

/* In a message "%", CR and LF are escaped, in a property ":" and "," too. */
static void github_escape(struct sbuf *out, struct str s, bool property)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c == '%' || c < 0x20 || c == 0x7f || (property && (c == ':' || c == ',')))
			sbuf_printf(out, "%%%02X", c);
		else
			sbuf_addc(out, (char)c);
	}
}

static void github_place(struct sbuf *out, const struct diags *d, struct span s)
{
	struct region r = region_of(d, s);

	if (s.source == 0)
		return;
	sbuf_adds(out, "file=");
	github_escape(out, d->sources[s.source].name, true);
	sbuf_printf(out, ",line=%u,endLine=%u,col=%u", r.line, r.end_line, r.column);
	if (r.line == r.end_line)
		sbuf_printf(out, ",endColumn=%u", r.end_column);
	sbuf_addc(out, ',');
}

void render_github(struct sbuf *out, const struct diags *d, const struct render_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct diag *g = list->at[i];

		sbuf_printf(out, "::%s ",
			g->severity == DIAG_NOTE ? "notice" : diag_severity_name(g->severity));
		github_place(out, d, g->at);
		sbuf_printf(out, "title=%s::", diag_kind(g->id)->code);
		github_escape(out, g->text, false);
		for (size_t n = 0; n < g->n_notes; n++) {
			struct str place = diag_place_str(d, d->arena, g->notes[n].at);

			sbuf_adds(out, "%0A");
			github_escape(out, place, false);
			sbuf_adds(out, place.len > 0 ? ": " : "");
			github_escape(out, g->notes[n].text, false);
		}
		sbuf_addc(out, '\n');
	}
	if (list->n_hidden > 0)
		sbuf_printf(out, "::notice::%zu more not shown\n", list->n_hidden);
}
