/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "emit/emit.h"

#include <stdlib.h>
#include <unistd.h>

#include "emit/cwriter.h"
#include "unit/emit/build_folder.h"
#include "unit/plan/config.h"

static struct arena arena;

static void begin(void)
{
	arena_init_unbounded(&arena);
}

static void end(void)
{
	arena_fini(&arena);
}

/* ---- the writer ---- */

static const struct {
	struct str text;
	const char *quoted;
} quotes[] = {
	{ STR_INIT("plain"), "\"plain\"" },
	{ STR_INIT(""), "\"\"" },
	{ STR_INIT("\"\\"), "\"\\\"\\\\\"" },
	{ STR_INIT("a\tb"), "\"a\\tb\"" },
	{ STR_INIT("a\nb"), "\"a\\n\"\n\t\t\"b\"" },
	{ STR_INIT("\0"
		   "1"),
		"\"\\0001\"" },
	{ STR_INIT("\xc3\xa9"
		   "9"),
		"\"\\303\\2519\"" },
	{ STR_INIT("\x7f\x1b"), "\"\\177\\033\"" },
	{ STR_INIT("?\?/?\?="), "\"?\\?/?\\?=\"" },
	{ STR_INIT("%s %n"), "\"%s %n\"" },
	{ STR_INIT("*/ //"), "\"*/ //\"" },
};

START_TEST(literals_hold_any_bytes)
{
	ck_assert_str_eq(cwriter_quote(&arena, quotes[_i].text), quotes[_i].quoted);
}
END_TEST

START_TEST(comments_cannot_end_early)
{
	ck_assert_str_eq(cwriter_plain(&arena, STR("a */ b")), "a * / b");
	ck_assert_str_eq(cwriter_plain(&arena, STR("a **/ b")), "a ** / b");
	ck_assert_str_eq(cwriter_plain(&arena, STR("a /*!re2c b")), "a / *!re2c b");
	ck_assert_str_eq(cwriter_plain(&arena, STR("a %{ b")), "a % { b");
	ck_assert_str_eq(cwriter_plain(&arena, STR("a\\\nb\r\nc\\")), "a| b  c|");
	ck_assert_str_eq(cwriter_plain(&arena, STR("")), "");
	ck_assert_ptr_null(strstr(cwriter_plain(&arena, STR("*//*/")), "*/"));
}
END_TEST

START_TEST(identifiers_are_legal_and_unique)
{
	struct map taken;

	map_init(&taken, &arena);
	ck_assert_str_eq(cwriter_ident(&taken, "mw_", STR("rate-limit")), "mw_rate_limit");
	ck_assert_str_eq(cwriter_ident(&taken, "mw_", STR("rate.limit")), "mw_rate_limit_2");
	ck_assert_str_eq(cwriter_ident(&taken, "mw_", STR("rate_limit")), "mw_rate_limit_3");
	ck_assert_str_eq(cwriter_ident(&taken, "mw_", STR("rate_limit_2")), "mw_rate_limit_2_2");
	ck_assert_str_eq(cwriter_ident(&taken, "backend_", STR("routes[2].backend")),
		"backend_routes_2_backend");
	ck_assert_str_eq(cwriter_ident(&taken, "x_", STR("\xc3\xa9; system(1)")), "x_system_1");
	ck_assert_str_eq(cwriter_ident(&taken, "x_", STR("---")), "x_");
	ck_assert_str_eq(cwriter_ident(&taken, "x_", STR("--")), "x__2");
}
END_TEST

/* ---- files ---- */

