/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* admin, and metrics, which it serves. */
#include "base/str.h"
#include "model/build.h"

static void build_metrics(struct builder *b, const struct node *map, struct m_admin *out)
{
	const struct node *n = value_node(b, map, STR("prometheus"));
	struct m_str path = value_str(b, n, STR("path"));
	struct str query;

	if (path.value.ptr == NULL)
		return;
	if (uri_normalise(b->arena, path.value, 0, &out->metrics_path.value, &query) != URI_OK) {
		node_report(b->diags, value_node(b, n, STR("path")), DIAG_BAD_PATH,
			"'" STR_FMT "' is a path that no request has", STR_ARG(path.value));
		out->metrics_path.value = STR_NONE;
		b->poisoned = true;
		return;
	}
	out->metrics_path.at = path.at;
}

static void build_address(struct builder *b, const struct node *map, struct m_listener *out)
{
	struct m_str text = value_str(b, map, STR("address"));
	struct uri_authority at;

	if (text.value.ptr == NULL || uri_authority_parse(text.value, &at) != URI_OK) {
		b->poisoned = true;
		return;
	}
	out->address = (struct m_str){ at.host, text.at };
	out->port = (struct m_u64){ at.port, text.at };
}

void build_admin(struct builder *b, const struct node *root)
{
	struct m_admin *out = &b->model->admin;
	struct m_listener *l = &out->listener;
	const struct node *n = value_node(b, root, STR("admin"));

	b->poisoned = false;
	if (n == NULL)
		return;
	out->node = n;
	out->is_written = (n->flags & NODE_DEFAULTED) == 0;
	*l = (struct m_listener){ .node = n, .protocol = M_HTTP, .versions = M_HTTP_1 };
	l->name = (struct m_str){ STR("admin"), out->is_written ? n->key_span : SPAN_NONE };
	build_address(b, n, l);
	build_limits(b, value_node(b, n, STR("limits")), &l->limits);
	build_timeouts(b, value_node(b, n, STR("timeouts")), &l->timeouts);
	build_forwarding(b, NULL, &b->model->forwarding, &l->forwarding);
	out->token = build_secret(b, n, STR("token"));
	build_metrics(b, value_node(b, root, STR("metrics")), out);
	l->poisoned = b->poisoned;
	out->is_open = out->metrics_path.value.ptr != NULL;
}
