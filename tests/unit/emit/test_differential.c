/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Three ways to find a route must agree: the interpreter of the plan, emitted re2c code, and
 * tables. The emitted gateway becomes a shared object, and the runtime's own search runs on it.
 * Route sets and requests are random, from fixed seeds. */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "http/exchange.h"
#include "http/host_memo.h"
#include "plan/lookup.h"
#include "prove/reach.h"
#include "route/walk.h"
#include "toron/gateway.h"
#include "unit/emit/build_folder.h"
#include "unit/plan/config.h"

#define N_SEEDS    6 /* unless TORON_SEEDS says more */
#define N_ROUTES   24
#define N_REQUESTS 4000
#define N_STRINGS  4000

/* ---- chance ---- */

static uint64_t state;

static uint32_t below(uint32_t n)
{
	/* xorshift64*: good enough, and the same everywhere. */
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * 0x2545f4914f6cdd1du) >> 33) % n;
}

#define PICK(array) ((array)[below(sizeof(array) / sizeof((array)[0]))])

static const char *const host_patterns[] = {
	"",
	"",
	"",
	"host: a.x, ",
	"host: b.x, ",
	"host: [a.x, b.x], ",
	"host: \"*.x\", ",
	"host: \"*.a.x\", ",
	"host: [x, \"*.a.x\", \"*.x\"], ",
};
static const char *const methods[] = { "", "", "", "method: GET, ", "method: [POST, PURGE], ",
	"method: HEAD, " };
static const char *const conditions[] = {
	"",
	"",
	"",
	"headers: {h: \"1\"}, ",
	"headers: {h: {regex: \"[0-9]+\"}}, ",
	"headers: {h: {present: false}}, ",
	"headers: {h: [{prefix: a}, {suffix: \"9\"}]}, ",
	"scheme: https, ",
	"source: 10.0.0.0/8, ",
	"headers: {h: {present: true}, i: {regex: \"(ab|a)*\"}}, ",
};
static const char *const regexes[] = {
	"/a/.*",
	".*/b/.*",
	"/(a|b)+(/c)?",
	"/[a-c]{2,3}/.*c",
	"/.*",
	"(/a)*",
	"/a/[^/]+",
	"/.+/c",
};

static void random_path(struct sbuf *out, bool is_pattern)
{
	static const char *const segments[] = { "a", "b", "c", "ab", "abc" };
	uint32_t n = below(4);

	for (uint32_t i = 0; i < n; i++) {
		if (is_pattern && below(3) == 0)
			sbuf_printf(out, "/{p%u}", i + below(2) * 10);
		else
			sbuf_printf(out, "/%s", PICK(segments));
	}
	if (n == 0 || below(6) == 0)
		sbuf_addc(out, '/');
}

static void random_form(struct sbuf *out)
{
	static const char *const kinds[] = { "prefix", "template", "exact" };
	uint32_t kind = below(8);

	if (kind == 0) {
		sbuf_printf(out, "{regex: \"%s\"}", PICK(regexes));
		return;
	}
	kind = kind < 4 ? 0 : kind < 7 ? 1 : 2;
	sbuf_printf(out, "{%s: \"", kinds[kind]);
	random_path(out, kind != 2);
	sbuf_adds(out, "\"}");
}

static void random_routes(struct sbuf *out)
{
	sbuf_adds(out, "listeners: [{name: l0, protocol: http, port: 1}, {name: l1, protocol: "
		       "http, port: 2}]\n"
		       "routing: {ties: file-order}\nroutes:\n");
	for (uint32_t i = 0; i < N_ROUTES; i++) {
		sbuf_printf(out, "  - {name: r%u, priority: %d, ", i,
			below(4) == 0 ? (int)below(3) - 1 : 0);
		sbuf_printf(out, "%smatch: {%s%s%s", below(5) == 0 ? "listeners: [l1], " : "",
			PICK(host_patterns), PICK(methods), PICK(conditions));
		if (below(12) > 0) {
			sbuf_adds(out, "path: [");
			random_form(out);
			if (below(3) == 0) {
				sbuf_adds(out, ", ");
				random_form(out);
			}
			sbuf_addc(out, ']');
		}
		sbuf_adds(out, "}, echo: {}}\n");
	}
}

/* ---- the emitted gateway as a shared object ---- */