/* Something of everything, with names that try to break out. */
static const char rich[] =
	"name: edge\n"
	"listeners:\n"
	"  - {name: web, protocol: http, port: 8080}\n"
	"  - {name: int, protocol: http, port: 8081, address: \"::1\"}\n"
	"backends:\n"
	"  users: {servers: [{url: \"http://10.0.0.1:8000/base\"}, {url: \"http://[::1]:80\"}], "
	"balance: random-two}\n"
	"  canary: {url: \"http://canary:8000\", balance: least-connections}\n"
	"middlewares:\n"
	"  strict: {rate-limit: {rate: 10/s, burst: 20, key: \"header:x-api-key\"}}\n"
	"  named: {headers: {request: {set: {x-user: \"${path.id}\"}}, response: {remove: "
	"[server], add: {x: \"*/\\\"\"}}}}\n"
	"  literal: {jwt: {secret: \"a-secret-that-stands-in-the-config\", audience: [a, b], "
	"algorithms: [HS256]}}\n"
	"  env: {jwt: {jwks: {env: KEYS}, issuer: me}}\n"
	"routes:\n"
	"  - name: users\n"
	"    match: {host: [api.example.com, \"*.example.com\"], path: \"/v1/users/{id}\", method: "
	"[GET, PURGE]}\n"
	"    middlewares: [request-id, literal, strict, named, jwt, rate-limit]\n"
	"    split: [{backend: users, weight: 95}, {backend: canary, weight: 5}]\n"
	"    timeouts: {total: 10s, first_byte: 3s}\n"
	"  - {name: posts, match: {path: [\"/p/{x}/{id}\", {template: \"/q/{id}\"}]}, middlewares: "
	"[env, named], backend: users}\n"
	"  - {name: crossed, match: {path: {template: \"/{id}/b\"}}, middlewares: [named], "
	"respond: {body: \"${path.id}\"}}\n"
	"  - {name: crossing, match: {path: {template: \"/q/{id}\"}, method: GET}, echo: {}}\n"
	"  - {name: old, match: {path: \"/a/*/*!re2c\"}, redirect: {to: "
	"\"https://x.example${request.path}\", status: 308}}\n"
	"  - name: hello\n"
	"    match:\n"
	"      path: {exact: /hello}\n"
	"      headers: {x-a: [{prefix: \"b\\\"?"
	"?/\"}, {regex: \"[0-9]+\"}], x-b: {present: false}, x-c: [a, {present: false}]}\n"
	"      query: {q: {suffix: z}}\n"
	"      cookies: {c: {present: true}}\n"
	"      scheme: http\n"
	"      source: [10.0.0.0/8, \"2001:db8::/32\"]\n"
	"    respond: {body: \"hello ${request.headers[\\\"x-a\\\"]}\\nworld\", headers: "
	"{content-type: text/plain}}\n"
	"  - {name: rx, priority: 1, match: {path: {regex: \".*/secret/.*\"}}, respond: {status: "
	"404}}\n"
	"  - {name: intern, listeners: [int], match: {path: /admin}, echo: {}}\n"
	"log: {level: warn, access: {enabled: true, format: json, sample: 50%}}\n"
	"routing: {encoded_slashes: keep, merge_slashes: false}\n";

static struct emit_files emit(struct config *c, enum emit_matcher matcher)
{
	struct emit_options options = { .matcher = matcher, .version = STR("1.2.3") };
	struct emit_files files;

	emit_files(&c->arena, c->plan, &options, &files);
	return files;
}

static const struct emit_file *find_file(const struct emit_files *files, const char *name)
{
	for (size_t i = 0; i < files->n; i++)
		if (str_eq(files->at[i].name, str_of(name)))
			return &files->at[i];
	return NULL;
}

START_TEST(two_emissions_are_the_same_bytes)
{
	struct config a, b;
	struct emit_files x, y;

	config_plan(&a, rich);
	config_plan(&b, rich);
	x = emit(&a, (enum emit_matcher)_i);
	y = emit(&b, (enum emit_matcher)_i);
	ck_assert_uint_eq(x.n, y.n);
	for (size_t i = 0; i < x.n; i++) {
		ck_assert(str_eq(x.at[i].name, y.at[i].name));
		ck_assert(str_eq(x.at[i].text, y.at[i].text));
		/* No folder, neither as a part of a name nor in a place. */
		ck_assert_int_lt(str_find(x.at[i].name, STR("/")), 0);
		ck_assert_int_lt(str_find(x.at[i].text, STR("conf/")), 0);
	}
	ck_assert(str_eq(x.at[0].name, STR("gateway.c")));
	config_fini(&a);
	config_fini(&b);
}
END_TEST

