/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "model/build.h"

#include "base/str.h"

struct model *model_build(struct arena *a, struct diags *d, const struct node *root)
{
	struct model *m = ARENA_NEW(a, struct model);
	struct builder b = { .arena = a, .diags = d, .model = m };

	m->root = root;
	if (root == NULL || root->kind != NODE_MAP)
		return m;
	m->name = value_str(&b, root, STR("name"));
	build_forwarding(&b, value_node(&b, root, STR("forwarding")), NULL, &m->forwarding);
	build_errors(&b, value_node(&b, root, STR("errors")), NULL, &m->errors);
	build_log(&b, value_node(&b, root, STR("log")));
	build_runtime(&b, value_node(&b, root, STR("runtime")));
	build_routing(
		&b, value_node(&b, root,
			    STR("routing"))); /* before the routes: paths are normalised by it */
	build_listeners(&b, value_node(&b, root, STR("listeners")));
	build_backends(&b, value_node(&b, root, STR("backends")));
	build_middlewares(&b, value_node(&b, root, STR("middlewares")));
	build_routes(&b, value_node(&b, root, STR("routes")));
	build_tests(&b, value_node(&b, root, STR("tests")));
	build_invariants(&b, value_node(&b, root, STR("invariants")));

	m->listeners = b.listeners.at;
	m->n_listeners = b.listeners.n;
	m->routes = b.routes.at;
	m->n_routes = b.routes.n;
	m->backends = b.backends.at;
	m->n_backends = b.backends.n;
	m->middlewares = b.middlewares.at;
	m->n_middlewares = b.middlewares.n;
	m->tests = b.tests.at;
	m->n_tests = b.tests.n;
	m->invariants = b.invariants.at;
	m->n_invariants = b.invariants.n;
	m->pages = b.pages.at;
	m->n_pages = b.pages.n;
	return m;
}