/* What the object needs of a runtime. */
struct probe {
	uint32_t (*walk)(const void *blob, const char *ptr, size_t len);
	bool (*any)(const struct exchange *x, enum toron_where where, struct str name,
		toron_take *take);
	bool (*source_in)(const struct exchange *x, const struct toron_cidr *at, size_t n);
	struct str (*scheme)(const struct exchange *x);
};

static const char glue[] =
	"#include \"gateway.c\"\n"
	"struct probe {\n"
	"	uint32_t (*walk)(const void *blob, const char *ptr, size_t len);\n"
	"	bool (*any)(const struct exchange *x, enum toron_where where, struct str name, "
	"toron_take *take);\n"
	"	bool (*source_in)(const struct exchange *x, const struct toron_cidr *at, size_t "
	"n);\n"
	"	struct str (*scheme)(const struct exchange *x);\n"
	"};\n"
	"static struct probe probe;\n"
	"const struct toron_front { int unused; } toron_front_http1, toron_front_http2;\n"
	"int toron_main(const struct toron_gateway *g, int argc, char **argv) { (void)g; "
	"(void)argv; return argc; }\n"
	"void toron_action_echo(struct exchange *x, const void *conf) { (void)x; (void)conf; }\n"
	"uint32_t route_walk(const void *b, const char *p, size_t n) { return probe.walk(b, p, n); "
	"}\n"
	"bool toron_request_any(const struct exchange *x, enum toron_where w, struct str n, "
	"toron_take *t)\n"
	"{ return probe.any(x, w, n, t); }\n"
	"bool toron_source_in(const struct exchange *x, const struct toron_cidr *c, size_t n)\n"
	"{ return probe.source_in(x, c, n); }\n"
	"struct str toron_request_scheme(const struct exchange *x) { return probe.scheme(x); }\n"
	"const struct toron_gateway *probe_init(const struct probe *p);\n"
	"const struct toron_gateway *probe_init(const struct probe *p) { probe = *p; return "
	"&gateway; }\n";

static struct str scheme_of(const struct exchange *x)
{
	return x->request.scheme;
}

static const struct toron_gateway *load(
	const struct build_folder *f, const struct config *c, enum emit_matcher matcher)
{
	static const struct probe runtime = { route_walk, toron_request_any, toron_source_in,
		scheme_of };
	struct emit_options options = { .matcher = matcher, .version = STR("0") };
	const struct toron_gateway *(*init)(const struct probe *p);
	struct arena *a = (struct arena *)&c->arena;
	struct emit_files files;
	void *object;

	emit_files(a, c->plan, &options, &files);
	for (size_t i = 0; i < files.n; i++)
		build_folder_write(f, files.at[i].name, files.at[i].text);
	for (size_t i = 1; i < files.n; i++)
		build_folder_compile(f, &files.at[i]);
	build_folder_write(f, STR("glue.c"), str_of(glue));
	build_folder_compile(f, &(struct emit_file){ .name = STR("glue.c"), .kind = EMIT_C });
	/* dlopen knows objects by their names: each needs its own. */
	ck_assert_int_eq(
		build_folder_run(f, "%s -shared -Wl,-Bsymbolic -o probe_%d.so *.o && rm *.o", f->cc,
			matcher),
		0);
	object = dlopen(
		arena_printf(a, "%s/probe_%d.so", f->path, matcher).ptr, RTLD_NOW | RTLD_LOCAL);
	ck_assert_msg(object != NULL, "%s", dlerror());
	*(void **)&init = dlsym(object, "probe_init");
	ck_assert_ptr_nonnull(*(void **)&init);
	return init(&runtime);
}

/* ---- requests ---- */

struct asked {
	struct lookup_request r;
	struct lookup_field fields[2];
	char path[64];
};

