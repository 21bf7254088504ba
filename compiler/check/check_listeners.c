/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Listeners, and the operational sections. */
#include <string.h>

#include "base/str.h"
#include "check/context.h"
#include "schema/net_text.h"

static bool is_any_address(const struct m_listener *l)
{
	static const uint8_t zero[4];
	uint8_t addr[16];
	bool is_v4;

	if (l->address.value.ptr == NULL)
		return true;
	if (!net_text_ip(l->address.value, addr, &is_v4))
		return false;
	return is_v4 ? memcmp(addr + 12, zero, 4) == 0
		     : memcmp(addr, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16) == 0;
}

/* One address in several spellings is one address. "0.0.0.0" and "::" do not clash with each
 * other, but with "all". */
static bool same_address(const struct m_listener *x, const struct m_listener *y)
{
	uint8_t a[16], b[16];
	bool is_v4;

	if (x->address.value.ptr == NULL || y->address.value.ptr == NULL)
		return is_any_address(x) && is_any_address(y);
	return net_text_ip(x->address.value, a, &is_v4) &&
	       net_text_ip(y->address.value, b, &is_v4) && memcmp(a, b, 16) == 0;
}

static void check_clash(
	struct checker *c, const struct m_listener *l, const struct m_listener *earlier)
{
	check_report(c, l->node, "port", l->port.at, DIAG_LISTENER_CLASH,
		"port %llu is already taken by the listener '" STR_FMT "'",
		(unsigned long long)l->port.value, STR_ARG(earlier->name.value));
	diag_note(c->diags, earlier->port.at, "it is here");
}

static void check_pair(
	struct checker *c, const struct m_listener *l, const struct m_listener *earlier)
{
	bool clash = l->port.value == earlier->port.value && same_address(l, earlier);

	if (clash)
		check_clash(c, l, earlier);
	/* Two that have no name of their own have the same one only because they have the same
	 * port. */
	if (!str_eq(l->name.value, earlier->name.value) || clash)
		return;
	check_report(c, l->node, "name", l->name.at, DIAG_DUPLICATE_LISTENER,
		"there are two listeners '" STR_FMT "'", STR_ARG(l->name.value));
	diag_note(c->diags, earlier->name.at, "the first is here");
	if (node_get(l->node, STR("name")) == NULL)
		diag_note(c->diags, SPAN_NONE,
			"a listener without a name is called <protocol>-<port>; give one of them a "
			"name");
}

static void check_limits(struct checker *c, const struct m_listener *l)
{
	if (l->limits.uri_bytes.value <= l->limits.header_bytes.value)
		return;
	check_report(c, l->node, "limits", l->limits.uri_bytes.at, DIAG_LIMIT_ORDER,
		"'uri_bytes' (%llu) is greater than 'header_bytes' (%llu), of which it is a part",
		(unsigned long long)l->limits.uri_bytes.value,
		(unsigned long long)l->limits.header_bytes.value);
}

/* What the user wrote about HTTP/2, in a listener that does not speak it. */
static void check_h2(struct checker *c, const struct m_listener *l)
{
	static const struct str keys[] = { STR_INIT("streams"), STR_INIT("h2") };
	const struct node *limits = node_get(l->node, STR("limits"));

	for (size_t i = 0; limits != NULL && (l->versions & M_HTTP_2) == 0 && i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct node *n = node_get(limits, keys[i]);

		if (n != NULL && (n->flags & NODE_DEFAULTED) == 0)
			node_key_report(c->diags, n, DIAG_H2_NOT_SPOKEN,
				"'" STR_FMT "' is about HTTP/2, which this listener's http_versions leave out",
				STR_ARG(keys[i]));
	}
}

/* What ALPN offers must be spoken. */
static void check_alpn(struct checker *c, const struct m_listener *l)
{
	for (size_t i = 0; i < l->tls.alpn.n; i++) {
		const struct m_str *name = &l->tls.alpn.at[i];

		if ((l->versions & (str_eq(name->value, STR("h2")) ? M_HTTP_2 : M_HTTP_1)) == 0)
			check_report(c, l->node, "tls.alpn", name->at, DIAG_H2_NOT_SPOKEN,
				"'" STR_FMT "' is offered, but this listener's http_versions leave it out",
				STR_ARG(name->value));
	}
}

static bool is_served(const struct checker *c, const struct m_listener *l)
{
	const struct model *m = c->model;

	for (size_t i = 0; i < m->n_routes; i++) {
		const struct m_strs *names = &m->routes[i].listeners;

		if (names->n == 0)
			return true;
		for (size_t k = 0; k < names->n; k++) {
			if (str_eq(names->at[k].value, l->name.value))
				return true;
		}
	}
	return false;
}

