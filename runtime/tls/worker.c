/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tls/worker.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "toron/gateway.h"

#define TURN_US 2000u /* of a turn, after which the next handshakes wait for the next turn */
#define LINES_MOST 20u /* a second */
#define EARLY_WINDOW_MS (7u * 24u * 3600u * 1000u) /* the age of a ticket at most; with less, GnuTLS forgets the older ones in between */

static void on_turn_end(struct loop_task *t)
{
	CONTAINER_OF(t, struct tls_worker, turn_end)->shaken_us = 0;
}

/* Early data is read when its handshake is through, which a replayed first flight never is (session.h): there is nothing to remember. */
static int take_early(void *ptr, time_t expires, const gnutls_datum_t *key, const gnutls_datum_t *data)
{
	(void)ptr;
	(void)expires;
	(void)key;
	(void)data;
	return 0;
}

static bool wants_early(const struct toron_gateway *g)
{
	for (uint32_t i = 0; i < g->n_listeners; i++)
		if (g->listeners[i].tls != NULL && g->listeners[i].tls->early_data)
			return true;
	return false;
}

struct tls_worker *tls_worker_new(struct worker *w, struct tls *t)
{
	struct tls_worker *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->worker = w;
	k->tls = t;
	loop_task_init(&k->turn_end, on_turn_end);
	if (!wants_early(w->gateway))
		return k;
	if (gnutls_anti_replay_init(&k->early) != 0) {
		free(k);
		return NULL;
	}
	gnutls_anti_replay_set_window(k->early, EARLY_WINDOW_MS);
	gnutls_anti_replay_set_add_function(k->early, take_early);
	return k;
}

void tls_worker_free(struct tls_worker **w)
{
	if (*w == NULL)
		return;
	loop_task_cancel(&(*w)->turn_end);
	if ((*w)->early != NULL)
		gnutls_anti_replay_deinit((*w)->early);
	free(*w);
	*w = NULL;
}

bool tls_worker_may_shake(const struct tls_worker *w)
{
	return w->shaken_us < TURN_US;
}

void tls_worker_shook(struct tls_worker *w, uint64_t us)
{
	w->shaken_us += us + 1;
	loop_defer(w->worker->loop, &w->turn_end);
}

void tls_worker_log(struct tls_worker *w, enum log_level level, const char *event, const char *format, ...)
{
	uint64_t second = loop_now_ms(w->worker->loop) / 1000u;
	char text[1024];
	va_list args;

	if (second != w->log_second) {
		w->log_second = second;
		w->n_logged = 0;
	}
	if (w->n_logged++ >= LINES_MOST) {
		w->n_unlogged++;
		return;
	}
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (w->n_unlogged != 0)
		log_event(level, event, "%s (and %llu more like it before)", text, (unsigned long long)w->n_unlogged);
	else
		log_event(level, event, "%s", text);
	w->n_unlogged = 0;
}
