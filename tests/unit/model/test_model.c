/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "model/model.h"

#include <check.h>

#include "base/check.h"
#include "base/str.h"
#include "schema/schema.h"

static struct arena arena;
static struct diags diags;

static void setup(void)
{
	arena_init_unbounded(&arena);
	diag_init(&diags, &arena);
}

static void teardown(void)
{
	arena_fini(&arena);
}

/* From text to the model. `valid`: the schema must find nothing wrong; otherwise the model is built all the same. */
static struct model *build(const char *name, const char *text, bool valid)
{
	enum tree_format format = TREE_YAML;
	struct schema *s = schema_gateway(&arena, &diags);
	struct node *root;

	tree_format_of(str_of(name), &format);
	root = tree_read(
		&arena, &diags, diag_add_source(&diags, str_of(name), str_of(text)), format);
	ck_assert_ptr_nonnull(root);
	ck_assert_int_eq(schema_validate(&arena, &diags, s, root), valid);
	schema_complete(&arena, &diags, s, root);
	return model_build(&arena, &diags, root);
}

#define LISTENER "listeners: [{protocol: http, port: 8080}]\n"

static const char *str_text(struct m_str s)
{
	return s.value.ptr == NULL ? "(none)" : arena_cstr(&arena, s.value);
}

static bool is_reported(enum diag_id id)
{
	for (size_t i = 0; i < diags.n; i++) {
		if (diags.at[i].id == id)
			return true;
	}
	return false;
}

START_TEST(defaults_come_from_the_schema)
{
	const struct model *m = build(
		"g.yaml", LISTENER "routes: [{backend: {url: \"http://localhost:9000\"}}]\n", true);
	const struct m_listener *l = &m->listeners[0];
	const struct m_backend *b = &m->backends[0];

	ck_assert_str_eq(str_text(l->name), "http-8080");
	ck_assert_uint_eq(l->limits.header_bytes.value, 32768);
	ck_assert_uint_eq(l->limits.header_count.value, 100);
	ck_assert_uint_eq(l->limits.body_bytes.value, 0);
	ck_assert_uint_eq(m->routes[0].body_bytes.value, 0);
	ck_assert_uint_eq(l->limits.unread_body.value, 1 << 20);
	ck_assert_uint_eq(l->limits.uri_bytes.value, 8192);
	ck_assert_uint_eq(l->timeouts.header.value, 10000);
	ck_assert_uint_eq(l->timeouts.idle.value, 60000);
	ck_assert_uint_eq(l->timeouts.linger.value, 30000);
	ck_assert_uint_eq(l->timeouts.linger_idle.value, 2000);
	ck_assert_ptr_null(l->address.value.ptr);
	ck_assert_uint_eq(b->timeouts.connect.value, 5000);
	ck_assert_uint_eq(b->pool.idle_connections.value, 256);
	ck_assert(b->preserve_host.value);
	ck_assert(m->routing.merge_slashes && !m->routing.ties_file_order &&
		  !m->routing.allow_encoded_slashes);
	ck_assert_uint_eq(m->runtime.workers.value, 0);
	ck_assert_uint_eq(m->log.access.sample_ppm.value, 1000000);
	ck_assert_uint_eq(diags.n, 0);
}
END_TEST

START_TEST(inline_definitions_get_names)
{
	const struct model *m = build("g.yaml",
		LISTENER
		"backends: {a: {url: \"http://a\"}}\n"
		"routes:\n"
		"  - {match: {path: /a}, backend: a, middlewares: [{jwt: {}}, rate-limit]}\n"
		"  - {match: {path: /b}, split: [{backend: {url: \"http://[::1]:81/x/\"}}, "
		"{backend: a, weight: 3}], "
		"middlewares: [rate-limit]}\n",
		true);

	ck_assert_uint_eq(m->n_backends, 2);
	ck_assert(!m->backends[0].is_inline && m->backends[1].is_inline);
	ck_assert_str_eq(str_text(m->backends[1].name), "routes[1].split[0].backend");
	ck_assert_str_eq(
		str_text(m->routes[1].action.split[0].backend), "routes[1].split[0].backend");
	ck_assert_uint_eq(m->routes[1].action.split[0].weight.value, 1);
	ck_assert_str_eq(str_text(m->backends[1].servers[0].host), "::1");
	ck_assert(m->backends[1].servers[0].is_numeric);
	ck_assert_str_eq(str_text(m->backends[1].servers[0].base_path), "/x");
	/* A built-in is there once, however often it is used. */
	ck_assert_uint_eq(m->n_middlewares, 2);
	ck_assert_str_eq(str_text(m->middlewares[0].name), "routes[0].middlewares[0]");
	ck_assert_ptr_nonnull(m->middlewares[0].node);
	ck_assert(m->middlewares[0].jwt.from_environment);
	ck_assert_str_eq(str_text(m->middlewares[1].name), "rate-limit");
	ck_assert_ptr_null(m->middlewares[1].node);
	ck_assert_uint_eq(m->middlewares[1].rate_limit.rate.n, 100);
	ck_assert_uint_eq(m->middlewares[1].rate_limit.burst.value, 200);
}
END_TEST