START_TEST(literal_secrets_stay_out_of_the_config_text)
{
	struct config c;
	struct emit_files files;
	struct str text;

	config_plan(&c, rich);
	files = emit(&c, EMIT_MATCHER_AUTO);
	ck_assert_ptr_nonnull(find_file(&files, "config.text"));
	text = find_file(&files, "config.text")->text;
	ck_assert_uint_eq(text.len, strlen(rich));
	ck_assert_int_lt(str_find(text, STR("a-secret")), 0);
	ck_assert_int_ge(str_find(text, STR("literal: {jwt: {secret: \"****")), 0);
	ck_assert_int_ge(str_find(text, STR("\", audience: [a, b]")), 0);
	config_fini(&c);
}
END_TEST

START_TEST(only_what_is_used_is_named)
{
	struct config c;
	struct emit_files files;
	struct str text;

	config_plan(&c, CONFIG_LISTENER
		"routes: [{match: {path: /}, middlewares: [request-id], echo: {}}]\n");
	files = emit(&c, EMIT_MATCHER_RE2C);
	text = files.at[0].text;
	ck_assert_int_ge(str_find(text, STR("toron_action_echo")), 0);
	ck_assert_int_ge(str_find(text, STR("toron_front_http1")), 0);
	ck_assert_int_ge(str_find(text, STR("toron_request_id_response")), 0);
	ck_assert_int_lt(str_find(text, STR("toron_jwt")), 0);
	ck_assert_int_lt(str_find(text, STR("toron_rate_limit")), 0);
	ck_assert_int_lt(str_find(text, STR("toron_back_http1")), 0);
	ck_assert_int_lt(str_find(text, STR("toron_action_backend")), 0);
	ck_assert_int_lt(str_find(text, STR("route_walk")), 0);
	config_fini(&c);
}
END_TEST

START_TEST(large_groups_become_tables)
{
	struct sbuf yaml = { 0 };
	struct emit_files files;
	struct config c;
	bool any_re = false, any_table = false;

	sbuf_adds(&yaml, CONFIG_LISTENER
		"routes:\n  - {match: {host: small.example, path: /a}, echo: {}}\n");
	for (int i = 0; i < 200; i++)
		sbuf_printf(&yaml, "  - {match: {path: /p%d}, echo: {}}\n", i);
	config_plan(&c, yaml.ptr);
	files = emit(&c, EMIT_MATCHER_AUTO);
	for (size_t i = 0; i < files.n; i++) {
		any_re |= files.at[i].kind == EMIT_RE2C;
		any_table |=
			files.at[i].kind == EMIT_DATA && str_ends(files.at[i].name, STR(".blob"));
	}
	ck_assert(any_re && any_table);
	sbuf_fini(&yaml);
	config_fini(&c);
}
END_TEST

START_TEST(emitted_files_compile_without_a_warning)
{
	struct build_folder f;
	struct emit_files files;
	struct config c;

	if (!build_folder_open(&f))
		return;
	config_plan(&c, rich);
	files = emit(&c, (enum emit_matcher)_i);
	for (size_t i = 0; i < files.n; i++)
		build_folder_write(&f, files.at[i].name, files.at[i].text);
	for (size_t i = 0; i < files.n; i++)
		build_folder_compile(&f, &files.at[i]);
	build_folder_close(&f);
	config_fini(&c);
}
END_TEST

Suite *suite_emit(void)
{
	Suite *s = suite_create("emit");
	TCase *t = tcase_create("emit");

	tcase_add_checked_fixture(t, begin, end);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, literals_hold_any_bytes, 0, sizeof(quotes) / sizeof(quotes[0]));
	tcase_add_test(t, comments_cannot_end_early);
	tcase_add_test(t, identifiers_are_legal_and_unique);
	tcase_add_loop_test(t, two_emissions_are_the_same_bytes, 0, 3);
	tcase_add_test(t, literal_secrets_stay_out_of_the_config_text);
	tcase_add_test(t, only_what_is_used_is_named);
	tcase_add_test(t, large_groups_become_tables);
	tcase_add_loop_test(t, emitted_files_compile_without_a_warning, 0, 3);
	suite_add_tcase(s, t);
	return s;
}
