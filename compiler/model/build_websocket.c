/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a WebSocket may do. */
#include "base/str.h"
#include "model/build.h"

void build_websocket(struct builder *b, const struct node *map, struct m_websocket *out)
{
	*out = (struct m_websocket){ .is_set = map != NULL };
	if (map == NULL)
		return;
	out->at = map->key_span.source != 0 ? map->key_span : map->span;
	out->idle_timeout = value_ms(b, map, STR("idle_timeout"));
	out->total_timeout = value_ms(b, map, STR("total_timeout"));
	out->ping_interval = value_ms(b, map, STR("ping_interval"));
	out->close_timeout = value_ms(b, map, STR("close_timeout"));
	out->message_bytes = value_bytes(b, map, STR("message_bytes"));
	out->frame_bytes = value_bytes(b, map, STR("frame_bytes"));
}
