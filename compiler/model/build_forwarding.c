/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How servers learn whom a request comes from. */
#include "base/check.h"
#include "base/str.h"
#include "model/build.h"
#include "toron/gateway.h"

static const struct {
	struct str name;
	unsigned bit;
} sendable[] = {
	{ STR_INIT("via"), TORON_FORWARD_VIA },
	{ STR_INIT("x-forwarded-for"), TORON_FORWARD_FOR },
	{ STR_INIT("x-forwarded-proto"), TORON_FORWARD_PROTO },
	{ STR_INIT("x-forwarded-host"), TORON_FORWARD_HOST },
	{ STR_INIT("x-forwarded-port"), TORON_FORWARD_PORT },
	{ STR_INIT("x-real-ip"), TORON_FORWARD_REAL_IP },
	{ STR_INIT("forwarded"), TORON_FORWARD_FORWARDED },
};

static unsigned build_send(struct builder *b, const struct node *map)
{
	struct m_strs names = value_strs(b, map, STR("send"));
	unsigned send = 0;

	for (size_t i = 0; i < names.n; i++)
		for (size_t k = 0; k < ARRAY_LEN(sendable); k++)
			if (str_eq(names.at[i].value, sendable[k].name))
				send |= sendable[k].bit;
	return send;
}

void build_forwarding(struct builder *b, const struct node *map, const struct m_forwarding *base,
	struct m_forwarding *out)
{
	struct m_str trust = value_str(b, map, STR("trust"));

	*out = base != NULL ? *base : (struct m_forwarding){ .send = 0 };
	if (value_node(b, map, STR("send")) != NULL)
		out->send = build_send(b, map);
	if (trust.value.ptr != NULL)
		out->reads_forwarded = str_eq(trust.value, STR("forwarded"));
	if (value_node(b, map, STR("strip")) == NULL)
		return;
	out->strip = value_strs(b, map, STR("strip"));
	for (size_t i = 0; i < out->strip.n; i++)
		out->strip.at[i].value = build_lower(b->arena, out->strip.at[i].value);
}