START_TEST(a_definition_takes_the_place_of_a_built_in)
{
	const struct model *m = build("g.yaml",
		LISTENER "middlewares: {rate-limit: {rate-limit: {rate: 1/h}}}\n"
			 "routes: [{echo: {}, middlewares: [rate-limit]}]\n",
		true);

	ck_assert_uint_eq(m->n_middlewares, 1);
	ck_assert_ptr_nonnull(m->middlewares[0].node);
	ck_assert_uint_eq(m->middlewares[0].rate_limit.rate.period_ms, 3600000);
}
END_TEST

static const struct {
	const char *path;
	enum m_path_kind kind;
	size_t n;
	const char *segments[3];
} path_cases[] = {
	{ "/", M_PATH_PREFIX, 0, { NULL } },
	{ "{exact: /}", M_PATH_EXACT, 1, { "" } },
	{ "/a/", M_PATH_PREFIX, 2, { "a", "" } },
	{ "\"/a/{b}\"", M_PATH_PREFIX, 2, { "a", "{b" } },
	{ "{template: \"/{x}/b/{y}\"}", M_PATH_TEMPLATE, 3, { "{x", "b", "{y" } },
	{ "{regex: /a.*}", M_PATH_REGEX, 0, { NULL } },
};

START_TEST(paths)
{
	const struct model *m = build("g.yaml",
		arena_printf(&arena, LISTENER "routes: [{match: {path: %s}, echo: {}}]\n",
			path_cases[_i].path)
			.ptr,
		true);
	const struct m_path *p = &m->routes[0].match.paths[0];

	ck_assert_int_eq(p->kind, path_cases[_i].kind);
	ck_assert_uint_eq(p->n_segments, path_cases[_i].n);
	for (size_t i = 0; i < p->n_segments; i++) {
		const char *want = path_cases[_i].segments[i];

		ck_assert_int_eq(p->segments[i].is_param, want[0] == '{');
		ck_assert(str_eq(p->segments[i].text, str_of(want[0] == '{' ? want + 1 : want)));
	}
}
END_TEST

static const struct {
	const char *path, *routing;
	enum diag_id id;
} path_faults[] = {
	{ "/a/./b", "{}", DIAG_PATH_NOT_NORMAL },
	{ "/a//b", "{}", DIAG_PATH_NOT_NORMAL },
	{ "/a//b", "{merge_slashes: false}", DIAG_COUNT },
	{ "/%61", "{}", DIAG_PATH_NOT_NORMAL },
	{ "/a%2Fb", "{}", DIAG_BAD_PATH },
	{ "/a%2Fb", "{encoded_slashes: keep}", DIAG_COUNT },
	{ "/a b", "{}", DIAG_BAD_PATH },
	{ "/..", "{}", DIAG_BAD_PATH },
	{ "/*", "{}", DIAG_PATH_STAR },
};

START_TEST(paths_that_no_request_has)
{
	const struct model *m = build("g.yaml",
		arena_printf(&arena,
			LISTENER "routing: %s\nroutes: [{match: {path: \"%s\"}, echo: {}}]\n",
			path_faults[_i].routing, path_faults[_i].path)
			.ptr,
		true);

	ck_assert_msg(
		path_faults[_i].id == DIAG_COUNT ? diags.n == 0 : is_reported(path_faults[_i].id),
		"%s", path_faults[_i].path);
	ck_assert_int_eq(m->routes[0].poisoned, diags.n_errors > 0);
}
END_TEST

START_TEST(conditions)
{
	const struct model *m = build("g.yaml",
		LISTENER "routes:\n"
			 "  - match:\n"
			 "      host: [A.Example.COM., \"*.b.example\"]\n"
			 "      headers: {X-A: [one, {prefix: two}], x-b: {present: false}}\n"
			 "      source: [10.0.0.0/8, \"2001:db8::/32\"]\n"
			 "    echo: {}\n",
		true);
	const struct m_match *match = &m->routes[0].match;

	ck_assert_str_eq(str_text(match->hosts[0].text), "a.example.com");
	ck_assert_int_eq(match->hosts[1].kind, M_HOST_WILDCARD);
	ck_assert_str_eq(str_text(match->hosts[1].text), ".b.example");
	ck_assert_str_eq(str_text(match->headers[0].name), "x-a");
	ck_assert_uint_eq(match->headers[0].n, 2);
	ck_assert_int_eq(match->headers[0].any_of[1].kind, M_VALUE_PREFIX);
	ck_assert_int_eq(match->headers[1].any_of[0].kind, M_VALUE_ABSENT);
	ck_assert_uint_eq(match->sources[0].bits, 104);
	ck_assert_uint_eq(match->sources[0].addr[12], 10);
	ck_assert_uint_eq(match->sources[1].bits, 32);
}
END_TEST

