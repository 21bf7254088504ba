/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tls/offer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "tls/crl.h"

#define BITS_MOST 16384 /* of a key in a client's chain: verifying larger ones is a favour to attackers */

/* One name of one certificate, while the offer is made. */
struct claim {
	const char *name;
	uint32_t certificate; /* its place in the listener's list */
};

struct claims {
	struct claim *at;
	size_t n;
};

struct maker {
	const struct toron_tls *conf;
	struct pair *const *pairs;
	const struct secret *ca, *crl;
	struct offer *offer;
	uint32_t **members;   /* owned; of each set: certificates, the first word is their number */
	char *why;
};

static bool fail(const struct maker *m, const char *what, int rc)
{
	snprintf(m->why, SECRET_WHY_MAX, "%s: %s: %s", m->conf->origin, what, gnutls_strerror(rc));
	return false;
}

static const struct pair *pair_at(const struct maker *m, uint32_t i)
{
	return m->pairs[m->conf->certificates[i]->index];
}

/* ---- sets ---- */

static bool trust(const struct maker *m, gnutls_certificate_credentials_t to)
{
	const struct toron_tls *conf = m->conf;
	gnutls_datum_t ca = { (unsigned char *)m->ca->ptr, (unsigned)m->ca->len };
	int rc;

	if (conf->client_auth == TORON_CLIENT_NONE)
		return true;
	gnutls_certificate_set_verify_limits(to, BITS_MOST, TORON_TLS_CHAIN_MOST + 1);
	if (ca.size != 0) {
		rc = gnutls_certificate_set_x509_trust_mem(to, &ca, GNUTLS_X509_FMT_PEM);
		if (rc <= 0)
			return fail(m, conf->client_ca, rc == 0 ? GNUTLS_E_NO_CERTIFICATE_FOUND : rc);
	}
	rc = crl_add(to, m->crl);
	return rc == 0 || fail(m, conf->client_crl, rc);
}

static bool fill_set(const struct maker *m, gnutls_certificate_credentials_t set, const uint32_t *members)
{
	for (uint32_t i = 1; i <= members[0]; i++) {
		int rc = pair_add(pair_at(m, members[i]), set);

		if (rc < 0)
			return fail(m, m->conf->certificates[members[i]]->name, rc);
	}
	return trust(m, set);
}

static bool is_same_set(const uint32_t *a, const uint32_t *b)
{
	return a[0] == b[0] && memcmp(a + 1, b + 1, a[0] * sizeof(*a)) == 0;
}

/* The set of these certificates, perhaps a new one; UINT32_MAX: failed. */
static uint32_t set_of(struct maker *m, const uint32_t *members)
{
	struct offer *o = m->offer;
	size_t size = (members[0] + 1) * sizeof(*members);
	uint32_t *copy;

	for (uint32_t i = 0; i < o->n_sets; i++)
		if (is_same_set(m->members[i], members))
			return i;
	copy = malloc(size);
	if (copy == NULL || gnutls_certificate_allocate_credentials(&o->sets[o->n_sets]) != 0) {
		free(copy);
		fail(m, "certificates", GNUTLS_E_MEMORY_ERROR);
		return UINT32_MAX;
	}
	memcpy(copy, members, size);
	m->members[o->n_sets++] = copy;
	return fill_set(m, o->sets[o->n_sets - 1], copy) ? o->n_sets - 1 : UINT32_MAX;
}

/* ---- names ---- */

static int compare_claims(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (order != 0)
		return order;
	return x->certificate < y->certificate ? -1 : x->certificate > y->certificate;
}

static bool collect(struct maker *m, struct claims *c)
{
	size_t n = 0;

	for (uint32_t i = 0; i < m->conf->n_certificates; i++)
		n += pair_at(m, i)->n_names;
	c->at = calloc(n + 1, sizeof(*c->at));
	m->offer->names = calloc(n + 1, sizeof(*m->offer->names));
	m->offer->sets = calloc(n + 1, sizeof(*m->offer->sets));
	m->members = calloc(n + 1, sizeof(*m->members));
	if (c->at == NULL || m->offer->names == NULL || m->offer->sets == NULL || m->members == NULL)
		return fail(m, "certificates", GNUTLS_E_MEMORY_ERROR);
	for (uint32_t i = 0; i < m->conf->n_certificates; i++)
		for (uint32_t k = 0; k < pair_at(m, i)->n_names; k++)
			c->at[c->n++] = (struct claim){ pair_at(m, i)->names[k], i };
	qsort(c->at, c->n, sizeof(*c->at), compare_claims);
	return true;
}