static void random_request(struct asked *q)
{
	static const char *const hosts[] = { "a.x", "b.x", "x", "c.a.x", "d.c.a.x", "y", "", "x.y",
		"a.x.y", "za.x", "long-name.a.x", "long-name.a.y", "long-mane.a.x" };
	static const char *const request_methods[] = { "GET", "HEAD", "POST", "PURGE", "PUT",
		"BREW" };
	static const char *const values[] = { "1", "12", "ab", "a", "99", "", "aab", "x" };
	struct sbuf path = { 0 };

	memset(q, 0, sizeof(*q));
	random_path(&path, false);
	memcpy(q->path, path.ptr, path.len);
	q->r = (struct lookup_request){
		.listener = below(2),
		.method = str_of(PICK(request_methods)),
		.scheme = below(4) == 0 ? STR("https") : STR("http"),
		.host = str_of(PICK(hosts)),
		.path = { q->path, path.len },
		.headers = q->fields,
	};
	sbuf_fini(&path);
	if (below(2) == 0)
		q->fields[q->r.n_headers++] =
			(struct lookup_field){ STR("h"), str_of(PICK(values)) };
	if (below(2) == 0)
		q->fields[q->r.n_headers++] =
			(struct lookup_field){ STR("i"), str_of(PICK(values)) };
	q->r.source[10] = q->r.source[11] = 0xff;
	q->r.source[12] = below(2) == 0 ? 10 : 11;
}

/* As http/semantics.c has it. */
static void recall_host(struct exchange *x, struct worker *w)
{
	struct str host = x->request.authority = x->host;
	const struct host_known *known = host_memo_recall(w->hosts, host);

	if (known == NULL) {
		host_memo_keep(w->hosts, host, &(struct host_known){ .len = (uint8_t)host.len });
		return;
	}
	ck_assert_uint_eq(known->len, host.len);
	x->host_router = known->router;
	x->host_list = known->list;
}

static void fill_exchange(
	struct exchange *x, struct worker *w, const struct plan *p, const struct asked *q)
{
	memset(x, 0, sizeof(*x));
	x->worker = w;
	x->listener = &w->gateway->listeners[q->r.listener];
	x->request.scheme = q->r.scheme;
	x->method_bit = lookup_method_bit(p, q->r.method);
	x->host = q->r.host;
	recall_host(x, w);
	x->path = q->r.path;
	memcpy(x->source.ip, q->r.source, sizeof(q->r.source));
	arena_init(&x->arena, NULL, 0, 1 << 16);
	for (uint32_t i = 0; i < q->r.n_headers; i++)
		fields_add(&x->request.head, &x->arena, q->fields[i].name, q->fields[i].value);
}

static void ask(const struct plan *p, struct arena *scratch, struct worker *w)
{
	struct lookup_result want;
	struct exchange x;
	struct asked q;
	uint32_t allow, got;

	random_request(&q);
	want = lookup_route(p, scratch, &q.r);
	fill_exchange(&x, w, p, &q);
	got = route_find(&x, &allow) ? (uint32_t)(x.route - w->gateway->routes) : PLAN_NONE;
	ck_assert_msg(got == want.entry && allow == want.allow,
		STR_FMT " " STR_FMT STR_FMT " on %u: rank %d, allow %x; "
			"the plan says rank %d, allow %x",
		STR_ARG(q.r.method), STR_ARG(q.r.host), STR_ARG(q.r.path), q.r.listener, (int)got,
		allow, (int)want.entry, want.allow);
	for (uint32_t i = 0; got != PLAN_NONE && i < p->routes[p->entries[got].route].n_params; i++)
		ck_assert_uint_eq(x.params[i], p->entries[got].params[i]);
	arena_fini(&x.arena);
	arena_reset(scratch);
}

/* ---- raw strings ---- */

/* Up to 29 bytes that end where the readable memory does, now and then with a NUL or a byte
 * beyond ASCII. */
static struct str random_string(char *end)
{
	static const char bytes[] = { '/', '/', '/', 'a', 'b', 'c', '.', 'x', '\0', '\x80', '\xff',
		'1' };
	size_t n = below(30);
	bool odd = below(4) == 0;

	for (size_t i = 0; i < n; i++)
		end[(ptrdiff_t)i - (ptrdiff_t)n] = bytes[below(odd ? sizeof(bytes) : 8)];
	return (struct str){ end - n, n };
}

static void compare_matcher(
	toron_matcher *match, const struct plan_matcher *m, bool is_table, char *end)
{
	for (int i = 0; i < N_STRINGS; i++) {
		struct str s = random_string(end);
		uint32_t set = dfa_match(&m->dfa, s);
		uint32_t want = set == 0 ? 0 : is_table ? set : m->dfa.sets[set].patterns[0] + 1;

		ck_assert_msg(match(s.ptr, s.len) == want,
			"%s matcher of " STR_FMT ": %u for \"" STR_FMT "\", and the DFA says %u",
			is_table ? "table" : "re2c", STR_ARG(m->names[0]), match(s.ptr, s.len),
			STR_ARG(s), want);
	}
}

