/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whether the certificates of a listener do: for the hosts of the routes that it serves, and for fast handshakes. */
#include "base/str.h"
#include "pki/context.h"

static const struct chain *chain_of(struct pki *p, const struct m_listener *l, size_t i)
{
	const struct chain *c = map_get(&p->by_name, l->tls.certificates.at[i].value);

	return c != NULL && c->n > 0 ? c : NULL;
}

/* Signing with RSA takes a core some ten times as long as with P-256. */
static void check_kinds(struct pki *p, const struct m_listener *l)
{
	for (size_t i = 0; i < l->tls.certificates.n; i++) {
		const struct chain *c = chain_of(p, l, i);

		if (c == NULL || gnutls_x509_crt_get_pk_algorithm(c->at[0], NULL) != GNUTLS_PK_RSA)
			return;
	}
	if (l->tls.certificates.n == 0)
		return;
	pki_report(p, l->node, "tls.certificates", l->tls.certificates.at[0].at, DIAG_PKI_RSA_ONLY,
		"all certificates of the listener '" STR_FMT "' have RSA keys, which makes handshakes slow", STR_ARG(l->name.value));
	diag_note(p->diags, SPAN_NONE, "one with a P-256 key beside it serves all clients of the last ten years: certificates: [ecdsa, rsa]");
}

static bool covers(gnutls_x509_crt_t crt, struct pki *p, const struct m_host *h)
{
	struct str name = h->kind == M_HOST_EXACT ? h->text.value : arena_printf(p->arena, "any" STR_FMT, STR_ARG(h->text.value));

	return gnutls_x509_crt_check_hostname2(crt, arena_cstr(p->arena, name), 0) != 0;
}

static void check_host(struct pki *p, const struct m_listener *l, const struct m_route *r, const struct m_host *h)
{
	for (size_t i = 0; i < l->tls.certificates.n; i++) {
		const struct chain *c = chain_of(p, l, i);

		/* Nobody knows what is in it. */
		if (c == NULL || covers(c->at[0], p, h))
			return;
	}
	pki_report(p, r->node, "match.host", h->text.at, DIAG_PKI_NAME,
		"no certificate of the listener '" STR_FMT "' is for '%s" STR_FMT "': clients will refuse it", STR_ARG(l->name.value),
		h->kind == M_HOST_WILDCARD ? "*" : "", STR_ARG(h->text.value));
	diag_note(p->diags, l->tls.certificates.at[0].at, "its certificates are here");
}

static bool serves(const struct m_route *r, const struct m_listener *l)
{
	for (size_t i = 0; i < r->listeners.n; i++)
		if (str_eq(r->listeners.at[i].value, l->name.value))
			return true;
	return r->listeners.n == 0;
}

void pki_check_listener(struct pki *p, const struct m_listener *l)
{
	check_kinds(p, l);
	for (size_t i = 0; i < p->model->n_routes && l->tls.certificates.n > 0; i++) {
		const struct m_route *r = &p->model->routes[i];

		for (size_t k = 0; k < r->match.n_hosts && !r->poisoned && serves(r, l); k++)
			check_host(p, l, r, &r->match.hosts[k]);
	}
}