/* The certificates that claim the name at `from`, into members; where the next name begins. */
static size_t gather(const struct claims *c, size_t from, uint32_t *members)
{
	size_t i = from;

	members[0] = 0;
	for (; i < c->n && strcmp(c->at[i].name, c->at[from].name) == 0; i++)
		if (members[0] == 0 || members[members[0]] != c->at[i].certificate)
			members[++members[0]] = c->at[i].certificate;
	return i;
}

/* Set 0: the first certificate, with those that are for the same name by keys of other kinds. */
static bool make_default(struct maker *m, const struct claims *c, uint32_t *members)
{
	const struct pair *first = pair_at(m, 0);

	for (size_t i = 0; first->n_names != 0 && i < c->n; i++) {
		if (strcmp(c->at[i].name, first->names[0]) == 0) {
			gather(c, i, members);
			return set_of(m, members) == 0;
		}
	}
	members[0] = 1;
	members[1] = 0;
	return set_of(m, members) == 0;
}

static bool make_names(struct maker *m, const struct claims *c, uint32_t *members)
{
	struct offer *o = m->offer;
	size_t next;

	for (size_t i = 0; i < c->n; i = next) {
		struct offer_name *n = &o->names[o->n_names];

		next = gather(c, i, members);
		n->set = set_of(m, members);
		if (n->set == UINT32_MAX)
			return false;
		n->name = strdup(c->at[i].name);
		if (n->name == NULL)
			return fail(m, "certificates", GNUTLS_E_MEMORY_ERROR);
		o->n_names++;
	}
	return true;
}

static void maker_fini(struct maker *m)
{
	for (uint32_t i = 0; m->members != NULL && m->offer != NULL && i < m->offer->n_sets; i++)
		free(m->members[i]);
	free(m->members);
}

struct offer *offer_new(const struct toron_tls *conf, struct pair *const *pairs, const struct secret *ca, const struct secret *crl,
	const unsigned char ticket_key[OFFER_TICKET_KEY], char why[SECRET_WHY_MAX])
{
	struct maker m = { .conf = conf, .pairs = pairs, .ca = ca, .crl = crl, .why = why };
	uint32_t *members = calloc(conf->n_certificates + 1u, sizeof(*members));
	struct claims c = { 0 };
	bool ok;

	m.offer = calloc(1, sizeof(*m.offer));
	if (m.offer == NULL || members == NULL) {
		fail(&m, "certificates", GNUTLS_E_MEMORY_ERROR);
		free(m.offer);
		free(members);
		return NULL;
	}
	atomic_init(&m.offer->refs, 1);
	memcpy(m.offer->ticket_key, ticket_key, OFFER_TICKET_KEY);
	m.offer->crl_due = crl_until(crl);
	ok = collect(&m, &c) && make_default(&m, &c, members) && make_names(&m, &c, members);
	maker_fini(&m);
	free(c.at);
	free(members);
	if (!ok)
		offer_release(&m.offer);
	return m.offer;
}

struct offer *offer_ref(struct offer *o)
{
	atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
	return o;
}

void offer_release(struct offer **offer)
{
	struct offer *o = *offer;

	*offer = NULL;
	if (o == NULL || atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (uint32_t i = 0; i < o->n_sets; i++)
		gnutls_certificate_free_credentials(o->sets[i]);
	for (uint32_t i = 0; i < o->n_names; i++)
		free(o->names[i].name);
	free(o->sets);
	free(o->names);
	explicit_bzero(o->ticket_key, sizeof(o->ticket_key));
	free(o);
}

static const struct offer_name *find(const struct offer *o, struct str name)
{
	uint32_t low = 0, high = o->n_names;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int order = str_cmp(name, str_of(o->names[mid].name));

		if (order == 0)
			return &o->names[mid];
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

gnutls_certificate_credentials_t offer_choose(const struct offer *o, struct str name)
{
	const struct offer_name *found = name.len != 0 ? find(o, name) : NULL;
	size_t dot = str_find_char(name, '.');
	char wild[256];

	if (found == NULL && dot < name.len && name.len - dot < sizeof(wild)) {
		wild[0] = '*';
		memcpy(wild + 1, name.ptr + dot, name.len - dot);
		found = find(o, (struct str){ wild, name.len - dot + 1 });
	}
	return o->sets[found != NULL ? found->set : 0];
}
