/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How the servers of a backend are asked whether they are fit. */
#include "base/str.h"
#include "model/build.h"

static void build_kind(struct builder *b, const struct node *map, struct m_health *out)
{
	const struct node *grpc = value_node(b, map, STR("grpc"));

	out->at = map->key_span.source != 0 ? map->key_span : map->span;
	if (grpc != NULL) {
		out->kind = M_HEALTH_GRPC;
		out->at = grpc->key_span.source != 0 ? grpc->key_span : grpc->span;
		out->service = value_str(b, grpc, STR("service"));
	} else if (value_node(b, map, STR("tcp")) != NULL) {
		out->kind = M_HEALTH_TCP;
	} else {
		out->kind = M_HEALTH_HTTP;
		out->path = value_str(b, map, STR("path"));
	}
}

static void build_statuses(struct builder *b, const struct node *list, struct m_health *out)
{
	if (list == NULL || list->kind != NODE_SEQ)
		return;
	out->statuses = ARENA_ARRAY(b->arena, uint16_t, list->n_children);
	for (const struct node *n = value_first(b, list); n != NULL; n = value_next(b, list, n))
		/* 200.0 is an integer to the schema. */
		out->statuses[out->n_statuses++] = (uint16_t)(n->kind == NODE_FLOAT ? (int64_t)n->real : n->integer);
}

void build_health(struct builder *b, const struct node *map, struct m_health *out)
{
	const struct node *timeout;

	*out = (struct m_health){ .is_set = map != NULL };
	if (map == NULL)
		return;
	build_kind(b, map, out);
	build_statuses(b, value_node(b, map, STR("status")), out);
	out->host = value_str(b, map, STR("host"));
	out->port = value_count(b, map, STR("port"));
	out->interval = value_ms(b, map, STR("interval"));
	out->timeout = value_ms(b, map, STR("timeout"));
	timeout = value_node(b, map, STR("timeout"));
	/* Who asks more often than usual need not say it twice. */
	if (timeout != NULL && (timeout->flags & NODE_DEFAULTED) != 0 && out->timeout.value > out->interval.value)
		out->timeout.value = out->interval.value;
	out->healthy_after = value_count(b, map, STR("healthy_after"));
	out->unhealthy_after = value_count(b, map, STR("unhealthy_after"));
}
