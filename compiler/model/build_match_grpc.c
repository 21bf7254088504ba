/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* match.grpc, in the words of the rest: so routing and proofs know nothing of gRPC. */
#include "base/check.h"
#include "base/str.h"
#include "model/build.h"

/* A name of the call's path; without one, the parameter. */
static struct m_segment segment_of(const struct m_str *name, struct str parameter, const struct node *n)
{
	if (name == NULL)
		return (struct m_segment){ .is_param = true, .text = parameter, .at = n->span };
	return (struct m_segment){ .text = name->value, .at = name->at };
}

static struct m_path path_of(struct builder *b, const struct node *n, const struct m_str *service, const struct m_str *method)
{
	struct m_path path = { .kind = service != NULL && method != NULL ? M_PATH_EXACT : M_PATH_TEMPLATE, .n_segments = 2 };
	struct str names[2];

	path.segments = ARENA_ARRAY(b->arena, struct m_segment, 2);
	path.segments[0] = segment_of(service, STR("service"), n);
	path.segments[1] = segment_of(method, STR("method"), n);
	for (size_t i = 0; i < 2; i++)
		names[i] = path.segments[i].is_param
				   ? arena_printf(b->arena, "{" STR_FMT "}", STR_ARG(path.segments[i].text))
				   : path.segments[i].text;
	path.text.value = arena_printf(b->arena, "/" STR_FMT "/" STR_FMT, STR_ARG(names[0]), STR_ARG(names[1]));
	path.text.at = method != NULL ? method->at : service != NULL ? service->at : n->span;
	return path;
}

static void build_paths(struct builder *b, const struct node *n, struct m_match *out)
{
	struct m_strs services = value_strs(b, n, STR("service")), methods = value_strs(b, n, STR("method"));
	size_t n_services = services.n == 0 ? 1 : services.n, n_methods = methods.n == 0 ? 1 : methods.n;

	out->paths = ARENA_ARRAY(b->arena, struct m_path, n_services * n_methods);
	for (size_t i = 0; i < n_services; i++)
		for (size_t k = 0; k < n_methods; k++)
			out->paths[out->n_paths++] = path_of(b, n, services.n == 0 ? NULL : &services.at[i],
				methods.n == 0 ? NULL : &methods.at[k]);
}

static void add_content_type(struct builder *b, const struct node *n, struct m_match *out)
{
	static const struct {
		enum m_value_kind kind;
		struct str text;
	} values[] = {
		{ M_VALUE_EXACT, STR_INIT("application/grpc") },
		{ M_VALUE_PREFIX, STR_INIT("application/grpc+") },
		{ M_VALUE_PREFIX, STR_INIT("application/grpc;") },
		{ M_VALUE_PREFIX, STR_INIT("application/grpc-web") },
	};
	struct m_field_match *list = ARENA_ARRAY(b->arena, struct m_field_match, out->n_headers + 1);
	struct m_field_match *type = &list[out->n_headers];

	for (size_t i = 0; i < out->n_headers; i++)
		list[i] = out->headers[i];
	type->name = (struct m_str){ STR("content-type"), n->span };
	type->any_of = ARENA_ARRAY(b->arena, struct m_value_match, ARRAY_LEN(values));
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		type->any_of[type->n++] = (struct m_value_match){ values[i].kind, { values[i].text, n->span } };
	out->headers = list;
	out->n_headers++;
}

/* False if the match says otherwise what 'grpc' says. */
static bool is_alone(struct builder *b, const struct node *n, const struct m_match *out)
{
	const char *what = out->n_paths > 0 ? "path" : out->n_methods > 0 ? "method" : NULL;
	struct span at = out->n_paths > 0 ? out->paths[0].text.at : out->n_methods > 0 ? out->methods[0].at : SPAN_NONE;

	for (size_t i = 0; what == NULL && i < out->n_headers; i++) {
		if (!str_eq(out->headers[i].name.value, STR("content-type")))
			continue;
		what = "headers.content-type";
		at = out->headers[i].name.at;
	}
	if (what == NULL)
		return true;
	node_report(b->diags, n, DIAG_GRPC_MATCH, "'grpc' and '%s' cannot be given together", what);
	diag_note(b->diags, at, "'%s' is here", what);
	b->poisoned = true;
	return false;
}

void build_match_grpc(struct builder *b, const struct node *n, struct m_match *out)
{
	struct m_str *post;

	if (n == NULL || !is_alone(b, n, out))
		return;
	post = ARENA_ARRAY(b->arena, struct m_str, 1);
	*post = (struct m_str){ STR("POST"), n->span };
	out->methods = post;
	out->n_methods = 1;
	build_paths(b, n, out);
	add_content_type(b, n, out);
}
