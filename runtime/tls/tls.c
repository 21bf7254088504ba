/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tls/tls.h"

#include <stdlib.h>

#include "base/log.h"
#include "loop/count.h"

/* ---- certificates ---- */

static bool files_changed(struct tls_certificate *k, const struct toron_certificate *conf)
{
	bool cert = file_stamp_changed(&k->cert, conf->cert), key = file_stamp_secret_changed(&k->key, &conf->key);
	bool passphrase = file_stamp_secret_changed(&k->passphrase, &conf->passphrase);

	return file_stamp_changed(&k->ocsp, conf->ocsp) || cert || key || passphrase;
}

/* The old ones stay until everything that is new is known to be good. */
static bool load(struct tls *t, uint32_t i, char why[SECRET_WHY_MAX])
{
	struct pair *fresh;

	if (pair_load(t->gateway->certificates[i], &fresh, why) != 0)
		return false;
	pair_free(&t->pairs[i]);
	t->pairs[i] = fresh;
	return true;
}

static void look_after(struct tls *t, uint32_t i)
{
	struct tls_certificate *k = &t->certificates[i];
	const struct toron_certificate *conf = t->gateway->certificates[i];
	char why[SECRET_WHY_MAX];

	bool changed = files_changed(k, conf);

	k->has_changed = false;
	pair_look(t->pairs[i], conf);
	if (!changed && k->n_failed == 0)
		return;
	if (changed)
		k->n_failed = 0;
	if (load(t, i, why)) {
		k->has_changed = true;
		k->n_failed = 0;
		t->n_loaded++;
		count_process(t->counts, COUNT_CERTIFICATES + COUNT_CERTIFICATES_LOADED, 1);
		log_event(LOG_INFO, "certificate-reloaded", "%s: certificate %s", conf->origin, conf->name);
		return;
	}
	/* Between the writing of a certificate and of its key they do not fit, and a moment later they do. What has been told is tried on:
	 * a certificate becomes valid, and descriptors become free, without a change of files. */
	if (++k->n_failed == 2) {
		t->n_refused++;
		count_process(t->counts, COUNT_CERTIFICATES + COUNT_CERTIFICATES_REFUSED, 1);
		log_event(LOG_ERROR, "certificate-refused", "%s; the one in use stays (refused since the start: %llu)", why,
			(unsigned long long)t->n_refused);
	}
}

static bool load_all(struct tls *t)
{
	char why[SECRET_WHY_MAX];
	bool ok = true;

	for (uint32_t i = 0; i < t->gateway->n_certificates; i++) {
		files_changed(&t->certificates[i], t->gateway->certificates[i]);
		if (load(t, i, why))
			continue;
		log_event(LOG_ERROR, "certificate-refused", "%s", why);
		ok = false;
	}
	return ok;
}

/* ---- the whole ---- */

static bool have_changed(const struct tls *t, const struct toron_tls *conf)
{
	for (uint32_t i = 0; i < conf->n_certificates; i++)
		if (t->certificates[conf->certificates[i]->index].has_changed)
			return true;
	return false;
}

static void tls_stop(struct tls **tls)
{
	struct tls *t = *tls;

	if (t == NULL)
		return;
	*tls = NULL;
	for (uint32_t i = 0; t->servers != NULL && i < t->gateway->n_listeners; i++)
		tls_server_fini(&t->servers[i]);
	for (uint32_t i = 0; t->clients != NULL && i < t->gateway->n_tls_clients; i++)
		tls_client_fini(&t->clients[i]);
	for (uint32_t i = 0; t->pairs != NULL && i < t->gateway->n_certificates; i++)
		pair_free(&t->pairs[i]);
	free(t->servers);
	free(t->clients);
	free(t->pairs);
	free(t->certificates);
	free(t);
}

static bool set_up(struct tls *t)
{
	const struct toron_gateway *g = t->gateway;
	bool ok = load_all(t);

	/* All of them, so that one start tells all that is wrong. */
	for (uint32_t i = 0; ok && i < g->n_listeners; i++)
		if (g->listeners[i].tls != NULL)
			ok = tls_server_init(&t->servers[i], &g->listeners[i], t->pairs) && ok;
	for (uint32_t i = 0; ok && i < g->n_tls_clients; i++)
		ok = tls_client_init(&t->clients[i], g->tls_clients[i], t->pairs) && ok;
	return ok;
}

static struct tls *tls_start(const struct toron_gateway *g)
{
	struct tls *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->gateway = g;
	t->pairs = calloc(g->n_certificates + 1u, sizeof(struct pair *));
	t->certificates = calloc(g->n_certificates + 1u, sizeof(*t->certificates));
	t->servers = calloc(g->n_listeners + 1u, sizeof(*t->servers));
	t->clients = calloc(g->n_tls_clients + 1u, sizeof(*t->clients));
	if (t->pairs == NULL || t->certificates == NULL || t->servers == NULL || t->clients == NULL) {
		log_event(LOG_ERROR, "start-failed", "out of memory");
		tls_stop(&t);
	} else if (!set_up(t)) {
		tls_stop(&t);
	}
	return t;
}

static void tls_look(struct tls *t, const struct counts *counts)
{
	const struct toron_gateway *g = t->gateway;

	t->counts = counts;
	for (uint32_t i = 0; i < g->n_certificates; i++)
		look_after(t, i);
	for (uint32_t i = 0; i < g->n_listeners; i++)
		if (g->listeners[i].tls != NULL)
			tls_server_look(&t->servers[i], t->pairs, have_changed(t, g->listeners[i].tls), counts);
	for (uint32_t i = 0; i < g->n_tls_clients; i++) {
		const struct toron_certificate *own = g->tls_clients[i]->certificate;

		tls_client_look(&t->clients[i], t->pairs, own != NULL && t->certificates[own->index].has_changed, counts);
	}
}

const struct toron_tls_engine toron_tls_engine_gnutls = {
	.start = tls_start,
	.stop = tls_stop,
	.look = tls_look,
	.worker_new = tls_worker_new,
	.worker_free = tls_worker_free,
	.target_new = tls_target_new,
	.target_free = tls_target_free,
	.target_secure = tls_target_secure,
};
