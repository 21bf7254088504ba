/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "model/build.h"

#include "base/str.h"

/* A section of which some part is not in the model. */
static bool lacks_some(const struct node *root, struct str key)
{
	const struct node *section = node_get(root, key);

	if (!node_is_whole(root) || (section != NULL && !node_is_whole(section)))
		return true;
	for (const struct node *item = section == NULL ? NULL : section->first; item != NULL; item = item->next) {
		/* Only of maps something is built. */
		if (item->kind != NODE_MAP)
			return true;
	}
	return false;
}

/* What is built may still be poisoned; what is not built is missing. */
static void find_gaps(struct builder *b)
{
	struct model *m = b->model;
	bool is_whole = !m->lacks_routing;

	m->lacks_listeners = lacks_some(m->root, STR("listeners"));
	m->lacks_routes = lacks_some(m->root, STR("routes"));
	m->lacks_backends = lacks_some(m->root, STR("backends"));
	m->lacks_middlewares = lacks_some(m->root, STR("middlewares"));
	m->lacks_certificates = lacks_some(m->root, STR("certificates"));
	for (size_t i = 0; i < m->n_listeners; i++) {
		is_whole = is_whole && !m->listeners[i].poisoned;
		m->lacks_listeners = m->lacks_listeners || m->listeners[i].name.value.ptr == NULL;
	}
	for (size_t i = 0; i < m->n_routes; i++)
		is_whole = is_whole && !m->routes[i].poisoned;
	for (size_t i = 0; i < m->n_backends; i++)
		is_whole = is_whole && !m->backends[i].poisoned;
	for (size_t i = 0; i < m->n_middlewares; i++)
		is_whole = is_whole && !m->middlewares[i].poisoned;
	m->is_whole = is_whole && !m->lacks_listeners && !m->lacks_routes && !m->lacks_backends && !m->lacks_middlewares;
}

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
	build_admin(&b, root);
	build_runtime(&b, value_node(&b, root, STR("runtime")));
	/* Before the routes: paths are normalised by it. */
	b.poisoned = false;
	build_routing(&b, value_node(&b, root, STR("routing")));
	m->lacks_routing = b.poisoned;
	build_listeners(&b, value_node(&b, root, STR("listeners")));
	build_certificates(&b, value_node(&b, root, STR("certificates")));
	build_backends(&b, value_node(&b, root, STR("backends")));
	build_middlewares(&b, value_node(&b, root, STR("middlewares")));
	build_routes(&b, value_node(&b, root, STR("routes")));
	build_redirects(&b);
	build_tests(&b, value_node(&b, root, STR("tests")));
	build_invariants(&b, value_node(&b, root, STR("invariants")));

	m->listeners = b.listeners.at;
	m->n_listeners = b.listeners.n;
	m->routes = b.routes.at;
	m->n_routes = b.routes.n;
	m->backends = b.backends.at;
	m->n_backends = b.backends.n;
	m->certificates = b.certificates.at;
	m->n_certificates = b.certificates.n;
	m->middlewares = b.middlewares.at;
	m->n_middlewares = b.middlewares.n;
	m->tests = b.tests.at;
	m->n_tests = b.tests.n;
	m->invariants = b.invariants.at;
	m->n_invariants = b.invariants.n;
	m->pages = b.pages.at;
	m->n_pages = b.pages.n;
	find_gaps(&b);
	return m;
}
