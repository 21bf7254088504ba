/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The way from http to https: redirect_to_https, and HSTS, which keeps browsers there. */
#include "base/str.h"
#include "check/context.h"

/* What https://hstspreload.org asks for. */
#define PRELOAD_MS (365ull * 24 * 60 * 60 * 1000)

static void refuse_redirect(struct checker *c, const struct m_listener *l, const char *why, const char *advice)
{
	node_report(c->diags, l->to_https.node, DIAG_REDIRECT_TO_HTTPS, "%s", why);
	diag_note(c->diags, SPAN_NONE, "%s", advice);
}

static size_t count_https(const struct checker *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->model->n_listeners; i++)
		n += c->model->listeners[i].protocol == M_HTTPS;
	return n;
}

/* A port that is said may be one that something else maps to a listener; one that speaks http here is not. */
static void check_port(struct checker *c, const struct m_listener *l)
{
	for (size_t i = 0; i < c->model->n_listeners; i++) {
		const struct m_listener *other = &c->model->listeners[i];

		if (other->poisoned || other->protocol != M_HTTP || other->port.value != l->to_https.port.value)
			continue;
		check_report(c, l->node, "redirect_to_https.port", l->to_https.port.at, DIAG_REDIRECT_TO_HTTPS,
			"port %llu speaks plain http", (unsigned long long)other->port.value);
		diag_note(c->diags, other->port.at, "the listener '" STR_FMT "' is here", STR_ARG(other->name.value));
		return;
	}
}

void check_https_redirect(struct checker *c, const struct m_listener *l)
{
	if (!l->to_https.is_set)
		return;
	if (l->protocol == M_HTTPS)
		refuse_redirect(c, l, "an https listener cannot redirect to https: that would go round in circles",
			"it belongs to the http listener beside it");
	else if (l->to_https.port.value != 0)
		check_port(c, l);
	else if (c->model->lacks_listeners)
		return;
	else if (count_https(c) == 0)
		refuse_redirect(c, l, "there is no https listener to redirect to",
			"add one, or say where it is: redirect_to_https: {port: 443}");
	else if (model_https_port(c->model, l) == 0)
		refuse_redirect(c, l, "there are several https listeners, and none of them is on port 443",
			"say which one is meant: redirect_to_https: {port: 8443}");
}

void check_hsts(struct checker *c, const struct m_listener *l)
{
	const struct m_hsts *h = &l->hsts;

	if (!h->is_set)
		return;
	if (l->protocol != M_HTTPS && l->n_trusted == 0) {
		check_report(c, l->node, "hsts", h->at, DIAG_HSTS,
			"browsers heed it only in answers that come by https, and the listener '" STR_FMT "' speaks plain http",
			STR_ARG(l->name.value));
		diag_note(c->diags, SPAN_NONE, "write it at the https listener");
	} else if (h->preload.value && (!h->include_subdomains.value || h->max_age.value < PRELOAD_MS)) {
		check_report(c, l->node, "hsts.preload", h->preload.at, DIAG_HSTS,
			"no browser's list takes a host without include_subdomains and a max_age of a year");
		diag_note(c->diags, SPAN_NONE, "write {max_age: 365d, include_subdomains: true, preload: true}");
	}
}
