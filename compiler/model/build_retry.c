/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* When a request is sent once more. */
#include "base/check.h"
#include "base/str.h"
#include "model/build.h"
#include "toron/gateway.h"

static const struct str reasons[] = { STR_INIT("connect-failure"), STR_INIT("reset"), STR_INIT("timeout") };

/* By code. */
static const struct str grpc_names[] = {
	STR_INIT("ok"), STR_INIT("cancelled"), STR_INIT("unknown"), STR_INIT("invalid-argument"),
	STR_INIT("deadline-exceeded"), STR_INIT("not-found"), STR_INIT("already-exists"),
	STR_INIT("permission-denied"), STR_INIT("resource-exhausted"), STR_INIT("failed-precondition"),
	STR_INIT("aborted"), STR_INIT("out-of-range"), STR_INIT("unimplemented"), STR_INIT("internal"),
	STR_INIT("unavailable"), STR_INIT("data-loss"), STR_INIT("unauthenticated"),
};

const char *model_grpc_name(unsigned code)
{
	return code < ARRAY_LEN(grpc_names) ? grpc_names[code].ptr : "?";
}

static void add_reason(struct m_retry *out, struct str name)
{
	for (unsigned i = 0; i < ARRAY_LEN(reasons); i++)
		if (str_eq(name, reasons[i]))
			out->on |= 1u << i;
	for (unsigned i = 0; i < ARRAY_LEN(grpc_names); i++)
		if (str_eq(name, grpc_names[i]))
			out->grpc |= 1u << i;
}

static void build_on(struct builder *b, const struct node *list, struct m_retry *out)
{
	if (list == NULL || list->kind != NODE_SEQ)
		return;
	out->statuses = ARENA_ARRAY(b->arena, uint16_t, list->n_children);
	for (const struct node *n = value_first(b, list); n != NULL; n = value_next(b, list, n)) {
		if (n->kind == NODE_INT)
			out->statuses[out->n_statuses++] = (uint16_t)n->integer;
		else if (n->kind == NODE_FLOAT) /* 503.0 is an integer to the schema */
			out->statuses[out->n_statuses++] = (uint16_t)n->real;
		else
			add_reason(out, n->text);
	}
}

static uint32_t build_methods(struct builder *b, const struct node *map)
{
	static const struct {
		struct str name;
		uint32_t bits;
	} methods[] = {
		{ STR_INIT("GET"), TORON_GET | TORON_HEAD },
		{ STR_INIT("HEAD"), TORON_HEAD },
		{ STR_INIT("POST"), TORON_POST },
		{ STR_INIT("PUT"), TORON_PUT },
		{ STR_INIT("PATCH"), TORON_PATCH },
		{ STR_INIT("DELETE"), TORON_DELETE },
		{ STR_INIT("OPTIONS"), TORON_OPTIONS },
		{ STR_INIT("TRACE"), TORON_TRACE },
	};
	struct m_strs names = value_strs(b, map, STR("methods"));
	uint32_t bits = 0;

	for (size_t i = 0; i < names.n; i++)
		for (size_t k = 0; k < ARRAY_LEN(methods); k++)
			if (str_eq(names.at[i].value, methods[k].name))
				bits |= methods[k].bits;
	return bits;
}

void build_retry(struct builder *b, const struct node *map, struct m_retry *out)
{
	*out = (struct m_retry){ .is_set = map != NULL };
	if (map == NULL)
		return;
	out->at = map->key_span.source != 0 ? map->key_span : map->span;
	out->attempts = value_count(b, map, STR("attempts"));
	build_on(b, value_node(b, map, STR("on")), out);
	out->methods = build_methods(b, map);
	out->per_try_timeout = value_ms(b, map, STR("per_try_timeout"));
	out->backoff = value_ms(b, map, STR("backoff"));
	out->budget_ppm = value_ppm(b, map, STR("budget"));
	out->body_bytes = value_bytes(b, map, STR("body_bytes"));
}
