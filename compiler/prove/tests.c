/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "prove/tests.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/str.h"
#include "prove/sample.h"

struct tester {
	struct arena *arena;
	struct diags *diags;
	const struct plan *p;
	const struct m_test *test;
	struct sample sample;
	const struct plan_route *route; /* the winner; NULL: none */
	uint16_t status; /* 0: the backend's, known only when running */
};

static void report(struct tester *t, enum diag_id id, struct span at, struct str text)
{
	diag_report(t->diags, id, at, STR_FMT, STR_ARG(text));
	node_where(t->diags, t->test->node);
}

/* ---- the request ---- */

static bool take_listener(struct tester *t)
{
	const struct m_str *name = &t->test->listener;

	for (uint32_t i = 0; i < t->p->n_listeners; i++)
		if (name->value.ptr != NULL &&
			str_eq(t->p->listeners[i].model->name.value, name->value)) {
			t->sample.listener = i;
			return true;
		}
	if (name->value.ptr == NULL)
		return true;
	report(t, DIAG_TEST_WRONG, name->at,
		arena_printf(t->arena, "there is no listener '" STR_FMT "'", STR_ARG(name->value)));
	return false;
}

static bool take_source(struct tester *t)
{
	struct str text = t->test->source.value;
	const char *address = text.ptr == NULL ? "" : arena_cstr(t->arena, text);

	if (text.ptr == NULL || inet_pton(AF_INET6, address, t->sample.source) == 1)
		return true;
	memset(t->sample.source + 10, 0xff, 2);
	if (inet_pton(AF_INET, address, t->sample.source + 12) == 1)
		return true;
	report(t, DIAG_TEST_WRONG, t->test->source.at,
		arena_printf(t->arena, "'" STR_FMT "' is no address", STR_ARG(text)));
	return false;
}

static bool take_headers(struct tester *t)
{
	for (size_t i = 0; i < t->test->n_headers; i++) {
		const struct m_field *f = &t->test->headers[i];

		if (sample_add_header(t->arena, &t->sample, f->name.value, f->value.value))
			continue;
		report(t, DIAG_TEST_WRONG, f->name.at,
			arena_printf(t->arena, "'" STR_FMT "' cannot be sent as a header field",
				STR_ARG(f->name.value)));
		return false;
	}
	return true;
}

/* ---- what happens ---- */

static void find_outcome(struct tester *t)
{
	struct lookup_result result;

	t->route = NULL;
	t->status = 400;
	if (t->sample.refused != NULL)
		return;
	result = sample_lookup(t->arena, t->p, &t->sample);
	t->status = result.allow != 0 ? 405 : 404;
	if (result.entry == PLAN_NONE)
		return;
	t->route = &t->p->routes[t->p->entries[result.entry].route];
	switch (t->route->action.kind) {
	case PLAN_ACTION_RESPOND:
	case PLAN_ACTION_REDIRECT:
		t->status = t->route->action.status;
		break;
	case PLAN_ACTION_ECHO:
		t->status = 200;
		break;
	default:
		t->status = 0;
	}
}

static struct str outcome_text(struct tester *t)
{
	if (t->sample.refused != NULL)
		return arena_printf(t->arena, "it is refused with 400: %s", t->sample.refused);
	if (t->route == NULL)
		return arena_printf(t->arena, "no route takes it (%u)", t->status);
	if (t->status != 0)
		return arena_printf(t->arena, "route '" STR_FMT "' takes it and answers %u",
			STR_ARG(t->route->name), t->status);
	return arena_printf(t->arena, "route '" STR_FMT "' takes it", STR_ARG(t->route->name));
}

static void fail(struct tester *t, struct span at, struct str wanted)
{
	struct str outcome = outcome_text(t);
	struct str curl = sample_curl(t->arena, t->p, &t->sample);

	report(t, DIAG_TEST_FAILED, at,
		arena_printf(t->arena, STR_FMT ", and " STR_FMT " is expected", STR_ARG(outcome),
			STR_ARG(wanted)));
	if (t->route != NULL)
		diag_note(t->diags, t->route->at, "'" STR_FMT "' is here", STR_ARG(t->route->name));
	if (curl.ptr != NULL && t->sample.refused == NULL)
		diag_note(t->diags, SPAN_NONE, "the request: " STR_FMT, STR_ARG(curl));
}

/* ---- what is expected ---- */