static void check_trust(struct checker *c, const struct m_listener *l)
{
	for (size_t i = 0; i < l->n_trusted; i++) {
		bool is_v4 = memcmp(l->trusted[i].addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0;

		if (l->trusted[i].bits > (is_v4 ? 96 : 0))
			continue;
		check_report(c, l->node, "trusted_proxies", l->trusted[i].text.at, DIAG_TRUSTS_ALL,
			"'" STR_FMT "' is every client: each may claim any address",
			STR_ARG(l->trusted[i].text.value));
	}
}

/* The fields of the gateway itself cannot be refused to a client. */
static void check_strip(struct checker *c, const struct node *n, const struct m_forwarding *f)
{
	for (size_t i = 0; i < f->strip.n; i++)
		if (str_eq(f->strip.at[i].value, STR("host")) ||
			check_is_connection_field(f->strip.at[i].value))
			check_report(c, n, "forwarding.strip", f->strip.at[i].at, DIAG_HEADER_REFUSED,
				"'" STR_FMT "' is kept by the gateway itself",
				STR_ARG(f->strip.at[i].value));
}

static void check_log_fields(struct checker *c)
{
	const struct m_log *log = &c->model->log;

	if (log->access.n_fields > 0 && log->access.line.n > 0)
		check_report(c, c->model->root, "log.access.format", log->access.line.at,
			DIAG_LOG_FIELDS, "'fields' are of JSON lines, and this line is a template");
}

void check_listeners(struct checker *c)
{
	const struct model *m = c->model;

	for (size_t i = 0; i < m->n_listeners; i++) {
		const struct m_listener *l = &m->listeners[i];

		if (l->poisoned)
			continue;
		for (size_t k = 0; k < i; k++) {
			if (!m->listeners[k].poisoned)
				check_pair(c, l, &m->listeners[k]);
		}
		check_limits(c, l);
		check_tls(c, l);
		check_https_redirect(c, l);
		check_hsts(c, l);
		check_h2(c, l);
		check_alpn(c, l);
		check_trust(c, l);
		check_strip(c, l->node, &l->forwarding);
		if (!c->is_partial && !is_served(c, l))
			check_report(c, l->node, NULL, l->name.at, DIAG_IDLE_LISTENER,
				"no route serves the listener '" STR_FMT
				"': it answers everything with 404",
				STR_ARG(l->name.value));
	}
}

static bool is_loopback(const struct m_listener *l)
{
	uint8_t addr[16];
	bool is_v4;

	if (!net_text_ip(l->address.value, addr, &is_v4))
		return false;
	return is_v4 ? addr[12] == 127 : memcmp(addr, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16) == 0;
}

/* The gateway's own listener and one of the config. */
static void check_admin_pair(struct checker *c, const struct m_listener *own, const struct m_listener *l)
{
	if (str_eq(own->name.value, l->name.value))
		check_report(c, l->node, "name", l->name.at, DIAG_DUPLICATE_LISTENER,
			"'" STR_FMT "' is the listener that serves metrics", STR_ARG(l->name.value));
	if (own->port.value != l->port.value || !same_address(own, l))
		return;
	if (c->model->admin.is_written) {
		check_report(c, own->node, "address", own->port.at, DIAG_LISTENER_CLASH,
			"port %llu is already taken by the listener '" STR_FMT "'", (unsigned long long)own->port.value,
			STR_ARG(l->name.value));
	} else {
		node_key_report(c->diags, node_get(c->model->root, STR("metrics")), DIAG_LISTENER_CLASH,
			"metrics are served on port %llu, which is taken by the listener '" STR_FMT "'",
			(unsigned long long)own->port.value, STR_ARG(l->name.value));
		diag_note(c->diags, SPAN_NONE, "another address is given by admin: {address: ...}");
	}
	diag_note(c->diags, l->port.at, "it is here");
}

static void check_admin(struct checker *c)
{
	const struct m_admin *a = &c->model->admin;

	if (!a->is_open && a->is_written && node_is_whole(a->node) && node_get(c->model->root, STR("metrics")) == NULL) {
		node_key_report(c->diags, a->node, DIAG_IDLE_LISTENER, "'admin' has no effect: there is nothing to serve");
		diag_note(c->diags, SPAN_NONE, "write metrics: {} beside it");
	}
	if (!a->is_open || a->listener.poisoned)
		return;
	for (size_t i = 0; i < c->model->n_listeners; i++)
		if (!c->model->listeners[i].poisoned)
			check_admin_pair(c, &a->listener, &c->model->listeners[i]);
	check_limits(c, &a->listener);
	check_h2(c, &a->listener);
	if (a->token.kind == M_SECRET_LITERAL)
		check_report(c, a->node, "token", a->token.at, DIAG_SECRET_LITERAL,
			"a secret in the configuration ends up in the binary");
	if (a->token.kind == M_SECRET_NONE && !is_loopback(&a->listener)) {
		check_report(c, a->node, "address", a->listener.address.at, DIAG_ADMIN_OPEN,
			"whoever reaches '" STR_FMT "' can read all metrics", STR_ARG(a->listener.address.value));
		diag_note(c->diags, SPAN_NONE, "add a token: {env: NAME}, or listen on 127.0.0.1");
	}
}

void check_operations(struct checker *c)
{
	const struct node *log =
		c->model->root == NULL ? NULL : node_get(c->model->root, STR("log"));
	const struct node *access = log == NULL ? NULL : node_get(log, STR("access"));
	const struct node *enabled = access == NULL ? NULL : node_get(access, STR("enabled"));

	check_log_fields(c);
	check_admin(c);
	if (enabled == NULL || !node_is_whole(access) || (enabled->flags & NODE_DEFAULTED) == 0 ||
		c->model->log.access.enabled.value)
		return;
	for (const struct node *n = access->first; n != NULL; n = n->next) {
		if ((n->flags & NODE_DEFAULTED) != 0)
			continue;
		node_key_report(c->diags, n, DIAG_ACCESS_LOG_OFF,
			"'" STR_FMT "' has no effect: the access log is not enabled",
			STR_ARG(n->key));
		diag_note(c->diags, SPAN_NONE, "write enabled: true beside it");
		return;
	}
}