START_TEST(templates)
{
	const struct model *m = build("g.yaml",
		LISTENER "routes:\n"
			 "  - respond: {body: "
			 "'a${path.id}b$${x}${request.headers[\"X-Y\"]}${claims.a.b}'}\n",
		true);
	const struct m_template *t = &m->routes[0].action.body;
	static const enum m_part_kind kinds[] = { M_PART_LITERAL, M_PART_PATH, M_PART_LITERAL,
		M_PART_REQUEST_HEADER, M_PART_CLAIM };
	static const char *const args[] = { "a", "id", "b${x}", "x-y", "a.b" };

	ck_assert_uint_eq(t->n, ARRAY_LEN(kinds));
	for (size_t i = 0; i < t->n; i++) {
		ck_assert_int_eq(t->parts[i].kind, kinds[i]);
		ck_assert(str_eq(t->parts[i].arg, str_of(args[i])));
	}
	ck_assert(!t->is_literal);
	ck_assert_uint_eq(t->parts[1].at.end - t->parts[1].at.begin, sizeof("${path.id}") - 1);
}
END_TEST

static const char *const wrong_templates[] = {
	"${request.path",
	"${nonsense}",
	"${}",
	"${ path.id }",
	"${path.}",
	"${path.a.b}",
	"${request.headers[x]}",
	"${claims..a}",
};

START_TEST(templates_with_faults)
{
	const struct model *m = build("g.yaml",
		arena_printf(
			&arena, LISTENER "routes: [{respond: {body: '%s'}}]\n", wrong_templates[_i])
			.ptr,
		true);

	ck_assert_uint_eq(diags.n_errors, 1);
	ck_assert(m->routes[0].poisoned);
}
END_TEST

START_TEST(poisoned_parts_poison_their_owner_only)
{
	const struct model *m = build("g.yaml",
		"listeners: [{protocol: http, port: eighty}, {protocol: http, port: 81}]\n"
		"backends: {a: {url: nowhere}, b: {url: \"http://b\"}}\n"
		"middlewares: {m: {rate-limit: {rate: 5}}}\n"
		"routes:\n"
		"  - {match: {path: [a, /ok]}, backend: b}\n"
		"  - {match: {path: /b}, backend: a, middlewares: [m]}\n"
		"  - {match: {path: /c}}\n",
		false);

	ck_assert(m->listeners[0].poisoned && !m->listeners[1].poisoned);
	ck_assert(m->backends[0].poisoned && !m->backends[1].poisoned);
	ck_assert(m->middlewares[0].poisoned);
	ck_assert(m->routes[0].poisoned && !m->routes[1].poisoned && m->routes[2].poisoned);
	ck_assert_uint_eq(m->routes[0].match.n_paths, 1);
}
END_TEST

START_TEST(hopeless_documents_give_an_empty_model)
{
	static const char *const texts[] = { "[]", "5", "{}",
		"routes: 5\nlisteners: [1, [2]]\nbackends: [a]\n" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const struct model *m = build("g.yaml", texts[i], false);

		ck_assert_uint_eq(m->n_routes + m->n_listeners + m->n_backends, 0);
	}
}
END_TEST

static const char *dump(const struct model *m, bool origins)
{
	struct sbuf out = { 0 };
	const char *text;

	model_dump(&out, &diags, m, origins);
	text = arena_cstr(&arena, sbuf_str(&out));
	sbuf_fini(&out);
	return text;
}

START_TEST(one_document_in_three_formats_is_one_model)
{
	const char *yaml =
		dump(build("g.yaml",
			     LISTENER "routes: [{match: {path: /a}, respond: {body: \"x\\n\"}}]\n",
			     true),
			false);
	const char *json =
		dump(build("g.json",
			     "{\"listeners\": [{\"protocol\": \"http\", \"port\": 8080}], "
			     "\"routes\": [{\"match\": {\"path\": \"/a\"}, \"respond\": "
			     "{\"body\": \"x\\n\"}}]}",
			     true),
			false);
	const struct model *toml = build("g.toml",
		"[[listeners]]\nprotocol = \"http\"\nport = 8080\n[[routes]]\nmatch.path = "
		"\"/a\"\nrespond = {body = \"x\\n\"}\n",
		true);

	ck_assert_str_eq(yaml, json);
	ck_assert_str_eq(yaml, dump(toml, false));
	/* With origins, each says where it stands. */
	ck_assert_ptr_nonnull(strstr(dump(toml, true), "# g.toml:3:8"));
}
END_TEST

Suite *suite_model(void)
{
	Suite *s = suite_create("model");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, defaults_come_from_the_schema);
	tcase_add_test(t, inline_definitions_get_names);
	tcase_add_test(t, a_definition_takes_the_place_of_a_built_in);
	tcase_add_loop_test(t, paths, 0, ARRAY_LEN(path_cases));
	tcase_add_loop_test(t, paths_that_no_request_has, 0, ARRAY_LEN(path_faults));
	tcase_add_test(t, conditions);
	tcase_add_test(t, templates);
	tcase_add_loop_test(t, templates_with_faults, 0, ARRAY_LEN(wrong_templates));
	tcase_add_test(t, poisoned_parts_poison_their_owner_only);
	tcase_add_test(t, hopeless_documents_give_an_empty_model);
	tcase_add_test(t, one_document_in_three_formats_is_one_model);
	suite_add_tcase(s, t);
	return s;
}