static void compare_matchers(const struct plan *p, const struct toron_gateway *g, bool is_table)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(memory, MAP_FAILED);
	/* Whoever reads on behind the end is caught. */
	ck_assert_int_eq(mprotect(memory + page, page, PROT_NONE), 0);
	for (uint32_t l = 0; l < p->n_listeners; l++) {
		const struct plan_router *r = &p->routers[p->listeners[l].router];
		const struct toron_router *router = g->listeners[l].router;

		if (r->n_atoms > 0)
			compare_matcher(router->host, &r->hosts, is_table, memory + page);
		for (uint32_t i = 0; i < r->n_groups; i++)
			compare_matcher(router->groups[i].match,
				&p->matchers[p->groups[r->groups[i]].matcher], is_table,
				memory + page);
	}
	munmap(memory, 2 * page);
}

/* ---- witnesses of proofs ---- */

/* Every route that is proved to take a request does take it in the emitted gateway. */
static void replay_witnesses(struct config *c, struct worker *w)
{
	const struct plan *p = c->plan;
	struct reach reach;

	reach_find(&c->arena, p, &reach);
	for (uint32_t i = 0; i < p->n_entries; i++) {
		struct asked q = { 0 };
		struct exchange x;
		uint32_t allow;

		ck_assert_int_ne(reach.verdicts[i], REACH_OPEN);
		if (reach.verdicts[i] != REACH_TAKES)
			continue;
		sample_request(&c->arena, &reach.samples[i], &q.r);
		ck_assert_uint_le(q.r.n_headers, ARRAY_LEN(q.fields));
		memcpy(q.fields, q.r.headers, q.r.n_headers * sizeof(q.fields[0]));
		fill_exchange(&x, w, p, &q);
		ck_assert_msg(route_find(&x, &allow) && x.route == &w->gateway->routes[i],
			"the witness of rank %u, " STR_FMT " " STR_FMT STR_FMT ", goes elsewhere", i,
			STR_ARG(q.r.method), STR_ARG(q.r.host), STR_ARG(q.r.path));
		arena_fini(&x.arena);
	}
}

static void compare(const struct build_folder *f, struct config *c, enum emit_matcher matcher)
{
	const struct toron_gateway *g = load(f, c, matcher);
	struct worker w = { .gateway = g, .hosts = host_memo_new() };
	struct arena scratch;

	arena_init_unbounded(&scratch);
	ck_assert_uint_eq(g->n_routes, c->plan->n_entries);
	for (int i = 0; i < N_REQUESTS; i++)
		ask(c->plan, &scratch, &w);
	replay_witnesses(c, &w);
	compare_matchers(c->plan, g, matcher == EMIT_MATCHER_TABLE);
	arena_fini(&scratch);
	host_memo_free(&w.hosts);
}

START_TEST(code_tables_and_plan_agree)
{
	struct build_folder f;
	struct sbuf yaml = { 0 };
	struct config c;

	if (!build_folder_open(&f))
		return;
	state = 0x9e3779b97f4a7c15u * (uint64_t)(_i + 1);
	random_routes(&yaml);
	config_plan(&c, yaml.ptr);
	compare(&f, &c, EMIT_MATCHER_RE2C);
	ck_assert_int_eq(build_folder_run(&f, "rm -rf *"), 0);
	compare(&f, &c, EMIT_MATCHER_TABLE);
	build_folder_close(&f);
	sbuf_fini(&yaml);
	config_fini(&c);
}
END_TEST

static int n_seeds(void)
{
	const char *text = getenv("TORON_SEEDS");
	int n = text == NULL ? 0 : (int)strtol(text, NULL, 10);

	return n > N_SEEDS ? n : N_SEEDS;
}

Suite *suite_differential(void)
{
	Suite *s = suite_create("differential");
	TCase *t = tcase_create("differential");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, code_tables_and_plan_agree, 0, n_seeds());
	suite_add_tcase(s, t);
	return s;
}
