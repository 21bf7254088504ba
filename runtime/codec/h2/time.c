/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Time limits of a connection and its streams, over the one timer that the connection has: it is set to the earliest one, and who
 * got on in the meantime is not due when it fires. */
#include "codec/h2/h2.h"

void h2_time_due(struct h2 *h, uint64_t at_ms)
{
	uint64_t now = loop_now_ms(h->conn.worker->loop);

	if (h->closed || at_ms == 0 || (h->due_ms != 0 && h->due_ms <= at_ms))
		return;
	h->due_ms = at_ms;
	conn_deadline(&h->conn, at_ms > now ? at_ms - now : 1);
}

void h2_time_in(struct h2_stream *s)
{
	s->in_ms = loop_now_ms(s->h->conn.worker->loop);
	h2_time_due(s->h, s->h->role->stream_due(s));
}

void h2_time_out(struct h2_stream *s)
{
	s->out_ms = loop_now_ms(s->h->conn.worker->loop);
	h2_time_due(s->h, s->h->role->stream_due(s));
}

bool h2_time_may_send(const struct h2_stream *s, uint32_t window)
{
	return s->in == H2_IN_BODY && s->taken - s->credited < window / 2 &&
	       nghttp2_session_get_local_window_size(s->h->session) > 0;
}

void h2_time_window(struct h2 *h)
{
	bool was_shut = h->shut;

	h->shut = nghttp2_session_get_local_window_size(h->session) <= 0;
	if (h->shut || !was_shut)
		return;
	for (struct list *l = h->streams.next; l != &h->streams; l = l->next) {
		struct h2_stream *s = CONTAINER_OF(l, struct h2_stream, link);

		s->in_pace.since_ms = 0;
		if (s->leg.x != NULL)
			h2_time_in(s);
	}
}

uint64_t h2_time_stuck(const struct h2_stream *s)
{
	const struct h2 *h = s->h;

	if (nghttp2_session_get_stream_remote_window_size(h->session, s->id) <= 0)
		return s->out_ms;
	return s->out_ms > h->framed_ms ? s->out_ms : h->framed_ms;
}

void h2_timeout(struct conn *c)
{
	struct h2 *h = CONTAINER_OF(c, struct h2, conn);
	uint64_t now = loop_now_ms(h->conn.worker->loop), at;

	CHECK_MAGIC(h, H2_MAGIC);
	h->due_ms = 0;
	for (struct list *l = h->streams.next, *next; l != &h->streams; l = next) {
		struct h2_stream *s = CONTAINER_OF(l, struct h2_stream, link);

		next = l->next;
		at = h->role->stream_due(s);
		if (at == 0 || at > now) {
			h2_time_due(h, at);
			continue;
		}
		/* It may be freed, and the connection closed; an exchange that failed does not touch others. */
		h->role->stream_overdue(s);
		if (h->closed)
			return;
	}
	at = h->role->due(h);
	if (at != 0 && at <= now)
		h->role->overdue(h);
	h2_time_due(h, h->role->due(h));
}
