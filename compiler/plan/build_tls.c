/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "base/check.h"
#include "base/str.h"
#include "plan/build.h"
#include "plan/priority.h"

/* PLAN_NONE if there is no such certificate. */
static uint32_t find_certificate(struct builder *b, struct str name)
{
	uint32_t id = index_get(&b->certificate_ids, name);
	const struct m_certificate *m = map_get(&b->certificate_names, name);

	if (id != PLAN_NONE)
		return id;
	if (m == NULL) {
		plan_build_unresolved(b);
		return PLAN_NONE;
	}
	id = (uint32_t)b->certificates.n;
	vec_push(b->arena, &b->certificates, m);
	CHECK(map_add(&b->certificate_ids, name, index_value(id)));
	return id;
}

/* What is offered when the config does not say: all that the listener speaks. */
static void build_alpn(struct builder *b, const struct m_listener *l, struct plan_tls *out)
{
	const struct m_strs *names = &l->tls.alpn;

	out->alpn = ARENA_ARRAY(b->arena, struct str, names->n + 2);
	for (size_t i = 0; i < names->n; i++)
		out->alpn[out->n_alpn++] = names->at[i].value;
	if (names->n == 0 && (l->versions & M_HTTP_2) != 0)
		out->alpn[out->n_alpn++] = STR("h2");
	if (names->n == 0 && (l->versions & M_HTTP_1) != 0)
		out->alpn[out->n_alpn++] = STR("http/1.1");
}

const struct plan_tls *plan_build_tls(struct builder *b, const struct m_listener *l)
{
	struct tls_policy policy = tls_policy_of(&l->tls);
	struct plan_tls *out;

	if (l->protocol != M_HTTPS)
		return NULL;
	out = ARENA_NEW(b->arena, struct plan_tls);
	*out = (struct plan_tls){
		.model = &l->tls,
		.certificates = ARENA_ARRAY(b->arena, uint32_t, l->tls.certificates.n),
		.priority = priority_of_listener(b->arena, &policy),
		.has_1_2 = policy.v1_2,
	};
	for (size_t i = 0; i < l->tls.certificates.n; i++) {
		uint32_t id = find_certificate(b, l->tls.certificates.at[i].value);

		if (id != PLAN_NONE)
			out->certificates[out->n_certificates++] = id;
	}
	if (out->n_certificates == 0)
		plan_build_unresolved(b);
	build_alpn(b, l, out);
	return out;
}

const struct plan_tls_client *plan_build_tls_client(struct builder *b, const struct m_backend *m)
{
	struct plan_tls_client *out;

	if (m->n_servers == 0 || !m->servers[0].is_tls)
		return NULL;
	out = ARENA_NEW(b->arena, struct plan_tls_client);
	*out = (struct plan_tls_client){
		.model = &m->tls,
		.index = b->plan->n_tls_clients++,
		.certificate = PLAN_NONE,
		.priority = priority_of_backend(b->arena),
	};
	if (m->tls.certificate.value.ptr != NULL)
		out->certificate = find_certificate(b, m->tls.certificate.value);
	return out;
}