static bool is_known(struct tester *t, const struct m_str *name, bool is_route)
{
	const struct model *m = t->p->model;
	size_t n = is_route ? t->p->n_routes : m->n_backends;
	struct str *names = ARENA_ARRAY(t->arena, struct str, n);
	struct str nearest;

	for (size_t i = 0; i < n; i++) {
		names[i] = is_route ? t->p->routes[i].name : m->backends[i].name.value;
		if (str_eq(names[i], name->value))
			return true;
	}
	report(t, DIAG_TEST_WRONG, name->at,
		arena_printf(t->arena, "there is no %s '" STR_FMT "'",
			is_route ? "route" : "backend", STR_ARG(name->value)));
	nearest = diag_nearest(name->value, names, n);
	if (nearest.ptr != NULL)
		diag_note(t->diags, SPAN_NONE, "did you mean '" STR_FMT "'?", STR_ARG(nearest));
	return false;
}

static void expect_route(struct tester *t)
{
	const struct m_str *want = &t->test->route;

	if (want->value.ptr == NULL || !is_known(t, want, true))
		return;
	if (t->route == NULL || !str_eq(t->route->name, want->value))
		fail(t, want->at,
			arena_printf(t->arena, "route '" STR_FMT "'", STR_ARG(want->value)));
}

static void expect_status(struct tester *t)
{
	const struct m_u64 *want = &t->test->status;

	if (want->value == 0 || want->value == t->status)
		return;
	if (t->status != 0) {
		fail(t, want->at, arena_printf(t->arena, "status %u", (unsigned)want->value));
		return;
	}
	report(t, DIAG_TEST_WRONG, want->at,
		arena_printf(t->arena,
			"the status is what the action of route '" STR_FMT
			"' makes it, and not known here",
			STR_ARG(t->route->name)));
}

static bool uses_backend(const struct plan *p, const struct plan_action *a, struct str name)
{
	if (a->kind == PLAN_ACTION_BACKEND)
		return str_eq(p->backends[a->backend].model->name.value, name);
	for (uint32_t i = 0; a->kind == PLAN_ACTION_SPLIT && i < a->n_legs; i++)
		if (str_eq(p->backends[a->legs[i].backend].model->name.value, name))
			return true;
	return false;
}

static void expect_backend(struct tester *t)
{
	const struct m_str *want = &t->test->backend;

	if (want->value.ptr == NULL || !is_known(t, want, false))
		return;
	if (t->route == NULL || !uses_backend(t->p, &t->route->action, want->value))
		fail(t, want->at,
			arena_printf(t->arena, "backend '" STR_FMT "'", STR_ARG(want->value)));
}

static void expect_middlewares(struct tester *t)
{
	const struct m_strs *want = &t->test->middlewares;
	const struct plan_chain *chain = t->route == NULL || t->route->chain == PLAN_NONE
						 ? NULL
						 : &t->p->chains[t->route->chain];
	bool same = want->n == (chain == NULL ? 0 : chain->n);
	struct sbuf text = { 0 };

	for (size_t i = 0; i < want->n && same; i++)
		same = str_eq(t->p->mws[chain->mws[i]].name, want->at[i].value);
	if (same || !t->test->has_middlewares)
		return;
	sbuf_adds(&text, "the chain [");
	for (size_t i = 0; i < want->n; i++)
		sbuf_printf(&text, "%s" STR_FMT, i == 0 ? "" : ", ", STR_ARG(want->at[i].value));
	sbuf_adds(&text, "], not [");
	for (uint32_t i = 0; chain != NULL && i < chain->n; i++)
		sbuf_printf(&text, "%s" STR_FMT, i == 0 ? "" : ", ",
			STR_ARG(t->p->mws[chain->mws[i]].name));
	sbuf_adds(&text, "],");
	fail(t, want->n > 0 ? want->at[0].at : t->test->request.at,
		arena_str(t->arena, sbuf_str(&text)));
	sbuf_fini(&text);
}

static void run_test(struct tester *t)
{
	struct str error;

	if (!sample_parse(t->arena, t->p, t->test->request.value, &t->sample, &error)) {
		report(t, DIAG_TEST_WRONG, t->test->request.at, error);
		return;
	}
	if (!take_listener(t) || !take_source(t) || !take_headers(t))
		return;
	find_outcome(t);
	expect_route(t);
	expect_status(t);
	expect_backend(t);
	expect_middlewares(t);
}

void prove_tests(struct arena *a, struct diags *d, const struct plan *p)
{
	struct tester t = { .arena = a, .diags = d, .p = p };

	for (size_t i = 0; i < p->model->n_tests; i++) {
		t.test = &p->model->tests[i];
		if (!t.test->poisoned)
			run_test(&t);
	}
}
